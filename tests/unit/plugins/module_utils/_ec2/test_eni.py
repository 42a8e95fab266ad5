# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the network interface that keeps its addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.eni import (
    EniClient,
    Wanted,
    as_diff,
    ensure_absent,
    ensure_present,
    split_ipv6,
)
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error

WANTED = Wanted(
    name="moon-gateway",
    subnet_id="subnet-1",
    ipv4="10.10.0.101",
    security_group_ids=("sg-1",),
    description="a node",
    tags={"Project": "talos-arm64", "Cluster": "moon"},
)


class FakeApi:
    """Network interfaces in memory; changes lists the calls that changed something."""

    def __init__(self) -> None:
        self.interfaces: dict[str, dict[str, Any]] = {}
        self.changes: list[str] = []

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if not operation.startswith("describe_"):
            self.changes.append(operation)
        return getattr(self, operation)(**parameters)

    def describe_network_interfaces(self, Filters: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        wanted = {item["Name"]: item["Values"][0] for item in Filters}
        found = [item for item in self.interfaces.values() if self._matches(item, wanted)]
        return {"NetworkInterfaces": found}

    @staticmethod
    def _matches(item: dict[str, Any], wanted: dict[str, str]) -> bool:
        have = {f"tag:{tag['Key']}": tag["Value"] for tag in item["TagSet"]}
        have |= {"subnet-id": item["SubnetId"], "addresses.private-ip-address": item["PrivateIpAddress"]}
        return wanted.items() <= have.items()

    def create_network_interface(self, **parameters: Any) -> dict[str, Any]:
        count = range(parameters.get("Ipv6AddressCount", 0))
        number = len(self.interfaces) + 1
        eni = {
            "NetworkInterfaceId": f"eni-{number}",
            "SubnetId": parameters["SubnetId"],
            "PrivateIpAddress": parameters["PrivateIpAddress"],
            "Ipv6Addresses": parameters.get("Ipv6Addresses") or [{"Ipv6Address": f"2001:db8::{n + 1}"} for n in count],
            "Groups": [{"GroupId": group} for group in parameters["Groups"]],
            "SourceDestCheck": True,
            "Description": parameters["Description"],
            "TagSet": parameters["TagSpecifications"][0]["Tags"],
            "MacAddress": f"02:00:5e:00:53:{number:02x}",
        }
        self.interfaces[eni["NetworkInterfaceId"]] = eni
        return {"NetworkInterface": eni}

    def modify_network_interface_attribute(self, **parameters: Any) -> dict[str, Any]:
        eni = self.interfaces[parameters.pop("NetworkInterfaceId")]
        ((name, value),) = parameters.items()
        eni[name] = [{"GroupId": group} for group in value] if name == "Groups" else value["Value"]
        return {}

    def create_tags(self, **parameters: Any) -> dict[str, Any]:
        eni = self.interfaces[parameters["Resources"][0]]
        tags = {tag["Key"]: tag["Value"] for tag in (*eni["TagSet"], *parameters["Tags"])}
        eni["TagSet"] = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {}

    def assign_ipv6_addresses(self, **parameters: Any) -> dict[str, Any]:
        addresses = parameters.get("Ipv6Addresses") or ["2001:db8::77"]
        self.interfaces[parameters["NetworkInterfaceId"]]["Ipv6Addresses"] += [{"Ipv6Address": a} for a in addresses]
        return {"AssignedIpv6Addresses": addresses}

    def unassign_ipv6_addresses(self, **parameters: Any) -> dict[str, Any]:
        eni = self.interfaces[parameters["NetworkInterfaceId"]]
        keep = [a for a in eni["Ipv6Addresses"] if a["Ipv6Address"] not in parameters["Ipv6Addresses"]]
        eni["Ipv6Addresses"] = keep
        return {}

    def delete_network_interface(self, **parameters: Any) -> dict[str, Any]:
        del self.interfaces[parameters["NetworkInterfaceId"]]
        return {}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def existing(api: FakeApi) -> dict[str, Any]:
    """Return AWS's own record of the interface as described, to be tampered with."""
    ensure_present(EniClient(api), WANTED, check_mode=False)
    api.changes.clear()
    return api.interfaces["eni-1"]


def ipv6_of(record: dict[str, Any]) -> list[str]:
    return [item["Ipv6Address"] for item in record["Ipv6Addresses"]]


def test_a_new_interface_is_made_with_both_addresses(api: FakeApi) -> None:
    plan = ensure_present(EniClient(api), WANTED, check_mode=False)

    assert plan.changed
    assert plan.after and (plan.after.id, plan.after.ipv4) == ("eni-1", "10.10.0.101")
    assert plan.after.ipv6 == ("2001:db8::1",)
    assert api.changes == ["create_network_interface"]


def test_a_new_interface_of_a_router_has_its_check_switched_off(api: FakeApi) -> None:
    ensure_present(EniClient(api), replace(WANTED, source_dest_check=False), check_mode=False)

    assert api.interfaces["eni-1"]["SourceDestCheck"] is False


def test_a_new_interface_takes_an_explicit_ipv6(api: FakeApi) -> None:
    plan = ensure_present(EniClient(api), replace(WANTED, ipv6="2001:db8::5"), check_mode=False)

    assert plan.after and plan.after.ipv6 == ("2001:db8::5",)


def test_a_new_interface_without_ipv6_has_none(api: FakeApi) -> None:
    ensure_present(EniClient(api), replace(WANTED, ipv6_enabled=False), check_mode=False)

    assert ipv6_of(api.interfaces["eni-1"]) == []


def test_a_second_run_changes_nothing(api: FakeApi, existing: dict[str, Any]) -> None:
    plan = ensure_present(EniClient(api), WANTED, check_mode=False)

    assert not plan.changed
    assert api.changes == []


@pytest.mark.parametrize(
    ("tamper", "call"),
    [
        pytest.param({"Description": "other"}, "modify_network_interface_attribute", id="description"),
        pytest.param({"SourceDestCheck": False}, "modify_network_interface_attribute", id="source/dest check"),
        pytest.param({"Groups": [{"GroupId": "sg-9"}]}, "modify_network_interface_attribute", id="another group"),
        pytest.param(
            {"Groups": [{"GroupId": "sg-1"}, {"GroupId": "sg-9"}]}, "modify_network_interface_attribute", id="one more"
        ),
        pytest.param({"Ipv6Addresses": []}, "assign_ipv6_addresses", id="no IPv6"),
        pytest.param(
            {"Ipv6Addresses": [{"Ipv6Address": "2001:db8::1"}, {"Ipv6Address": "2001:db8::2"}]},
            "unassign_ipv6_addresses",
            id="two IPv6",
        ),
    ],
)
def test_each_drift_is_mended_by_one_call(
    api: FakeApi, existing: dict[str, Any], tamper: dict[str, Any], call: str
) -> None:
    existing.update(tamper)

    first = ensure_present(EniClient(api), WANTED, check_mode=False)
    second = ensure_present(EniClient(api), WANTED, check_mode=False)

    assert (first.changed, second.changed) == (True, False)
    assert api.changes == [call]
    assert len(ipv6_of(existing)) == 1


def test_a_missing_tag_is_added_and_a_strangers_tag_stays(api: FakeApi, existing: dict[str, Any]) -> None:
    existing["TagSet"].append({"Key": "Finance", "Value": "yes"})

    plan = ensure_present(EniClient(api), replace(WANTED, tags={**WANTED.tags, "Node": "gateway"}), check_mode=False)

    tags = {tag["Key"]: tag["Value"] for tag in existing["TagSet"]}
    assert plan.changed
    assert tags == {**WANTED.tags, "Name": "moon-gateway", "Finance": "yes", "Node": "gateway"}


def test_a_changed_ipv6_is_assigned_before_the_old_one_goes(api: FakeApi, existing: dict[str, Any]) -> None:
    plan = ensure_present(EniClient(api), replace(WANTED, ipv6="2001:db8::9"), check_mode=False)

    assert api.changes == ["assign_ipv6_addresses", "unassign_ipv6_addresses"]
    assert ipv6_of(existing) == ["2001:db8::9"]
    assert plan.after and plan.after.ipv6 == ("2001:db8::9",)


def test_the_spelling_of_an_ipv6_does_not_matter() -> None:
    wanted = replace(WANTED, ipv6="2001:0db8:0000::0001")

    assert split_ipv6(("2001:db8::1",), wanted) == (("2001:db8::1",), ())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"ipv4": "10.10.0.55"}, "IPv4 of network interface moon-gateway", id="address"),
        pytest.param({"subnet_id": "subnet-2"}, "subnet of network interface moon-gateway", id="subnet"),
    ],
)
def test_what_aws_fixes_is_refused_with_the_remedy(
    api: FakeApi, existing: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    with pytest.raises(Ec2Error, match=said) as raised:
        ensure_present(EniClient(api), replace(WANTED, **change), check_mode=False)

    assert "state: absent" in str(raised.value)
    assert api.changes == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_address_in_use_is_refused_and_says_by_whom(
    api: FakeApi, existing: dict[str, Any], check_mode: bool
) -> None:
    with pytest.raises(Ec2Error, match=r"10\.10\.0\.101 belongs to eni-1 \(moon-gateway\)"):
        ensure_present(EniClient(api), replace(WANTED, name="moon-other"), check_mode=check_mode)

    assert api.changes == []


def test_check_mode_changes_nothing_and_shows_what_it_would_do(api: FakeApi) -> None:
    plan = ensure_present(EniClient(api), WANTED, check_mode=True)

    assert plan.changed
    assert api.changes == []
    assert as_diff(plan.before) == {}
    assert as_diff(plan.after)["ipv4"] == "10.10.0.101"


def test_the_diff_shows_only_what_differs(api: FakeApi, existing: dict[str, Any]) -> None:
    existing["SourceDestCheck"] = False

    plan = ensure_present(EniClient(api), WANTED, check_mode=True)

    before, after = as_diff(plan.before), as_diff(plan.after)
    assert {name for name in after if before[name] != after[name]} == {"source_dest_check"}


def test_the_interface_of_another_cluster_is_not_touched(api: FakeApi, existing: dict[str, Any]) -> None:
    other = replace(WANTED, ipv4="10.10.0.55", tags={**WANTED.tags, "Cluster": "sun"})

    plan = ensure_present(EniClient(api), other, check_mode=False)

    assert plan.before is None
    assert sorted(api.interfaces) == ["eni-1", "eni-2"]


def test_two_interfaces_of_one_name_are_refused(api: FakeApi, existing: dict[str, Any]) -> None:
    api.interfaces["eni-2"] = {**existing, "NetworkInterfaceId": "eni-2"}

    with pytest.raises(Ec2Error, match=r"2 of them have this name \(eni-1, eni-2\)"):
        ensure_present(EniClient(api), WANTED, check_mode=False)


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_unused_interface_is_deleted(api: FakeApi, existing: dict[str, Any], check_mode: bool) -> None:
    plan = ensure_absent(EniClient(api), WANTED.name, WANTED.tags, check_mode=check_mode)

    assert plan.changed
    assert bool(api.interfaces) is check_mode


def test_an_interface_that_is_not_there_needs_no_deleting(api: FakeApi) -> None:
    assert not ensure_absent(EniClient(api), WANTED.name, WANTED.tags, check_mode=False).changed


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_attached_interface_is_not_deleted(api: FakeApi, existing: dict[str, Any], check_mode: bool) -> None:
    existing["Attachment"] = {"AttachmentId": "eni-attach-1", "InstanceId": "i-1"}

    with pytest.raises(Ec2Error, match=r"attached to i-1.*Terminate"):
        ensure_absent(EniClient(api), WANTED.name, WANTED.tags, check_mode=check_mode)

    assert api.changes == []
