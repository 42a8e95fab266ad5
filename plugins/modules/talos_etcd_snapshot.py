#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Save a snapshot of a cluster's etcd in a file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_etcd_snapshot
version_added: 0.1.0
short_description: Save a snapshot of a cluster's etcd in a file
description:
  - Streams a snapshot from a control plane into a temporary file, verifies the checksum that etcd appends, and then
    renames the file. M(urmanac.talos.talos_bootstrap) restores a cluster from such a file.
  - A snapshot contains all secrets of the cluster. The file has mode 0600.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.talos
  - urmanac.talos.attributes
attributes:
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - Each run saves a new snapshot, unless O(force) is V(false) and the file exists.
options:
  nodes:
    description: Addresses of control planes; the first one that answers is used.
  talosconfig:
    required: true
  path:
    description: File of the snapshot, on the host that runs the module.
    type: path
    required: true
  force:
    description: Whether an existing file is replaced.
    type: bool
    default: true
  snapshot_timeout:
    description: Maximum duration of the snapshot in seconds.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Save today's snapshot
  urmanac.talos.talos_etcd_snapshot:
    nodes:
      - 192.0.2.101
      - 192.0.2.102
    talosconfig: secrets/talosconfig
    path: backups/etcd-{{ now(utc=true, fmt='%Y-%m-%d') }}.snapshot
    force: false
"""

RETURN = r"""
path:
  description: File of the snapshot.
  returned: success
  type: str
  sample: backups/etcd-2026-11-21.snapshot
node:
  description: Control plane that sent the snapshot; empty if an existing file was kept.
  returned: success
  type: str
  sample: 192.0.2.101
size:
  description: Size of the file in bytes.
  returned: success
  type: int
  sample: 5566496
sha256:
  description: Checksum of the whole file.
  returned: success
  type: str
  sample: 1f2ec52b774368781bed1d1fb140a92e0eb6348090619c9291f9a5a3c8e8d151
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from ..module_utils._errors import CollectionError, InputError, TalosError, failure_of
from ..module_utils._files import replacing
from ..module_utils._talos.api.module import (
    all_of,
    cluster_way,
    node_module,
)
from ..module_utils._talos.files.snapshots import is_whole

MISSING: ImportError | None = None
try:
    from ..module_utils._talos.api import client, machine
except ImportError as error:
    MISSING = error


async def keep(pieces: AsyncIterator[bytes], path: Path) -> None:
    """Write the snapshot to a temporary file, verify it, and rename it."""
    with replacing(path) as file:
        async for piece in pieces:
            file.write(piece)
        file.flush()
        if not is_whole(Path(file.name)):
            raise TalosError(f"Failed to save the snapshot in {path}: its checksum does not match. Try again.")


async def take(params: Mapping[str, Any], path: Path) -> str:
    """Save the snapshot of the first control plane that answers, and return that control plane."""

    async def work(connection: client.NodeClient) -> str:
        await keep(machine.etcd_snapshot(connection, timeout=params["snapshot_timeout"]), path)
        return connection.node

    errors = []
    for node in params["nodes"]:
        result = (await client.run_on_nodes([node], work, cluster_way(params)))[0]
        if result.value:
            return result.value
        errors.append(result.error or TalosError("no snapshot"))
    raise all_of(errors)


def ensure_snapshot(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Save a snapshot and return the module's result."""
    path = Path(params["path"])
    wanted = params["force"] or not path.exists()
    node = None
    try:
        if wanted and not check_mode:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            node = asyncio.run(take(params, path))
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise InputError(
            f"Failed to write {path}: {error.strerror}. Check the directory.", code="FILE_NOT_WRITABLE"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    return {"changed": wanted, "path": str(path), "node": node, "size": len(content), "sha256": digest}


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "talosconfig": {"type": "raw", "no_log": True, "required": True},
        "path": {"type": "path", "required": True},
        "force": {"type": "bool", "default": True},
        "snapshot_timeout": {"type": "float", "default": 600},
    }
    module = node_module(MISSING, **options)
    try:
        result = ensure_snapshot(module.params, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
