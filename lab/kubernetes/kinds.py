# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds that every cluster knows, and those that definitions add."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.discovery import Resource
from lab.kubernetes.store import Object, Store

# group/version: plural, kind and short name; cluster-wide ones with a star.
_TABLE = {
    "v1": (
        "*namespaces Namespace ns|*nodes Node no|"
        "pods Pod po|events Event ev|configmaps ConfigMap cm|secrets Secret|services Service svc|"
        "serviceaccounts ServiceAccount sa|persistentvolumeclaims PersistentVolumeClaim pvc|"
        "*persistentvolumes PersistentVolume pv|limitranges LimitRange limits|resourcequotas ResourceQuota quota"
    ),
    "apps/v1": (
        "deployments Deployment deploy|daemonsets DaemonSet ds|statefulsets StatefulSet sts|replicasets ReplicaSet rs"
    ),
    "batch/v1": "jobs Job|cronjobs CronJob cj",
    "rbac.authorization.k8s.io/v1": (
        "*clusterroles ClusterRole|*clusterrolebindings ClusterRoleBinding|roles Role|rolebindings RoleBinding"
    ),
    "apiextensions.k8s.io/v1": "*customresourcedefinitions CustomResourceDefinition crd",
    "storage.k8s.io/v1": "*storageclasses StorageClass sc",
    "node.k8s.io/v1": "*runtimeclasses RuntimeClass",
    "apiregistration.k8s.io/v1": "*apiservices APIService",
    "scheduling.k8s.io/v1": "*priorityclasses PriorityClass pc",
    "policy/v1": "poddisruptionbudgets PodDisruptionBudget pdb",
    "coordination.k8s.io/v1": "leases Lease",
    "networking.k8s.io/v1": "ingresses Ingress ing|networkpolicies NetworkPolicy netpol",
}


def _built_in() -> Iterator[Resource]:
    for api_version, kinds in _TABLE.items():
        group, _, version = api_version.rpartition("/")
        for text in kinds.split("|"):
            plural, kind, *short = text.removeprefix("*").split()
            yield Resource(group, version, plural, kind, not text.startswith("*"), tuple(short))


EVERYWHERE = tuple(_built_in())
_BY_KIND = {resource.kind: resource.stored_as for resource in EVERYWHERE}
NAMESPACES, NODES, PODS, EVENTS = (_BY_KIND[kind] for kind in ("Namespace", "Node", "Pod", "Event"))
DEPLOYMENTS, DAEMON_SETS, REPLICA_SETS = (_BY_KIND[kind] for kind in ("Deployment", "DaemonSet", "ReplicaSet"))
DEFINITIONS = _BY_KIND["CustomResourceDefinition"]
QUOTAS, RUNTIMES = _BY_KIND["ResourceQuota"], _BY_KIND["RuntimeClass"]


def known(store: Store) -> tuple[Resource, ...]:
    return (*EVERYWHERE, *(found for item in store.peek(DEFINITIONS) for found in _defined(item)))


def _defined(item: Object) -> Iterator[Resource]:
    spec = item["spec"]
    names, namespaced = spec["names"], spec.get("scope") == "Namespaced"
    for version in spec.get("versions") or []:
        if version.get("served"):
            short = tuple(names.get("shortNames") or ())
            yield Resource(spec["group"], version["name"], names["plural"], names["kind"], namespaced, short)


def establish(store: Store) -> None:
    for item in store.peek(DEFINITIONS):
        if not (item.get("status") or {}).get("conditions"):
            conditions = [
                {"type": kind, "status": "True", "reason": reason, "message": message}
                for kind, reason, message in (
                    ("NamesAccepted", "NoConflicts", "no conflicts found"),
                    ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
                )
            ]
            status = {"conditions": conditions, "acceptedNames": item["spec"]["names"]}
            store.put(DEFINITIONS, item | {"status": status})


def definition(group: str, version: str, plural: str, kind: str, scope: str) -> Object:
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    versions = [{"name": version, "served": True, "storage": True}]
    spec = {"group": group, "scope": scope, "names": names, "versions": versions}
    return {"metadata": {"name": f"{plural}.{group}"}, "spec": spec}
