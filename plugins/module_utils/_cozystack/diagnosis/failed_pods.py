# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that failed as a whole: evicted by their nodes, or rejected by them. Private: may change at any time.

Their controllers replace them, so that a single one is soon over. If the replacements fail as well, the pods of an
owner fail again and again, and at any moment none of them may show it: only their number does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .clock import RECENT, Clock
from .faults import EVICTED, Fault
from .owners import Owner


@dataclass
class Living:
    """When the last pod of each owner was created, and how many have not ended, and are ready."""

    newest: dict[Owner, str] = field(default_factory=dict)
    pods: Counter[Owner] = field(default_factory=Counter)
    ready: Counter[Owner] = field(default_factory=Counter)

    def add(self, owner: Owner, created: str) -> None:
        """Add the creation of a pod, even of one that has ended."""
        self.newest[owner] = max(created, self.newest.get(owner, ""))


@dataclass
class _Group:
    """The failed pods of one owner with the same code: the last one, and when each of them failed."""

    last: Fault
    # None: only an event is left of it.
    created: str | None
    times: dict[str, str] = field(default_factory=dict)


@dataclass
class FailedPods:
    """The failed pods of all owners. Only their numbers grow with the cluster."""

    groups: dict[tuple[Owner, str], _Group] = field(default_factory=dict)

    def add(self, fault: Fault, *, created: str | None, identity: str) -> None:
        """Add a pod, or an event about one that exists no more."""
        place = fault.place
        key = (place.namespace, place.owner or place.pod), fault.code
        group = self.groups.setdefault(key, _Group(fault, created))
        if (created or "", fault.time) >= (group.created or "", group.last.time):
            group.last, group.created = fault, created
        group.times[identity] = fault.time

    def add_event(self, fault: Fault, *, identity: str) -> None:
        """Add a pod that only an event shows, unless it is known."""
        key = (fault.place.namespace, fault.place.owner), fault.code
        if key not in self.groups or identity not in self.groups[key].times:
            self.add(fault, created=None, identity=identity)

    def faults(self, living: Living, clock: Clock) -> Iterator[Fault]:
        """Yield the last failed pod of each owner whose pods still fail."""
        for (owner, _code), group in self.groups.items():
            if _is_replaced(owner, group, living):
                recent = sum(1 for time in group.times.values() if clock.is_within(RECENT, time))
                if _still_fails(owner, group, living, recent):
                    yield group.last._replace(times=recent)
            else:
                yield group.last._replace(times=len(group.times))


def _is_replaced(owner: Owner, group: _Group, living: Living) -> bool:
    """Return whether a newer pod exists.

    Only Deployments and Jobs keep failed pods: other controllers delete them first, so that only events are left.
    """
    if group.created is None:
        return True
    return owner[1].startswith(("Deployment/", "Job/")) and living.newest.get(owner, "") > group.created


def _still_fails(owner: Owner, group: _Group, living: Living, recent: int) -> bool:
    """Return whether more pods failed of late than exist, so that replacements failed, or one has no replacement yet.

    Rejected pods have to fail repeatedly: after a start of its node, each of its pods may be rejected once.
    """
    if recent > max(1, living.pods[owner]):
        return True
    return group.last.code == EVICTED and recent > 0 and living.ready[owner] < max(1, living.pods[owner])
