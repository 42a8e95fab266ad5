# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machine configurations from a bundle and a cluster's description. Private to urmanac.talos: may change at any time.

A version contract names the Talos release of a configuration. Its effects (pkg/machinery/config/contract.go
and config/generate in siderolabs/talos): v1.12 writes network and registries as separate documents and drops
features.rbac, stableHostname, apidCheckExtKeyUsage and apiServer.disablePodSecurityPolicy; v1.13 drops the empty
machine.network; v1.14 writes most of machine and cluster as separate documents (split.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._errors import InputError
from ..._machine_types import CONTROL_PLANE, WORKER
from ..._ports import KUBE_PRISM
from ..._urls import split_url
from . import split, upstream
from .bundle import Bundle
from .cluster import ClusterConfig
from .contract import CONTRACTS
from .split import document_of

Document = dict[str, Any]


def has_documents(contract: str) -> bool:
    """Return whether network and registries are separate documents."""
    if contract not in CONTRACTS:
        raise InputError(f"Failed to use the contract {contract}: it is unknown. Choose one of {', '.join(CONTRACTS)}.")
    return contract not in ("v1.10", "v1.11")


def is_split(contract: str) -> bool:
    """Return whether most of machine and cluster are separate documents."""
    return has_documents(contract) and contract not in ("v1.12", "v1.13")


def generate(machine_type: str, cluster: ClusterConfig, bundle: Bundle) -> list[Document]:
    """Return the documents of a machine, as C(talosctl gen config) generates them before any patch."""
    if machine_type not in (CONTROL_PLANE, WORKER):
        raise InputError(
            f"Failed to generate a configuration for {machine_type}: unknown machine type. "
            "Choose controlplane or worker."
        )
    _check_endpoint(cluster)
    if is_split(cluster.contract):
        return _split(machine_type, cluster, bundle)
    configuration = {
        "version": "v1alpha1",
        "debug": False,
        "persist": True,
        "machine": _machine(machine_type, cluster, bundle),
        "cluster": _cluster(machine_type, cluster, bundle),
    }
    return [configuration, *_further_documents(cluster)]


def mirror_documents(mirrors: Mapping[str, tuple[str, ...]]) -> list[Document]:
    """Return a RegistryMirrorConfig for each registry, in alphabetical order."""
    return [
        document_of("RegistryMirrorConfig", name=host, endpoints=[{"url": url} for url in mirrors[host]])
        for host in sorted(mirrors)
    ]


def mirror_section(mirrors: Mapping[str, tuple[str, ...]]) -> Document:
    """Return machine.registries for the contracts without separate documents."""
    return {"mirrors": {host: {"endpoints": list(urls)} for host, urls in mirrors.items()}}


def _check_endpoint(cluster: ClusterConfig) -> None:
    parts = split_url(cluster.endpoint)
    if parts.scheme != "https" or not parts.hostname:
        raise InputError(
            f"Failed to use the cluster endpoint {cluster.endpoint!r}: it is not an https URL. "
            "Set it to a URL such as https://10.10.0.101:6443."
        )


def _further_documents(cluster: ClusterConfig) -> list[Document]:
    if not has_documents(cluster.contract):
        return []
    return [*mirror_documents(cluster.registry_mirrors), document_of("HostnameConfig", auto="stable")]


def _split(machine_type: str, cluster: ClusterConfig, bundle: Bundle) -> list[Document]:
    is_control_plane = machine_type == CONTROL_PLANE

    def image(repository: str) -> str:
        return _image(repository, cluster)

    documents = [
        _split_base(machine_type, cluster, bundle),
        *split.machine_documents(cluster, bundle),
        *_further_documents(cluster),
        *split.node_documents(cluster, bundle, image, control_plane=is_control_plane),
    ]
    if is_control_plane:
        documents += split.control_plane_documents(cluster, bundle, image, _pod_security())
    return documents


def _authority(machine_type: str, cluster: ClusterConfig, bundle: Bundle) -> Document:
    return {
        "type": machine_type,
        "token": bundle.trustd_token,
        "ca": {"crt": bundle.os.crt, "key": bundle.os.key if machine_type == CONTROL_PLANE else ""},
        "certSANs": list(cluster.cert_sans),
    }


def _split_base(machine_type: str, cluster: ClusterConfig, bundle: Bundle) -> Document:
    is_control_plane = machine_type == CONTROL_PLANE
    machine: Document = {
        **_authority(machine_type, cluster, bundle),
        "features": {"diskQuotaSupport": True},
    }
    section: Document = {"token": bundle.bootstrap_token}
    if is_control_plane:
        section["etcd"] = {"ca": bundle.etcd._asdict()}
    return {"version": "v1alpha1", "debug": False, "persist": True, "machine": machine, "cluster": section}


def _machine(machine_type: str, cluster: ClusterConfig, bundle: Bundle) -> Document:
    is_control_plane = machine_type == CONTROL_PLANE
    machine: Document = {
        **_authority(machine_type, cluster, bundle),
        "kubelet": {
            "image": _image(upstream.KUBELET, cluster),
            "defaultRuntimeSeccompProfileEnabled": True,
            "disableManifestsDirectory": True,
        },
        "install": _install(cluster),
        "sysctls": dict(cluster.sysctls),
        "features": _features(cluster.contract),
    }
    if cluster.contract != "v1.13":
        machine["network"] = {}
    if is_control_plane:
        machine["nodeLabels"] = {split.EXCLUSION_LABEL: ""}
    if cluster.registry_mirrors and not has_documents(cluster.contract):
        machine["registries"] = mirror_section(cluster.registry_mirrors)
    return machine


def _install(cluster: ClusterConfig) -> Document:
    install: Document = {
        "disk": cluster.install_disk,
        "extraKernelArgs": list(cluster.extra_kernel_args),
        "image": cluster.install_image,
        "wipe": False,
    }
    return install | ({"grubUseUKICmdline": True} if has_documents(cluster.contract) else {})


def _features(contract: str) -> Document:
    legacy = {"rbac": True, "stableHostname": True, "apidCheckExtKeyUsage": True}
    return ({} if has_documents(contract) else legacy) | {
        "diskQuotaSupport": True,
        "kubePrism": {"enabled": True, "port": KUBE_PRISM},
        "hostDNS": {"enabled": True, "forwardKubeDNSToHost": True},
    }


def _cluster(machine_type: str, cluster: ClusterConfig, bundle: Bundle) -> Document:
    is_control_plane = machine_type == CONTROL_PLANE
    section: Document = {
        "id": bundle.cluster_id,
        "secret": bundle.cluster_secret,
        "controlPlane": {"endpoint": cluster.endpoint},
        "clusterName": cluster.name,
        "network": {
            "cni": dict(cluster.cni) if cluster.cni else None,
            "dnsDomain": cluster.dns_domain,
            "podSubnets": list(cluster.pod_subnets),
            "serviceSubnets": list(cluster.service_subnets),
        },
        "token": bundle.bootstrap_token,
        "ca": {"crt": bundle.k8s.crt, "key": bundle.k8s.key if is_control_plane else ""},
        "discovery": {
            "enabled": cluster.discovery_enabled,
            # Kubernetes 1.32 removed the permission that discovery through Kubernetes needs.
            "registries": {"kubernetes": {"disabled": True}, "service": {}},
        },
    }
    return section | (_control_plane(cluster, bundle) if is_control_plane else {})


def _control_plane(cluster: ClusterConfig, bundle: Bundle) -> Document:
    return {
        "controlPlane": {"endpoint": cluster.endpoint, "localAPIServerPort": cluster.local_api_server_port},
        # Bundles from before Talos v1.3 have the older key; a cluster must keep its original key.
        "secretboxEncryptionSecret": bundle.secretbox,
        "aescbcEncryptionSecret": "" if bundle.secretbox else bundle.aescbc,
        "aggregatorCA": bundle.aggregator._asdict(),
        "serviceAccount": {"key": bundle.service_account},
        "apiServer": _api_server(cluster),
        "controllerManager": {"image": _image(upstream.CONTROLLER_MANAGER, cluster)},
        "proxy": {"image": _image(upstream.PROXY, cluster)},
        "scheduler": {"image": _image(upstream.SCHEDULER, cluster)},
        "etcd": {"ca": bundle.etcd._asdict()},
        "allowSchedulingOnControlPlanes": True if cluster.schedules_on_control_planes else None,
    }


def _api_server(cluster: ClusterConfig) -> Document:
    server: Document = {
        "image": _image(upstream.API_SERVER, cluster),
        "certSANs": list(cluster.cert_sans),
        "admissionControl": [{"name": "PodSecurity", "configuration": _pod_security()}],
        "auditPolicy": upstream.audit_policy(),
    }
    if has_documents(cluster.contract):
        return server
    host = split_url(cluster.endpoint).hostname or ""
    return server | {"certSANs": [host, *cluster.cert_sans], "disablePodSecurityPolicy": True}


def _pod_security() -> Document:
    modes = {"audit": "restricted", "enforce": "baseline", "warn": "restricted"}
    return {
        "apiVersion": "pod-security.admission.config.k8s.io/v1alpha1",
        "kind": "PodSecurityConfiguration",
        "defaults": modes | {f"{mode}-version": "latest" for mode in modes},
        "exemptions": {"namespaces": ["kube-system"], "runtimeClasses": [], "usernames": []},
    }


def _image(repository: str, cluster: ClusterConfig) -> str:
    version = cluster.kubernetes_version.removeprefix("v")
    return f"{repository}:v{version}" if version else ""
