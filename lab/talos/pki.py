# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of the simulation: what Talos itself makes when it boots."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MAINTENANCE_NAME = "maintenance-service.talos.dev"


class Pair(NamedTuple):
    certificate: x509.Certificate
    key: Any

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


class Subject(NamedTuple):
    """Who a certificate is for, and for how long."""

    common_name: str = ""
    organizations: Sequence[str] = ()
    alternative_names: Sequence[str] = ()
    lifetime: datetime.timedelta = datetime.timedelta(hours=24)
    clock_offset: datetime.timedelta = datetime.timedelta()

    def name(self) -> x509.Name:
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, text) for text in self.organizations]
        if self.common_name:
            attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, self.common_name))
        return x509.Name(attributes)


def load_pair(certificate: bytes, key: bytes) -> Pair:
    """Return the pair read from PEM, Talos' own header for Ed25519 keys included."""
    plain = key.replace(b"ED25519 PRIVATE KEY", b"PRIVATE KEY")
    return Pair(x509.load_pem_x509_certificate(certificate), serialization.load_pem_private_key(plain, None))


def new_authority(organization: str = "talos", *, key: Any = None) -> Pair:
    """Return a new authority, Ed25519 if no key is given, such as a node in maintenance makes for itself."""
    key = key or ed25519.Ed25519PrivateKey.generate()
    subject = Subject(organizations=[organization], lifetime=datetime.timedelta(days=3650))
    builder = _builder(subject, issuer=subject.name(), public_key=key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    return Pair(builder.sign(key, _algorithm(key)), key)


def issue(authority: Pair, subject: Subject, *, client: bool = False) -> Pair:
    """Return a certificate of the authority, with a key of the authority's own kind as Talos makes it."""
    key = _key_like(authority.key)
    usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    builder = _builder(subject, issuer=authority.certificate.subject, public_key=key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
    )
    if subject.alternative_names:
        names = [_general_name(name) for name in dict.fromkeys(subject.alternative_names)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Pair(builder.sign(authority.key, _algorithm(authority.key)), key)


def _builder(subject: Subject, *, issuer: x509.Name, public_key: Any) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC) + subject.clock_offset
    return (
        x509.CertificateBuilder()
        .subject_name(subject.name())
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + subject.lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_like(key: Any) -> Any:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ed25519.Ed25519PrivateKey.generate()
    if isinstance(key, rsa.RSAPrivateKey):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _algorithm(key: Any) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign")
    unset = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=signs_certificates, **unset)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def server_context(pair: Pair, *, clients_of: bytes | None = None) -> ssl.SSLContext:
    """Return the server's TLS settings; clients_of is the authority whose clients are accepted (None: all clients)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    context.num_tickets = 0
    with _key_file(pair) as path:
        context.load_cert_chain(path)
    if clients_of:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients_of.decode())
    return context


@contextmanager
def _key_file(pair: Pair) -> Iterator[Path]:
    """Yield a private file with both, because ssl takes keys from files only."""
    descriptor, name = tempfile.mkstemp(prefix="talos-simulated-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pair.certificate_pem + pair.key_pem)
        yield Path(name)
    finally:
        Path(name).unlink()


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
