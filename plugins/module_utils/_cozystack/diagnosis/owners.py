# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owners of pods: which release created them, and whether a Job has completed.

Private to urmanac.talos: may change at any time. The number of requests does not grow with the cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from ..._kubernetes import kinds
from ..._kubernetes.kinds import Kind
from .pod_troubles import Place
from .reader import Reader
from .releases import PLATFORM_PREFIX, Key, condition_of, made_by

_MOST: Final = 20
_MAKERS: Final[Mapping[str, Kind]] = {
    one.kind: one for one in (kinds.DEPLOYMENT, kinds.STATEFUL_SET, kinds.DAEMON_SET, kinds.JOB)
}

# The owner of a pod: its namespace, and Kind/name.
Owner = tuple[str, str]


@dataclass
class Owners:
    """The known facts about the owners of pods."""

    # The releases whose charts created them.
    releases: dict[Owner, Key] = field(default_factory=dict)
    # Those that no release waits for: of a user or a CronJob.
    strangers: set[Owner] = field(default_factory=set)
    # Those that an operator created.
    operated: set[Owner] = field(default_factory=set)
    # Jobs that have completed, so that the failure of an earlier pod is over.
    completed: set[Owner] = field(default_factory=set)

    def add(self, owner: Owner, item: Mapping[str, Any]) -> None:
        """Add an owner by the object that the cluster has."""
        maker = made_by(item["metadata"].get("labels") or {}, owner[0])
        if maker:
            self.releases[owner] = maker
        else:
            (self.strangers if _is_strange(item) else self.operated).add(owner)
        if condition_of(item, "Complete").get("status") == "True":
            self.completed.add(owner)


def owners_of(reader: Reader, places: Iterable[Place], waiting: Collection[str]) -> Owners:
    """Return the owners of pods, those in namespaces where a release waits first."""
    pods = sorted(places, key=lambda one: one.namespace not in waiting)
    wanted = dict.fromkeys((one.namespace, one.owner) for one in pods if one.owner.partition("/")[0] in _MAKERS)
    found = Owners()
    for namespace, owner in islice(wanted, _MOST):
        kind, _slash, name = owner.partition("/")
        read = _MAKERS[kind]
        item = reader.try_to(lambda at=(read, name), where=namespace: reader.api.get(*at, namespace=where), None)  # type: ignore[misc]
        if item:
            found.add((namespace, owner), item)
    return found


def _is_strange(item: Mapping[str, Any]) -> bool:
    """Return whether an object without the label of a release is of a user or a CronJob.

    Outside of the platform's namespaces users create such objects; what an operator creates there names its maker.
    """
    makers = {str(one.get("kind")) for one in item["metadata"].get("ownerReferences") or ()}
    is_of_users = not str(item["metadata"].get("namespace", "")).startswith(PLATFORM_PREFIX)
    return "CronJob" in makers or (is_of_users and not makers)
