# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole forecast, as data and as text. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._ec2.cost.prices import MACHINES
from ..._ec2.instance_types import Size, is_arm64
from ..._findings import Finding
from ..._findings import lines as finding_lines
from ..._text import counted
from ..catalog import measured
from ..catalog.releases import data_of
from ..names import OPERATOR
from ..verdicts import is_blocked, outcome
from .caps import price
from .changes import Change, Ways, ways, with_profile
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
    is_enough,
    limits,
)
from .packing import Node
from .use import line as use_line
from .use import runs_out, use_of

FITS, RUNS_OUT, DOES_NOT_FIT, UNKNOWN = (
    *("fits", "schedules but will run out of memory"),
    *("does not fit", "unknown"),
)


class Outlook(NamedTuple):
    """The complete forecast."""

    request: Request
    found: Fit
    verdict: str
    verdicts: tuple[Finding, ...]
    ways: Ways
    profiles: tuple[str, ...]
    per_hour: float | None


def look_ahead(request: Request, sizes: Mapping[str, Size]) -> Outlook:
    """Return the forecast. With an unknown size, it does not contain the capacity."""
    found = fit(request, sizes)
    verdict = _verdict(request, found, sizes)
    changes, profiles, short = Ways(), [], []
    if verdict != UNKNOWN:
        profiles = fitting_profiles(request, sizes)
        # Do not recommend nodes that the forecast would warn about, with other profiles as well.
        usable = profiles if is_enough(request, sizes) else []
        changes = Ways() if verdict == FITS else _ways(request, sizes, usable)
        short = _short(request, found, _remedy(request, changes, usable, profiles))
    verdicts = tuple(_ordered(limits(request, sizes), short))
    return Outlook(request, found, verdict, verdicts, changes, tuple(profiles), price(request.machines, sizes))


def _verdict(request: Request, found: Fit, sizes: Mapping[str, Size]) -> str:
    """Return whether everything fits, by requests and by measured use of pods."""
    types = {machine.instance_type for machine in request.machines}
    if not types <= set(sizes):
        return UNKNOWN
    if not found.schedules or not all(is_arm64(name, sizes[name]) for name in types):
        return DOES_NOT_FIT
    return FITS if found.fits else RUNS_OUT


def _ways(request: Request, sizes: Mapping[str, Size], usable: Sequence[str]) -> Ways:
    """Return the changes of the nodes, with a smaller profile if that alone or larger nodes alone are not possible."""
    found = ways(request, sizes)
    smaller = None if found.within or usable else with_profile(request, sizes)
    return found._replace(within=(smaller,)) if smaller else found


def _short(request: Request, found: Fit, remedy: str) -> list[Finding]:
    """Return the shortages by requests or, if all pods fit by requests, by use."""
    return shortages(request, found, remedy=remedy) or list(runs_out(found.uses, remedy=remedy))


def _ordered(cannot: Sequence[Finding], short: Sequence[Finding]) -> Iterator[Finding]:
    """Yield blocking problems before warnings, and those that block everything before those that block a part."""
    yield from (verdict for verdict in cannot if verdict.blocks)
    yield from short
    yield from (verdict for verdict in cannot if not verdict.blocks)


def _remedy(request: Request, found: Ways, usable: Sequence[str], profiles: Sequence[str]) -> str:
    smaller = [f"profile {name}" for name in usable[:1] if name != request.profile]
    choices = [*(way.text() for way in found.within), *smaller]
    parts = [f"Use {', or '.join(choices)}."] if choices else []
    has_profile = any(way.profile is None for way in found.within)
    if not (has_profile or smaller):
        parts += [_no_change(request, found), _nearest(found.nearest, request)]
    if profiles and not choices:
        parts.append(f"Profile {profiles[0]} fits these nodes, some of which have less than the documented use.")
    return " ".join(parts)


def _no_change(request: Request, found: Ways) -> str:
    nearest = found.nearest
    if nearest and nearest.unchecked and not nearest.exceeds:
        return f"It is unknown whether a change {_caps(request)} fits."
    profile = f" profile {request.profile}" if found.within else ""
    return f"No change {_caps(request)} fits{profile}."


def _nearest(change: Change | None, request: Request) -> str:
    if change is None:
        return "No known type is large enough."
    why_not = [f"is above {_listed(change.exceeds)}"] if change.exceeds else []
    why_not += [] if change.offered else ["is not offered in the availability zone (cluster_availability_zone)"]
    if change.unchecked:
        why_not.append(f"has no known price in {request.region}, so that {_listed(change.unchecked)} cannot be checked")
    return f"The nearest, {change.text()}, {_listed(why_not) or 'fits'}."


def _caps(request: Request) -> str:
    caps = [f"cluster_nodes_max {request.nodes_max}"] if request.nodes_max is not None else []
    caps += [f"${request.per_hour_max:g} an hour"] if request.per_hour_max is not None else []
    caps += [f"{name} ${limit:g}" for name, limit in (request.budget.limits if request.budget else {}).items()]
    return f"within {_listed(caps)}" if caps else "of the shipped table of types"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def result(outlook: Outlook) -> dict[str, Any]:
    """Return the forecast as the module returns it."""
    data = data_of(outlook.request.version)
    return {
        "outcome": outcome(outlook.verdicts),
        "fits": outlook.verdict == FITS and not is_blocked(outlook.verdicts),
        "verdict": outlook.verdict,
        "codes": list(dict.fromkeys(verdict.code for verdict in outlook.verdicts)),
        "verdicts": [verdict.as_dict() for verdict in outlook.verdicts],
        "first": runs_out_first(outlook.found),
        "requested": _requested(outlook),
        "nodes": [_node(node, outlook) for node in outlook.found.packing.nodes],
        "changes": [_change(change) for change in outlook.ways.within],
        "nearest": _change(outlook.ways.nearest) if outlook.ways.nearest else None,
        "fitting_profiles": list(outlook.profiles),
        "documented": _documented(),
        "data": {"version": data.version, "source": data.source, "measured": measured.SOURCE},
        "prices": {
            **{"region": outlook.request.region, "source": MACHINES.where, "date": MACHINES.date},
            "per_hour": outlook.per_hour,
        },
        "lines": list(lines(outlook)),
    }


def _documented() -> dict[str, Any]:
    disks = {"disk_gib": LEAST_DISK, "data_disk_gib": LEAST_DATA_DISK}
    return {
        "use_per_node": {"cpu": USED_CPU, "memory": USED_MEMORY},
        "least_per_node": {"vcpus": LEAST_VCPUS, "memory": LEAST_MEMORY, **disks},
    }


def _change(change: Change) -> dict[str, Any]:
    lists = {"exceeds": list(change.exceeds), "unchecked": list(change.unchecked)}
    return {**change._asdict(), **lists, "types": dict(change.types)}


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
        "memory_used": use_of(node).used,
    }


def lines(outlook: Outlook) -> Iterator[str]:
    """Yield the forecast as lines of text."""
    requested, request = _requested(outlook), outlook.request
    yield f"CozyStack {request.version}, profile {request.profile}: {_headline(outlook)}"
    yield (
        f"    {requested['packages']} packages, {requested['releases']} releases, at least {requested['pods']} pods "
        f"that request {requested['cpu'] / 1000:.2f} cores and {requested['memory'] / 1024:.1f} GiB"
    )
    for node in outlook.found.packing.nodes:
        yield f"    {_node_line(node, outlook)}"
    yield f"    {use_line(outlook.found.uses)}"
    yield (
        f"    requests are a minimum: by the documentation, {USED_CPU // 1000} cores and {USED_MEMORY // 1024} GiB "
        f"are in use on every node, and hosts of {LEAST_VCPUS} cores and {LEAST_MEMORY // 1024} GiB are recommended, "
        "which are larger than what this forecast asks for"
    )
    yield from finding_lines(outlook.verdicts, "code")


def _headline(outlook: Outlook) -> str:
    where = counted(len(outlook.request.machines), "node")
    if outlook.verdict != FITS:
        words = {UNKNOWN: "unknown whether it fits", RUNS_OUT: f"{RUNS_OUT} on", DOES_NOT_FIT: "does not fit"}
        return f"{words[outlook.verdict]} {where}"
    if is_blocked(outlook.verdicts):
        return f"will not complete on {where}"
    small = next((one.evidence["nodes"] for one in outlook.verdicts if one.code == "BELOW_DOCUMENTED_USE"), ())
    return f"fits {where}" + (f", of which {len(small)} have less than the documented use" if small else "")


def _node_line(node: Node, outlook: Outlook) -> str:
    machine = next(one for one in outlook.request.machines if one.name == node.name)
    return (
        f"{node.name} ({machine.instance_type}): {node.used[0] / 1000:.2f} of {node.cpu / 1000:.2f} cores, "
        f"{node.used[1] / 1024:.1f} of {node.memory / 1024:.1f} GiB, {len(node.placed)} of {node.pods} pods"
    )
