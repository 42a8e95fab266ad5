# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Allocatable capacity of a Talos node by instance type. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from typing import NamedTuple

from ..._ec2.instance_types import Size, memory_of_system
from ..._machine_types import CONTROL_PLANE, WORKER

# Talos reserves this for itself and configures an eviction threshold: the remaining capacity is for pods.
# https://github.com/siderolabs/talos/blob/v1.13.0/pkg/machinery/constants/constants.go
RESERVED_CPU = 50
RESERVED_MEMORY = {CONTROL_PLANE: 512, WORKER: 384}
EVICTION_MEMORY = 100
# CozyStack has more pods than the kubelet's default limit, so the machine configurations raise it.
PODS = 512


class Allocatable(NamedTuple):
    """Allocatable capacity of a node: millicores, MiB and number of pods."""

    cpu: int
    memory: int
    pods: int = PODS


def allocatable(size: Size, machine_type: str, *, pods: int = PODS) -> Allocatable:
    """Return the allocatable capacity of a node of this size."""
    memory = memory_of_system(size.memory_mib) - RESERVED_MEMORY[machine_type] - EVICTION_MEMORY
    return Allocatable(cpu=size.vcpus * 1000 - RESERVED_CPU, memory=max(memory, 0), pods=pods)
