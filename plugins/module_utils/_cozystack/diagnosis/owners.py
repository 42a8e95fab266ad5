# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owners of pods: which release created them, and whether a Job has completed.

Only the objects of a chart have the label of their release. What an operator creates for them has none, but names its
owner: the object of an operator's own kind, such as the Cluster of a database, which is in the chart.

Private to urmanac.talos: may change at any time. The number of requests does not grow with the cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

from ..._kubernetes import kinds
from ..._kubernetes.conditions import is_true
from ..._kubernetes.kinds import Kind
from .pod_troubles import Place, controller_of
from .reader import Reader
from .releases import PLATFORM_PREFIX, Key, made_by

_MOST: Final = 20
# From a pod's owner to the object in a chart: a Job, and the objects of two operators.
_STEPS: Final = 4
_MOST_READ: Final = 2 * _MOST
_WORKLOADS: Final[Mapping[str, Kind]] = {
    one.kind: one for one in (kinds.DEPLOYMENT, kinds.STATEFUL_SET, kinds.DAEMON_SET, kinds.JOB)
}
# The kubelet creates the pods of its own node, from files.
_NODE: Final = "Node"
_CRON_JOB: Final = "CronJob"
# Flux does not label hooks.
_HOOK: Final = "helm.sh/hook"

Object = Mapping[str, Any]
# The owner of a pod: its namespace, and Kind/name.
Owner = tuple[str, str]


@dataclass
class Owners:
    """The known facts about the owners of pods."""

    # The releases whose charts created them, or created what they belong to.
    releases: dict[Owner, Key] = field(default_factory=dict)
    # Those that no release waits for: of a user or a CronJob.
    strangers: set[Owner] = field(default_factory=set)
    # Those that an operator or a hook created, for an unknown release.
    operated: set[Owner] = field(default_factory=set)
    # Jobs that have completed, so that the failure of an earlier pod is over.
    completed: set[Owner] = field(default_factory=set)


class _Reference(NamedTuple):
    """An object that another one names as its owner."""

    namespace: str
    api: str
    kind: str
    name: str


class _Objects:
    """The owners of pods and their own owners, each read once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[_Reference, Object | None] = {}

    def get(self, reference: _Reference) -> Object | None:
        """Return an object, or None if the cluster does not show it."""
        if reference not in self._known:
            if len(self._known) >= _MOST_READ:
                return None
            self._known[reference] = self._reader.try_to(lambda: self._read(reference), None)
        return self._known[reference]

    def _read(self, reference: _Reference) -> Object | None:
        kind, api = _WORKLOADS.get(reference.kind), self._reader.api
        if kind is None or reference.api not in ("", kind.api_version):
            if not reference.api:
                return None
            kind = api.kind_of({"apiVersion": reference.api, "kind": reference.kind})
        return api.get(kind, reference.name, namespace=reference.namespace if kind.namespaced else "")


def owners_of(reader: Reader, places: Iterable[Place], waiting: Collection[str]) -> Owners:
    """Return the owners of pods, those in namespaces where a release waits first."""
    pods = sorted(places, key=lambda one: one.namespace not in waiting)
    # A pod names no API of its Deployment, unlike an event about it.
    apis: dict[Owner, str] = {}
    for one in pods:
        if one.owner:
            owner = one.namespace, one.owner
            apis[owner] = apis.get(owner) or one.api
    found, objects = Owners(), _Objects(reader)
    for owner, api in islice(apis.items(), _MOST):
        kind, _slash, name = owner[1].partition("/")
        if kind != _NODE:
            _add(found, owner, _Reference(owner[0], api, kind, name), objects)
    return found


def _add(found: Owners, owner: Owner, reference: _Reference, objects: _Objects) -> None:
    """Add the known facts about an owner, from itself and from those that it names as its own owners."""
    item = objects.get(reference)
    if item is None and reference.kind in _WORKLOADS:
        return
    if item is not None and is_true(item, "Complete"):
        found.completed.add(owner)
    for _step in range(_STEPS):
        if item is None:
            break
        release = made_by(item["metadata"].get("labels") or {}, owner[0])
        if release:
            found.releases[owner] = release
            return
        maker = controller_of(item["metadata"])
        if not maker or maker.get("kind") == _CRON_JOB:
            (found.strangers if maker or _is_of_user(item, owner) else found.operated).add(owner)
            return
        parts = (str(maker.get(name) or "") for name in ("apiVersion", "kind", "name"))
        item = objects.get(_Reference(owner[0], *parts))
    # An object of an operator's own kind that the cluster does not show.
    found.operated.add(owner)


def _is_of_user(item: Object, owner: Owner) -> bool:
    """Return whether an object that no other owns, without the label of a release, is of a user.

    Outside of the platform's namespaces users create such objects; those of a chart are hooks.
    """
    is_hook = _HOOK in (item["metadata"].get("annotations") or {})
    return not is_hook and not owner[0].startswith(PLATFORM_PREFIX)
