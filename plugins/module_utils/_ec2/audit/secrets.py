# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find secrets in user-data, tags and descriptions, which are visible to everyone who may read the account.

Private to urmanac.talos: may change at any time. Secrets are reported by kind and place, never by value.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_DEPTH = 4
# User-data has at most 16 KiB; data that is far larger when unpacked is not a configuration.
_UNPACKED_MAX = 4 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_QUOTED = b"quoted-printable"
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/=_-])(?:[A-Za-z0-9+/]{4}\s*){8,}(?:[A-Za-z0-9+/]{2,3}={0,2})?")
# The value of a variable, a file or a placeholder is not in the user-data.
_VALUE = r"""["']?(?![$<{*/\s"'|>&(-])(?!(?:true|false|null|none|yes|no|omit)\b)[^\s"']{6,}"""


class SecretFound(NamedTuple):
    """A secret: its kind, its line, and the unpacked part if it was packed."""

    kind: str
    line: int
    where: str


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.MULTILINE)


_GUESSED = "password"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    ("AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("AWS secret key", _pattern(r"secret_?(?:access_?)?key\W{1,4}[A-Za-z0-9/+=]{40}")),
    ("AWS session token", _pattern(r"session_?token\W{1,4}[A-Za-z0-9/+=]{60,}")),
    ("Tailscale key", re.compile(r"\btskey-[a-z]+-[A-Za-z0-9-]{8,}")),
    ("age key", _pattern(r"\bAGE-SECRET-KEY-[0-9A-Z]{20,}")),
    ("vault", re.compile(r"\$ANSIBLE_VAULT;[0-9.]+;")),
    ("kubeconfig", _pattern(r"^\s*client-key-data\s*:\s*\S")),
    (
        "Talos secrets",
        _pattern(r"^\s*(?:secretboxEncryptionSecret|aescbcEncryptionSecret|bootstraptoken|trustdinfo)\s*:"),
    ),
    ("bootstrap token", re.compile(r"(?<![\w.-])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.-])")),
    ("GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})")),
    (
        "token of a service",
        re.compile(
            r"\b(?:glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|dckr_pat_[\w-]{20,}|npm_[A-Za-z0-9]{36}|hv[bs]\.[\w-]{24,}"
            r"|dop_v1_[0-9a-f]{60,}|AIza[\w-]{35}|[rs]k_live_[A-Za-z0-9]{16,}|pypi-[\w-]{40,})"
        ),
    ),
    ("bearer token", _pattern(r"\bAuthorization[\"']?\s*[:=]\s*[\"']?Bearer\s+(?![$<{*])[\w.~+/=-]{12,}")),
    ("webhook", re.compile(r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{6,}/[\w/-]{16,}")),
    ("JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
    ("WireGuard key", _pattern(r"\b(?:PrivateKey|PresharedKey)\s*=\s*[A-Za-z0-9+/]{42,43}=")),
    ("password hash", re.compile(r"\$(?:1|2[aby]|5|6|y|argon2id?)\$[^\s\"':]{8,}")),
    ("password in a URL", re.compile(r"://[^\s/:@\"']{1,64}:(?![$<{*])[^\s/@\"']{3,}@")),
    ("registry login", _pattern(r"[\"']auth[\"']\s*:\s*[\"'][A-Za-z0-9+/]{8,}={0,2}[\"']")),
    (
        _GUESSED,
        _pattern(
            r"(?:^|[\s,;\"'{_-])(?:[a-z0-9_-]*(?:password|passwd|passphrase|secret|token|"
            r"(?:api|auth|secret|private|encryption|signing|master|account|license|access)[_-]?key))"
            r"[\"']?\s*[:=]\s*" + _VALUE
        ),
    ),
)
_COMMANDS = (
    # Lines of chpasswd: it reads name:password.
    re.compile(r"(?:echo|printf)\s+[\"']?[\w-]+:(?![$<{*])[^\s\"'|]{4,}[\"']?\s*\|\s*(?:sudo\s+)?chpasswd"),
    _pattern(r"\s--(?:[a-z]+-)*(?:password|passphrase|token|secret|auth-?key|api-?key)\s+" + _VALUE),
    _pattern(r"\b(?:sshpass|docker\s+login\b[^\n]*|podman\s+login\b[^\n]*)\s-p\s*" + _VALUE),
    re.compile(r"\bcurl\b[^\n]*\s(?:-u|--user)\s*[\"']?[\w.@-]+:(?![$<{*])[^\s\"']{3,}"),
    # Of .netrc.
    _pattern(r"\blogin\s+\S+\s+password\s+" + _VALUE),
)


def find_secrets(user_data: bytes) -> list[SecretFound]:
    """Return every secret in user-data, also in packed parts, each kind once per line.

    The pattern of a password also fits a line that sets a token of a known kind: that kind is reported.
    """
    found = set(_find(user_data, "", _DEPTH))
    named = {(secret.line, secret.where) for secret in found if secret.kind != _GUESSED}
    return sorted(secret for secret in found if secret.kind != _GUESSED or (secret.line, secret.where) not in named)


def _find(content: bytes, where: str, depth: int) -> Iterator[SecretFound]:
    if content.startswith(_GZIP):
        content, where = _unpacked(content), f"{where}gzip, "
    found = set(_find_plain(content, where))
    yield from found
    if depth:
        yield from _find_packed(content, where, depth)
    if _QUOTED in content.lower():
        # A MIME part with line breaks anywhere, also within a secret.
        kinds = {secret.kind for secret in found}
        decoded = _find_plain(quopri.decodestring(content), f"{where}quoted-printable, ")
        yield from (secret for secret in decoded if secret.kind not in kinds)


def _find_plain(content: bytes, where: str) -> Iterator[SecretFound]:
    text = content.decode("utf-8", errors="replace")
    for kind, pattern in (*_KINDS, *((_GUESSED, command) for command in _COMMANDS)):
        for match in pattern.finditer(text):
            yield SecretFound(kind, _line(text, match.end()), where.rstrip(", "))


def _find_packed(content: bytes, where: str, depth: int) -> Iterator[SecretFound]:
    for match in _BASE64.finditer(content):
        inner = _decoded(match.group())
        if inner and (inner.startswith(_GZIP) or _is_text(inner)):
            line = _line(content.decode("utf-8", errors="replace"), match.start())
            yield from _find(inner, f"{where}base64 in line {line}, ", depth - 1)


def _unpacked(content: bytes) -> bytes:
    """Return the content of gzip data, as far as it can be read: a file can have several members."""
    parts: list[bytes] = []
    while content.startswith(_GZIP) and (left := _UNPACKED_MAX - sum(map(len, parts))) > 0:
        # 31 selects the gzip header.
        unpacking = zlib.decompressobj(wbits=31)
        try:
            parts.append(unpacking.decompress(content, left))
        except zlib.error:
            break
        content = unpacking.unused_data
    return b"".join(parts) or content


def _decoded(blob: bytes) -> bytes:
    plain = re.sub(rb"\s", b"", blob)
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _is_text(content: bytes) -> bool:
    try:
        return content.decode("utf-8").isprintable() or b"\n" in content
    except UnicodeDecodeError:
        return False


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
