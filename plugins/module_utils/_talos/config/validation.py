# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate configurations as a node of a version does. Private to urmanac.talos: may change at any time.

The rules are facts about Talos' own validation of a metal machine (types/v1alpha1/v1alpha1_validation.go and the
Validate methods of the documents in siderolabs/talos). Of expressions in CEL only the syntax is checked, which
the notes of talos_config say, and nothing of the OCI specification in CRIBaseRuntimeSpecConfig. tests/peers compares
the verdicts with those of Talos itself.
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..._findings import Finding
from ..._machine_types import CONTROL_PLANE, WORKER
from ..._networks import is_address
from ..._urls import split_url
from . import containers, decoding, kubernetes, networks, upstream, volumes
from .decoding import Document, Release
from .kubernetes import authorizer_faults
from .values import (
    CORRECT,
    ROLES,
    Found,
    at,
    image_cause,
    is_endpoint,
    is_interface,
    is_negative,
    is_qualified,
    is_subnet,
    metadata_faults,
    protected_faults,
    resource_faults,
    seconds,
    words,
)

BASE = "the machine configuration"
_DISK = "Set the disk, such as install.disk: /dev/nvme0n1."
_DISK_TYPES = ("hdd", "nvme", "sd", "ssd")
_CONTROL_PLANE_ONLY = "Remove it, or make the machine a control plane."
_DOMAIN = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62}(?:\.[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62})*[._]?")
# Documents that exclude fields of the machine configuration: the fields, and Talos' message.
_EXCLUDES = {
    "HostnameConfig": (
        ("machine.network.hostname", "static hostname is already set in v1alpha1 config"),
        ("machine.features.stableHostname", "stable hostname is already set in v1alpha1 config"),
    ),
    "ResolverConfig": tuple(
        (f"machine.network.{field}", f".machine.network.{field} is already set in v1alpha1 config")
        for field in ("searchDomains", "nameservers", "disableSearchDomain")
    ),
    "TimeSyncConfig": (
        ("machine.time.disabled", "time sync cannot be disabled in both v1alpha1 and new-style configuration"),
        ("machine.time.servers", "time servers cannot be specified in both v1alpha1 and new-style configuration"),
        ("machine.time.bootTimeout", "boot timeout cannot be specified in both v1alpha1 and new-style configuration"),
    ),
    "KubeSpanConfig": (("machine.network.kubespan", "kubespan is already configured in v1alpha1 config"),),
    **{
        kind: tuple((path, f"the same is already set in v1alpha1 config (.{path})") for path in paths.split())
        for kind, paths in {
            "DiscoveryIdentityConfig": "cluster.id cluster.secret",
            "DiscoveryServiceConfig": "cluster.discovery",
            "ImageCacheConfig": "machine.features.imageCache",
            "KubeAPIServerCAConfig": "cluster.ca",
            "KubeAPIServerConfig": "cluster.apiServer cluster.controlPlane.localAPIServerPort",
            "KubeAdmissionControlConfig": "cluster.apiServer.admissionControl",
            "KubeAggregatorCAConfig": "cluster.aggregatorCA",
            "KubeAuditPolicyConfig": "cluster.apiServer.auditPolicy",
            "KubeAuthorizerConfig": "cluster.apiServer.admissionControl",
            "KubeClusterConfig": "cluster.clusterName cluster.controlPlane.endpoint",
            "KubeControllerManagerConfig": "cluster.controllerManager",
            "KubeCoreDNSConfig": "cluster.coreDNS",
            "KubeCredentialProviderConfig": "machine.kubelet",
            "KubeEtcdEncryptionConfig": "cluster.secretboxEncryptionSecret cluster.aescbcEncryptionSecret",
            "KubeFlannelCNIConfig": "cluster.network",
            "KubeNetworkConfig": "cluster.network",
            "KubeNodeConfig": "machine.nodeLabels machine.nodeAnnotations machine.nodeTaints "
            "cluster.allowSchedulingOnControlPlanes cluster.allowSchedulingOnMasters machine.kubelet.nodeIP "
            "machine.kubelet.skipNodeRegistration machine.kubelet.registerWithFQDN",
            "KubePrismConfig": "machine.features.kubePrism",
            "KubeProxyConfig": "cluster.proxy",
            "KubeSchedulerConfig": "cluster.scheduler",
            "KubeServiceAccountConfig": "cluster.serviceAccount",
            "KubeTalosAPIAccessConfig": "machine.features.kubernetesTalosAPIAccess",
            "KubeletConfig": "machine.kubelet",
            "UnattendedInstallConfig": "machine.install",
        }.items()
    },
}
# In /etc, what a node writes itself.
_MANAGED_FILES = words("resolv.conf hosts machine-id extensions.yaml localtime os-release xattr.conf")
_MANAGED_FOLDERS = words("apparmor.d apparmor ca-certificates cni cri iscsi kubernetes lvm nvme pki selinux ssl")
# Fields that exclude a document whatever they are: pointers in Talos, where false and {} differ from an absent field.
_BY_PRESENCE = words(
    "cluster.allowSchedulingOnControlPlanes cluster.allowSchedulingOnMasters machine.kubelet.nodeIP "
    "machine.kubelet.skipNodeRegistration machine.kubelet.registerWithFQDN machine.features.kubePrism "
    "machine.features.kubernetesTalosAPIAccess"
)
# Kinds of documents of which one alone can have a name.
_ALTERNATIVES = (
    words("BondConfig BridgeConfig DummyLinkConfig LinkConfig VLANConfig VRFConfig VethConfig WireguardConfig"),
    words("HCloudVIPConfig Layer2VIPConfig"),
    words("ExistingVolumeConfig UserVolumeConfig"),
)
# The required fields of each kind of document.
_REQUIRED = {
    kind: fields.split()
    for kind, fields in {
        **dict.fromkeys(
            words(
                "BlackholeRouteConfig BridgeConfig CRICustomizationConfig DHCPv4Config DHCPv6Config DummyLinkConfig "
                "EthernetConfig EtcFileConfig ExtensionServiceConfig KernelModuleConfig KmsgLogConfig "
                "KubeAdmissionControlConfig KubeInlineManifestConfig LinkConfig NetworkRuleConfig RawVolumeConfig "
                "RegistryAuthConfig RegistryMirrorConfig RegistryTLSConfig StaticHostConfig "
                "SwapVolumeConfig UserVolumeConfig"
            ),
            "name",
        ),
        "BGPInstanceConfig": "name localASN",
        "BondConfig": "name links bondMode",
        "ContainerConfig": "name image",
        "DiscoveryIdentityConfig": "clusterID clusterSecret",
        "DiscoveryServiceConfig": "name endpoint",
        "ExistingVolumeConfig": "name discovery.volumeSelector.match",
        "ExternalVolumeConfig": "name filesystemType mount.virtiofs.tag",
        "HCloudVIPConfig": "name link apiToken",
        "HTTPProbeConfig": "name url",
        "KubeAuthorizerConfig": "name type",
        "KubeClusterConfig": "clusterName endpoint",
        "KubeEtcdEncryptionConfig": "config",
        "KubeExternalManifestConfig": "name url",
        "KubeNetworkConfig": "podSubnets serviceSubnets",
        "KubeStaticPodConfig": "name pod",
        "LVMLogicalVolumeConfig": "name provisioning.volumeGroup",
        "LVMVolumeGroupConfig": "name provisioning.volumeSelector.match",
        "Layer2VIPConfig": "name link",
        "LinkAliasConfig": "name selector.match",
        "NetworkRuleConfig": "name portSelector.ports",
        "RAIDArrayConfig": "name provisioning.volumeSelector.match",
        "SideroLinkConfig": "apiUrl",
        "TCPProbeConfig": "name endpoint",
        "StaticHostConfig": "name hostnames",
        "UnattendedInstallConfig": "provisioning.diskSelector.match",
        "VLANConfig": "name parent vlanID",
        "VRFConfig": "name table",
        "VethConfig": "name peer.name",
        "WatchdogTimerConfig": "device",
        "WireguardConfig": "name privateKey",
    }.items()
}


class _Config(NamedTuple):
    """The machine configuration and its Talos version."""

    base: Document
    release: Release

    def get(self, path: str) -> Any:
        """Return the value at a path, or None."""
        return at(self.base, path)

    @property
    def machine_type(self) -> str:
        """Return the machine type as Talos reads it."""
        return machine_type(self.base)


def machine_type(base: Document) -> str:
    """Return the machine type of a machine configuration as Talos reads it."""
    named = str(at(base, "machine.type") or "")
    return {"": WORKER, "join": WORKER, "init": CONTROL_PLANE}.get(named, named)


def changed_type(documents: list[Document], wanted: str) -> list[Finding]:
    """Return that patches have made another type of machine of a node, if they have.

    Talos would only miss the keys that the other type has, or refuse those that it has not.
    """
    base = next((document for document in documents if not document.get("kind")), {})
    if not base or (found := machine_type(base)) == wanted:
        return []
    cause = f"patches change the machine type from {wanted} to {found}"
    remedy = "Remove machine.type from the patches, and set machine_type of the node in cluster_nodes."
    return [_invalid(BASE, ("machine.type", cause, remedy))]


def with_type(documents: list[Document], wanted: str) -> list[Document]:
    """Return the documents as those of a machine of this type, to find what is wrong with them besides."""
    return [
        {**document, "machine": {**document["machine"], "type": wanted}}
        if not document.get("kind") and isinstance(document.get("machine"), dict)
        else document
        for document in documents
    ]


def problems(documents: list[Document], release: Release) -> list[Finding]:
    """Return all reasons for which a node of a release rejects the documents; decoding errors come first."""
    release = decoding.known_release(release)
    undecoded = [problem for document in documents for problem in _decoding(document, release)]
    return undecoded or [*_duplicates(documents), *invalid(documents, release)]


def invalid(documents: list[Document], release: Release) -> list[Finding]:
    """Return the contradictions in documents that could be decoded."""
    release = decoding.known_release(release)
    documents = [decoding.with_booleans(document, release) for document in documents]
    base = next((document for document in documents if not document.get("kind")), None)
    if base is None:
        return [_invalid(BASE, ("", "machine and cluster are missing", "Add them."))]
    config = _Config(base, release)
    found = [_invalid(BASE, fault) for fault in _base(config)]
    for document in documents:
        if document.get("kind"):
            reported = [*_document(document, release), *_conflicts(document, config)]
            found += [_invalid(decoding.name_of(document), fault) for fault in reported]
    return [*found, *(_invalid(name, fault) for name, fault in _together(documents, config))]


def _together(documents: list[Document], config: _Config) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Yield what is wrong with documents beside others, each with the document's name."""
    by_document = {
        "DiscoveryServiceConfig": _identity(documents, config),
        "ContainerConfig": containers.dependency_faults(documents),
        "ResolverConfig": networks.encrypted_faults(documents, config.get("machine.features.hostDNS")),
    }
    if config.release >= (1, 14):
        by_document["KubeSpanConfig"] = _kubespan_discovery(documents, config)
        by_document["KubeAPIServerCAConfig"] = _etcd_encryption(documents, config)
    for name, faults in by_document.items():
        yield from ((name, fault) for fault in faults)
    yield from _conflicting(documents)


def _conflicting(documents: list[Document]) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Yield the documents that are about the same as one of another kind."""
    owners: dict[tuple[int, str], str] = {}
    for document in documents:
        kind, label = str(document.get("kind")), decoding.name_of(document)
        names = [str(document.get("name") or "")]
        names += [str(at(document, "peer.name") or "")] if kind == "VethConfig" else []
        for at_group in (at_group for at_group, group in enumerate(_ALTERNATIVES) if kind in group):
            taken = {owner for name in names if (owner := owners.setdefault((at_group, name), label)) != label}
            if taken or len(names) > len({*names}):
                cause = f"conflicting documents: {', '.join(taken) or label} and {label} configure the same"
                yield label, ("name", cause, "Remove one of the two, or choose another name.")


def _kubespan_discovery(documents: list[Document], config: _Config) -> Found:
    by_kind = {document.get("kind"): document for document in documents}
    kubespan = by_kind.get("KubeSpanConfig") or config.get("machine.network.kubespan") or {}
    legacy = config.get("cluster.discovery") or {}
    is_legacy = legacy.get("enabled") and not at(legacy, "registries.service.disabled")
    if kubespan.get("enabled") and not (is_legacy or "DiscoveryServiceConfig" in by_kind):
        yield "enabled", "KubeSpan requires cluster discovery to be enabled", "Add a DiscoveryServiceConfig."


def _etcd_encryption(documents: list[Document], config: _Config) -> Found:
    kinds = {document.get("kind") for document in documents}
    has_authority = any(config.get(f"cluster.{field}") is not None for field in ("ca", "acceptedCAs"))
    secrets = ("secretboxEncryptionSecret", "aescbcEncryptionSecret")
    is_encrypted = "KubeEtcdEncryptionConfig" in kinds or any(config.get(f"cluster.{field}") for field in secrets)
    is_server = config.machine_type == CONTROL_PLANE and (has_authority or "KubeAPIServerCAConfig" in kinds)
    if is_server and not is_encrypted:
        cause = "etcd encryption config is required for control plane machines running kube-apiserver"
        yield "", cause, "Add a KubeEtcdEncryptionConfig."


def _identity(documents: list[Document], config: _Config) -> Found:
    """Yield the missing fields of the discovery service."""
    by_kind = {document.get("kind"): document for document in documents}
    if "DiscoveryServiceConfig" not in by_kind or "DiscoveryIdentityConfig" in by_kind:
        return
    for field in ("id", "secret"):
        if not config.get(f"cluster.{field}"):
            cause = f"cluster {field} should be set when cluster discovery is enabled"
            yield "", cause, "Add a DiscoveryIdentityConfig, or remove the document."


def _invalid(document: str, fault: tuple[str, str, str]) -> Finding:
    """Return a fault, that is a path with cause and remedy, with its document."""
    return decoding.refusal("CONFIG_INVALID", document, *fault)


def _decoding(document: Document, release: Release) -> Iterator[Finding]:
    problem = decoding.unknown_kind(document, release)
    if problem:
        yield problem
        return
    for fault in decoding.faults(document, release):
        yield decoding.problem_of(document, fault)


def _duplicates(documents: list[Document]) -> Iterator[Finding]:
    seen = set()
    for document in documents:
        identity = (document.get("kind"), str(document.get("name") or ""))
        if identity in seen:
            yield decoding.refusal("DUPLICATE_CONFIG_DOCUMENT", decoding.name_of(document), "", "it exists twice")
        seen.add(identity)


# --- the machine configuration ---


def _base(config: _Config) -> Found:
    if config.get("machine") is None:
        yield "machine", "machine instructions are required", "Add the section."
        return
    yield from _cluster(config)
    yield from _install(config)
    yield from _machine_type(config)
    yield from _network(config)
    yield from _kubelet(config)
    yield from _encryption(config)
    yield from _labels(config)
    yield from _features(config)
    yield from _versions(config)
    yield from _lists(config)
    if config.get("persist") is False:
        yield "persist", ".persist should be enabled", "Remove it."


def _install(config: _Config) -> Found:
    install = config.get("machine.install")
    if install is None:
        if config.release < (1, 14):
            yield "machine.install", 'install instructions are required in "metal" mode', _DISK
        return
    selector = {key: value for key, value in (install.get("diskSelector") or {}).items() if value}
    if (kind := str(selector.get("type", "nvme"))) not in _DISK_TYPES:
        cause = f'unsupported disk type "{kind}"'
        yield "machine.install.diskSelector.type", cause, f"Choose among {', '.join(_DISK_TYPES)}."
    if not install.get("disk") and not selector:
        yield "machine.install", "either install disk or diskSelector should be defined", _DISK
    if config.release >= (1, 12) and install.get("extraKernelArgs") and install.get("grubUseUKICmdline"):
        remedy = "Remove the arguments (Talos drops them on UEFI machines), or set grubUseUKICmdline: false."
        yield "machine.install", "extraKernelArgs and grubUseUKICmdline can't be used together", remedy
    images = [item.get("image", "") for item in install.get("extensions") or [] if item]
    if len(images) != len(set(images)):
        yield "machine.install.extensions", "an image is listed twice", "Remove one of the two."


def _machine_type(config: _Config) -> Found:
    kind = config.machine_type
    crt, key = (config.get(f"machine.ca.{name}") for name in ("crt", "key"))
    accepted = config.get("machine.acceptedCAs")
    if config.get("machine.ca") is None and not accepted:
        yield "machine.ca", "issuing CA or some accepted CAs are required", "Add the cluster's authority."
    if kind == CONTROL_PLANE:
        yield from _cni(config)
        if not key:
            yield "machine.ca.key", "the issuing CA's key is required for controlplane nodes", "Add the key."
    elif kind == WORKER:
        yield from _worker(config, crt, key, accepted)
    else:
        yield "machine.type", f"unknown machine type {kind!r}", "Choose controlplane or worker."


def _worker(config: _Config, crt: Any, key: Any, accepted: Any) -> Found:
    for path, value in (("machine.ca.key", key), ("cluster.ca.key", config.get("cluster.ca.key"))):
        if value:
            cause = f"issuing CA key is not allowed on non-controlplane nodes (.{path.removesuffix('.key')})"
            yield path, cause, "Remove the key."
    if config.get("machine.ca") is not None and not crt and not accepted:
        yield "machine.ca.crt", "trusted CA certificates are required on non-controlplane nodes", "Add it."
    for device in config.get("machine.network.interfaces") or []:
        if any(part.get("vip") for part in (device or {}, *((device or {}).get("vlans") or []))):
            cause = "virtual (shared) IP is not allowed on non-controlplane nodes"
            yield "machine.network.interfaces", cause, _CONTROL_PLANE_ONLY


def _cni(config: _Config) -> Found:
    if config.release >= (1, 14) and config.get("cluster.network") is None:
        return
    cni = config.get("cluster.network.cni")
    cni = {"name": "flannel"} if cni is None else cni
    name, flannel = cni.get("name") or "", cni.get("flannel") or {}
    path = "cluster.network.cni"
    if name not in ("flannel", "none", "custom"):
        yield path, "cni name should be one of flannel, custom, none", "Choose one of them."
    elif name != "custom" and cni.get("urls"):
        yield path, f'"urls" field should be empty for "{name}" CNI', "Remove urls, or set name: custom."
    elif name != "flannel" and flannel.get("extraArgs"):
        yield path, f'"flannel.extraArgs" should be empty for "{name}" CNI', "Remove it."
    elif name != "flannel" and config.release >= (1, 12) and flannel.get("kubeNetworkPoliciesEnabled"):
        yield path, f'"flannel.kubeNetworkPoliciesEnabled" should not be enabled for "{name}" CNI', "Remove it."
    for url in cni.get("urls") or [] if name == "custom" else []:
        if not is_endpoint(url):
            yield path, "a url is not valid", CORRECT


def _cluster(config: _Config) -> Found:
    if config.get("cluster") is None:
        yield "cluster", "cluster instructions are required", "Add the section."
        return
    yield from _endpoint(config)
    domain = config.get("cluster.network.dnsDomain")
    if domain and not _DOMAIN.fullmatch(str(domain)):
        yield "cluster.network.dnsDomain", f'"{domain}" is not a valid DNS name', CORRECT
    yield from _cloud_provider(config)
    yield from _etcd(config)
    names = [str((item or {}).get("name") or "").strip() for item in config.get("cluster.inlineManifests") or []]
    if "" in names or len(names) != len(set(names)):
        yield "cluster.inlineManifests", "a name is empty or not unique", "Set a unique name for each."
    yield from _discovery(config)
    yield from _authorizers(config)
    for path in (f"cluster.{name}.resources" for name in ("apiServer", "controllerManager", "scheduler")):
        yield from resource_faults(config.get(path), path)


def _authorizers(config: _Config) -> Found:
    authorizers = config.get("cluster.apiServer.authorizationConfig")
    for argument in config.get("cluster.apiServer.extraArgs") or {} if authorizers is not None else ():
        if argument == "authorization-mode" or str(argument).startswith("authorization-webhook-"):
            cause = f"{argument} cannot be used in conjunction with authorizationConfig"
            yield "cluster.apiServer.extraArgs", cause, "Remove one of the two."
    for position, item in enumerate(authorizers or []):
        for field, cause in authorizer_faults(item or {}):
            yield f"cluster.apiServer.authorizationConfig.[{position}].{field}", cause, CORRECT


def _endpoint(config: _Config) -> Found:
    endpoint = config.get("cluster.controlPlane.endpoint")
    path = "cluster.controlPlane.endpoint"
    if endpoint is None:
        if config.release < (1, 14) or config.get("cluster.controlPlane") is not None:
            yield path, "cluster controlplane endpoint is required", "Add one such as https://192.0.2.101:6443."
    elif not is_endpoint(endpoint):
        yield path, "invalid controlplane endpoint", "Use a URL such as https://192.0.2.101:6443."


def _cloud_provider(config: _Config) -> Found:
    provider = config.get("cluster.externalCloudProvider") or {}
    if provider.get("manifests") and not provider.get("enabled"):
        cause = "external cloud provider is disabled, but manifests are provided"
        yield "cluster.externalCloudProvider", cause, "Set enabled: true."
    for url in provider.get("manifests") or []:
        if provider.get("enabled") and not is_endpoint(url):
            yield "cluster.externalCloudProvider.manifests", "a url is not valid", CORRECT


def _etcd(config: _Config) -> Found:
    etcd = config.get("cluster.etcd")
    if etcd is None:
        return
    if config.machine_type != CONTROL_PLANE:
        yield "cluster.etcd", "etcd config is only allowed on control plane machines", _CONTROL_PLANE_ONLY
        return
    if etcd.get("ca") is None:
        yield "cluster.etcd.ca", "key/cert combination should not be empty", "Add the authority of etcd."
    if etcd.get("subnet") and etcd.get("advertisedSubnets"):
        yield "cluster.etcd", "etcd subnet can't be set when advertised subnets are set", "Remove subnet."
    for field in ("advertisedSubnets", "listenSubnets"):
        if not all(is_subnet(item) for item in etcd.get(field) or []):
            yield f"cluster.etcd.{field}", "a subnet is not valid", CORRECT


def _discovery(config: _Config) -> Found:
    discovery = config.get("cluster.discovery")
    if not discovery or not discovery.get("enabled"):
        return
    service = at(discovery, "registries.service") or {}
    if service.get("disabled"):
        return
    endpoint = split_url(str(service.get("endpoint") or upstream.DISCOVERY))
    if not endpoint.scheme or endpoint.path not in ("", "/"):
        yield "cluster.discovery.registries.service.endpoint", "it is not a URL without a path", CORRECT
    for field in ("id", "secret"):
        if not config.get(f"cluster.{field}"):
            yield f"cluster.{field}", f"cluster discovery service requires .cluster.{field}", "Add it."


def _network(config: _Config) -> Found:
    devices = config.get("machine.network.interfaces") or []
    path = "machine.network.interfaces"
    for position, device in enumerate(devices):
        for cause in _device(device or {}):
            yield f"{path}.[{position}]", cause, CORRECT
    kubespan = config.get("machine.network.kubespan") or {}
    if not kubespan.get("enabled"):
        return
    mtu = kubespan.get("mtu")
    if mtu and mtu < 1280:
        yield "machine.network.kubespan.mtu", "kubespan link MTU must be at least 1280", CORRECT
    discovery = config.get("cluster.discovery") or {}
    if config.release < (1, 14) and not discovery.get("enabled"):
        cause = ".cluster.discovery should be enabled when .machine.network.kubespan is enabled"
        yield "cluster.discovery.enabled", cause, "Enable it, or disable KubeSpan."
    if not all(is_subnet(item) for item in at(kubespan, "filters.endpoints") or []):
        yield "machine.network.kubespan.filters.endpoints", "a filter is not valid", CORRECT


def _device(device: dict[str, Any]) -> Iterator[str]:
    if device.get("ignore"):
        return
    has_name, selector = bool(device.get("interface")), device.get("deviceSelector")
    if has_name == (selector is not None):
        yield "either interface or deviceSelector should be set, and not both"
    if selector is not None and not any(value not in ("", None) for value in selector.values()):
        yield "deviceSelector should contain at least one field"
    if device.get("addresses") and device.get("cidr"):
        yield "interface can't have both .cidr and .addresses set"
    parts = [device, *(vlan or {} for vlan in device.get("vlans") or [])]
    addresses = [item for part in parts for item in (part.get("cidr"), *(part.get("addresses") or [])) if item]
    if not all(is_interface(item) for item in addresses):
        yield "an address is not valid"
    vip = device.get("vip")
    if vip is not None and not is_address(vip.get("ip") or ""):
        yield "the address of vip is not valid"
    yield from _device_routes(device.get("routes") or [])
    yield from _bond(device)


def _device_routes(routes: list[Any]) -> Iterator[str]:
    for route in (item or {} for item in routes):
        network, gateway, source = (route.get(key) for key in ("network", "gateway", "source"))
        if not network and not gateway:
            yield "route: either network or gateway should be set"
        if network and not ("/" in str(network) and is_interface(network)):
            yield "the network of a route is not valid"
        if not all(is_address(item) for item in (gateway, source) if item):
            yield "the gateway or source of a route is not valid"


def _bond(device: dict[str, Any]) -> Iterator[str]:
    bond = device.get("bond")
    if bond is None:
        return
    if device.get("bridge") is not None:
        yield "interface has both bridge and bond sections set"
    modes = ("", "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
    mode = bond.get("mode") or ""
    if mode not in modes:
        yield "the mode of the bond is not known"
    if bond.get("interfaces") and bond.get("deviceSelectors"):
        yield "bond has both interfaces and deviceSelectors set"
    if bond.get("lacpRate") and mode != "802.3ad":
        yield "bond.lacpRate is only available in 802.3ad mode"


def _kubelet(config: _Config) -> Found:
    if not all(is_subnet(item) for item in config.get("machine.kubelet.nodeIP.validSubnets") or []):
        yield "machine.kubelet.nodeIP.validSubnets", "kubelet nodeIP subnet is not valid", CORRECT
    yield from protected_faults(config.get("machine.kubelet.extraConfig"), "machine.kubelet.extraConfig")


def _encryption(config: _Config) -> Found:
    for partition in ("state", "ephemeral"):
        encryption = config.get(f"machine.systemDiskEncryption.{partition}")
        if encryption is None:
            continue
        path = f"machine.systemDiskEncryption.{partition}.keys"
        keys = [key or {} for key in encryption.get("keys") or []]
        if not keys:
            yield path, "no encryption keys provided", "Add one such as nodeID: {} with slot: 0."
        if not all(any(isinstance(key.get(kind), dict) for kind in ("static", "nodeID", "kms", "tpm")) for key in keys):
            yield path, "an encryption key doesn't have the configuration parameters", "Add one such as nodeID: {}."
        slots = [key.get("slot") or 0 for key in keys]
        if len(slots) != len(set(slots)):
            yield path, "an encryption key slot is already in use", "Set a unique slot for each key."


def _labels(config: _Config) -> Found:
    for field in ("nodeLabels", "nodeAnnotations", "nodeTaints"):
        path = f"machine.{field}"
        yield from metadata_faults(field.removeprefix("node").lower(), config.get(path), path)


def _features(config: _Config) -> Found:
    features = config.get("machine.features") or {}
    dns = features.get("hostDNS") or {}
    if config.release >= (1, 13) and dns.get("forwardKubeDNSToHost") and not dns.get("enabled"):
        cause = "feature hostDNS.forwardKubeDNSToHost requires hostDNS.enabled to be true"
        yield "machine.features.hostDNS", cause, "Enable hostDNS."
    access = features.get("kubernetesTalosAPIAccess") or {}
    if access.get("enabled"):
        path = "machine.features.kubernetesTalosAPIAccess"
        if config.machine_type != CONTROL_PLANE:
            yield path, "it can only be enabled on control plane machines", _CONTROL_PLANE_ONLY
        if config.release < (1, 12) and features.get("rbac") is False:
            yield path, "feature API RBAC should be enabled", "Remove rbac: false."
        if set(access.get("allowedRoles") or []) - ROLES:
            yield f"{path}.allowedRoles", "invalid role", f"Choose among {', '.join(sorted(ROLES))}."
    if features.get("nodeAddressSortAlgorithm") not in (None, "", "v1", "v2"):
        yield "machine.features.nodeAddressSortAlgorithm", "invalid node address sort algorithm", "Choose v1 or v2."


def _versions(config: _Config) -> Found:
    paths = ["machine.kubelet"]
    if config.machine_type == CONTROL_PLANE:
        paths += [f"cluster.{name}" for name in ("apiServer", "controllerManager", "scheduler")]
    for path in paths:
        image = str(config.get(f"{path}.image") or "")
        if image and (cause := image_cause(image, config.release)):
            yield f"{path}.image", cause, "Choose a version that it supports (role talos: talos_kubernetes_version)."


def _lists(config: _Config) -> Found:
    for field in ("config", "mirrors"):
        for key, value in (config.get(f"machine.registries.{field}") or {}).items():
            if value is None:
                yield f"machine.registries.{field}.{key}", "it is null", "Remove it."
    for position, disk in enumerate(config.get("machine.disks") or []):
        sizes = [(part or {}).get("size") or 0 for part in (disk or {}).get("partitions") or []]
        if disk is None or any(not size for size in sizes[:-1]):
            cause = "a partition takes the whole disk, but it is not the last one"
            yield f"machine.disks.[{position}]", cause, "Set its size."
    for position, target in enumerate(config.get("machine.logging.destinations") or []):
        endpoint = split_url(str((target or {}).get("endpoint") or ""))
        if endpoint.scheme not in ("tcp", "udp") or (target or {}).get("format") != "json_lines":
            cause = "endpoint should begin with tcp:// or udp://, and format be json_lines"
            yield f"machine.logging.destinations.[{position}]", cause, CORRECT


# --- the other documents ---


def _document(document: Document, release: Release) -> Found:
    kind = str(document["kind"])
    for path in _REQUIRED.get(kind, ()):
        if not at(document, path):
            yield path, f"{path} must be specified", "Add it."
    if (check := _CHECKS.get(kind)) and release >= _SINCE.get(kind, release):
        yield from check(document)
    yield from kubernetes.faults(document, release)
    yield from volumes.faults(document, release)


def _conflicts(document: Document, config: _Config) -> Found:
    excluded = _EXCLUDES.get(str(document["kind"]), ())
    if document.get("hostDNS"):
        cause = ".machine.features.hostDNS is already set in v1alpha1 config"
        excluded = (*excluded, ("machine.features.hostDNS", cause))
    for path, cause in excluded:
        if _is_set(path, config.get(path)):
            remedy = f"Remove {path} from the machine configuration, and set it in the document {document['kind']}."
            yield "", cause, remedy
    if document["kind"] == "VolumeConfig" and at(document, "encryption.provider"):
        partition = str(document.get("name")).lower()
        if partition in ("state", "ephemeral") and config.get(f"machine.systemDiskEncryption.{partition}") is not None:
            cause = "system disk encryption is configured in both v1alpha1.Config and VolumeConfig"
            yield "encryption", cause, f"Remove machine.systemDiskEncryption.{partition}."


def _is_set(path: str, value: Any) -> bool:
    if path in _BY_PRESENCE:
        return value is not None
    return bool(value) or (isinstance(value, dict) and path.count(".") == 1)


def _cri_customization(document: Document) -> Found:
    if document.get("name") == "customization":
        cause = 'name "customization" is reserved for the legacy CRI customization'
        yield "name", cause, "Choose another name."
    if not is_qualified(str(document.get("name") or "a")):
        yield "name", "it is not a qualified name of Kubernetes", CORRECT


def _hostname(document: Document) -> Found:
    auto, name = document.get("auto"), str(document.get("hostname") or "")
    if auto is None and not name:
        yield "", "either 'auto' or 'hostname' must be set", "Add one of them."
    elif name and auto not in (None, "off", False):
        remedy = "Add auto: 'off', with quotes, to the patch that sets the host name."
        yield "", "'auto' and 'hostname' cannot be set at the same time", remedy
    elif auto not in (None, "off", False, "stable"):
        yield "auto", "invalid value for 'auto'", "Choose stable or off."
    if name and (len(name) > 253 or not 0 < len(name.split(".", maxsplit=1)[0]) <= 63):
        yield "hostname", "invalid hostname", "Keep each part between 1 and 63 characters."


def _time(document: Document) -> Found:
    if document.get("ntp") is not None and document.get("ptp") is not None:
        yield "", "only one of ntp or ptp configuration can be specified", "Remove one of them."
    if str(document.get("bootTimeout") or "").startswith("-"):
        yield "bootTimeout", "bootTimeout cannot be negative", CORRECT
    if at(document, "ntp.useNTS") and any(is_address(str(item)) for item in at(document, "ntp.servers") or []):
        yield "ntp.servers", "NTS requires hostnames, not IP addresses", CORRECT


def _link(document: Document) -> Found:
    for position, item in enumerate(document.get("addresses") or []):
        address = str((item or {}).get("address") or "")
        if not address or ipaddress.ip_interface(address).ip.is_unspecified:
            yield f"addresses.[{position}]", f"address {position} must be specified", "Add a prefix."
    for position, route in enumerate(document.get("routes") or []):
        for field in ("destination", "gateway", "source"):
            value = str((route or {}).get(field) or "")
            if value and ipaddress.ip_interface(value).ip.is_unspecified:
                yield f"routes.[{position}].{field}", "it must not be the unspecified address", "Remove it."


def _vlan(document: Document) -> Found:
    if not 0 <= (document.get("vlanID") or 0) <= 4094:
        yield "vlanID", "vlanID must be between 1 and 4094", CORRECT
    yield from _link(document)


def _address_name(document: Document) -> Found:
    if not is_address(document.get("name") or ""):
        yield "name", "name must be a valid IP address", CORRECT


def _prefix_name(document: Document) -> Found:
    name = str(document.get("name") or "")
    if name and not ("/" in name and is_interface(name)):
        yield "name", "name must be a valid address prefix", CORRECT


def _dhcp(document: Document) -> Found:
    is_duid = str(document.get("clientIdentifier") or "").lower() == "duid"
    if document.get("duidRaw") and not is_duid:
        yield "duidRaw", "duidRaw can only be set if clientIdentifier is 'duid'", "Set clientIdentifier: duid."
    if is_duid and not document.get("duidRaw"):
        yield "duidRaw", "duidRaw must be set if clientIdentifier is 'duid'", "Add it."


def _wireguard(document: Document) -> Found:
    peers = [(f"peers.[{position}].", peer or {}) for position, peer in enumerate(document.get("peers") or [])]
    yield from (
        ("peers", f"{path}publicKey must be specified", "Add it.") for path, one in peers if not one.get("publicKey")
    )
    keys = [("privateKey", document.get("privateKey"))]
    keys += [(f"{path}{field}", one.get(field)) for path, one in peers for field in ("publicKey", "presharedKey")]
    yield from (
        (path, "it is not a key of WireGuard", "Use 32 bytes as base64.") for path, key in keys if not _is_key(key)
    )
    for path, one in peers:
        if is_negative(one.get("persistentKeepaliveInterval")):
            yield f"{path}persistentKeepaliveInterval", "it cannot be negative", CORRECT
    if not 0 <= (document.get("listenPort") or 0) <= 65535:
        yield "listenPort", "it must be between 0 and 65535", CORRECT
    yield from _link(document)


def _is_key(value: Any) -> bool:
    try:
        return not value or len(base64.b64decode(str(value), validate=True)) == 32
    except ValueError:
        return False


def _kubespan(document: Document) -> Found:
    if document.get("mtu") is not None and document["mtu"] < 1280:
        yield "mtu", "kubespan link MTU must be at least 1280", CORRECT
    for item in at(document, "filters.endpoints") or []:
        if not is_subnet(item):
            yield "filters.endpoints", "KubeSpan endpoint filter is not valid", CORRECT


def _zswap(document: Document) -> Found:
    if not 0 <= (document.get("maxPoolPercent") or 0) <= 100:
        yield "maxPoolPercent", "maxPoolPercent must be between 0 and 100", CORRECT


def _probe(document: Document) -> Found:
    if (document.get("failureThreshold") or 0) < 0:
        yield "failureThreshold", "probe failure threshold cannot be negative", CORRECT
    for field in ("interval", "timeout"):
        if is_negative(document.get(field)):
            yield field, f"probe {field} cannot be negative", CORRECT


def _http_probe(document: Document) -> Found:
    url = split_url(str(document.get("url") or "http://-"))
    if url.scheme not in ("http", "https") or not url.hostname:
        yield "url", "HTTP probe URL must be an absolute http or https URL with a non-empty host", CORRECT
    yield from _probe(document)


def _discovery_identity(document: Document) -> Found:
    if document.get("clusterSecret") and not _is_key(document["clusterSecret"]):
        yield "clusterSecret", "it must be 32 bytes as base64", CORRECT


def _discovery_service(document: Document) -> Found:
    url = split_url(str(document.get("endpoint") or "http://-"))
    if url.scheme not in ("http", "https", "grpc") or not url.hostname:
        yield "endpoint", "endpoint needs http://, https:// or grpc://, and a host", CORRECT


def _link_alias(document: Document) -> Found:
    name = str(document.get("name") or "")
    if "%" in name and not re.fullmatch(r"[^%]+%d", name):
        yield "name", "name contains an invalid format verb", "Use one %d, at the end, such as net%d."


def _veth(document: Document) -> Found:
    yield from networks.veth_faults(document)
    yield from _link(document)
    yield from ((f"peer.{path}", cause, remedy) for path, cause, remedy in _link(document.get("peer") or {}))


def _etc_file(document: Document) -> Found:
    name = str(document.get("name") or "a")
    parts = posixpath.normpath(name).split("/")
    if name.startswith((".", "/")) or parts[0] == "..":
        yield "name", "it must be a local path, below /etc", "Use one such as example/example.conf."
    elif name in _MANAGED_FILES or (name.split("/", maxsplit=1)[0] in _MANAGED_FOLDERS):
        yield "name", "the file is managed by Talos", "Choose another one."


def _parameters(document: Document) -> Found:
    if "" in (document.get("params") or {}):
        yield "params", "a key cannot be empty", CORRECT


def _mirror(document: Document) -> Found:
    for position, item in enumerate(document.get("endpoints") or []):
        if split_url(str((item or {}).get("url") or "")).scheme not in ("http", "https"):
            yield f"endpoints.[{position}].url", "url has unsupported scheme", "Use http:// or https://."


def _registry_auth(document: Document) -> Found:
    given = [field for field in ("username", "identityToken", "auth") if document.get(field)]
    if len(given) > 1:
        yield "", f"only one of {', '.join(given)} can be specified", "Remove the others."


def _registry_tls(document: Document) -> Found:
    for path, what in (
        ("ca", "CERTIFICATE"),
        ("clientIdentity.cert", "CERTIFICATE"),
        ("clientIdentity.key", "PRIVATE KEY"),
    ):
        is_wanted = at(document, path) or (path != "ca" and document.get("clientIdentity") is not None)
        if is_wanted and not re.search(rf"-----BEGIN [A-Z ]*{what}-----", str(at(document, path))):
            yield path, f"it must be a PEM block with a {what}", CORRECT


def _routing_rule(document: Document) -> Found:
    name = str(document.get("name") or "0")
    if not re.fullmatch("[0-9]+", name) or int(name) in (0, 32500, 32766, 32767) or int(name) >= 1 << 32:
        yield "name", "it must be a priority between 1 and 32765, except 32500", CORRECT
    is_plain = str(document.get("action") or "unspec").lower() in ("unspec", "unicast")
    if str(document.get("table") or "unspec").lower() == "unspec" and is_plain:
        yield "table", "either table or a non-unicast action must be specified", "Add one of them."
    if document.get("fwMask") and not document.get("fwMark"):
        yield "fwMask", "fwMask requires fwMark to be set", "Add fwMark."


def _vrf(document: Document) -> Found:
    if str(document.get("table")).lower() in ("unspec", "local", "main", "default"):
        yield "table", "the table is reserved", "Use another one, such as 100."
    yield from _link(document)


def _rule(document: Document) -> Found:
    yield from _port_ranges(at(document, "portSelector.ports") or [])
    for position, item in enumerate(document.get("ingress") or []):
        if not (item or {}).get("subnet"):
            yield f"ingress.[{position}].subnet", "invalid subnet", "Add one such as 192.0.2.0/24."


def _port_ranges(ports: list[Any]) -> Found:
    path, ranges = "portSelector.ports", sorted(map(_port_range, filter(None, ports)))
    for first, last in ranges:
        if first > last:
            yield path, f"invalid port range: {first}-{last}", f"Write it as {last}-{first}."
    for (first, last), (again, end) in itertools.pairwise(ranges):
        if again <= last:
            cause = f"invalid port range: {again}-{end}, overlaps with {first}-{last}"
            yield path, cause, "Give each port once."


def _port_range(item: Any) -> tuple[int, int]:
    first, _dash, last = str(item).partition("-")
    return int(first), int(last or first)


def _siderolink(document: Document) -> Found:
    url = split_url(str(document.get("apiUrl") or "https:"))
    if url.scheme not in ("https", "grpc") or url.path not in ("", "/"):
        yield "apiUrl", "apiUrl needs https:// or grpc://, and no path", "Use a URL such as grpc://192.0.2.1:8081."


def _kernel_log(document: Document) -> Found:
    url = split_url(str(document.get("url") or ""))
    if url.scheme not in ("tcp", "udp") or url.path not in ("", "/") or not re.search(r":[0-9]+$", url.netloc):
        yield "url", "url needs tcp:// or udp://, a port, and no path", "Use a URL such as tcp://192.0.2.1:5044."


def _event_sink(document: Document) -> Found:
    if not re.search(r":[^:\]]*$", str(document.get("endpoint") or "")):
        yield "endpoint", "event sink endpoint: missing port in address", CORRECT


def _watchdog(document: Document) -> Found:
    if document.get("timeout") is not None and (length := seconds(document["timeout"])) != 0 and length < 10:
        yield "timeout", "watchdog timeout: minimum value is 10s", CORRECT


def _oom(document: Document) -> Found:
    if document.get("sampleInterval") is not None and seconds(document["sampleInterval"]) < 0:
        yield "sampleInterval", "OOM sample interval must be longer than 0", CORRECT


def _environment(document: Document) -> Found:
    for key in document.get("variables") or {}:
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", str(key)):
            yield f"variables.{key}", "invalid environment variable name", CORRECT


def _extension(document: Document) -> Found:
    files = [item or {} for item in document.get("configFiles") or []]
    if not files and not document.get("environment"):
        yield "", "it has neither configFiles nor environment", "Add one of them."
    if not all(item.get("content") and item.get("mountPath") for item in files):
        yield "configFiles", "content and mountPath are required", "Add them."


# The versions of Talos that a check begins with, where the kind of document is older.
_SINCE = {"LinkAliasConfig": (1, 13), "ResolverConfig": (1, 14)}
_CHECKS = {
    "BGPInstanceConfig": networks.bgp_faults,
    "BlackholeRouteConfig": _prefix_name,
    "BondConfig": _link,
    "BridgeConfig": _link,
    "CRICustomizationConfig": _cri_customization,
    "ContainerConfig": containers.container_faults,
    "DHCPv4Config": _dhcp,
    "DHCPv6Config": _dhcp,
    "DiscoveryIdentityConfig": _discovery_identity,
    "DiscoveryServiceConfig": _discovery_service,
    "DummyLinkConfig": _link,
    "EnvironmentConfig": _environment,
    "EtcFileConfig": _etc_file,
    "EventSinkConfig": _event_sink,
    "ExtensionServiceConfig": _extension,
    "HCloudVIPConfig": _address_name,
    "HTTPProbeConfig": _http_probe,
    "HostnameConfig": _hostname,
    "ImageVerificationConfig": containers.image_verification_faults,
    "KmsgLogConfig": _kernel_log,
    "KubeSpanConfig": _kubespan,
    "Layer2VIPConfig": _address_name,
    "LinkAliasConfig": _link_alias,
    "LinkConfig": _link,
    "NetworkRuleConfig": _rule,
    "OOMConfig": _oom,
    "RegistryAuthConfig": _registry_auth,
    "RegistryMirrorConfig": _mirror,
    "RegistryTLSConfig": _registry_tls,
    "ResolverConfig": networks.resolver_faults,
    "RoutingRuleConfig": _routing_rule,
    "SideroLinkConfig": _siderolink,
    "StaticHostConfig": _address_name,
    "SysctlConfig": _parameters,
    "SysfsConfig": _parameters,
    "TCPProbeConfig": _probe,
    "TimeSyncConfig": _time,
    "VLANConfig": _vlan,
    "VRFConfig": _vrf,
    "VethConfig": _veth,
    "WatchdogTimerConfig": _watchdog,
    "WireguardConfig": _wireguard,
    "ZswapConfig": _zswap,
}
