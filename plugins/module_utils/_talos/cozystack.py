# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CozyStack needs of a machine configuration, as a patch. Private to urmanac.talos: may change at any time.

The outcome is that of the chart charts/cozystack in cozystack/talm.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .documents import CONTROL_PLANE

POD_SUBNETS = ("10.244.0.0/16",)

_SYSCTLS = {
    # Thousands of pods and services: the neighbour table must not overflow.
    "net.ipv4.neigh.default.gc_thresh1": "4096",
    "net.ipv4.neigh.default.gc_thresh2": "8192",
    "net.ipv4.neigh.default.gc_thresh3": "16384",
    # DRBD reconnects in storms: sockets must be given back soon, and bursts of replication must not be dropped.
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


class Preset(NamedTuple):
    """What the preset takes from the cluster."""

    node_subnets: tuple[str, ...]
    pod_subnets: tuple[str, ...] = POD_SUBNETS
    etcd_quota_bytes: int = 8 * 1024**3


def preset_patch(machine_type: str, preset: Preset) -> dict[str, Any]:
    """Return the patch that makes a machine fit for CozyStack."""
    is_control_plane = machine_type == CONTROL_PLANE
    cluster: dict[str, Any] = {"network": {"cni": {"name": "none"}}}
    machine = _machine(preset)
    if is_control_plane:
        # Every node carries load balancers' traffic: three schedulable control planes are the whole cluster.
        machine["nodeLabels"] = {"node.kubernetes.io/exclude-from-external-load-balancers": {"$patch": "delete"}}
        cluster |= _control_plane(preset)
    return {"machine": machine, "cluster": cluster}


def _machine(preset: Preset) -> dict[str, Any]:
    modules: list[dict[str, Any]] = [{"name": name} for name in ("openvswitch", "drbd", "zfs", "spl", "vfio_pci")]
    # DRBD's helper program does not exist on Talos; LINSTOR takes its part.
    modules[1]["parameters"] = ["usermode_helper=disabled"]
    node_ip = {"nodeIP": {"validSubnets": list(preset.node_subnets)}} if preset.node_subnets else {}
    return {
        "certSANs": ["127.0.0.1"],
        "kubelet": {**node_ip, "extraConfig": {"cpuManagerPolicy": "static", "maxPods": 512}},
        "sysctls": dict(_SYSCTLS),
        "kernel": {"modules": [*modules, {"name": "vfio_iommu_type1"}]},
        "files": [
            {"content": _CONTAINERD, "path": "/etc/cri/conf.d/20-customization.part", "op": "create"},
            {"content": _LVM, "permissions": 0o644, "path": "/etc/lvm/lvm.conf", "op": "overwrite"},
        ],
    }


def _control_plane(preset: Preset) -> dict[str, Any]:
    etcd: dict[str, Any] = {"extraArgs": {"quota-backend-bytes": str(preset.etcd_quota_bytes)}}
    if preset.node_subnets:
        etcd["advertisedSubnets"] = list(preset.node_subnets)
    allocation = {"allocate-node-cidrs": "true", "cluster-cidr": ",".join(preset.pod_subnets)}
    return {
        "allowSchedulingOnControlPlanes": True,
        "apiServer": {"certSANs": ["127.0.0.1"]},
        # CozyStack scrapes both from outside their pods.
        "controllerManager": {"extraArgs": {"bind-address": "0.0.0.0", **allocation}},  # noqa: S104
        "scheduler": {"extraArgs": {"bind-address": "0.0.0.0"}},  # noqa: S104
        "proxy": {"disabled": True},
        "discovery": {"enabled": False},
        "etcd": etcd,
    }
