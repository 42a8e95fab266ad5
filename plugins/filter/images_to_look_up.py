# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the images of a cluster that have to be looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..module_utils._ec2 import node_images


def images_to_look_up(
    nodes: Iterable[Mapping[str, Any]], images: Mapping[str, Any], record: Mapping[str, Any], *, refresh: bool = False
) -> list[str]:
    """Return the references of the images that the nodes need and the record does not have."""
    return node_images.to_look_up(node_images.references(nodes, images), record, refresh=refresh)


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"images_to_look_up": images_to_look_up}
