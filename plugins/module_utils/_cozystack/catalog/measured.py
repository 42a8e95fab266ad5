# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured use of CozyStack's parts on a node. Private to urmanac.talos: may change at any time.

Most of CozyStack's daemon sets use much more than they request, so their pods are scheduled and then killed.
"""

from __future__ import annotations

from collections.abc import Mapping

SOURCE = "cozystack/cozystack at c9ba7a3cc: peaks of the working set in 14 days on a cluster of three nodes"
# MiB of one pod, all its containers together, by the name of the workload.
PEAKS: Mapping[str, int] = {
    "cilium": 575,
    "cozy-multus": 230,
    "linstor-satellite": 391,
    "metallb-frr-k8s": 254,
    "metallb-speaker": 97,
    "monitoring-agents-fluent-bit": 319,
    "monitoring-agents-prometheus-node-exporter": 42,
    "node-agent": 121,
    "virt-handler": 207,
}
