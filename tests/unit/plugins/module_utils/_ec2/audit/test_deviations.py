# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes in answers of AWS that moto and the lab cannot give: each is found, once and alone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.modules.ec2_audit_info import audit_info
from tests.ec2_cluster import IMAGE, Builder, MotoApi, empty_aws, node, spec
from tests.fake_credentials import tailscale_key

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
BASTION = {"instance_type": "t4g.small", "volume_size": 8, "image": IMAGE}
# What role access says of nodes.
LAUNCH = {"node_ssh_key_name": "", "node_ami_parameter": "/aws/service/ami-amazon-linux-latest/x"}
ENDED = "i-0abcdef0123456789"
KEY = tailscale_key("kABCDEF1CNTRL-abcdefghijklmnop")
Change = Callable[[dict[str, Any], dict[str, str]], None]


class ChangedApi:
    """An Api of which one operation answers otherwise."""

    def __init__(self, api: MotoApi, ids: dict[str, str]) -> None:
        self.api, self.ids = api, ids
        self.changes: dict[str, Change] = {}

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        answer = self.api.call(service, operation, **parameters)
        if change := self.changes.get(operation):
            answer = copy.deepcopy(answer)
            change(answer, {**self.ids, "asked": str(parameters)})
        return answer

    def audit(self, **changes: Any) -> list[dict[str, Any]]:
        deviations: list[dict[str, Any]] = audit_info(self, described(**changes), LAUNCH, NOW)["deviations"]
        return deviations


def described(**changes: Any) -> Any:
    return spec(bastion=BASTION, **changes)


def build(api: MotoApi, cluster_spec: Any) -> dict[str, str]:
    """Build the cluster and return its ids."""
    ids = Builder(api, cluster_spec).build()
    acl = api.call("ec2", "describe_network_acls", Filters=[{"Name": "vpc-id", "Values": [ids["vpc"]]}])
    # AWS gives it these entries with the block of IPv6.
    for egress in (False, True):
        api.clients["ec2"].create_network_acl_entry(
            NetworkAclId=acl["NetworkAcls"][0]["NetworkAclId"],
            RuleNumber=101,
            Protocol="-1",
            RuleAction="allow",
            Egress=egress,
            Ipv6CidrBlock="::/0",
        )
    return ids


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[MotoApi, dict[str, str]]]:
    """Build one cluster, which no test changes."""
    with empty_aws():
        api = MotoApi()
        ids = build(api, described())
        yield api, ids


@pytest.fixture
def api(cluster: tuple[MotoApi, dict[str, str]]) -> ChangedApi:
    """Give an Api without changes."""
    return ChangedApi(*cluster)


def second_ipv6(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    blocks = answer["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    blocks.append({**blocks[0], "Ipv6CidrBlock": "2001:db8:77::/56", "Ipv6CidrBlockState": {"State": "associated"}})


def ipv6_that_has_gone(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    blocks = answer["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    blocks.append({**blocks[0], "Ipv6CidrBlock": "2001:db8:77::/56", "Ipv6CidrBlockState": {"State": "disassociated"}})


def table_of_the_gateway(answer: dict[str, Any], ids: dict[str, str]) -> None:
    route = {"DestinationIpv6CidrBlock": "2001:db8::/64", "NetworkInterfaceId": "eni-0123456789abcdef0"}
    association = {"RouteTableAssociationId": "rtbassoc-1", "GatewayId": ids["internet_gateway"], "Main": False}
    table = {"RouteTableId": "rtb-0123456789abcdef0", "Routes": [route], "Associations": [association]}
    answer["RouteTables"].append({**table, "VpcId": ids["vpc"], "Tags": []})


def route(**target: str) -> Change:
    def change(answer: dict[str, Any], ids: dict[str, str]) -> None:
        (ours,) = (item for item in answer["RouteTables"] if item["RouteTableId"] == ids["route_table"])
        ours["Routes"].append({"DestinationCidrBlock": "172.16.0.0/12", "State": "active", **target})

    return change


def route_to_a_list_of_aws(answer: dict[str, Any], ids: dict[str, str]) -> None:
    route(GatewayId="vpce-0123456789abcdef0")(answer, ids)
    for table in answer["RouteTables"]:
        for item in table["Routes"]:
            if item.get("GatewayId") == "vpce-0123456789abcdef0":
                item["DestinationPrefixListId"] = "pl-6da54004"
                del item["DestinationCidrBlock"]


def interface_of(kind: str) -> Change:
    def change(answer: dict[str, Any], ids: dict[str, str]) -> None:
        (ours,) = (item for item in answer["NetworkInterfaces"] if item["NetworkInterfaceId"] == ids["eni/gateway"])
        made = {"NetworkInterfaceId": "eni-0123456789abcdef0", "InterfaceType": kind, "RequesterManaged": True}
        answer["NetworkInterfaces"].append({**ours, **made, "TagSet": [], "Attachment": {}, "Description": kind})

    return change


def in_another_vpc(public: str = "") -> Change:
    def change(answer: dict[str, Any], _ids: dict[str, str]) -> None:
        face = {"NetworkInterfaceId": "eni-0123456789abcdef0", "VpcId": "vpc-0123456789abcdef0"}
        face |= {"Association": {"PublicIp": public}} if public else {}  # type: ignore[dict-item]
        for reservation in answer["Reservations"]:
            for instance in reservation["Instances"]:
                instance["NetworkInterfaces"].append(face)

    return change


def secret_in_the_description(answer: dict[str, Any], ids: dict[str, str]) -> None:
    (ours,) = (item for item in answer["NetworkInterfaces"] if item["NetworkInterfaceId"] == ids["eni/gateway"])
    ours["Description"] = f"key {KEY}"


def secret_of_a_rule(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    answer["SecurityGroupRules"][0]["Description"] = f"key {KEY}"


def secret_of_a_version(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    answer["LaunchTemplateVersions"][0]["VersionDescription"] = f"key {KEY}"


def secret_of_a_role(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    if answer["Role"]["RoleName"] == described().iam_name:
        answer["Role"]["Description"] = f"key {KEY}"


def group_with(**settings: Any) -> Change:
    return lambda answer, _ids: answer["AutoScalingGroups"][0].update(settings)


def template_with(**settings: Any) -> Change:
    return lambda answer, _ids: answer["LaunchTemplateVersions"][0]["LaunchTemplateData"].update(settings)


def node_with(**settings: Any) -> Change:
    def change(answer: dict[str, Any], _ids: dict[str, str]) -> None:
        for reservation in answer["Reservations"]:
            for instance in reservation["Instances"]:
                instance.update(settings)

    return change


def image_of(**owner: str) -> Change:
    def change(answer: dict[str, Any], ids: dict[str, str]) -> None:
        if "image-id" in ids["asked"]:
            answer["Images"] = [{"ImageId": IMAGE, **owner}]

    return change


def interface_at(*, account: str = "123456789012", instance: str = "instance/gateway", face: str = "gateway") -> Change:
    def change(answer: dict[str, Any], ids: dict[str, str]) -> None:
        (ours,) = (item for item in answer["NetworkInterfaces"] if item["NetworkInterfaceId"] == ids[f"eni/{face}"])
        ours["Attachment"] = {"InstanceId": ids.get(instance, instance), "InstanceOwnerId": account}

    return change


def public_by_a_carrier(answer: dict[str, Any], ids: dict[str, str]) -> None:
    (ours,) = (item for item in answer["NetworkInterfaces"] if item["NetworkInterfaceId"] == ids["eni/gateway"])
    ours["Association"] = {"CarrierIp": "198.51.100.9", "AllocationId": "eipalloc-1"}


def endpoint_of_a_service_network(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    arn = "arn:aws:vpc-lattice:eu-west-1:210987654321:servicenetwork/sn-1"
    answer["VpcEndpoints"] = [{"VpcEndpointId": "vpce-1", "ServiceNetworkArn": arn, "State": "Available"}]


def second_user_of_a_volume(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    for record in answer["Volumes"]:
        record["Attachments"] = [*record["Attachments"], {"InstanceId": ENDED}]


TARGETS = ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/theirs/0123456789abcdef"]
SETTINGS: dict[str, Any] = {
    "TargetGroupARNs": TARGETS,
    "LoadBalancerNames": ["theirs"],
    "TrafficSources": [{"Identifier": TARGETS[0], "Type": "vpc-lattice"}],
    "Instances": [{"InstanceId": "i-0123456789abcdef0", "ProtectedFromScaleIn": True}],
    "WarmPoolConfiguration": {"MinSize": 1},
    "MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": [{"InstanceType": "c7g.16xlarge"}]}},
    "TerminationPolicies": ["arn:aws:lambda:eu-west-1:123456789012:function:f"],
}


@pytest.mark.parametrize(
    ("operation", "change", "code"),
    [
        *(
            pytest.param("describe_auto_scaling_groups", group_with(**{key: value}), "SCALING_NOT_AS_DESCRIBED", id=key)
            for key, value in SETTINGS.items()
        ),
        pytest.param(
            "describe_auto_scaling_groups", group_with(MinSize=1), "SCALING_SIZE_NOT_DESCRIBED", id="always one machine"
        ),
        pytest.param(
            "describe_launch_template_versions",
            template_with(SecondaryInterfaces=[{"DeviceIndex": 1}]),
            "TEMPLATE_NOT_AS_DESCRIBED",
            id="a secondary interface",
        ),
        pytest.param("describe_instances", node_with(KeyName="theirs"), "INSTANCE_NOT_AS_DESCRIBED", id="a key pair"),
        pytest.param(
            "describe_images",
            image_of(OwnerId="210987654321"),
            "INSTANCE_NOT_AS_DESCRIBED",
            id="an image of another account",
        ),
        pytest.param(
            "describe_network_interfaces",
            interface_at(account="210987654321", instance=ENDED),
            "INTERFACE_ON_OTHER_MACHINE",
            id="a machine of another account",
        ),
        pytest.param(
            "describe_network_interfaces",
            interface_at(face="bastion"),
            "INTERFACE_ON_OTHER_MACHINE",
            id="a node with the bastion's interface",
        ),
        pytest.param("describe_network_interfaces", public_by_a_carrier, "PUBLIC_IPV4", id="a carrier's address"),
        pytest.param(
            "describe_vpc_endpoints",
            endpoint_of_a_service_network,
            "VPC_ENDPOINT_NOT_DESCRIBED",
            id="an endpoint without a service",
        ),
        pytest.param("describe_vpcs", second_ipv6, "VPC_NETWORK_NOT_DESCRIBED", id="a second network of IPv6"),
        pytest.param(
            "describe_route_tables", table_of_the_gateway, "ROUTE_TABLE_NOT_DESCRIBED", id="a table of the gateway"
        ),
        pytest.param(
            "describe_route_tables", route(TransitGatewayId="tgw-1"), "ROUTE_NOT_ALLOWED", id="a transit gateway"
        ),
        pytest.param(
            "describe_route_tables",
            route(EgressOnlyInternetGatewayId="eigw-1"),
            "ROUTE_NOT_ALLOWED",
            id="an egress-only gateway",
        ),
        pytest.param(
            "describe_route_tables",
            route(CoreNetworkArn="arn:aws:networkmanager::123456789012:core-network/x"),
            "ROUTE_NOT_ALLOWED",
            id="a core network",
        ),
        pytest.param(
            "describe_network_interfaces",
            interface_of("transit_gateway"),
            "INTERFACE_NOT_DESCRIBED",
            id="an attachment of a transit gateway",
        ),
        pytest.param(
            "describe_network_interfaces",
            interface_of("ec2_instance_connect_endpoint"),
            "INTERFACE_NOT_DESCRIBED",
            id="an endpoint of EC2 Instance Connect",
        ),
        pytest.param(
            "describe_network_interfaces", interface_of("lambda"), "INTERFACE_NOT_DESCRIBED", id="a function of Lambda"
        ),
        pytest.param(
            "describe_network_interfaces",
            interface_of("network_load_balancer"),
            "INTERFACE_NOT_DESCRIBED",
            id="a load balancer",
        ),
        pytest.param("describe_instances", in_another_vpc(), "INTERFACE_ACROSS_VPCS", id="two VPCs"),
        pytest.param("describe_network_interfaces", secret_in_the_description, "TEXT_SECRET", id="an interface's text"),
        pytest.param("describe_security_group_rules", secret_of_a_rule, "TEXT_SECRET", id="a rule's text"),
        pytest.param("describe_launch_template_versions", secret_of_a_version, "TEXT_SECRET", id="a version's text"),
        pytest.param("get_role", secret_of_a_role, "TEXT_SECRET", id="a role's text"),
    ],
)
def test_a_hole_in_an_answer_is_one_deviation(api: ChangedApi, operation: str, change: Change, code: str) -> None:
    api.changes[operation] = change

    deviations = api.audit()

    assert [item["code"] for item in deviations] == [code], deviations
    assert KEY not in str(deviations)


def test_an_interface_in_another_vpc_with_a_public_address_is_critical(api: ChangedApi) -> None:
    api.changes["describe_instances"] = in_another_vpc("198.51.100.9")

    assert [(item["code"], item["severity"]) for item in api.audit()] == [("INTERFACE_ACROSS_VPCS", "critical")]


def test_a_route_to_a_prefix_list_of_aws_is_not_allowed(api: ChangedApi) -> None:
    api.changes["describe_route_tables"] = route_to_a_list_of_aws
    api.changes["get_managed_prefix_list_entries"] = lambda answer, _ids: answer.update(Entries=[])

    (deviation,) = api.audit()

    assert (deviation["code"], "pl-6da54004" in deviation["message"]) == ("ROUTE_NOT_ALLOWED", True)


def test_a_second_user_of_a_volume_is_found(api: ChangedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = {"InstanceId": ENDED, "VpcId": "vpc-0123456789abcdef0"}
    call = api.call

    def answer(service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "describe_instances" and ENDED in str(parameters):
            return {"Reservations": [{"Instances": [outside]}]}
        return call(service, operation, **parameters)

    monkeypatch.setattr(api, "call", answer)
    api.changes["describe_volumes"] = second_user_of_a_volume

    (deviation,) = api.audit()

    assert (deviation["code"], ENDED in deviation["message"]) == ("VOLUME_USED_OUTSIDE_CLUSTER", True)


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        pytest.param(
            "describe_images",
            image_of(OwnerId="137112412989", ImageOwnerAlias="amazon"),
            id="an image of Amazon",
        ),
        pytest.param("describe_volumes", second_user_of_a_volume, id="a volume at a machine that has just ended"),
        pytest.param(
            "describe_auto_scaling_groups", group_with(TerminationPolicies=["Default"]), id="the usual termination"
        ),
    ],
)
def test_what_is_usual_is_not_a_deviation(api: ChangedApi, operation: str, change: Change) -> None:
    api.changes[operation] = change

    assert api.audit() == []


def test_an_image_of_a_private_parameter_is_not_compared(api: ChangedApi) -> None:
    api.changes["describe_images"] = image_of(OwnerId="210987654321")

    result = audit_info(api, described(), {"node_ami_parameter": "/ours/image"}, NOW)

    assert result["deviations"] == []


def test_a_network_of_ipv6_that_has_gone_is_not_a_hole(api: ChangedApi) -> None:
    api.changes["describe_vpcs"] = ipv6_that_has_gone

    assert api.audit() == []


def history(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    answer["Activities"] = [{"Description": f"Terminating EC2 instance: {ENDED}"}]


def image_of_an_ended_machine(answer: dict[str, Any], ids: dict[str, str]) -> None:
    if ENDED in ids["asked"]:
        answer["Images"] = [{"ImageId": "ami-0123456789abcdef0", "SourceInstanceId": ENDED, "Name": "copy"}]


def snapshot_of_an_ended_machine(answer: dict[str, Any], ids: dict[str, str]) -> None:
    if ENDED in ids["asked"]:
        text = f"Created by CreateImage({ENDED}) for ami-0123456789abcdef0"
        answer["Snapshots"] = [
            {"SnapshotId": "snap-0123456789abcdef0", "VolumeId": "vol-ffffffff", "Description": text, "Encrypted": True}
        ]


@pytest.mark.parametrize(
    ("kind", "change", "permissions"),
    [
        pytest.param("image", image_of_an_ended_machine, {"LaunchPermissions": [{"Group": "all"}]}, id="image"),
        pytest.param(
            "snapshot", snapshot_of_an_ended_machine, {"CreateVolumePermissions": [{"Group": "all"}]}, id="snapshot"
        ),
    ],
)
def test_a_public_copy_of_a_machine_that_only_the_history_names_is_found(
    api: ChangedApi,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    change: Change,
    permissions: dict[str, Any],
) -> None:
    call = api.call

    def answer(service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        # moto knows neither of them.
        return permissions if operation == f"describe_{kind}_attribute" else call(service, operation, **parameters)

    monkeypatch.setattr(api, "call", answer)
    api.changes[f"describe_{kind}s"] = change

    assert api.audit() == []
    api.changes["describe_scaling_activities"] = history
    assert [item["code"] for item in api.audit()] == [f"{kind.upper()}_PUBLIC"]


def snapshots_with_our_words(**record: Any) -> Change:
    def change(answer: dict[str, Any], _ids: dict[str, str]) -> None:
        answer["Snapshots"] = [
            {"SnapshotId": "snap-0123456789abcdef0", "VolumeId": "vol-ffffffff", "Encrypted": False, **record}
        ]

    return change


@pytest.mark.parametrize(
    "record",
    [
        pytest.param({"Description": "honeymoon-bastion"}, id="the end of another name"),
        pytest.param({"Description": "moon-bastions"}, id="the start of another name"),
        pytest.param(
            {"Description": "moon-bastion", "Tags": [{"Key": "Project", "Value": "theirs"}]}, id="another project"
        ),
    ],
)
def test_a_copy_of_another_owner_is_not_a_hole(api: ChangedApi, record: dict[str, Any]) -> None:
    api.changes["describe_snapshots"] = snapshots_with_our_words(**record)

    assert api.audit() == []


def test_the_same_tag_on_everything_is_one_deviation(api: ChangedApi) -> None:
    def with_a_key(answer: dict[str, Any], _ids: dict[str, str]) -> None:
        for kind in ("NetworkInterfaces", "SecurityGroups", "Vpcs"):
            for record in answer.get(kind, ()):
                record.setdefault("TagSet" if kind == "NetworkInterfaces" else "Tags", []).append(
                    {"Key": "Token", "Value": KEY}
                )

    for operation in ("describe_network_interfaces", "describe_security_groups", "describe_vpcs"):
        api.changes[operation] = with_a_key

    (deviation,) = api.audit()

    assert deviation["code"] == "TEXT_SECRET"
    assert "tag Token and of 5 other resources" in deviation["message"]
    assert KEY not in str(deviation)


def made_of_the_first_version(answer: dict[str, Any], ids: dict[str, str]) -> None:
    tags = {"aws:ec2launchtemplate:id": ids["launch_template/bastion"], "aws:ec2launchtemplate:version": "1"}
    for reservation in answer["Reservations"]:
        for instance in reservation["Instances"]:
            instance["Tags"] += [{"Key": key, "Value": value} for key, value in tags.items()]


@pytest.mark.parametrize(
    ("first", "codes"),
    [
        pytest.param({"ImageId": "ami-0123456789abcdef0"}, [], id="an image of before"),
        pytest.param({"KeyName": "theirs"}, ["TEMPLATE_NOT_AS_DESCRIBED"], id="another key pair"),
    ],
)
def test_only_the_key_pair_is_compared_in_the_older_version_of_an_instance(
    api: ChangedApi, first: dict[str, str], codes: list[str]
) -> None:
    def two_versions(answer: dict[str, Any], _ids: dict[str, str]) -> None:
        (only,) = answer["LaunchTemplateVersions"]
        data = {**only["LaunchTemplateData"], **first}
        answer["LaunchTemplateVersions"] = [{**only, "LaunchTemplateData": data}, {**only, "VersionNumber": 2}]

    def newest_is_the_second(answer: dict[str, Any], _ids: dict[str, str]) -> None:
        for record in answer["LaunchTemplates"]:
            record |= {"LatestVersionNumber": 2}

    api.changes |= {
        "describe_launch_template_versions": two_versions,
        "describe_launch_templates": newest_is_the_second,
        "describe_instances": made_of_the_first_version,
    }

    assert [item["code"] for item in api.audit()] == codes


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as described"),
        pytest.param({"home_schedule_enabled": True}, id="home access that AWS closes"),
        pytest.param({"ssh_enabled": False}, id="without SSH to the nodes"),
        pytest.param({"nodes": [node(), node("compute-2", ipv4="10.10.0.102")]}, id="a node that is not built yet"),
    ],
)
def test_a_clean_cluster_has_no_deviation(api: ChangedApi, changes: dict[str, Any]) -> None:
    assert api.audit(**changes) == []


def without_ipv6(answer: dict[str, Any], _ids: dict[str, str]) -> None:
    for record in (*answer.get("Vpcs", ()), *answer.get("Subnets", ())):
        record["Ipv6CidrBlockAssociationSet"] = []


def test_a_clean_network_without_ipv6_has_no_deviation(api: ChangedApi) -> None:
    api.changes |= {"describe_vpcs": without_ipv6, "describe_subnets": without_ipv6}

    assert api.audit() == []
