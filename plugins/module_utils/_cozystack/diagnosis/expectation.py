# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems that an installation has not reached yet, predicted for the actual nodes.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..._ec2.instance_types import Size
from ..._findings import Finding
from ..._machine_types import CONTROL_PLANE, WORKER
from ..catalog.built import Built, read_built
from ..catalog.packages import VERSION
from ..forecast.fit import (
    Machine,
    Request,
    fit_on,
    shortages,
)
from ..forecast.limits import limits
from ..forecast.packing import Node as Offer
from .nodes import Node

_MIB: Final = 2**20
_UNKNOWN: Final = "an unknown instance type"
_REMEDY: Final = "playbooks/forecast.yml shows the smallest change that fits."


class Planned(NamedTuple):
    """The intended installation, and the instance types of the nodes by name."""

    profile: str = "full"
    disabled: tuple[str, ...] = ()
    built: Built = Built()
    data_disk: bool = False
    instance_types: Mapping[str, str] = {}
    version: str = VERSION


def planned_of(options: Mapping[str, Any] | None) -> Planned | None:
    """Return the intent of the module's option plan."""
    if options is None:
        return None
    disabled, types = tuple(options["disabled_packages"]), dict(options["instance_types"])
    built = read_built(options["images_arm64"], options["version"])
    return Planned(options["profile"], disabled, built, options["data_disk"], types, options["version"])


def expected_ahead(nodes: Sequence[Node], planned: Planned, seen: Collection[str]) -> list[Finding]:
    """Return the predicted problems in addition to the observed ones."""
    if not nodes:
        return []
    machines = tuple(Machine(node.name, _machine_type(node), _instance_type(node, planned)) for node in nodes)
    same = {name: getattr(planned, name) for name in ("profile", "disabled", "built", "data_disk", "version")}
    request = Request(machines, **same)
    sizes = {machine.instance_type: _size(node) for machine, node in zip(machines, nodes, strict=True)}
    found = fit_on([_offer(node) for node in nodes], request)
    verdicts = [*shortages(request, found, remedy=_REMEDY), *limits(request, sizes)]
    return [one for one in verdicts if one.code not in seen and not _is_guess(one, nodes, planned)]


def _offer(node: Node) -> Offer:
    return Offer(
        name=node.name,
        cpu=node.allocatable.cpu,
        memory=node.allocatable.memory // _MIB,
        pods=node.pods_max,
        control_plane=node.control_plane,
        schedulable=not any(taint.startswith("node-role.kubernetes.io/") for taint in node.taints),
    )


def _size(node: Node) -> Size:
    return Size(node.capacity.cpu // 1000, node.capacity.memory // _MIB, node.architecture)


def _machine_type(node: Node) -> str:
    return CONTROL_PLANE if node.control_plane else WORKER


def _instance_type(node: Node, planned: Planned) -> str:
    return planned.instance_types.get(node.name) or node.instance_type or _UNKNOWN


def _is_guess(verdict: Finding, nodes: Sequence[Node], planned: Planned) -> bool:
    """Return whether it depends on the instance type, which is unknown."""
    is_unknown = any(_instance_type(node, planned) == _UNKNOWN for node in nodes)
    has_kvm = any(node.kvm for node in nodes)
    return verdict.code == "KVM_MISSING" and (is_unknown or has_kvm)
