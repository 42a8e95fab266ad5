# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of machine and cluster in a configuration, from its fields or from documents of v1.14."""

from __future__ import annotations

import base64
from typing import Any

Document = dict[str, Any]

_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# The documents whose fields, but for those that name them, are what a field was: the path of each.
_WHOLE = {
    "KubeAPIServerConfig": ("cluster", "apiServer"),
    "KubeControllerManagerConfig": ("cluster", "controllerManager"),
    "KubeSchedulerConfig": ("cluster", "scheduler"),
    "KubeNetworkConfig": ("cluster", "network"),
    "KubeletConfig": ("machine", "kubelet"),
}
_HEAD = ("apiVersion", "kind", "name")


def sections(documents: list[Document]) -> dict[str, Document]:
    """Return machine and cluster as configurations had them before v1.14; what is not read here may be missing."""
    base = next((document for document in documents if not document.get("kind")), {})
    found = {name: dict(base.get(name) or {}) for name in ("machine", "cluster")}
    by_kind = {str(document.get("kind")): document for document in documents}
    if "KubeClusterConfig" not in by_kind:
        return found
    for kind, (section, field) in _WHOLE.items():
        content = by_kind.get(kind, {})
        found[section][field] = {key: value for key, value in content.items() if key not in _HEAD}
    found["machine"] |= _machine(by_kind, found["machine"])
    found["cluster"] |= _cluster(by_kind, found["cluster"])
    return found


def _machine(by_kind: dict[str, Document], machine: Document) -> Document:
    node = by_kind.get("KubeNodeConfig", {})
    kubelet = machine.get("kubelet") or {}
    taints = {key: value for key, value in (node.get("taints") or {}).items() if key != _CONTROL_PLANE}
    return {
        "kubelet": {**kubelet, "extraConfig": kubelet.get("config") or {}, "nodeIP": node.get("nodeIP") or {}},
        "nodeLabels": node.get("labels") or {},
        "nodeAnnotations": node.get("annotations") or {},
        "nodeTaints": taints,
    }


def _cluster(by_kind: dict[str, Document], cluster: Document) -> Document:
    identity, general = by_kind.get("DiscoveryIdentityConfig", {}), by_kind.get("KubeClusterConfig", {})
    server, taints = cluster.get("apiServer") or {}, by_kind.get("KubeNodeConfig", {}).get("taints") or {}
    cni = "flannel" if "KubeFlannelCNIConfig" in by_kind else "none"
    return {
        "id": identity.get("clusterID"),
        "secret": identity.get("clusterSecret"),
        "clusterName": general.get("clusterName"),
        "controlPlane": {"endpoint": general.get("endpoint", "")},
        "ca": _authority(by_kind.get("KubeAPIServerCAConfig", {})),
        "network": {**(cluster.get("network") or {}), "cni": {"name": cni}},
        "apiServer": {**server, "certSANs": server.get("certExtraSANs") or []},
        "allowSchedulingOnControlPlanes": _CONTROL_PLANE not in taints,
    }


def _authority(document: Document) -> Document:
    pair = document.get("issuingCA") or {}
    accepted = document.get("acceptedCAs") or [""]
    return {"crt": _encoded(pair.get("cert") or accepted[0]), "key": _encoded(pair.get("key") or "")}


def _encoded(pem: str) -> str:
    return base64.b64encode(str(pem).encode()).decode()
