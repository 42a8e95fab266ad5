# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reset.yml after runs of site.yml that were killed in the middle of a part: it deletes all, and again nothing.

tests/lab/test_interruptions.py kills each part after each of its calls, and removes it without playbooks.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, ONE_NODE, RUN_LOCK, calls, instances, play, play_until
from tests.strangers import everything_of

SITE, RESET = "playbooks/site.yml", "playbooks/reset.yml"
HOME = ("-e", "access_ipv6=2001:db8:99::/64", "-e", "access_expires=8h", "-e", "cluster_home_schedule_enabled=true")
# Whether a run has reached a point, given the number of calls of each kind before it.
Reached = Callable[[Lab, dict[str, int]], bool]


def called(action: str) -> Reached:
    """Return whether a playbook has made a call."""
    return lambda lab, before: lab.ask("/lab/status")["calls"].get(action, 0) > before.get(action, 0)


def written(path: str) -> Reached:
    """Return whether the run has written a file of the cluster."""
    return lambda lab, _before: (lab.directory / "cluster" / path).is_file()


POINTS = {
    "network half-made": called("CreateSubnet"),
    "bastion half-made": called("CreateLaunchTemplate"),
    "nodes half-made": called("RunInstances"),
    "secrets and configurations made": written("secrets/talosconfig"),
}


def left(lab: Lab) -> dict[str, Any]:
    """Return what of the cluster AWS has."""
    iam, scheduler, unique = lab.client("iam"), lab.client("scheduler"), "talos-arm64-lab"
    parameters = lab.client("ssm").describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/urmanac.talos/talos-arm64/lab/"]}]
    )
    found: dict[str, Any] = {
        **everything_of(lab.client, "talos-arm64", "lab"),
        "parameters": [item["Name"] for item in parameters["Parameters"]],
        "roles": [item["RoleName"] for item in iam.list_roles()["Roles"]],
        "profiles": [item["InstanceProfileName"] for item in iam.list_instance_profiles()["InstanceProfiles"]],
        "schedules": [item["Name"] for item in scheduler.list_schedules()["Schedules"]],
        "schedule groups": [item["Name"] for item in scheduler.list_schedule_groups()["ScheduleGroups"]],
    }
    for kind in ("roles", "profiles", "schedule groups"):
        found[kind] = [name for name in found[kind] if name.startswith(unique)]
    found["Reservations"] = instances(lab, Project="talos-arm64")
    return {kind: things for kind, things in found.items() if things}


@pytest.mark.parametrize("point", POINTS)
def test_two_resets_after_a_killed_run_leave_nothing_and_the_second_changes_nothing(lab: Lab, point: str) -> None:
    begun = lab.ask("/lab/status")["calls"]
    shutil.rmtree(lab.directory / "cluster", ignore_errors=True)
    play_until(lab, SITE, "--skip-tags", "preflight", *ONE_NODE, *HOME, reached=lambda: POINTS[point](lab, begun))
    made = left(lab)

    first = play(lab, RESET, *ONE_NODE, "-e", CONFIRMED)
    kept, before = left(lab), calls(lab)
    second = play(lab, RESET, *ONE_NODE, "-e", CONFIRMED)

    assert {"Vpcs", "parameters"} <= made.keys()
    # The phase of the bastion opens home access, with a schedule that closes it.
    is_open = any("-home-access-" in name for name in made.get("schedules", ()))
    assert is_open == (list(POINTS).index(point) > 1)
    assert first.code == 0, first.output
    assert kept == {}
    assert (second.code, second.changed) == (0, 0), second.output
    assert calls(lab) - before <= RUN_LOCK
    assert left(lab) == {}
