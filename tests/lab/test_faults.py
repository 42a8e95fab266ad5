# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand, and the record of calls by which a test sees that a converged run changes nothing."""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.exceptions
import pytest

from tests.fake_credentials import ACCESS_KEY_ID
from tests.lab.labs import Lab


@pytest.fixture(autouse=True)
def _no_faults_left(lab: Lab) -> Iterator[None]:
    yield
    lab.ask("/lab/faults", method="DELETE")


def code_of(call: Any, **arguments: Any) -> str:
    """Return the code with which a call fails."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_the_next_calls_of_an_action_are_throttled(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    lab.fault(kind="throttle", action="DescribeVpcs", count=2)

    codes = [code_of(ec2.describe_vpcs) for _ in range(2)]

    assert codes == ["RequestLimitExceeded"] * 2
    assert ec2.describe_vpcs()["Vpcs"]
    assert ec2.describe_subnets()


def test_a_call_is_refused_with_the_code_asked_for(lab: Lab) -> None:
    lab.fault(kind="refuse", action="CreateVpc", code="VpcLimitExceeded", message="No more.")

    assert code_of(lab.client("ec2").create_vpc, CidrBlock="127.0.0.0/16") == "VpcLimitExceeded"


def test_a_call_can_be_slow(lab: Lab) -> None:
    lab.fault(kind="delay", action="DescribeVpcs", seconds=0.5)
    began = time.monotonic()

    lab.client("ec2").describe_vpcs()

    assert time.monotonic() - began >= 0.5


def test_an_answer_can_get_lost_after_the_work_was_done(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    before = len(ec2.describe_vpcs()["Vpcs"])
    lab.fault(kind="lost_answer", action="CreateVpc")

    assert code_of(ec2.create_vpc, CidrBlock="10.9.0.0/16") == "InternalError"
    assert len(ec2.describe_vpcs()["Vpcs"]) == before + 1


def test_what_was_created_is_not_found_for_a_while(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    lab.fault(kind="eventual", action="CreateVpc", count=2)
    name = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]

    first = code_of(ec2.describe_vpcs, VpcIds=[name])
    second = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
    third = [vpc["VpcId"] for vpc in ec2.describe_vpcs(VpcIds=[name])["Vpcs"]]

    assert first == "InvalidVpcID.NotFound"
    assert name not in second
    assert second, "the others are still there"
    assert third == [name]


def test_a_fault_that_makes_no_sense_is_refused(lab: Lab) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        lab.fault(kind="earthquake", action="CreateVpc")


def test_calls_are_counted_and_those_that_change_something_distinguished(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    before = lab.ask("/lab/status")

    ec2.describe_vpcs()
    ec2.create_vpc(CidrBlock="10.7.0.0/16")

    after = lab.ask("/lab/status")
    assert after["calls"]["DescribeVpcs"] - before["calls"].get("DescribeVpcs", 0) == 1
    assert after["mutating_calls"] - before["mutating_calls"] == 1
    since = lab.ask(f"/lab/calls?since={before['calls_total']}")
    assert [call["action"] for call in since] == ["DescribeVpcs", "CreateVpc"]


@pytest.mark.parametrize("service", ["ec2", "iam", "ssm"])
def test_credentials_that_are_not_the_labs_are_refused(lab: Lab, service: str) -> None:
    stranger = boto3.client(
        service,
        endpoint_url=lab.endpoint,
        region_name="eu-west-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key="nothing",  # noqa: S106  an example key
    )
    calls = {"ec2": "describe_vpcs", "iam": "list_roles", "ssm": "describe_parameters"}

    assert code_of(getattr(stranger, calls[service])) == "AuthFailure"


def test_faults_of_kubernetes_are_taken_by_their_names_and_refused_by_other_faults(lab: Lab) -> None:
    lab.ask("/lab/kubernetes/faults", method="POST", body={"stuck": ["cilium"], "admission": {"Package": "quota"}})
    lab.ask("/lab/kubernetes/faults", method="DELETE")

    with pytest.raises(urllib.error.HTTPError) as caught:
        lab.ask("/lab/kubernetes/faults", method="POST", body={"stuk": ["cilium"]})

    with caught.value as refusal:
        assert refusal.code == 400
        assert b"Unknown faults: stuk. Known are admission, " in refusal.read()
