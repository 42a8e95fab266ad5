# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find secrets in user-data, which every process of a machine and every reader of the account can read.

Private to urmanac.talos: may change at any time. What is found is reported by kind and place, never by its text.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_DEPTH = 4
# User-data has at most 16 KiB; what grows far beyond that when it is unpacked is no configuration.
_UNPACKED_MAX = 4 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/=_-])(?:[A-Za-z0-9+/]{4}\s*){8,}(?:[A-Za-z0-9+/]{2,3}={0,2})?")
# What a variable, a file or a placeholder stands for is not in the user-data.
_VALUE = r"""["']?(?![$<{*/\s"'|>&(-])(?!(?:true|false|null|none|yes|no|omit)\b)[^\s"']{6,}"""


class SecretFound(NamedTuple):
    """A secret: what it is, in which line, and in which unpacked part, if it was packed."""

    kind: str
    line: int
    where: str


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.MULTILINE)


_GUESSED = "password"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    ("AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("AWS secret key", _pattern(r"aws_secret_access_key\W{1,4}[A-Za-z0-9/+=]{40}")),
    ("AWS session token", _pattern(r"aws_session_token\W{1,4}[A-Za-z0-9/+=]{60,}")),
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
    ("JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
    ("WireGuard key", _pattern(r"\b(?:PrivateKey|PresharedKey)\s*=\s*[A-Za-z0-9+/]{42,43}=")),
    ("password hash", re.compile(r"\$(?:1|2[aby]|5|6|y|argon2id?)\$[^\s\"':]{8,}")),
    ("password in a URL", re.compile(r"://[^\s/:@\"']{1,64}:(?![$<{*])[^\s/@\"']{3,}@")),
    ("registry login", _pattern(r"[\"']auth[\"']\s*:\s*[\"'][A-Za-z0-9+/]{8,}={0,2}[\"']")),
    (
        _GUESSED,
        _pattern(
            r"(?:^|[\s,;\"'{_-])(?:[a-z0-9_-]*(?:password|passwd|passphrase|secret|api_?key|auth_?key|access_?token|token))"
            r"[\"']?\s*[:=]\s*" + _VALUE
        ),
    ),
)
# Lines of chpasswd: it reads name:password.
_CHPASSWD = re.compile(r"(?:echo|printf)\s+[\"']?[\w-]+:(?![$<{*])[^\s\"'|]{4,}[\"']?\s*\|\s*(?:sudo\s+)?chpasswd")


def find_secrets(user_data: bytes) -> list[SecretFound]:
    """Return every secret that user-data holds, packed ones too, each kind once per line.

    The pattern of a password also fits a line that sets a token of a known kind: that one has the better name.
    """
    found = set(_find(user_data, "", _DEPTH))
    named = {(secret.line, secret.where) for secret in found if secret.kind != _GUESSED}
    return sorted(secret for secret in found if secret.kind != _GUESSED or (secret.line, secret.where) not in named)


def _find(content: bytes, where: str, depth: int) -> Iterator[SecretFound]:
    if content.startswith(_GZIP):
        content, where = _unpacked(content), f"{where}gzip, "
    text = content.decode("utf-8", errors="replace")
    for kind, pattern in (*_KINDS, (_GUESSED, _CHPASSWD)):
        for match in pattern.finditer(text):
            yield SecretFound(kind, _line(text, match.end()), where.rstrip(", "))
    if depth:
        yield from _find_packed(content, where, depth)


def _find_packed(content: bytes, where: str, depth: int) -> Iterator[SecretFound]:
    for match in _BASE64.finditer(content):
        inner = _decoded(match.group())
        if inner and (inner.startswith(_GZIP) or _is_text(inner)):
            line = _line(content.decode("utf-8", errors="replace"), match.start())
            yield from _find(inner, f"{where}base64 in line {line}, ", depth - 1)


def _unpacked(content: bytes) -> bytes:
    """Return what gzip holds, as far as it can be read; wbits 31 is gzip's own header."""
    try:
        return zlib.decompressobj(wbits=31).decompress(content, _UNPACKED_MAX)
    except zlib.error:
        return content


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
