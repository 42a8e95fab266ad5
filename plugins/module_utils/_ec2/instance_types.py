# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sizes and prices of instance types. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .cost import prices

# Firmware and kernel reserve part of an instance's memory; Karpenter uses the same share.
# https://karpenter.sh/docs/reference/settings/ (vm-memory-overhead-percent)
HYPERVISOR_SHARE = 0.075
_BURSTABLE_FAMILIES = ("t2", "t3", "t3a", "t4g")
# The baseline share of a T4g's vCPUs that spends no credits.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
_BASELINES: Mapping[str, float] = {
    "nano": 0.05,
    "micro": 0.10,
    "small": 0.20,
    "medium": 0.20,
    "large": 0.30,
    "xlarge": 0.40,
    "2xlarge": 0.40,
}


class Size(NamedTuple):
    """An instance type; the price is dollars an hour, None where it is not known."""

    vcpus: int
    memory_mib: int
    architecture: str = "arm64"
    price: float | None = None


def _shipped(name: str, vcpus: int, memory_mib: int) -> Size:
    return Size(vcpus, memory_mib, price=prices.INSTANCES[name])


SIZES: Mapping[str, Size] = {
    "t4g.nano": _shipped("t4g.nano", 2, 512),
    "t4g.micro": _shipped("t4g.micro", 2, 1024),
    "t4g.small": _shipped("t4g.small", 2, 2048),
    "t4g.medium": _shipped("t4g.medium", 2, 4096),
    "t4g.large": _shipped("t4g.large", 2, 8192),
    "t4g.xlarge": _shipped("t4g.xlarge", 4, 16384),
    "t4g.2xlarge": _shipped("t4g.2xlarge", 8, 32768),
    "a1.metal": _shipped("a1.metal", 16, 32768),
}


def is_burstable(instance_type: str) -> bool:
    """Return whether a type earns and spends CPU credits."""
    return instance_type.split(".", 1)[0] in _BURSTABLE_FAMILIES


def size_of(
    instance_type: str, reported: Mapping[str, Mapping[str, Any]], region: str = prices.PRICES_REGION
) -> Size | None:
    """Return a type's size from EC2 or the shipped table, or None; its price is that of the region."""
    known = SIZES.get(instance_type)
    answer = reported.get(instance_type)
    price = prices.shipped(region).instances.get(instance_type)
    if answer is None:
        return known._replace(price=price) if known else None
    return Size(int(answer["vcpus"]), int(answer["memory_mib"]), str(answer.get("architecture", "arm64")), price)


def is_arm64(instance_type: str, size: Size | None = None) -> bool:
    """Return whether a type is a Graviton type: from EC2, or by a g after the generation in its name."""
    if size is not None:
        return size.architecture == "arm64"
    return bool(re.match(r"(a1|[a-z]+\d+g[a-z]*)\.", instance_type))


def misspelt(instance_type: str) -> str | None:
    """Return a suggestion for a type that does not exist: the table has all sizes of the family T4g."""
    if instance_type in SIZES or not instance_type.startswith("t4g."):
        return None
    return (difflib.get_close_matches(instance_type, SIZES, n=1, cutoff=0) or ["t4g.medium"])[0]


def has_kvm(instance_type: str) -> bool:
    """Return whether an instance of this type has /dev/kvm: on Graviton only metal types have it."""
    return ".metal" in instance_type


def memory_of_system(memory_mib: int) -> int:
    """Return how much of an instance's memory is available to the operating system, in MiB."""
    return int(memory_mib * (1 - HYPERVISOR_SHARE))


def surplus_per_hour(instance_type: str) -> float | None:
    """Return the maximum surplus charge of a T4g in dollars an hour, or None for other types."""
    family, _dot, name = instance_type.partition(".")
    size = SIZES.get(instance_type)
    if family != "t4g" or size is None or name not in _BASELINES:
        return None
    return size.vcpus * (1 - _BASELINES[name]) * prices.SURPLUS_CREDITS
