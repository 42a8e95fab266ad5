# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Use of pods beyond their requests. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..._findings import Finding, finding
from ..catalog.measured import PEAKS, SOURCE
from .packing import Node, Pod


class Use(NamedTuple):
    """Memory of a node in MiB: requests and expected use of its pods, and allocatable memory."""

    node: str
    requested: int
    used: int
    available: int
    measured: tuple[str, ...]

    @property
    def above(self) -> int:
        """Return the use above the requests."""
        return self.used - self.requested

    @property
    def is_exceeded(self) -> bool:
        """Return whether the node runs out of memory."""
        return self.used > self.available

    def text(self) -> str:
        """Return it as text."""
        return (
            f"{self.node} about {_gib(self.used)} of {_gib(self.available)} GiB, "
            f"{_gib(self.above)} GiB above its requests"
        )


def use_of(node: Node) -> Use:
    """Return the use of a node; a pod that was not measured counts with its request."""
    measured = tuple(sorted({_name(pod) for pod in node.placed if _name(pod) in PEAKS}))
    used = sum(PEAKS.get(_name(pod), pod.memory) for pod in node.placed)
    return Use(node.name, node.used[1], used, node.memory, measured)


def _name(pod: Pod) -> str:
    return pod.workload.rpartition("/")[2]


def runs_out(uses: Sequence[Use], *, remedy: str) -> Iterator[Finding]:
    """Yield a finding for nodes whose pods fit by requests and use more memory than exists."""
    over = sorted((use for use in uses if use.is_exceeded), key=lambda use: use.available - use.used)
    if not over:
        return
    worst = over[0]
    yield finding(
        "MEMORY_WILL_RUN_OUT",
        f"node {worst.node}",
        f"All pods can be scheduled by their requests, but their use exceeds the memory of {len(over)} of {len(uses)} "
        f"nodes: {worst.text()}. Measured workloads: {', '.join(worst.measured)}.",
        remedy,
        evidence={"source": SOURCE, "nodes": {use.node: _figures(use) for use in uses}},
    )


def _figures(use: Use) -> dict[str, int]:
    return {"requested": use.requested, "used": use.used, "available": use.available}


def line(uses: Sequence[Use]) -> str:
    """Return the measured use above requests, on the node with the least memory left."""
    if not any(use.measured for use in uses):
        return "no measured use of these pods is available"
    worst = min(uses, key=lambda use: use.available - use.used)
    return f"measured use beside requests: {worst.text()} ({len(worst.measured)} of its workloads were measured)"


def _gib(mib: int) -> str:
    return f"{mib / 1024:.1f}"
