# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in makes of a machine configuration: the checks of a node, its diff, and what it needs to know."""

from __future__ import annotations

import base64
import binascii
import difflib
import functools
from typing import Any, NamedTuple

import yaml

# libyaml where it is there: a lab of hundreds of nodes parses a lot.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _words(text: str) -> set[str]:
    return set(text.split())


# Talos refuses what it does not know, so the stand-in does too: a typing error must not pass the rehearsal.
_BASE_KEYS = {"version", "debug", "persist", "machine", "cluster"}
_MACHINE_KEYS = _words(
    "type token ca acceptedCAs certSANs controlPlane kubelet pods network disks install files env time "
    "sysctls sysfs registries systemDiskEncryption features udev logging kernel seccompProfiles "
    "baseRuntimeSpecOverrides nodeLabels nodeAnnotations nodeTaints"
)
_CLUSTER_KEYS = _words(
    "id secret controlPlane clusterName network token aescbcEncryptionSecret secretboxEncryptionSecret ca "
    "acceptedCAs aggregatorCA serviceAccount apiServer controllerManager proxy scheduler discovery etcd "
    "coreDNS externalCloudProvider extraManifests extraManifestHeaders inlineManifests adminKubeconfig "
    "allowSchedulingOnMasters allowSchedulingOnControlPlanes"
)
_IMMEDIATE_MACHINE_KEYS = _words(
    "ca acceptedCAs time certSANs install network sysfs sysctls logging controlPlane kubelet kernel "
    "registries pods seccompProfiles nodeAnnotations nodeLabels nodeTaints"
)
_IMMEDIATE_FEATURES = _words("kubernetesTalosAPIAccess kubePrism hostDNS imageCache nodeAddressSortAlgorithm")
# The release that first knew the kind of document.
_KINDS = {
    (1, 9): "EventSinkConfig ExtensionServiceConfig KmsgLogConfig KubeSpanEndpointsConfig NetworkDefaultActionConfig "
    "NetworkRuleConfig SideroLinkConfig TrustedRootsConfig VolumeConfig WatchdogTimerConfig",
    (1, 10): "EthernetConfig PCIDriverRebindConfig UserVolumeConfig",
    (1, 11): "ExistingVolumeConfig RawVolumeConfig SwapVolumeConfig ZswapConfig",
    (1, 12): "BondConfig BridgeConfig DHCPv4Config DHCPv6Config DummyLinkConfig HCloudVIPConfig HostnameConfig "
    "Layer2VIPConfig LinkAliasConfig LinkConfig OOMConfig RegistryAuthConfig RegistryMirrorConfig RegistryTLSConfig "
    "ResolverConfig StaticHostConfig TimeSyncConfig VLANConfig WireguardConfig",
    (1, 13): "BlackholeRouteConfig EnvironmentConfig ExternalVolumeConfig ImageVerificationConfig KubeSpanConfig "
    "RoutingRuleConfig TCPProbeConfig VRFConfig",
}


class ConfigError(Exception):
    """A configuration that a node refuses."""


class Config(NamedTuple):
    """A configuration that a node takes."""

    text: str
    documents: list[dict[str, Any]]

    @property
    def base(self) -> dict[str, Any]:
        """Return the document with machine and cluster."""
        return next((document for document in self.documents if not document.get("kind")), {})

    @property
    def machine(self) -> dict[str, Any]:
        """Return the section on the machine."""
        return self.base.get("machine") or {}

    @property
    def cluster(self) -> dict[str, Any]:
        """Return the section on the cluster."""
        return self.base.get("cluster") or {}

    @property
    def is_control_plane(self) -> bool:
        """Tell whether etcd and the control plane run here."""
        return self.machine.get("type") in ("controlplane", "init")

    @property
    def identity(self) -> str:
        """Return what the members of one cluster share."""
        return f"{self.cluster.get('id')} {self.cluster.get('secret')}"

    @property
    def endpoint(self) -> str:
        """Return where the cluster's Kubernetes API is."""
        return str((self.cluster.get("controlPlane") or {}).get("endpoint", ""))

    def documents_of(self, kind: str) -> list[dict[str, Any]]:
        """Return the documents of a kind."""
        return [document for document in self.documents if document.get("kind") == kind]

    def pem(self, *path: str) -> bytes:
        """Return the PEM under cluster or machine, or nothing."""
        found: Any = self.base
        for key in path:
            found = (found or {}).get(key)
        return base64.b64decode(found or "")


@functools.lru_cache(maxsize=64)
def parse(text: bytes, release: tuple[int, int]) -> Config:
    """Return the configuration, or say why a node of the release refuses it."""
    try:
        documents = [document for document in yaml.load_all(text.decode(), _LOADER) if document is not None]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"yaml: {error}") from error
    if not documents:
        raise ConfigError("no configuration documents provided")
    for document in documents:
        _check_document(document, release)
    _check_duplicates(documents)
    config = Config(text.decode(), documents)
    _check_base(config)
    return config


def _check_document(document: Any, release: tuple[int, int]) -> None:
    if not isinstance(document, dict):
        raise ConfigError("expected a YAML document at line 1")
    kind, version = document.get("kind"), document.get("apiVersion")
    if kind is None and set(document) & _BASE_KEYS:
        _check_keys(document, _BASE_KEYS, "")
        _check_keys(document.get("machine") or {}, _MACHINE_KEYS, "machine")
        _check_keys(document.get("cluster") or {}, _CLUSTER_KEYS, "cluster")
        return
    if kind is None or version is None:
        missing = "kind" if kind is None else "apiVersion"
        raise ConfigError(f"error decoding document {version or ''}/{kind or 'v1alpha1'}/ (line 1): missing {missing}")
    known = {name for since, names in _KINDS.items() if release >= since for name in names.split()}
    if release < (1, 14) and kind not in known:
        name = document.get("name", "")
        raise ConfigError(
            f'error decoding document {version}/{kind}/{name} (line 1): "{kind}" "{version}": not registered'
        )
    if kind == "HostnameConfig" and document.get("hostname") and document.get("auto", "off") != "off":
        raise ConfigError("1 error occurred:\n\t* static hostname cannot be set along with automatic hostname\n\n")


def _check_keys(section: Any, known: set[str], name: str) -> None:
    if not isinstance(section, dict):
        raise ConfigError(f"error decoding document /v1alpha1/ (line 1): {name} is not a map")
    unknown = {key: value for key, value in section.items() if key not in known}
    if unknown:
        told = yaml.safe_dump({name: unknown} if name else unknown, indent=4)
        raise ConfigError(f"error decoding document /v1alpha1/ (line 1): unknown keys found during decoding:\n{told}")


def _check_duplicates(documents: list[dict[str, Any]]) -> None:
    seen = set()
    for document in documents:
        identity = (document.get("apiVersion", ""), document.get("kind", "v1alpha1"), document.get("name", ""))
        if identity in seen:
            raise ConfigError(f"duplicate document {'/'.join(map(str, identity))} is not allowed (line 1)")
        seen.add(identity)


def _check_base(config: Config) -> None:
    if not config.base:
        raise ConfigError("the applied machine configuration doesn't contain v1alpha1 config")
    problems = [problem for problem in _problems(config) if problem]
    if problems:
        count = f"{len(problems)} error{'s' if len(problems) > 1 else ''} occurred:"
        raise ConfigError(count + "".join(f"\n\t* {problem}" for problem in problems) + "\n\n")


def _problems(config: Config) -> list[str]:
    found = []
    if config.machine.get("type") not in ("controlplane", "init", "worker"):
        found.append(f"unknown machine type {config.machine.get('type')!r}")
    install = config.machine.get("install")
    if install is None:
        found.append('install instructions are required in "metal" mode')
    elif not install.get("disk") and not install.get("diskSelector"):
        found.append("either install disk or diskSelector should be defined")
    if not config.endpoint.startswith("https://"):
        found.append("invalid controlplane endpoint: url must be of the form https://...")
    for path in (("machine", "ca", "crt"), ("cluster", "ca", "crt")):
        try:
            certificate = config.pem(*path)
        except (binascii.Error, ValueError, AttributeError, TypeError):
            certificate = b""
        if b"BEGIN CERTIFICATE" not in certificate:
            found.append(f"{'.'.join(path)} is not a certificate")
    return found


def difference(before: Config | None, after: Config) -> str:
    """Return the unified diff of the encoded documents, as a dry run shows it; secrets in clear, as there."""
    if before is None:
        return _unified("", _encoded(after.documents))
    old, new = _told(before.documents), _told(after.documents)
    return "" if old == new else _unified(_encoded(old), _encoded(_in_order_of(old, new)))


def _told(value: Any, *, empty: tuple[Any, ...] = (None, "", [])) -> Any:
    """Return what a node makes of a configuration: it decodes it, and what is empty is as good as absent then."""
    if isinstance(value, dict):
        return {key: _told(item, empty=empty) for key, item in value.items() if item not in empty}
    return [_told(item, empty=empty) for item in value] if isinstance(value, list) else value


def _in_order_of(model: Any, value: Any) -> Any:
    """Return the value with its keys in the model's order: a node encodes both in the same one."""
    if isinstance(model, dict) and isinstance(value, dict):
        keys = [key for key in model if key in value] + [key for key in value if key not in model]
        return {key: _in_order_of(model.get(key), value[key]) for key in keys}
    if isinstance(model, list) and isinstance(value, list):
        models = [*model, *[None] * len(value)]
        return [_in_order_of(one, item) for one, item in zip(models, value, strict=False)]
    return value


def _encoded(documents: list[Any]) -> str:
    return "---\n".join(yaml.dump(document, Dumper=_DUMPER, indent=4, sort_keys=False) for document in documents)


def _unified(before: str, after: str) -> str:
    return "".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a", "b"))


def needs_reboot(before: Config, after: Config) -> bool:
    """Tell whether a node up to v1.13 reboots for the change."""
    return _slow_part(before) != _slow_part(after)


def _slow_part(config: Config) -> dict[str, Any]:
    # An empty list is none of nothing here: the decoded ones are compared, not their texts.
    base: dict[str, Any] = _told(config.base, empty=(None, ""))
    base.pop("debug", None)
    base.pop("cluster", None)
    machine = base.get("machine") or {}
    for key in _IMMEDIATE_MACHINE_KEYS:
        machine.pop(key, None)
    for key in _IMMEDIATE_FEATURES:
        (machine.get("features") or {}).pop(key, None)
    return base
