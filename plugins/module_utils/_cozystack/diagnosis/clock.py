# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the end of a container or of a pod matters now. Private to urmanac.talos: may change at any time.

The time of a reading is that of the API server: the controller's clock may be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from ..._kubernetes.conditions import is_true, ready_condition

# How often a fault has to occur before it counts as permanent although its container or release is in progress.
LASTING: Final = 3
# After this time the kubelet takes a container as one that stays up: it forgets the back-off of its restarts.
STAYS_UP: Final = timedelta(minutes=10)
# For as long the API server keeps events.
RECENT: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# A back-off has five minutes at most, and the image may have to be pulled again.
_LONGEST_BREAK: Final = timedelta(minutes=15)
_SOON: Final = timedelta()

Object = Mapping[str, Any]


class Clock(NamedTuple):
    """The time of a reading, and since when each node is ready."""

    now: datetime | None = None
    ready_since: Mapping[str, datetime] = {}

    def is_within(self, limit: timedelta, time: str) -> bool | None:
        """Return whether something was so short ago, or None if that is unknown."""
        age = self._age(time)
        return None if age is None else age < limit

    def stays_up(self, since: str, *, created: str, ends: int, ready: bool) -> bool | None:
        """Return whether a container has run for long enough that its last end is over, or None if that is unknown.

        A container that ends repeatedly may be ready for most of the time: then it has to run for twice as long as
        usual, because each back-off is twice the last one. Otherwise to be ready says that it works.
        """
        up, life = self._age(since), self._age(created)
        if up is None:
            return None
        usual = life / ends if life and ends >= LASTING else None
        if usual is not None and usual <= RECENT:
            limit = min(2 * usual, RECENT)
            return up >= (limit if ready else max(limit, STAYS_UP))
        return up >= (_SOON if ready and ends < LASTING else STAYS_UP)

    def ended_with_node(self, node: str, ended: str) -> bool:
        """Return whether something ended before its node became ready: all containers end when a node restarts."""
        then, ready = time_of(ended), self.ready_since.get(node)
        return then is not None and ready is not None and then < ready

    def _age(self, time: str) -> timedelta | None:
        then = time_of(time)
        return self.now - then if self.now and then else None


UNKNOWN: Final = Clock()


def was_away(ended: str, started: str) -> bool:
    """Return whether a container was not running for longer than any back-off: then its node was stopped."""
    end, start = time_of(ended), time_of(started)
    return end is not None and start is not None and start - end > _LONGEST_BREAK


def time_of(text: str) -> datetime | None:
    """Return a time of the API, or None if it is missing or is none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def clock_of(now: datetime, nodes: Iterable[Object]) -> Clock:
    """Return the clock of a reading."""
    since = ((str(node["metadata"]["name"]), _ready_since(node)) for node in nodes)
    return Clock(now, {name: time for name, time in since if time})


def _ready_since(node: Object) -> datetime | None:
    return time_of(str(ready_condition(node).get("lastTransitionTime") or "")) if is_true(node, "Ready") else None
