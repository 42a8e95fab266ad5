# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop the machines of a cluster, which keep their disks and addresses. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..._errors import Ec2Error
from ..calls import TERMINATION, Calls, errors_named
from ..desired import BASTION, NODES, RUNNING
from ..plan.comparison import Comparison, Found
from ..plan.current import Thing
from ..plan.text import kind_word
from .machines import have_states


def machines_to_stop(before: Comparison, things: Sequence[Thing], parts: Sequence[str]) -> list[Found]:
    """Return the nodes that are not stopped, and the bastion's group if it has an instance, of these parts.

    Nodes of a run that was interrupted are still stopping, and need the bastion until then.
    """
    have = {(thing.kind, thing.id): thing.have for thing in things}
    found = [item for item in before.found if item.part in parts]
    nodes = [
        item
        for item in found
        if (item.kind, item.part) == ("instance", NODES) and have[item.kind, item.id]["state"] in (*RUNNING, "stopping")
    ]
    groups = [item for item in found if (item.kind, item.part) == ("autoscaling_group", BASTION)]
    return [*nodes, *(item for item in groups if have[item.kind, item.id]["desired_capacity"])]


def stop(calls: Calls, machines: Sequence[Found]) -> list[str]:
    """Stop the nodes, wait until they are stopped, then stop the bastion, and return what was done.

    The nodes reach the internet through the bastion until they are off.
    """
    nodes = [item.id for item in machines if item.kind == "instance"]
    if nodes:
        with errors_named("stop the nodes"):
            calls.call("ec2", "stop_instances", InstanceIds=nodes)
            _wait(calls, nodes)
    for group in (item.id for item in machines if item.kind == "autoscaling_group"):
        with errors_named(f"stop the bastion of {group}"):
            none = {"DesiredCapacity": 0, "HonorCooldown": False}
            calls.call("autoscaling", "set_desired_capacity", AutoScalingGroupName=group, **none)
    return lines(machines, "stopped")


def diff_of_stop(machines: Iterable[Found]) -> dict[str, dict[str, str]]:
    """Return the diff of machines that are stopped."""
    names = [f"{item.kind} {item.id}" for item in machines]
    return {"before": dict.fromkeys(names, "running"), "after": dict.fromkeys(names, "stopped")}


def _wait(calls: Calls, nodes: Sequence[str]) -> None:
    if not calls.wait_for(lambda: have_states(calls, nodes, ("stopped", "terminated")), TERMINATION):
        raise Ec2Error(
            f"Failed to stop {', '.join(nodes)}: they are still stopping after several minutes. Run the playbook again."
        )


def lines(machines: Sequence[Found], verb: str) -> list[str]:
    """Return what is done to the machines."""
    return [
        f"{verb} {kind_word(item.kind)} {item.name}" + f" ({item.id})" * (item.id != item.name) for item in machines
    ]
