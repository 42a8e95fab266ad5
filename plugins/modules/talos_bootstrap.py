#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap the etcd of a new cluster, once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_bootstrap
version_added: 0.1.0
short_description: Bootstrap the etcd of a new cluster, once
description:
  - Bootstraps a new etcd cluster on the first of O(nodes), which the other control planes then join.
  - Checks all nodes first. Does nothing if one of them has etcd already, and fails if one does not answer, because a
    second bootstrap would create two separate clusters.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.talos
  - urmanac.talos.attributes
attributes:
  diff_mode:
    support: none
options:
  nodes:
    description: Addresses of all control planes; etcd is bootstrapped on the first one.
  talosconfig:
    required: true
  snapshot:
    description: Path of an etcd snapshot on the host that runs the module, from which the cluster is restored.
    type: path
  wait_timeout:
    description: Seconds to wait until the node can be bootstrapped (its clock must be set), and until its etcd runs.
    type: float
    default: 300
"""

EXAMPLES = r"""
- name: Bootstrap the cluster
  urmanac.talos.talos_bootstrap:
    nodes:
      - 192.0.2.101
      - 192.0.2.102
      - 192.0.2.103
    talosconfig: secrets/talosconfig
"""

RETURN = r"""
node:
  description: Node on which etcd runs.
  returned: success
  type: str
  sample: 192.0.2.101
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..module_utils._errors import CollectionError, InputError, TalosError, failure_of
from ..module_utils._talos.api.errors import Cause, NodeError
from ..module_utils._talos.api.module import (
    cluster_way,
    failures,
    node_module,
)

MISSING: ImportError | None = None
try:
    from ..module_utils._talos.api import client, machine
except ImportError as error:
    MISSING = error


class Nodes(Protocol):
    """The methods of the control planes that are needed."""

    async def etcd(self) -> Mapping[str, bool | Exception]:
        """Return for every node whether it has etcd, or why that is unknown."""

    async def bootstrap(self, node: str, snapshot: bytes | None) -> None:
        """Bootstrap etcd on the node."""


class Done(NamedTuple):
    """The result of the bootstrap."""

    changed: bool
    node: str


class RealNodes:
    """The control planes at their addresses."""

    def __init__(self, addresses: Sequence[str], way: Any) -> None:
        self._addresses = addresses
        self._way = way

    async def etcd(self) -> Mapping[str, bool | Exception]:
        """Return for every node whether its etcd service runs, or why that is unknown."""
        results = await client.run_on_nodes(self._addresses, has_etcd, self._way)
        return {result.node: result.error or bool(result.value) for result in results}

    async def bootstrap(self, node: str, snapshot: bytes | None) -> None:
        """Bootstrap etcd on the node, from the snapshot if there is one."""
        async with client.connected(node, self._way) as connection:
            if snapshot is not None:
                await machine.etcd_recover(connection, snapshot)
            await machine.bootstrap(connection, recover=snapshot is not None)


async def has_etcd(connection: client.NodeClient) -> bool:
    """Return whether etcd runs; before a bootstrap or join, the service stays in preparation."""
    states = {service["id"]: service["state"] for service in await machine.services(connection)}
    return states.get("etcd") == "Running"


async def ensure_bootstrapped(
    nodes: Nodes, first: str, snapshot: bytes | None, *, timeout: float, check_mode: bool
) -> Done:
    """Bootstrap etcd on the first node, unless a node has it."""
    known = await nodes.etcd()
    running = [node for node, state in known.items() if state is True]
    if running:
        return Done(False, running[0])
    unknown = [state for state in known.values() if isinstance(state, Exception)]
    if unknown:
        raise TalosError(
            f"Failed to bootstrap {first}: nodes did not report whether they have etcd. {failures(unknown)}"
        )
    if check_mode:
        return Done(True, first)
    changed = await begin(nodes, first, snapshot, time.monotonic() + timeout)
    await until_running(nodes, first, time.monotonic() + timeout)
    return Done(changed, first)


async def begin(nodes: Nodes, first: str, snapshot: bytes | None, end: float) -> bool:
    """Retry the request until the node accepts it; after a lost connection it may have been executed."""
    is_unknown = False
    while True:
        try:
            await nodes.bootstrap(first, snapshot)
            return True
        except NodeError as error:
            if error.cause is Cause.ALREADY_EXISTS:
                return is_unknown
            is_unknown = is_unknown or error.cause.is_unknown
            waits = error.cause is Cause.FAILED_PRECONDITION or error.cause.is_unknown or error.cause.is_down
            if not waits or time.monotonic() > end:
                raise
        await asyncio.sleep(1)


async def until_running(nodes: Nodes, first: str, end: float) -> None:
    """Wait until the etcd of the node runs; stop at a node of another cluster."""
    while True:
        state = (await nodes.etcd())[first]
        if state is True:
            return
        if isinstance(state, NodeError) and state.cause is Cause.OTHER_AUTHORITY:
            raise state
        if time.monotonic() > end:
            seen = state if isinstance(state, Exception) else "its etcd service does not run"
            raise TalosError(f"Failed to bootstrap {first}: last state: {seen}. Read the etcd log of the node.")
        await asyncio.sleep(0.5)


def read_snapshot(path: str | None) -> bytes | None:
    """Return the content of the snapshot, if one is set."""
    try:
        return Path(path).read_bytes() if path else None
    except OSError as error:
        raise InputError(
            f"Failed to read the snapshot {path}: {error.strerror}. Check the path.", code="FILE_NOT_READABLE"
        ) from error


def run(params: Mapping[str, Any], *, check_mode: bool) -> Done:
    """Bootstrap according to the options."""
    nodes = RealNodes(params["nodes"], cluster_way(params))
    snapshot, timeout = read_snapshot(params["snapshot"]), params["wait_timeout"]
    work = ensure_bootstrapped(nodes, params["nodes"][0], snapshot, timeout=timeout, check_mode=check_mode)
    return asyncio.run(work)


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "talosconfig": {"type": "raw", "no_log": True, "required": True},
        "snapshot": {"type": "path"},
        "wait_timeout": {"type": "float", "default": 300},
    }
    module = node_module(MISSING, **options)
    try:
        done = run(module.params, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=done.changed, node=done.node)


if __name__ == "__main__":
    main()
