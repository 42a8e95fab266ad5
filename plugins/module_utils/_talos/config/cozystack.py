# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patch that prepares a machine configuration for CozyStack. Private to urmanac.talos: may change at any time.

The result equals that of charts/cozystack in cozystack/talm.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..._machine_types import CONTROL_PLANE
from ..._networks import PODS
from .cluster import ClusterConfig
from .split import EXCLUSION_LABEL, document_of

_SYSCTLS = {
    # Thousands of pods and services: the neighbour table must not overflow.
    "net.ipv4.neigh.default.gc_thresh1": "4096",
    "net.ipv4.neigh.default.gc_thresh2": "8192",
    "net.ipv4.neigh.default.gc_thresh3": "16384",
    # DRBD reconnects many sockets at once: release them early, and do not drop bursts of replication traffic.
    "net.ipv4.tcp_orphan_retries": "3",
    "net.ipv4.tcp_fin_timeout": "30",
    "net.core.netdev_max_backlog": "5000",
    "net.core.netdev_budget": "600",
    "net.core.netdev_budget_usecs": "8000",
}
_CONTAINERD = """\
[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    device_ownership_from_security_context = true
  [plugins."io.containerd.cri.v1.runtime"]
    device_ownership_from_security_context = true
"""
# LVM must not look into the volumes of DRBD, device mapper, ZFS and loop devices: they belong to guests.
_LVM = """\
backup {
  backup = 0
  archive = 0
}
devices {
   global_filter = [ "r|^/dev/drbd.*|", "r|^/dev/dm-.*|", "r|^/dev/zd.*|", "r|^/dev/loop.*|" ]
}
"""
_LVM_FILE = {"content": _LVM, "permissions": 0o644, "path": "/etc/lvm/lvm.conf", "op": "overwrite"}
_KUBELET = {"cpuManagerPolicy": "static", "maxPods": 512}
# CozyStack scrapes controller manager and scheduler from outside their pods.
_SCRAPED = {"bind-address": "0.0.0.0"}  # noqa: S104


class Preset(NamedTuple):
    """Settings of the cluster that the preset uses."""

    node_subnets: tuple[str, ...]
    pod_subnets: tuple[str, ...] = (PODS,)
    etcd_quota_bytes: int = 8 * 1024**3


def preset_patch(machine_type: str, preset: Preset) -> dict[str, Any]:
    """Return the patch with CozyStack's requirements."""
    is_control_plane = machine_type == CONTROL_PLANE
    cluster: dict[str, Any] = {"network": {"cni": {"name": "none"}}}
    machine = _machine(preset)
    if is_control_plane:
        # Every node carries load balancers' traffic: three schedulable control planes are the whole cluster.
        machine["nodeLabels"] = {EXCLUSION_LABEL: {"$patch": "delete"}}
        cluster |= _control_plane(preset)
    return {"machine": machine, "cluster": cluster}


def preset_cluster(machine_type: str, cluster: ClusterConfig) -> ClusterConfig:
    """Return the cluster for the v1.14 documents of CozyStack, without the documents that it must not have."""
    cluster = cluster._replace(cni={"name": "none"})
    if machine_type != CONTROL_PLANE:
        return cluster
    return cluster._replace(schedules_on_control_planes=True, discovery_enabled=False)


def preset_documents(machine_type: str, preset: Preset) -> list[dict[str, Any]]:
    """Return the patch of preset_patch as v1.14 documents, for the cluster of preset_cluster."""
    is_control_plane = machine_type == CONTROL_PLANE
    # Talos has no document for files in /etc/lvm: it manages that directory.
    base: dict[str, Any] = {"machine": {"certSANs": ["127.0.0.1"], "files": [_LVM_FILE]}}
    if is_control_plane:
        base["cluster"] = {"etcd": _etcd(preset)}
    node = _node_ip(preset) | ({"labels": {EXCLUSION_LABEL: {"$patch": "delete"}}} if is_control_plane else {})
    documents = [
        base,
        document_of("KubeletConfig", config=dict(_KUBELET)),
        document_of("SysctlConfig", params=dict(_SYSCTLS)),
        *(document_of("KernelModuleConfig", **module) for module in _modules()),
        document_of("CRICustomizationConfig", name="cozystack", content=_CONTAINERD),
        # CozyStack's storage and network containers use the host's devices and kernel modules.
        document_of("SecurityProfileConfig", workloadIsolation=False),
    ]
    documents += [document_of("KubeNodeConfig", **node)] if node else []
    return documents + (_control_plane_documents(preset) if is_control_plane else [])


def _modules() -> list[dict[str, Any]]:
    names = ("openvswitch", "drbd", "zfs", "spl", "vfio_pci", "vfio_iommu_type1")
    # DRBD's helper program does not exist on Talos; LINSTOR replaces it.
    parameters = {"drbd": {"parameters": ["usermode_helper=disabled"]}}
    return [{"name": name, **parameters.get(name, {})} for name in names]


def _node_ip(preset: Preset) -> dict[str, Any]:
    return {"nodeIP": {"validSubnets": list(preset.node_subnets)}} if preset.node_subnets else {}


def _machine(preset: Preset) -> dict[str, Any]:
    return {
        "certSANs": ["127.0.0.1"],
        "kubelet": {**_node_ip(preset), "extraConfig": dict(_KUBELET)},
        "sysctls": dict(_SYSCTLS),
        "kernel": {"modules": _modules()},
        "files": [{"content": _CONTAINERD, "path": "/etc/cri/conf.d/20-customization.part", "op": "create"}, _LVM_FILE],
    }


def _etcd(preset: Preset) -> dict[str, Any]:
    subnets = {"advertisedSubnets": list(preset.node_subnets)} if preset.node_subnets else {}
    return {"extraArgs": {"quota-backend-bytes": str(preset.etcd_quota_bytes)}, **subnets}


def _manager_arguments(preset: Preset) -> dict[str, str]:
    return {**_SCRAPED, "allocate-node-cidrs": "true", "cluster-cidr": ",".join(preset.pod_subnets)}


def _control_plane_documents(preset: Preset) -> list[dict[str, Any]]:
    return [
        document_of("KubeAPIServerConfig", certExtraSANs=["127.0.0.1"]),
        document_of("KubeControllerManagerConfig", extraArgs=_manager_arguments(preset)),
        document_of("KubeSchedulerConfig", extraArgs=dict(_SCRAPED)),
        document_of("KubeProxyConfig", enabled=False),
    ]


def _control_plane(preset: Preset) -> dict[str, Any]:
    return {
        "allowSchedulingOnControlPlanes": True,
        "apiServer": {"certSANs": ["127.0.0.1"]},
        "controllerManager": {"extraArgs": _manager_arguments(preset)},
        "scheduler": {"extraArgs": dict(_SCRAPED)},
        "proxy": {"disabled": True},
        "discovery": {"enabled": False},
        "etcd": _etcd(preset),
    }
