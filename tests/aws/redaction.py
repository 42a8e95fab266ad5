# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redact a call of AWS: shapes, numbers, choices and texts that we sent are kept; placeholders replace other values.

A placeholder is made of the kind and a hash with a key of the run's own, so that processes agree on it without telling
each other. The key is thrown away when the run ends, after the placeholders have been numbered.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import ipaddress
import json
import re
import socket
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

TOKEN = re.compile(r"<([a-z0-9-]+?)-([0-9a-f]{16}|\d+)((?::[0-9a-f]{2})?)>")
SECRET = "<secret>"  # noqa: S105  what stands for one
# Members that are never kept; botocore marks others as sensitive.
_SECRET_MEMBERS = frozenset(
    {"KeyMaterial", "Marker", "NextMarker", "NextToken", "Output", "PublicKeyMaterial", "UserData", "nextToken"}
)
_SECRET_SHAPES = frozenset({"PSParameterValue"})
_ID = re.compile(r"\b([a-z]{1,12}(?:-[a-z]{2,8}){0,2})-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")
_PATTERNS = (
    ("text", re.compile(r"-----BEGIN.*", re.DOTALL)),
    ("text", re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+ [A-Za-z0-9+/=]{20,}[^\"]*")),
    ("text", re.compile(r"(?=[A-Za-z0-9+/=]*[A-Z])(?=[A-Za-z0-9+/=]*[0-9])[A-Za-z0-9+/=]{40,}")),
    ("text", re.compile(r"\btskey-[\w-]+")),
    ("text", re.compile(r"[\w.+-]+@[\w.-]+")),
    ("uuid", re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")),
    ("key", re.compile(r"\b(?=[A-Z]+[0-9])[A-Z]{3}[A-Z0-9]{13,}\b|\bA(?:KIA|SIA|IDA|ROA|IPA)[A-Z0-9]{12,}\b")),
    ("time", re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")),
    ("mac", re.compile(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b", re.IGNORECASE)),
    ("account", re.compile(r"(?<![0-9a-f])\d{12}(?![0-9a-f])")),
)
_IPV6 = re.compile(r"(?<![\w:<-])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:/\d{1,3})?(?![\w:])")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\w.])")
# The same in every account: private networks, documentation, the VPC's own services.
_COMMON: tuple[Any, ...] = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "2001:db8::/32")
)
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0", "0.0.0.0", "::"})  # noqa: S104
_PLAIN = re.compile(r"(?:true|false|-?\d{1,11}(?:\.\d+)?)?")
# What may follow a placeholder: a network's length, a time's zone.
_ENDING = re.compile(r"(?:/\d{1,3}|Z|\+00:00)?")


class Redactor:
    """Redacts; raw has the value of each placeholder, and never leaves the recording process."""

    def __init__(self, key: bytes, persons: Iterable[str] | None = None) -> None:
        self.key = key
        self.raw: dict[str, str] = {}
        names = {getpass.getuser(), socket.gethostname()} if persons is None else set(persons)
        self._persons = [
            re.compile(rf"(?<![\w<]){re.escape(name)}(?!\w)") for name in names - {"root", "localhost", ""}
        ]

    def call(self, model: Any, parameters: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return a call and its answer, redacted."""
        error = answer.get("Error", {}).get("Code")
        kept = {"service": model.service_model.service_name, "operation": model.name, "error": error}
        sent = self.walk(parameters, model.input_shape, ours=True)
        return {**kept, "parameters": sent, "answer": None if error else self.walk(answer, model.output_shape)}

    def walk(self, value: Any, shape: Any, *, ours: bool = False) -> Any:
        """Return a value redacted by its shape."""
        kind = getattr(shape, "type_name", "")
        if kind == "structure" and isinstance(value, Mapping):
            members = ((name, shape.members[name]) for name in value if name in shape.members)
            return {name: self._member(name, value[name], member, ours=ours) for name, member in members}
        if kind == "list" and isinstance(value, list | tuple):
            return [self.walk(item, shape.member, ours=ours) for item in value]
        if kind == "map" and isinstance(value, Mapping):
            return {
                self.string(str(k), None, ours=ours): self.walk(v, shape.value, ours=ours) for k, v in value.items()
            }
        return self._leaf(value, shape, ours=ours)

    def _member(self, name: str, value: Any, shape: Any, *, ours: bool) -> Any:
        if not isinstance(value, str | bytes):
            return self.walk(value, shape, ours=ours)
        hidden = name in _SECRET_MEMBERS or shape.name in _SECRET_SHAPES or shape.metadata.get("sensitive")
        if not hidden:
            return self._leaf(value, shape, ours=ours)
        known = isinstance(value, str) and _ID.fullmatch(value)
        return self.scrub(str(value)) if known else SECRET

    def _leaf(self, value: Any, shape: Any, *, ours: bool) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, datetime):
            return self.token("time", value.isoformat())
        if isinstance(value, bytes):
            return SECRET
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        return self.string(text, shape, ours=ours and isinstance(value, str))

    def string(self, text: str, shape: Any, *, ours: bool) -> str:
        """Return a text that we sent without what identifies; of one that AWS sent, only what is not text."""
        if text in (getattr(shape, "enum", None) or ()):
            return text
        found = self.scrub(text)
        if ours or _PLAIN.fullmatch(found) or found in _EVERYWHERE or self._is_address(found):
            return found
        if found.startswith("arn:"):
            return self._arn(found)
        return found if _ENDING.fullmatch(TOKEN.sub("", found)) else self.token("text", found)

    def _is_address(self, text: str) -> bool:
        return bool(_IPV4.fullmatch(text) or _IPV6.fullmatch(text))

    def _arn(self, arn: str) -> str:
        parts = arn.split(":", 5)
        names = re.split("([:/])", parts[5]) if len(parts) == 6 else [arn]
        kept = [name if name in ":/" or TOKEN.fullmatch(name) else self.token("text", name) for name in names]
        return ":".join([*parts[:5], "".join(kept)])

    def scrub(self, text: str) -> str:
        """Return a text with placeholders for what identifies an account, a machine or a person."""
        for kind, pattern in _PATTERNS:
            text = pattern.sub(lambda found, kind=kind: self.token(kind, found[0]), text)  # type: ignore[misc]
        text = _ID.sub(lambda found: self.token(found[1], found[0]), text)
        for person in self._persons:
            text = person.sub(lambda found: self.token("text", found[0]), text)
        return _IPV4.sub(self._address, _IPV6.sub(self._address, text))

    def _address(self, found: re.Match[str]) -> str:
        try:
            network: Any = ipaddress.ip_interface(found[0]).network
        except ValueError:
            return found[0]
        if found[0] in _EVERYWHERE or any(network.version == c.version and network.subnet_of(c) for c in _COMMON):
            return found[0]
        if network.version == 6 and 56 <= network.prefixlen <= 64 and "/" in found[0]:
            return self._ipv6_network(network) + f"/{network.prefixlen}"
        address, slash, length = found[0].partition("/")
        return self.token(f"ipv{network.version}", address) + slash + length

    def _ipv6_network(self, network: Any) -> str:
        """Return a placeholder of the /56 with the number of the /64 in it, so that one follows from the other."""
        whole = network.supernet(new_prefix=56) if network.prefixlen > 56 else network
        number = int(network.network_address) >> 64 & 0xFF
        token = self.token("net6", str(whole.network_address))
        return f"{token[:-1]}:{number:02x}>"

    def token(self, kind: str, value: str) -> str:
        """Return the placeholder of a value."""
        digest = hmac.new(self.key, f"{kind} {value}".encode(), hashlib.sha256).hexdigest()[:16]
        name = f"<{kind}-{digest}>"
        self.raw[name] = value
        return name


def strings(value: Any) -> Iterable[str]:
    """Yield every text in a value, keys of mappings left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def rewritten(value: Any, change: Any) -> Any:
    """Return a value with every text changed by a function."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): rewritten(item, change) for key, item in value.items()}
    return [rewritten(item, change) for item in value] if isinstance(value, list) else value


def vocabulary(calls: Iterable[Mapping[str, Any]], redactor: Redactor) -> dict[str, str]:
    """Return the placeholders that texts of ours get in answers, and the texts."""
    sent = {text for call in calls for text in strings(call["parameters"])}
    words = {word for text in sent for word in re.split(r"[:/]", text)}
    kinds = {"role", "user", "policy", "instance-profile", "assumed-role", "autoScalingGroup", "schedule", "parameter"}
    return {redactor.token("text", text): text for text in sent | words | kinds if text}


def restored(value: Any, words: Mapping[str, str]) -> Any:
    """Return answers in which the texts that we sent are readable again."""
    return rewritten(value, lambda text: TOKEN.sub(lambda found: words.get(found[0], found[0]), text))


def numbered(value: Any) -> Any:
    """Return a value whose placeholders are numbers by order instead of hashes."""
    seen: dict[str, dict[str, int]] = {}

    def number(found: re.Match[str]) -> str:
        known = seen.setdefault(found[1], {})
        return f"<{found[1]}-{known.setdefault(found[2], len(known) + 1)}{found[3]}>"

    return rewritten(value, lambda text: TOKEN.sub(number, text))
