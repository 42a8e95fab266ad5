# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the bastion's description, of what it means in AWS, and of how it is read and compared."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit.allowed import allowed_by
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit.deviations import audit
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit.reading import read_account
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.compare import compare
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.comparison import Comparison
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import Existing
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.text import plan_lines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec, problems
from tests.ec2_cluster import Builder, MotoApi, compared, empty_aws, spec

KEYS = [
    "iam_role/bastion",
    "instance_profile/bastion",
    "eni/bastion",
    "address/bastion",
    "launch_template/bastion",
    "autoscaling_group/bastion",
]
UNIQUE = "talos-arm64-moon-bastion"
NAMES = {"moon-bastion", "talos-arm64-moon-bastion"}


def described(**changes: Any) -> ClusterSpec:
    """Return a cluster with a bastion."""
    bastion = {
        "enabled": True,
        "instance_type": "t4g.small",
        "volume_size": 30,
        "image": "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        "egress": "public_ipv4",
        "start": "18:30",
        "stop": "23:00",
        "time_zone": "Europe/Dublin",
        "ssh_key_name": "",
        "wireguard_parameter": "",
    }
    return spec(bastion={**bastion, **changes})


@pytest.fixture
def api() -> Iterator[MotoApi]:
    with empty_aws():
        yield MotoApi()


def differences(comparison: Comparison, key: str) -> dict[str, tuple[Any, Any]]:
    """Return what differs of one resource."""
    (resource,) = (resource for resource in comparison.resources if resource.key == key)
    return {item.property: (item.have, item.want) for item in resource.differences}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        pytest.param({}, [], id="as it should be"),
        pytest.param({"egress": "carrier pigeon"}, ["UNKNOWN_EGRESS"], id="unknown egress"),
        pytest.param({"egress": "wireguard"}, ["WIREGUARD_PARAMETER_MISSING"], id="tunnel without a key"),
        pytest.param(
            {"egress": "wireguard", "wireguard_parameter": "/a/*"}, ["WIREGUARD_PARAMETER_MISSING"], id="every key"
        ),
        pytest.param({"egress": "wireguard", "wireguard_parameter": "/talos/key"}, [], id="tunnel"),
        pytest.param({"login_parameters": ["/talos/login", "/a/*", ""]}, 2 * ["INVALID_PARAMETER_NAME"], id="logins"),
        pytest.param({"volume_size": 7}, ["VOLUME_TOO_SMALL"], id="small disk"),
        pytest.param({"image": "al2023"}, ["INVALID_IMAGE"], id="no image"),
        pytest.param(
            {"ssh_key_name": "ssh-ed25519 AAAA… café"},
            ["INVALID_KEY_PAIR_NAME"],
            id="a public key for the name of a key pair (sshkey_pubkey)",
        ),
        pytest.param({"ssh_key_name": "k" * 256}, ["INVALID_KEY_PAIR_NAME"], id="name of a key pair too long"),
        pytest.param(
            {"egress": "wireguard", "wireguard_parameter": "/a" * 16}, ["WIREGUARD_PARAMETER_MISSING"], id="16 levels"
        ),
        pytest.param(
            {"egress": "wireguard", "wireguard_parameter": "/aws/key"}, ["WIREGUARD_PARAMETER_MISSING"], id="AWS's own"
        ),
        pytest.param({"start": "6 pm"}, ["INVALID_TIME"], id="no time"),
        pytest.param({"start": "24:00"}, ["INVALID_TIME"], id="no hour"),
        pytest.param({"start": ""}, ["INVALID_SCHEDULE"], id="a stop without a start"),
        pytest.param({"stop": "18:30"}, ["INVALID_SCHEDULE"], id="stop and start at once"),
        pytest.param({"start": "", "stop": ""}, [], id="around the clock"),
        pytest.param({"time_zone": "CEST"}, ["INVALID_TIME_ZONE"], id="no time zone"),
        pytest.param({"time_zone": "Europe/Dubln"}, ["INVALID_TIME_ZONE"], id="a time zone that does not exist"),
        pytest.param({"volume_size": 65537}, ["VOLUME_TOO_LARGE"], id="a volume that EC2 does not make"),
    ],
)
def test_everything_that_is_wrong_is_reported(changes: dict[str, Any], codes: list[str]) -> None:
    assert [problem.code for problem in problems(described(**changes))] == codes


def test_a_bastion_that_is_switched_off_is_not_described() -> None:
    assert not set(KEYS) & set(desired(described(enabled=False)))


def test_only_a_bastion_that_is_to_have_one_has_an_elastic_ip() -> None:
    assert [key for key in desired(described()) if key in KEYS] == KEYS
    assert "address/bastion" not in desired(described(egress="none"))


def test_its_role_may_use_session_manager_and_read_the_one_parameter() -> None:
    plain = desired(described())["iam_role/bastion"].want["policy"]["Statement"]
    tunnel = desired(described(egress="wireguard", wireguard_parameter="/talos/key"))["iam_role/bastion"].want

    (session,) = plain
    assert all(action.startswith(("ssmmessages:", "ssm:UpdateInstanceInformation")) for action in session["Action"])
    (_, read) = tunnel["policy"]["Statement"]
    assert (read["Action"], read["Resource"]) == ("ssm:GetParameter", ["arn:aws:ssm:eu-west-1:*:parameter/talos/key"])
    assert read["Condition"] == {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}


def test_its_role_may_read_each_login_once() -> None:
    logins = ["/talos/ghcr.io", "/talos/docker.io", "/talos/ghcr.io"]

    role = desired(described(login_parameters=logins))["iam_role/bastion"].want

    (_, read) = role["policy"]["Statement"]
    names = [arn.rpartition(":parameter")[2] for arn in read["Resource"]]
    assert names == ["/talos/docker.io", "/talos/ghcr.io"]


def test_the_plan_names_each_parameter_that_its_role_may_read() -> None:
    of_bastion = described(login_parameters=["/talos/docker.io", "/talos/ghcr.io"], host_key_parameter="/talos/key")

    lines = plan_lines(of_bastion, compare(desired(of_bastion), []))

    named = [f"read the parameter /talos/{name}" for name in ("docker.io", "ghcr.io", "key")]
    assert [line for line in lines if all(name in line for name in ("Session Manager", *named))] != []


def test_a_built_bastion_is_as_described(api: MotoApi) -> None:
    Builder(api, described()).build()

    comparison = compared(api, described())

    states = {resource.key: (resource.state, resource.differences) for resource in comparison.resources}
    assert {key: states[key] for key in KEYS} == dict.fromkeys(KEYS, ("present", ()))
    assert comparison.strays == []


def test_manual_changes_of_template_and_hours_are_reported(api: MotoApi) -> None:
    builder = Builder(api, described())
    ids = builder.build()
    packed = base64.b64encode(gzip.compress(b"#!/bin/sh\n")).decode()
    data = {**builder.template_data(ids["eni/bastion"]), "InstanceType": "t4g.large", "UserData": packed}
    builder.ec2.create_launch_template_version(LaunchTemplateName=UNIQUE, LaunchTemplateData=data)
    for action, hours in (("by-hand", "0 0 * * *"), (f"{UNIQUE}-stop", "0 1 * * *")):
        builder.autoscaling.put_scheduled_update_group_action(
            AutoScalingGroupName=UNIQUE, ScheduledActionName=action, Recurrence=hours, DesiredCapacity=1
        )

    comparison = compared(api, described())

    assert differences(comparison, "launch_template/bastion") == {"type": ("t4g.large", "t4g.small")}
    assert set(differences(comparison, "autoscaling_group/bastion")) == {"schedules"}
    (template,) = (item for item in comparison.resources if item.key == "launch_template/bastion")
    assert (template.have or {})["user_data_sha256"] == hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    lines = plan_lines(described(), comparison)
    assert [line.partition(" -> ")[0] for line in lines if line.startswith("    schedule")] == [
        f"    schedule {UNIQUE}-stop: 0 1 * * * None, capacity 1"
    ]
    theirs = "scheduled action by-hand (0 0 * * * UTC, capacity 1) is not managed by this cluster and is kept"
    assert f"! Auto Scaling group {UNIQUE}: {theirs}" in lines


def test_a_teardown_ends_the_group_before_what_it_would_use_again(api: MotoApi) -> None:
    Builder(api, described()).build()

    found = [item.kind for item in compared(api, described()).found if item.name in NAMES]

    order = ["autoscaling_group", "launch_template", "address", "eni", "security_group", "instance_profile", "iam_role"]
    assert found == order


def test_the_machine_of_the_group_is_not_a_stray_and_not_missed(api: MotoApi) -> None:
    wanted = desired(described())
    tags = wanted["autoscaling_group/bastion"].want["tags"]
    group = Existing("autoscaling_group", UNIQUE, UNIQUE, tags, {})
    machine = Existing("instance", "i-1", "moon-bastion", tags, {"autoscaling_group": UNIQUE})

    comparison = compare(wanted, [group, machine])

    assert comparison.strays == []


def test_the_group_knows_since_when_its_machine_runs() -> None:
    wanted = desired(described())
    group = Existing("autoscaling_group", UNIQUE, UNIQUE, wanted["autoscaling_group/bastion"].want["tags"])
    machines = [
        Existing(
            "instance", name, "moon-bastion", {}, {"autoscaling_group": owner, "state": state, "launched": "today"}
        )
        for name, owner, state in (
            *(("i-1", UNIQUE, "running"), ("i-2", UNIQUE, "stopping")),
            *(("i-3", "sun-bastion", "running"), ("i-4", None, "running")),
        )
    ]

    comparison = compare(wanted, [group, *machines])

    (found,) = (item for item in comparison.resources if item.key == "autoscaling_group/bastion")
    assert (found.have or {})["launched"] == {"i-1": "today"}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({}, "$ Elastic IP of the bastion: $0.005 an hour around the clock, $3.65 a month", id="one"),
        pytest.param({"egress": "none"}, "$ Elastic IP: none, $0.00", id="none"),
        pytest.param(
            {}, "$ bastion, t4g.small, 18:30 to 23:00 Europe/Dublin: $0.0184 an hour for 4.5 h a day", id="hours"
        ),
        pytest.param(
            {"start": "", "stop": ""}, "$ bastion, t4g.small: $0.0184 an hour around the clock", id="around the clock"
        ),
    ],
)
def test_the_plan_reports_what_it_costs(changes: dict[str, Any], line: str) -> None:
    lines = plan_lines(described(**changes), compare(desired(described(**changes)), []))

    assert any(item.startswith(line) for item in lines), lines


def test_the_audit_allows_what_is_described_and_no_other_public_address(api: MotoApi) -> None:
    Builder(api, described()).build()
    now = datetime.now(UTC)

    asked_for = audit(read_account(api, described()), allowed_by(described()), now)
    not_asked_for = audit(read_account(api, described(egress="none")), allowed_by(described(egress="none")), now)

    assert [item.code for item in asked_for.deviations] == []
    assert [item.code for item in not_asked_for.deviations] == ["PUBLIC_IPV4"]
