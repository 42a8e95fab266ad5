# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents that replace fields of the machine configuration in v1.14. Private to urmanac.talos: may change.

What stays in machine: the type, the token and authority of Talos, the names for its certificates; in cluster: the
bootstrap token and etcd. Order and content are those of config/generate in siderolabs/talos, with one exception: the
key of bundles from before Talos v1.3 is written for the provider aescbc, which can read what it has encrypted.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from ..._ports import KUBE_PRISM
from . import upstream
from .bundle import Bundle, Pair
from .cluster import ClusterConfig

Document = dict[str, Any]
ImageOf = Callable[[str], str]

CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
EXCLUSION_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"


def document_of(kind: str, **fields: Any) -> Document:
    """Return a Talos document other than the machine configuration."""
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


def machine_documents(cluster: ClusterConfig, bundle: Bundle) -> Iterator[Document]:
    """Yield the documents before registries and network."""
    if cluster.discovery_enabled:
        yield document_of("DiscoveryServiceConfig", name="default", endpoint=upstream.DISCOVERY)
    yield document_of("DiscoveryIdentityConfig", clusterID=bundle.cluster_id, clusterSecret=bundle.cluster_secret)
    if cluster.install_disk:
        # Go and JSON quote strings alike.
        selector = {"match": f"disk.dev_path == {json.dumps(cluster.install_disk)}"}
        provisioning = {"diskSelector": selector, "wipe": False}
        installer = {"image": cluster.install_image}
        yield document_of("UnattendedInstallConfig", installer=installer, provisioning=provisioning)
    yield document_of("ResolverConfig", hostDNS={"enabled": True, "forwardKubeDNSToHost": True})
    if cluster.sysctls:
        yield document_of("SysctlConfig", params=dict(cluster.sysctls))
    yield document_of("VolumeConfig", name="EPHEMERAL", mount={"secure": True})
    yield document_of("FilesystemTrimConfig", interval="168h0m0s")
    yield document_of("SecurityProfileConfig", workloadIsolation=True)


def node_documents(
    cluster: ClusterConfig, bundle: Bundle, image: ImageOf, *, control_plane: bool
) -> Iterator[Document]:
    """Yield the Kubernetes documents of every node."""
    yield document_of("KubeClusterConfig", clusterName=cluster.name, endpoint=cluster.endpoint)
    yield document_of("KubeNodeConfig", nodeIP={}, **(_registration(cluster) if control_plane else {}))
    kubelet = image(upstream.KUBELET)
    yield document_of("KubeletConfig", image=kubelet, config={}, defaultRuntimeSeccompProfileEnabled=True)
    yield document_of(
        "KubeNetworkConfig",
        dnsDomain=cluster.dns_domain,
        podSubnets=list(cluster.pod_subnets),
        serviceSubnets=list(cluster.service_subnets),
    )
    authority = {"issuingCA": _pair(bundle.k8s)} if control_plane else {"acceptedCAs": [_text(bundle.k8s.crt)]}
    yield document_of("KubeAPIServerCAConfig", **authority)
    yield document_of("KubePrismConfig", port=KUBE_PRISM)


def control_plane_documents(
    cluster: ClusterConfig, bundle: Bundle, image: ImageOf, pod_security: Document
) -> Iterator[Document]:
    """Yield the Kubernetes documents of control planes."""
    yield document_of("KubeAggregatorCAConfig", issuingCA=_pair(bundle.aggregator))
    yield document_of("KubeAdmissionControlConfig", name="PodSecurity", configuration=pod_security)
    yield document_of("KubeAuditPolicyConfig", configuration=upstream.audit_policy())
    probes = {"conditions": [{"path": path} for path in ("/livez", "/readyz", "/healthz")], "enabled": True}
    yield document_of("KubeAuthenticationConfig", configuration={"anonymous": probes, "jwt": []})
    for name, kind in (("node", "Node"), ("rbac", "RBAC")):
        yield document_of("KubeAuthorizerConfig", name=name, type=kind)
    yield document_of("KubeEtcdEncryptionConfig", config=_encryption(bundle))
    issuer = {"privateKey": _text(bundle.service_account), "issuerURL": cluster.endpoint}
    yield document_of("KubeServiceAccountConfig", issuer=issuer)
    yield from _programs(cluster, image)
    yield from _cni(cluster)


def _registration(cluster: ClusterConfig) -> Document:
    labels = {"labels": {CONTROL_PLANE_LABEL: "", EXCLUSION_LABEL: ""}}
    return labels | ({} if cluster.schedules_on_control_planes else {"taints": {CONTROL_PLANE_LABEL: "NoSchedule"}})


def _programs(cluster: ClusterConfig, image: ImageOf) -> Iterator[Document]:
    port = {"apiPort": cluster.local_api_server_port} if cluster.local_api_server_port else {}
    server = image(upstream.API_SERVER)
    yield document_of("KubeAPIServerConfig", image=server, certExtraSANs=list(cluster.cert_sans), **port)
    yield document_of("KubeControllerManagerConfig", image=image(upstream.CONTROLLER_MANAGER))
    yield document_of("KubeSchedulerConfig", image=image(upstream.SCHEDULER), config={})
    yield document_of("KubeProxyConfig", image=image(upstream.PROXY), config={})


def _cni(cluster: ClusterConfig) -> Iterator[Document]:
    cni = {"name": "flannel", **(cluster.cni or {})}
    if cni["name"] == "flannel":
        yield document_of("KubeFlannelCNIConfig", backendType="vxlan", backendPort=4789, **cni.get("flannel", {}))
    yield document_of("KubeCoreDNSConfig", enabled=True)
    for position, url in enumerate(cni.get("urls", ()), start=1):
        name = "custom-cni" if position == 1 else f"custom-cni-{position}"
        yield document_of("KubeExternalManifestConfig", name=name, url=url)


def _encryption(bundle: Bundle) -> Document:
    # Bundles from before Talos v1.3 have the older key; a cluster must keep its original key.
    kind, key = "secretbox", {"name": "key2", "secret": bundle.secretbox}
    if not bundle.secretbox:
        kind, key = "aescbc", {"name": "key1", "secret": bundle.aescbc}
    provider = {kind: {"keys": [key]}}
    return {"resources": [{"providers": [provider], "resources": ["secrets"]}]}


def _pair(pair: Pair) -> Document:
    return {"cert": _text(pair.crt), "key": _text(pair.key)}


def _text(encoded: str) -> str:
    """Return the PEM text of a base64 value: the documents contain plain PEM."""
    return base64.b64decode(encoded).decode()
