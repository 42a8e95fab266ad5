# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients that the bench compares: python -m bench.talos_client ours|bare DIRECTORY COUNT SYSCTL.

`ours` is the work of talos_apply, options and result as the module handles them, for a change that all nodes take: a
dry run, the application, and another dry run in which each node confirms that it has it. `bare` is a connection per
node with mutual TLS and an empty call.
Prints the seconds that it took without its start.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import access, client
from ansible_collections.urmanac.talos.plugins.modules import talos_apply
from bench.figure_talos_apply import addresses


def options(directory: Path, count: int, config: str) -> dict[str, Any]:
    """Return the options of the module."""
    return {
        **{"nodes": addresses(count), "port": 50000, "talosconfig": str(directory / "talosconfig"), "timeout": 60},
        **{"talosconfig_context": None, "config": None, "configs": dict.fromkeys(addresses(count), config)},
        **{"mode": "auto", "fingerprints": {}, "settle_timeout": 60, "wait_timeout": 60},
    }


def ours(directory: Path, count: int, config: str) -> None:
    """Apply a change to all nodes, and have each confirm it."""
    outcomes = asyncio.run(
        talos_apply.apply_to_all(options(directory, count, config), check_mode=False, shows_diff=False)
    )
    wrong = [one for one in outcomes if one.error or not one.changed]
    if wrong:
        raise SystemExit(f"{len(wrong)} nodes: {wrong[0]}")


def bare(directory: Path, count: int, _config: str) -> None:
    """Connect to all nodes and make one empty call on each."""
    way = access.cluster_access(access.read_talosconfig(str(directory / "talosconfig")).credentials)

    async def work(connection: client.NodeClient) -> str:
        return str((await connection.element("Version")).version.tag)

    way = way._replace(connect_timeout=60, call_timeout=60)
    results = asyncio.run(client.run_on_nodes(addresses(count), work, way))
    wrong = [one for one in results if one.error]
    if wrong:
        raise SystemExit(f"{len(wrong)} nodes: {wrong[0].error}")


def main() -> None:
    """Run the command line."""
    name, directory, count, config = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]).read_text()
    started = time.monotonic()
    {"ours": ours, "bare": bare}[name](directory, count, config)
    print(time.monotonic() - started)


if __name__ == "__main__":
    main()
