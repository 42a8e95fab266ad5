# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instance type has, costs, and leaves for pods. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

PRICES_REGION = "eu-west-1"
PRICES_SOURCE = "AWS, on demand, Linux, as in github.com/skypilot-org/skypilot-catalog at 00148f2af367"
PRICES_DATE = "2026-11-22"

# Talos reserves this for itself and has the kubelet evict pods below a threshold: what is left is for pods.
# https://github.com/siderolabs/talos/blob/v1.13.0/pkg/machinery/constants/constants.go
RESERVED_CPU = 50
RESERVED_MEMORY = {"controlplane": 512, "worker": 384}
EVICTION_MEMORY = 100
# Firmware and kernel keep part of the memory that EC2 sells; Karpenter reckons with the same share.
# https://karpenter.sh/docs/reference/settings/ (vm-memory-overhead-percent)
HYPERVISOR_SHARE = 0.075
# CozyStack has more pods than a kubelet takes by default, so the machine configurations raise the number.
PODS = 512


class Size(NamedTuple):
    """An instance type; the price is dollars an hour, None where it is not known."""

    vcpus: int
    memory_mib: int
    architecture: str = "arm64"
    price: float | None = None


class Allocatable(NamedTuple):
    """What a node offers to pods: millicores, MiB and a number of pods."""

    cpu: int
    memory: int
    pods: int = PODS


SIZES: Mapping[str, Size] = {
    "t4g.nano": Size(2, 512, price=0.0046),
    "t4g.micro": Size(2, 1024, price=0.0092),
    "t4g.small": Size(2, 2048, price=0.0184),
    "t4g.medium": Size(2, 4096, price=0.0368),
    "t4g.large": Size(2, 8192, price=0.0736),
    "t4g.xlarge": Size(4, 16384, price=0.1472),
    "t4g.2xlarge": Size(8, 32768, price=0.2944),
    "a1.metal": Size(16, 32768, price=0.461),
}


def size_of(instance_type: str, told: Mapping[str, Mapping[str, Any]]) -> Size | None:
    """Return a type's size as EC2 told it, or as the shipped table has it, or None."""
    shipped = SIZES.get(instance_type)
    answer = told.get(instance_type)
    if answer is None:
        return shipped
    price = shipped.price if shipped else None
    return Size(int(answer["vcpus"]), int(answer["memory_mib"]), str(answer.get("architecture", "arm64")), price)


def has_kvm(instance_type: str) -> bool:
    """Return whether a machine of this type has /dev/kvm: on Graviton only those without a hypervisor have."""
    return ".metal" in instance_type


def seen_memory(memory_mib: int) -> int:
    """Return how much of the memory that EC2 sells an operating system sees, in MiB."""
    return int(memory_mib * (1 - HYPERVISOR_SHARE))


def allocatable(size: Size, machine_type: str, *, pods: int = PODS) -> Allocatable:
    """Return what a node of this size leaves for pods."""
    memory = seen_memory(size.memory_mib) - RESERVED_MEMORY[machine_type] - EVICTION_MEMORY
    return Allocatable(cpu=size.vcpus * 1000 - RESERVED_CPU, memory=max(memory, 0), pods=pods)
