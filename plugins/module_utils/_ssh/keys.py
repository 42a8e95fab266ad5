# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys and host keys of SSH. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

TYPES = (
    *("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)
# Amazon Linux 2023's sshd ignores shorter RSA keys: its crypto policy sets RequiredRSASize to 2048.
LEAST_RSA_BITS = 2048
_NEW_KEY = "Make a new key with `ssh-keygen -t ed25519` and give its public part."
# Replaces a private key that was given, so that its text is in no option, log or message.
PRIVATE_KEY = "(a private key, not shown)"


class HostKey(NamedTuple):
    """A key pair of a machine: the private part as OpenSSH stores it, the public one as known_hosts has it."""

    private: str
    public: str


def public_key_of(given: str) -> str:
    """Return the public key that a variable gives as text or as the path of a file, never a private one."""
    text = _content(given.strip())
    return PRIVATE_KEY if "PRIVATE KEY" in text or text.startswith("PuTTY-User-Key-File") else text


def identity_file_of(given: str) -> str:
    """Return the file that ssh logs in with for a public key that is given as a file, empty for one given as text.

    It is the private key beside the public one, or the public one, by which ssh chooses the key of an agent.
    """
    text = given.strip()
    if not text or _content(text) == text:
        return ""
    public = Path(text).expanduser().absolute()
    private = public.with_suffix("")
    return str(private if public.suffix == ".pub" and private.is_file() else public)


def _content(text: str) -> str:
    """Return the text of the file that is named, or the text itself."""
    try:
        path = Path(text).expanduser()
        return path.read_text(encoding="utf-8").strip() if text and path.is_file() else text
    except (OSError, RuntimeError, ValueError):
        return text


def public_key_problem(text: str) -> str | None:
    """Return what is wrong with the text of a public key, without repeating it, or None."""
    if text == PRIVATE_KEY:
        return "It is a private key, which must stay on the controller."
    if len(text.splitlines()) != 1 or not text.isprintable():
        return "It has several lines or control characters, and a public key is one line."
    words = text.split(" ")
    if words[0] == "ssh-dss":
        return f"It is a DSA key, which the bastion's sshd ignores. {_NEW_KEY}"
    if words[0] not in TYPES:
        return "It is neither a public key nor the path of a file that exists."
    if len(words) < 2 or not _is_key(words[0], words[1]):
        return f"It begins with {words[0]}, but the key is incomplete or damaged."
    return _weakness(words[0], words[1])


def _weakness(kind: str, encoded: str) -> str | None:
    """Return why sshd ignores a whole key, or None."""
    bits = int.from_bytes(_fields(base64.b64decode(encoded))[-1], "big").bit_length()
    if kind != "ssh-rsa" or bits >= LEAST_RSA_BITS:
        return None
    return (
        f"It is an RSA key of {bits} bits, and the bastion's sshd ignores RSA keys of less than {LEAST_RSA_BITS} bits. "
        f"{_NEW_KEY}"
    )


def _is_key(kind: str, encoded: str) -> bool:
    """Return whether the base64 text contains a key of the kind: it begins with the kind's name and its length."""
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    name = len(kind).to_bytes(4, "big") + kind.encode()
    return blob.startswith(name) and len(_fields(blob)) > 1


def _fields(blob: bytes) -> list[bytes]:
    """Return the fields of a blob, each preceded by its length, or none if the blob is incomplete."""
    position, fields = 0, []
    while position + 4 <= len(blob):
        end = position + 4 + int.from_bytes(blob[position : position + 4], "big")
        fields.append(blob[position + 4 : end])
        position = end
    return fields if position == len(blob) else []


def make_host_key(comment: str) -> HostKey:
    """Return a new Ed25519 key pair."""
    # Imported here, because only the creation of a key needs the library.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return HostKey(private, f"{public} {comment}".strip())


MakeHostKey = Callable[[str], HostKey]


def known_hosts_line(alias: str, public: str) -> str:
    """Return the line of known_hosts with the alias and the key."""
    kind, encoded = public.split(" ")[:2]
    return f"{alias} {kind} {encoded}\n"
