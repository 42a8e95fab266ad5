# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create a cluster's secrets once, and certificates from them. Private to urmanac.talos: may change at any time.

A bundle has the layout and the algorithms of C(talosctl gen secrets) for Talos v1.3 and later.
"""

from __future__ import annotations

import base64
import datetime
import secrets
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..._errors import InputError
from ..files import secret_files as files
from ..files import yaml_text
from ..files.owners import check_talosconfig
from ..files.user_files import read_talosconfig, write_user_file
from .bundle import (
    Bundle,
    Pair,
    decode_base64,
    is_encrypted,
    read_bundle,
    to_document,
)

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

ADMIN_ROLE = "os:admin"
_AUTHORITY_LIFETIME = datetime.timedelta(hours=87600)
# A node whose clock is behind rejects certificates from its future, and nodes set their clock over the network.
_BACK_DATE = datetime.timedelta(hours=24)
_USES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


class Context(NamedTuple):
    """One context of a talosconfig."""

    name: str
    endpoints: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


class Validity(NamedTuple):
    """Lifetime of an admin certificate, and how long before its expiry it is renewed."""

    lifetime: datetime.timedelta = datetime.timedelta(days=365)
    renewal: datetime.timedelta = datetime.timedelta(days=30)


DEFAULT_VALIDITY = Validity()


class Kept(NamedTuple):
    """Whether a talosconfig changes, and warnings for the user."""

    changed: bool
    warnings: tuple[str, ...] = ()


# --- bundle ---


def ensure_bundle(
    path: Path,
    *,
    check_mode: bool = False,
    make: Callable[[], Bundle] | None = None,
    content: str | None = None,
) -> tuple[bool, Bundle | None]:
    """Return whether the bundle was (or, in check mode, would be) created, and the bundle if it exists.

    The file is created once: concurrent runs wait for each other, and an existing file is never replaced. Read
    permissions of other users are removed, unless the file is encrypted; content is the text of an encrypted file.
    """
    files.sweep_private(path, check_mode=check_mode)
    if path.exists():
        bundle = _checked(path, content)
        changed = not files.is_private(path) and not is_encrypted(path)
        if changed and not check_mode:
            files.make_private(path)
        return changed, bundle
    if check_mode:
        return True, None
    with files.locked(path):
        if path.exists():
            return False, _checked(path)
        if pending_path(path).exists():
            return True, _promoted(path)
        made = (make or new_bundle)()
        files.write_private(path, yaml_text.dump_plain(to_document(made)))
    return True, made


def pending_path(path: Path) -> Path:
    """Return the path of a bundle whose cluster is not claimed yet."""
    return path.with_name(f"{path.stem}.pending{path.suffix}")


def ensure_pending_bundle(
    path: Path,
    *,
    check_mode: bool = False,
    make: Callable[[], Bundle] | None = None,
    content: str | None = None,
) -> tuple[bool, Bundle | None]:
    """Return the bundle or the pending one, which is created if missing, and whether something changed."""
    if path.exists():
        return False, _checked(path, content)
    return ensure_bundle(pending_path(path), check_mode=check_mode, make=make)


def _promoted(path: Path) -> Bundle:
    pending = pending_path(path)
    bundle = _checked(pending)
    pending.replace(path)
    return bundle


def authority_of(bundle: Bundle) -> str:
    """Return the fingerprint (SHA-256, hexadecimal) of the cluster's certificate authority."""
    return load_certificate(bundle.os.crt).fingerprint(hashes.SHA256()).hex()


def new_bundle() -> Bundle:
    """Return new secrets for a new cluster."""
    now = _now()
    service_account = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    return Bundle(
        cluster_id=new_identifier(),
        cluster_secret=_random_base64(32),
        bootstrap_token=_token(),
        secretbox=_random_base64(32),
        aescbc="",
        trustd_token=_token(),
        etcd=_authority(ec.generate_private_key(ec.SECP256R1()), "etcd", now),
        k8s=_authority(ec.generate_private_key(ec.SECP256R1()), "kubernetes", now),
        aggregator=_authority(ec.generate_private_key(ec.SECP256R1()), "", now),
        service_account=_encoded(_key_pem(service_account)),
        os=_authority(ed25519.Ed25519PrivateKey.generate(), "talos", now),
    )


def new_identifier() -> str:
    """Return a new cluster id for the discovery service; it is not secret."""
    return _random_base64(32)


def check_pairs(bundle: Bundle, name: str) -> None:
    """Raise if certificates and keys of a bundle do not match."""
    for label in ("etcd", "k8s", "aggregator", "os"):
        pair: Pair = getattr(bundle, label)
        try:
            certificate, key = load_certificate(pair.crt), load_key(pair.key)
        except (ValueError, UnsupportedAlgorithm):
            raise InputError(
                f"Failed to use the secrets bundle {name}: the {label} authority cannot be read. {_FIX}",
                code="FILE_INVALID",
            ) from None
        if _spki(certificate.public_key()) != _spki(key.public_key()):
            raise InputError(
                f"Failed to use the secrets bundle {name}: the {label} key does not match its certificate. {_FIX}",
                code="FILE_INVALID",
            )


_FIX = "Restore the file from a backup."


def _checked(path: Path, content: str | None = None) -> Bundle:
    bundle = read_bundle(path, content)
    check_pairs(bundle, str(path))
    return bundle


# --- certificates ---


def admin_pair(bundle: Bundle, validity: Validity, now: datetime.datetime | None = None) -> Pair:
    """Return a new client certificate for os:admin and its key."""
    authority, authority_key = load_certificate(bundle.os.crt), load_key(bundle.os.key)
    # The algorithm of the authority, which decides what a node accepts.
    key = _key_like(authority_key)
    start = (now or _now()) - _BACK_DATE
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, ADMIN_ROLE)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after((now or _now()) + validity.lifetime)
        .add_extension(_key_usage(is_authority=False), critical=True)
        # Talos rejects client certificates with other usages.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(_authority_key_identifier(authority), critical=False)
    )
    certificate = builder.sign(authority_key, _hash_for(authority_key))
    return Pair(_encoded(certificate.public_bytes(serialization.Encoding.PEM)), _encoded(_key_pem(key)))


def load_certificate(text: str) -> x509.Certificate:
    """Return the certificate in base64 of PEM."""
    return x509.load_pem_x509_certificate(decode_base64(text) or b"")


def load_key(text: str) -> PrivateKey:
    """Return the private key as base64 of PEM, with Talos' own header for Ed25519."""
    pem = (decode_base64(text) or b"").replace(b" ED25519 PRIVATE KEY-----", b" PRIVATE KEY-----")
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the key is neither Ed25519 nor ECDSA")
    return key


def _authority(key: PrivateKey, organization: str, now: datetime.datetime) -> Pair:
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else [])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACK_DATE)
        .not_valid_after(now + _AUTHORITY_LIFETIME)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(list(_USES)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, _hash_for(key))
    )
    return Pair(_encoded(certificate.public_bytes(serialization.Encoding.PEM)), _encoded(_key_pem(key)))


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_identifier(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier(
            x509.SubjectKeyIdentifier.from_public_key(authority.public_key()).digest, None, None
        )
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _key_like(key: PrivateKey) -> PrivateKey:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ec.generate_private_key(key.curve)
    return ed25519.Ed25519PrivateKey.generate()


def _hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    return hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _key_pem(key: PrivateKey | rsa.RSAPrivateKey) -> bytes:
    is_ed25519 = isinstance(key, ed25519.Ed25519PrivateKey)
    form = serialization.PrivateFormat.PKCS8 if is_ed25519 else serialization.PrivateFormat.TraditionalOpenSSL
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    # PKCS#8 with Talos' own PEM header.
    return pem.replace(b" PRIVATE KEY-----", b" ED25519 PRIVATE KEY-----") if is_ed25519 else pem


def _spki(key: Any) -> bytes:
    return bytes(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


# --- talosconfig ---


def ensure_talosconfig(
    path: Path, bundle: Bundle, context: Context, *, validity: Validity = DEFAULT_VALIDITY, check_mode: bool = False
) -> Kept:
    """Update one context of a talosconfig and keep everything else in it."""
    if check_mode and not (path.exists() or path.is_symlink()):
        return Kept(True)
    files.sweep_private(path, check_mode=check_mode)
    with files.locked(path):
        file = read_talosconfig(path)
        check_talosconfig(file.document, bundle.os.crt, context.name, path)
        wanted = _talosconfig(file.document, bundle, context, validity)
        if file.document == wanted:
            return Kept(False)
        return Kept(True, () if check_mode else tuple(write_user_file(file, wanted)))


def valid_until(path: Path, context: str) -> datetime.datetime | None:
    """Return the expiry of the certificate of a context in a talosconfig, if the context exists."""
    entry = (read_talosconfig(path).document.get("contexts") or {}).get(context) or {}
    return load_certificate(entry["crt"]).not_valid_after_utc if entry.get("crt") else None


def _talosconfig(current: dict[str, Any], bundle: Bundle, context: Context, validity: Validity) -> dict[str, Any]:
    contexts = dict(current.get("contexts") or {})
    entry = dict(contexts.get(context.name) or {})
    if not _is_usable(entry, bundle, validity):
        pair = admin_pair(bundle, validity)
        entry |= {"ca": bundle.os.crt, "crt": pair.crt, "key": pair.key}
    addresses = {"endpoints": list(context.endpoints), "nodes": list(context.nodes)}
    given = {key: value for key, value in addresses.items() if value}
    kept = {key: value for key, value in entry.items() if key in given or key not in addresses}
    # A new context begins with its addresses, as talosctl writes it; an existing one keeps the order of its keys.
    contexts[context.name] = {**kept, **given} if contexts.get(context.name) else {**given, **kept}
    return {**current, "context": current.get("context") or context.name, "contexts": contexts}


def _is_usable(entry: dict[str, Any], bundle: Bundle, validity: Validity) -> bool:
    """Return whether a context's certificate is of this cluster, matches its key, and is valid long enough."""
    if entry.get("ca") != bundle.os.crt:
        return False
    try:
        certificate, key = load_certificate(str(entry["crt"])), load_key(str(entry["key"]))
        certificate.verify_directly_issued_by(load_certificate(bundle.os.crt))
    except (KeyError, TypeError, ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False
    lasts = certificate.not_valid_after_utc - _now() > validity.renewal
    return lasts and _spki(certificate.public_key()) == _spki(key.public_key())


def _encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def _random_base64(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode()


def _token() -> str:
    alphabet = string.digits + string.ascii_lowercase
    return ".".join("".join(secrets.choice(alphabet) for _character in range(length)) for length in (6, 16))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
