# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine the state of a node from its TLS handshake. Private to urmanac.talos: may change at any time.

A node in maintenance mode presents a certificate with a fixed name and accepts any client; a configured node requires
a client certificate. The probe needs no credentials and makes no API call.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import ssl
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..._text import received
from .access import unverified_context
from .errors import reason_of_connect

MAINTENANCE_NAME: Final = "maintenance-service.talos.dev"
CONNECTS_AT_ONCE: Final = 128
# The first bytes of an HTTP/2 client: the preface and an empty SETTINGS frame. The answer, or an alert instead,
# shows whether the node wanted a client certificate: in TLS 1.3 the handshake itself ends before that is known.
_HELLO: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_ASKS_CERTIFICATE: Final = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA")


class Certificate(NamedTuple):
    """Name and fingerprint of a node's certificate."""

    common_name: str
    fingerprint: str


class Probe(NamedTuple):
    """Result of the probe of one node."""

    node: str
    stage: str | None = None
    error: str | None = None
    certificate: Certificate | None = None


def certificate_of(der: bytes) -> Certificate:
    """Return the name and the fingerprint (base64 of the public key's SHA-256, in talosctl's format)."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    certificate = x509.load_der_x509_certificate(der)
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    public_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(public_key).digest()).decode()
    return Certificate(received(str(names[0].value)) if names else "", pin)


def asks_client_certificate(error: ssl.SSLError) -> bool:
    """Return whether the alert says that the client certificate is missing or not trusted."""
    return any(word in f"{error.reason} {error}".upper() for word in _ASKS_CERTIFICATE)


async def probe(node: str, *, port: int, timeout: float) -> Probe:
    """Return the state of the node, or why it could not be read; never raises."""
    try:
        async with asyncio.timeout(timeout):
            return await _look(node, port)
    except (OSError, EOFError) as error:
        if isinstance(error, ssl.SSLError) and asks_client_certificate(error):
            return Probe(node, stage="running")
        return Probe(node, error=reason_of_connect(error, timeout).detail)


async def _look(node: str, port: int) -> Probe:
    reader, writer = await asyncio.open_connection(node, port, ssl=unverified_context())
    try:
        certificate = certificate_of(writer.get_extra_info("ssl_object").getpeercert(True))
        if certificate.common_name == MAINTENANCE_NAME:
            return Probe(node, stage="maintenance", certificate=certificate)
        return await _ask_for_entry(reader, writer, Probe(node, stage="running", certificate=certificate))
    finally:
        writer.transport.abort()


async def _ask_for_entry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Probe) -> Probe:
    """Return the result, unless the server accepts a client without a certificate."""
    writer.write(_HELLO)
    with contextlib.suppress(ConnectionError):
        try:
            if await reader.read(1):
                return seen._replace(stage=None, error="does not require a client certificate: not a Talos node")
        except ssl.SSLError as error:
            if not asks_client_certificate(error):
                raise
    return seen


async def probe_all(nodes: Sequence[str], *, port: int, timeout: float) -> list[Probe]:
    """Return the state of every node in the given order, probing many in parallel."""
    slots = asyncio.Semaphore(CONNECTS_AT_ONCE)

    async def probe_in_turn(node: str) -> Probe:
        async with slots:
            return await probe(node, port=port, timeout=timeout)

    return list(await asyncio.gather(*(probe_in_turn(node) for node in nodes)))
