# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Advice for the next step if CozyStack is not ready. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._cozystack.diagnosis.order import WHOLE_CLUSTER, only_waits
from ...module_utils._ec2.instance_types import SIZES
from ...module_utils._findings import blocking
from ...module_utils._text import counted

Record = Mapping[str, Any]

OWN_IMAGES = "use images built for arm64 (cluster_cozystack_operator_image, cluster_cozystack_platform_source_url)"
IMAGES = frozenset({"ARCH_UNSUPPORTED_IMAGES"})
# The codes that larger nodes fix, because the forecast placed all pods on them.
ROOM = frozenset(
    {
        *("INSUFFICIENT_MEMORY", "INSUFFICIENT_CPU", "INSUFFICIENT_PODS", "NOT_ENOUGH_NODES"),
        *("MEMORY_WILL_RUN_OUT", "NODE_MEMORY_PRESSURE", "POD_EVICTED", "OUT_OF_MEMORY_KILLED"),
    }
)


class Way(NamedTuple):
    """A measure, and the codes that it fixes."""

    text: str
    ends: frozenset[str]


def advice(installed: Record | None, forecast: Record) -> dict[str, str | None]:
    """Return the next step and its alternatives; empty if CozyStack is ready or was not installed."""
    if not installed or installed["outcome"] == "ready":
        return {"recommended": None, "alternative": None}
    blockers = causes(installed["verdicts"])
    ways = list(ways_out(blockers, str(installed["profile"]), forecast))
    left = [(way, remaining(way, blockers, forecast)) for way in ways]
    # If one measure fixes everything, partial ones are not alternatives.
    texts = [way.text for way, codes in left if not codes] or [partial(way, codes) for way, codes in left]
    return dict(zip(("recommended", "alternative"), [*texts, None, None][:2], strict=True))


def causes(verdicts: Sequence[Record]) -> list[Record]:
    """Return the blockers: the causes, or without a known cause what waits."""
    blockers = blocking(verdicts)
    # With a known cause, waiting is its consequence.
    return [one for one in blockers if not only_waits(one)] or blockers


def ways_out(blockers: Sequence[Record], profile: str, forecast: Record) -> Iterator[Way]:
    """Yield the measures, the most reliable first; remedies only of codes that no earlier measure fixes."""
    ended: set[str] = set()
    for way in (*whole(blockers), *computed(blockers, profile, forecast)):
        ended |= way.ends
        yield way
    for one in blockers:
        if one["remedy"] and problem(one) not in ended:
            yield Way(str(one["remedy"]), frozenset({problem(one)}))


def whole(blockers: Sequence[Record]) -> Iterator[Way]:
    """Yield the remedies of what stops the whole cluster; with its nodes back, pods that fit there have room again."""
    room = {problem(one) for one in blockers if (one.get("evidence") or {}).get("fits_on")}
    # Several nodes may have the same problem, each with a remedy that names it.
    remedies: dict[str, list[str]] = {}
    for one in blockers:
        if one["code"] in WHOLE_CLUSTER:
            remedies.setdefault(str(one["code"]), []).append(str(one["remedy"]))
    for code, texts in remedies.items():
        ends = frozenset({code}) | (room if code.startswith("NODE_") else frozenset())
        yield Way(" ".join(dict.fromkeys(texts)), ends)


def problem(verdict: Record) -> str:
    """Return the code of a finding, with the name if larger nodes do not help: a container reached its own limit."""
    has_limit = bool((verdict.get("evidence") or {}).get("memory_limit"))
    return f"{verdict['code']} of {verdict['subject']}" if has_limit else str(verdict["code"])


def computed(blockers: Sequence[Record], profile: str, forecast: Record) -> Iterator[Way]:
    """Yield the measures of the forecast, and images that are built for the nodes."""
    needs_images = any(one["code"] in IMAGES for one in blockers)
    as_well, ends = (f", and {OWN_IMAGES}", ROOM | IMAGES) if needs_images else ("", ROOM)
    changes = forecast.get("changes") or ()
    yield from (Way(f"{scaled(change)}{with_profile(change)}{as_well}", ends) for change in changes)
    profiles = list(forecast.get("fitting_profiles") or ())
    # A profile changes nothing about nodes that the forecast calls too small.
    if profiles and profile not in profiles and "BELOW_DOCUMENTED_USE" not in (forecast.get("codes") or ()):
        yield Way(f"Install profile {profiles[0]}, which fits the nodes as they are{as_well}", ends)
    if nearest := forecast.get("nearest"):
        yield Way(f"{_allowed(nearest)}; the nearest that does: {scaled(nearest)}{as_well}", ends)
    if needs_images:
        yield Way(OWN_IMAGES[:1].upper() + OWN_IMAGES[1:], IMAGES)


def _allowed(nearest: Record) -> str:
    """Return what allows the nearest change that fits: higher limits, or a zone that offers its type."""
    limits = nearest.get("exceeds") or ()
    if not nearest.get("offered", True):
        raised = f" and raise the limits ({', '.join(limits)})" if limits else ""
        return f"Use another availability zone{raised}, because no type that this one offers fits"
    unchecked = nearest.get("unchecked") or ()
    if unchecked and not limits:
        cannot = f"without which the limits cannot be checked ({', '.join(unchecked)})"
        return f"Look up the price, {cannot}, and raise or remove them, because nothing is known to fit within them"
    names = ", ".join(limits or ("cluster_nodes_max", "cluster_cost_per_hour_max"))
    return f"Raise the limits ({names}), within which nothing fits"


def remaining(way: Way, blockers: Sequence[Record], forecast: Record) -> list[str]:
    """Return the codes that remain after it, each once, including predicted ones."""
    predicted = [one["code"] for one in blocking(forecast.get("verdicts") or ()) if one["code"] in ROOM]
    return list(dict.fromkeys(code for code in [*map(problem, blockers), *predicted] if code not in way.ends))


def partial(way: Way, codes: Sequence[str]) -> str:
    """Return a measure as one of several that are needed."""
    remain = "remains" if len(codes) == 1 else "remain"
    return f"{way.text.rstrip('.')}; that alone is not enough: {', '.join(codes)} {remain}"


def scaled(change: Record) -> str:
    """Return a change of the nodes as a sentence."""
    types: Mapping[str, int] = change.get("types") or {change["instance_type"]: change["nodes"]}
    size = SIZES.get(change["instance_type"])
    several = len(types) > 1
    memory = f" with {size.memory_mib / 1024:g} GiB RAM each" if size and not several else ""
    names = " and ".join(f"{number} x {name}" if several else name for name, number in types.items())
    prices = [f"${change['per_hour']:.3f} an hour"] if change["per_hour"] is not None else []
    # The price of the current type may be unknown.
    more = change["more_per_hour"]
    prices += [f"${abs(more):.3f} {'more' if more >= 0 else 'less'}"] if more is not None else []
    price = f" ({', '.join(prices)})" if prices else ""
    disk = change.get("volume_size")
    disks = f", with disks of {disk} GiB (cluster_volume_size)" if disk else ""
    count = counted(change["nodes"], "node")
    return f"Scale to {count}{memory}, {names}{price}{disks}"


def with_profile(change: Record) -> str:
    """Return the smaller profile that a change needs as well, if there is one."""
    return f", and install profile {change['profile']}" if change.get("profile") else ""
