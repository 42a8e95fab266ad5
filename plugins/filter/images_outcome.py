# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the image for each role of a cluster's nodes, and the problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..module_utils._ec2 import node_images


def images_outcome(
    nodes: Iterable[Mapping[str, Any]],
    images: Mapping[str, Any],
    record: Mapping[str, Any],
    found: Iterable[Mapping[str, Any]],
    *,
    now: str,
) -> dict[str, Any]:
    """Return the result of the look-up of the images, as plain data."""
    made = node_images.outcome(node_images.references(nodes, images), record, found, now=now)
    problems, unknown = ([one.as_dict() for one in each] for each in (made.problems, made.unknown))
    return {**made._asdict(), "problems": problems, "unknown": unknown}


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"images_outcome": images_outcome}
