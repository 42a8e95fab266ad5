# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a description means, how it is held against what exists, and how a person reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import Desired, desired, first_64_of
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import surplus_per_hour
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.compare import compare
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.comparison import Comparison, Resource
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import Existing
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.text import plan_lines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.traffic import Route, Rule
from tests.ec2_cluster import OWNER, node, spec

VPC_IPV6 = "2001:db8:1:100::/56"


def converged(cluster_spec: ClusterSpec | None = None) -> dict[str, Existing]:
    """Return what exists when everything is as described, with ids where AWS has them."""
    wanted = desired(cluster_spec or spec(), vpc_ipv6_cidr=VPC_IPV6)
    return {key: _thing(key, item, wanted) for key, item in wanted.items()}


def _thing(key: str, item: Desired, wanted: dict[str, Desired]) -> Existing:
    # IAM's ids are names, and an instance shares its name with its interface, which is what others mean by it.
    by_name = ("iam_role", "instance_profile")
    ids = {other.name: f"id-{name}" for name, other in wanted.items() if other.kind not in (*by_name, "instance")}
    own_id = item.name if item.kind in by_name else f"id-{key}"
    have = {name: value if name == "tags" else _with_ids(value, ids) for name, value in item.want.items()}
    if item.kind == "vpc":
        have["dhcp_options"] = "id-dhcp_options"
    have.pop("associated_with", None)
    return Existing(item.kind, own_id, item.name, item.want["tags"], have)


def _with_ids(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_ids(item, ids) for item in value]
    if isinstance(value, str):
        return " ".join(ids.get(word, word) for word in value.split(" "))
    return value


def changed(things: dict[str, Existing], key: str, **have: Any) -> list[Existing]:
    return list({**things, key: replace(things[key], have={**things[key].have, **have})}.values())


def compared(things: list[Existing], cluster_spec: ClusterSpec | None = None) -> Comparison:
    return compare(desired(cluster_spec or spec(), vpc_ipv6_cidr=VPC_IPV6), things)


def resource(comparison: Comparison, key: str) -> Resource:
    return next(item for item in comparison.resources if item.key == key)


def test_resources_come_in_the_order_in_which_they_are_built() -> None:
    assert list(desired(spec())) == [
        *("vpc", "dhcp_options", "subnet", "internet_gateway", "route_table"),
        *("security_group/nodes", "security_group/bastion", "iam_role/node", "instance_profile/node"),
        *("eni/gateway", "instance/gateway"),
    ]


def test_every_resource_carries_our_tags_and_the_users() -> None:
    ours = {**OWNER, "Owner": "Ada Lovelace"}

    for item in desired(spec()).values():
        assert {**ours, "Name": item.name}.items() <= item.want["tags"].items()


def test_nodes_carry_what_they_are() -> None:
    ours = {"Node": "gateway", "Role": "gateway", "MachineType": "controlplane"}

    assert ours.items() <= desired(spec())["instance/gateway"].want["tags"].items()
    assert ours.items() <= desired(spec())["eni/gateway"].want["tags"].items()


def test_no_rule_lets_an_address_in() -> None:
    groups = [item for key, item in desired(spec(ssh_enabled=True)).items() if key.startswith("security_group/")]
    ingress = [rule for group in groups for rule in group.want["rules"] if rule.direction == "in"]

    assert {rule.peer for rule in ingress} == {"moon-nodes", "moon-bastion"}


@pytest.mark.parametrize(("ssh_enabled", "expected"), [(False, False), (True, True)])
def test_port_22_is_open_to_the_bastion_only_if_asked_for(ssh_enabled: bool, expected: bool) -> None:
    rules = desired(spec(ssh_enabled=ssh_enabled))["security_group/nodes"].want["rules"]

    assert ("in tcp/22 from moon-bastion" in map(str, rules)) is expected


def test_only_burstable_types_have_credits() -> None:
    wanted = desired(spec(nodes=[node(instance_type="m7g.large")]))

    assert "cpu_credits" not in wanted["instance/gateway"].want


def test_the_subnet_takes_the_first_64_of_the_vpc() -> None:
    assert first_64_of("2001:db8:1:100::/56") == "2001:db8:1:100::/64"
    assert desired(spec(), vpc_ipv6_cidr=VPC_IPV6)["subnet"].want["ipv6_cidr"] == "2001:db8:1:100::/64"


def test_an_empty_account_misses_everything() -> None:
    comparison = compared([])

    assert comparison.summary() == {"present": 0, "missing": 11, "differs": 0, "foreign": 0, "strays": 0}
    assert comparison.found == ()


def test_a_converged_cluster_has_nothing_to_do() -> None:
    comparison = compared(list(converged().values()))

    assert comparison.summary() == {"present": 11, "missing": 0, "differs": 0, "foreign": 0, "strays": 0}


def renamed(thing: Existing) -> Existing:
    tags = {**thing.tags, "Name": "renamed"}
    return replace(thing, name="renamed", tags=tags, have={**thing.have, "tags": tags})


@pytest.mark.parametrize("key", ["vpc", "dhcp_options", "subnet", "internet_gateway", "route_table"])
def test_an_edited_name_of_what_a_cluster_has_once_is_one_changed_tag(key: str) -> None:
    things = converged()
    comparison = compared([*{**things, key: renamed(things[key])}.values()])

    assert comparison.summary() == {"present": 10, "missing": 0, "differs": 1, "foreign": 0, "strays": 0}
    assert [item.property for item in resource(comparison, key).differences] == ["tags"]
    assert f"    tag Name: renamed -> {resource(comparison, key).name}" in plan_lines(spec(), comparison)


def test_a_main_route_table_with_our_tags_does_not_replace_the_described_one() -> None:
    things = converged()
    main = renamed(things["route_table"]).with_facts(main=True)

    assert resource(compared([*{**things, "route_table": main}.values()]), "route_table").state == "missing"


@pytest.mark.parametrize(
    ("key", "name", "have", "replaced"),
    [
        pytest.param("vpc", "ipv4_cidr", "10.99.0.0/16", True, id="VPC's network"),
        pytest.param("vpc", "ipv6_enabled", False, False, id="IPv6"),
        pytest.param("vpc", "dns_support", False, False, id="DNS support"),
        pytest.param("vpc", "dns_hostnames", False, False, id="host names"),
        pytest.param("dhcp_options", "domain_name", "ec2.internal", True, id="domain"),
        pytest.param("dhcp_options", "ntp_servers", [], True, id="time"),
        pytest.param("subnet", "availability_zone", "eu-west-1b", True, id="zone"),
        pytest.param("subnet", "ipv6_cidr", None, True, id="subnet without IPv6"),
        pytest.param("subnet", "public_ipv4_on_launch", True, False, id="public addresses"),
        pytest.param("internet_gateway", "attached_to", [], False, id="detached gateway"),
        pytest.param("route_table", "routes", [Route("0.0.0.0/0", "id-internet_gateway")], False, id="no IPv6 route"),
        pytest.param("route_table", "subnets", [], False, id="table without a subnet"),
        pytest.param("security_group/nodes", "rules", [], False, id="rules"),
        pytest.param("iam_role/node", "policy", None, False, id="no policy"),
        pytest.param("instance_profile/node", "roles", [], False, id="empty profile"),
        pytest.param("eni/gateway", "ipv6_count", 0, False, id="no IPv6 address"),
        pytest.param("eni/gateway", "ipv6_count", 2, False, id="two IPv6 addresses"),
        pytest.param("eni/gateway", "source_dest_check", False, False, id="a node that routes"),
        pytest.param("eni/gateway", "security_groups", ["sg-default"], False, id="another group"),
        pytest.param("eni/gateway", "ipv4", "10.10.0.7", True, id="another address"),
        pytest.param("instance/gateway", "state", "stopped", False, id="stopped"),
        pytest.param("instance/gateway", "type", "t4g.small", True, id="type"),
        pytest.param("instance/gateway", "imds_tokens", "optional", False, id="IMDSv1"),
        pytest.param("instance/gateway", "imds_hop_limit", 2, False, id="two hops"),
        pytest.param("instance/gateway", "volume_encrypted", False, True, id="plain volume"),
        pytest.param("instance/gateway", "volume_size", 8, True, id="small volume"),
        pytest.param("instance/gateway", "data_volume_size", 20, True, id="a data volume that is not described"),
        pytest.param("instance/gateway", "data_volume_encrypted", False, True, id="plain data volume"),
        pytest.param("instance/gateway", "cpu_credits", "standard", False, id="credits"),
        pytest.param("instance/gateway", "instance_profile", None, False, id="no profile"),
    ],
)
def test_each_drift_is_one_difference(key: str, name: str, have: Any, replaced: bool) -> None:
    comparison = compared(changed(converged(), key, **{name: have}))

    found = resource(comparison, key)
    assert found.state == "differs"
    assert [(item.property, item.replace) for item in found.differences] == [(name, replaced)]
    assert comparison.summary()["differs"] == 1


def test_dhcp_options_that_no_vpc_uses_differ() -> None:
    comparison = compared(changed(converged(), "vpc", dhcp_options="dopt-default"))

    (difference,) = resource(comparison, "dhcp_options").differences
    assert (difference.property, difference.have, difference.want) == ("associated_with", [], ["moon-vpc"])


def test_a_pending_instance_needs_nothing() -> None:
    comparison = compared(changed(converged(), "instance/gateway", state="pending"))

    assert resource(comparison, "instance/gateway").state == "present"


def test_a_policy_may_be_spelled_with_lists() -> None:
    policy = desired(spec())["iam_role/node"].want["policy"]
    (statement,) = policy["Statement"]
    spelled = {**policy, "Statement": {**statement, "Action": [statement["Action"]], "Resource": ["*"]}}

    comparison = compared(changed(converged(), "iam_role/node", policy=spelled))

    assert resource(comparison, "iam_role/node").state == "present"


def test_a_wider_policy_differs() -> None:
    policy = desired(spec())["iam_role/node"].want["policy"]
    wider = {**policy, "Statement": [{**policy["Statement"][0], "Action": ["ec2:DescribeInstances", "ec2:*"]}]}

    comparison = compared(changed(converged(), "iam_role/node", policy=wider))

    assert resource(comparison, "iam_role/node").state == "differs"


def test_rules_beyond_the_described_are_reported_and_make_no_difference() -> None:
    things = converged()
    rules = [*things["security_group/nodes"].have["rules"], Rule("in", "2001:db8::/64", "tcp", 6443, 6443)]

    comparison = compared(changed(things, "security_group/nodes", rules=rules))

    found = resource(comparison, "security_group/nodes")
    assert found.state == "present"
    assert found.have and list(map(str, found.have["extra_rules"])) == ["in tcp/6443 from 2001:db8::/64"]
    assert any(line.startswith("! security group moon-nodes: in tcp/6443") for line in plan_lines(spec(), comparison))


def test_a_tag_of_another_owner_stays_and_a_missing_one_of_ours_is_added() -> None:
    things = converged()
    tags = things["vpc"].tags

    more = compared(changed(things, "vpc", tags={**tags, "Finance": "yes"}))
    less = compared(changed(things, "vpc", tags={key: tags[key] for key in tags if key != "ManagedBy"}))

    assert resource(more, "vpc").state == "present"
    assert [item.property for item in resource(less, "vpc").differences] == ["tags"]


def test_a_node_without_its_name_is_found_by_its_tag() -> None:
    things = converged()
    renamed = replace(things["eni/gateway"], name="renamed by hand")

    comparison = compared(list({**things, "eni/gateway": renamed}.values()))

    assert resource(comparison, "eni/gateway").id == "id-eni/gateway"


def test_a_second_vpc_of_the_same_name_is_a_stray() -> None:
    things = converged()
    double = replace(things["vpc"], id="id-vpc-two")

    comparison = compared([double, *things.values()])

    assert [item.id for item in comparison.strays] == ["id-vpc-two"]
    assert resource(comparison, "vpc").id == "id-vpc"


def test_a_role_that_only_has_our_name_is_never_listed_for_deletion() -> None:
    things = converged()
    foreign = replace(things["iam_role/node"], tags={}, have={**things["iam_role/node"].have, "tags": {}}, owned=False)

    comparison = compared(list({**things, "iam_role/node": foreign}.values()))

    assert resource(comparison, "iam_role/node").state == "foreign"
    assert "iam_role" not in [item.kind for item in comparison.found]


def test_a_teardown_takes_what_holds_others_last() -> None:
    volume = Existing("volume", "vol-1", "moon-gateway", {}, {"instance": "id-instance/gateway"})
    key_pair = Existing("key_pair", "key-1", "moon", {}, {})

    comparison = compared([volume, key_pair, *converged().values()])

    kinds = list(dict.fromkeys(item.kind for item in comparison.found))
    assert kinds.index("instance") < kinds.index("eni") < kinds.index("security_group") < kinds.index("subnet")
    assert kinds.index("subnet") < kinds.index("internet_gateway") < kinds.index("vpc") < kinds.index("dhcp_options")
    assert kinds.index("instance_profile") < kinds.index("iam_role")
    assert [(item.kind, item.goes_with) for item in comparison.found if item.kind == "volume"] == [
        ("volume", "id-instance/gateway")
    ]
    assert [item.kind for item in comparison.strays] == ["key_pair"]


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        pytest.param("t4g.nano", 0.076, id="5 % of 2"),
        pytest.param("t4g.medium", 0.064, id="20 % of 2"),
        pytest.param("t4g.large", 0.056, id="30 % of 2"),
        pytest.param("t4g.2xlarge", 0.192, id="40 % of 8"),
        pytest.param("m7g.large", None, id="no credits"),
    ],
)
def test_the_surplus_is_what_runs_above_the_baseline(instance_type: str, expected: float | None) -> None:
    surplus = surplus_per_hour(instance_type)

    assert surplus == (None if expected is None else pytest.approx(expected))


def test_the_plan_of_an_empty_account_names_every_address_and_rule() -> None:
    plan = "\n".join(plan_lines(spec(), compared([])))

    for said in ("10.10.0.0/16", "10.10.0.0/24", "10.10.0.101", "in tcp/50000 from moon-bastion", "out all to ::/0"):
        assert said in plan
    assert "$ CPU credits unlimited: at most $0.064 an hour" in plan
    assert plan.endswith("Plan: 11 to create, 0 to change, 0 present, 0 not described")


def test_the_plan_shows_a_drift_from_what_to_what() -> None:
    plan = plan_lines(spec(), compared(changed(converged(), "eni/gateway", source_dest_check=False)))

    assert "~ network interface moon-gateway (id-eni/gateway)" in plan
    assert "    source dest check: off -> on" in plan


def test_the_plan_says_what_cannot_be_changed_in_place() -> None:
    plan = plan_lines(spec(), compared(changed(converged(), "instance/gateway", type="t4g.small")))

    assert "    type: t4g.small -> t4g.medium" in plan
    assert any("cannot be changed in place" in line and "run the playbook again" in line for line in plan)


def test_the_plan_counts_what_is_there_and_shows_no_surcharge_in_standard_mode() -> None:
    standard = spec(cpu_credits="standard")

    plan = plan_lines(standard, compared(list(converged(standard).values()), standard))

    assert any(line.startswith("= 11 present: 1 VPC, 1 DHCP options") for line in plan)
    assert not any(line.startswith(("$ CPU credits", "+", "~")) for line in plan)
