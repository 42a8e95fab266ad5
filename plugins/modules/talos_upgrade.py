#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrade Talos nodes to another image, one at a time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_upgrade
version_added: 0.1.0
short_description: Upgrade Talos nodes to another image, one at a time
description:
  - Compares version, schematic and extensions of each node with the options, and installs the image if they differ.
    The schematic is read from the image, which contains it as an extension of that name.
  - Upgrades one node after the other, and waits until each is ready again, with all its services including etcd, and
    with its Kubernetes node ready if it was ready before. So a cluster of three control planes keeps its quorum. Stops
    at the first node that fails.
  - Upgrades by one minor version at a time, from the version of each node. Before the first upgrade, also in check
    mode, checks all nodes for downgrades and skipped minor versions, and names the required intermediate versions.
  - The node drains itself. Talos' call C(MachineService.Upgrade) cordons the Kubernetes node, evicts its pods (for 5
    minutes at most), reboots and uncordons with the kubelet's credentials, so the module needs none for Kubernetes.
    Talos v1.11 to v1.17 have this call.
  - The newer C(LifecycleService.Upgrade) of Talos v1.13 only installs, and leaves drain and reboot to the client. It is
    used only if the node does not have the other call, with a warning that the node was not drained. Drain such nodes
    before, with M(kubernetes.core.k8s_drain).
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.talos
  - urmanac.talos.attributes
attributes:
  idempotent:
    support: partial
    details:
      - With O(force=true), nodes are upgraded in every run.
options:
  talosconfig:
    required: true
  image:
    description: Installer image, with a tag or a digest.
    type: str
    required: true
  version:
    description:
      - Version of the image; required if it is not the tag of O(image), unless O(force=true).
      - Build suffixes, as in V(v1.13.5-rpi5), are not compared; those of alpha, beta and rc versions are.
    type: str
  schematic:
    description: Image Factory schematic that the node must have; not compared if unset.
    type: str
  extensions:
    description: Names of extensions that the node must have; not compared if empty.
    type: list
    elements: str
    default: []
  force:
    description:
      - Whether the image is installed on every node without a comparison. A second run installs it again.
      - For an image that changed without a new version. Use it only if the node is known to have another image.
    type: bool
    default: false
  upgrade_timeout:
    description: Maximum duration of each node's installation and reboot in seconds.
    type: float
    default: 1200
"""

EXAMPLES = r"""
- name: Upgrade the cluster
  urmanac.talos.talos_upgrade:
    nodes:
      - 192.0.2.101
      - 192.0.2.102
      - 192.0.2.103
    talosconfig: secrets/talosconfig
    image: registry.example.com/talos-spin:v1.13.7
"""

RETURN = r"""
nodes:
  description: The result of each node, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    node:
      description: Address as given.
      type: str
      sample: 192.0.2.101
    changed:
      description: Whether it was, or would be, upgraded.
      type: bool
      sample: true
    before:
      description: Version before the upgrade.
      type: str
      sample: v1.13.6
    drained:
      description: Whether the node drained itself; null if it was not upgraded.
      type: bool
      sample: true
  sample:
    - node: 192.0.2.101
      changed: true
      before: v1.13.6
      drained: true
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ..module_utils._errors import CollectionError, InputError, TalosError, failure_of
from ..module_utils._talos import versions
from ..module_utils._talos.api.errors import Cause, NodeError
from ..module_utils._talos.api.module import (
    cluster_way,
    node_module,
)
from ..module_utils._talos.console import CONSOLE_REMEDY

MISSING: ImportError | None = None
try:
    from ..module_utils._talos.api import client, machine
except ImportError as error:
    MISSING = error


class Desired(NamedTuple):
    """The wanted image of a node."""

    image: str
    version: str | None
    schematic: str | None
    extensions: frozenset[str]
    force: bool = False


class Observed(NamedTuple):
    """The state of a node."""

    version: str
    extensions: Mapping[str, str]
    stage: str
    unmet: frozenset[str]
    boot_time: int

    @property
    def is_healthy(self) -> bool:
        """Return whether it is healthy; nodeReady is ignored, because it may wait for a CNI."""
        return self.stage == "running" and self.unmet <= {"nodeReady"}

    def is_back(self, before: Observed) -> bool:
        """Return whether it rebooted and meets the same conditions as before."""
        return self.boot_time != before.boot_time and self.stage == "running" and self.unmet <= before.unmet


class Node(Protocol):
    """The methods of a node that are needed."""

    async def look(self) -> Observed:
        """Return its state."""

    async def install(self, image: str) -> bool:
        """Install the image and reboot; return whether the node drains itself."""


class RealNode:
    """A node at an address."""

    def __init__(self, address: str, way: Any, timeout: float) -> None:
        self._address = address
        self._way = way
        self._timeout = timeout

    async def look(self) -> Observed:
        """Return its state."""
        async with client.connected(self._address, self._way) as connection:
            stage = await machine.stage(connection)
            version = await machine.version(connection)
            booted = await machine.boot_time(connection)
            return Observed(version, await machine.extensions(connection), stage.stage, frozenset(stage.unmet), booted)

    async def install(self, image: str) -> bool:
        """Install the image and reboot; return whether the node drains itself."""
        async with client.connected(self._address, self._way) as connection:
            drains = await machine.upgrade(connection, image, timeout=self._timeout)
            if not drains:
                await machine.reboot(connection)
            return drains


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the wanted image of the nodes."""
    version = params["version"] or versions.tag_version(params["image"]) or None
    if not version and not params["force"]:
        raise InputError(
            f"Failed to read the version of {params['image']} from its tag. Set the option version.",
            code="INPUT_MISSING",
        )
    return Desired(params["image"], version, params["schematic"], frozenset(params["extensions"]), params["force"])


def is_there(observed: Observed, desired: Desired) -> bool:
    """Return whether the node has the wanted image."""
    wanted = desired.version or observed.version
    if not versions.is_same_version(observed.version, wanted) or not desired.extensions <= set(observed.extensions):
        return False
    return desired.schematic is None or observed.extensions.get("schematic") == desired.schematic


async def ensure_image(
    address: str, node: Node, desired: Desired, *, timeout: float, check_mode: bool
) -> dict[str, Any]:
    """Upgrade the node and return the result."""
    before = await node.look()
    changed = desired.force or not is_there(before, desired)
    if changed and not check_mode:
        if not before.is_healthy:
            raise TalosError(f"Failed to upgrade {address}: it is not healthy. Check it with talos_info and repair it.")
        drained = await install_with_retry(node, desired.image)
        await until_back(address, node, before, desired, time.monotonic() + timeout)
        return {"node": address, "changed": True, "before": before.version, "drained": drained}
    return {"node": address, "changed": changed, "before": before.version, "drained": None}


async def install_with_retry(node: Node, image: str) -> bool | None:
    """Install the image; ignore a connection lost by the reboot: the state afterwards decides."""
    try:
        return await node.install(image)
    except NodeError as error:
        if error.cause is not Cause.CUT:
            raise
    return None


async def until_back(address: str, node: Node, before: Observed, desired: Desired, end: float) -> None:
    """Wait until the node is ready with the wanted image; stop at a node of another cluster."""
    last = ""
    while time.monotonic() < end:
        try:
            observed = await node.look()
            if observed.is_back(before):
                return _check_result(address, observed, desired)
            unmet = f", waits for {', '.join(sorted(observed.unmet))}" if observed.unmet else ""
            rebooted = "rebooted" if observed.boot_time != before.boot_time else "not rebooted yet"
            last = f"{observed.stage}, version {observed.version}, {rebooted}{unmet}"
        except NodeError as error:
            if error.cause is Cause.OTHER_AUTHORITY:
                raise
            last = error.detail
        await asyncio.sleep(1)
    raise TalosError(f"Failed to upgrade {address}: it did not become ready. Last state: {last}. {CONSOLE_REMEDY}")


def _check_result(address: str, observed: Observed, desired: Desired) -> None:
    if not is_there(observed, desired):
        raise TalosError(
            f"Failed to upgrade {address}: it came back with {observed.version}, not with what is wanted of "
            f"{desired.image}. Compare the options version, schematic and extensions with the image."
        )


async def check_paths(nodes: Mapping[str, Node], desired: Desired) -> None:
    """Raise if one of the nodes cannot be upgraded to the version; without a version, nothing is compared."""
    if desired.version is None:
        return
    found = {address: (await node.look()).version for address, node in nodes.items()}
    problems = versions.upgrade_problems(found, desired.version)
    if problems:
        raise InputError(
            f"Failed to upgrade to {desired.image}; no node was changed. {'; '.join(problems)}.",
            code="UPGRADE_NOT_POSSIBLE",
        )


async def upgrade_all(
    nodes: Mapping[str, Node], desired: Desired, timeout: float, *, check_mode: bool
) -> list[dict[str, Any]]:
    """Upgrade the nodes one after the other, so that etcd keeps its quorum."""
    await check_paths(nodes, desired)
    return [
        await ensure_image(address, node, desired, timeout=timeout, check_mode=check_mode)
        for address, node in nodes.items()
    ]


def nodes_of(params: Mapping[str, Any]) -> dict[str, Node]:
    """Return the nodes by their addresses, in the order given."""
    way = cluster_way(params)
    return {address: RealNode(address, way, params["upgrade_timeout"]) for address in params["nodes"]}


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "talosconfig": {"type": "raw", "no_log": True, "required": True},
        "image": {"type": "str", "required": True},
        "version": {"type": "str"},
        "schematic": {"type": "str"},
        "extensions": {"type": "list", "elements": "str", "default": []},
        "force": {"type": "bool", "default": False},
        "upgrade_timeout": {"type": "float", "default": 1200},
    }
    module = node_module(MISSING, **options)
    try:
        desired, timeout = desired_of(module.params), module.params["upgrade_timeout"]
        nodes = asyncio.run(upgrade_all(nodes_of(module.params), desired, timeout, check_mode=module.check_mode))
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    for node in nodes:
        if node["drained"] is False:
            module.warn(f"{node['node']} was upgraded by LifecycleService.Upgrade, which does not drain the node.")
    before = {node["node"]: node["before"] for node in nodes if node["changed"]}
    diff = {"before": before, "after": dict.fromkeys(before, desired.version or desired.image)}
    module.exit_json(changed=bool(before), nodes=nodes, diff=diff)


if __name__ == "__main__":
    main()
