# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the files of a controller with those in the bucket. Private to urmanac.talos: may change at any time.

Each file has three versions: the one here, the one in the bucket, and the one that both had when they were last the
same. A file that changed on one side goes to the other one. A file that changed on both sides is never overwritten.
A bundle of secrets never changes, except that it may be encrypted in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from .files import BUNDLES, PENDING, SECRETS, is_session

Digests = Mapping[str, str]
Way = Literal["fetch", "push", "conflict", "aside", "same"]


class Plan(NamedTuple):
    """The names of the files to fetch, of those to push, and of those that changed on both sides.

    Of the journal, which must not block a run, those that changed on both sides are to be set aside here and fetched.
    """

    fetch: tuple[str, ...] = ()
    push: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()


def plan_state(local: Digests, remote: Digests, known: Digests, *, encrypted: Collection[str] = ()) -> Plan:
    """Return the actions that make both sides equal; encrypted has the digests of encrypted bundles."""
    ways = {
        name: _way(name, local.get(name), remote.get(name), before=known.get(name), encrypted=encrypted)
        for name in {**local, **remote}
    }
    ways |= _bundle_ways(local, remote)
    order: tuple[Way, ...] = ("fetch", "push", "conflict", "aside")
    return Plan(*(tuple(sorted(name for name in ways if ways[name] == way)) for way in order))


def _way(name: str, here: str | None, there: str | None, *, before: str | None, encrypted: Collection[str]) -> Way:
    if here == there:
        return "same"
    if here is None:
        return "fetch"
    if there is None:
        return "push"
    way: Way = "push" if there == before else "fetch"
    if before not in (here, there):
        return "aside" if is_session(name) else "conflict"
    return way if name not in BUNDLES or (here if way == "push" else there) in encrypted else "conflict"


def _bundle_ways(local: Digests, remote: Digests) -> dict[str, Way]:
    """Return what else applies to the secrets: there is one bundle, and a pending one is older than the other."""
    if SECRETS not in local and SECRETS not in remote:
        return {}
    ways: dict[str, Way] = {PENDING: "same"}
    if SECRETS not in remote and remote.get(PENDING, local[SECRETS]) != local[SECRETS]:
        ways[SECRETS] = "conflict"
    return ways
