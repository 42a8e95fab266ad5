# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecast whether CozyStack will run on planned nodes. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._ec2.cost.budget import Budget
from ..._ec2.cost.prices import PRICES_REGION
from ..._ec2.instance_types import Size
from ..._findings import Finding, finding
from ..._machine_types import CONTROL_PLANE
from ..catalog.built import Built
from ..catalog.packages import (
    PROFILES,
    VERSION,
    Choice,
    Package,
    close,
    disabled_by,
    installed,
)
from .nodes import PODS, allocatable
from .packing import (
    Node,
    Packing,
    Pod,
    pack,
    pack_tightly,
)
from .pods import pods_of
from .use import Use, use_of

# The resources that can run out, and their names in messages.
CODES: Mapping[str, tuple[str, str]] = {
    "memory": ("INSUFFICIENT_MEMORY", "memory"),
    "cpu": ("INSUFFICIENT_CPU", "CPU"),
    "pods": ("INSUFFICIENT_PODS", "pod slots"),
}
# What keeps a pod from a node of any size.
_EXCLUDED = frozenset({"node", "taint"})
Reasons = Mapping[str, tuple[str, ...]]


class Machine(NamedTuple):
    """A planned node."""

    name: str
    machine_type: str
    instance_type: str
    volume_size: int = 50


class Request(NamedTuple):
    """The intended installation and the planned nodes."""

    machines: tuple[Machine, ...]
    profile: str = "full"
    disabled: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    metallb: bool = False
    version: str = VERSION
    built: Built = Built()
    data_disk: bool = False
    schedulable_control_planes: bool = True
    pods_per_node: int = PODS
    offered: tuple[str, ...] = ()
    nodes_max: int | None = None
    per_hour_max: float | None = None
    # The whole cluster, for limits of its costs besides that of the instances an hour.
    budget: Budget | None = None
    # The region of the prices.
    region: str = PRICES_REGION

    @property
    def choice(self) -> Choice:
        """Return the selected packages."""
        return Choice(self.profile, self.disabled, self.enabled, self.metallb, self.version)


class Fit(NamedTuple):
    """The pods, their placement, and whether they would fit if packed tightly."""

    pods: tuple[Pod, ...]
    packing: Packing
    has_room: bool

    @property
    def schedules(self) -> bool:
        """Return whether every pod found a node."""
        return not self.packing.pending

    @property
    def uses(self) -> tuple[Use, ...]:
        """Return the expected use of each node."""
        return tuple(use_of(node) for node in self.packing.nodes)

    @property
    def fits(self) -> bool:
        """Return whether every pod found a node, and every node has the memory that its pods use."""
        return self.schedules and not any(use.is_exceeded for use in self.uses)


def packages_of(request: Request) -> tuple[Package, ...]:
    """Return the installed packages, without those that wait for a disabled package."""
    return installed(close(disabled_by(request.choice), request.version), request.version)


def nodes_of(request: Request, sizes: Mapping[str, Size]) -> tuple[Node, ...]:
    """Return the nodes with their allocatable capacity; a type of unknown size has none."""
    return tuple(_node(machine, request, sizes) for machine in request.machines)


def _node(machine: Machine, request: Request, sizes: Mapping[str, Size]) -> Node:
    size = sizes.get(machine.instance_type) or Size(0, 0)
    offer = allocatable(size, machine.machine_type, pods=request.pods_per_node)
    return Node(
        name=machine.name,
        cpu=max(offer.cpu, 0),
        memory=offer.memory,
        pods=offer.pods,
        control_plane=machine.machine_type == CONTROL_PLANE,
        schedulable=request.schedulable_control_planes or machine.machine_type != CONTROL_PLANE,
    )


def fit(request: Request, sizes: Mapping[str, Size]) -> Fit:
    """Return the placement of the pods."""
    return fit_on(nodes_of(request, sizes), request)


def fit_on(nodes: Sequence[Node], request: Request) -> Fit:
    """Return the placement of the pods on these empty nodes."""
    pods = tuple(pods_of(packages_of(request), nodes))
    packing = pack(pods, nodes)
    has_room = not packing.pending or not pack_tightly(pods, nodes).pending
    return Fit(pods, packing, has_room)


def fitting_profiles(request: Request, sizes: Mapping[str, Size]) -> list[str]:
    """Return the profiles that fit on these nodes, the largest first."""
    return [profile for profile in PROFILES if fit(request._replace(profile=profile), sizes).fits]


def shortages(request: Request, found: Fit, *, remedy: str) -> list[Finding]:
    """Return the shortages, the resource that runs out first in front."""
    waiting: dict[str, list[tuple[Pod, Reasons]]] = {}
    for pod, reasons in found.packing.pending:
        for code in _codes(reasons):
            waiting.setdefault(code, []).append((pod, reasons))
    return [_shortage(code, pods, request, found, remedy=remedy) for code, pods in waiting.items()]


def _eligible(reasons: Reasons) -> Reasons:
    """Return the nodes that may run a pod, with what they lack."""
    return {name: missing for name, missing in reasons.items() if not _EXCLUDED & set(missing)}


def _codes(reasons: Reasons) -> Iterator[str]:
    """Yield the missing resources of a pod, as the scheduler would list them: those that most nodes lack first."""
    eligible = _eligible(reasons).values()
    if not eligible:
        yield "NO_SCHEDULABLE_NODE"
        return
    counts = Counter(name for missing in eligible for name in missing)
    short = [name for name, _count in counts.most_common() if name in CODES]
    if not short:
        yield "NOT_ENOUGH_NODES"
    yield from (CODES[name][0] for name in short)


def runs_out_first(found: Fit) -> dict[str, Any] | None:
    """Return the first resource that runs out, the node, and the pod."""
    for pod, reasons in found.packing.pending:
        code = next(_codes(reasons))
        nodes = list(_short_of(code, reasons))
        return {"code": code, "node": nodes[0], "nodes": nodes, "pod": pod.name, "package": pod.package}
    return None


def _shortage(
    code: str, waiting: Sequence[tuple[Pod, Reasons]], request: Request, found: Fit, *, remedy: str
) -> Finding:
    nodes = [name for _pod, reasons in waiting for name in _short_of(code, reasons)]
    concerned = _concerned(waiting, found)
    first_pod = waiting[0][0]
    first = nodes[0] if nodes else request.machines[0].name
    evidence = {
        "profile": request.profile,
        "pending": len(waiting),
        "pods": len(found.pods),
        "first_pod": first_pod.name,
        "first_package": first_pod.package,
        "nodes": sorted(set(nodes)),
        **_amounts(code, concerned, found),
    }
    return finding(
        code,
        f"node {first}",
        _message(code, first_pod, request, found, concerned, evidence),
        remedy,
        evidence=evidence,
    )


def _short_of(code: str, reasons: Reasons) -> Iterator[str]:
    wanted = {name for name, (known, _word) in CODES.items() if known == code} or {"spread", "ports"}
    eligible = _eligible(reasons)
    yield from (name for name in eligible or reasons if not eligible or wanted & set(reasons[name]))


def _concerned(waiting: Iterable[tuple[Pod, Reasons]], found: Fit) -> list[Node]:
    """Return the nodes that may run these waiting pods, all nodes if there is no such node."""
    names = {name for _pod, reasons in waiting for name in _eligible(reasons)}
    return [node for node in found.packing.nodes if node.name in names or not names]


def _amounts(code: str, nodes: Sequence[Node], found: Fit) -> dict[str, int]:
    """Return the needed and available amount of a resource, in MiB, millicores or pods.

    Only these nodes count, with the pods that they run and those that wait for them.
    """
    names = {node.name for node in nodes}
    waiting = [pod for pod, reasons in found.packing.pending if names & set(_eligible(reasons) or reasons)]
    pods = [*(pod for node in nodes for pod in node.placed), *waiting]
    if code == "INSUFFICIENT_MEMORY":
        need, have = total(pods, "memory"), sum(node.memory for node in nodes)
    elif code == "INSUFFICIENT_CPU":
        need, have = total(pods, "cpu"), sum(node.cpu for node in nodes)
    else:
        need, have = len(pods), sum(node.pods for node in nodes)
    return {"need": need, "have": have, "deficit": max(need - have, 0)}


def total(pods: Iterable[Pod], resource: str) -> int:
    """Return the total requests of pods."""
    return sum(getattr(pod, resource) for pod in pods)


def _message(
    code: str, first: Pod, request: Request, found: Fit, concerned: Sequence[Node], evidence: Mapping[str, Any]
) -> str:
    pods = f"{evidence['pending']} of {evidence['pods']} pods"
    start = f"With profile {request.profile}, {pods} cannot be scheduled, the first {first.name} of {first.package}"
    if code == "NO_SCHEDULABLE_NODE":
        return f"{start}: no node may run them."
    if code == "NOT_ENOUGH_NODES":
        return f"{start}: each needs a node without another one, and there are {len(request.machines)} nodes."
    word = next(word for known, word in CODES.values() if known == code)
    need, have = (amount_text(code, evidence[name]) for name in ("need", "have"))
    nodes = [node.name for node in concerned]
    where = "" if len(nodes) == len(found.packing.nodes) else f" on {', '.join(nodes)}, which alone may run them"
    shortage = f"{start}: insufficient {word}{where}, {need} requested, {have} available."
    if found.has_room:
        return f"{shortage} The total capacity is sufficient, but the scheduler spreads pods and does not move them."
    return shortage


def amount_text(code: str, amount: int) -> str:
    """Return an amount of a resource as text."""
    if code == "INSUFFICIENT_MEMORY":
        return f"{amount / 1024:.1f} GiB"
    return f"{amount / 1000:.2f} cores" if code == "INSUFFICIENT_CPU" else f"{amount} pods"
