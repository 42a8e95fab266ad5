# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and check a cluster's secrets bundle. Private to urmanac.talos: may change at any time.

The layout is that of C(talosctl gen secrets). The only requirement is PyYAML.
"""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..._errors import InputError
from ..._text import received
from ..files import yaml_text

_TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}\Z")
_AUTHORITIES = ("etcd", "k8s", "k8saggregator", "os")


class Pair(NamedTuple):
    """A certificate and its key, each as base64 of its PEM text, as Talos stores them."""

    crt: str
    key: str

    def __repr__(self) -> str:
        """Keep the key out of tracebacks and logs."""
        return "Pair(...)"


class Bundle(NamedTuple):
    """A cluster's secrets."""

    cluster_id: str
    cluster_secret: str
    bootstrap_token: str
    secretbox: str
    aescbc: str
    trustd_token: str
    etcd: Pair
    k8s: Pair
    aggregator: Pair
    service_account: str
    os: Pair

    def __repr__(self) -> str:
        """Keep the secrets out of tracebacks and logs."""
        return f"Bundle({self.cluster_id[:6]}...)"


def read_bundle(path: Path, content: str | None = None) -> Bundle:
    """Return the bundle in a file or raise all its problems; content is the decrypted text of an encrypted file."""
    if content:
        return parse_bundle(content, str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not a text file"
        raise InputError(
            f"Failed to read the secrets bundle {path}: {cause}. {_REMEDY}", code="FILE_NOT_READABLE"
        ) from error
    return parse_bundle(_decrypted(text, path), str(path))


def is_encrypted(path: Path) -> bool:
    """Return whether a file is encrypted, so that its permissions do not matter."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return encrypted_with(text) is not None


def encrypted_with(text: str) -> str | None:
    """Return the program that a text is encrypted with."""
    if text.lstrip().startswith("$ANSIBLE_VAULT;"):
        return "Ansible Vault"
    return "SOPS" if _form_of_sops(text) else None


def _form_of_sops(text: str) -> str:
    """Return what sops calls the form of a file that it encrypted, empty for any other text."""
    if "sops" not in text:
        # Most files are plain, and need not be read as YAML twice.
        return ""
    try:
        documents = yaml_text.load_all(text)
    except InputError:
        return ""
    encrypted = [document for document in documents if isinstance(document, dict) and "sops" in document]
    if not encrypted:
        return ""
    # The text as a whole, encrypted without regard to what it contains.
    return "binary" if encrypted[0].keys() == {"data", "sops"} else "yaml"


def _decrypted(text: str, path: Path) -> str:
    """Return the decrypted text of a SOPS file if sops is installed, otherwise the text itself."""
    program, form = shutil.which("sops"), _form_of_sops(text)
    if program is None or not form:
        return text
    # Only sops knows where the keys are. Its output stays in memory.
    command = [program, "--decrypt", "--input-type", form, "--output-type", form, str(path)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except OSError as error:
        cause = f"{program} cannot be started: {error.strerror}. Install sops for this machine."
        raise InputError(f"Failed to decrypt the secrets bundle {path}: {cause}", code="FILE_NOT_DECRYPTED") from error
    except subprocess.TimeoutExpired as error:
        cause = f"sops did not end within {_SECONDS} s."
        raise InputError(
            f"Failed to decrypt the secrets bundle {path}: {cause} {_KEY_OF_SOPS}", code="FILE_NOT_DECRYPTED"
        ) from error
    if done.returncode != 0:
        said = " ".join(received(done.stderr).split())
        raise InputError(
            f"Failed to decrypt the secrets bundle {path}: sops reports: {said[:500]} {_KEY_OF_SOPS}",
            code="FILE_NOT_DECRYPTED",
        )
    return done.stdout


# sops may wait for a card, a passphrase or a service of a cloud.
_SECONDS = 60
_KEY_OF_SOPS = "Provide the key to sops, for example with the environment variable SOPS_AGE_KEY_FILE."


def parse_bundle(text: str, name: str) -> Bundle:
    """Return the bundle in a text; name is its name in messages."""
    encrypted = encrypted_with(text)
    if encrypted:
        remedy = f"{_DECRYPTION[encrypted]} {name}."
        raise InputError(
            f"Failed to read the secrets bundle {name}: it is encrypted with {encrypted}. {remedy}",
            code="FILE_NOT_DECRYPTED",
        )
    try:
        documents = yaml_text.load_all(text)
    except InputError:
        # The cause could quote a line that contains a key.
        raise InputError(
            f"Failed to read the secrets bundle {name}: it is not YAML. {_REMEDY}", code="FILE_INVALID"
        ) from None
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise InputError(
            f"Failed to read the secrets bundle {name}: it is not one YAML mapping. {_REMEDY}", code="FILE_INVALID"
        )
    problems = list(_problems(documents[0]))
    if problems:
        raise InputError(
            f"Failed to read the secrets bundle {name}: {'; '.join(problems)}. {_REMEDY}", code="FILE_INVALID"
        )
    return _bundle(documents[0])


def to_document(bundle: Bundle) -> dict[str, Any]:
    """Return a bundle in the layout of C(talosctl gen secrets)."""
    secrets = {"bootstraptoken": bundle.bootstrap_token, "secretboxencryptionsecret": bundle.secretbox}
    if bundle.aescbc:
        secrets["aescbcencryptionsecret"] = bundle.aescbc
    return {
        "cluster": {"id": bundle.cluster_id, "secret": bundle.cluster_secret},
        "secrets": secrets,
        "trustdinfo": {"token": bundle.trustd_token},
        "certs": {
            "etcd": bundle.etcd._asdict(),
            "k8s": bundle.k8s._asdict(),
            "k8saggregator": bundle.aggregator._asdict(),
            "k8sserviceaccount": {"key": bundle.service_account},
            "os": bundle.os._asdict(),
        },
    }


def secret_values(bundle: Bundle) -> tuple[str, ...]:
    """Return all secret values of a bundle, to censor them."""
    keys = (bundle.etcd.key, bundle.k8s.key, bundle.aggregator.key, bundle.os.key, bundle.service_account)
    tokens = (bundle.cluster_secret, bundle.bootstrap_token, bundle.secretbox, bundle.aescbc, bundle.trustd_token)
    return tuple(value for value in (*keys, *tokens) if value)


def decode_base64(text: str) -> bytes | None:
    """Return the decoded base64 text (standard or URL-safe alphabet), or None."""
    try:
        return base64.b64decode(str(text).strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None


_DECRYPTION = {
    "Ansible Vault": "Pass its password to ansible-playbook (--ask-vault-pass or --vault-password-file), or decrypt it "
    "to a file of mode 0600: umask 077; ansible-vault decrypt --output PLAIN",
    "SOPS": "Install sops on the host that reads the bundle, or decrypt it to a file of mode 0600: "
    "umask 077; sops decrypt --output PLAIN",
}
_REMEDY = "Use a file created by talos_secrets or talosctl gen secrets, or restore it from a backup."


def _problems(document: dict[str, Any]) -> Iterator[str]:
    for path in ("cluster.id", "cluster.secret"):
        if len(decode_base64(_text(document, path)) or b"") != 32:
            yield f"{path} is not base64 of 32 bytes"
    yield from _encryption_problems(document)
    for path in ("secrets.bootstraptoken", "trustdinfo.token"):
        if not _TOKEN.match(_text(document, path)):
            yield f"{path} does not have the form abcdef.0123456789abcdef"
    for name in _AUTHORITIES:
        yield from _pem_problems(document, f"certs.{name}.crt", b"CERTIFICATE")
        yield from _pem_problems(document, f"certs.{name}.key", b"PRIVATE KEY")
    yield from _pem_problems(document, "certs.k8sserviceaccount.key", b"PRIVATE KEY")


def _encryption_problems(document: dict[str, Any]) -> Iterator[str]:
    paths = [f"secrets.{name}encryptionsecret" for name in ("secretbox", "aescbc")]
    given = [path for path in paths if _text(document, path)]
    if not given:
        yield f"{paths[0]} is missing"
    for path in given:
        if len(decode_base64(_text(document, path)) or b"") not in (16, 24, 32):
            yield f"{path} is not base64 of a key"


def _pem_problems(document: dict[str, Any], path: str, what: bytes) -> Iterator[str]:
    decoded = decode_base64(_text(document, path))
    if decoded is None or not decoded.strip().startswith(b"-----BEGIN ") or what not in decoded.split(b"\n", 1)[0]:
        yield f"{path} is not base64 of a PEM {what.decode().lower()}"


def _text(document: dict[str, Any], path: str) -> str:
    value: Any = document
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return yaml_text.text_of(value) if not isinstance(value, dict | list) else ""


def _bundle(document: dict[str, Any]) -> Bundle:
    def pair(name: str) -> Pair:
        return Pair(_text(document, f"certs.{name}.crt"), _text(document, f"certs.{name}.key"))

    return Bundle(
        cluster_id=_text(document, "cluster.id"),
        cluster_secret=_text(document, "cluster.secret"),
        bootstrap_token=_text(document, "secrets.bootstraptoken"),
        secretbox=_text(document, "secrets.secretboxencryptionsecret"),
        aescbc=_text(document, "secrets.aescbcencryptionsecret"),
        trustd_token=_text(document, "trustdinfo.token"),
        etcd=pair("etcd"),
        k8s=pair("k8s"),
        aggregator=pair("k8saggregator"),
        service_account=_text(document, "certs.k8sserviceaccount.key"),
        os=pair("os"),
    )
