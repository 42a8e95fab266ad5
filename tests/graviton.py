# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a machine of EC2 that boot-to-talos can replace."""

from __future__ import annotations

from ansible_collections.urmanac.talos.plugins.module_utils._boot.facts import Facts
from ansible_collections.urmanac.talos.plugins.module_utils._boot.plan import MIB

GRAVITON = Facts(
    user_id=0,
    machine="aarch64",
    system="Amazon Linux 2023",
    is_talos=False,
    memory_total=3800 * MIB,
    memory_free=3300 * MIB,
    secure_boot=False,
    lockdown="none",
    is_uefi=True,
    has_loop_devices=True,
    has_sysrq=True,
    has_default_route=True,
    root_disks=("nvme0n1",),
    disks=("nvme0n1", "nvme1n1"),
)
