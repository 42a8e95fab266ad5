# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop the machines of a cluster, which keep their disks and addresses. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..._errors import Ec2Error
from ..calls import TERMINATION, Calls, errors_named
from ..desired import BASTION, NODES, RUNNING
from ..plan.comparison import Comparison
from ..plan.current import Existing
from ..plan.text import kind_word
from .machines import have_states


def machines_to_stop(before: Comparison, things: Sequence[Existing], parts: Sequence[str]) -> list[Existing]:
    """Return the nodes that are not stopped, and the bastion's group if it has an instance, of these parts.

    Nodes of a run that was interrupted are still stopping, and need the bastion until then.
    """
    known = {(thing.kind, thing.id): thing for thing in things}
    ours = [(item.part, known[item.kind, item.id]) for item in before.found if item.part in parts]
    nodes = [thing for part, thing in ours if (thing.kind, part) == ("instance", NODES)]
    groups = [thing for part, thing in ours if (thing.kind, part) == ("autoscaling_group", BASTION)]
    return [
        *(node for node in nodes if node.have["state"] in (*RUNNING, "stopping")),
        *(group for group in groups if group.have["desired_capacity"]),
    ]


def stop(calls: Calls, machines: Sequence[Existing]) -> list[str]:
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


def diff_of_stop(machines: Iterable[Existing]) -> dict[str, dict[str, str]]:
    """Return the diff of machines that are stopped; a group with an instance is running."""
    before = {f"{item.kind} {item.id}": str(item.have.get("state", "running")) for item in machines}
    return {"before": before, "after": dict.fromkeys(before, "stopped")}


def _wait(calls: Calls, nodes: Sequence[str]) -> None:
    if not calls.wait_for(lambda: have_states(calls, nodes, ("stopped", "terminated")), TERMINATION):
        raise Ec2Error(
            f"Failed to stop {', '.join(nodes)}: they are still stopping after several minutes. Run the playbook again."
        )


def lines(machines: Sequence[Existing], verb: str) -> list[str]:
    """Return what is done to the machines."""
    return [
        f"{verb} {kind_word(item.kind)} {item.name}" + f" ({item.id})" * (item.id != item.name) for item in machines
    ]
