# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the account allows: quotas less what is in use, the subnet, and the plan."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import AMI_PARAMETER
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import cluster_tags
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.preflight.account import (
    QUOTAS,
    Account,
    is_standard,
    plan_problems,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.preflight.checks import (
    Inquiry,
    answer_problems,
    ask,
    notes,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec
from ansible_collections.urmanac.talos.plugins.module_utils._findings import Finding, finding
from tests.ec2_cluster import OWNER, Builder, MotoApi, account_answers, empty_aws, node, spec, tag_list

PLENTY = {quota.code: 1000.0 for quota in QUOTAS.values()}
BASTION = {"instance_type": "t4g.small", "volume_size": 30, "image": f"resolve:ssm:{AMI_PARAMETER}"}
NODES = [node("gateway"), node("b", ipv4="10.10.0.102"), node("c", ipv4="10.10.0.103")]


def tags(**more: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in {**OWNER, **more}.items()]


def machine(
    owner: str | None = None, *, kind: str = "t4g.medium", cores: int = 2, spot: bool = False
) -> dict[str, Any]:
    """Return a running instance; owner is a machine of the cluster, None a stranger's."""
    life = {"InstanceLifecycle": "spot"} if spot else {}
    options = {"CoreCount": cores, "ThreadsPerCore": 1}
    return {"InstanceType": kind, "CpuOptions": options, "Tags": tags(Node=owner) if owner else [], **life}


class AccountApi:
    """An account with quotas and things in use; operations in refuse are not allowed."""

    def __init__(self, **quotas: float) -> None:
        self.quotas = PLENTY | {QUOTAS[name].code: value for name, value in quotas.items()}
        self.instances: list[dict[str, Any]] = []
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.plan = "PAID"
        self.eligible = False
        self.refuse: dict[str, str] = {}
        self.reason = "AccessDenied"
        self.without_own_value: set[str] = set()

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation in self.refuse:
            code = self.refuse[operation]
            raise AwsError(finding(code, f"call {service}:{operation}", "no", f"Allow {operation}."), self.reason)
        if operation == "get_service_quota" and parameters["QuotaCode"] in self.without_own_value:
            raise AwsError(finding("AWS_ERROR", "call it", "none", "Look."), "NoSuchResourceException")
        return self._answer(operation, parameters)

    def _answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        lists = ("AvailabilityZones", "InstanceTypeOfferings", "Images", "Addresses", "Vpcs", "NetworkInterfaces")
        answer: dict[str, Any] = {key: self.lists.get(key, []) for key in (*lists, "Subnets", "SecurityGroups")}
        answer["AvailabilityZones"] = [{"ZoneName": "eu-west-1a", "State": "available"}]
        answer["InstanceTypes"] = [self._type("t4g.medium"), self._type("t4g.small")]
        answer["InstanceTypeOfferings"] = [{"InstanceType": name} for name in ("t4g.medium", "t4g.small")]
        answer["Images"] = [{"Name": "al2023", "RootDeviceName": "/dev/xvda"}]
        answer["Parameter"] = {"Value": "ami-1"}
        answer |= {"Account": "1", "accountPlanType": self.plan, "Reservations": [{"Instances": self.instances}]}
        return {**answer, "Quota": {"Value": self.quotas.get(parameters.get("QuotaCode", ""))}}

    def _type(self, name: str) -> dict[str, Any]:
        return {
            "InstanceType": name,
            "ProcessorInfo": {"SupportedArchitectures": ["arm64"]},
            "VCpuInfo": {"DefaultVCpus": 2},
            "MemoryInfo": {"SizeInMiB": 4096},
            "BurstablePerformanceSupported": True,
            "FreeTierEligible": self.eligible or name == "t4g.small",
        }


def described(**changes: Any) -> ClusterSpec:
    """Return the default topology: three nodes and a bastion, eight vCPUs."""
    return spec(**{"nodes": NODES, "bastion": BASTION, **changes})


def inquire(api: AccountApi, cluster_spec: ClusterSpec | None = None) -> tuple[list[Finding], Inquiry]:
    cluster_spec = cluster_spec or described()
    inquiry = ask(api, cluster_spec)
    assert inquiry.refusals == []
    return list(answer_problems(cluster_spec, inquiry.answers)), inquiry


def codes(api: AccountApi, cluster_spec: ClusterSpec | None = None) -> list[str]:
    return [problem.code for problem in inquire(api, cluster_spec)[0]]


def test_an_account_that_allows_enough_has_neither_problems_nor_notes() -> None:
    problems, inquiry = inquire(AccountApi(vcpus=8, addresses=1, vpcs=1, rules=5, interfaces=4))

    assert (problems, inquiry.notes) == ([], [])


def test_the_vcpus_of_a_new_account_are_too_few_and_the_problem_says_how_many() -> None:
    (problem,), _inquiry = inquire(AccountApi(vcpus=5))

    assert problem.code == "VCPU_QUOTA_TOO_SMALL"
    assert "8 more are needed, 0 are in use, and the quota is 5" in problem.message
    assert "L-1216C47A" in problem.remedy
    assert "--desired-value 8" in problem.remedy


def test_an_instance_without_cpu_options_counts_with_the_vcpus_of_its_type() -> None:
    api = AccountApi(vcpus=9)
    api.instances = [{key: value for key, value in machine().items() if key != "CpuOptions"}]

    (problem,), _inquiry = inquire(api)

    assert "8 more are needed, 2 are in use" in problem.message


@pytest.mark.parametrize(
    ("quotas", "expected"),
    [
        pytest.param({"vcpus": 7}, "VCPU_QUOTA_TOO_SMALL", id="vCPUs"),
        pytest.param({"addresses": 0}, "ADDRESS_QUOTA_TOO_SMALL", id="Elastic IPs"),
        pytest.param({"vpcs": 0}, "VPC_QUOTA_TOO_SMALL", id="VPCs"),
        pytest.param({"rules": 2}, "RULE_QUOTA_TOO_SMALL", id="rules of a group"),
        pytest.param({"interfaces": 3}, "INTERFACE_QUOTA_TOO_SMALL", id="interfaces"),
    ],
)
def test_each_quota_that_is_too_small_is_a_problem(quotas: dict[str, float], expected: str) -> None:
    assert codes(AccountApi(**quotas)) == [expected]


def test_what_others_use_counts() -> None:
    api = AccountApi(vcpus=10, addresses=2, vpcs=2, interfaces=5)
    api.instances = [machine(cores=4)]
    api.lists = {"Addresses": [{}, {}], "Vpcs": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}], "NetworkInterfaces": [{}, {}]}

    assert codes(api) == [
        "VCPU_QUOTA_TOO_SMALL",
        "ADDRESS_QUOTA_TOO_SMALL",
        "VPC_QUOTA_TOO_SMALL",
        "INTERFACE_QUOTA_TOO_SMALL",
    ]


def test_a_second_run_needs_nothing_more_even_where_the_quotas_are_used_up() -> None:
    api = AccountApi(vcpus=8, addresses=1, vpcs=1, interfaces=4)
    names = ("gateway", "b", "c", "bastion")
    api.instances = [machine(name) for name in names]
    interfaces = [{"TagSet": tags(Node=name)} for name in names]
    api.lists = {
        "Addresses": [{"Tags": tags(Node="bastion")}],
        "Vpcs": [{"VpcId": "vpc-1", "Tags": tags()}],
        "NetworkInterfaces": interfaces,
        "Subnets": [{"AvailableIpAddressCount": 0}],
    }

    assert codes(api) == []


def test_another_cluster_of_the_same_project_is_not_ours() -> None:
    api = AccountApi(vpcs=1)
    api.lists = {"Vpcs": [{"VpcId": "vpc-1", "Tags": tags(Cluster="sun")}]}

    assert codes(api) == ["VPC_QUOTA_TOO_SMALL"]


def test_a_node_that_is_still_missing_needs_its_share() -> None:
    api = AccountApi(vcpus=7)
    api.instances = [machine("gateway"), machine("b"), machine("bastion")]

    assert codes(api) == ["VCPU_QUOTA_TOO_SMALL"]


def test_spot_and_other_families_do_not_use_the_quota_of_standard_instances() -> None:
    api = AccountApi(vcpus=8)
    api.instances = [machine(cores=64, spot=True), machine(cores=64, kind="g5g.16xlarge"), machine(kind="p5.48xlarge")]

    assert codes(api) == []


@pytest.mark.parametrize("name", ["t4g.medium", "c8g.large", "m7gd.xlarge", "im4gn.large", "i4g.large", "z1d.large"])
def test_standard_families_are_known(name: str) -> None:
    assert is_standard(name)


@pytest.mark.parametrize(
    "name", ["inf1.xlarge", "g5g.xlarge", "p5.48xlarge", "x2gd.large", "trn1.2xlarge", "hpc7g.4xlarge"]
)
def test_other_families_are_known(name: str) -> None:
    assert not is_standard(name)


@pytest.mark.parametrize("egress", ["none", "wireguard"])
def test_without_an_elastic_ip_its_quota_does_not_matter(egress: str) -> None:
    bastion = {**BASTION, "egress": egress, "wireguard_parameter": "/talos/wireguard"}

    assert codes(AccountApi(addresses=0), described(bastion=bastion)) == []


def test_a_subnet_without_free_addresses_is_a_problem() -> None:
    api = AccountApi()
    api.lists = {"Subnets": [{"AvailableIpAddressCount": 3}]}

    (problem,), _inquiry = inquire(api)

    assert (problem.code, problem.message) == (
        "SUBNET_FULL",
        "4 addresses are needed, but the subnet has only 3 free.",
    )


def test_an_account_on_the_free_plan_may_launch_eligible_types_alone() -> None:
    api = AccountApi()
    api.plan = "FREE"

    (problem,), _inquiry = inquire(api)

    assert (problem.code, problem.subject) == ("FREE_PLAN_TYPE", "instance type t4g.medium")
    assert "Paid plan" in problem.remedy
    api.eligible = True
    assert codes(api) == []


def test_a_plan_that_launches_another_type_of_the_description_says_which() -> None:
    (problem,) = plan_problems(Account(plan="FREE"), {"t4g.medium": False, "t4g.small": True})

    assert problem.remedy.endswith(", which keeps unused credits. The plan allows t4g.small.")


def test_a_quota_without_a_value_of_its_own_has_the_default_of_aws() -> None:
    api = AccountApi(vcpus=5)
    api.without_own_value = set(PLENTY)

    assert codes(api) == ["VCPU_QUOTA_TOO_SMALL"]


@pytest.mark.parametrize(
    ("operation", "code", "subject"),
    [
        pytest.param("get_service_quota", "NOT_AUTHORIZED", "vCPUs of running instances, Elastic IPs", id="quotas"),
        pytest.param("get_account_plan_state", "NOT_AUTHORIZED", "plan of the account", id="plan"),
        pytest.param("get_account_plan_state", "ENDPOINT_UNREACHABLE", "plan of the account", id="no such endpoint"),
        pytest.param("describe_addresses", "NOT_AUTHORIZED", "Elastic IPs", id="what is in use"),
        pytest.param(
            "describe_instance_type_offerings", "NOT_AUTHORIZED", "instance types of the availability zone", id="types"
        ),
        pytest.param("describe_availability_zones", "NOT_AUTHORIZED", "availability zone", id="zones"),
    ],
)
def test_a_question_that_is_denied_is_one_note_with_the_permission(operation: str, code: str, subject: str) -> None:
    api = AccountApi(vcpus=5 if operation != "get_service_quota" else 0)
    api.refuse = {operation: code}

    problems, inquiry = inquire(api)

    assert [problem.code for problem in problems] == (
        [] if operation == "get_service_quota" else ["VCPU_QUOTA_TOO_SMALL"]
    )
    (note,) = inquiry.notes
    assert note.code == "NOT_CHECKED"
    assert note.subject.startswith(subject)
    assert note.remedy == f"Allow {operation}."


def test_an_account_without_the_role_of_auto_scaling_is_a_note_only_if_a_group_is_described() -> None:
    api = AccountApi()
    api.refuse = {"get_role": "AWS_ERROR"}
    api.reason = "NoSuchEntity"

    (note,) = notes(ask(api, described()).answers, ())

    assert note.code == "SERVICE_ROLE_MISSING"
    assert "iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com" in note.remedy
    assert notes(ask(api, described(bastion=None)).answers, ()) == []


def test_a_role_of_auto_scaling_that_may_not_be_read_is_not_checked() -> None:
    api = AccountApi()
    api.refuse = {"get_role": "NOT_AUTHORIZED"}

    (note,) = ask(api, described()).notes

    assert (note.code, note.subject) == ("NOT_CHECKED", "role AWSServiceRoleForAutoScaling")


def test_an_account_without_a_plan_gets_no_note() -> None:
    # What botocore's model of the service freetier lists for this call: ResourceNotFoundException.
    api = AccountApi(vcpus=8)
    api.refuse = {"get_account_plan_state": "AWS_ERROR"}
    api.reason = "ResourceNotFoundException"

    problems, inquiry = inquire(api)

    assert inquiry.answers.limits.plan is None
    assert (problems, inquiry.notes) == ([], [])


def test_a_cause_that_is_a_refusal_already_is_not_a_note_as_well() -> None:
    api = AccountApi()
    api.refuse = {"get_caller_identity": "CREDENTIALS_EXPIRED", "get_service_quota": "CREDENTIALS_EXPIRED"}

    inquiry = ask(api, described())

    assert [problem.code for problem in inquiry.refusals] == ["CREDENTIALS_EXPIRED"]
    assert inquiry.notes == []


def test_a_built_cluster_is_found_in_use_by_its_tags() -> None:
    with empty_aws(), account_answers():
        api = MotoApi()
        Builder(api, described()).build()
        # Another owner's small subnet with the tags that name the cluster.
        vpc = api.clients["ec2"].create_vpc(CidrBlock="10.99.0.0/28")["Vpc"]["VpcId"]
        tags = [{"ResourceType": "subnet", "Tags": tag_list(cluster_tags(described()))}]
        api.clients["ec2"].create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/28", TagSpecifications=tags)
        limits = ask(api, described()).answers.limits

    assert limits.addresses and limits.addresses.ours == {"bastion"}
    assert limits.interfaces and limits.interfaces.ours == {"gateway", "b", "c", "bastion"}
    assert limits.vpcs and limits.vpcs.ours == {"moon"}
    assert limits.vcpus and limits.vcpus.ours == {"gateway", "b", "c"}
    assert limits.subnet_free and limits.subnet_free > 200
