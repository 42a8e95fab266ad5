# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm waits for besides pods: Jobs and Services of type LoadBalancer. Private: may change at any time.

Only the namespaces of failed releases are read, so that the number of requests does not grow with the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from ..._kubernetes import kinds
from ..._kubernetes.conditions import condition_of
from ..._kubernetes.kinds import Kind
from .faults import JOB_FAILED, Fault
from .pod_troubles import RELEASE_LABEL, Place
from .reader import Reader
from .releases import Release

_NAMESPACES: Final = 10
_OBJECTS: Final = 200

Object = Mapping[str, Any]


def waited_for(reader: Reader, releases: Iterable[Release], known: Iterable[Fault]) -> list[Fault]:
    """Return the failed Jobs and the Services without an address that failed releases wait for.

    Jobs whose pods are already known to have failed are left out: their pods say more.
    """
    seen = {(fault.place.namespace, fault.place.owner) for fault in known}
    failed = dict.fromkeys(release.namespace for release in releases if release.fails)
    found = [fault for namespace in islice(failed, _NAMESPACES) for fault in _faults_in(reader, namespace)]
    return [fault for fault in found if (fault.place.namespace, fault.place.owner) not in seen]


def _faults_in(reader: Reader, namespace: str) -> Iterator[Fault]:
    yield from filter(None, map(job_fault, _items(reader, kinds.JOB, namespace)))
    yield from filter(None, map(service_fault, _items(reader, kinds.SERVICE, namespace)))


def _items(reader: Reader, kind: Kind, namespace: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    return reader.try_to(lambda: list(islice(reader.api.items(kind, namespace=namespace), _OBJECTS)), items)


def job_fault(job: Object) -> Fault | None:
    """Return why a Job has failed, such as BackoffLimitExceeded or DeadlineExceeded; its pods may be gone by then."""
    failed = condition_of(job, "Failed")
    if failed.get("status") != "True":
        return None
    return Fault(JOB_FAILED, _place("Job", job), str(failed.get("reason") or ""), str(failed.get("message") or ""))


def service_fault(service: Object) -> Fault | None:
    """Return that a Service of type LoadBalancer has no address."""
    spec, status = service.get("spec") or {}, service.get("status") or {}
    has_address = bool((status.get("loadBalancer") or {}).get("ingress") or spec.get("externalIPs"))
    if spec.get("type") != "LoadBalancer" or has_address:
        return None
    return Fault("LOAD_BALANCER_PENDING", _place("Service", service), "type LoadBalancer", "no address is assigned")


def _place(kind: str, item: Object) -> Place:
    metadata = item["metadata"]
    name, labels = str(metadata["name"]), metadata.get("labels") or {}
    return Place(str(metadata.get("namespace", "")), name, f"{kind}/{name}", str(labels.get(RELEASE_LABEL) or ""))
