# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the images of the nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..module_utils._ec2.node_images import references


def node_images(nodes: Iterable[Mapping[str, Any]], images: Mapping[str, Any]) -> list[str]:
    """Return the references of the images that the nodes need, each once."""
    return list(dict.fromkeys(name for name in references(nodes, images).values() if name))


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"node_images": node_images}
