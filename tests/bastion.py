# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a bastion, as the role bastion_host gives them to the filter bastion_files."""

from __future__ import annotations

import copy
from typing import Any

IMAGE = "192.0.2.1:5000/{}@sha256:" + 64 * "0"
SETTINGS: dict[str, Any] = {
    "address": "10.10.0.100",
    "subnet": "10.10.0.0/24",
    "network": "10.10.0.0/16",
    "interface": "",
    "domain": "talos.local",
    "region": "eu-west-1",
    "ssh": {"user": "ec2-user", "public_key": "", "host_key_parameter": ""},
    "engine": "docker",
    "docker_options": {"bridge": "none", "iptables": False, "ip6tables": False},
    "images": {name: IMAGE.format(name) for name in ("registry", "dnsmasq", "matchbox", "nginx")},
    "memory": {"registry": 128, "dnsmasq": 32, "matchbox": 64, "nginx": 64},
    "caches": {"docker.io": 5050, "registry.k8s.io": 5051, "quay.io": 5052, "gcr.io": 5053, "ghcr.io": 5054},
    "logins": {},
    "upstreams": {"docker.io": "https://registry-1.docker.io"},
    "firewall_enabled": True,
    "ssh_sources": ["::/0", "10.10.0.0/24"],
    "nat_enabled": True,
    "egress": "public_ipv4",
    "wireguard": {
        "address": "172.16.0.2/32",
        "public_key": "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
        "endpoint": "[2001:db8::1]:51820",
        "endpoint_ipv4": "",
        "endpoint_port": "51820",
        "mtu": 1420,
        "key_parameter": "/talos-arm64/talos/wireguard",
    },
    "boot_to_talos": {"version": "0.7.1", "url": "https://example.com/v0.7.1", "sha256": ""},
    "dns_enabled": False,
    "names": {"gateway": "10.10.0.101"},
    "netboot_enabled": False,
    "netboot": {
        "image": "ghcr.io/urmanac/talos:latest",
        "architectures": ["arm64"],
        "kernel_arguments": [
            *("talos.platform=metal", "init_on_alloc=1", "slab_nomerge", "pti=on", "console=tty0", "console=ttyAMA0"),
        ],
        "ipxe": {
            "undionly.kpxe": {"url": "https://example.com/undionly.kpxe"},
            "ipxe.efi": {"url": "https://example.com/ipxe.efi"},
            "ipxe-arm64.efi": {"url": "https://example.com/ipxe-arm64.efi", "sha256": 64 * "0"},
        },
        "first": "10.10.0.200",
        "last": "10.10.0.250",
        "netmask": "255.255.255.0",
        "lease": "12h",
        "router": "10.10.0.100",
        "dns_servers": [],
        "ntp_servers": ["169.254.169.123"],
    },
    "health": {
        "disk_free_percent": 10,
        "clock_seconds": 2,
        "ntp_server": "169.254.169.123",
        "manifests": {"docker.io": "library/alpine/manifests/latest"},
    },
}


def bastion_settings(**changes: Any) -> dict[str, Any]:
    """Return settings that differ from the usual ones; a dictionary changes only what it names."""
    settings, whole = copy.deepcopy(SETTINGS), ("caches", "logins")
    for name, value in changes.items():
        settings[name] = {**settings[name], **value} if isinstance(value, dict) and name not in whole else value
    return settings
