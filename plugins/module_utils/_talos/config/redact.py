# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove secrets from displayed text. Private to urmanac.talos: may change at any time.

Two filters: values under a key whose name marks a secret, and text anywhere that looks like key material. The second
one is needed because a hunk of a diff may begin in the middle of a key. Both prefer to hide too much.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from ..tailscale import ANY_KEY

REDACTED = "(redacted)"

_EXACT = frozenset({"key", "auth", "data", "stringdata"})
_ENDINGS = (
    *("token", "secret", "password", "passwd", "passphrase", "credentials"),
    *("privatekey", "presharedkey", "authkey", "apikey", "accesskey", "secretkey", "keydata"),
)
_KEY_LINE = re.compile(r"""^(?P<lead>[-+ \t?]*)(?P<key>"[^"]*"|'[^']*'|[\w./-]+)(?P<colon>\s*:)(?P<value>(?:\s.*)?)$""")
_FLOW_KEY = re.compile(r"""(?P<key>["']?[\w./-]+["']?\s*:)(?P<value>\s*(?:"[^"]*"|'[^']*'|[^\s,}\]{\["']+))""")
_ASSIGNMENT = re.compile(
    r"(?i)(?P<name>\b[\w.-]*(?:key|token|secret|password|passwd|passphrase|credentials)\s*=\s*)(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"'&,]+)"
)
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_BOOTSTRAP_TOKEN = re.compile(r"(?<![\w.])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.])")
_URL_PASSWORD = re.compile(r"(?P<user>://[^\s/:@]*:)[^\s/@]+(?=@)")
_BASE64_RUN = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w+/=])")
_KEY_MATERIAL_LINE = re.compile(r"^(?P<lead>[-+ \t]*)(?P<body>[A-Za-z0-9+/_-]{12,}={0,2})(?P<end>\s*)$")
_CERTIFICATE = base64.b64encode(b"-----BEGIN CERTIFICATE").decode()[:28]
_HEX = re.compile(r"[0-9a-f]+\Z")


def redact(text: str, *, known: Iterable[str] = ()) -> str:
    """Return YAML, a diff of YAML, or a message without its secrets; known are values to hide everywhere."""
    for value in sorted({value for value in known if value}, key=len, reverse=True):
        text = text.replace(value, REDACTED)
    lines = _KEY_BLOCK.sub(_keep_line_count, text).split("\n")
    return "\n".join(_redact_lines(lines))


def is_secret_name(name: str) -> bool:
    """Return whether a key with this name contains a secret in Talos, Kubernetes, Tailscale or WireGuard settings."""
    plain = re.sub(r"[\s\"'_-]", "", name).lower()
    return plain in _EXACT or plain.endswith(_ENDINGS)


def _redact_lines(lines: list[str]) -> Iterator[str]:
    hidden_from: int | None = None
    for line in lines:
        lead = len(line) - len(line.lstrip("-+ \t"))
        if hidden_from is not None and line.strip(" \t+-") and lead <= hidden_from:
            hidden_from = None
        if hidden_from is not None:
            yield line[:lead] + REDACTED if line[lead:] else line
            continue
        match = _KEY_LINE.match(line)
        if match and is_secret_name(match["key"]):
            hidden_from = lead
            yield _hide_rest(match)
            continue
        yield _redact_line(line)


def _hide_rest(match: re.Match[str]) -> str:
    value = match["value"].strip()
    shown = match["value"] if value in ("", '""', "''", "null", "{}", "[]") else f" {REDACTED}"
    return match["lead"] + match["key"] + match["colon"] + shown


def _redact_line(line: str) -> str:
    line = _ASSIGNMENT.sub(lambda match: match["name"] + REDACTED, line)
    line = _FLOW_KEY.sub(_hide_flow, line)
    line = _BOOTSTRAP_TOKEN.sub(REDACTED, line)
    line = ANY_KEY.sub(REDACTED, line)
    line = _URL_PASSWORD.sub(lambda match: match["user"] + REDACTED, line)
    line = _BASE64_RUN.sub(lambda match: REDACTED if _is_key_material(match[0]) else match[0], line)
    return _KEY_MATERIAL_LINE.sub(_hide_fragment, line)


def _hide_flow(match: re.Match[str]) -> str:
    name = match["key"].rstrip(": \t")
    if not is_secret_name(name) or match["value"].strip() in ('""', "''", "null"):
        return match[0]
    return f"{match['key']} {REDACTED}"


def _hide_fragment(match: re.Match[str]) -> str:
    body = match["body"]
    random_looking = re.search(r"[A-Z]", body) and re.search(r"[a-z]", body) and re.search(r"[0-9+/=]", body)
    return match["lead"] + (REDACTED if random_looking and not body.startswith(_CERTIFICATE) else body) + match["end"]


def _is_key_material(run: str) -> bool:
    """Return whether the text is a key rather than a certificate, a digest, or a lower-case path or name."""
    if _HEX.match(run) or not re.search(r"[A-Z]", run):
        return False
    if not run.startswith(_CERTIFICATE):
        return True
    return b"PRIVATE KEY" in _decoded(run)


def _decoded(run: str) -> bytes:
    try:
        return base64.b64decode(run.rstrip("=") + "=" * (-len(run.rstrip("=")) % 4), altchars=b"-_")
    except (binascii.Error, ValueError):
        return b""


def _keep_line_count(match: re.Match[str]) -> str:
    return "\n".join(REDACTED for _line in match[0].split("\n"))
