# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulation makes of a machine configuration: the checks of a node, its diff, and what it needs to know."""

from __future__ import annotations

import base64
import binascii
import difflib
import functools
import re
from typing import Any, NamedTuple

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import decoding, validation
from lab.talos import legacy

# libyaml where it is there: a lab of hundreds of nodes parses a lot.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


# What a node up to v1.13 changes without a reboot.
_IMMEDIATE_MACHINE_KEYS = (
    *("ca", "acceptedCAs", "time", "certSANs", "install", "network", "sysfs", "sysctls", "logging", "controlPlane"),
    *("kubelet", "kernel", "registries", "pods", "seccompProfiles", "nodeAnnotations", "nodeLabels", "nodeTaints"),
)
_IMMEDIATE_FEATURES = ("kubernetesTalosAPIAccess", "kubePrism", "hostDNS", "imageCache", "nodeAddressSortAlgorithm")


class ConfigError(Exception):
    """A configuration that a node refuses."""


class Config(NamedTuple):
    text: str
    documents: list[dict[str, Any]]

    @property
    def base(self) -> dict[str, Any]:
        return next((document for document in self.documents if not document.get("kind")), {})

    @property
    def machine(self) -> dict[str, Any]:
        return legacy.sections(self.documents)["machine"]

    @property
    def cluster(self) -> dict[str, Any]:
        return legacy.sections(self.documents)["cluster"]

    @property
    def is_control_plane(self) -> bool:
        return self.machine.get("type") in ("controlplane", "init")

    @property
    def identity(self) -> str:
        return f"{self.cluster.get('id')} {self.cluster.get('secret')}"

    @property
    def endpoint(self) -> str:
        return str((self.cluster.get("controlPlane") or {}).get("endpoint", ""))

    def documents_of(self, kind: str) -> list[dict[str, Any]]:
        return [document for document in self.documents if document.get("kind") == kind]

    def pem(self, *path: str) -> bytes:
        found: Any = legacy.sections(self.documents)
        for key in path:
            found = (found or {}).get(key)
        return base64.b64decode(found or "")


class _Loader(_SafeLoader):  # type: ignore[misc,valid-type]  # one of two classes
    """Refuses a key given twice, and reads 0o644 as a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        again = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
        if again is not None:
            raise yaml.constructor.ConstructorError(None, None, f'mapping key "{again}" already defined', None)
        return dict(super().construct_mapping(node, deep=deep))


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"0o[0-7]+\Z"), ["0"])


@functools.lru_cache(maxsize=64)
def parse(text: bytes, release: tuple[int, int]) -> Config:
    """Return the configuration, or raise the reason why a node of the release refuses it."""
    try:
        documents = [document for document in yaml.load_all(text.decode(), _Loader) if document is not None]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"yaml: {error}") from error
    if not documents:
        raise ConfigError("no configuration documents provided")
    _check_decoding(documents, decoding.known_release(release))
    if all(document.get("kind") for document in documents):
        raise ConfigError("the applied machine configuration doesn't contain v1alpha1 config")
    problems = validation.invalid(documents, release)
    if problems:
        count = f"{len(problems)} error{'s' if len(problems) > 1 else ''} occurred:"
        reported = ("\n\t* {document}: {cause} ({path})".format(cause=it.message, **it.evidence) for it in problems)
        raise ConfigError(count + "".join(reported) + "\n\n")
    return Config(text.decode(), documents)


def _check_decoding(documents: list[Any], release: tuple[int, int]) -> None:
    seen = set()
    for document in documents:
        if not isinstance(document, dict):
            raise ConfigError("expected a YAML document at line 1")
        parts = (document.get("apiVersion", ""), document.get("kind", "v1alpha1"), document.get("name", ""))
        identity = "/".join(map(str, parts))
        if identity in seen:
            raise ConfigError(f"duplicate document {identity} is not allowed (line 1)")
        seen.add(identity)
        unknown = decoding.unknown_kind(document, release)
        cause = unknown.message if unknown else _fault(document, release)
        if cause:
            raise ConfigError(f"error decoding document {identity} (line 1): {cause}")


def _fault(document: dict[str, Any], release: tuple[int, int]) -> str:
    """Return what is wrong with the fields of a document: first a value of a wrong type, then all unknown keys."""
    faults = list(decoding.faults(document, release))
    wrong = next((fault for fault in faults if isinstance(fault, decoding.Wrong)), None)
    if wrong:
        return f"cannot unmarshal {'.'.join(wrong.path)}: {wrong.wanted} belongs there"
    unknown: dict[str, Any] = {}
    for fault in faults:
        section = unknown
        for key in fault.path[:-1]:
            section = section.setdefault(key, {})
        section[fault.path[-1]] = getattr(fault, "value", None)
    return f"unknown keys found during decoding:\n{yaml.safe_dump(unknown, indent=4)}" if unknown else ""


def check_certificates(config: Config) -> None:
    """Refuse authorities with which the simulation cannot run; a real node would take them and not start."""
    for path in (("machine", "ca", "crt"), ("cluster", "ca", "crt")):
        try:
            certificate = config.pem(*path)
        except (binascii.Error, ValueError, AttributeError, TypeError):
            certificate = b""
        if b"BEGIN CERTIFICATE" not in certificate:
            raise ConfigError(f"1 error occurred:\n\t* {'.'.join(path)} is not a certificate\n\n")


def difference(before: Config | None, after: Config) -> str:
    """Return the unified diff of the encoded documents, as a dry run shows it; secrets in clear, as there."""
    if before is None:
        return _unified("", _encoded(after.documents))
    old, new = _reported(before.documents), _reported(after.documents)
    return "" if old == new else _unified(_encoded(old), _encoded(_in_order_of(old, new)))


def _reported(value: Any, *, empty: tuple[Any, ...] = (None, "", [])) -> Any:
    """Return what a node makes of a configuration: it decodes it, and what is empty is as good as absent then."""
    if isinstance(value, dict):
        return {key: _reported(item, empty=empty) for key, item in value.items() if item not in empty}
    return [_reported(item, empty=empty) for item in value] if isinstance(value, list) else value


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
    return _slow_part(before) != _slow_part(after)


def _slow_part(config: Config) -> dict[str, Any]:
    # Compare decoded values, not texts: an empty list equals a missing one.
    base: dict[str, Any] = _reported(config.base, empty=(None, ""))
    base.pop("debug", None)
    base.pop("cluster", None)
    machine = base.get("machine") or {}
    for key in _IMMEDIATE_MACHINE_KEYS:
        machine.pop(key, None)
    for key in _IMMEDIATE_FEATURES:
        (machine.get("features") or {}).pop(key, None)
    return base
