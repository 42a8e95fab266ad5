# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and addresses with a fixed meaning. Private to urmanac.talos: may change at any time.

Defaults of roles and documentation repeat them as text; a test compares those with this module.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

# The networks inside a cluster, which no VPC may overlap. Talos' default: pkg/machinery/constants, DefaultIPv4PodNet.
PODS: Final = "10.244.0.0/16"
# Talos' default is DefaultIPv4ServiceNet; CozyStack's charts expect the narrower one, which lies within it.
SERVICES: Final = "10.96.0.0/12"
SERVICES_OF_COZYSTACK: Final = "10.96.0.0/16"
# Kube-OVN's default for the link between its nodes.
JOIN: Final = "100.64.0.0/16"

LOOPBACK: Final = "127.0.0.0/8"
LINK_LOCAL: Final = "169.254.0.0/16"
# EC2's addresses for DNS, time and metadata, which only the subnet's router reaches.
EC2_SERVICES: Final = "169.254.169.0/24"
# The Amazon Time Sync Service and the VPC resolver, which need no route out of the VPC.
TIME_SERVER: Final = "169.254.169.123"
NAME_SERVER: Final = "169.254.169.253"


def is_loopback_host(host: str) -> bool:
    """Return whether a name or an address is that of the computer itself."""
    return _is_local_name(host) or (is_address(host) and ip_address(host).is_loopback)


def is_private_host(host: str) -> bool:
    """Return whether a host is the computer itself, or has an address that is not routed on the internet."""
    return _is_local_name(host) or (is_address(host) and ip_address(host).is_private)


def _is_local_name(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def is_address(value: object) -> bool:
    """Return whether a value is an IP address."""
    try:
        ip_address(str(value))
    except ValueError:
        return False
    return True
