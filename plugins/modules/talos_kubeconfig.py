#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep an administrator's kubeconfig of a cluster in a file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_kubeconfig
version_added: 0.1.0
short_description: Keep an administrator's kubeconfig of a cluster in a file
description:
  - Asks a control plane for a kubeconfig and merges it into a file; other clusters in the file stay as they are.
  - Talos makes another client certificate each time it is asked. The file counts as up to date while it has the same
    server, the same authority, and a certificate of that authority that is valid long enough.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.talos
  - urmanac.talos.attributes
attributes:
  diff_mode:
    details:
      - The server and the context, never keys or certificates.
options:
  nodes:
    description: Addresses of control planes; the first one that answers is asked.
  talosconfig:
    required: true
  path:
    description: File to keep it in, where the module runs. It gets mode 0600.
    type: path
    required: true
  context:
    description: Name of the context, where another than Talos' own (C(admin@) and the cluster's name) is wanted.
    type: str
  server:
    description: URL of the Kubernetes API as it is reached from here, where it is not the cluster's endpoint.
    type: str
  renew_before:
    description: Days before its end at which a client certificate is renewed.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Keep a kubeconfig
  urmanac.talos.talos_kubeconfig:
    nodes:
      - 192.0.2.101
    talosconfig: secrets/talosconfig
    path: secrets/kubeconfig
"""

RETURN = r"""
path:
  description: File that it is kept in.
  returned: success
  type: str
  sample: secrets/kubeconfig
context:
  description: Name of the context.
  returned: success
  type: str
  sample: admin@talos
server:
  description: URL of the Kubernetes API.
  returned: success
  type: str
  sample: https://192.0.2.101:6443
"""

import asyncio
import base64
import binascii
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._errors import CollectionError, InputError, TalosError
from ..module_utils._files import sweep, write_file
from ..module_utils._talos.module import (
    cluster_way,
    failures,
    node_module,
)

MISSING: ImportError | None = None
try:
    import yaml
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    from ..module_utils._talos import client, machine, yaml_text
except ImportError as error:
    MISSING = error

_KINDS = ("clusters", "users", "contexts")


class Entry(NamedTuple):
    """One context of a kubeconfig, with what belongs to it."""

    name: str
    context: dict[str, Any]
    cluster: dict[str, Any]
    user: dict[str, Any]

    @property
    def server(self) -> str:
        """Return the URL of the API."""
        return str(self.cluster.get("server", ""))


def entry_of(document: Mapping[str, Any], name: str | None = None) -> Entry | None:
    """Return the context of the name, or the current one; nothing when it is not there or not whole."""
    name = name or document.get("current-context")
    context = _named(document, "contexts", name).get("context") or {}
    cluster = _named(document, "clusters", context.get("cluster")).get("cluster") or {}
    user = _named(document, "users", context.get("user")).get("user") or {}
    return Entry(str(name), context, cluster, user) if cluster and user else None


def _named(document: Mapping[str, Any], kind: str, name: Any) -> Mapping[str, Any]:
    return next((item for item in document.get(kind) or [] if item.get("name") == name), {})


def wanted_entry(fresh: Mapping[str, Any], *, context: str | None, server: str | None) -> Entry:
    """Return what Talos gave, under the names and with the server that the user wants."""
    entry = entry_of(fresh)
    if entry is None:
        raise TalosError("Failed to read the kubeconfig that the node sent: it has no current context.")
    cluster = {**entry.cluster, **({"server": server} if server else {})}
    return entry._replace(name=context or entry.name, cluster=cluster)


def check_owner(kept: Entry | None, wanted: Entry, path: Path) -> None:
    """Raise where the context is of another cluster: its credentials would be gone for good."""
    authority = kept and kept.cluster.get("certificate-authority-data")
    if kept and authority and _certificate(authority) != _certificate(wanted.cluster["certificate-authority-data"]):
        raise InputError(
            f"Failed to keep the context {wanted.name} in {path}: it is there already, and of a cluster with another "
            f"authority ({kept.server}). Name another one in the option context, or remove it if that cluster is gone: "
            f"kubectl --kubeconfig {path} config delete-context {wanted.name}."
        )


def is_equivalent(kept: Entry | None, wanted: Entry, *, valid_until: datetime.datetime) -> bool:
    """Tell whether what is kept leads to the same place, with a certificate that holds long enough."""
    if kept is None or kept.server != wanted.server:
        return False
    authority = _certificate(kept.cluster.get("certificate-authority-data"))
    own = _certificate(kept.user.get("client-certificate-data"))
    if not authority or not own or authority != _certificate(wanted.cluster.get("certificate-authority-data")):
        return False
    try:
        own.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return own.not_valid_after_utc > valid_until


def _certificate(text: Any) -> Any:
    try:
        return x509.load_pem_x509_certificate(base64.b64decode(str(text or "")))
    except (ValueError, binascii.Error):
        return None


def merged(document: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    """Return the kubeconfig with the context in it, all else as it was."""
    context = {**entry.context, "cluster": entry.name, "user": entry.name}
    added: dict[str, Any] = {"clusters": ("cluster", entry.cluster), "users": ("user", entry.user)}
    added["contexts"] = ("context", context)
    result: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **document}
    for kind in _KINDS:
        key, value = added[kind]
        others = [item for item in result.get(kind) or [] if item.get("name") != entry.name]
        result[kind] = [*others, {"name": entry.name, key: value}]
    result["current-context"] = document.get("current-context") or entry.name
    return result


def read(path: Path) -> dict[str, Any]:
    """Return the kubeconfig that is kept; an empty one where there is no file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"Failed to read {path}: it is not a kubeconfig. Move it away or repair it.") from error
    if not isinstance(document or {}, dict):
        raise InputError(f"Failed to read {path}: it is not a kubeconfig. Move it away or repair it.")
    return document or {}


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write the file whole or not at all, for no one else to read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # The file that a link leads to, as kubectl does it; other programs share that one.
        write_file(path.resolve(), yaml_text.dump_plain(dict(document)).encode())
    except OSError as error:
        raise InputError(f"Failed to write {path}: {error.strerror}. Check the directory.") from error


async def fetch(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new kubeconfig of the first control plane that gives one."""
    errors = []
    for node in params["nodes"]:
        result = (await client.run_on_nodes([node], machine.kubeconfig, cluster_way(params)))[0]
        if result.value:
            document: dict[str, Any] = yaml.safe_load(result.value)
            return document
        errors.append(result.error or TalosError("no kubeconfig"))
    raise TalosError(failures(errors))


def ensure_kubeconfig(fresh: Mapping[str, Any], params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Keep the kubeconfig in the file and return what the module returns."""
    path = Path(params["path"])
    document = read(path)
    wanted = wanted_entry(fresh, context=params["context"], server=params["server"])
    kept = entry_of(document, wanted.name)
    check_owner(kept, wanted, path)
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=params["renew_before"])
    changed = not is_equivalent(kept, wanted, valid_until=soon)
    if not check_mode:
        sweep(path.parent)
    if changed and not check_mode:
        write(path, merged(document, wanted))
    after = {"context": wanted.name, "server": wanted.server}
    before = {"context": kept.name, "server": kept.server} if kept else {}
    return {"changed": changed, "path": str(path), **after, "diff": {"before": before, "after": after}}


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "talosconfig": {"type": "raw", "no_log": True, "required": True},
        "path": {"type": "path", "required": True},
        "context": {"type": "str"},
        "server": {"type": "str"},
        "renew_before": {"type": "int", "default": 30},
    }
    module = node_module(MISSING, **options)
    try:
        fresh = asyncio.run(fetch(module.params))
        result = ensure_kubeconfig(fresh, module.params, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
