# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of a cluster that a diagnosis reads, as far as it is readable.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any, Final

from ..._kubernetes import kinds
from ..._kubernetes.kinds import Kind
from ..kinds import (
    HELM_RELEASE,
    OCI_REPOSITORY,
    PACKAGE,
    PACKAGE_SOURCE,
)
from ..names import OPERATOR
from .clock import clock_of
from .faults import Fault
from .inquiries import inquire, not_provisioned, refusals_of, still_refused
from .nodes import Node, nodes_of
from .owners import Owners
from .pod_tally import PodTally, tally
from .pod_troubles import taints_of
from .reader import Api, Object, Reader
from .releases import (
    Key,
    Package,
    Release,
    behind_of,
    by_key,
    of_platform,
    package_of,
    release_of,
)
from .waited_for import waited_for

SATELLITES: Final = Kind(
    "piraeus.io", "v1", "linstorsatelliteconfigurations", "LinstorSatelliteConfiguration", namespaced=False
)
SYSTEM: Final = "cozy-system"
_EVENTS: Final = 50


@dataclass
class Reading:
    """The data that was read, and the reasons for missing data."""

    server: str
    version: str = ""
    missing: dict[str, str] = field(default_factory=dict)
    operator: Object | None = None
    flux: Object | None = None
    definitions: frozenset[str] = frozenset()
    repositories: list[Object] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    components: dict[str, int] = field(default_factory=dict)
    # Those of the platform, and those that users have created.
    releases: list[Release] = field(default_factory=list)
    others: list[Release] = field(default_factory=list)
    pods: PodTally = field(default_factory=PodTally)
    nodes: list[Node] = field(default_factory=list)
    storage_classes: list[Object] = field(default_factory=list)
    pools: list[str] = field(default_factory=list)
    claims_pending: list[str] = field(default_factory=list)
    # Faults that no pod shows: pods that were not created, failed Jobs, Services without an address.
    other_faults: list[Fault] = field(default_factory=list)
    owners: Owners = field(default_factory=Owners)
    is_legacy: bool = False

    @property
    def faults(self) -> list[Fault]:
        """Return everything that keeps a pod from running, or that a release waits for besides pods."""
        return [*self.pods.faults, *self.other_faults]

    @cached_property
    def known(self) -> dict[Key, Release]:
        """Return all releases by namespace and name, once they are read."""
        return by_key([*self.releases, *self.others])

    @cached_property
    def behind(self) -> dict[Key, list[Key]]:
        """Return which releases of the platform each of those that are not ready waits for, once they are read."""
        return behind_of(by_key(self.releases))

    @property
    def reachable(self) -> bool:
        """Return whether the API answered."""
        return bool(self.version)


def read_cluster(api: Api) -> Reading:
    """Return the data of the cluster, or the cause if it does not answer."""
    reader, found = Reader(api), Reading(api.server)
    found.missing = reader.missing
    found.version = reader.take("version", api.version, "")
    if found.version:
        _read_operator(reader, found)
        refusals: list[Fault] = reader.take("events", lambda: refusals_of(api), [])
        _read_packages(reader, found)
        _read_work(reader, found, refusals)
        _read_storage(reader, found)
    return found


def _read_operator(reader: Reader, found: Reading) -> None:
    """Read the operator and Flux."""
    api = reader.api

    def deployment(name: str, namespace: str) -> Object | None:
        title = f"deployment {namespace}/{name}"
        return reader.take(title, lambda: api.get(kinds.DEPLOYMENT, name, namespace=namespace), None)

    found.operator = deployment(OPERATOR, SYSTEM)
    if found.operator is None:
        # Up to v0.38 the installer had this name, and packages did not exist.
        found.operator = deployment("cozystack", SYSTEM)
        found.is_legacy = found.operator is not None
    found.flux = deployment("flux", "cozy-fluxcd")
    names = ("packages.cozystack.io", "packagesources.cozystack.io", "helmreleases.helm.toolkit.fluxcd.io")
    known = (reader.take(f"definition {name}", lambda one=name: api.get(kinds.CRD, one), None) for name in names)  # type: ignore[misc]
    found.definitions = frozenset(str(one["metadata"]["name"]) for one in known if one)
    found.repositories = reader.take(
        "repositories", lambda: list(api.items(OCI_REPOSITORY, namespace=SYSTEM)), found.repositories
    )


def _read_packages(reader: Reader, found: Reading) -> None:
    """Read packages, releases, and how many of these there will be."""
    api = reader.api
    found.packages = reader.take("packages", lambda: list(map(package_of, api.items(PACKAGE))), found.packages)
    if any(package.releases is None for package in found.packages):
        variants = {package.name: package.variant for package in found.packages}
        found.components = reader.take(
            "package sources", lambda: components_of(api.items(PACKAGE_SOURCE), variants), found.components
        )
    releases = reader.take("releases", lambda: list(map(release_of, api.items(HELM_RELEASE))), found.releases)
    ours = of_platform(releases)
    found.releases = [release for release in releases if release.key in ours]
    found.others = [release for release in releases if release.key not in ours]


def _read_work(reader: Reader, found: Reading, refusals: list[Fault]) -> None:
    """Read nodes and pods, and which refusals of pods are still in force."""
    api = reader.api
    # Finished pods use no capacity, and there may be many.
    living = "status.phase!=Succeeded"
    nodes: list[Object] = reader.take("nodes", lambda: list(api.items(kinds.NODE)), [])
    empty = PodTally(list(map(taints_of, nodes)), clock_of(api.server_time() or datetime.now(UTC), nodes))
    found.pods = reader.take("pods", lambda: tally(api.items(kinds.POD, fields=living), empty), found.pods)
    found.nodes = nodes_of(nodes, found.pods)
    found.other_faults = still_refused(refusals, found.pods)
    found.owners = inquire(reader, found.pods, found.other_faults, found.releases)
    found.other_faults += waited_for(reader, found.releases, found.pods.faults)


def _read_storage(reader: Reader, found: Reading) -> None:
    """Read storage classes, pools and pending claims."""
    api = reader.api
    found.storage_classes = reader.take("storage classes", lambda: list(api.items(kinds.STORAGE_CLASS)), [])
    found.pools = reader.take("LINSTOR's pools", lambda: pools_of(api.items(SATELLITES)), [])
    found.claims_pending = reader.take(
        "volume claims", lambda: pending_claims(api.items(kinds.CLAIM)), found.claims_pending
    )
    found.other_faults += not_provisioned(reader, found.claims_pending)


def components_of(sources: Iterable[Mapping[str, Any]], variants: Mapping[str, str]) -> dict[str, int]:
    """Return how many releases each package will create, by its source and variant."""
    counts = {}
    for source in sources:
        name = str(source["metadata"]["name"])
        for variant in (source.get("spec") or {}).get("variants") or ():
            if variant.get("name") == variants.get(name):
                counts[name] = sum(1 for one in variant.get("components") or () if one.get("install"))
    return counts


def pools_of(configurations: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of LINSTOR's storage pools that are configured through Kubernetes."""
    specs = (item.get("spec") or {} for item in configurations)
    return sorted({str(pool["name"]) for spec in specs for pool in spec.get("storagePools") or ()})


def pending_claims(claims: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the first claims without a volume."""
    waiting = (one for one in claims if (one.get("status") or {}).get("phase") == "Pending")
    names = (f"{one['metadata'].get('namespace', '')}/{one['metadata']['name']}" for one in waiting)
    return sorted(islice(names, _EVENTS))
