# SPDX-License-Identifier: GPL-3.0-or-later
"""The workloads of CozyStack's charts, as far as the scheduler needs them.

Packages, releases, dependencies and requests are upstream's own, read once for the collection (`_cozystack/catalog`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog import packages
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import Package, Workload
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.releases import data_of
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.names import STOCK
from lab.kubernetes.store import Object
from lab.kubernetes.talos_pods import container

_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# What runs before there is a network of pods has to be on the nodes' own.
_NETWORK = ("networking", packages.OPERATOR)


class Build(NamedTuple):
    """Where packages come from: of which version they are, and which images their charts name at upstream's."""

    registry: str = STOCK
    version: str = packages.VERSION
    upstreams: frozenset[str] = frozenset()


# The build for arm64 that is published there is partial.
_PARTIAL = Build(
    "ghcr.io/urmanac/cozystack-assets/",
    "v1.5.1",
    frozenset(("cozystack-ui", "token-proxy", "grafana-dashboards", "metallb-controller", "metallb-speaker")),
)


class Chart(NamedTuple):
    """A release's chart: for which package, and what it brings."""

    package: Package
    release: str
    namespace: str

    def workloads(self) -> list[Workload]:
        """Return the workloads of the package that belong to this release: upstream's data names their package only."""
        return [one for one in self.package.workloads if release_of(one.name, self.package) == self.release]


@cache
def graph(version: str = packages.VERSION) -> Mapping[str, Package]:
    known = packages.all_packages(version)
    return {packages.PREFIX + name: one for name, one in known.items() if name != packages.OPERATOR}


def bundle_packages(bundle: str) -> list[str]:
    return [packages.PREFIX + name for name in data_of(packages.VERSION).bundles.get(bundle, [])]


def release_of(workload: str, package: Package) -> str:
    """Return the release whose name is most similar to the workload's, or the last one."""
    plain = _plain(workload)
    alike = [one.name for one in package.releases if _plain(one.name) in plain or plain in _plain(one.name)]
    return max(alike, key=len) if alike else package.releases[-1].name


def _plain(name: str) -> str:
    return name.partition(" ")[0].replace("-", "").replace("virtoperator", "kubevirtoperator")


def flux() -> Object:
    found = next(one for one in packages.all_packages()[packages.OPERATOR].workloads if one.name == "flux")
    return _object(found, "cozy-fluxcd", "ghcr.io/fluxcd/simulated:v2", 1, release="flux")


def objects_of(chart: Chart, build: Build, *, control_planes: int) -> list[Object]:
    return [
        _object(one, chart.namespace, _image(index, one, chart, build), control_planes, release=chart.release)
        for index, one in enumerate(chart.workloads())
    ]


def _image(index: int, workload: Workload, chart: Chart, build: Build) -> str:
    """Return an image that CozyStack builds where the release has one, else one that it takes from elsewhere."""
    name = object_name(workload)
    images = next((one.images for one in chart.package.releases if one.name == chart.release), ())
    if images:
        own = next((one for one in images if one in name or name in one), images[index % len(images)])
        return f"{STOCK if own in build.upstreams else build.registry}{own}:{build.version}"
    return f"quay.io/simulated/{name}:v1"


def build_of(source: str) -> Build:
    place = source.removeprefix("oci://").rpartition("/")[0]
    known = {one.registry: one for one in (Build(), _PARTIAL)}
    return known.get(f"{place}/", Build(f"{place}/")) if place else Build()


def object_name(workload: Workload) -> str:
    return workload.name.partition(" ")[0].lower()


def _object(workload: Workload, namespace: str, image: str, control_planes: int, *, release: str) -> Object:
    name = object_name(workload)
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": release}
    owner = {"helm.toolkit.fluxcd.io/name": release, "helm.toolkit.fluxcd.io/namespace": namespace}
    spec: Object = {"selector": {"matchLabels": labels}, "template": _template(workload, labels, image)}
    if workload.kind != "DaemonSet":
        counted: dict[int | str, int | str] = {
            packages.CONTROL_PLANES: control_planes,
            packages.BY_NODES: min(control_planes, 2),
        }
        spec["replicas"] = counted.get(workload.replicas, workload.replicas)
    kind = "DaemonSet" if workload.kind == "DaemonSet" else "Deployment"
    metadata = {"name": name, "namespace": namespace, "labels": labels | owner, "generation": 1}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _template(workload: Workload, labels: dict[str, str], image: str) -> Object:
    one = container(object_name(workload), image, workload.cpu, workload.memory)
    if workload.ports:
        one["ports"] = [{"containerPort": port, "hostPort": port} for port in workload.ports]
    spec: Object = {"containers": [one]}
    if workload.package in _NETWORK:
        spec |= {"hostNetwork": True, "tolerations": [{"operator": "Exists"}]}
    elif workload.tolerates:
        spec["tolerations"] = [{"key": _CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}]
    if workload.control_plane:
        spec["nodeSelector"] = {_CONTROL_PLANE: ""}
    if workload.spread and workload.kind != "DaemonSet":
        term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
        spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return {"metadata": {"labels": labels}, "spec": spec}
