# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the known facts about each node on which Talos does not respond."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..module_utils._boot.failures import explain
from ..module_utils._findings import sentences
from ..module_utils._ports import TALOS
from ..module_utils._talos.console import SERIAL_PORT

FAILED = "urmanac.talos: FAILED"
CONSOLE = f"console={SERIAL_PORT}"
CONSOLE_LINES = 6
# EC2 lists an instance for about an hour after its end, and says no more if it may not use the KMS key of a volume.
ENDED = (
    "EC2 may have ended it, and says why for an hour: aws ec2 describe-instances --filters Name=tag:Node,Values={node} "
    "--query 'Reservations[].Instances[].StateReason.Message'. For 'Client error on launch', your identity needs "
    "the permission to use the KMS key with which the region encrypts new volumes (kms:CreateGrant included). "
)
REPLACE = (
    "aws ec2 terminate-instances --instance-ids {id}, then run the playbook again: "
    "the new instance gets the same addresses."
)


Record = Mapping[str, Any]


def boot_diagnosis(nodes: Sequence[Record], resources: Record, seen: Sequence[Record]) -> list[str]:
    """Return lines with a paragraph for each node that does not respond."""
    seen_by_address = {item["node"]: item for item in seen}
    absent = [node for node in nodes if not seen_by_address.get(node["ipv4"], {}).get("reachable")]
    return [
        line
        for node in absent
        for line in lines_of(node, resources[f"instance/{node['name']}"], seen_by_address.get(node["ipv4"], {}))
    ]


def lines_of(node: Record, instance: Record, seen: Record) -> Iterator[str]:
    """Yield the known facts about one node, the most relevant line of its console first."""
    have = instance["have"] or {}
    state = have.get("state", "missing")
    where = f"{node['name']} ({instance['id'] or 'no instance'}, {state})"
    yield f"{where}: Talos at {node['ipv4']} port {TALOS}: {seen.get('error') or 'not asked'}"
    console = have.get("console", [])
    failed = [line for line in console if FAILED in line]
    failure = explain(console)
    if failure:
        yield f"    boot-to-talos: {sentences(failure)}"
        failed = [line for line in console if failure.evidence["line"] in line][-1:] + failed
    yield from (f"    console: {line.rstrip()}" for line in [*failed, *console[-CONSOLE_LINES:]])
    yield f"    Remedy: {remedy(state, bool(failed), bool(console)).format(id=instance['id'], node=node['name'])}"


def remedy(state: str, failed: bool, console: bool) -> str:
    """Return the remedy, depending on the progress of the machine."""
    if state == "missing":
        return f"{ENDED}Then run the playbook again, which creates the instance."
    if state != "running":
        return "run the playbook again, which starts the instance."
    if failed:
        return f"fix the problem in the console output, then {REPLACE}"
    if console:
        return (
            "it may only need more time: raise nodes_wait_timeout and run the playbook again. The console output is "
            f"that of Linux before Talos. Talos writes to it only if its image has {CONSOLE}. If it hangs: {REPLACE}"
        )
    return "EC2 has no console output yet; wait a few minutes and run the playbook again."


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"boot_diagnosis": boot_diagnosis}
