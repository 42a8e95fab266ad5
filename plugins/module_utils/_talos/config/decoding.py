# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the fields of Talos documents as a node decodes them. Private to urmanac.talos: may change at any time.

A node accepts only the fields and kinds of its own version (fields.py).
"""

from __future__ import annotations

import base64
import binascii
import datetime
import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from ..._findings import Finding, finding
from ..versions import NEWEST, OLDEST
from . import fields
from .expressions import is_expression

Document = dict[str, Any]
Release = tuple[int, int]

_BASE_KEYS = frozenset({"machine", "cluster", "debug", "persist"})
_INTEGERS = {"int": 64, "int32": 32, "int64": 64, "uint": 64, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64}
# Older releases cut off what is behind the point.
_WHOLE_SINCE = (1, 13)
_OLD_BOOLEANS = re.compile(r"y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF")
_SCALARS = (str, int, float, datetime.date, bytes)
_SIZE = re.compile(r"([0-9.,]+)\s*(?:([kmgtpe])(i?)b?|b)?\s*", re.IGNORECASE)
_SIZE_MAX = 1 << 64
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|ms|s|m|h))+)")
ENUMS = {
    "ADLACPActive": "on off",
    "ADSelect": "stable bandwidth count",
    "ARPAllTargets": "any all",
    "ARPValidate": "none active backup all filter filter-active filter-backup",
    "AutoHostnameKind": "addr stable off",
    "BondMode": "balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb",
    "BondXmitHashPolicy": "layer2 layer3+4 layer2+3 encap2+3 encap3+4 vlan+srcmac",
    "ClientIdentifier": "none mac duid",
    "DNSProtocol": "Do53 DoT DoH",
    "DefaultAction": "accept block",
    "EncryptionProviderType": "none luks2",
    "FailOverMAC": "none active follow",
    "FilesystemType": "none xfs vfat ext4 iso9660 swap btrfs virtiofs",
    "LACPRate": "slow fast",
    "LVMLogicalVolumeType": "linear raid1 raid0 raid10",
    "MDLevel": "raid1",
    "MDMetadata": "1.0 1.2",
    "PrimaryReselect": "always better failure",
    "Protocol": "icmp tcp udp icmpv6",
    "RoutingRuleAction": "unspec unicast blackhole unreachable prohibit",
    "RoutingTable": f"unspec default main local {' '.join(map(str, range(1, 253)))}",
    "VLANProtocol": "802.1q 802.1ad",
    "VolumeType": "partition disk tmpfs directory symlink overlay external",
    "WOLMode": "phy unicast multicast broadcast magic magicsecure filter",
}


class Unknown(NamedTuple):
    """A field that the version does not know, with its value."""

    path: tuple[str, ...]
    value: Any
    known: tuple[str, ...]


class Wrong(NamedTuple):
    """A value of the wrong type, and the expected type."""

    path: tuple[str, ...]
    wanted: str


def known_release(release: Release) -> Release:
    """Return the nearest release that the table has."""
    return min(max(release, OLDEST), NEWEST)


def name_of(document: Document) -> str:
    """Return the name of a document in messages."""
    kind = document.get("kind")
    return f"{kind} {document.get('name') or ''}".strip() if kind else "the machine configuration"


def refusal(code: str, document: str, path: str, cause: str, remedy: str | None = None) -> Finding:
    """Return the finding that a node rejects a document, with the document and the path in it."""
    subject = f"{document} at {path}" if path else document
    return finding(code, subject, cause, remedy, evidence={"document": document, "path": path})


def unknown_kind(document: Document, release: Release) -> Finding | None:
    """Return the problem with a document's kind or apiVersion, if any."""
    name, kind, version = name_of(document), document.get("kind"), document.get("apiVersion")
    if not kind and _BASE_KEYS & document.keys():
        return None
    if isinstance(kind, dict | list) or isinstance(version, dict | list):
        return refusal(
            "CONFIG_KIND_MISSING",
            name,
            "kind",
            "kind and apiVersion must be strings",
            "Set kind to the name of the kind.",
        )
    if not kind or not version:
        missing = "kind" if not kind else "apiVersion"
        remedy = f"Add {missing}; most documents have apiVersion: v1alpha1."
        return refusal("CONFIG_KIND_MISSING", name, "", f"missing {missing}", remedy)
    if version == "v1alpha1" and kind in kinds(release):
        return None
    near = _nearest(str(kind), kinds(release))
    later = next((f"v1.{minor}" for minor in range(release[1], NEWEST[1] + 1) if kind in kinds((1, minor))), "")
    here = f"Talos v1.{release[1]} does not support it"
    hint = f"Did you mean {near}?" if near else f"{here}: remove it."
    remedy = f"{here}: it was added in {later}." if later else hint
    return refusal("CONFIG_KIND_UNKNOWN", name, "kind", f'"{kind}" "{version}": not registered', remedy)


def faults(document: Document, release: Release) -> Iterator[Unknown | Wrong]:
    """Yield every unknown field and every value of a wrong type in a document of a known kind."""
    kind = document.get("kind")
    yield from _walk(document, kinds(release)[kind] if kind else "Config", (), release)


def problem_of(document: Document, fault: Unknown | Wrong) -> Finding:
    """Return the finding for a fault."""
    path = ".".join(fault.path)
    if isinstance(fault, Wrong):
        return refusal("CONFIG_VALUE_WRONG", name_of(document), path, f"expected {fault.wanted}")
    remedy = f"Did you mean {near}?" if (near := _nearest(fault.path[-1], fault.known)) else "Remove it."
    return refusal(
        "CONFIG_FIELD_UNKNOWN", name_of(document), path, "this version of Talos does not have this field", remedy
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the most similar known name, ignoring case, or an empty string."""
    names = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), names, 1)
    return names[near[0]] if near else ""


@cache
def kinds(release: Release) -> dict[str, str]:
    """Return the structure of each kind of document that a release knows."""
    return _at(fields.KINDS.split(), release)


@cache
def structure(name: str, release: Release) -> dict[str, str] | None:
    """Return the types of a structure's fields in a release, or None if the value is not a structure."""
    return _at(_lines()[name], release) if name in _lines() else None


@cache
def _lines() -> dict[str, list[str]]:
    lines = fields.STRUCTURES.strip().replace("\n ", " ").splitlines()
    return {name: rest for name, *rest in (line.split() for line in lines)}


def _at(items: list[str], release: Release) -> dict[str, str]:
    found = (re.fullmatch(r"([^:]+):([^+-]+)(?:\+(\d+))?(?:-(\d+))?", item) for item in items)
    return {
        match[1]: match[2]
        for match in found
        if match and int(match[3] or 0) <= release[1] <= int(match[4] or release[1])
    }


def _walk(value: Any, kind: str, path: tuple[str, ...], release: Release) -> Iterator[Unknown | Wrong]:
    if value is None or kind == "any":
        if value is not None and not isinstance(value, dict):
            yield Wrong(path, "a mapping")
    elif kind[0] in "[{":
        yield from _walk_many(value, kind, path, release)
    elif kind.startswith("own/"):
        yield from _own(value, kind.removeprefix("own/"), path)
    elif (known := structure(kind, release)) is not None:
        yield from _walk_structure(value, known, path, release)
    elif not _is_scalar(value, kind, release):
        yield Wrong(path, "true or false" if kind == "bool" else f"a value of type {kind}")


def _walk_many(value: Any, kind: str, path: tuple[str, ...], release: Release) -> Iterator[Unknown | Wrong]:
    wanted: type = list if kind[0] == "[" else dict
    if not isinstance(value, wanted):
        yield Wrong(path, "a list" if wanted is list else "a mapping")
        return
    items: Any = {f"[{at}]": item for at, item in enumerate(value)} if isinstance(value, list) else value
    for key, item in items.items():
        yield from _walk(item, kind[1:-1], (*path, str(key)), release)


def _walk_structure(
    value: Any, known: dict[str, str], path: tuple[str, ...], release: Release
) -> Iterator[Unknown | Wrong]:
    if not isinstance(value, dict):
        yield Wrong(path, "a mapping")
        return
    for key, item in value.items():
        if key in known:
            yield from _walk(item, known[key], (*path, str(key)), release)
        else:
            yield Unknown((*path, str(key)), item, tuple(known))


def _is_scalar(value: Any, kind: str, release: Release) -> bool:
    if kind == "string":
        return isinstance(value, _SCALARS)
    if kind == "bool":
        return isinstance(value, bool) or (isinstance(value, str) and _OLD_BOOLEANS.fullmatch(value) is not None)
    if kind == "duration":
        is_text = isinstance(value, str) and _DURATION.fullmatch(value) is not None
        return is_text or (release >= _WHOLE_SINCE and _is_integer(value, "int", release) and value == 0)
    return _is_integer(value, kind, release)


def _is_integer(value: Any, kind: str, release: Release) -> bool:
    if isinstance(value, float) and not value.is_integer() and release >= _WHOLE_SINCE:
        return False
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    bits = _INTEGERS.get(kind, 64)
    least, most = (0, 1 << bits) if kind.startswith("u") else (-(1 << (bits - 1)), 1 << (bits - 1))
    return least <= value < most


def with_booleans(document: Document, release: Release) -> Document:
    """Return a decoded document with true and false where Talos reads words of YAML 1.1 as these, such as no."""
    kind = document.get("kind")
    structured = kinds(release).get(str(kind), "any") if kind else "Config"
    found: Document = _with_booleans(document, structured, release)
    return found


def _with_booleans(value: Any, kind: str, release: Release) -> Any:
    if kind == "bool" and isinstance(value, str):
        return value.lower() in ("y", "yes", "on")
    if kind[0] == "[" and isinstance(value, list):
        return [_with_booleans(item, kind[1:-1], release) for item in value]
    if not isinstance(value, dict):
        return value
    if kind[0] == "{":
        return {key: _with_booleans(item, kind[1:-1], release) for key, item in value.items()}
    known = structure(kind, release) or {}
    return {key: _with_booleans(item, known.get(key, "any"), release) for key, item in value.items()}


# --- what reads its text by rules of its own ---


def _own(value: Any, kind: str, path: tuple[str, ...]) -> Iterator[Unknown | Wrong]:
    if kind.startswith("PEMEncoded"):
        yield from _certificate(value, kind, path)
    elif kind == "ArgValue":
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, _SCALARS) or item is None for item in items):
            yield Wrong(path, "a string or a list of strings")
    elif kind == "PortRange" and isinstance(value, str) and _is_number(value):
        # Talos reads a text as a range alone.
        yield Wrong(path, "a port without quotation marks, or a range such as 8000-8010")
    elif not isinstance(value, _SCALARS) or not _reads(kind, str(value)):
        yield Wrong(path, _OWN_NAMES.get(kind, f"a value of type {kind}"))


def _certificate(value: Any, kind: str, path: tuple[str, ...]) -> Iterator[Unknown | Wrong]:
    known = {"PEMEncodedCertificate": ("crt",), "PEMEncodedKey": ("key",)}.get(kind, ("crt", "key"))
    if not isinstance(value, dict):
        yield Wrong(path, "a mapping")
        return
    for key, item in value.items():
        if key not in known:
            yield Unknown((*path, str(key)), item, known)
        elif not _is_base64(item):
            yield Wrong((*path, str(key)), "a base64 string")


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(str(value or "").replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _reads(kind: str, text: str) -> bool:
    if kind in ENUMS:
        return text.lower() in ENUMS[kind].lower().split()
    reader = _READERS.get(kind)
    try:
        return reader is None or bool(reader(text))
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_address(text: str) -> bool:
    return text == "" or bool(ipaddress.ip_address(text))


def _is_prefix(text: str) -> bool:
    address, slash, length = text.partition("/")
    return text == "" or (slash == "/" and _is_number(length) and bool(ipaddress.ip_interface(text)) and bool(address))


def _is_url(text: str) -> bool:
    head, colon = text.partition(":")[:2]
    has_scheme = bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", head)) if colon else True
    port = re.match(r"[a-z]+://[^/?#]*:([^/?#:\]]*)(?:[/?#]|$)", text)
    host = re.match(r"[a-z]+://(?:[^/?#]*@)?([^/?#]*)", text)
    if host and not host[1].startswith("[") and host[1].count(":") > 1:
        return False
    is_clean = not re.search(r"[\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})", text) and (port is None or _is_number(port[1]))
    return is_clean and (has_scheme or "/" in head) and not re.match(r"[a-z]+://[^/]* ", text)


def _is_address_port(text: str) -> bool:
    address, colon, port = text.rpartition(":")
    is_port = bool(colon) and _is_number(port) and int(port) < 65536
    is_bracketed = address.startswith("[") and address.endswith("]")
    version = ipaddress.ip_address(address[1:-1] if is_bracketed else address).version
    return is_port and is_bracketed == (version == 6)


def size_of(text: str) -> int | None:
    """Return the bytes that a text such as 10GiB means to Talos, None if it is none of an amount."""
    found = _SIZE.fullmatch(text)
    try:
        number = float(found[1].replace(",", "")) if found else -1.0
    except ValueError:
        return None
    if found and found[2]:
        number *= (1024 if found[3] else 1000) ** (" kmgtpe".index(found[2].lower()))
    return int(number) if 0 <= number < _SIZE_MAX else None


def _is_size(text: str) -> bool:
    return text == "" or size_of(text) is not None


def _is_relative_size(text: str) -> bool:
    """Return whether a text is an amount of bytes or a percentage; with a minus, of what stays free."""
    amount = text.removeprefix("-")
    if not amount.endswith("%"):
        return text == "" or size_of(amount) is not None
    return re.fullmatch(r"\+?[0-9.]+", amount[:-1]) is not None and float(amount[:-1]) <= 100


def _is_port_range(text: str) -> bool:
    return re.fullmatch(r"[0-9]+(?:-[0-9]+)?", text) is not None and all(int(part) < 65536 for part in text.split("-"))


_OWN_NAMES = {"Expression": "an expression in CEL, whose brackets, quotes and operators belong together"}
_READERS: dict[str, Callable[[str], bool]] = {
    "Addr": _is_address,
    "AddrPort": _is_address_port,
    "Base64Bytes": _is_base64,
    "ByteSize": _is_size,
    "DiskSize": lambda text: size_of(text) is not None,
    "Endpoint": _is_url,
    "Expression": lambda text: text == "" or is_expression(text),
    "HardwareAddr": lambda text: bool(re.fullmatch(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", text)),
    "InstallDiskSizeMatcher": lambda text: size_of(re.sub(r"^\s*(?:[<>]=?|==)?\s*", "", text)) is not None,
    "PortRange": _is_port_range,
    "Prefix": _is_prefix,
    "Size": _is_relative_size,
    "URL": _is_url,
}
