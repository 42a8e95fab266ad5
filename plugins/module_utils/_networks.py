# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks inside a cluster, which no VPC may overlap. Private to urmanac.talos: may change at any time.

Defaults of roles and documentation repeat them as text; a test compares those with this module.
"""

from __future__ import annotations

from typing import Final

# Talos' default: pkg/machinery/constants, DefaultIPv4PodNet.
PODS: Final = "10.244.0.0/16"
# Talos' default is DefaultIPv4ServiceNet; CozyStack's charts expect the narrower one, which lies within it.
SERVICES: Final = "10.96.0.0/12"
SERVICES_OF_COZYSTACK: Final = "10.96.0.0/16"
# Kube-OVN's default for the link between its nodes.
JOIN: Final = "100.64.0.0/16"
