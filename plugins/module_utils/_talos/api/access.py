# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to nodes: credentials, talosconfig, TLS settings. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..._errors import InputError
from ..._files import scratch
from ..._ports import TALOS


class Credentials(NamedTuple):
    """PEM texts: the cluster's authority, and the client's certificate and key."""

    authority: str
    certificate: str
    key: str

    def __repr__(self) -> str:
        """Keep the key out of every log and traceback."""
        return "Credentials(...)"


class TalosConfig(NamedTuple):
    """The chosen context of a talosconfig."""

    credentials: Credentials
    endpoints: Sequence[str]
    nodes: Sequence[str]


class Access(NamedTuple):
    """How to connect to nodes: with credentials, or without in maintenance mode.

    With a fingerprint, only a node with this public key is accepted in maintenance mode.
    """

    context: ssl.SSLContext
    is_maintenance: bool
    port: int = TALOS
    fingerprint: str | None = None
    connect_timeout: float = 10
    call_timeout: float = 30


def read_talosconfig(source: str | Mapping[str, Any], context: str | None = None) -> TalosConfig:
    """Return the context of a talosconfig, given as its path or its content."""
    document, name = _document(source)
    chosen = context or document.get("context")
    contexts = document.get("contexts")
    entry = contexts.get(chosen) if isinstance(contexts, Mapping) and isinstance(chosen, Hashable) else None
    if not isinstance(entry, Mapping):
        raise InputError(
            f"Failed to read {name}: it has no context {chosen!r}. Set talosconfig_context to one of its contexts."
        )
    return TalosConfig(
        credentials=Credentials(*(_pem(entry, key, name) for key in ("ca", "crt", "key"))),
        endpoints=_addresses(entry, "endpoints", name),
        nodes=_addresses(entry, "nodes", name),
    )


def _document(source: str | Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    if isinstance(source, Mapping):
        return source, "the talosconfig"
    import yaml

    path = Path(source).expanduser()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        # The parser's message would quote the file, which contains a key.
        raise InputError(f"Failed to read the talosconfig {path}: it is not YAML.", code="FILE_INVALID") from None
    except (OSError, ValueError) as error:
        # A path with a null byte is a ValueError.
        cause = getattr(error, "strerror", None) or error
        raise InputError(
            f"Failed to read the talosconfig {path}: {cause}. Check the path.", code="FILE_NOT_READABLE"
        ) from error
    if not isinstance(document, Mapping):
        raise InputError(f"Failed to read the talosconfig {path}: it does not contain a mapping.", code="FILE_INVALID")
    return document, f"the talosconfig {path}"


def _addresses(entry: Mapping[str, Any], key: str, name: str) -> list[str]:
    addresses = entry.get(key) or []
    if not isinstance(addresses, list):
        raise InputError(f"Failed to read {name}: its {key} are not a list. Correct it.", code="FILE_INVALID")
    return [str(address) for address in addresses]


def _pem(entry: Mapping[str, Any], key: str, name: str) -> str:
    try:
        text = base64.b64decode(str(entry.get(key) or ""), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if "-----BEGIN " not in text:
        raise InputError(
            f"Failed to read {name}: its {key} is not base64 of PEM. Create it again.", code="FILE_INVALID"
        ) from None
    return text


def maintenance_access() -> Access:
    """Return the access to nodes in maintenance mode."""
    return Access(unverified_context(), is_maintenance=True)


def cluster_access(credentials: Credentials) -> Access:
    """Return the access to the nodes of the cluster that the credentials belong to."""
    context = _client_context()
    try:
        context.load_verify_locations(cadata=credentials.authority)
        with _private_file(_normalised(credentials)) as path:
            context.load_cert_chain(path)
    except (ssl.SSLError, ValueError) as error:
        cause = getattr(error, "reason", None) or "they are not PEM"
        raise InputError(
            f"Failed to load the client's credentials: {cause}. Create the talosconfig again.", code="FILE_INVALID"
        ) from None
    return Access(context, is_maintenance=False)


def unverified_context() -> ssl.SSLContext:
    """Return TLS settings that accept any certificate: a node in maintenance mode has none to verify."""
    context = _client_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    return context


def _normalised(credentials: Credentials) -> bytes:
    """Return both in OpenSSL's format: Talos' own header for Ed25519 keys marks plain PKCS#8."""
    key = credentials.key.replace("ED25519 PRIVATE KEY", "PRIVATE KEY")
    return f"{credentials.certificate.strip()}\n{key.strip()}\n".encode()


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """Yield a path to the content: in memory if the system supports it, otherwise a temporary file of mode 0600."""
    if not (hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir()):
        with scratch(content) as path:
            yield path
        return
    descriptor = os.memfd_create("talos-credentials")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"
