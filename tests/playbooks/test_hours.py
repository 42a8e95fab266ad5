# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS stops a cluster at its end, stop.yml for the night; start.yml brings it back as it was, and healthy."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.lab.labs import Lab, eventually
from tests.playbooks.runs import CONFIRMED, Run, instances, play

SITE, STOP, START, RESET, UPGRADE = (f"playbooks/{name}.yml" for name in ("site", "stop", "start", "reset", "upgrade"))
GROUP = "talos-arm64-lab-hours"


def one_node(lab: Lab) -> str:
    node = {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": lab.address(101)}
    return json.dumps({"cluster_nodes": [node]})


def run(lab: Lab, playbook: str, *options: str) -> Run:
    return play(lab, playbook, "-e", one_node(lab), *options)


@pytest.fixture(scope="module")
def built(lab: Lab) -> Run:
    """Build a cluster of one node with a bastion."""
    done = run(lab, SITE)
    assert done.code == 0, done.output
    return done


def machines(lab: Lab) -> dict[str, str]:
    """Return the state of each machine by its name."""
    found = {tag["Value"]: item["State"]["Name"] for item in instances(lab) for tag in named(item)}
    return dict(sorted(found.items()))


def named(instance: dict[str, Any]) -> list[dict[str, str]]:
    return [tag for tag in instance["Tags"] if tag["Key"] == "Name"]


def fire(lab: Lab, name: str) -> None:
    """Have the time of a schedule come."""
    lab.ask("/lab/schedules", method="POST", body={"group": GROUP, "name": name})


def schedules(lab: Lab) -> set[str]:
    return {item["Name"] for item in lab.client("scheduler").list_schedules(GroupName=GROUP)["Schedules"]}


def addresses(lab: Lab) -> list[tuple[str, str]]:
    found = [item for item in instances(lab) if item["State"]["Name"] != "shutting-down"]
    faces = [item["NetworkInterfaces"][0] for item in found]
    return sorted((face["PrivateIpAddress"], face["Ipv6Addresses"][0]["Ipv6Address"]) for face in faces)


def test_the_end_is_set_before_the_first_machine_and_printed(lab: Lab, built: Run) -> None:
    log = [call["action"] for call in lab.ask("/lab/calls") if call["mutating"]]

    first = min(log.index(action) for action in ("RunInstances", "CreateAutoScalingGroup"))
    assert {"POST /schedules/ttl-nodes", "POST /schedules/ttl-bastion"} <= set(log[:first])
    assert built.output.count("AWS stops the cluster at") >= 2


def test_at_its_end_everything_is_stopped_and_the_next_run_starts_it_again(lab: Lab, built: Run) -> None:
    before = addresses(lab)
    for name in ("ttl-nodes", "ttl-bastion"):
        fire(lab, name)
    eventually(lambda: machines(lab), lambda found: found == {"lab-gateway": "stopped"})
    left = schedules(lab)
    again, then = run(lab, START), run(lab, START)

    assert left == set()
    assert again.code == 0, again.output
    assert schedules(lab) == {"ttl-nodes", "ttl-bastion"}
    assert addresses(lab) == before
    assert (then.code, then.changed) == (0, 0), then.output


def test_it_is_stopped_for_the_night_and_comes_back_healthy(lab: Lab, built: Run) -> None:
    stopped = run(lab, STOP)
    assert stopped.code == 0, stopped.output
    # The group terminates the bastion, and no playbook waits for that.
    eventually(lambda: machines(lab), lambda found: found == {"lab-gateway": "stopped"})
    session = json.loads(max((lab.directory / "cluster" / "sessions").iterdir()).read_text(encoding="utf-8"))
    second = run(lab, STOP)
    snapshots = list((lab.directory / "cluster").rglob("*.snapshot"))
    started = run(lab, START)

    assert session["end"] == "stopped"
    assert len(snapshots) == 1
    assert (second.code, second.changed) == (0, 0), second.output
    assert started.code == 0, started.output
    assert machines(lab) == {"lab-bastion": "running", "lab-gateway": "running"}


def test_an_upgrade_warns_of_the_stop_of_the_bastion_and_postpones_it_once(lab: Lab, built: Run) -> None:
    now = datetime.now(UTC)
    start, stop = f"{now - timedelta(hours=2):%H:%M}", f"{now + timedelta(minutes=40):%H:%M}"
    hours = ("-e", f"cluster_bastion_start={start}", "-e", f"cluster_bastion_stop={stop}")
    assert run(lab, "playbooks/bastion.yml", *hours).code == 0

    warned = run(lab, UPGRADE, *hours)
    first, second = (run(lab, UPGRADE, *hours, "-e", "cluster_bastion_keep_minutes=90") for _ in range(2))

    assert (warned.code, warned.changed) == (0, 0), warned.output
    assert "! bastion: it is stopped" in warned.output
    assert (first.code, first.changed, second.changed) == (0, 1, 0), first.output
    assert "next stop at" in first.output
    name = "talos-arm64-lab-bastion"
    found = lab.client("autoscaling").describe_scheduled_actions(AutoScalingGroupName=name)
    starts = {item["ScheduledActionName"]: item.get("StartTime") for item in found["ScheduledUpdateGroupActions"]}
    assert starts[f"{name}-stop"] > now + timedelta(minutes=85)


def test_hours_of_the_nodes_stop_and_start_them_each_day_and_go_again(lab: Lab, built: Run) -> None:
    hours = run(lab, "playbooks/bastion.yml", "-e", "cluster_nodes_start=18:00", "-e", "cluster_nodes_stop=23:00")
    assert hours.code == 0, hours.output
    fire(lab, "nodes-stop")
    eventually(lambda: machines(lab)["lab-gateway"], lambda state: state == "stopped")
    fire(lab, "nodes-start")
    eventually(lambda: machines(lab)["lab-gateway"], lambda state: state == "running")

    without = run(lab, "playbooks/bastion.yml", "-e", "cluster_ttl_hours=0")

    assert without.code == 0, without.output
    assert GROUP not in [item["Name"] for item in lab.client("scheduler").list_schedule_groups()["ScheduleGroups"]]


def test_a_stopped_cluster_is_removed_with_its_schedules(lab: Lab, built: Run) -> None:
    assert run(lab, "playbooks/bastion.yml").code == 0
    fire(lab, "ttl-bastion")
    eventually(lambda: machines(lab), lambda found: found == {"lab-gateway": "running"})
    unreached = run(lab, STOP, "-e", "cluster_api_via=bastion")

    assert unreached.code != 0
    assert "Nothing was stopped: the hours of the bastion are over" in " ".join(unreached.output.split())
    assert machines(lab) == {"lab-gateway": "running"}
    assert run(lab, STOP, "-e", "stop_snapshot=false").code == 0

    done = run(lab, RESET, "-e", CONFIRMED)

    assert done.code == 0, done.output
    assert instances(lab) == []
    assert GROUP not in [item["Name"] for item in lab.client("scheduler").list_schedule_groups()["ScheduleGroups"]]
    # AWS made it with the account's first group, and other groups need it.
    roles = [role["RoleName"] for role in lab.client("iam").list_roles()["Roles"]]
    assert roles == ["AWSServiceRoleForAutoScaling"]


def test_a_cluster_that_does_not_exist_is_not_started(lab: Lab) -> None:
    done = run(lab, START)

    assert done.code != 0
    assert "Nothing was started" in done.output
