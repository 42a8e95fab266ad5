# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated Flux: it installs releases when their dependencies are ready, and reports their state.

Conditions and messages as of fluxcd/helm-controller.
"""

from __future__ import annotations

from typing import Any

from lab.kubernetes import charts
from lab.kubernetes.admission import admit
from lab.kubernetes.charts import Chart
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.kinds import DAEMON_SETS, DEFINITIONS, DEPLOYMENTS, EVERYWHERE, NODES, definition
from lab.kubernetes.operator import (
    PACKAGES,
    PLATFORM,
    RELEASES,
    REPOSITORIES,
    SOURCES,
    SYSTEM,
    build,
    ensure,
    ensure_namespace,
    report_ready,
)
from lab.kubernetes.status import ApiError
from lab.kubernetes.store import Kind, Object
from lab.kubernetes.workloads import condition, is_ready, is_true

_RESOURCES = {one.kind: one for one in EVERYWHERE if one.kind in ("Deployment", "DaemonSet")}
TENANTS = Kind("apps.cozystack.io", "tenants")
_ROOT_TENANT = ((TENANTS, "root"), (RELEASES, "tenant-root"))
SPIN_APPS = Kind("core.spinkube.dev", "spinapps")
_STORED = {"Deployment": DEPLOYMENTS, "DaemonSet": DAEMON_SETS}
# Of the kinds that charts define, those that the collection's roles use.
_DEFINED = {
    "piraeus-operator-crds": (
        ("piraeus.io", "v1", "linstorclusters", "LinstorCluster", "Cluster"),
        ("piraeus.io", "v1", "linstorsatelliteconfigurations", "LinstorSatelliteConfiguration", "Cluster"),
    ),
    "kubevirt-operator": (
        ("kubevirt.io", "v1", "kubevirts", "KubeVirt", "Namespaced"),
        ("kubevirt.io", "v1", "virtualmachines", "VirtualMachine", "Namespaced"),
        ("kubevirt.io", "v1", "virtualmachineinstances", "VirtualMachineInstance", "Namespaced"),
    ),
}


def reconcile(cluster: KubernetesCluster) -> None:
    store = cluster.store
    if not is_ready(store.look(DEPLOYMENTS, "flux", namespace="cozy-fluxcd")):
        return
    for repository in store.peek(REPOSITORIES):
        reported = ("True", "Succeeded", "stored artifact for digest 'simulated'")
        conditions = [condition("Ready", *reported, before=repository.get("status") or {})]
        store.put(REPOSITORIES, repository | {"status": {"conditions": conditions, "observedGeneration": 1}})
    known = {_key(one): is_true(one, "Ready") for one in store.peek(RELEASES)}
    for release in store.peek(RELEASES):
        _reconcile(cluster, release, known)
    _publish(cluster)
    if known.get(("spin-operator", "spin-operator")):
        for app in store.peek(SPIN_APPS):
            _run_spin_app(cluster, app)


def _publish(cluster: KubernetesCluster) -> None:
    """Make the release of the ingress that the root tenant enables, once for each change as an upgrade does."""
    tenant, release = (cluster.store.look(*one, namespace="tenant-root") for one in _ROOT_TENANT)
    if not (tenant and release) or release["spec"].get("values") == tenant["spec"]:
        return
    cluster.store.put(RELEASES, release | {"spec": release["spec"] | {"values": tenant["spec"]}})
    if tenant["spec"].get("ingress"):
        needs = [{"name": "victoria-metrics-operator", "namespace": "cozy-victoria-metrics-operator"}]
        metadata = {"name": "ingress", "namespace": "tenant-root", "generation": 1}
        ensure(cluster.store, RELEASES, {"metadata": metadata, "spec": {"interval": "5m", "dependsOn": needs}})


def _run_spin_app(cluster: KubernetesCluster, app: Object) -> None:
    """Make the Deployment of a SpinApp, as the Spin operator does, and report how many of its pods are ready."""
    metadata = {key: app["metadata"][key] for key in ("name", "namespace")}
    container = {"name": metadata["name"], "image": app["spec"]["image"]}
    template = {"metadata": {}, "spec": {"runtimeClassName": "wasmtime-spin-v2", "containers": [container]}}
    ensure(cluster.store, DEPLOYMENTS, {"kind": "Deployment", "metadata": metadata, "spec": {"template": template}})
    made = cluster.store.look(DEPLOYMENTS, metadata["name"], namespace=metadata["namespace"]) or {}
    ready = (made.get("status") or {}).get("readyReplicas", 0)
    cluster.store.put(SPIN_APPS, app | {"status": {"readyReplicas": ready}})


def _key(release: Object) -> tuple[str, str]:
    return release["metadata"]["namespace"], release["metadata"]["name"]


def _reconcile(cluster: KubernetesCluster, release: Object, known: dict[tuple[str, str], bool]) -> None:
    if is_true(release, "Ready"):
        return
    needs = [(one["namespace"], one["name"]) for one in release["spec"].get("dependsOn") or []]
    waits_for = next((one for one in needs if not known.get(one)), None)
    if waits_for:
        where = "/".join(waits_for)
        text = f"dependency '{where}' is not ready" if waits_for in known else f"dependency '{where}' not found"
        _report(cluster, release, "False", "DependencyNotReady", text)
        return
    title = f"{release['metadata']['namespace']}/{release['metadata']['name']}"
    chart = f"with chart {release['metadata']['name']}@0.0.0"
    failed = f"Helm install failed for release {title} {chart}"
    try:
        is_done = _install(cluster, release)
    except ApiError as error:
        _report(cluster, release, "False", "InstallFailed", f"{failed}: {error}", failures=1)
        return
    is_stuck = not {title, release["metadata"]["name"]}.isdisjoint(cluster.faults.stuck)
    if is_done and not is_stuck and cluster.is_due(release, cluster.pace.release):
        _report(cluster, release, "True", "InstallSucceeded", f"Helm install succeeded for release {title}.v1 {chart}")
    elif cluster.is_due(release, cluster.pace.timeout):
        # The next attempt lasts as long as the one that failed, and meanwhile only Released has the failure.
        text = f"{failed}: timeout waiting for: [Deployment/{title} status: 'InProgress']"
        reported = ("Unknown", "Progressing", "Running 'upgrade' action with timeout of 10m0s")
        _report(cluster, release, *reported, failures=1, released=("False", "InstallFailed", text))
    else:
        _report(cluster, release, "Unknown", "Progressing", "Running 'install' action with timeout of 10m0s")


def _install(cluster: KubernetesCluster, release: Object) -> bool:
    """Create the chart's objects in the cluster and return whether all of them work."""
    name, namespace = release["metadata"]["name"], release["metadata"]["namespace"]
    if (namespace, name) == (SYSTEM, "cozystack-platform"):
        return _install_platform(cluster)
    package = charts.graph(build(cluster).version).get(
        (release["metadata"].get("labels") or {}).get("cozystack.io/package", "")
    )
    if package is None:
        return True
    for one in _DEFINED.get(name, ()):
        ensure(cluster.store, DEFINITIONS, definition(*one))
    is_working = _install_workloads(cluster, Chart(package, name, namespace))
    if is_working and name == "cilium":
        cluster.machines.set_networked(cluster.identity)
    if is_working and name == "cozystack-basics":
        ensure_namespace(cluster.store, "tenant-root")
        metadata = {"name": "tenant-root", "namespace": "tenant-root", "generation": 1}
        ensure(cluster.store, RELEASES, {"metadata": metadata, "spec": {"interval": "1m"}})
        kind = definition("apps.cozystack.io", "v1alpha1", "tenants", "Tenant", "Namespaced")
        ensure(cluster.store, DEFINITIONS, kind)
        root = {"kind": "Tenant", "apiVersion": "apps.cozystack.io/v1alpha1", "spec": {"ingress": False}}
        ensure(cluster.store, TENANTS, root | {"metadata": {"name": "root", "namespace": "tenant-root"}})
    return is_working


def _install_workloads(cluster: KubernetesCluster, chart: Chart) -> bool:
    store = cluster.store
    labels = (node["metadata"].get("labels") or {} for node in store.peek(NODES))
    control_planes = sum(1 for one in labels if "node-role.kubernetes.io/control-plane" in one)
    is_working = True
    for content in charts.objects_of(chart, build(cluster), control_planes=control_planes):
        kind, where = _STORED[content["kind"]], content["metadata"]
        found = store.look(kind, where["name"], namespace=where["namespace"])
        if found is None:
            admit(cluster, _RESOURCES[content["kind"]], None, content)
            found = store.put(kind, content)
        is_working &= _works(found)
    return is_working


def _works(workload: Object) -> bool:
    status = workload.get("status") or {}
    if workload["kind"] == "Deployment":
        return is_ready(workload)
    return "numberReady" in status and status["numberReady"] >= status["desiredNumberScheduled"] > 0


def _install_platform(cluster: KubernetesCluster) -> bool:
    """Make the sources of all packages, and the selected packages; done when all of these are done."""
    store = cluster.store
    platform = store.look(PACKAGES, PLATFORM) or {}
    graph = charts.graph(build(cluster).version)
    wanted = _wanted(platform, set(graph))
    for name, package in graph.items():
        ensure(store, SOURCES, _source(name, package))
        if name in wanted:
            annotations = {"helm.sh/resource-policy": "keep"}
            content = {"metadata": {"name": name, "annotations": annotations, "generation": 1}}
            ensure(store, PACKAGES, content | {"spec": {"variant": package.variant}})
    others = [one for one in store.peek(PACKAGES) if one["metadata"]["name"] != PLATFORM]
    return bool(others or not wanted) and all(is_true(one, "Ready") for one in others)


def _wanted(platform: Object, known: set[str]) -> set[str]:
    spec = platform.get("spec") or {}
    values = ((spec.get("components") or {}).get("platform") or {}).get("values") or {}
    bundles = values.get("bundles") or {}
    if spec.get("variant", "default") == "default":
        return set()
    off = {name for name, one in bundles.items() if isinstance(one, dict) and one.get("enabled") is False}
    gone = {name for bundle in off for name in charts.bundle_packages(bundle)}
    return known - gone - set(bundles.get("disabledPackages") or [])


def _source(name: str, package: charts.Package) -> Object:
    components = [
        {"name": one.name, "install": {"namespace": one.namespace, "dependsOn": list(one.depends_on)}}
        for one in package.releases
    ]
    depends_on = [f"cozystack.{one}" for one in package.depends_on]
    variant = {"name": package.variant, "dependsOn": depends_on, "components": components}
    return {"metadata": {"name": name}, "spec": {"variants": [variant]}}


def _report(cluster: KubernetesCluster, release: Object, *ready: str, failures: int = 0, **others: Any) -> None:
    number = release["metadata"].get("generation", 1)
    more = {"observedGeneration": number, "installFailures": failures}
    report_ready(cluster.store, RELEASES, release, ready, **others, **more)
