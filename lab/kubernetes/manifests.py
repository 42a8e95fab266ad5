# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulations of the manifests of a CozyStack release: structured as upstream's, with the parts that a cluster needs.

cozystack/cozystack v1.6.2: packages/core/installer and internal/crdinstall.
"""

from __future__ import annotations

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.releases import DEFAULT
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.names import STOCK
from lab.kubernetes.kinds import definition
from lab.kubernetes.store import Object

NAMESPACE = "cozy-system"
IMAGE = f"{STOCK}cozystack-operator:{DEFAULT}"
SOURCE = f"oci://{STOCK}cozystack-packages"
_SIMULATED = {"lab.example.com/simulated": "this manifest is not a release of CozyStack"}
_KEYS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "node.cilium.io/agent-not-ready")


def operator_manifest() -> list[Object]:
    inside = {"namespace": NAMESPACE}
    labels = {"cozystack.io/system": "true", "pod-security.kubernetes.io/enforce": "privileged"}
    role = {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"}
    return [
        {
            **{"apiVersion": "v1", "kind": "Namespace"},
            "metadata": {"name": NAMESPACE, "labels": labels, "annotations": _SIMULATED},
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "cozystack", **inside}},
        {
            **{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding"},
            **{"metadata": {"name": "cozystack"}, "roleRef": role},
            "subjects": [{"kind": "ServiceAccount", "name": "cozystack", **inside}],
        },
        {
            **{"apiVersion": "apps/v1", "kind": "Deployment"},
            **{"metadata": {"name": "cozystack-operator", **inside}, "spec": _deployment()},
        },
    ]


def _deployment() -> Object:
    labels = {"app": "cozystack-operator"}
    spec = {
        **{"serviceAccountName": "cozystack", "containers": [_container()], "hostNetwork": True},
        "tolerations": [{"key": key, "operator": "Exists"} for key in _KEYS],
    }
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {"replicas": 1, "selector": {"matchLabels": labels}, "strategy": strategy, "template": template}


def _container() -> Object:
    args = ["--leader-elect=true", "--install-flux=true", "--install-crds=true"]
    args += ["--platform-source-name=cozystack-platform", f"--platform-source-url={SOURCE}"]
    args += [f"--platform-source-ref=digest=sha256:{'0' * 64}"]
    # The API server's address on every Talos node: KubePrism.
    address = {"KUBERNETES_SERVICE_HOST": "localhost", "KUBERNETES_SERVICE_PORT": "7445"}
    environment = [{"name": name, "value": value} for name, value in address.items()]
    return {"name": "cozystack-operator", "image": IMAGE, "args": args, "env": environment}


def definitions() -> list[Object]:
    """Return what simulates cozystack-crds.yaml: definitions that take everything."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    found = []
    for plural, kind in (("packages", "Package"), ("packagesources", "PackageSource")):
        one = definition("cozystack.io", "v1alpha1", plural, kind, "Cluster")
        one["metadata"]["annotations"] = _SIMULATED
        one["spec"]["versions"][0] |= {"schema": schema, "subresources": {"status": {}}}
        found.append({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"} | one)
    return found
