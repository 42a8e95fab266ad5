# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container that runs again is kept from being ready by its last end, or by its probe.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .clock import LASTING, STAYS_UP, time_of
from .faults import Fault

PROBE_FAILED: Final = "PROBE_FAILED"


def without_past_ends(faults: Iterable[Fault]) -> list[Fault]:
    """Leave out ends of containers that have run since with a failing probe, and probes of those that crash again."""
    known = list(faults)
    # An event names no container, unlike a status.
    probes = {_pod(one): one for one in known if one.code == PROBE_FAILED and not one.container}
    again = [one for one in known if one.runs_since is not None and _pod(one) in probes]
    left_out = {one if _is_past(one, probes[_pod(one)]) else probes[_pod(one)] for one in again}
    return [one for one in known if one not in left_out]


def _pod(fault: Fault) -> tuple[str, str]:
    return fault.place.namespace, fault.place.pod


def _is_past(end: Fault, probe: Fault) -> bool:
    """Return whether a container has run for long enough that its last end is not a cause any more."""
    if end.code == PROBE_FAILED or (end.runs_since or "") > probe.time:
        return False
    return end.times < LASTING or _has_stayed_up(end.runs_since or "", probe.time)


def _has_stayed_up(since: str, until: str) -> bool:
    begin, end = time_of(since), time_of(until)
    return begin is not None and end is not None and end - begin >= STAYS_UP
