# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulation reports itself bit by bit: events, logs and files."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from ansible_collections.urmanac.talos.plugins.module_utils._talos import proto
from lab.talos import tailscale
from lab.talos.machine import Node
from lab.talos.resources import machine_status

_STAGES: Final = {
    **{"booting": 1, "installing": 2, "maintenance": 3, "running": 4, "rebooting": 5, "shuttingdown": 6},
    **{"resetting": 7, "upgrading": 8},
}
_GOING: Final = {"rebooting", "resetting", "upgrading"}
BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"


async def events(node: Node, request: Any) -> AsyncIterator[Any]:
    return _events(node, tells_past=request.tail_events != 0)


async def _events(node: Node, *, tells_past: bool) -> AsyncIterator[Any]:
    """Yield the empty event that says that somebody listens, and the machine's status whenever it changes."""
    yield proto.message("NodeEvent")()
    last = None if tells_past else machine_status(node)
    while True:
        now = machine_status(node)
        if now != last:
            yield _event("MachineStatusEvent", _status(now))
            if now["stage"] in _GOING:
                yield _event("TaskEvent", proto.message("TaskEvent")(task="stopAllServices"))
        last = now
        # Often enough to tell that the node goes down before it is down.
        await asyncio.sleep(node.timing.answer / 4)


def _status(reported: dict[str, Any]) -> Any:
    unmet = [proto.message("UnmetCondition")(**one) for one in reported["status"]["unmetConditions"]]
    status = proto.message("MachineStatus")(ready=reported["status"]["ready"], unmet_conditions=unmet)
    return proto.message("MachineStatusEvent")(stage=_STAGES.get(reported["stage"], 0), status=status)


def _event(name: str, content: Any) -> Any:
    data = proto.message("Any")(type_url=f"talos/runtime/machine.{name}", value=content.SerializeToString())
    return proto.message("NodeEvent")(data=data, id=uuid.uuid4().hex)


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


async def read(node: Node, request: Any) -> Iterable[Any]:
    """Answer Read, of the one file that tells one boot from the next."""
    if request.path != BOOT_ID:
        raise GRPCError(Status.UNKNOWN, f"stat {request.path}: no such file or directory")
    boot = uuid.uuid5(uuid.NAMESPACE_URL, f"{node.address} {node.state.boots}")
    return [proto.message("Data")(bytes=f"{boot}\n".encode())]
