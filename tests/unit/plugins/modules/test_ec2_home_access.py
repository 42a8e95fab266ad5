# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the modules about home access as Ansible runs them, with moto as AWS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import boto3
import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.input import Refusal
from ansible_collections.urmanac.talos.plugins.modules import ec2_home_access, ec2_home_access_info
from tests.ec2_cluster import OWNER, change_schedule, empty_aws, run_module
from tests.home_access import REGION, make_group, make_groups, open_ports

# Global, and allocated to no one yet: those for documentation are refused outside a lab.
HOME = "2000:db8:1:2::/64"
NEW_HOME = "2000:db8:7:8::/64"
CLUSTER = {"name": "moon", "project": "talos-arm64", "region": REGION}
ROLE = "arn:aws:iam::123456789012:role/talos-arm64-moon-home-access"


class Cloud(NamedTuple):
    ec2: Any
    groups: dict[str, str]
    capsys: pytest.CaptureFixture[str]

    def run(self, **options: Any) -> dict[str, Any]:
        return run_module(ec2_home_access.main, self.capsys, **{**CLUSTER, **options})

    def info(self) -> dict[str, Any]:
        return run_module(ec2_home_access_info.main, self.capsys, **CLUSTER)

    def open(self) -> set[tuple[str, int, str]]:
        return open_ports(self.ec2, self.groups)

    def rules(self) -> list[dict[str, Any]]:
        filters = [{"Name": "group-id", "Values": list(self.groups.values())}]
        rules = self.ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
        return [rule for rule in rules if not rule["IsEgress"]]

    def expire(self, text: str = "2020-01-01T00:00:00Z") -> None:
        ids = [rule["SecurityGroupRuleId"] for rule in self.rules()]
        self.ec2.create_tags(Resources=ids, Tags=[{"Key": "Expires", "Value": text}])


@pytest.fixture
def cloud(capsys: pytest.CaptureFixture[str]) -> Iterator[Cloud]:
    with empty_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        yield Cloud(ec2, make_groups(ec2), capsys)


def ports_for(network: str) -> set[tuple[str, int, str]]:
    return {("nodes", 6443, network), ("nodes", 50000, network), ("bastion", 22, network)}


def test_home_access_opens_two_ports_of_the_nodes_and_one_of_the_bastion(cloud: Cloud) -> None:
    result = cloud.run(ipv6=HOME)

    assert result["changed"] is True
    assert cloud.open() == ports_for(HOME)
    assert {rule["Description"] for rule in cloud.rules()} == {
        "Kubernetes API from home",
        "Talos API from home",
        "SSH from home",
    }
    assert {rule["IpProtocol"] for rule in cloud.rules()} == {"tcp"}
    assert all(rule["FromPort"] == rule["ToPort"] for rule in cloud.rules())


def test_the_rules_say_whose_they_are_and_until_when(cloud: Cloud) -> None:
    cloud.run(ipv6=HOME, expires="2d")

    for rule in cloud.rules():
        tags = {tag["Key"]: tag["Value"] for tag in rule["Tags"]}
        assert tags.pop("Expires") > datetime.now(UTC).isoformat()
        assert tags == {
            "Name": "moon-home-access",
            "Project": "talos-arm64",
            "Cluster": "moon",
            "ManagedBy": "urmanac.talos",
            "Purpose": "home-access",
        }


# Groups of strangers under the cluster's name; ids are random, so several of them, of which one sorts first.
@pytest.mark.parametrize("managed_by", ["", "terraform"])
def test_groups_of_strangers_with_the_clusters_name_stay_as_they_are(cloud: Cloud, managed_by: str) -> None:
    theirs = [make_groups(cloud.ec2, managed_by=managed_by) for _ in range(6)]

    cloud.run(ipv6=HOME)

    assert cloud.open() == ports_for(HOME)
    assert [open_ports(cloud.ec2, groups) for groups in theirs] == [set()] * 6


def test_a_group_with_the_clusters_tags_in_a_vpc_of_another_owner_stays_as_it_is(cloud: Cloud) -> None:
    vpc = cloud.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    tags = {"Name": "moon-nodes", **OWNER}
    theirs = [make_group(cloud.ec2, vpc, tags)]
    cloud.ec2.delete_security_group(GroupId=cloud.groups.pop("nodes"))

    result = cloud.run(ipv6=HOME)

    assert "the security group moon-nodes of project talos-arm64 does not exist" in result["msg"]
    assert open_ports(cloud.ec2, dict(zip(("nodes",), theirs, strict=True))) == set()


def test_two_groups_that_may_be_the_clusters_are_an_error_that_names_both(cloud: Cloud) -> None:
    other = make_groups(cloud.ec2)

    result = cloud.run(ipv6=HOME)

    assert result["failed"]
    assert cloud.groups["nodes"] in result["msg"]
    assert other["nodes"] in result["msg"]
    assert (cloud.open(), open_ports(cloud.ec2, other)) == (set(), set())


@pytest.mark.parametrize("options", [{}, {"expires": "8h"}, {"expires": "2d", "replace": True}], ids=str)
def test_a_second_run_changes_nothing(cloud: Cloud, options: dict[str, Any]) -> None:
    first = cloud.run(ipv6=HOME, **options)
    before = cloud.rules()

    second = cloud.run(ipv6=HOME, **options)

    assert (second["changed"], cloud.rules()) == (False, before)
    assert second["open"] == first["open"]
    assert second["diff"]["before"] == second["diff"]["after"]


def test_one_address_is_opened_alone(cloud: Cloud) -> None:
    cloud.run(ipv6="2000:db8:1:2::5")

    assert cloud.open() == ports_for("2000:db8:1:2::5/128")


def test_check_mode_shows_the_difference_and_changes_nothing(cloud: Cloud) -> None:
    result = cloud.run(ipv6=HOME, _ansible_check_mode=True, _ansible_diff=True)

    assert (result["changed"], cloud.open()) == (True, set())
    assert result["diff"]["before"] == {"open": []}
    assert result["diff"]["after"] == {"open": sorted(result["lines"])}
    assert f"nodes tcp/6443 from {HOME} without an end (Kubernetes API from home)" in result["lines"]
    assert {rule["id"] for rule in result["open"]} == {None}


def test_check_mode_works_before_there_is_a_network(cloud: Cloud) -> None:
    result = cloud.run(name="mars", ipv6=HOME, _ansible_check_mode=True)

    assert result["changed"] is True


def test_a_cluster_without_groups_is_reported_with_the_remedy(cloud: Cloud) -> None:
    result = cloud.run(name="mars", ipv6=HOME)

    assert "mars-bastion and mars-nodes of project talos-arm64 does not exist. Build the network first" in result["msg"]


@pytest.mark.parametrize("state", ["absent", "expired"])
def test_nothing_to_close_is_not_a_failure_without_a_network(cloud: Cloud, state: str) -> None:
    assert cloud.run(name="mars", state=state)["changed"] is False


def test_a_second_network_is_opened_beside_the_first(cloud: Cloud) -> None:
    cloud.run(ipv6=HOME)
    cloud.run(ipv6=NEW_HOME)

    assert cloud.open() == ports_for(HOME) | ports_for(NEW_HOME)


def test_replacing_a_network_is_one_run(cloud: Cloud) -> None:
    cloud.run(ipv6=HOME)

    result = cloud.run(ipv6=NEW_HOME, replace=True)

    assert cloud.open() == ports_for(NEW_HOME)
    assert {rule["network"] for rule in result["closed"]} == {HOME}


def test_absent_returns_to_the_very_same_state(cloud: Cloud) -> None:
    cloud.ec2.authorize_security_group_ingress(
        GroupId=cloud.groups["nodes"], IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="192.0.2.0/24"
    )
    before = cloud.rules()
    cloud.run(ipv6=HOME)

    result = cloud.run(state="absent")

    assert (result["changed"], cloud.rules()) == (True, before)
    assert cloud.run(state="absent")["changed"] is False


def test_absent_with_a_network_leaves_the_others_open(cloud: Cloud) -> None:
    cloud.run(ipv6=HOME)
    cloud.run(ipv6=NEW_HOME)

    cloud.run(state="absent", ipv6=HOME)

    assert cloud.open() == ports_for(NEW_HOME)


@pytest.mark.parametrize("end", ["2020-01-01T00:00:00Z", "when I am back"])
@pytest.mark.parametrize("options", [{"state": "expired"}, {"ipv6": NEW_HOME}, {"state": "absent", "ipv6": NEW_HOME}])
def test_every_run_closes_what_has_expired(cloud: Cloud, options: dict[str, Any], end: str) -> None:
    cloud.run(ipv6=HOME, expires="8h")
    cloud.expire(end)

    assert cloud.run(**options)["changed"] is True

    assert HOME not in {network for _, _, network in cloud.open()}


def test_what_has_not_expired_stays(cloud: Cloud) -> None:
    cloud.run(ipv6=HOME, expires="8h")
    cloud.run(ipv6=NEW_HOME)

    result = cloud.run(state="expired")

    assert result["changed"] is False
    assert cloud.open() == ports_for(HOME) | ports_for(NEW_HOME)


def test_an_expired_network_can_be_opened_again(cloud: Cloud) -> None:
    cloud.run(ipv6=HOME, expires="8h")
    cloud.expire()

    result = cloud.run(ipv6=HOME, expires="8h")

    assert (result["changed"], cloud.open()) == (True, ports_for(HOME))
    assert not any(rule["expired"] for rule in cloud.info()["open"])


def test_the_end_is_moved_and_taken_away(cloud: Cloud) -> None:
    cloud.run(ipv6=HOME, expires="8h")
    moved = cloud.run(ipv6=HOME, expires="2d")
    assert moved["changed"] is True
    assert all(time > datetime.now(UTC) + timedelta(days=1) for time in ends(cloud))

    assert cloud.run(ipv6=HOME)["changed"] is True

    assert {rule["expires"] for rule in cloud.info()["open"]} == {None}
    assert cloud.run(ipv6=HOME)["changed"] is False


def ends(cloud: Cloud) -> list[datetime]:
    return [datetime.fromisoformat(rule["expires"]) for rule in cloud.info()["open"]]


def test_the_same_rule_made_by_hand_is_refused_and_stays(cloud: Cloud) -> None:
    permission = {"IpProtocol": "tcp", "FromPort": 6443, "ToPort": 6443, "Ipv6Ranges": [{"CidrIpv6": HOME}]}
    cloud.ec2.authorize_security_group_ingress(GroupId=cloud.groups["nodes"], IpPermissions=[permission])

    refused = cloud.run(ipv6=HOME)

    assert "it has no tags that name an owner" in refused["msg"]
    assert cloud.info()["open"] == []
    assert len(cloud.open()) == 1


def test_another_cluster_with_the_same_groups_is_left_alone(cloud: Cloud) -> None:
    other = make_groups(cloud.ec2, project="another-owner")

    cloud.run(ipv6=HOME)

    assert open_ports(cloud.ec2, other) == set()


def test_what_is_opened_can_be_chosen(cloud: Cloud) -> None:
    cloud.run(ipv6=HOME, openings=[{"group": "nodes", "port": 443, "description": "Dashboard from home"}])

    assert cloud.open() == {("nodes", 443, HOME)}


def test_the_info_module_lists_what_is_open(cloud: Cloud) -> None:
    assert cloud.info()["open"] == []
    opened = cloud.run(ipv6=HOME, expires="8h")

    info = cloud.info()

    assert info["changed"] is False
    assert sorted(info["lines"]) == sorted(opened["lines"])
    assert {rule["id"] for rule in info["open"]} == {rule["id"] for rule in opened["open"]} != {None}


def test_the_results_have_exactly_the_documented_keys(cloud: Cloud) -> None:
    opened = cloud.run(ipv6=HOME, expires="8h")
    info = cloud.info()

    documented = yaml.safe_load(ec2_home_access.RETURN)
    assert set(opened) - {"changed", "invocation", "diff"} == set(documented) - {"problems"}
    assert set(opened["open"][0]) == set(documented["open"]["sample"][0])
    assert set(info) - {"changed", "invocation"} == set(yaml.safe_load(ec2_home_access_info.RETURN))


def test_a_schedule_closes_each_group_at_the_end(cloud: Cloud) -> None:
    scheduler = boto3.client("scheduler", region_name=REGION)

    opened = cloud.run(ipv6=HOME, expires="8h", schedule_role_arn=ROLE)

    schedules = [scheduler.get_schedule(Name=item["Name"]) for item in scheduler.list_schedules()["Schedules"]]
    assert len(schedules) == 2
    for schedule in schedules:
        assert schedule["ScheduleExpression"] == f"at({opened['open'][0]['expires'].rstrip('Z')})"
        assert schedule["ActionAfterCompletion"] == "DELETE"
        assert schedule["Target"]["RoleArn"] == ROLE
    revoked = {
        rule_id
        for schedule in schedules
        for rule_id in yaml.safe_load(schedule["Target"]["Input"])["SecurityGroupRuleIds"]
    }
    assert revoked == {rule["id"] for rule in opened["open"]}


def test_schedules_follow_what_is_open(cloud: Cloud) -> None:
    scheduler = boto3.client("scheduler", region_name=REGION)
    cloud.run(ipv6=HOME, expires="8h", schedule_role_arn=ROLE)

    again = cloud.run(ipv6=HOME, expires="8h", schedule_role_arn=ROLE)
    longer = cloud.run(ipv6=HOME, expires="2d", schedule_role_arn=ROLE)
    closed = cloud.run(state="absent", schedule_role_arn=ROLE)

    assert again["changed"] is False
    assert [len(longer["schedules"][what]) for what in ("created", "updated", "deleted")] == [2, 0, 2]
    assert [len(closed["schedules"][what]) for what in ("created", "updated", "deleted")] == [0, 0, 2]
    assert scheduler.list_schedules()["Schedules"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"State": "DISABLED"},
        {"ScheduleExpressionTimezone": "Pacific/Pago_Pago"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440}},
        {"EndDate": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_schedule_that_was_changed_is_set_right(cloud: Cloud, changes: dict[str, Any]) -> None:
    scheduler = boto3.client("scheduler", region_name=REGION)
    cloud.run(ipv6=HOME, expires="8h", schedule_role_arn=ROLE)
    name = scheduler.list_schedules()["Schedules"][0]["Name"]
    have = scheduler.get_schedule(Name=name)
    change_schedule(scheduler, name, **changes)

    again = cloud.run(ipv6=HOME, expires="8h", schedule_role_arn=ROLE)

    assert (again["changed"], again["schedules"]["updated"]) == (True, [name])
    repaired = scheduler.get_schedule(Name=name)
    assert {key: repaired.get(key) for key in changes} == {key: have.get(key) for key in changes}
    assert cloud.run(ipv6=HOME, expires="8h", schedule_role_arn=ROLE)["changed"] is False


def test_check_mode_makes_no_schedule(cloud: Cloud) -> None:
    result = cloud.run(ipv6=HOME, expires="8h", schedule_role_arn=ROLE, _ansible_check_mode=True)

    assert len(result["schedules"]["created"]) == 2
    assert boto3.client("scheduler", region_name=REGION).list_schedules()["Schedules"] == []


BAD_NETWORKS = [
    ("", "IPV6_EMPTY"),
    ("   ", "IPV6_EMPTY"),
    ("192.0.2.1", "IPV4_NOT_ALLOWED"),
    ("192.0.2.0/24", "IPV4_NOT_ALLOWED"),
    ("0.0.0.0/0", "IPV4_NOT_ALLOWED"),
    ("10.10.0.100/255.255.255.0", "IPV4_NOT_ALLOWED"),
    ("::/0", "IPV6_ENTIRE_INTERNET"),
    ("2000:db8::/0", "IPV6_ENTIRE_INTERNET"),
    ("::/1", "IPV6_TOO_WIDE"),
    ("2000::/3", "IPV6_TOO_WIDE"),
    ("8000::/1", "IPV6_TOO_WIDE"),
    ("2000:db8::/32", "IPV6_TOO_WIDE"),
    ("2000:db8::/47", "IPV6_TOO_WIDE"),
    ("2000:db8:1:2::5/32", "IPV6_TOO_WIDE"),
    ("fe80::1", "IPV6_LINK_LOCAL"),
    ("fe80::/10", "IPV6_LINK_LOCAL"),
    ("fe80::1/64", "IPV6_LINK_LOCAL"),
    ("fe80::1%eth0", "IPV6_ZONE"),
    ("2000:db8:1:2::5%2", "IPV6_ZONE"),
    ("fec0::1", "IPV6_SITE_LOCAL"),
    ("fc00::/7", "IPV6_UNIQUE_LOCAL"),
    ("fd12:3456:789a::/48", "IPV6_UNIQUE_LOCAL"),
    ("fd7a:115c:a1e0::1", "IPV6_UNIQUE_LOCAL"),
    ("ff02::1", "IPV6_MULTICAST"),
    ("ff00::/8", "IPV6_MULTICAST"),
    ("::1", "IPV6_LOOPBACK"),
    ("::", "IPV6_UNSPECIFIED"),
    ("::ffff:192.0.2.1", "IPV6_MAPS_IPV4"),
    ("::ffff:c000:201/120", "IPV6_MAPS_IPV4"),
    ("64:ff9b::192.0.2.1", "IPV6_MAPS_IPV4"),
    ("64:ff9b:1::/48", "IPV6_MAPS_IPV4"),
    ("::192.0.2.1", "IPV6_MAPS_IPV4"),
    ("::/96", "IPV6_MAPS_IPV4"),
    ("2002:c000:201::/48", "IPV6_MAPS_IPV4"),
    ("2002:c000:201:1::1", "IPV6_MAPS_IPV4"),
    ("4000::/64", "IPV6_NOT_GLOBAL"),
    ("2001::/64", "IPV6_RESERVED"),
    ("2001:0:53aa:64c::1", "IPV6_RESERVED"),
    ("2001:2::/48", "IPV6_RESERVED"),
    ("2001:20::/48", "IPV6_RESERVED"),
    ("2001:30::1", "IPV6_RESERVED"),
    ("3ffe:501::/48", "IPV6_RESERVED"),
    ("5f00::/48", "IPV6_RESERVED"),
    ("100::/64", "IPV6_RESERVED"),
    ("100:0:0:1::/64", "IPV6_RESERVED"),
    ("2620:4f:8000::/48", "IPV6_RESERVED"),
    ("2001:db8:1:2::/64", "IPV6_DOCUMENTATION"),
    ("3fff::/48", "IPV6_DOCUMENTATION"),
    ("2000:db8:1:2::5/64", "IPV6_HOST_BITS"),
    ("2000:db8:1:3::/63", "IPV6_HOST_BITS"),
    ("2000:db8:1:2::/64,2000:db8:7:8::/64", "IPV6_SEVERAL"),
    ("2000:db8:1:2::/64 2000:db8:7:8::/64", "IPV6_SEVERAL"),
    ("2000:db8:1:2::/64;::/0", "IPV6_SEVERAL"),
    ("['2000:db8:1:2::/64', '::/0']", "IPV6_SEVERAL"),
    ("home", "IPV6_INVALID"),
    ("2000:db8:1:2", "IPV6_INVALID"),
    ("2000:db8:1:2::/129", "IPV6_INVALID"),
    ("2000:db8:1:2::/-1", "IPV6_INVALID"),
    ("2000:db8:1:2::/", "IPV6_INVALID"),
    ("2000:db8:1:2::/64/64", "IPV6_INVALID"),
    ("2000:db8:1:2::/ffff:ffff:ffff:ffff::", "IPV6_INVALID"),
    ("2000:db8::1::2", "IPV6_INVALID"),
    ("2000:db8:12345::/64", "IPV6_INVALID"),
    ("[2000:db8:1:2::5]", "IPV6_INVALID"),
    ("[2000:db8:1:2::5]:6443", "IPV6_INVALID"),
    ("https://[2000:db8:1:2::5]:6443/", "IPV6_INVALID"),
    ("\uff12\uff10\uff10\uff11:db8::/64", "IPV6_INVALID"),
    ("02:00:5e:00:53:01", "IPV6_INVALID"),
    ("42540766411282592856903984951653826561", "IPV6_INVALID"),
]
BAD_ENDS = [
    ("", "EXPIRES_INVALID"),
    ("8", "EXPIRES_INVALID"),
    ("8x", "EXPIRES_INVALID"),
    ("-8h", "EXPIRES_INVALID"),
    ("8 h", "EXPIRES_INVALID"),
    ("1.5h", "EXPIRES_INVALID"),
    ("1h1d", "EXPIRES_INVALID"),
    ("99999999999d", "EXPIRES_INVALID"),
    ("tomorrow", "EXPIRES_INVALID"),
    ("never", "EXPIRES_INVALID"),
    ("2099-13-01T00:00:00Z", "EXPIRES_INVALID"),
    ("24.12.2099", "EXPIRES_INVALID"),
    ("0h", "EXPIRES_PAST"),
    ("2020-01-01T00:00:00Z", "EXPIRES_PAST"),
    ("0001-01-01T00:00:00+23:00", "EXPIRES_PAST"),
    ("2099-12-24T18:00:00", "EXPIRES_WITHOUT_ZONE"),
    ("2099-12-24", "EXPIRES_WITHOUT_ZONE"),
    ("31d", "EXPIRES_TOO_LATE"),
    ("721h", "EXPIRES_TOO_LATE"),
    ("9999d", "EXPIRES_TOO_LATE"),
    ("2099-12-24T18:00:00Z", "EXPIRES_TOO_LATE"),
    ("9999-12-31T23:59:59-23:00", "EXPIRES_TOO_LATE"),
    ("1m", "EXPIRES_TOO_SOON"),
]
BAD_INPUTS = [({"ipv6": text}, code) for text, code in BAD_NETWORKS] + [
    ({"ipv6": HOME, "expires": text}, code) for text, code in BAD_ENDS
]


@pytest.mark.parametrize("network", ["2001:db8:1:2::/64", "3fff:1:2::/64"])
def test_the_network_of_an_example_is_opened_in_a_lab_and_planned_anywhere(cloud: Cloud, network: str) -> None:
    planned = cloud.run(ipv6=network, _ansible_check_mode=True)

    assert {rule["network"] for rule in planned["open"]} == {network}
    ec2_home_access.refuse_example(network, "http://127.0.0.1:5500")
    with pytest.raises(Refusal, match="is reserved for documentation"):
        ec2_home_access.refuse_example(network, "https://ec2.eu-west-1.amazonaws.com")


@pytest.fixture(scope="module")
def closed() -> Iterator[tuple[Any, dict[str, str]]]:
    """One account for the whole table: a test of it that opened anything would fail, and all after it."""
    with empty_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        yield ec2, make_groups(ec2)


@pytest.mark.parametrize(("options", "code"), BAD_INPUTS, ids=str)
def test_bad_input_opens_nothing_and_is_answered_with_a_remedy(
    closed: tuple[Any, dict[str, str]], capsys: pytest.CaptureFixture[str], options: dict[str, str], code: str
) -> None:
    result = Cloud(*closed, capsys).run(**options, replace=True)

    assert result["failed"] is True
    assert result["problems"][0]["code"] == code
    assert len(result["problems"][0]["remedy"]) > 10
    assert result["msg"].startswith("Failed to open home access: ")
    assert result["problems"][0]["remedy"] in result["msg"]
    assert open_ports(*closed) == set()


def test_the_table_holds_at_least_forty_bad_inputs() -> None:
    assert len(BAD_INPUTS) >= 40


@pytest.mark.parametrize(
    ("options", "subject", "remedy"),
    [
        pytest.param(
            {"description": "Ada's laptop"}, "openings[0].description", "Use other characters", id="character"
        ),
        pytest.param({"description": "x" * 256}, "openings[0].description", "Shorten", id="length"),
        pytest.param({"name": "moon?"}, "name", "Use other characters", id="name"),
        pytest.param({"project": "x" * 257}, "project", "Shorten", id="project"),
        pytest.param({"name": "moon:1", "schedule_role_arn": ROLE}, "name", "Use other characters", id="schedule"),
    ],
)
def test_a_text_that_aws_refuses_is_refused_before_anything_is_called(
    closed: tuple[Any, dict[str, str]],
    capsys: pytest.CaptureFixture[str],
    options: dict[str, str],
    subject: str,
    remedy: str,
) -> None:
    opening = {"group": "nodes", "port": 6443, "description": options.pop("description", "Kubernetes")}

    result = Cloud(*closed, capsys).run(ipv6=HOME, openings=[opening], **options)

    assert (result["problems"][0]["code"], result["problems"][0]["subject"]) == ("TEXT_NOT_ALLOWED", subject)
    assert result["problems"][0]["remedy"].startswith(remedy)
    assert open_ports(*closed) == set()


def test_opening_needs_a_network(cloud: Cloud) -> None:
    assert "ipv6" in cloud.run()["msg"]
