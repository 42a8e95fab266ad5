# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated Tailscale extension: it makes no connection, and accepts every key that does not contain "invalid"."""

from __future__ import annotations

import zlib
from typing import Final

from lab.talos.machine import Node

SERVICE: Final = "ext-tailscale"
LINK: Final = "tailscale0"


def environment(node: Node) -> dict[str, str] | None:
    """Return the extension's settings in the configuration; empty without a document for it."""
    documents = node.active.documents_of("ExtensionServiceConfig") if node.active else []
    for document in documents:
        if document.get("name") == "tailscale":
            return dict(line.partition("=")[::2] for line in document.get("environment") or ())
    return None


def is_logged_in(node: Node) -> bool:
    settings = environment(node)
    return bool(node.is_booted and settings and _is_key(settings) and "tailscale" in node.state.extensions)


def _is_key(settings: dict[str, str]) -> bool:
    key = settings.get("TS_AUTHKEY", "")
    return key.startswith("tskey-auth-") and "invalid" not in key


def address(node: Node) -> str | None:
    """Return the node's address on the link that Tailscale makes; in user space there is no link."""
    settings = environment(node) or {}
    if settings.get("TS_USERSPACE", "false") == "true" or not is_logged_in(node):
        return None
    number = zlib.crc32(node.address.encode())
    return f"100.{64 + number % 64}.{number >> 8 & 255}.{number >> 16 & 255}"


def log(node: Node) -> list[str]:
    """Return what the extension logs, in the words of the real one."""
    if environment(node) is None:
        return []
    lines = ["boot: Starting tailscaled", "boot: Waiting for tailscaled socket"]
    if is_logged_in(node):
        return [*lines, "Switching ipn state NoState -> Running", "boot: Startup complete, waiting for shutdown signal"]
    error = "invalid key: API key does not exist"
    return [
        *lines,
        f"Received error: {error}",
        f"backend error: {error}",
        "boot: failed to auth tailscale: exit status 1",
    ]
