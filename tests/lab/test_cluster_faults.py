# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call that makes something of a cluster: its answer is lost, or the run ends right after it.

The next run has to end with one of each, and a removal with nothing. The lab refuses what AWS refuses.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.calls import Calls, Clock
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.work import Machines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsApi
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.current import SERVICES, read_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home_access import (
    OPENINGS,
    Identity,
    read_groups,
    read_rules,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home_schedule import Schedule, read_schedules
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.owners import taken_problems
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.reading import read_and_compare
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import parse_spec
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from ansible_collections.urmanac.talos.plugins.modules.ec2_home_access import ensure, order_of
from tests.ec2_bad_day import READING, refusal, unknown
from tests.ec2_cluster import cluster, node
from tests.lab.labs import Lab

PARTS = ("network", "bastion", "nodes", "access")
CREATING = (
    *("create_vpc", "create_dhcp_options", "create_subnet", "create_internet_gateway", "create_route_table"),
    *("create_security_group", "create_role", "create_instance_profile", "create_network_interface"),
    *("allocate_address", "create_launch_template", "create_auto_scaling_group", "run_instances"),
    *("authorize_home_rule", "create_schedule"),
)
SETTING = (
    *("associate_dhcp_options", "attach_internet_gateway", "create_route", "associate_route_table"),
    *("authorize_security_group_ingress", "put_role_policy", "add_role_to_instance_profile", "associate_address"),
    *("put_scheduled_update_group_action", "modify_network_interface_attribute"),
)
BASTION = {
    "instance_type": "t4g.small",
    "volume_size": 30,
    "image": "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    "egress": "public_ipv4",
    "start": "18:00",
    "stop": "23:00",
}
# Machines of this network exist in EC2 only, so that nothing has to boot.
NODES = [node(), node(name="compute-2", role="compute", ipv4="10.10.0.102")]
SPEC = parse_spec(cluster(bastion=BASTION, nodes=NODES, home_schedule_enabled=True))
NOW = datetime.now(UTC).replace(microsecond=0)
STOP_AT = (NOW + timedelta(hours=8)).isoformat()
IDENTITY = Identity(SPEC.name, SPEC.project)
HOME = {"name": SPEC.name, "project": SPEC.project, "ipv6": "2001:db8:1:2::/64", "expires": "8h", "replace": False} | {
    "openings": [opening._asdict() for opening in OPENINGS]
}


# The parameters that hold the id of what a call makes, where its answer has no other.
NAMES_MADE = {"RoleName", "InstanceProfileName", "AutoScalingGroupName"}


class Ended(Exception):
    """The run was killed."""


class FaultyApi(AwsApi):
    """The lab's AWS, whose answer to an operation is lost, or whose caller is killed right after it."""

    def __init__(self, lab: Lab) -> None:
        super().__init__({service: lab.client(service) for service in (*SERVICES, "scheduler")}, SPEC.region)
        self.lost: Counter[str] = Counter()
        self.killed = ""
        # The operations whose result is unknown to the next call that changes it.
        self.late: set[str] = set()
        self._unknown: set[str] = set()
        # The services that said of something that they do not know it.
        self.reported_late: set[str] = set()
        self.writes: list[str] = []

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self._refuse_unknown(service, operation, parameters)
        answer = super().call(service, operation, **parameters)
        what = named(operation, parameters)
        if what in self.late:
            self.late.remove(what)
            self._unknown |= set(re.findall(r"'([a-z]+-[0-9a-f]{8,})'", repr(answer)))
            self._unknown |= {parameters[name] for name in NAMES_MADE & parameters.keys()}
        if not operation.startswith(READING):
            self.writes.append(operation)
        if self.lost[what]:
            self.lost[what] -= 1
            raise refusal("InternalError", operation)
        if what == self.killed:
            raise Ended(operation)
        return answer

    def stop_failing(self) -> None:
        """Behave from now on."""
        self.killed, self.lost, self.late, self._unknown = "", Counter(), set(), set()

    def _refuse_unknown(self, service: str, operation: str, parameters: dict[str, Any]) -> None:
        met = {text for text in self._unknown if f"'{text}'" in repr(parameters)}
        if met and not operation.startswith(READING):
            self._unknown -= met
            self.reported_late.add(service)
            raise unknown(service, met.pop(), operation)


def named(operation: str, parameters: dict[str, Any]) -> str:
    """Return what a call is known as here: rules of home access are made and taken away like those of the network."""
    if operation == "authorize_security_group_ingress" and "TagSpecifications" in parameters:
        return "authorize_home_rule"
    if operation == "revoke_security_group_ingress" and "SecurityGroupRuleIds" in parameters:
        return "revoke_home_rule"
    return operation


@pytest.fixture
def api(lab: Lab) -> Iterator[FaultyApi]:
    """Give an account without anything of the cluster, and see to it that it is left so."""
    made = FaultyApi(lab)
    yield made
    made.stop_failing()
    assert removed(made).after.found == ()
    assert schedules(made) == {}


def ensured(api: FaultyApi, *, absent: bool = False) -> Outcome:
    """Bring the cluster up or down, part by part as the playbooks do, with pauses that do not wait for a real AWS."""
    calls = Calls(api, Clock(time.monotonic, lambda seconds: time.sleep(min(seconds, 0.1))))
    image = lab_image(api)
    machines = Machines(image=image, user_data={"bastion": "IyEvYmluL3NoCg=="}, bastion_stop_at=STOP_AT)
    if absent:
        home(calls, "absent", SPEC.schedule_role_name)
    for part in reversed(PARTS) if absent else PARTS:
        outcome = ensure_cluster(calls, SPEC, Order((part,), absent=absent, machines=machines))
    if not absent:
        (role,) = [item for item in outcome.after.resources if item.key == "iam_role/access"]
        home(calls, "present", (role.have or {})["arn"])
    return outcome


def home(calls: Calls, state: str, role: str) -> None:
    """Open the cluster to a home for some hours, or close it to every home."""
    options = {**HOME, "state": state, "schedule_role_arn": role}
    wanted = options if state == "present" else {**options, "ipv6": None, "expires": None}
    ensure(calls, options, order_of(wanted, NOW), NOW, check_mode=False)


def schedules(api: FaultyApi) -> dict[str, Schedule]:
    """Return the schedules of the cluster."""
    return read_schedules(api, IDENTITY)


def lab_image(api: FaultyApi) -> str:
    """Return an arm64 image of the lab."""
    filters = [{"Name": "architecture", "Values": ["arm64"]}]
    images: list[dict[str, Any]] = api.call("ec2", "describe_images", Filters=filters)["Images"]
    return str(images[0]["ImageId"])


def removed(api: FaultyApi) -> Outcome:
    return ensured(api, absent=True)


def assert_one_of_each(api: FaultyApi, outcome: Outcome) -> None:
    rules = [rule for rule in read_rules(api, IDENTITY, read_groups(api, IDENTITY)) if rule.ours]
    closed = [json.loads(schedule.input)["SecurityGroupRuleIds"] for schedule in schedules(api).values()]
    assert len(rules) == len(OPENINGS)
    assert sorted(rule_id for ids in closed for rule_id in ids) == sorted(str(rule.id) for rule in rules)
    assert {item.key: item.state for item in outcome.after.resources if item.state != "present"} == {}
    assert [found for found in outcome.after.found if not found.described and found.goes_with is None] == []


def test_a_second_run_makes_no_writing_call(api: FaultyApi) -> None:
    assert_one_of_each(api, ensured(api))
    api.writes.clear()

    outcome = ensured(api)

    assert (outcome.changed, api.writes) == (False, [])


def test_lost_answers_of_all_calls_leave_one_of_each(api: FaultyApi) -> None:
    api.lost = Counter(dict.fromkeys((*CREATING, *SETTING), 1))

    outcome = ensured(api)

    assert +api.lost == Counter()
    assert_one_of_each(api, outcome)


def test_what_is_unknown_right_after_it_was_made_is_waited_for(api: FaultyApi) -> None:
    api.late = set(CREATING)

    outcome = ensured(api)

    assert api.late == set()
    assert api.reported_late == {"ec2", "iam", "autoscaling"}
    assert_one_of_each(api, outcome)


@pytest.mark.parametrize("operation", CREATING)
def test_a_run_that_ended_right_after_a_call_is_continued(api: FaultyApi, operation: str) -> None:
    api.killed = operation
    with pytest.raises(Ended):
        ensured(api)
    api.stop_failing()

    assert_one_of_each(api, ensured(api))


@pytest.mark.parametrize("operation", CREATING)
def test_a_run_that_ended_right_after_a_call_is_removed(api: FaultyApi, operation: str) -> None:
    api.killed = operation
    with pytest.raises(Ended):
        ensured(api)
    api.stop_failing()

    assert removed(api).after.found == ()


# In the order in which a removal makes them.
DELETING = (
    *("revoke_home_rule", "delete_schedule"),
    *("terminate_instances", "delete_network_interface", "delete_auto_scaling_group", "delete_launch_template"),
    *("disassociate_address", "release_address", "remove_role_from_instance_profile", "delete_instance_profile"),
    *("delete_role_policy", "delete_role", "revoke_security_group_ingress", "delete_security_group"),
    *("delete_subnet", "delete_route_table", "detach_internet_gateway", "delete_internet_gateway"),
    *("delete_vpc", "delete_dhcp_options"),
)


def test_a_removal_that_ended_after_any_of_its_calls_is_continued(api: FaultyApi) -> None:
    ensured(api)
    ended = []

    for operation in DELETING:
        api.killed = operation
        try:
            removed(api)
        except Ended:
            ended.append(operation)
    api.stop_failing()

    assert removed(api).after.found == ()
    assert ended == list(DELETING)


def test_lost_answers_of_a_removal_leave_nothing(api: FaultyApi) -> None:
    ensured(api)
    api.lost = Counter(dict.fromkeys(DELETING, 1))

    assert removed(api).after.found == ()
    assert +api.lost == Counter()


STRANGER = [{"Key": "Owner", "Value": "Bob"}, {"Key": "Name", "Value": "moon-bastion"}]


def plant(lab: Lab, kind: str) -> Any:
    """Make something of a stranger under a unique name that the cluster would use; return a reading of it."""
    name = SPEC.names.unique
    if kind == "launch_template":
        ec2 = lab.client("ec2")
        tags = [{"ResourceType": "launch-template", "Tags": STRANGER}]
        ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "m7g.large"}, TagSpecifications=tags
        )
        return lambda: ec2.describe_launch_template_versions(LaunchTemplateName=name)["LaunchTemplateVersions"]
    if kind == "autoscaling_group":
        ec2, scaling = lab.client("ec2"), lab.client("autoscaling")
        ec2.create_launch_template(LaunchTemplateName="theirs", LaunchTemplateData={"InstanceType": "m7g.large"})
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateName": "theirs", "Version": "$Latest"},
            MinSize=0,
            MaxSize=2,
            AvailabilityZones=[SPEC.availability_zone],
            Tags=[{**tag, "PropagateAtLaunch": False} for tag in STRANGER],
        )
        return lambda: scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    iam, role = lab.client("iam"), SPEC.schedule_role_name if kind == "closing role" else SPEC.iam_name
    if kind in ("iam_role", "closing role"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=STRANGER)
        return lambda: iam.get_role(RoleName=role)["Role"]
    iam.create_instance_profile(InstanceProfileName=role, Tags=STRANGER)
    return lambda: iam.get_instance_profile(InstanceProfileName=role)["InstanceProfile"]


def uproot(lab: Lab, kind: str) -> None:
    name = SPEC.names.unique
    if kind == "launch_template":
        lab.client("ec2").delete_launch_template(LaunchTemplateName=name)
    elif kind == "autoscaling_group":
        lab.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name)
        lab.client("ec2").delete_launch_template(LaunchTemplateName="theirs")
    elif kind in ("iam_role", "closing role"):
        lab.client("iam").delete_role(RoleName=SPEC.schedule_role_name if kind == "closing role" else SPEC.iam_name)
    else:
        lab.client("iam").delete_instance_profile(InstanceProfileName=SPEC.iam_name)


STRANGERS = ("launch_template", "autoscaling_group", "iam_role", "instance_profile", "closing role")


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_under_our_name_is_refused_and_left_as_it_is(lab: Lab, api: FaultyApi, kind: str) -> None:
    read = plant(lab, kind)
    before = read()
    try:
        plan = read_and_compare(api, SPEC)
        with pytest.raises(CollectionError, match=r"Owner=Bob"):
            ensured(api)
        removed(api)

        foreign = [item.kind for item in plan.resources if item.state == "foreign"]
        assert foreign == ["iam_role" if kind == "closing role" else kind]
        assert [problem.code for problem in taken_problems(plan.resources)] == ["NAME_TAKEN"]
        assert read() == before
    finally:
        uproot(lab, kind)


# The kinds whose names need not be unique: a stranger's has our Name, and no tag of ours.
NAMED = {
    "vpc": "moon-vpc",
    "dhcp_options": "moon-dhcp",
    "internet_gateway": "moon-igw",
    "address": "moon-bastion",
}


def plant_named(lab: Lab, kind: str) -> tuple[str, Any]:
    """Make something of a stranger that has the Name of ours; return its id and a reading of it."""
    ec2 = lab.client("ec2")
    tags = [{"Key": "Name", "Value": NAMED[kind]}, {"Key": "Owner", "Value": "Bob"}]
    if kind == "vpc":
        made = ec2.create_vpc(CidrBlock=SPEC.vpc_ipv4_cidr)["Vpc"]["VpcId"]
        read = lambda: ec2.describe_vpcs(VpcIds=[made])["Vpcs"]  # noqa: E731
    elif kind == "dhcp_options":
        configuration = [{"Key": "domain-name", "Values": ["example.com"]}]
        made = ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
        read = lambda: ec2.describe_dhcp_options(DhcpOptionsIds=[made])["DhcpOptions"]  # noqa: E731
    elif kind == "internet_gateway":
        made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        read = lambda: ec2.describe_internet_gateways(InternetGatewayIds=[made])["InternetGateways"]  # noqa: E731
    else:
        made = ec2.allocate_address(Domain="vpc")["AllocationId"]
        read = lambda: ec2.describe_addresses(AllocationIds=[made])["Addresses"]  # noqa: E731
    ec2.create_tags(Resources=[made], Tags=tags)
    return made, read


@pytest.mark.parametrize("kind", NAMED)
def test_a_stranger_with_our_name_tag_is_neither_used_nor_removed(lab: Lab, api: FaultyApi, kind: str) -> None:
    made, read = plant_named(lab, kind)
    before = read()

    outcome = ensured(api)
    removed(api)

    assert made not in {item.id for item in outcome.after.resources}
    assert read() == before
    assert made not in {thing.id for thing in read_cluster(api, SPEC)}
