# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that take no pods at present, because they are lost or cordoned, and the pods that would fit there.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ..._codes import ERROR, WARNING
from ..._findings import Finding, finding
from ..._findings import remedy_of as remedy_of_code
from ..._kubernetes.quantities import Need
from .fault_findings import first_waiter, waiting_titles
from .nodes import Node
from .pod_tally import Waiting
from .pod_troubles import CORDON, Unschedulable, codes_of
from .progress import Progress
from .reading import Reading

CORDONED: Final = "NODE_CORDONED"
# What the scheduler says of such nodes.
_AWAY: Final = (CORDON, "taint node.kubernetes.io/unreachable", "taint node.kubernetes.io/not-ready")


def cordoned(found: Reading, progress: Progress, *, settled: bool) -> Iterator[Finding]:
    """Yield the cordoned nodes, if a pod that waits cannot use them."""
    kept_off = found.pods.kept_off
    if not kept_off.pods:
        return
    places = kept_off.places
    waiter = first_waiter(places, found, progress)
    severity = ERROR if waiter and (settled or waiter.fails) else WARNING
    titles = waiting_titles(places, found, progress)
    count = f"{kept_off.pods} pods cannot use it, the first" if kept_off.pods > 1 else "1 pod cannot use it:"
    for node in (node for node in found.nodes if node.is_cordoned):
        message = f"{node.name} is cordoned, so that it takes no new pods; {count} {kept_off.examples[0]}"
        evidence = {"pods": kept_off.pods, "waits": waiter.title if waiter else "", "waiting": titles}
        remedy = remedy_of_code(CORDONED, node=node.name)
        yield finding(CORDONED, node.name, message, remedy, severity=severity, evidence=evidence)


def fits_on(code: str, waiting: Waiting, found: Reading) -> list[Node]:
    """Return the nodes that take no pods now, if all pods with this problem would fit there."""
    # How much of a disk is free is unknown.
    if code == "INSUFFICIENT_DISK":
        return []
    away = [node for node in found.nodes if node.is_cordoned or not node.ready]
    first = [one for one in found.pods.unschedulable if code in codes_of(one.lacking)]
    if not (first and all(map(_may_use_one, first))):
        return []
    is_enough = _have_room(waiting, away) and _have_places([one.need for one in first], away)
    return away if is_enough and (code != "NOT_ENOUGH_NODES" or _fit_apart(first, away)) else []


def remedy_of(away: Sequence[Node]) -> str | None:
    """Return the remedy of a shortage of pods that fit on nodes that take none now; without any that of its code."""
    if not away:
        return None
    lost = [node.name for node in away if not node.ready]
    held = [node.name for node in away if node.is_cordoned]
    acts = [f"bring back {', '.join(lost)}"] if lost else []
    acts += [f"run kubectl uncordon {' '.join(held)}"] if held else []
    names = ", ".join(node.name for node in away)
    return f"The pods fit on {names}, which cannot take pods now: {', and '.join(acts)}. The cluster is large enough."


def _may_use_one(pod: Unschedulable) -> bool:
    return any(pod.lacking.get(reason) for reason in _AWAY)


def _have_room(waiting: Waiting, away: Sequence[Node]) -> bool:
    """Return whether nodes have room for all waiting pods together."""
    total, slots = Need(), 0
    for node in away:
        total = total.plus(_room_on(node))
        slots += node.slots if node.ready else node.pods_max
    return waiting.need.beyond(total) == Need() and waiting.pods <= slots


def _have_places(needs: Iterable[Need], away: Sequence[Node]) -> bool:
    """Return whether each of the first pods has room on one node: the largest first, each on the first that has it."""
    rooms = [_room_on(node) for node in away]
    for need in sorted(needs, key=lambda one: (one.memory, one.cpu), reverse=True):
        place = next((index for index, room in enumerate(rooms) if need.beyond(room) == Need()), None)
        if place is None:
            return False
        rooms[place] = rooms[place].beyond(need)
    return True


def _room_on(node: Node) -> Need:
    """Return the room on a node; the pods of a lost one are those that wait, or wait to be replaced."""
    return node.free if node.ready else node.allocatable


def _fit_apart(waiting: Sequence[Unschedulable], away: Sequence[Node]) -> bool:
    """Return whether there is a node for each pod of an owner."""
    owners: Mapping[tuple[str, str], int] = Counter((one.place.namespace, one.place.owner) for one in waiting)
    return max(owners.values()) <= len(away)
