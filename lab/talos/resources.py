# SPDX-License-Identifier: GPL-3.0-or-later
"""The COSI resources that the simulation shows, as a node's YAML."""

from __future__ import annotations

from typing import Any

from lab.talos import tailscale
from lab.talos.definitions import definitions
from lab.talos.machine import Node

_REQUIRED = {"apid", "machined", "kubelet"}
_REQUIRED_OF_CONTROL_PLANES = {"etcd", "trustd"}

Specs = dict[str, Any]


def resources_of(node: Node) -> dict[tuple[str, str], Specs]:
    return {
        ("config", "MachineConfigs.config.talos.dev"): _configs(node),
        ("config", "MachineTypes.config.talos.dev"): {"machine-type": node.machine_type},
        ("runtime", "MachineStatuses.runtime.talos.dev"): {"machine": machine_status(node)},
        ("runtime", "Versions.runtime.talos.dev"): {"version": {"version": node.state.version}},
        ("runtime", "KernelCmdlines.runtime.talos.dev"): {"cmdline": {"cmdline": node.cmdline}},
        ("runtime", "ExtensionStatuses.runtime.talos.dev"): _extensions(node),
        ("runtime", "Services.v1alpha1.talos.dev"): _services(node),
        ("runtime", "TimeStatuses.v1alpha1.talos.dev"): {
            "node": {"synced": node.time_is_synced, "epoch": 1, "syncDisabled": False}
        },
        ("runtime", "Disks.block.talos.dev"): {
            f"nvme{at}n1": _disk(f"nvme{at}n1", serial, size)
            for at, (serial, size) in enumerate(node.hardware.disks.items())
        },
        ("runtime", "SystemDisks.block.talos.dev"): {
            "system-disk": {"diskID": node.hardware.disk, "devPath": f"/dev/{node.hardware.disk}"}
        },
        ("runtime", "OOMActions.talos.dev"): _oom_actions(node),
        ("runtime", "PlatformMetadatas.talos.dev"): {"platformmetadata": {"platform": "metal"}},
        ("network", "HostnameStatuses.net.talos.dev"): {"hostname": {"hostname": node.hostname, "domainname": ""}},
        ("network", "NodeAddresses.net.talos.dev"): _addresses(node),
        ("network", "LinkStatuses.net.talos.dev"): _links(node),
        ("cluster", "Members.cluster.talos.dev"): _members(node),
        ("network", "AddressStatuses.net.talos.dev"): _address_statuses(node),
        ("etcd", "EtcdMembers.etcd.talos.dev"): _etcd(node),
        ("k8s", "Nodenames.kubernetes.talos.dev"): _nodename(node),
        ("meta", "ResourceDefinitions.meta.cosi.dev"): {name: one.spec() for name, one in definitions().items()},
    }


def _configs(node: Node) -> Specs:
    texts = {"v1alpha1": node.active and node.active.text, "persistent": node.persistent_text}
    return {name: text for name, text in texts.items() if text}


def machine_status(node: Node) -> dict[str, Any]:
    unmet = [{"name": name, "reason": reason} for name, reason in unmet_conditions(node).items()]
    return {"stage": node.stage, "status": {"ready": not unmet, "unmetConditions": unmet}}


def unmet_conditions(node: Node) -> dict[str, str]:
    """Return which of Talos' own conditions are not met, and why; only a booting or running node has any."""
    if node.stage not in ("booting", "running"):
        return {}
    unmet = {}
    if not node.time_is_synced:
        unmet["time"] = "time is not synced"
    services = node.services()
    # Others, such as an extension that waits for its document, do not count.
    required = _REQUIRED | (_REQUIRED_OF_CONTROL_PLANES if node.config.is_control_plane else set())
    waiting = [f"{name} not running" for name in sorted(required & set(services)) if services[name][0] != "Running"]
    if waiting:
        unmet["services"] = ", ".join(waiting)
    if not node.is_networked:
        unmet["nodeReady"] = f'node "{node.hostname}" is not ready'
    return unmet


def _extensions(node: Node) -> Specs:
    return {
        str(number): {"image": f"simulated/{name}", "metadata": {"name": name, "version": version}}
        for number, (name, version) in enumerate(sorted(node.state.extensions.items()))
    }


def _services(node: Node) -> Specs:
    return {
        name: {"running": True, "healthy": bool(healthy), "unknown": healthy is None}
        for name, (state, healthy) in node.services().items()
        if state == "Running"
    }


def _disk(name: str, serial: str, size: int) -> dict[str, Any]:
    return {
        **{"dev_path": f"/dev/{name}", "transport": "nvme", "readonly": False, "rotational": False},
        **{"size": size, "pretty_size": f"{size / 2**30:.0f} GiB"},
        **{"model": "Simulation of an EBS volume", "serial": serial},
    }


def _addresses(node: Node) -> Specs:
    return {name: {"addresses": [f"{node.address}/24"]} for name in ("default", "current", "routed", "accumulative")}


def _address_statuses(node: Node) -> Specs:
    link, address = node.hardware.link, node.address
    family = "inet4" if "." in address else "inet6"
    spec = {"address": f"{address}/24", "local": address, "linkIndex": 2, "linkName": link, "family": family}
    return {f"{link}/{address}/24": spec, **_tailnet_addresses(node)}


def _tailnet_addresses(node: Node) -> Specs:
    address = tailscale.address(node)
    if not address:
        return {}
    spec = {"address": f"{address}/32", "local": address, "linkIndex": 9, "linkName": tailscale.LINK, "family": "inet4"}
    return {f"{tailscale.LINK}/{address}/32": spec}


def _nodename(node: Node) -> Specs:
    return {"nodename": {"nodename": node.hostname, "skipNodeRegistration": False}} if node.active else {}


def _links(node: Node) -> Specs:
    octets = [int(part) for part in node.address.split(".")[-3:]] if "." in node.address else [0, 0, 1]
    mac = "0a:ff:00:" + ":".join(f"{octet:02x}" for octet in octets)
    return {
        node.hardware.link: {"hardwareAddr": mac, "permanentAddr": mac, "kind": "", "driver": "ena", "linkState": True}
    }


def _oom_actions(node: Node) -> Specs:
    """Return the pods on the node that ended as Talos' handler ends them."""
    pods = node.registry.pods(node.identity) if node.active else []
    ended = [
        f"/{one['name']} --simulated"
        for pod in pods
        if pod["spec"].get("nodeName") == node.hostname
        for one in pod["status"].get("containerStatuses") or []
        if (one["lastState"].get("terminated") or {}).items() >= {"exitCode": 137, "reason": "Error"}.items()
    ]
    return {str(number): {"triggerContext": "{}", "score": 1.0, "processes": [it]} for number, it in enumerate(ended)}


def _members(node: Node) -> Specs:
    if not node.active:
        return {}
    return {
        peer.hostname: {
            **{"nodeId": f"simulated-{peer.address}", "addresses": [peer.address], "hostname": peer.hostname},
            **{"machineType": peer.machine_type, "operatingSystem": f"Talos ({peer.state.version})"},
        }
        for peer in node.registry.peers(node.identity)
        if peer.is_up
    }


def _etcd(node: Node) -> Specs:
    if not node.state.etcd_member:
        return {}
    return {"local": {"memberID": f"{node.state.etcd_member:016x}"}}
