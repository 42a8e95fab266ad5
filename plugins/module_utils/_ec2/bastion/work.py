# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the changes of a bastion. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..desired import BASTION

Record = Mapping[str, Any]


class Work(NamedTuple):
    """Whether a run would change the bastion, lines about the changes, and the time of a postponed stop."""

    changed: bool
    lines: list[str]
    stop_at: str = ""


def removal(reading: Record) -> Work:
    """Return the changes that removing the bastion would make."""
    part = reading["parts"][BASTION]
    return Work(bool(part["found"]), list(part["lines"]["absent"]))


def work(reading: Record, *, user_data: str, started: bool, remove_duplicates: bool) -> Work:
    """Return the changes that a run would make to the bastion, from what M(ec2_cluster_info) returns.

    The user-data is compared here, because it consists of files that the module does not have.
    """
    part, template = reading["parts"][BASTION], reading["resources"][f"launch_template/{BASTION}"]
    extra = list(_extra_lines(reading, user_data, started=started))
    is_todo = bool(part["todo"]) or (started and _group(reading)["state"] == "missing")
    duplicates = part["unused"] if remove_duplicates else []
    return Work(
        changed=is_todo or template["state"] != "present" or bool(extra or duplicates),
        lines=[*part["lines"]["present"], *extra],
        stop_at=_postponed_to(reading),
    )


def _extra_lines(reading: Record, user_data: str, *, started: bool) -> Iterator[str]:
    """Return a line for each change that the reading does not contain."""
    template, group = reading["resources"][f"launch_template/{BASTION}"], _group(reading)
    if template["state"] == "present" and template["have"]["user_data_sha256"] != _sha256(user_data):
        yield "  bastion: the launch template would get other user-data"
    if started and (group["have"] or {}).get("desired_capacity") == 0:
        yield "  bastion: the stopped bastion would be started"
    # An Elastic IP that is no longer described costs money until it is released.
    if any((item["part"], item["kind"], item["described"]) == (BASTION, "address", False) for item in reading["found"]):
        yield "  bastion: the Elastic IP would be released"
    if _postponed_to(reading):
        yield f"  bastion: the next stop would be postponed to {_postponed_to(reading)}"


def _group(reading: Record) -> Record:
    group: Record = reading["resources"][f"autoscaling_group/{BASTION}"]
    return group


def _postponed_to(reading: Record) -> str:
    """Return the time to which the next stop has to be postponed, because it is earlier than requested."""
    return str((reading["bastion_stop"] or {}).get("postponed_to") or "")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
