# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moto behind an Api that loses answers, answers late and throttles. Pauses take no time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import boto3
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import Calls, Clock
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.refusals import code_of
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec
from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding
from tests.ec2_cluster import ACCOUNT, REGION, Builder, MotoApi, empty_aws

READING = ("describe_", "get_", "list_")


def refusal(reason: str, operation: str = "ec2:Call", code: str = "") -> AwsError:
    """Return the error that AWS answers with this reason, under the code that the client gives it."""
    code = code or code_of(reason, "said the test", ())
    return AwsError(finding(code, f"call {operation} in eu-west-1", f"{reason}: said the test", "Look it up."), reason)


def unknown(service: str, thing: str, operation: str) -> AwsError:
    """Return a service's error about a resource that it does not know, or does not know yet."""
    reason, words = _UNKNOWN.get(service, ("InvalidThing.NotFound", "The thing '{}' does not exist"))
    problem = finding("AWS_ERROR", f"call {service}:{operation} in eu-west-1", words.format(thing), "Look it up.")
    return AwsError(problem, reason)


_UNKNOWN = {
    "iam": ("NoSuchEntity", "The role with name {} cannot be found."),
    "autoscaling": ("ValidationError", "The specified launch template, with template ID {}, does not exist."),
    "scheduler": ("ResourceNotFoundException", "Schedule {} does not exist."),
    "ssm": ("InvalidResourceId", "The resource ID is not valid. Verify that you entered the correct ID and try again."),
}


class FailingEc2(MotoApi):
    """Executes calls and returns other answers: by operation, for a number of its next calls."""

    def __init__(self) -> None:
        super().__init__()
        # Done, and then answered with an internal error.
        self.lost: Counter[str] = Counter()
        # For how many seconds lists lack the resource of a call whose answer was lost.
        self.unlisted_for = 0.0
        self._unlisted: dict[str, float] = {}
        # Not done: refused with a reason.
        self.refused: dict[str, list[str]] = {}
        # Answered, but not executed.
        self.ignored: set[str] = set()
        # For how many calls the resource that this operation makes stays unknown.
        self.late: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        # For how many seconds a deleted Auto Scaling group stays listed, as while its instances terminate.
        self.groups_end_after = 0.0
        self._ending: dict[str, tuple[dict[str, Any], float]] = {}
        self.time = 0.0
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def calls_of(self) -> Calls:
        """Return the calls of one run, whose pauses take no time."""
        return Calls(self, self.clock())

    def clock(self) -> Clock:
        """Return the clock of a run, whose pauses take no time."""
        return Clock(lambda: self.time, self._sleep)

    def writes(self) -> list[str]:
        """Return the operations that were called and may change something."""
        return [operation for operation in self.calls if not operation.startswith(READING)]

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self.sent.append((operation, parameters))
        if operation == "delete_dhcp_options":
            self._forget_old_vpc(parameters["DhcpOptionsId"])
        if self.refused.get(operation):
            self.calls.append(operation)
            raise refusal(self.refused[operation].pop(0), operation)
        if operation in self.ignored:
            return {}
        self._refuse_unknown(service, operation, parameters)
        self._keep_ending_group(operation, parameters)
        answer = super().call(service, operation, **self._in_the_case_of_iam(service, parameters))
        answer.get("AutoScalingGroups", []).extend(one for one, until in self._ending.values() if self.time < until)
        if operation == "create_dhcp_options":
            self._tag(answer["DhcpOptions"]["DhcpOptionsId"], parameters)
        if self.late[operation]:
            self._unknown[_made_id(answer, parameters)] = self.late.pop(operation)
        if self.lost[operation]:
            self.lost[operation] -= 1
            if self.unlisted_for:
                self._unlisted[_made_id(answer, parameters)] = self.time + self.unlisted_for
            raise refusal("InternalError", operation)
        return self._without_unlisted(answer) if operation.startswith("describe_") else answer

    def move_to(self, region: str) -> None:
        """Talk to another region of the same account."""
        self.clients = {name: boto3.client(name, region_name=region) for name in self.clients}
        self._clients = self.clients

    def _without_unlisted(self, answer: dict[str, Any]) -> dict[str, Any]:
        hidden = {thing_id for thing_id, until in self._unlisted.items() if self.time < until}
        return {
            key: [item for item in value if not (isinstance(item, dict) and _ids(item) & hidden)]
            if isinstance(value, list)
            else value
            for key, value in answer.items()
        }

    def _keep_ending_group(self, operation: str, parameters: dict[str, Any]) -> None:
        name = str(parameters.get("AutoScalingGroupName"))
        if operation == "create_auto_scaling_group" and self.time < self._ending.get(name, ({}, 0.0))[1]:
            raise refusal("AlreadyExists", operation)
        if operation == "delete_auto_scaling_group" and self.groups_end_after:
            described = self.clients["autoscaling"].describe_auto_scaling_groups(AutoScalingGroupNames=[name])
            for group in described["AutoScalingGroups"]:
                ending = {**group, "Status": "Delete in progress"}
                self._ending[name] = (ending, self.time + self.groups_end_after)

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def _tag(self, resource: str, parameters: dict[str, Any]) -> None:
        # Moto forgets the tags of these.
        self.clients["ec2"].create_tags(Resources=[resource], Tags=parameters["TagSpecifications"][0]["Tags"])

    def _forget_old_vpc(self, options_id: str) -> None:
        # Moto calls a set in use by a VPC that has another one since.
        options = ec2_backends[ACCOUNT][REGION].dhcp_options_sets.get(options_id)
        if options and options.vpc and options.vpc.dhcp_options is not options:
            options.vpc = None

    def _in_the_case_of_iam(self, service: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters with names as IAM has them: to it, "Moon" and "moon" are one name. Moto has two."""
        named = {"RoleName", "InstanceProfileName"} & parameters.keys() if service == "iam" else set()
        if not named:
            return parameters
        iam = iam_backends[ACCOUNT]["aws"]
        # Read from moto itself, because two calls before each of IAM take longer than it. Other threads add more.
        existing = [*list(iam.roles.values()), *list(iam.instance_profiles.values())]
        spelled = {item.name.lower(): item.name for item in existing}
        return {**parameters, **{key: spelled.get(parameters[key].lower(), parameters[key]) for key in named}}

    def _refuse_unknown(self, service: str, operation: str, parameters: dict[str, Any]) -> None:
        for thing_id in list(self._unknown):
            if not operation.startswith("describe_") and f"'{thing_id}'" in repr(parameters):
                self._unknown -= Counter([thing_id])
                raise unknown(service, thing_id, operation)


class Deleting(FailingEc2):
    """SSM, which refuses the name of a parameter for a while after its deletion, and does not find it either."""

    def __init__(self, *, free: float) -> None:
        super().__init__()
        # After how many seconds the name may be used again.
        self._free = free

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "put_parameter" and self.time < self._free:
            self.calls.append(operation)
            raise refusal("ParameterAlreadyExists", operation)
        return super().call(service, operation, **parameters)


@contextmanager
def built(
    described: ClusterSpec, account: Callable[[], AbstractContextManager[None]] = empty_aws
) -> Iterator[FailingEc2]:
    """Give an account with a cluster as it is described, before the first call of a test."""
    with account():
        api = FailingEc2()
        Builder(api, described).build()
        api.calls.clear()
        yield api


def _ids(record: dict[str, Any]) -> set[str]:
    return {value for value in record.values() if isinstance(value, str)}


def _made_id(answer: dict[str, Any], parameters: dict[str, Any]) -> str:
    if "Tier" in answer:
        # A parameter of SSM.
        return str(parameters["Name"])
    record = next(
        (value for value in answer.values() if isinstance(value, dict) and "HTTPHeaders" not in value), answer
    )
    return (
        next(value for key, value in record.items() if key.endswith("Id") and key not in ("OwnerId", "VpcId"))
        if ("CidrBlock" not in record or "SubnetId" in record)
        else record["VpcId"]
    )
