#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wipe Talos nodes and return them to maintenance mode."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_reset
version_added: 0.1.0
short_description: Wipe Talos nodes and return them to maintenance mode
description:
  - Resets nodes one after the other. Skips nodes that are in maintenance mode already.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.talos
  - urmanac.talos.attributes
attributes:
  diff_mode:
    support: none
options:
  talosconfig:
    required: true
  confirm:
    description: Must be V(true), because everything on O(partitions) is lost.
    type: bool
    required: true
  graceful:
    description: Whether a control plane leaves etcd first. The last one of a cluster cannot leave; use V(false) for it.
    type: bool
    default: true
  partitions:
    description:
      - Partitions to wipe. With the default, the node keeps Talos itself and boots into maintenance mode.
      - An empty list wipes the whole system disk; an EC2 instance cannot boot afterwards.
    type: list
    elements: str
    default: [STATE, EPHEMERAL]
  wait_timeout:
    description: Seconds to wait for each node to reach maintenance mode; V(0) does not wait.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Reset a node
  urmanac.talos.talos_reset:
    nodes:
      - 192.0.2.103
    talosconfig: secrets/talosconfig
    confirm: true
"""

RETURN = r"""
nodes:
  description: The result of each node, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    node:
      description: Address as given.
      type: str
      sample: 192.0.2.103
    changed:
      description: Whether it was, or would be, wiped.
      type: bool
      sample: true
  sample:
    - node: 192.0.2.103
      changed: true
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

from ..module_utils._errors import CollectionError, InputError, TalosError, failure_of
from ..module_utils._talos import console
from ..module_utils._talos.api.errors import Cause, NodeError
from ..module_utils._talos.api.module import (
    cluster_way,
    node_module,
)
from ..module_utils._talos.api.probe import probe

MISSING: ImportError | None = None
try:
    from ..module_utils._talos.api import client, machine
except ImportError as error:
    MISSING = error


class Node(Protocol):
    """The methods of a node that are needed."""

    async def is_in_maintenance(self) -> bool:
        """Return whether it is in maintenance mode."""

    async def kernel_arguments(self) -> str | None:
        """Return its kernel arguments, None if they are unavailable."""

    async def reset(self) -> None:
        """Wipe it."""


class RealNode:
    """A node at an address."""

    def __init__(self, address: str, params: Mapping[str, Any]) -> None:
        self._address = address
        self._params = params

    async def is_in_maintenance(self) -> bool:
        """Return whether it is in maintenance mode."""
        seen = await probe(self._address, port=self._params["port"], timeout=self._params["timeout"])
        return seen.stage == "maintenance"

    async def kernel_arguments(self) -> str | None:
        """Return its kernel arguments, None if they are unavailable."""
        try:
            async with client.connected(self._address, cluster_way(self._params)) as connection:
                return await machine.cmdline(connection)
        except NodeError:
            return None

    async def reset(self) -> None:
        """Wipe it as the options say."""
        request = {name: self._params[name] for name in ("graceful", "partitions")}
        async with client.connected(self._address, cluster_way(self._params)) as connection:
            await machine.reset(connection, **request)


async def ensure_reset(address: str, node: Node, *, wait_timeout: float, check_mode: bool) -> bool:
    """Wipe the node unless it is in maintenance mode; return whether it was wiped."""
    if await node.is_in_maintenance():
        return False
    if check_mode:
        return True
    # Read them now, for the remedy in case the node does not come back.
    arguments = await node.kernel_arguments()
    try:
        await node.reset()
    except NodeError as error:
        # The node may reboot before it answers, which closes the connection.
        if error.cause is not Cause.CUT or not wait_timeout:
            raise
    await until_maintenance(address, node, wait_timeout, console.remedy(arguments))
    return True


async def until_maintenance(address: str, node: Node, wait_timeout: float, remedy: str) -> None:
    """Wait until the node is in maintenance mode."""
    end = time.monotonic() + wait_timeout
    while wait_timeout and not await node.is_in_maintenance():
        if time.monotonic() > end:
            raise TalosError(
                f"Failed to reset {address}: it is not in maintenance mode after {wait_timeout:g} s. {remedy}"
            )
        await asyncio.sleep(1)


async def reset_all(params: Mapping[str, Any], *, check_mode: bool) -> list[dict[str, Any]]:
    """Wipe the nodes one after the other, so that etcd keeps its quorum as long as possible."""
    cluster_way(params)
    wait = params["wait_timeout"] if params["partitions"] else 0
    done = []
    for address in params["nodes"]:
        changed = await ensure_reset(address, RealNode(address, params), wait_timeout=wait, check_mode=check_mode)
        done.append({"node": address, "changed": changed})
    return done


def check(params: Mapping[str, Any]) -> None:
    """Refuse to wipe without confirmation."""
    if not params["confirm"]:
        raise InputError("Failed to reset: the option confirm is not true.", code="INPUT_MISSING")


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "talosconfig": {"type": "raw", "no_log": True, "required": True},
        "confirm": {"type": "bool", "required": True},
        "graceful": {"type": "bool", "default": True},
        "partitions": {"type": "list", "elements": "str", "default": ["STATE", "EPHEMERAL"]},
        "wait_timeout": {"type": "float", "default": 600},
    }
    module = node_module(MISSING, **options)
    try:
        check(module.params)
        nodes = asyncio.run(reset_all(module.params, check_mode=module.check_mode))
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=any(node["changed"] for node in nodes), nodes=nodes)


if __name__ == "__main__":
    main()
