# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of nodes and bastion. Private to urmanac.talos: may change at any time.

Defaults and templates of roles, and documentation, repeat them as numbers; a test compares those with this module.
"""

from __future__ import annotations

from typing import Final

SSH: Final = 22
DNS: Final = 53
# The port of a DHCP server, and of its clients.
DHCP: Final = 67
DHCP_CLIENT: Final = 68
TFTP: Final = 69
MATCHBOX: Final = 8080
# The bastion's server of boot-to-talos and of what machines of a home lab boot.
ASSET_SERVER: Final = 8081
KUBERNETES: Final = 6443
# The load balancer of Talos for the Kubernetes API, on the loopback address of each node.
KUBE_PRISM: Final = 7445
TALOS: Final = 50000
