# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the files of a controller with those in the bucket. Private to urmanac.talos: may change at any time.

Each file has three versions: the one here, the one in the bucket, and the one that both had when they were last the
same. A file that changed on one side goes to the other one. A file that changed on both sides is never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from .files import BUNDLES, PENDING, SECRETS, digest_of

# A removed file: an object without content, so that the controller needs no permission to delete.
REMOVED = digest_of(b"")
Digests = Mapping[str, str]
Way = Literal["fetch", "push", "conflict", "same"]


class Plan(NamedTuple):
    """The names of the files to fetch, of those to push, and of those that changed on both sides."""

    fetch: tuple[str, ...]
    push: tuple[str, ...]
    conflicts: tuple[str, ...]


def plan_state(local: Digests, remote: Digests, known: Digests) -> Plan:
    """Return what has to be done for both sides to be the same."""
    ways = {name: _way(name, local.get(name), remote.get(name), known.get(name)) for name in {**local, **remote}}
    ways |= _bundle_ways(local, remote)
    of = {way: tuple(sorted(name for name in ways if ways[name] == way)) for way in ("fetch", "push", "conflict")}
    return Plan(of["fetch"], of["push"], of["conflict"])


def _way(name: str, here: str | None, there: str | None, before: str | None) -> Way:
    if here == there or {here, there} == {None, REMOVED}:
        return "same"
    if here is None:
        # Lost, or never here: what a playbook removes is given as REMOVED.
        return "fetch"
    if there is None:
        return "push"
    if name in BUNDLES or before not in (here, there):
        return "conflict"
    return "push" if there == before else "fetch"


def _bundle_ways(local: Digests, remote: Digests) -> dict[str, Way]:
    """Return what else applies to the secrets: there is one bundle, and a pending one is older than the other."""
    if SECRETS not in local and SECRETS not in remote:
        return {}
    ways: dict[str, Way] = {PENDING: "same"}
    if SECRETS not in remote and remote.get(PENDING, local[SECRETS]) != local[SECRETS]:
        ways[SECRETS] = "conflict"
    return ways
