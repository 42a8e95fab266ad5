# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the schedules that stop and start a cluster, on good days and bad ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.hours.schedules import HOURS, end_in, end_of
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import read_and_compare, result_of
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.scheduler import UNSET, UNSET_OF_TARGET
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from tests.ec2_cluster import OWNER, change_schedule, spec
from tests.ec2_failures import FailingEc2, built, refusal
from tests.operator_policy import findings, unreachable

MACHINE = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123456789abcdef0"}
TTL = {"ttl": 8.0}
DAILY = {"ttl": 8.0, "start": "18:00", "stop": "23:30", "time_zone": "Europe/Dublin"}
NAME = "talos-arm64-moon-hours"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def api() -> Iterator[FailingEc2]:
    """Give an account with the cluster, without its hours."""
    with built(spec(bastion=MACHINE)) as api:
        yield api


def ensure(api: FailingEc2, hours: dict[str, Any] | None = None, **changes: Any) -> Outcome:
    described = spec(bastion=MACHINE, hours=TTL if hours is None else hours)
    return ensure_cluster(api.calls_of(), described, Order((HOURS,), **changes), now=NOW)


def schedules(api: FailingEc2) -> dict[str, dict[str, Any]]:
    """Return the schedules of the cluster by name, or nothing without a group."""
    scheduler = api.clients["scheduler"]
    if NAME not in [group["Name"] for group in scheduler.list_schedule_groups()["ScheduleGroups"]]:
        return {}
    names = [item["Name"] for item in scheduler.list_schedules(GroupName=NAME)["Schedules"]]
    return {name: scheduler.get_schedule(GroupName=NAME, Name=name) for name in names}


def end(api: FailingEc2) -> timedelta:
    """Return how long the nodes still have."""
    at = end_of({"expression": schedules(api)["ttl-nodes"]["ScheduleExpression"]})
    assert at
    return at - NOW


def move(api: FailingEc2, at: datetime, *names: str) -> None:
    """Set another end, as if time had passed since the last run."""
    for name in names:
        change_schedule(api.clients["scheduler"], name, NAME, ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})")


def test_the_end_is_set_and_a_second_run_changes_nothing(api: FailingEc2) -> None:
    planned = result_of(spec(bastion=MACHINE, hours=TTL), read_and_compare(api, spec(bastion=MACHINE, hours=TTL)), NOW)
    checked = ensure(api, check_mode=True)
    nothing = schedules(api)
    made, again = ensure(api), ensure(api)

    assert any(line.startswith(f"+ schedule group {NAME}: ttl-nodes at(") for line in planned["plan"])
    assert (checked.changed, nothing) == (True, {})
    assert [line.partition(" (")[0] for line in made.lines][:1] == [f"created IAM role {NAME}"]
    assert set(schedules(api)) == {"ttl-nodes", "ttl-bastion"}
    assert timedelta(hours=7.9) < end(api) < timedelta(hours=8.1)
    assert again.changed is False


def test_a_group_with_the_name_of_a_new_role_is_not_waited_for(api: FailingEc2) -> None:
    before = api.time

    ensure(api)

    assert api.time == before


def test_it_stops_the_nodes_by_their_tag_and_the_bastion_by_its_group(api: FailingEc2) -> None:
    ensure(api, DAILY)

    found = schedules(api)
    calls = {name: json.loads(schedule["Target"]["Input"]) for name, schedule in found.items()}
    wanted = spec(bastion=MACHINE, hours=DAILY)
    tags = {item.key: item.want["tags"] for item in read_and_compare(api, wanted).resources}["instance/gateway"]

    assert found["ttl-bastion"]["Target"]["Arn"].endswith(":autoscaling:setDesiredCapacity")
    assert calls["ttl-bastion"] == {"AutoScalingGroupName": "talos-arm64-moon-bastion", "DesiredCapacity": 0}
    assert calls["ttl-nodes"]["Targets"] == [{"Key": "tag:NodesOf", "Values": [tags["NodesOf"]]}]
    assert {name: calls[name]["DocumentName"] for name in calls if name.endswith(("nodes", "start", "stop"))} == {
        "ttl-nodes": "AWS-StopEC2Instance",
        "nodes-start": "AWS-StartEC2Instance",
        "nodes-stop": "AWS-StopEC2Instance",
    }
    assert found["nodes-stop"]["ScheduleExpression"] == "cron(30 23 * * ? *)"
    assert found["nodes-start"]["ScheduleExpressionTimezone"] == "Europe/Dublin"


def test_aws_takes_the_calls_of_the_schedules(api: FailingEc2) -> None:
    ensure(api, DAILY)

    for schedule in schedules(api).values():
        _prefix, service, operation = schedule["Target"]["Arn"].rsplit(":", 2)
        model = Session().get_service_model(service).operation_model(operation[0].upper() + operation[1:])
        report = ParamValidator().validate(json.loads(schedule["Target"]["Input"]), model.input_shape)
        assert report.generate_report() == ""


def test_the_role_may_stop_machines_of_this_cluster_and_nothing_else(api: FailingEc2) -> None:
    ensure(api)

    policy = api.clients["iam"].get_role_policy(RoleName=NAME, PolicyName=NAME)["PolicyDocument"]
    owner = {f"aws:ResourceTag/{key}": value for key, value in OWNER.items()}
    changing = [item for item in policy["Statement"] if item["Action"][0].startswith(("ec2:S", "autoscaling:"))]

    assert [item["Action"] for item in changing] == [["ec2:StopInstances"], ["autoscaling:SetDesiredCapacity"]]
    assert all(item["Condition"]["StringEquals"] == owner for item in changing)
    assert (findings(policy), unreachable(policy)) == ([], [])


@pytest.mark.parametrize(
    ("left", "renewed"),
    [
        pytest.param(7.0, False, id="much"),
        pytest.param(4.1, False, id="more than half"),
        pytest.param(3.9, True, id="less than half"),
        pytest.param(-1.0, True, id="over"),
        pytest.param(20.0, True, id="more than described"),
    ],
)
def test_a_run_renews_it_when_less_than_half_is_left(api: FailingEc2, left: float, renewed: bool) -> None:
    ensure(api)
    move(api, NOW + timedelta(hours=left), "ttl-nodes", "ttl-bastion")

    outcome = ensure(api)

    assert outcome.changed is renewed
    assert end(api) > timedelta(hours=4)
    assert ensure(api).changed is False


def test_ends_that_are_not_one_are_set_to_one(api: FailingEc2) -> None:
    ensure(api)
    move(api, NOW + timedelta(hours=6), "ttl-bastion")

    assert ensure(api).changed
    assert len({schedule["ScheduleExpression"] for schedule in schedules(api).values()}) == 1


def test_a_schedule_that_ran_was_switched_off_or_is_not_described_is_set_right(api: FailingEc2) -> None:
    ensure(api, DAILY)
    scheduler = api.clients["scheduler"]
    scheduler.delete_schedule(GroupName=NAME, Name="ttl-nodes")
    change_schedule(scheduler, "nodes-stop", NAME, State="DISABLED")

    again, repaired = ensure(api, DAILY), schedules(api)
    without = ensure(api)

    assert (again.changed, without.changed) == (True, True)
    assert {name: schedule["State"] for name, schedule in repaired.items()} == dict.fromkeys(
        ("ttl-nodes", "ttl-bastion", "nodes-start", "nodes-stop"), "ENABLED"
    )
    assert schedules(api).keys() == {"ttl-nodes", "ttl-bastion"}


@pytest.mark.parametrize("name", ["nodes-stop", "ttl-nodes"])
@pytest.mark.parametrize(
    "changes",
    [
        {"EndDate": datetime(2020, 1, 1, tzinfo=UTC)},
        {"StartDate": datetime(2099, 1, 1, tzinfo=UTC)},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_schedule_that_does_not_run_in_time_is_in_the_plan_and_set_right(
    api: FailingEc2, name: str, changes: dict[str, Any]
) -> None:
    ensure(api, DAILY)
    have = schedules(api)[name]
    change_schedule(api.clients["scheduler"], name, NAME, **changes)

    described = spec(bastion=MACHINE, hours=DAILY)
    plan = result_of(described, read_and_compare(api, described), NOW)["plan"]
    again, repaired = ensure(api, DAILY), schedules(api)[name]

    assert any(f"schedule {name}: " in line and next(iter(changes)) in line for line in plan)
    assert again.changed
    assert {key: repaired.get(key) for key in changes} == {key: have.get(key) for key in changes}
    assert ensure(api, DAILY).changed is False


def test_the_end_is_that_of_aws_and_not_the_one_that_a_run_would_set(api: FailingEc2) -> None:
    described, without = spec(bastion=MACHINE, hours=TTL), spec(bastion=MACHINE)
    before = result_of(described, read_and_compare(api, described), NOW)["hours"]
    ensure(api)
    at = NOW + timedelta(hours=2)
    move(api, at, "ttl-nodes", "ttl-bastion")

    other = result_of(described, read_and_compare(api, described), NOW)["hours"]
    not_described = result_of(without, read_and_compare(api, without), NOW)["hours"]

    assert (before["end"], before["work"]) == ("", True)
    assert ["once a run has set it" in line for line in before["lines"]] == [True]
    assert other["end"] == not_described["end"] == at.isoformat()
    assert ["once a run has set it" in line for line in other["lines"]] == [False]
    assert ["the next run removes that end" in line for line in not_described["lines"]] == [True]


def test_a_cluster_without_hours_loses_them(api: FailingEc2) -> None:
    ensure(api)

    outcome = ensure(api, {})

    assert [line.partition(" talos")[0] for line in outcome.lines] == ["deleted schedule group", "deleted IAM role"]
    assert schedules(api) == {}
    assert ensure(api, {}).changed is False


def test_they_are_removed_and_found_as_ours(api: FailingEc2) -> None:
    ensure(api)

    found = read_and_compare(api, spec(bastion=MACHINE)).found
    removed = ensure(api, state="absent")

    assert {(item.kind, item.part) for item in found if item.name == NAME} == {
        ("iam_role", HOURS),
        ("schedule_group", HOURS),
    }
    assert removed.changed
    assert schedules(api) == {}


@pytest.mark.parametrize("operation", ["create_role", "create_schedule_group", "create_schedule", "update_schedule"])
def test_a_lost_answer_leaves_one_of_each(api: FailingEc2, operation: str) -> None:
    if operation == "update_schedule":
        ensure(api)
        move(api, NOW + timedelta(hours=1), "ttl-nodes", "ttl-bastion")
    api.lost[operation] = 1

    ensure(api)

    assert set(schedules(api)) == {"ttl-nodes", "ttl-bastion"}
    assert ensure(api).changed is False


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_group_of_another_owner_is_refused_before_anything_is_created(api: FailingEc2, check_mode: bool) -> None:
    api.clients["scheduler"].create_schedule_group(Name=NAME, Tags=[{"Key": "Owner", "Value": "Bob"}])

    with pytest.raises(Ec2Error, match=r"Failed to create schedule_group .*Owner=Bob"):
        ensure(api, check_mode=check_mode)
    removed = ensure(api, state="absent")

    assert (api.writes(), removed.changed) == ([], False)


def add_schedule_of_others(api: FailingEc2) -> None:
    """Add another owner's schedule to our group."""
    target = {"Arn": "arn:aws:sqs:eu-west-1:123456789012:theirs", "RoleArn": "arn:aws:iam::123456789012:role/theirs"}
    api.clients["scheduler"].create_schedule(
        GroupName=NAME,
        Name="ttl-of-bob",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    api.calls.clear()


def test_a_schedule_of_another_owner_in_our_group_is_kept_and_shown(api: FailingEc2) -> None:
    ensure(api, DAILY)
    add_schedule_of_others(api)

    again, changed = ensure(api, DAILY), ensure(api)

    described = spec(bastion=MACHINE, hours=TTL)
    plan = result_of(described, read_and_compare(api, described), NOW)["plan"]
    assert (again.changed, changed.changed) == (False, True)
    assert set(schedules(api)) == {"ttl-nodes", "ttl-bastion", "ttl-of-bob"}
    assert [line for line in plan if "bob" in line] == [
        f"! schedule group {NAME}: schedule ttl-of-bob is not managed by this cluster and is kept"
    ]


@pytest.mark.parametrize("changes", [{"state": "absent"}, {"hours": {}}])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_schedule_of_another_owner_is_named_before_its_group_is_deleted(
    api: FailingEc2, changes: dict[str, Any], check_mode: bool
) -> None:
    ensure(api)
    add_schedule_of_others(api)

    with pytest.raises(Ec2Error, match=f"Failed to delete schedule group {NAME}: .* has schedule ttl-of-bob, which is"):
        ensure(api, **changes, check_mode=check_mode)

    assert api.writes() == []


def schedule_of_bob(api: FailingEc2, role: str, **target: Any) -> None:
    """Create a schedule of another owner in a group of his own."""
    scheduler = api.clients["scheduler"]
    scheduler.create_schedule_group(Name="bob")
    scheduler.create_schedule(
        GroupName="bob",
        Name="nightly",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:eu-west-1:123456789012:x", "RoleArn": role, **target},
    )


OUR_ROLE = f"arn:aws:iam::123456789012:role/{NAME}"
BOBS_ROLE = "arn:aws:iam::123456789012:role/bob"


@pytest.mark.parametrize(
    ("role", "target"), [(OUR_ROLE, {}), (BOBS_ROLE, {"Input": json.dumps({"AutomationAssumeRole": [OUR_ROLE]})})]
)
def test_a_schedule_of_another_owner_that_uses_our_role_is_named_before_the_role_is_deleted(
    api: FailingEc2, role: str, target: dict[str, str]
) -> None:
    ensure(api)
    schedule_of_bob(api, role, **target)
    api.calls.clear()

    with pytest.raises(Ec2Error, match=f"Failed to delete IAM role {NAME}: .* is used by schedule bob/nightly, which"):
        ensure(api, state="absent")

    assert api.writes() == []


class Denying(FailingEc2):
    """AWS, in which only the schedules of the cluster may be read."""

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "get_schedule" and parameters["GroupName"] != NAME:
            raise refusal("AccessDeniedException", operation, "NOT_AUTHORIZED")
        return super().call(service, operation, **parameters)


@pytest.mark.parametrize(("role", "aws"), [(BOBS_ROLE, FailingEc2), (OUR_ROLE, Denying)])
def test_a_schedule_of_another_owner_that_uses_another_role_or_may_not_be_read_keeps_nothing(
    api: FailingEc2, role: str, aws: type[FailingEc2]
) -> None:
    ensure(api)
    schedule_of_bob(api, role)

    outcome = ensure(aws(), state="absent")

    assert outcome.changed
    lines = result_of(spec(bastion=MACHINE, hours=TTL), outcome.before, NOW)["uncertain"]
    unread = "? schedule bob/nightly: could not be read, so it is not known whether it uses "
    assert [line.startswith(unread) and f"IAM role {NAME}" in line for line in lines] == [True] * (aws is Denying)


def test_every_setting_of_a_schedule_in_the_model_of_aws_is_known() -> None:
    """A new one has to be read, set or left out on purpose: one that is not known is not seen."""
    answer = Session().get_service_model("scheduler").operation_model("GetSchedule").output_shape
    known = {"Arn", "GroupName", "Name", "CreationDate", "LastModificationDate", "Description", "Target"}
    known |= {"ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "State"}
    known |= {"ActionAfterCompletion"}

    assert set(answer.members) <= known | UNSET
    assert set(answer.members["Target"].members) <= {"Arn", "RoleArn", "Input", "RetryPolicy"} | UNSET_OF_TARGET


class Newer(FailingEc2):
    """AWS, whose schedules have got more settings."""

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        answer = super().call(service, operation, **parameters)
        if operation == "get_schedule":
            answer |= {"Jitter": 5, "FlexibleTimeWindow": {**answer["FlexibleTimeWindow"], "Zone": "x"}}
        return answer


def test_a_setting_that_aws_adds_later_changes_no_schedule(api: FailingEc2) -> None:
    ensure(api)
    newer = Newer()

    assert not ensure(newer).changed
    assert newer.writes() == []


def test_a_removal_waits_for_a_group_that_is_being_deleted(api: FailingEc2) -> None:
    ensure(api)
    api.refused["delete_schedule_group"] = ["ConflictException"]

    assert ensure(api, state="absent").changed
    assert schedules(api) == {}


def test_a_schedule_that_stops_nothing_is_not_the_end_of_the_time_to_live() -> None:
    usual = {"expression": "at(2026-12-24T18:00:00)"}
    disabled = {**usual, "other_settings": ["State"]}

    ends = [end_in(found) for found in ({"ttl-nodes": usual}, {"ttl-nodes": disabled}, {})]

    assert ends == [datetime(2026, 12, 24, 18, tzinfo=UTC), None, None]


class Deleting(FailingEc2):
    """AWS, which does not finish to delete a schedule group."""

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        answer = super().call(service, operation, **parameters)
        return answer | {"State": "DELETING"} if operation == "get_schedule_group" else answer


def test_a_group_that_is_not_deleted_in_time_ends_the_run_before_another_one_is_created(api: FailingEc2) -> None:
    ensure(api)
    deleting = Deleting()

    with pytest.raises(Ec2Error, match=f"Failed to create schedule group {NAME}: AWS is still deleting the previous"):
        ensure(deleting)

    assert "create_schedule_group" not in deleting.writes()
