# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack's operator, simulated: once its pod runs it brings definitions and Flux, and makes releases of Packages.

Conditions and messages as in cozystack/cozystack v1.6.2, internal/operator/package_reconciler.go.
"""

from __future__ import annotations

from typing import Any

from lab.kubernetes import charts
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.kinds import DEFINITIONS, DEPLOYMENTS, NAMESPACES, definition
from lab.kubernetes.store import Kind, Object, Store
from lab.kubernetes.workloads import condition, is_ready, is_true

SYSTEM = "cozy-system"
PLATFORM = "cozystack.cozystack-platform"
PACKAGES = Kind("cozystack.io", "packages")
SOURCES = Kind("cozystack.io", "packagesources")
RELEASES = Kind("helm.toolkit.fluxcd.io", "helmreleases")
REPOSITORIES = Kind("source.toolkit.fluxcd.io", "ocirepositories")
_VARIANTS = ("default", "isp-full", "isp-hosted", "isp-full-generic")
_DEFINED = (
    ("cozystack.io", "v1alpha1", "packages", "Package", "Cluster"),
    ("cozystack.io", "v1alpha1", "packagesources", "PackageSource", "Cluster"),
    ("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease", "Namespaced"),
    ("source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository", "Namespaced"),
)


def reconcile(cluster: KubernetesCluster) -> None:
    deployment = cluster.store.look(DEPLOYMENTS, "cozystack-operator", namespace=SYSTEM)
    if not is_ready(deployment):
        return
    _install(cluster.store, argument(deployment, "--platform-source-url"))
    for package in cluster.store.peek(PACKAGES):
        _reconcile_package(cluster, package)


def build(cluster: KubernetesCluster) -> charts.Build:
    """Return the build of CozyStack that the operator installs."""
    deployment = cluster.store.look(DEPLOYMENTS, "cozystack-operator", namespace=SYSTEM)
    return charts.build_of(argument(deployment, "--platform-source-url"))


def argument(deployment: Object | None, name: str) -> str:
    containers = deployment["spec"]["template"]["spec"]["containers"] if deployment else []
    args = [arg for one in containers for arg in one.get("args") or []]
    return next((arg.partition("=")[2] for arg in args if arg.startswith(f"{name}=")), "")


def ensure(store: Store, kind: Any, content: Object) -> None:
    metadata = content["metadata"]
    if store.look(kind, metadata["name"], namespace=metadata.get("namespace", "")) is None:
        store.put(kind, content)


def ensure_namespace(store: Store, name: str) -> None:
    labels = {"kubernetes.io/metadata.name": name, "cozystack.io/system": "true"}
    content = {"metadata": {"name": name, "labels": labels}, "spec": {"finalizers": ["kubernetes"]}}
    ensure(store, NAMESPACES, content | {"status": {"phase": "Active"}})


def _install(store: Store, url: str) -> None:
    for one in _DEFINED:
        ensure(store, DEFINITIONS, definition(*one))
    ensure_namespace(store, "cozy-fluxcd")
    ensure(store, DEPLOYMENTS, charts.flux())
    source = {"metadata": {"name": "cozystack-platform", "namespace": SYSTEM, "generation": 1}, "spec": {"url": url}}
    ensure(store, REPOSITORIES, source)
    component = {"name": "platform", "path": "core/platform", "install": {"namespace": SYSTEM}}
    variants = [{"name": name, "components": [component]} for name in _VARIANTS]
    ensure(store, SOURCES, {"metadata": {"name": PLATFORM}, "spec": {"variants": variants}})


def _reconcile_package(cluster: KubernetesCluster, package: Object) -> None:
    store, name = cluster.store, package["metadata"]["name"]
    source = store.look(SOURCES, name)
    if source is None:
        report_ready(store, PACKAGES, package, ("False", "PackageSourceNotFound", f"PackageSource {name} not found"))
        return
    wanted = str((package.get("spec") or {}).get("variant") or "default")
    variant = next((one for one in source["spec"]["variants"] if one["name"] == wanted), None)
    if variant is None:
        text = f"Variant {wanted} not found in PackageSource {name}"
        report_ready(store, PACKAGES, package, ("False", "VariantNotFound", text))
        return
    dependencies = {
        one: {"ready": is_true(store.look(PACKAGES, one), "Ready")} for one in variant.get("dependsOn") or []
    }
    if not all(one["ready"] for one in dependencies.values()):
        text = "One or more dependencies are not ready"
        report_ready(store, PACKAGES, package, ("False", "DependenciesNotReady", text), dependencies=dependencies)
        return
    for component in variant["components"]:
        if _release(store, component) is None:
            _make_release(cluster, package, variant, component)
    text = f"reconciliation succeeded, generated {len(variant['components'])} helmrelease(s)"
    report_ready(store, PACKAGES, package, ("True", "ReconciliationSucceeded", text), dependencies=dependencies)


def _release(store: Store, component: Object) -> Object | None:
    name = "cozystack-platform" if component["name"] == "platform" else component["name"]
    return store.look(RELEASES, name, namespace=component["install"]["namespace"])


def _make_release(cluster: KubernetesCluster, package: Object, variant: Object, component: Object) -> None:
    store, install = cluster.store, component["install"]
    ensure_namespace(store, install["namespace"])
    name = "cozystack-platform" if component["name"] == "platform" else component["name"]
    own = [{"name": one, "namespace": _namespace_of(variant, one)} for one in install.get("dependsOn") or []]
    others = [
        {"name": release.name, "namespace": release.namespace}
        for dependency in variant.get("dependsOn") or []
        for release in charts.graph(build(cluster).version)[dependency].releases
    ]
    metadata = package["metadata"]
    owner = {"apiVersion": "cozystack.io/v1alpha1", "kind": "Package", "name": metadata["name"], "uid": metadata["uid"]}
    content = {
        "metadata": {
            **{"name": name, "namespace": install["namespace"], "generation": 1},
            **{"labels": {"cozystack.io/package": metadata["name"]}, "ownerReferences": [owner]},
        },
        "spec": {"interval": "5m", "install": {"timeout": "10m"}}
        | ({"dependsOn": own + others} if own + others else {}),
    }
    ensure(store, RELEASES, content)


def _namespace_of(variant: Object, component: str) -> str:
    found = (one["install"]["namespace"] for one in variant["components"] if one["name"] == component)
    return str(next(found, SYSTEM))


def report_ready(
    store: Store, kind: Kind, item: Object, ready: tuple[str, ...], released: tuple[str, ...] = (), **more: Any
) -> None:
    """Write the conditions of a Package or a release, each by its status, reason and message, unless it is so."""
    before, reported = item.get("status") or {}, {"Ready": ready, "Released": released}
    conditions = [condition(name, *one, before=before) for name, one in reported.items() if one]
    status = {"conditions": conditions} | {key: it for key, it in more.items() if it}
    if status != before:
        store.put(kind, item | {"status": status})
