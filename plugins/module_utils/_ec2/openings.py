# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that home access opens. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._ports import KUBERNETES, SSH, TALOS
from .identity import BASTION, NODES

# The security groups that can be opened.
GROUPS = (NODES, BASTION)


class Opening(NamedTuple):
    """One TCP port that home access opens; group is nodes or bastion."""

    group: str
    port: int
    description: str


OPENINGS = (
    Opening(NODES, KUBERNETES, "Kubernetes API from home"),
    Opening(NODES, TALOS, "Talos API from home"),
    Opening(BASTION, SSH, "SSH from home"),
)


def openings_option() -> dict[str, Any]:
    """Return the argument spec of an option with openings."""
    options = {
        "group": {"type": "str", "choices": [*GROUPS], "required": True},
        "port": {"type": "int", "required": True},
        "description": {"type": "str", "required": True},
    }
    return {
        "type": "list",
        "elements": "dict",
        "options": options,
        "default": [opening._asdict() for opening in OPENINGS],
    }


def parse_openings(given: Iterable[Mapping[str, Any]] | None) -> tuple[Opening, ...]:
    """Return the openings of such an option; without a value the default ones."""
    return OPENINGS if given is None else tuple(Opening(**opening) for opening in given)
