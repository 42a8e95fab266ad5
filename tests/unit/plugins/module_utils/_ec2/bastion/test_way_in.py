# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the preflight checks of the login to the bastion."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion.way_in import (
    SshAccess,
    WayIn,
    controller_notes,
    read_ssh_access,
    way_in_problems,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import make_host_key
from tests.ec2_cluster import OWNER, MotoApi, empty_aws, spec, tag_list
from tests.shell_programs import program

NOW = datetime(2026, 11, 28, tzinfo=UTC)
PUBLIC = make_host_key("").public
OVER_BASTION = WayIn("bastion")
HOME = WayIn("bastion", "2001:db8:1:2::/64")


@pytest.fixture(autouse=True)
def ssh_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a computer that has ssh and no other program."""
    program(tmp_path / "ssh")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def described(**changes: str) -> ClusterSpec:
    """Return a cluster with a bastion that can be logged in to."""
    bastion = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123", "ssh_public_key": PUBLIC}
    return spec(bastion={**bastion, **changes})


def codes(cluster: ClusterSpec, way: WayIn, access: SshAccess) -> list[str]:
    return [problem.code for problem in way_in_problems(cluster, way, access)]


@pytest.fixture
def api() -> Iterator[MotoApi]:
    with empty_aws():
        yield MotoApi()


@pytest.mark.parametrize(
    ("changes", "way", "access", "expected"),
    [
        pytest.param({}, HOME, SshAccess(), [], id="key and home network"),
        pytest.param({"ssh_public_key": ""}, HOME, SshAccess(), ["SSH_KEY_MISSING"], id="no key"),
        pytest.param({"ssh_public_key": "", "ssh_key_name": "moon"}, HOME, SshAccess(("moon",)), [], id="key pair"),
        pytest.param(
            {"ssh_key_name": "moon"},
            HOME,
            SshAccess(("sun",)),
            ["KEY_PAIR_NOT_FOUND"],
            id="a key pair that does not exist (sshkey_missing)",
        ),
        pytest.param({}, OVER_BASTION, SshAccess(None, ()), ["NO_ACCESS_TO_BASTION"], id="closed"),
        pytest.param({}, OVER_BASTION, SshAccess(None, ("2001:db8:1:2::/64",)), [], id="opened before"),
        pytest.param(
            {"connection": "ssm"},
            OVER_BASTION,
            SshAccess(missing_programs=("session-manager-plugin",)),
            ["CONNECTION_PROGRAM_MISSING"],
            id="no program for sessions",
        ),
        pytest.param(
            {"connection": "ssm"},
            WayIn("bastion", inventory_connection="ssh"),
            SshAccess(),
            ["CONNECTION_DIFFERS"],
            id="an inventory that connects otherwise",
        ),
        pytest.param({}, HOME._replace(inventory_connection="ssh"), SshAccess(), [], id="an inventory that agrees"),
        pytest.param({"ssh_public_key": ""}, WayIn("bastion", own_host=True), SshAccess(), [], id="a user's own host"),
        pytest.param({"ssh_public_key": ""}, WayIn(), SshAccess(), [], id="nodes asked from here"),
    ],
)
def test_a_build_over_the_bastion_needs_a_key_and_an_open_way(
    changes: dict[str, str], way: WayIn, access: SshAccess, expected: list[str]
) -> None:
    assert codes(described(**changes), way, access) == expected


@pytest.mark.parametrize("present", [(), ("aws",), ("session-manager-plugin",), ("aws", "session-manager-plugin")])
def test_a_build_through_session_manager_looks_for_its_programs(
    api: MotoApi, ssh_alone: Path, present: tuple[str, ...]
) -> None:
    for name in present:
        program(ssh_alone / name)
    cluster = described(connection="ssm")

    access = read_ssh_access(api, cluster, OVER_BASTION, NOW)

    missing = [name for name in ("aws", "session-manager-plugin") if name not in present]
    assert list(access.missing_programs) == missing
    found = [problem.message for problem in way_in_problems(cluster, OVER_BASTION, access)]
    assert [text.rpartition("on the controller: ")[2] for text in found] == (
        [f"{' and '.join(missing)}."] if missing else []
    )


def test_a_build_over_ssh_needs_ssh(api: MotoApi, ssh_alone: Path) -> None:
    (ssh_alone / "ssh").unlink()

    assert read_ssh_access(api, described(), HOME, NOW).missing_programs == ("ssh",)


@pytest.mark.parametrize("way", [WayIn(), WayIn("bastion", own_host=True)])
def test_a_build_that_does_not_log_in_needs_no_programs(api: MotoApi, ssh_alone: Path, way: WayIn) -> None:
    (ssh_alone / "ssh").unlink()

    assert read_ssh_access(api, described(connection="ssm"), way, NOW).missing_programs == ()


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        pytest.param(OVER_BASTION, ["NO_BASTION_HOST"], id="no host at all"),
        pytest.param(WayIn("bastion", own_host=True), [], id="a user's own host"),
        pytest.param(WayIn(), [], id="nodes asked from here"),
    ],
)
def test_without_a_bastion_the_way_over_one_needs_a_host_of_the_user(way: WayIn, expected: list[str]) -> None:
    assert codes(spec(), way, SshAccess((), ())) == expected


def test_a_public_key_in_place_of_a_key_pairs_name_is_not_repeated() -> None:
    (problem,) = way_in_problems(described(ssh_key_name=PUBLIC), HOME, SshAccess(()))

    assert PUBLIC not in str(problem)
    assert "cluster_bastion_ssh_public_key" in problem.remedy


def test_aws_is_asked_for_key_pairs_if_one_is_named(api: MotoApi) -> None:
    api.clients["ec2"].create_key_pair(KeyName="moon")

    assert read_ssh_access(api, described(ssh_key_name="mars"), HOME, NOW) == SshAccess(("moon",))
    assert read_ssh_access(api, spec(), WayIn(node_ssh_key_name="mars"), NOW) == SshAccess(("moon",))
    assert read_ssh_access(api, described(), HOME, NOW) == SshAccess()


@pytest.mark.parametrize("variable", ["cluster_bastion_ssh_key_name", "cluster_nodes_ssh_key_name"])
def test_a_missing_key_pair_is_refused_with_the_names_that_exist(variable: str) -> None:
    of_bastion = "bastion" in variable
    cluster = described(ssh_key_name="mars") if of_bastion else spec()
    way = WayIn(node_ssh_key_name="" if of_bastion else "mars")

    (problem,) = way_in_problems(cluster, way, SshAccess(("moon", "sun")))

    assert (problem.code, problem.subject) == ("KEY_PAIR_NOT_FOUND", variable)
    assert problem.message == "eu-west-1 has no key pair with the name mars."
    assert problem.remedy.startswith("Use one of moon, sun.")


def test_where_no_key_pair_exists_the_remedy_makes_one() -> None:
    (problem,) = way_in_problems(spec(), WayIn(node_ssh_key_name="mars"), SshAccess(()))

    assert "aws ec2 import-key-pair" in problem.remedy


@pytest.mark.parametrize(
    ("public_key", "pair", "expected"),
    [
        pytest.param("", "", ["NODE_SSH_KEY_MISSING"], id="none"),
        pytest.param(PUBLIC, "", [], id="public key"),
        pytest.param("", "moon", [], id="key pair"),
    ],
)
def test_nodes_that_boot_by_ssh_need_a_key(public_key: str, pair: str, expected: list[str]) -> None:
    cluster = dataclasses.replace(described(ssh_public_key=public_key), ssh_enabled=True)

    assert codes(cluster, WayIn(node_ssh_key_name=pair), SshAccess(("moon",))) == expected


@pytest.mark.parametrize(
    ("expires", "is_open"),
    [
        pytest.param(None, True, id="for ever"),
        pytest.param("2026-11-28T01:00:00Z", True, id="still open"),
        pytest.param("2026-11-27T23:00:00Z", False, id="over"),
    ],
)
def test_a_standing_rule_of_home_access_is_a_way_in(api: MotoApi, expires: str | None, is_open: bool) -> None:
    ec2 = api.clients["ec2"]
    vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="moon-bastion", Description="bastion", VpcId=vpc)["GroupId"]
    nodes = ec2.create_security_group(GroupName="moon-nodes", Description="nodes", VpcId=vpc)["GroupId"]
    ec2.create_tags(Resources=[vpc, group, nodes], Tags=tag_list({**OWNER, "Name": "moon-bastion"}))
    # Every bastion lets in its nodes, which says nothing about the controller.
    way_out = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": nodes}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[way_out])
    assert read_ssh_access(api, described(), OVER_BASTION, NOW) == SshAccess(None, ())

    marks = {**OWNER, "Purpose": "home-access", **({"Expires": expires} if expires else {})}
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}]}
    specification = {"ResourceType": "security-group-rule", "Tags": [{"Key": k, "Value": v} for k, v in marks.items()]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule], TagSpecifications=[specification])

    opened = ("2001:db8::/64",) if is_open else ()
    assert read_ssh_access(api, described(), OVER_BASTION, NOW) == SshAccess(None, opened)
    assert read_ssh_access(api, described(connection="ssm"), OVER_BASTION, NOW).opened is None
    assert read_ssh_access(api, described(), HOME, NOW).opened is None


def test_the_bastion_may_read_its_own_host_key_and_no_other_parameter() -> None:
    policy = desired(described(host_key_parameter="/moon/bastion-host-key"))["iam_role/bastion"].want["policy"]

    reads = [statement for statement in policy["Statement"] if "ssm:GetParameter" in statement["Action"]]
    assert [statement["Resource"] for statement in reads] == [
        ["arn:aws:ssm:eu-west-1:*:parameter/moon/bastion-host-key"]
    ]
    assert [statement["Action"] for statement in reads] == ["ssm:GetParameter"]


OPEN = SshAccess(None, ("2001:db8:9::/64", "2001:db8:1:2::/64"))


@pytest.mark.parametrize(
    ("source", "way", "access", "expected"),
    [
        pytest.param("", HOME, SshAccess(), ["CONTROLLER_WITHOUT_IPV6"], id="no route"),
        pytest.param("", OVER_BASTION, OPEN, ["CONTROLLER_WITHOUT_IPV6"], id="no route, opened before"),
        pytest.param("fd00::5", HOME, SshAccess(), ["CONTROLLER_WITHOUT_IPV6"], id="private address"),
        pytest.param("fe80::5%eth0", HOME, SshAccess(), ["CONTROLLER_WITHOUT_IPV6"], id="link"),
        pytest.param("2001:db8:1:2::5", HOME, SshAccess(), [], id="inside"),
        pytest.param("2001:db8:1:3::5", HOME, SshAccess(), ["CONTROLLER_OUTSIDE_ACCESS"], id="outside"),
        pytest.param("2001:db8:1:2::5", OVER_BASTION, OPEN, [], id="opened before"),
        pytest.param(
            "2001:db8:1:3::5", OVER_BASTION, OPEN, ["CONTROLLER_OUTSIDE_ACCESS"], id="another network on the second day"
        ),
        pytest.param("2001:db8:1:3::5", OVER_BASTION, SshAccess(None, ("::/0",)), [], id="open to everyone"),
        pytest.param("2001:db8:1:3::5", OVER_BASTION, SshAccess(None, ()), [], id="closed, which is a problem"),
        pytest.param("2001:db8:1:3::5", OVER_BASTION, SshAccess(), [], id="rules that could not be read"),
        *(
            pytest.param(
                "2001:db8:1:3::5", OVER_BASTION, SshAccess(None, ("2001:db8:9::/64", peer)), [], id=f"also open: {peer}"
            )
            for peer in ("pl-0123", "192.0.2.0/24", "sg-0123")
        ),
        pytest.param(
            "2001:db8:1:3::5", HOME._replace(home_ipv6="home"), OPEN, [], id="another check refuses the network"
        ),
        pytest.param("", WayIn("bastion", own_host=True), SshAccess(), [], id="a user's own host"),
    ],
)
def test_a_controller_from_which_ssh_may_not_arrive_is_noted(
    source: str, way: WayIn, access: SshAccess, expected: list[str]
) -> None:
    assert [note.code for note in controller_notes(described(), way, access, lambda: source)] == expected
    assert list(controller_notes(described(connection="ssm"), way, access, lambda: source)) == []


@pytest.mark.parametrize(
    ("way", "access", "begin", "end"),
    [
        pytest.param(HOME, SshAccess(), "SSH will be opened for 2001:db8:1:2::/64, but", ", unless", id="requested"),
        pytest.param(
            OVER_BASTION, OPEN, "SSH is open for 2001:db8:9::/64, 2001:db8:1:2::/64, but", ".", id="opened before"
        ),
    ],
)
def test_the_note_names_the_network_of_the_controller(way: WayIn, access: SshAccess, begin: str, end: str) -> None:
    (note,) = controller_notes(described(), way, access, lambda: "2001:db8:1:3:a:b:c:d")

    assert note.message == f"{begin} this controller connects from 2001:db8:1:3:a:b:c:d."
    assert note.remedy.startswith(f"Pass -e access_ipv6=2001:db8:1:3::/64{end}")
