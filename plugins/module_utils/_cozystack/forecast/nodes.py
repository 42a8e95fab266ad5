# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Talos node of an instance type leaves for pods. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from typing import NamedTuple

from ..._ec2.instance_types import Size, seen_memory

# Talos reserves this for itself and has the kubelet evict pods below a threshold: what is left is for pods.
# https://github.com/siderolabs/talos/blob/v1.13.0/pkg/machinery/constants/constants.go
RESERVED_CPU = 50
RESERVED_MEMORY = {"controlplane": 512, "worker": 384}
EVICTION_MEMORY = 100
# CozyStack has more pods than a kubelet takes by default, so the machine configurations raise the number.
PODS = 512


class Allocatable(NamedTuple):
    """What a node offers to pods: millicores, MiB and a number of pods."""

    cpu: int
    memory: int
    pods: int = PODS


def allocatable(size: Size, machine_type: str, *, pods: int = PODS) -> Allocatable:
    """Return what a node of this size leaves for pods."""
    memory = seen_memory(size.memory_mib) - RESERVED_MEMORY[machine_type] - EVICTION_MEMORY
    return Allocatable(cpu=size.vcpus * 1000 - RESERVED_CPU, memory=max(memory, 0), pods=pods)
