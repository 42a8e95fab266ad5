# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine to which cluster the contexts of users' files belong. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from ..._errors import InputError
from ..._files import shell_word
from ..._findings import Finding
from .kubeconfig import KINDS, Entry, entry_of
from .user_files import read_kubeconfig, read_talosconfig

_ISSUED = ("client-certificate-data", "client-key-data")
_CREDENTIALS = {"crt", "key", "auth"}
TAKEN = "CONTEXT_TAKEN"


def taken(files: Sequence[Mapping[str, Any]], *, kubernetes: str, talos: str) -> Iterator[Finding]:
    """Yield the contexts of files that belong to another cluster than that of these authorities.

    A file that cannot be read is a problem of its own, which the check of the variables reports.
    """
    for file in files:
        path, name = Path(file["path"]), file["context"]
        with contextlib.suppress(InputError):
            is_kubeconfig = file["kind"] == "kubeconfig"
            document = (read_kubeconfig if is_kubeconfig else read_talosconfig)(path).document
            try:
                if is_kubeconfig:
                    wanted = Entry(name, {}, {"certificate-authority-data": kubernetes}, {})
                    check_kubeconfig(entry_of(document, name), wanted, path)
                else:
                    check_talosconfig(document, talos, name, path)
            except InputError as error:
                yield error.problems[0].apart().about(f"context {name} in {path}")


def check_talosconfig(current: Mapping[str, Any], authority: str, name: str, path: Path) -> None:
    """Raise if a context of a talosconfig belongs to another cluster, whose credentials would be lost."""
    entry = (current.get("contexts") or {}).get(name) or {}
    is_ours = entry.get("ca") == authority if entry.get("ca") else not _CREDENTIALS & set(entry)
    if not is_ours:
        raise InputError(
            f"Failed to write the context {name} to {path}: it exists and belongs to a cluster with another authority. "
            f"Choose another cluster name or another file, or delete the context if that cluster does not exist any "
            f"more: talosctl --talosconfig {shell_word(path)} config remove {name}.",
            code=TAKEN,
        )


def check_kubeconfig(kept: Entry, wanted: Entry, path: Path) -> None:
    """Raise if an entry belongs to another cluster, whose credentials would be lost."""
    authority = certificate(wanted.cluster.get("certificate-authority-data"))
    cause = ""
    if kept.cluster and _authority(kept.cluster, path) != authority:
        cause = f"it belongs to a cluster with another authority ({kept.server or 'without a server'})"
    elif kept.user and not _is_issued(kept.user, authority):
        cause = f"its user {kept.names['users']} has other credentials than a certificate of this cluster"
    if cause:
        raise InputError(
            f"Failed to write the context {wanted.name} to {path}: it exists, and {cause}. Set another one in the "
            f"option context (roles: cluster_kubeconfig_context), or delete it if that cluster does not exist any "
            f"more: {_deletion(kept, path)}",
            code=TAKEN,
        )


def _deletion(kept: Entry, path: Path) -> str:
    """Return the commands that delete a context with its cluster and user, whose names would still be taken."""
    there = {"contexts": kept.context, "clusters": kept.cluster, "users": kept.user}
    words = [f"delete-{KINDS[kind]} {shell_word(kept.names[kind])}" for kind, entry in there.items() if entry]
    return " && ".join(f"kubectl --kubeconfig {shell_word(path)} config {word}" for word in words)


def _authority(cluster: Mapping[str, Any], path: Path) -> Any:
    """Return the authority of an existing cluster entry, from its file if it has one; None for a public one."""
    if cluster.get("certificate-authority-data") or not cluster.get("certificate-authority"):
        return certificate(cluster.get("certificate-authority-data"))
    try:
        # As in kubectl: relative to the kubeconfig.
        content = path.resolve().parent.joinpath(str(cluster["certificate-authority"])).read_bytes()
    except OSError:
        return None
    return certificate(base64.b64encode(content).decode())


def _is_issued(user: Mapping[str, Any], authority: Any) -> bool:
    """Return whether a user has only a certificate of the authority, or an unreadable one."""
    own = certificate(user.get(_ISSUED[0]))
    return set(user) <= set(_ISSUED) and (own is None or has_issued(authority, own))


def has_issued(authority: Any, own: Any) -> bool:
    """Return whether an authority has issued a certificate."""
    try:
        own.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def certificate(text: Any) -> Any:
    """Return the certificate in base64 of PEM, None if it is none."""
    try:
        return x509.load_pem_x509_certificate(base64.b64decode(str(text or "")))
    except (ValueError, binascii.Error):
        return None
