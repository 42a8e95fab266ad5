# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole forecast, for machines and as a person reads it. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._ec2.instance_types import Size
from ..._ec2.prices import PRICES_DATE, PRICES_REGION, PRICES_SOURCE
from ..._findings import Finding
from ..._findings import lines as finding_lines
from ..catalog.packages import OPERATOR, SOURCE, VERSION
from ..verdicts import as_verdict, is_blocked, outcome
from .changes import Change, changes, price
from .fit import (
    Fit,
    Request,
    fit,
    fitting_profiles,
    packages_of,
    runs_out_first,
    shortages,
    total,
)
from .limits import (
    LEAST_DATA_DISK,
    LEAST_DISK,
    LEAST_MEMORY,
    LEAST_VCPUS,
    USED_CPU,
    USED_MEMORY,
    limits,
)
from .packing import Node


class Outlook(NamedTuple):
    """Everything that can be said before there is a cluster."""

    request: Request
    found: Fit
    verdicts: tuple[Finding, ...]
    changes: tuple[Change, ...]
    profiles: tuple[str, ...]
    per_hour: float | None


def look_ahead(request: Request, sizes: Mapping[str, Size]) -> Outlook:
    """Return the forecast. Where a size is not known, nothing is said of room."""
    found = fit(request, sizes)
    is_known = all(machine.instance_type in sizes for machine in request.machines)
    ways, profiles, short = [], [], []
    if is_known:
        ways = [] if found.fits else changes(request, sizes)
        profiles = fitting_profiles(request, sizes)
        short = shortages(request, found, remedy=_remedy(request, ways, profiles))
    verdicts = tuple(_ordered(limits(request, sizes), short))
    return Outlook(request, found, verdicts, tuple(ways), tuple(profiles), price(request.machines, sizes))


def _ordered(cannot: Sequence[Finding], short: Sequence[Finding]) -> Iterator[Finding]:
    """Yield what blocks before what only limits, and what blocks everything before what blocks a part."""
    yield from (verdict for verdict in cannot if verdict.blocks)
    yield from short
    yield from (verdict for verdict in cannot if not verdict.blocks)


def _remedy(request: Request, ways: Sequence[Change], profiles: Sequence[str]) -> str:
    smaller = [f"profile {name}" for name in profiles[:1] if name != request.profile]
    choices = [*(way.text() for way in ways), *smaller]
    return f"Take {', or '.join(choices)}." if choices else "Take larger nodes than the shipped table of types knows."


def result(outlook: Outlook) -> dict[str, Any]:
    """Return the forecast as the module returns it."""
    return {
        "outcome": outcome(outlook.verdicts),
        "fits": outlook.found.fits,
        "codes": list(dict.fromkeys(verdict.code for verdict in outlook.verdicts)),
        "verdicts": [as_verdict(verdict) for verdict in outlook.verdicts],
        "first": runs_out_first(outlook.found),
        "requested": _requested(outlook),
        "nodes": [_node(node, outlook) for node in outlook.found.packing.nodes],
        "changes": [change._asdict() for change in outlook.changes],
        "fitting_profiles": list(outlook.profiles),
        "documented": {
            "use_per_node": {"cpu": USED_CPU, "memory": USED_MEMORY},
            "least_per_node": {
                **{"vcpus": LEAST_VCPUS, "memory": LEAST_MEMORY},
                **{"disk_gib": LEAST_DISK, "data_disk_gib": LEAST_DATA_DISK},
            },
        },
        "data": {"version": VERSION, "source": SOURCE},
        "prices": {"region": PRICES_REGION, "source": PRICES_SOURCE, "date": PRICES_DATE, "per_hour": outlook.per_hour},
        "lines": list(lines(outlook)),
    }


def _requested(outlook: Outlook) -> dict[str, int]:
    packages = packages_of(outlook.request)
    pods = outlook.found.pods
    return {
        "packages": sum(package.name != OPERATOR for package in packages),
        "releases": sum(len(package.releases) for package in packages),
        "pods": len(pods),
        "pending": len(outlook.found.packing.pending),
        "cpu": total(pods, "cpu"),
        "memory": total(pods, "memory"),
    }


def _node(node: Node, outlook: Outlook) -> dict[str, Any]:
    machine = next(one for one in outlook.request.machines if one.name == node.name)
    return {
        "name": node.name,
        "instance_type": machine.instance_type,
        "machine_type": machine.machine_type,
        "allocatable": {"cpu": node.cpu, "memory": node.memory, "pods": node.pods},
        "requested": {"cpu": node.used[0], "memory": node.used[1], "pods": len(node.placed)},
    }


def lines(outlook: Outlook) -> Iterator[str]:
    """Yield the forecast as a person reads it."""
    requested, request = _requested(outlook), outlook.request
    yield f"CozyStack {VERSION}, profile {request.profile}: {_headline(outlook)}"
    yield (
        f"    {requested['packages']} packages, {requested['releases']} releases, at least {requested['pods']} pods "
        f"that request {requested['cpu'] / 1000:.2f} cores and {requested['memory'] / 1024:.1f} GiB"
    )
    for node in outlook.found.packing.nodes:
        yield f"    {_node_line(node, outlook)}"
    yield (
        f"    requests are a floor: the documentation says that {USED_CPU // 1000} cores and {USED_MEMORY // 1024} GiB "
        f"are in use on every node, and asks for nodes of {LEAST_VCPUS} cores and {LEAST_MEMORY // 1024} GiB"
    )
    yield from finding_lines(outlook.verdicts, "code")


def _headline(outlook: Outlook) -> str:
    count = len(outlook.request.machines)
    where = f"{count} node{'s' if count > 1 else ''}"
    return (
        f"will not complete on {where}"
        if is_blocked(outlook.verdicts)
        else f"fits {where} according to the requests of its pods"
    )


def _node_line(node: Node, outlook: Outlook) -> str:
    machine = next(one for one in outlook.request.machines if one.name == node.name)
    return (
        f"{node.name} ({machine.instance_type}): {node.used[0] / 1000:.2f} of {node.cpu / 1000:.2f} cores, "
        f"{node.used[1] / 1024:.1f} of {node.memory / 1024:.1f} GiB, {len(node.placed)} of {node.pods} pods"
    )
