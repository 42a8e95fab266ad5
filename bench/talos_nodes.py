# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configured simulated nodes for the bench, in a process of their own: python -m bench.talos_nodes DIRECTORY COUNT.

Prints one line when all answer, and goes when its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import client, machine
from bench.figure_talos_apply import addresses
from lab.talos.machine import Timing
from lab.talos.node import TalosNode
from lab.talos.registry import Registry
from tests.talos_nodes import Cluster, maintenance

TIMING = Timing(answer=0.01, reboot=0.05, boot=0.02, join=0.02)


async def serve(directory: Path, count: int) -> None:
    """Start the nodes and keep them until the client disconnects."""
    cluster = Cluster()
    # Each in a registry of its own: nodes that know each other look at each other at every step of their boots.
    nodes = [
        TalosNode(address, directory / "machines" / address, registry=Registry(), timing=TIMING)
        for address in addresses(count)
    ]
    for node in nodes:
        await node.start()
    config = cluster.config()
    await client.run_on_nodes(
        [node.address for node in nodes],
        lambda connection: machine.apply(connection, config),
        maintenance()._replace(connect_timeout=60, call_timeout=60),
    )
    while not all(node.is_booted for node in nodes):
        await asyncio.sleep(0.1)
    write(directory, cluster)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


def write(directory: Path, cluster: Cluster) -> None:
    """Keep what a client needs."""
    (directory / "talosconfig").write_text(yaml.safe_dump(cluster.talosconfig()), encoding="utf-8")
    document: dict[str, Any] = cluster.document()
    (directory / "config.json").write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
