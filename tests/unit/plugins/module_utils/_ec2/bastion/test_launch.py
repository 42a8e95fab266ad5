# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for the bastion's instance ends with the cause that AWS reports.

The messages are those of "Troubleshoot issues in Amazon EC2 Auto Scaling" in its user guide.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion.launch import wait_for_instance
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import Clock
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from tests.ec2_cluster import spec
from tests.ec2_failures import refusal

NOW = datetime(2026, 12, 1, 18, 0, tzinfo=UTC)
GROUP = "talos-arm64-moon-bastion"
NO_VCPUS = (
    "You have requested more vCPU capacity than your current vCPU limit of 1 allows for the instance bucket that the "
    "specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an "
    "adjustment to this limit. Launching EC2 instance failed."
)
NO_CAPACITY = (
    "We currently do not have sufficient t4g.small capacity in the Availability Zone you requested (eu-west-1a). Our "
    "system will be working on provisioning additional capacity. Launching EC2 instance failed."
)
NOT_FREE = "The specified instance type is not eligible for Free Tier. Launching EC2 instance failed."
NO_KEY_PAIR = "The key pair 'mine' does not exist. Launching EC2 instance failed."
NO_IMAGE = "The image id '[ami-0123456789abcdef0]' does not exist. Launching EC2 instance failed."
NO_KMS_KEY = (
    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: "
    "Client.InternalError: Client error on launch"
)
NO_PROFILE = (
    "Value (talos-arm64-moon-bastion) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile "
    "name. Launching EC2 instance failed."
)
# As the first group of an account reports it, until its service-linked role is known everywhere.
NO_ROLE = "Authentication Failure. Launching EC2 instance failed."
IN_USE = "Interface: [eni-0123456789abcdef0] in use. Launching EC2 instance failed."


def activity(message: str, *, status: str = "Failed", number: int = 1, seconds: int = 5) -> dict[str, Any]:
    """Return a scaling activity that began so many seconds after the wait."""
    return {
        "ActivityId": f"activity-{number}",
        "StartTime": NOW + timedelta(seconds=seconds),
        "StatusCode": status,
        **({"StatusMessage": message} if message else {}),
        "Description": "Launching a new EC2 instance.",
    }


class Group:
    """A group whose activities appear one after the other; with its clock, which no test waits for."""

    def __init__(self, *readings: list[dict[str, Any]], runs_after: int = 10**6) -> None:
        self.readings, self.runs_after, self.time = list(readings), runs_after, 0.0
        # The errors of the readings at these seconds.
        self.failures: dict[float, AwsError] = {}

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Answer the two questions of the wait."""
        if self.time in self.failures:
            raise self.failures.pop(self.time)
        if operation == "describe_instances":
            machine: Iterable[dict[str, str]] = [{"InstanceId": "i-1"}] if self.time >= self.runs_after else []
            return {"Reservations": [{"Instances": machine}]}
        assert (service, operation) == ("autoscaling", "describe_scaling_activities")
        assert parameters["AutoScalingGroupName"] == GROUP
        return {"Activities": self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]}

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

    def wait(self) -> list[str]:
        """Wait 300 seconds for the instance."""
        return wait_for_instance(self, spec(), 300, NOW, Clock(lambda: self.time, self.sleep))


def test_a_running_instance_ends_the_wait() -> None:
    group = Group([], [activity("", status="InProgress")], runs_after=9)

    assert group.wait() == ["i-1"]
    assert group.time == 9


@pytest.mark.parametrize(
    ("message", "code", "remedy"),
    [
        pytest.param(NO_VCPUS, "LIMIT_EXCEEDED", "Service Quotas", id="quota"),
        pytest.param(NO_CAPACITY, "NO_CAPACITY", "cluster_bastion_instance_type", id="capacity"),
        pytest.param(NOT_FREE, "FREE_PLAN_TYPE", "Paid plan", id="free plan"),
        pytest.param(NO_KEY_PAIR, "KEY_PAIR_NOT_FOUND", "aws ec2 import-key-pair", id="key pair"),
        pytest.param(NO_IMAGE, "BASTION_LAUNCH_FAILED", "Correct what the message of AWS names", id="image"),
        pytest.param(NO_KMS_KEY, "VOLUME_KEY_DENIED", "Choose aws/ebs there", id="KMS key"),
    ],
)
def test_a_failed_launch_ends_the_wait_with_the_words_of_aws(message: str, code: str, remedy: str) -> None:
    group = Group([], [activity(message)])

    with pytest.raises(AwsError) as failed:
        group.wait()

    assert failed.value.problem.code == code
    assert message in str(failed.value)
    assert remedy in str(failed.value)
    assert group.time < 5


@pytest.mark.parametrize("message", [NO_PROFILE, NO_ROLE, IN_USE])
def test_what_passes_by_itself_does_not_end_the_wait(message: str) -> None:
    group = Group([], [activity(message)], runs_after=60)

    assert group.wait() == ["i-1"]


@pytest.mark.parametrize("cause", [refusal("Throttling"), refusal("", code="ENDPOINT_UNREACHABLE")])
def test_a_reading_that_aws_does_not_answer_does_not_end_the_wait(cause: AwsError) -> None:
    group = Group([], runs_after=60)
    group.failures = {9.0: cause, 30.0: cause}

    assert group.wait() == ["i-1"]
    assert group.failures == {}


def test_a_reading_that_aws_refuses_ends_the_wait() -> None:
    group = Group([], runs_after=60)
    group.failures = {9.0: refusal("UnauthorizedOperation")}

    with pytest.raises(AwsError, match="UnauthorizedOperation"):
        group.wait()


def test_a_failure_before_this_run_does_not_end_the_wait() -> None:
    group = Group([activity(NO_VCPUS, seconds=-600)], runs_after=60)

    assert group.wait() == ["i-1"]


def test_a_failure_just_before_the_wait_may_have_been_corrected() -> None:
    assert Group([activity(NO_VCPUS, seconds=-60)], runs_after=66).wait() == ["i-1"]


def test_a_failure_just_before_the_wait_ends_it_when_no_attempt_follows() -> None:
    group = Group([activity(NO_VCPUS, seconds=-5)])

    with pytest.raises(AwsError, match="vCPU limit of 1"):
        group.wait()

    assert 90 <= group.time < 100


def test_an_attempt_that_a_schedule_cancelled_is_not_a_failed_one() -> None:
    with pytest.raises(AwsError) as failed:
        Group([], [activity("", status="Cancelled")]).wait()

    assert failed.value.problem.code == "BASTION_NOT_RUNNING"
    assert "could not launch" not in str(failed.value)


def test_a_new_attempt_that_fails_like_the_one_before_ends_the_wait() -> None:
    old, new = activity(NO_VCPUS, seconds=-600), activity(NO_VCPUS, number=2, seconds=30)

    with pytest.raises(AwsError, match="vCPU limit of 1"):
        Group([old], [new, old]).wait()


def test_an_attempt_after_the_failed_one_does_not_end_the_wait() -> None:
    group = Group([activity("", status="InProgress", number=2, seconds=9), activity(NO_CAPACITY)], runs_after=60)

    assert group.wait() == ["i-1"]


@pytest.mark.parametrize("before", [[], [activity(IN_USE)], [activity(NO_VCPUS, seconds=-600)]])
def test_the_timeout_quotes_the_latest_failure(before: list[dict[str, Any]]) -> None:
    with pytest.raises(AwsError) as failed:
        Group(before).wait()

    assert failed.value.problem.code == "BASTION_NOT_RUNNING"
    assert f"Failed to start the bastion with the group {GROUP}" in str(failed.value)
    assert "no running instance after 300 s" in str(failed.value)
    assert f"--auto-scaling-group-name {GROUP}" in str(failed.value)
    assert all(found["StatusMessage"] in str(failed.value) for found in before)
