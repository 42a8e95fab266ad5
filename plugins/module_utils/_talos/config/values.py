# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The valid values in a configuration of Talos. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from ..._findings import remedy_of
from ..._urls import has_port, split_url
from ..versions import KUBERNETES
from .decoding import Release


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


# Paths with causes and remedies.
Found = Iterator[tuple[str, str, str]]
CORRECT = remedy_of("CONFIG_VALUE_WRONG")


_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_TIMES = re.compile(r"([0-9.]+)(ns|us|µs|ms|s|m|h)")
ROLES = words("os:admin os:reader os:operator os:etcd:backup os:impersonator os:image:verifier os:meta:writer")
_PROTECTED = words(
    "apiVersion authentication authorization cgroupRoot kind kubeletCgroups port protectKernelDefaults resolvConf "
    "rotateCertificates systemCgroups staticPodPath seccompDefault"
)


def at(value: Any, path: str) -> Any:
    """Return the value at a path of mappings, or None."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def items_of(value: Any, path: str) -> list[Any]:
    """Return the items of the list at a path; Talos leaves out those that are null."""
    return [item for item in at(value, path) or [] if item is not None]


def resource_faults(resources: Any, path: str) -> Found:
    """Yield the resources of a static pod that Talos does not support."""
    given = resources or {}
    for key in sorted({*(given.get("requests") or {}), *(given.get("limits") or {})} - {"cpu", "memory"}):
        yield path, f'unsupported pod resource "{key}"', "Use only cpu and memory."


def protected_faults(config: Any, path: str) -> Found:
    """Yield the fields of the kubelet's configuration that Talos sets itself."""
    for field in sorted(_PROTECTED & (config or {}).keys()):
        yield f"{path}.{field}", f'kubelet configuration field "{field}" can\'t be overridden', "Remove it."


def metadata_faults(kind: str, metadata: Any, path: str) -> Found:
    """Yield the labels, annotations or taints of a node that Kubernetes does not take."""
    for key, value in (metadata or {}).items():
        if not (is_qualified(str(key)) and (kind == "annotations" or _is_node_metadata(kind, value))):
            yield f"{path}.{key}", "it is not a valid name and value for Kubernetes", CORRECT


def _is_node_metadata(kind: str, value: Any) -> bool:
    """Return whether Kubernetes takes the value of a label or taint."""
    text = "" if value is None else {True: "true", False: "false"}.get(value, str(value))
    if kind == "taints":
        head, colon, effect = text.partition(":")
        text, effect = (head, effect) if colon else ("", head)
        if effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
            return False
    return text == "" or _QUALIFIED.fullmatch(text) is not None


def is_qualified(key: str) -> bool:
    """Return whether a key is a qualified name of Kubernetes."""
    prefix, slash, name = key.rpartition("/")
    is_prefixed = not slash or is_subdomain(prefix)
    return is_prefixed and _QUALIFIED.fullmatch(name) is not None


def is_subdomain(name: str) -> bool:
    """Return whether a name is a subdomain as RFC 1123 has it, which most objects of Kubernetes are named by."""
    return len(name) <= 253 and _SUBDOMAIN.fullmatch(name) is not None


def image_cause(image: str, release: Release) -> str:
    """Return why a release of Talos refuses an image of Kubernetes, nothing if it takes it."""
    version = re.search(r":v(\d+)\.(\d+)\.\d+(?:-[\w.]+)?(?:@.*)?\Z", image)
    oldest, newest = KUBERNETES[release]
    if version and version[1] == "1" and oldest <= int(version[2]) <= newest:
        return ""
    return f"Talos v1.{release[1]} supports Kubernetes v1.{oldest} to v1.{newest}"


def is_endpoint(value: Any) -> bool:
    """Return whether a value is a URL of HTTP with a host, and with a port that exists if it has one."""
    url = split_url(str(value))
    return url.scheme in ("http", "https") and bool(url.hostname) and has_port(url)


def seconds(value: Any) -> float:
    """Return the length of a valid duration: a text such as 1m30s, or a number of nanoseconds."""
    if not isinstance(value, str):
        return float(value) / 1e9
    parts = _TIMES.findall(value)
    return (-1 if value.startswith("-") else 1) * sum(float(number) * _UNITS[unit] for number, unit in parts)


def is_negative(value: Any) -> bool:
    """Return whether a value is a duration below 0."""
    return value is not None and seconds(value) < 0


def is_interface(value: Any) -> bool:
    """Return whether a value is an IP address with or without a prefix length."""
    try:
        ipaddress.ip_interface(str(value))
    except ValueError:
        return False
    return True


def is_subnet(value: Any) -> bool:
    """Return whether a value is a network, possibly one that is excluded (!)."""
    return is_interface(str(value).removeprefix("!"))
