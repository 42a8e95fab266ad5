# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exists of a cluster and is billed, from a reading of AWS. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..desired import RUNNING
from ..identity import BASTION

Record = Mapping[str, Any]


class Instance(NamedTuple):
    """An instance with its volumes; AWS reports its last start and stop, and not when its volumes were made."""

    name: str
    id: str
    type: str
    volume_gib: int
    launched: str
    is_running: bool
    stopped: str = ""


def instances(resources: Mapping[str, Record]) -> Iterator[Instance]:
    """Yield the instances of the nodes, also stopped ones, and the bastion if it runs."""
    for key, item in resources.items():
        have = item["have"]
        if item["kind"] == "instance" and have:
            gib = sum(int(have.get(name) or 0) for name in ("volume_size", "data_volume_size"))
            name, runs = key.partition("/")[2], have["state"] in RUNNING
            yield Instance(
                name, str(item.get("id") or ""), have["type"], gib, have["launched"], runs, have.get("stopped", "")
            )
    group, template = (
        (resources.get(f"{kind}/{BASTION}") or {}).get("have") or {}
        for kind in ("autoscaling_group", "launch_template")
    )
    if template.get("type"):
        gib = int(template.get("volume_size") or 0)
        for identity, launched in group.get("launched", {}).items():
            yield Instance(BASTION, identity, template["type"], gib, launched, is_running=True)


def addresses(resources: Mapping[str, Record]) -> dict[str, str]:
    """Return the names of the public IPv4 addresses, used or not, by their ids."""
    kept = {key: item for key, item in resources.items() if item["kind"] == "address" and item["have"]}
    return {str(item.get("id") or key): key.partition("/")[2] for key, item in kept.items()}
