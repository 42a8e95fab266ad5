#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Save an administrator's kubeconfig of a cluster in a file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_kubeconfig
version_added: 0.1.0
short_description: Save an administrator's kubeconfig of a cluster in a file
description:
  - Gets a kubeconfig from a control plane and merges it into a file. Everything else in the file stays unchanged,
    including comments, quotes, the encoding (UTF-8 or UTF-16), the permissions, and user settings in the context.
  - Fails if a context of the same name belongs to another cluster.
  - Talos issues another client certificate at each request. The file counts as up to date while it has the same
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
    description: Addresses of control planes; the first one that answers is used.
  talosconfig:
    required: true
  path:
    description: File of the kubeconfig, on the host that runs the module. A new one gets mode 0600; links are followed.
    type: path
    required: true
  content:
    description:
      - A kubeconfig of the cluster that another host has got from a node. No node is called then.
      - The host of the user's file may have no access to the nodes.
    type: str
  context:
    description: Name of the context. By default, that of Talos (C(admin@) and the cluster's name).
    type: str
  server:
    description: URL of the Kubernetes API. By default, the cluster's endpoint.
    type: str
  renew_before:
    description: Days before its expiry when the client certificate is renewed.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Save a kubeconfig
  urmanac.talos.talos_kubeconfig:
    nodes:
      - 192.0.2.101
    talosconfig: secrets/talosconfig
    path: secrets/kubeconfig
"""

RETURN = r"""
path:
  description: File of the kubeconfig.
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
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils._errors import CollectionError, InputError, TalosError, failure_of
from ..module_utils._talos.api.module import (
    all_of,
    cluster_way,
    node_module,
)
from ..module_utils._talos.files.kubeconfig import KINDS, Entry, entry_of, merged

MISSING: ImportError | None = None
try:
    import yaml

    from ..module_utils._talos.api import client, machine
    from ..module_utils._talos.files import owners
    from ..module_utils._talos.files import secret_files as files
    from ..module_utils._talos.files.user_files import read_kubeconfig, write_user_file
    from ..module_utils._talos.files.yaml_edit import read_one
except ImportError as error:
    MISSING = error


def wanted_entry(fresh: Mapping[str, Any], *, context: str | None, server: str | None) -> Entry:
    """Return the kubeconfig of Talos with the wanted names and server."""
    entry = entry_of(fresh)
    if not (entry.context and entry.cluster and entry.user):
        raise TalosError("Failed to read the kubeconfig that the node sent: it has no current context.")
    cluster = {**entry.cluster, **({"server": server} if server else {})}
    settings = {key: value for key, value in entry.context.items() if key not in KINDS.values()}
    return entry._replace(name=context or entry.name, cluster=cluster, context=settings)


def is_equivalent(kept: Entry, wanted: Entry, *, valid_until: datetime.datetime) -> bool:
    """Return whether the existing context has the same server, and a certificate that is valid long enough."""
    if not kept.context or kept.server != wanted.server:
        return False
    authority = owners.certificate(kept.cluster.get("certificate-authority-data"))
    own = owners.certificate(kept.user.get("client-certificate-data"))
    if not authority or not own or authority != owners.certificate(wanted.cluster.get("certificate-authority-data")):
        return False
    return owners.has_issued(authority, own) and own.not_valid_after_utc > valid_until


def parsed(content: str) -> dict[str, Any]:
    """Return a given kubeconfig. An error quotes nothing of it: it contains a key."""
    document = read_one(content)
    if not isinstance(document, dict):
        raise InputError("Failed to read the option content: it is not a kubeconfig. Set it to the content of one.")
    return document


async def fetch(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new kubeconfig from the first control plane that answers."""
    errors = []
    for node in params["nodes"]:
        result = (await client.run_on_nodes([node], machine.kubeconfig, cluster_way(params)))[0]
        if result.value:
            document: dict[str, Any] = yaml.safe_load(result.value)
            return document
        errors.append(result.error or TalosError("no kubeconfig"))
    raise all_of(errors)


def ensure_kubeconfig(fresh: Mapping[str, Any], params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Save the kubeconfig and return the module's result."""
    path = Path(params["path"])
    file = read_kubeconfig(path)
    wanted = wanted_entry(fresh, context=params["context"], server=params["server"])
    kept = entry_of(file.document, wanted.name)
    owners.check_kubeconfig(kept, wanted, path)
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=params["renew_before"])
    changed = not is_equivalent(kept, wanted, valid_until=soon)
    warnings: list[str] = []
    files.sweep_private(path, check_mode=check_mode)
    if changed and not check_mode:
        warnings = write_user_file(file, merged(file.document, kept, wanted))
    after = {"context": wanted.name, "server": wanted.server}
    before = {"context": kept.name, "server": kept.server} if kept.context else {}
    return {
        "changed": changed,
        "path": str(path),
        "warnings": warnings,
        **after,
        "diff": {"before": before, "after": after},
    }


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "talosconfig": {"type": "raw", "no_log": True, "required": True},
        "path": {"type": "path", "required": True},
        "content": {"type": "str", "no_log": True},
        "context": {"type": "str"},
        "server": {"type": "str"},
        "renew_before": {"type": "int", "default": 30},
    }
    module = node_module(MISSING, **options)
    try:
        given = module.params["content"]
        fresh = parsed(given) if given else asyncio.run(fetch(module.params))
        result = ensure_kubeconfig(fresh, module.params, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
