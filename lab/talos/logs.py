# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulation reports as the logs of its services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import proto
from lab.talos import tailscale
from lab.talos.machine import Node


async def logs(node: Node, request: Any) -> Iterable[Any]:
    """Answer Logs of a service: one line where there is no program that would write more."""
    services = node.services()
    if request.id not in services:
        raise GRPCError(Status.UNKNOWN, f'log "{request.id}" was not registered')
    lines = [f"Simulation of the log of {request.id}: {services[request.id][0]}"]
    if request.id == tailscale.SERVICE:
        lines += tailscale.log(node)
    text = "".join(f"{line}\n" for line in lines)
    return [proto.message("Data")(bytes=text.encode())] if request.tail_lines else []
