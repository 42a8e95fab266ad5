# SPDX-License-Identifier: GPL-3.0-or-later
"""A fingerprint of the lab's code, so that a lab of yesterday's code is found and replaced. Standard library only."""

from __future__ import annotations

import hashlib
import sys
from importlib import metadata

from lab.settings import REPOSITORY


def fingerprint() -> str:
    """Return a hash over the lab's files, the interpreter and the packages that answer for it."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("moto", "boto3", "werkzeug", "grpclib", "cryptography", "protobuf"):
        digest.update(f"{name} {_version(name)}\n".encode())
    for path in sorted((REPOSITORY / "lab").rglob("*.py")):
        digest.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"
