# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the bastion's template and of the hours of its group."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.autoscaling.models import AutoScalingBackend

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.work import Machines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import BASTION
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import diff_of
from tests.ec2_cluster import IMAGE, empty_aws, spec
from tests.ec2_failures import FailingEc2, built

HOURS = {"start": "18:00", "stop": "23:00"}
SPEC = spec(bastion={"instance_type": "t4g.small", "volume_size": 30, "image": IMAGE, **HOURS})
GROUP = SPEC.names.unique
LATER = (datetime.now(UTC).replace(microsecond=0) + timedelta(hours=7)).isoformat()


@pytest.fixture
def api() -> Iterator[FailingEc2]:
    """Give an account with a cluster whose bastion is stopped."""
    with built(SPEC) as api:
        yield api


def postponed(api: FailingEc2, at: str = LATER, **changes: Any) -> Outcome:
    machines = Machines(user_data={BASTION: "IyEvYmluL3NoCg=="}, bastion_started=False, bastion_stop_at=at)
    return ensure_cluster(api.calls_of(), SPEC, Order((BASTION,), machines=machines, **changes))


def actions(api: FailingEc2) -> dict[str, dict[str, Any]]:
    found = api.clients["autoscaling"].describe_scheduled_actions(AutoScalingGroupName=GROUP)
    return {item["ScheduledActionName"]: item for item in found["ScheduledUpdateGroupActions"]}


def test_a_run_without_the_bastions_user_data_postpones_the_stop_and_changes_nothing_else(api: FailingEc2) -> None:
    """The group is to have other hours and another template, which only the role bastion may change."""
    wanted = {"instance_type": "t4g.medium", "volume_size": 30, "image": IMAGE, "start": "17:00", "stop": "22:00"}
    order = Order((BASTION,), state="postponed", machines=Machines(bastion_stop_at=LATER))
    before = actions(api)

    planned = ensure_cluster(api.calls_of(), spec(bastion=wanted), order._replace(check_mode=True))
    first, second = (ensure_cluster(api.calls_of(), spec(bastion=wanted), order) for _ in range(2))

    stop = f"{GROUP}-stop"
    assert (planned.changed, first.changed, second.changed) == (True, True, False)
    assert first.lines == (f"changed Auto Scaling group {GROUP}: next stop at {LATER}",)
    assert api.writes() == ["put_scheduled_update_group_action"]
    shown = [diff_of(outcome.before, order.parts, absent=False)["after"] for outcome in (planned, first, second)]
    assert shown == [{f"autoscaling_group/{BASTION}": {"next_stop": LATER}}] * 2 + [{}]
    after = actions(api)
    assert after[stop]["StartTime"].isoformat() == LATER
    assert {name: item["Recurrence"] for name, item in after.items()} == {
        name: item["Recurrence"] for name, item in before.items()
    }


def test_a_time_without_a_zone_is_one_in_utc(api: FailingEc2) -> None:
    plain = datetime.fromisoformat(LATER).astimezone(UTC).replace(tzinfo=None).isoformat()

    postponed(api)

    assert not postponed(api, plain).changed


def test_without_a_group_nothing_is_postponed() -> None:
    with empty_aws():
        api = FailingEc2()
        order = Order((BASTION,), state="postponed", machines=Machines(bastion_stop_at=LATER))

        assert not ensure_cluster(api.calls_of(), SPEC, order).changed
        assert api.writes() == []


def test_the_next_stop_is_postponed_once_and_the_hours_stay(api: FailingEc2) -> None:
    before = actions(api)

    first, second = postponed(api), postponed(api)

    after = actions(api)
    assert (first.changed, second.changed) == (True, False)
    assert api.writes() == ["put_scheduled_update_group_action"]
    stop = f"{GROUP}-stop"
    assert after[stop]["StartTime"].isoformat() == LATER
    assert {name: item["Recurrence"] for name, item in after.items()} == {
        f"{GROUP}-start": "0 18 * * *",
        stop: "0 23 * * *",
    }
    assert after[f"{GROUP}-start"] == before[f"{GROUP}-start"]


def test_a_start_time_that_only_begins_the_recurrence_is_a_postponement_too(
    api: FailingEc2, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS documents a start time in two ways, and shows when the action runs next: here at the daily stop after it."""
    put = AutoScalingBackend.put_scheduled_update_group_action
    next_stop = (datetime.fromisoformat(LATER) + timedelta(hours=5)).isoformat()

    def by_recurrence(*args: Any, start_time: str | None = None, **options: Any) -> Any:
        return put(*args, start_time=next_stop if start_time else None, **options)

    monkeypatch.setattr(AutoScalingBackend, "put_scheduled_update_group_action", by_recurrence)

    first, second = postponed(api), postponed(api)

    assert (first.changed, second.changed) == (True, False)
    assert api.writes() == ["put_scheduled_update_group_action"]
    assert actions(api)[f"{GROUP}-stop"]["StartTime"].isoformat() == next_stop


def test_check_mode_only_says_that_it_would_be(api: FailingEc2) -> None:
    outcome = postponed(api, check_mode=True)

    assert (outcome.lines, api.writes()) == ((f"would change Auto Scaling group {GROUP}",), [])


def test_a_lost_answer_is_not_a_second_postponement(api: FailingEc2) -> None:
    api.lost["put_scheduled_update_group_action"] = 1

    postponed(api)

    assert postponed(api).changed is False


def test_a_new_version_of_the_template_inherits_nothing_from_the_one_before(api: FailingEc2) -> None:
    (template,) = api.clients["ec2"].describe_launch_templates()["LaunchTemplates"]
    theirs = {"ImageId": IMAGE, "InstanceType": "t4g.small", "KeyName": "theirs"}
    api.clients["ec2"].create_launch_template_version(
        LaunchTemplateId=template["LaunchTemplateId"], LaunchTemplateData=theirs
    )

    postponed(api)

    (sent,) = [given for operation, given in api.sent if operation == "create_launch_template_version"]
    # With a source version EC2 would keep their key pair, because it is not named.
    assert set(sent) == {"LaunchTemplateId", "LaunchTemplateData", "ClientToken"}
    assert "KeyName" not in sent["LaunchTemplateData"]
    assert sent["LaunchTemplateData"]["MetadataOptions"]["HttpTokens"] == "required"


def test_scheduled_actions_of_other_owners_stay_and_change_nothing(api: FailingEc2) -> None:
    scaling = api.clients["autoscaling"]
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=30)
    # It ends the bastion before our own stop does, so it must not be taken for ours.
    scaling.put_scheduled_update_group_action(
        AutoScalingGroupName=GROUP, ScheduledActionName="bob-weekend", StartTime=soon, DesiredCapacity=0
    )
    theirs = actions(api)["bob-weekend"]

    first = postponed(api)
    api.calls.clear()
    second = postponed(api)

    assert not [line for line in first.lines if "bob" in line]
    assert (second.changed, api.writes()) == (False, [])
    assert actions(api)["bob-weekend"] == theirs


def test_our_own_hours_are_removed_when_they_are_not_described_any_more(api: FailingEc2) -> None:
    scaling = api.clients["autoscaling"]
    scaling.put_scheduled_update_group_action(
        AutoScalingGroupName=GROUP, ScheduledActionName="bob-weekend", Recurrence="0 0 * * 6", DesiredCapacity=0
    )
    always_on = spec(bastion={"instance_type": "t4g.small", "volume_size": 30, "image": IMAGE})

    ensure_cluster(api.calls_of(), always_on, Order((BASTION,), machines=Machines(bastion_started=False)))

    assert list(actions(api)) == ["bob-weekend"]


def test_a_removal_does_not_wait_for_the_end_of_a_deleted_group_and_the_next_build_does(api: FailingEc2) -> None:
    api.groups_end_after = 120

    removed = ensure_cluster(api.calls_of(), SPEC, Order((BASTION,), state="absent"))
    again = ensure_cluster(api.calls_of(), SPEC, Order((BASTION,), state="absent"))
    removed_at = api.time
    built = postponed(api)

    assert (removed.changed, again.changed, built.changed) == (True, False, True)
    assert removed_at < 60
    assert api.time >= 120
    assert [
        group["AutoScalingGroupName"]
        for group in api.clients["autoscaling"].describe_auto_scaling_groups()["AutoScalingGroups"]
    ] == [GROUP]


def test_a_group_that_does_not_end_stops_the_build_with_the_words_of_aws(api: FailingEc2) -> None:
    api.groups_end_after = 10_000
    ensure_cluster(api.calls_of(), SPEC, Order((BASTION,), state="absent"))

    with pytest.raises(AwsError, match="AlreadyExists"):
        postponed(api)

    assert api.time >= 300
