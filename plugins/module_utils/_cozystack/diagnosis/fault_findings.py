# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about pods that do not run, with the pod, the cluster's message and the waiting release.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ..._codes import CODES, ERROR, WARNING
from ..._findings import Finding, finding
from ..._text import shortened
from .clock import LASTING
from .faults import FAILED, JOB_FAILED, KILLED, Fault
from .order import MOMENTARY, ordered
from .pod_troubles import Place
from .progress import Progress, Root
from .reading import Reading
from .releases import PLATFORM_PREFIX, Release, dependents, held_back_by

_SHOWN: Final = 20
# Of containers, and of what may wait.
_NAMED: Final = 3
# Errors end with the cause.
_LONGEST: Final = 750
# Without a waiting release the fault is over: the Job was retried, or the pod was created later.
_PASSING: Final = frozenset({JOB_FAILED, "LOAD_BALANCER_PENDING", "POD_REFUSED", "POD_REJECTED", "PROBE_FAILED"})
# The controllers that flux-shard-operator creates for the releases of tenants, with the value of their label.
_FLUX, _CONTROLLER = "cozy-fluxcd", "Deployment/helm-controller-"
_OWN_LIMIT: Final = (
    "Raise the container's memory limit of {}: in cozystack_values for the platform, otherwise in the values of its "
    "Package or application. A larger node does not help."
)


class Waiter(NamedTuple):
    """The part of the installation that waits for a pod: one object, or one of several where nothing says which."""

    kind: str
    titles: tuple[str, ...]
    fails: bool
    holds_back: int

    @property
    def title(self) -> str:
        """Return its name in evidence."""
        return ", ".join(self.titles)

    @property
    def text(self) -> str:
        """Return it as the end of a message."""
        more = f", and {self.holds_back} more for that" if self.holds_back else ""
        others = f", or one of {len(self.titles) - _NAMED} more," if len(self.titles) > _NAMED else ""
        return f"; {self.kind} {' or '.join(self.titles[:_NAMED])}{others} waits for it{more}"


def fault_findings(found: Reading, progress: Progress, *, settled: bool) -> Iterator[Finding]:
    """Yield a finding per owner of pods, code and cause, the most important first."""
    verdicts = [_finding(group, found, progress, settled=settled) for group in grouped(found.faults)]
    yield from ordered(filter(None, verdicts), found)[:_SHOWN]


def grouped(faults: Iterable[Fault]) -> list[list[Fault]]:
    """Return the faults with the same cause together, of the containers of an owner the most telling first.

    The pods of an owner fail for the same reason, but their containers need not. If several of a pod say the same, such
    as the sidecars of a driver, they mostly follow from the one that says something else.
    """
    programs: dict[tuple[str, ...], list[Fault]] = {}
    for fault in faults:
        programs.setdefault((*_kind_of(fault), fault.container), []).append(fault)
    owners: dict[tuple[str, ...], dict[str, list[Fault]]] = {}
    for program in programs.values():
        causes = owners.setdefault(_kind_of(program[0]), {})
        causes.setdefault(program[0].words, []).extend(program)
    return [group for causes in owners.values() for group in sorted(causes.values(), key=_distraction)]


def _kind_of(fault: Fault) -> tuple[str, ...]:
    """Return the owner and the code of a fault; the remedy of a container with a limit of memory is another one."""
    return fault.code, fault.memory_limit, fault.place.namespace, fault.place.owner or fault.place.pod


def _distraction(group: Sequence[Fault]) -> tuple[bool, int]:
    """Return how little faults with the same cause say: less without a log or a message, and of many containers."""
    return group[0].words == group[0].reason, len({one.container for one in group})


def _finding(group: Sequence[Fault], found: Reading, progress: Progress, *, settled: bool) -> Finding | None:
    first = min(group, key=lambda one: one.is_over)
    waiter = None if first.is_over else waiter_of(first.place, found, progress)
    if (waiter is None and first.code in _PASSING) or (first.code in MOMENTARY and not (waiter and settled)):
        return None
    is_lasting = settled or (waiter is not None and waiter.fails) or first.times >= LASTING
    severity = ERROR if waiter is not None and is_lasting else WARNING
    severity = severity if severity in CODES[first.code].severities else ""
    message = f"{_title(first, group)}: {_reason(first)}{_others(group)}{waiter.text if waiter else ''}"
    evidence = {
        **{"pod": f"{first.place.namespace}/{first.place.pod}", "container": first.container, "reason": first.reason},
        **{"message": shortened(first.message, len, _LONGEST), "log": list(first.log), "exit_code": first.exit_code},
        **{"node": first.node, "times": first.times, "pods": _pods(group), "waits": waiter.title if waiter else ""},
    }
    if first.memory_limit:
        evidence["memory_limit"] = first.memory_limit
    subject = waiter.title if waiter else f"{first.place.namespace}/{first.place.pod}"
    remedy = _OWN_LIMIT.format(first.memory_limit) if first.memory_limit else None
    return finding(first.code, subject, message, remedy, severity=severity, evidence=evidence)


def _title(fault: Fault, group: Sequence[Fault]) -> str:
    names = [name for name in dict.fromkeys([fault.container, *(one.container for one in group)]) if name]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    containers = f" ({', '.join(names[:_NAMED])}{more})" if names else ""
    return f"{fault.place.namespace}/{fault.place.pod}{containers}"


def _pods(group: Sequence[Fault]) -> int:
    return len({one.place.pod for one in group})


def _reason(fault: Fault) -> str:
    text = fault.reason
    if fault.code == KILLED and fault.reason != "OOMKilled":
        where = f" on node {fault.node}" if fault.node else ""
        return (
            f"killed{where} (exit code 137) without the reason OOMKilled, as if the node ran out of memory"
            f"{_times(fault)}"
        )
    if fault.exit_code is not None and fault.reason != "OOMKilled":
        text = f"{fault.reason}, exit code {fault.exit_code}"
    if fault.memory_limit:
        text = f"{fault.reason} at its own memory limit of {fault.memory_limit}"
    words = "" if fault.words == fault.reason else f": {shortened(fault.words.strip(), len, _LONGEST)}"
    return f"{text}{_times(fault)}{words}"


def _times(fault: Fault) -> str:
    count = f", {fault.times} times" if fault.times > 1 else ""
    is_dated = fault.time and (fault.runs or (count and fault.code in FAILED))
    again = ", and runs again" if fault.runs else ""
    return f"{count}, last at {fault.time}{again}" if is_dated else count


def _others(group: Sequence[Fault]) -> str:
    return f" (and {_pods(group) - 1} more)" if _pods(group) > 1 else ""


# --- What waits ---


def waiter_of(place: Place, found: Reading, progress: Progress) -> Waiter | None:
    """Return the release, or the Deployment of the operator or Flux, that waits for a pod."""
    for root in progress.roots:
        if (root.kind, root.namespace, f"Deployment/{root.name}") == ("Deployment", place.namespace, place.owner):
            return _of_root(root)
    releases = releases_of(place, found)
    if not releases or any(one.ready or one in found.others for one in releases):
        return None
    roots = {(root.namespace, root.name): root for root in progress.roots if root.kind == "HelmRelease"}
    if len(releases) == 1 and releases[0].key in roots:
        return _of_root(roots[releases[0].key])
    titles = tuple(release.title for release in releases)
    held = dependents([release.key for release in releases], found.behind)
    return Waiter("HelmRelease", titles, any(release.fails for release in releases), len(held) - len(releases))


def first_waiter(places: Iterable[Place], found: Reading, progress: Progress) -> Waiter | None:
    """Return what waits for one of these pods, what fails first."""
    waiters = [waiter for place in places if (waiter := waiter_of(place, found, progress))]
    return max(waiters, key=lambda one: (one.fails, one.holds_back, -len(one.titles)), default=None)


def waiting_titles(places: Iterable[Place], found: Reading, progress: Progress) -> list[str]:
    """Return the names of what waits for these pods."""
    waiters = filter(None, (waiter_of(place, found, progress) for place in places))
    return sorted({title for waiter in waiters for title in waiter.titles})


def _unprocessed(place: Place, found: Reading) -> Iterator[Release]:
    """Yield the releases of tenants that a controller of Flux does not process, because its pod does not run."""
    if place.namespace == _FLUX and place.owner.startswith(_CONTROLLER):
        shard = place.owner.removeprefix(_CONTROLLER)
        yield from (one for one in found.releases if one.shard == shard and not (one.ready or one.fails))


def _of_root(root: Root) -> Waiter:
    return Waiter(root.kind, (root.title,), root.fails, root.holds_back)


def releases_of(place: Place, found: Reading) -> list[Release]:
    """Return the release of a pod: by the labels of its owner or its own, or by its name.

    Operators create pods with names of their own. Those are of a release of their namespace that is not ready: a ready
    one has all its pods. If there are several, nothing says which.
    """
    unprocessed = list(_unprocessed(place, found))
    if unprocessed:
        return unprocessed
    owner = (place.namespace, place.owner)
    for key in (found.owners.releases.get(owner), (place.namespace, place.release)):
        if key in found.known:
            return [found.known[key]]
    if not place.owner or owner in found.owners.strangers:
        return []
    here = [one for one in found.known.values() if one.namespace == place.namespace]
    named = [one for one in here if one.name in place.pod]
    if named:
        return [max(named, key=lambda one: len(one.name))]
    is_operated = place.namespace.startswith(PLATFORM_PREFIX) or owner in found.owners.operated
    free = [one for one in here if not one.ready and not held_back_by(one, found.known)]
    # What created another one of these only waits for that.
    makers = {one.maker for one in free}
    return [one for one in free if one.key not in makers] if is_operated else []
