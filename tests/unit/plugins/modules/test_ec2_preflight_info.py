# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module ec2_preflight_info as Ansible runs it, with moto as AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2 import client
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import AMI_PARAMETER
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import SIZES
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.ownership.run_lock import dumped, lock_of
from ansible_collections.urmanac.talos.plugins.module_utils._findings import FIELDS
from ansible_collections.urmanac.talos.plugins.module_utils._runs import Run
from ansible_collections.urmanac.talos.plugins.modules import ec2_preflight_info
from tests.ec2_cluster import (
    OWNER,
    account_answers,
    aws_with_images,
    cluster,
    empty_aws,
    moto_clients,
    node,
    run_module,
    spec,
    tag_list,
)
from tests.fake_credentials import ACCESS_KEY_ID

BAD = {"vpc_ipv4_cidr": "10.0.0.0/33", "cpu_credits": "plenty", "nodes": [node(role="pet")]}
BASTION = {"egress": "none", "instance_type": "t4g.medium", "volume_size": 30, "image": f"resolve:ssm:{AMI_PARAMETER}"}
BAD_CODES = ["INVALID_CIDR", "UNKNOWN_NODE_ROLE", "UNKNOWN_CPU_CREDITS"]


def codes(result: dict[str, list[dict[str, str]]]) -> list[str]:
    return [problem["code"] for problem in result["problems"]]


def test_a_sound_cluster_has_no_problems(capsys: pytest.CaptureFixture[str]) -> None:
    with aws_with_images():
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster())

    assert (result["changed"], result["problems"], result["notes"]) == (False, [], [])
    assert (result["account"], result["endpoint"]) == ("123456789012", "https://ec2.eu-west-1.amazonaws.com")
    sizes = {"vcpus": 2, "memory_mib": 4096, "architecture": "arm64", "burstable": True}
    assert result["instance_types"]["t4g.medium"] == {**sizes, "free_tier_eligible": False}
    assert set(result["instance_types"]) == set(SIZES), "the forecast could propose each of them"
    assert set(result["offered_types"]) <= set(SIZES) and "t4g.xlarge" in result["offered_types"]
    assert result["ami"]["id"].startswith("ami-")


@pytest.mark.parametrize(
    ("policy", "problems", "notes"),
    [
        pytest.param("enforce", ["COST_ABOVE_LIMIT"], [], id="refused"),
        pytest.param("warn", [], ["COST_ABOVE_LIMIT"], id="pointed out"),
    ],
)
def test_costs_above_a_limit_are_found_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], policy: str, problems: list[str], notes: list[str]
) -> None:
    dear = cluster(cost={"per_day_max": 0.5, "policy": policy}, cpu_credits="standard")

    with aws_with_images():
        result = run_module(ec2_preflight_info.main, capsys, cluster=dear)

    assert (codes(result), [note["code"] for note in result["notes"]]) == (problems, notes)
    assert result["cost"]["per_hour"] == pytest.approx(0.0368 + 50 * 0.088 / 730, abs=1e-6)


@pytest.mark.parametrize(("size", "found"), [(2048, []), (2049, ["COMMAND_LINE_TOO_LONG"])])
def test_kernel_arguments_that_the_kernel_would_cut_off_are_a_problem(
    capsys: pytest.CaptureFixture[str], size: int, found: list[str]
) -> None:
    arguments = ["console=ttyS0", "x" * (size - len("console=ttyS0 "))]

    with aws_with_images():
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(), kernel_arguments=arguments)

    assert codes(result) == found


@pytest.mark.parametrize(
    ("check_mode", "is_lab", "place", "severity"),
    [
        pytest.param(True, False, "notes", "warning", id="plan"),
        pytest.param(False, False, "problems", "error", id="build"),
        pytest.param(False, True, "notes", "warning", id="build in the lab"),
    ],
)
def test_hosts_of_examples_are_noted_in_a_plan_and_refused_in_a_build_on_aws(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    check_mode: bool,
    is_lab: bool,
    place: str,
    severity: str,
) -> None:
    monkeypatch.setattr(ec2_preflight_info, "is_loopback_endpoint", lambda _endpoint: is_lab)
    own = ["registry.example.com/operator:v1", "oci://registry.example.com/packages", "ghcr.io/example.com/operator"]

    with aws_with_images():
        options = {"cozystack_sources": own, "_ansible_check_mode": check_mode}
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(), **options)

    (found,) = result["notes"] + result["problems"]
    assert result[place] == [found]
    assert (found["code"], found["subject"], found["severity"]) == ("EXAMPLE_HOST", "registry.example.com", severity)
    assert found["message"].endswith(": registry.example.com/operator:v1, oci://registry.example.com/packages.")


@pytest.mark.parametrize(
    ("check_mode", "place"), [pytest.param(True, "notes", id="plan"), pytest.param(False, "problems", id="build")]
)
def test_the_home_network_of_an_example_is_noted_in_a_plan_and_refused_in_a_build(
    capsys: pytest.CaptureFixture[str], check_mode: bool, place: str
) -> None:
    with aws_with_images():
        result = run_module(
            ec2_preflight_info.main,
            capsys,
            cluster=cluster(),
            home_ipv6="2001:db8:1:2::/64",
            _ansible_check_mode=check_mode,
        )

    (found,) = result["notes"] + result["problems"]
    assert result[place] == [found]
    assert (found["code"], found["subject"]) == ("IPV6_DOCUMENTATION", "access_ipv6")


def test_a_controller_without_ipv6_is_noted_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ec2_preflight_info, "source_address", lambda: "")

    with aws_with_images():
        described = cluster(bastion={**BASTION, "enabled": True})
        result = run_module(
            ec2_preflight_info.main, capsys, cluster=described, api_via="bastion", home_ipv6="2a00:1:2:3::/64"
        )

    (note,) = [note for note in result["notes"] if note["code"].startswith("CONTROLLER")]
    assert (note["code"], note["subject"]) == ("CONTROLLER_WITHOUT_IPV6", "cluster_bastion_connection")
    assert "CONTROLLER_WITHOUT_IPV6" not in codes(result)


def test_a_controller_in_another_network_than_the_open_ones_is_noted_on_the_second_day(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ec2_preflight_info, "source_address", lambda: "2a00:1:2:4::5")

    with aws_with_images():
        ec2, tags = moto_clients()["ec2"], tag_list(owner_tags(spec()))
        vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
        group = ec2.create_security_group(GroupName="moon-bastion", Description="moon", VpcId=vpc)["GroupId"]
        ec2.create_tags(Resources=[vpc, group], Tags=tags)
        ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "2a00:1:2:3::/64"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ssh])
        described = cluster(bastion={**BASTION, "enabled": True})
        result = run_module(ec2_preflight_info.main, capsys, cluster=described, api_via="bastion")

    (note,) = [note for note in result["notes"] if note["code"].startswith("CONTROLLER")]
    assert (note["code"], note["remedy"]) == ("CONTROLLER_OUTSIDE_ACCESS", "Pass -e access_ipv6=2a00:1:2:4::/64.")


NAMES = {"claim": "/urmanac.talos/talos-arm64/moon/claim", "run": "/urmanac.talos/talos-arm64/moon/run"}
CLAIM = {"authority": "bb22", "holder": "you@desktop", "since": "2026-11-28T21:00:00+00:00"}


def put(what: str, value: str, tags: dict[str, str]) -> None:
    ssm = moto_clients()["ssm"]
    ssm.put_parameter(Name=NAMES[what], Value=value, Type="String", Tags=tag_list(tags))


def a_run() -> str:
    run = Run(100, "5000", "desktop", "reset.yml", "you", "/home/me/moon", "bb", "boot-2 pid:[1]")
    return dumped(lock_of(run, datetime.now(UTC)))


@pytest.mark.parametrize("what", NAMES)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_claim_or_a_run_of_another_owner_under_our_name_is_a_problem(
    capsys: pytest.CaptureFixture[str], what: str, check_mode: bool
) -> None:
    with aws_with_images():
        put(what, "theirs", {"Owner": "Bob"})
        result = run_module(
            ec2_preflight_info.main, capsys, cluster=cluster(), authority="aa11", _ansible_check_mode=check_mode
        )

    (problem,) = result["problems"]
    assert (problem["code"], problem["subject"]) == ("NAME_TAKEN", f"ssm_parameter {NAMES[what]}")
    assert "without the tags of the cluster moon (Owner=Bob), since 20" in problem["message"]
    assert f"aws ssm delete-parameter --name {NAMES[what]}" in problem["message"]


@pytest.mark.parametrize("option", ["directory", "secrets_directory"])
@pytest.mark.parametrize(("account", "refused"), [("123456789012", False), ("210987654321", True)])
def test_the_directory_of_a_cluster_in_another_account_is_a_problem(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, account: str, refused: bool, option: str
) -> None:
    described = cluster()
    owner = {"name": spec().name, "project": spec().project, "region": spec().region, "account": account}
    (tmp_path / "cluster.json").write_text(json.dumps(owner), encoding="utf-8")

    with empty_aws():
        options = {"cluster": described, option: str(tmp_path), "_ansible_check_mode": True}
        result = run_module(ec2_preflight_info.main, capsys, **options)

    found = codes(result)
    assert ("DIRECTORY_OF_OTHER_CLUSTER" in found) is refused


@pytest.mark.parametrize("authority", ["aa11", ""], ids=["with secrets", "without secrets"])
def test_a_cluster_of_another_controller_is_a_problem_with_who_and_since_when(
    capsys: pytest.CaptureFixture[str], authority: str
) -> None:
    with aws_with_images():
        put("claim", json.dumps(CLAIM), OWNER)
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(), authority=authority)
        ours = run_module(ec2_preflight_info.main, capsys, cluster=cluster(), authority="bb22")

    (problem,) = result["problems"]
    assert problem["code"] == "CLAIMED_BY_OTHER_CONTROLLER"
    assert "another controller, you@desktop, since 2026-11-28T21:00:00+00:00" in problem["message"]
    assert ours["problems"] == []


def test_a_cluster_that_exists_without_a_claim_is_refused_after_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    with aws_with_images():
        ec2 = moto_clients()["ec2"]
        vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
        ec2.create_tags(Resources=[vpc], Tags=tag_list(OWNER))
        options = {"cluster": cluster(), "authority": "aa11", "_ansible_check_mode": True}
        result = run_module(ec2_preflight_info.main, capsys, **options)
        named = run_module(ec2_preflight_info.main, capsys, **options, claim_existing=vpc)

    (found,) = result["unclaimed"]
    assert found["code"] == "CLUSTER_UNCLAIMED"
    assert f"already exists (VPC {vpc}) without a claim" in found["message"]
    assert f"cluster_claim_existing={vpc}" in found["message"]
    assert (result["problems"], named["problems"], named["unclaimed"]) == ([], [], [])


def test_a_vpc_that_only_has_our_names_in_its_tags_is_not_our_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    with aws_with_images():
        ec2 = moto_clients()["ec2"]
        vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
        ec2.create_tags(Resources=[vpc], Tags=tag_list({key: OWNER[key] for key in ("Project", "Cluster")}))
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(), authority="aa11")

    assert (result["problems"], result["unclaimed"]) == ([], [])


@pytest.mark.parametrize(("check_mode", "place"), [(True, "notes"), (False, "problems")], ids=["plan", "build"])
def test_a_run_of_another_controller_is_noted_in_a_plan_and_refused_in_a_build(
    capsys: pytest.CaptureFixture[str], check_mode: bool, place: str
) -> None:
    with aws_with_images():
        put("run", a_run(), OWNER)
        options = {"cluster": cluster(), "authority": "", "_ansible_check_mode": check_mode}
        result = run_module(ec2_preflight_info.main, capsys, **options)
        taken = run_module(ec2_preflight_info.main, capsys, **options, run_takeover=True)

    (found,) = result["notes"] + result["problems"]
    assert result[place] == [found]
    assert found["code"] == "RUN_ACTIVE"
    assert "reset.yml, process 100 of you on desktop in /home/me/moon, since 20" in found["message"]
    assert taken["problems"] + taken["notes"] == []


def test_the_quota_of_a_new_account_and_the_free_plan_are_limits_apart_from_the_problems(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bastion = {**BASTION, "instance_type": "t4g.small", "egress": "public_ipv4"}
    nodes = [node(), node("b", ipv4="10.10.0.102"), node("c", ipv4="10.10.0.103")]

    with aws_with_images(), account_answers() as answers:
        answers |= {"GetServiceQuota": {"Quota": {"Value": 5.0}}, "GetAccountPlanState": {"accountPlanType": "FREE"}}
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(bastion=bastion, nodes=nodes))

    # Reported after the plan, which is right for another account.
    assert {problem["code"] for problem in result["limits"]} == {"VCPU_QUOTA_TOO_SMALL", "FREE_PLAN_TYPE"}
    assert codes(result) == []


def test_the_image_of_the_nodes_is_looked_up_under_their_own_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    with aws_with_images():
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(), node_ami_parameter="/own/linux")

    assert codes(result) == ["AMI_NOT_FOUND"]
    assert result["problems"][0]["message"].endswith("has no image under the SSM parameter /own/linux.")


def test_two_groups_that_may_be_the_bastions_are_one_problem_among_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with aws_with_images():
        ec2 = moto_clients()["ec2"]
        tags = tag_list(owner_tags(spec()))
        for _ in range(2):
            vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
            group = ec2.create_security_group(GroupName="moon-bastion", Description="moon", VpcId=vpc)["GroupId"]
            ec2.create_tags(Resources=[vpc], Tags=tags)
            ec2.create_tags(Resources=[group], Tags=[*tags, {"Key": "Name", "Value": "moon-bastion"}])
        options = {"api_via": "bastion", "cluster": cluster(cpu_credits="plenty", bastion=BASTION)}
        result = run_module(ec2_preflight_info.main, capsys, **options)

    assert {"UNKNOWN_CPU_CREDITS", "SSH_KEY_MISSING", "DUPLICATE_SECURITY_GROUP"} <= set(codes(result))
    assert codes(result).count("DUPLICATE_SECURITY_GROUP") == 1


def test_problems_of_the_input_and_of_aws_come_in_one_list(capsys: pytest.CaptureFixture[str]) -> None:
    with empty_aws():
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(**BAD, instance_type="t3.micro"))

    assert codes(result) == [*BAD_CODES, "ARCHITECTURE_NOT_ARM64", "INSTANCE_TYPE_TOO_SMALL", "AMI_NOT_FOUND"]
    assert all(tuple(problem) == FIELDS for problem in result["problems"])


def test_missing_credentials_are_reported_beside_the_problems_of_the_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(**BAD))

    assert codes(result) == [*BAD_CODES, "CREDENTIALS_MISSING"]
    assert result["account"] is None


def test_an_unknown_profile_is_reported_beside_the_problems_of_the_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(**BAD), profile="no-such-profile")

    assert codes(result) == [*BAD_CODES, "CREDENTIALS_MISSING"]
    assert result["endpoint"] is None


def test_real_credentials_on_a_lab_endpoint_are_a_problem_and_nothing_is_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    keys = {"access_key": ACCESS_KEY_ID, "secret_key": "not-a-real-secret"}

    # Nothing listens there: a request would be reported as ENDPOINT_UNREACHABLE.
    result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(), endpoint_url="http://127.0.0.1:1", **keys)

    assert codes(result) == ["REAL_CREDENTIALS_ON_LAB_ENDPOINT"]


def test_a_loopback_vpc_on_aws_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    lab = {"vpc_ipv4_cidr": "127.10.0.0/16", "subnet_ipv4_cidr": "127.10.0.0/24", "bastion_ipv4": "127.10.0.100"}

    with empty_aws():
        result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(**lab, nodes=[node(ipv4="127.10.0.101")]))

    assert codes(result) == ["LOOPBACK_VPC_ON_REAL_ENDPOINT"]


def test_an_endpoint_where_nothing_listens_is_one_problem(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    keys = {"access_key": client.LAB_ACCESS_KEY_ID, "secret_key": "not-a-real-secret"}

    result = run_module(ec2_preflight_info.main, capsys, cluster=cluster(), endpoint_url="http://127.0.0.1:1", **keys)

    assert codes(result) == ["ENDPOINT_UNREACHABLE"]
    assert "python -m lab up" in result["problems"][0]["remedy"]


def test_a_bastion_without_ipv4_is_refused_where_it_has_to_fetch_from_github(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with aws_with_images():
        result = run_module(
            ec2_preflight_info.main, capsys, cluster=cluster(bastion=BASTION), sources=["ghcr.io/urmanac/talos:latest"]
        )

    assert codes(result) == ["SOURCES_UNREACHABLE"]
    assert (
        "public_ipv4 (an Elastic IP, $0.005 an hour around the clock, $3.65 a month)" in result["problems"][0]["remedy"]
    )


def test_the_bastion_of_the_lab_may_fetch_nothing_from_github(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    keys = {"access_key": client.LAB_ACCESS_KEY_ID, "secret_key": "not-a-real-secret"}
    lab = {"vpc_ipv4_cidr": "127.10.0.0/16", "subnet_ipv4_cidr": "127.10.0.0/24", "bastion_ipv4": "127.10.0.100"}
    described = cluster(**lab, nodes=[node(ipv4="127.10.0.101")], bastion=BASTION)
    sources = ["ghcr.io/urmanac/talos:latest"]
    options = {"sources": sources, "endpoint_url": "http://127.0.0.1:1", **keys}

    result = run_module(ec2_preflight_info.main, capsys, cluster=described, **options)
    with_vpc_of_aws = run_module(ec2_preflight_info.main, capsys, cluster=cluster(bastion=BASTION), **options)

    assert codes(result) == ["ENDPOINT_UNREACHABLE"]
    assert codes(with_vpc_of_aws) == ["SOURCES_UNREACHABLE", "ENDPOINT_UNREACHABLE"]
