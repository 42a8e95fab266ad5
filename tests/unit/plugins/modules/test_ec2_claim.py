# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the claim on a cluster, with moto as SSM."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import Clock
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity, claim_name
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.ownership import claim
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import problems
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from ansible_collections.urmanac.talos.plugins.module_utils._findings import Finding
from ansible_collections.urmanac.talos.plugins.modules import ec2_claim
from tests.ec2_cluster import IMAGE, OWNER, REGION, Builder, MotoApi, empty_aws, run_module, spec, tag_list
from tests.ec2_failures import refusal

NAME = "/urmanac.talos/talos-arm64/moon/claim"
CLUSTER = {"name": "moon", "project": "talos-arm64", "region": REGION}
OURS = {**CLUSTER, "authority": "aa11", "holder": "me@laptop"}
THEIRS = {**CLUSTER, "authority": "bb22", "holder": "you@desktop"}


@pytest.fixture
def ssm() -> Iterator[Any]:
    with empty_aws():
        yield boto3.client("ssm", region_name=REGION)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda **options: run_module(ec2_claim.main, capsys, **options)


def test_a_claim_is_created_with_the_tags_of_the_cluster(ssm: Any, run: Any) -> None:
    result = run(**OURS)

    assert result["changed"] is True
    assert result["claim"]["holder"] == "me@laptop"
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=NAME)["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "Project": "talos-arm64",
        "Cluster": "moon",
        "ManagedBy": "urmanac.talos",
    }


@pytest.mark.parametrize("text", ["moon's", "moon&sun", "x" * 900])
@pytest.mark.parametrize("option", ["name", "project"])
def test_a_text_that_aws_refuses_is_refused_before_anything_is_called(
    ssm: Any, run: Any, option: str, text: str
) -> None:
    result = run(**{**OURS, option: text})

    assert result["msg"].startswith("Failed to claim the cluster: ")
    assert ssm.describe_parameters()["Parameters"] == []


def test_a_directory_belongs_to_the_cluster_that_was_claimed_with_it_until_its_removal(
    ssm: Any, run: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "moon"
    here = {**OURS, "directory": str(folder)}
    record = folder / "cluster.json"

    run(**here, _ansible_check_mode=True)
    planned = record.exists()
    run(**here)
    claimed = json.loads(record.read_text(encoding="utf-8"))
    again = run(**here)
    run(**here, state="absent", _ansible_check_mode=True)
    kept = json.loads(record.read_text(encoding="utf-8"))
    run(**here, state="absent")

    names = {"name": "moon", "project": "talos-arm64", "region": REGION, "account": "123456789012"}
    assert (planned, claimed, kept, json.loads(record.read_text(encoding="utf-8"))) == (False, names, names, {})
    assert again["changed"] is False


@pytest.mark.parametrize("option", ["directory", "secrets_directory"])
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param({"account": "210987654321"}, id="another account"),
        pytest.param({"name": "mars"}, id="another name"),
        pytest.param({"region": "eu-north-1"}, id="another region"),
    ],
)
def test_the_directory_of_another_cluster_is_refused_and_stays(
    ssm: Any, run: Any, tmp_path: Path, state: str, theirs: dict[str, str], option: str
) -> None:
    record = tmp_path / "cluster.json"
    names = {"name": "moon", "project": "talos-arm64", "region": REGION, "account": "123456789012", **theirs}
    record.write_text(json.dumps(names), encoding="utf-8")

    result = run(**OURS, state=state, **{option: str(tmp_path)})

    assert [problem["code"] for problem in result["problems"]] == ["DIRECTORY_OF_OTHER_CLUSTER"]
    assert result["msg"].startswith(f"Failed to use {tmp_path}: It has the secrets and records of the cluster ")
    assert json.loads(record.read_text(encoding="utf-8")) == names
    assert ssm.describe_parameters()["Parameters"] == []


def test_a_long_holder_fits_the_parameter(ssm: Any, run: Any) -> None:
    run(**{**OURS, "holder": f"{'ü' * 5000}@laptop"})

    value = ssm.get_parameter(Name=NAME)["Parameter"]["Value"]
    assert len(value.encode()) <= 4096
    assert json.loads(value)["holder"].endswith("ü@laptop")


def test_a_second_run_of_the_owner_changes_nothing(ssm: Any, run: Any) -> None:
    first = run(**OURS)

    second = run(**{**OURS, "holder": "me@another-host"})

    assert second["changed"] is False
    assert second["claim"] == first["claim"]


def test_another_authority_is_refused_with_who_claimed_it_and_since_when(ssm: Any, run: Any) -> None:
    claimed = run(**OURS)["claim"]

    result = run(**THEIRS)

    assert result["failed"] is True
    assert f"another controller, me@laptop, since {claimed['since']}" in result["msg"]
    assert "reset_claim=aa11," in result["msg"]


def test_check_mode_creates_no_claim_and_refuses_another_owner(ssm: Any, run: Any) -> None:
    planned = run(**OURS, _ansible_check_mode=True)

    assert planned["changed"] is True
    assert ssm.describe_parameters()["Parameters"] == []

    run(**OURS)
    assert run(**{**THEIRS, "authority": ""}, _ansible_check_mode=True)["failed"] is True


def test_a_controller_without_secrets_claims_nothing(ssm: Any, run: Any) -> None:
    result = run(**CLUSTER)

    assert result["failed"] is True
    assert "authority is empty" in result["msg"]


def test_only_the_owner_releases_a_claim_unless_it_is_named(ssm: Any, run: Any) -> None:
    run(**OURS)

    for other in ("", "force", "bb22", "aa1", "AA11"):
        assert run(**THEIRS, state="absent", override=other)["failed"] is True
    assert run(**THEIRS, state="absent", override="aa11")["changed"] is True
    assert run(**OURS, state="absent")["changed"] is False


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_parameter_of_another_owner_is_refused_with_its_owner_also_if_named(ssm: Any, run: Any, state: str) -> None:
    value = json.dumps({"authority": "aa11", "holder": "Bob", "since": "2026-11-28T21:00:00+00:00"})
    ssm.put_parameter(Name=NAME, Value=value, Type="String", Tags=[{"Key": "Owner", "Value": "Bob"}])

    result = run(**OURS, state=state, override="aa11" if state == "absent" else "")

    assert result["failed"] is True
    assert "without the tags of the cluster moon (Owner=Bob)" in result["msg"]
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == value


def test_a_parameter_that_is_not_a_claim_is_refused_and_kept(ssm: Any, run: Any) -> None:
    ssm.put_parameter(Name=NAME, Value="something else", Type="String", Tags=tag_list(OWNER))

    result = run(**OURS)

    assert result["failed"] is True
    assert "its value is not a claim" in result["msg"]
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == "something else"


@pytest.fixture
def built(ssm: Any) -> dict[str, str]:
    """Give the ids of a cluster that exists, and whose claim was deleted."""
    return Builder(MotoApi(), spec()).build()


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("secrets", [{}, {"authority": "bb22"}], ids=["without secrets", "with secrets"])
def test_without_its_claim_a_cluster_that_exists_is_refused_to_every_controller(
    built: dict[str, str], run: Any, state: str, secrets: dict[str, str]
) -> None:
    result = run(**CLUSTER, **secrets, state=state, _ansible_check_mode=True)

    assert result["failed"] is True
    assert re.search(rf"\(instance {built['instance/gateway']} since 20\S+, VPC {built['vpc']}\)", result["msg"])
    forced = (f"-e cluster_claim_existing={built['vpc']}", f"-e reset_claim={built['vpc']}")
    for remedy in (*forced, "copy its cluster_secrets_directory", "choose another cluster_name"):
        assert remedy in result["msg"]


def test_only_the_machines_and_networks_of_the_cluster_itself_keep_others_from_it(
    built: dict[str, str], run: Any
) -> None:
    other = {**CLUSTER, "name": "sun"}

    assert run(**other, _ansible_check_mode=True)["changed"] is True
    assert run(**other, state="absent", _ansible_check_mode=True)["changed"] is False


def test_a_vpc_alone_is_a_cluster_and_terminated_machines_are_none(ssm: Any, run: Any) -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.10.0.0/24")["Subnet"]["SubnetId"]
    made = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[made])
    ec2.create_tags(Resources=[made], Tags=tag_list(OWNER))
    assert run(**CLUSTER, _ansible_check_mode=True)["changed"] is True

    ec2.create_tags(Resources=[vpc], Tags=tag_list(OWNER))

    assert f"already exists (VPC {vpc})" in run(**CLUSTER, _ansible_check_mode=True)["msg"]


def test_secrets_of_another_cluster_claim_nothing_that_exists(ssm: Any, built: dict[str, str], run: Any) -> None:
    assert run(**THEIRS)["failed"] is True
    assert ssm.describe_parameters()["Parameters"] == []


@pytest.mark.parametrize("key", ["vpc", "instance/gateway"])
def test_the_owner_claims_a_cluster_again_by_naming_it(built: dict[str, str], run: Any, key: str) -> None:
    named = {"unclaimed": built[key]}

    assert run(**OURS, **named, state="absent", _ansible_check_mode=True)["changed"] is False
    assert run(**OURS, **named)["changed"] is True
    assert run(**THEIRS, **named)["failed"] is True
    assert run(**THEIRS, **named, state="absent")["failed"] is True


# As a variables file has it, in which it was left.
@pytest.mark.parametrize("value", ["vpc-0123456789abcdef0", "force", "VPC", "instance"])
def test_the_name_of_another_cluster_does_not_claim_this_one(built: dict[str, str], run: Any, value: str) -> None:
    for state in ("present", "absent"):
        assert run(**OURS, unclaimed=value, state=state, _ansible_check_mode=True)["failed"] is True


def test_a_request_without_secrets_does_not_make_a_cluster_ours(built: dict[str, str], run: Any) -> None:
    for state in ("present", "absent"):
        assert run(**CLUSTER, state=state, unclaimed=built["vpc"], _ansible_check_mode=True)["failed"] is True


def test_a_cluster_without_claim_and_secrets_can_be_removed_by_naming_it(built: dict[str, str], run: Any) -> None:
    absent = {**CLUSTER, "state": "absent", "_ansible_check_mode": True}

    assert run(**absent, override="vpc-0123456789abcdef0")["failed"] is True
    assert run(**absent, override=built["vpc"])["changed"] is False


NO_OWNER = '{"authority": "", "holder": "Bob", "since": "today"}'
GARBAGE = [
    "something else",
    NO_OWNER,
    "[]",
    "null",
    '{"authority": "aa11"}',
    "{",
    '"aa11"',
    "aa11",
    '{"holder": {}}',
    "[" * 4000,
]


@pytest.mark.parametrize("value", GARBAGE)
def test_an_unreadable_claim_is_identified_by_its_checksum_only(ssm: Any, run: Any, value: str) -> None:
    ssm.put_parameter(Name=NAME, Value=value, Type="String", Tags=tag_list(OWNER))

    refused_runs = [run(**OURS), run(**OURS, state="absent")]

    assert all("its value is not a claim" in refused["msg"] for refused in refused_runs)
    assert all("delete-parameter" not in refused["msg"] for refused in refused_runs)
    (named,) = {re.findall(r"reset_claim=([0-9a-f]{64}),", refused["msg"])[0] for refused in refused_runs}
    assert run(**OURS, state="absent", override="aa11")["failed"] is True
    assert run(**OURS, state="absent", override=named)["changed"] is True
    assert run(**OURS)["changed"] is True


class LateSsm:
    """SSM in which another controller creates the claim between our reading and our creation, or our answer is lost."""

    def __init__(self, winner: str) -> None:
        self.winner = winner
        self.value: str | None = None

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "list_tags_for_resource":
            return {"TagList": tag_list(OWNER)}
        if operation == "get_parameter":
            if self.value is None:
                raise refusal("ParameterNotFound")
            return {"Parameter": {"Value": self.value, "Version": 1}}
        assert operation == "put_parameter"
        assert parameters["Overwrite"] is False
        self.value = parameters["Value"].replace("aa11", self.winner)
        raise refusal("ParameterAlreadyExists")


def claimed_in(api: LateSsm) -> claim.Plan:
    client = claim.ClaimClient(api, Identity("moon", "talos-arm64"))
    return claim.ensure_claimed(
        client,
        "aa11",
        "me@laptop",
        now=lambda: datetime(2026, 11, 28, tzinfo=UTC),
        existing=list,
        unclaimed="",
        check_mode=False,
    )


def test_the_later_of_two_concurrent_controllers_is_refused() -> None:
    with pytest.raises(Ec2Error, match="belongs to another controller, me@laptop"):
        claimed_in(LateSsm(winner="bb22"))


def test_a_claim_whose_answer_was_lost_is_still_ours() -> None:
    assert claimed_in(LateSsm(winner="aa11")).changed is False


class DeletedSsm(LateSsm):
    """SSM that refuses the name of a claim for 30 seconds after its deletion, and does not find the claim either."""

    time = 0.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "put_parameter" and self.time < 30:
            raise refusal("ParameterAlreadyExists")
        return {"Version": 1} if operation == "put_parameter" else super().call(service, operation, **parameters)


def test_a_build_right_after_a_removal_waits_until_ssm_has_deleted_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    api = DeletedSsm("aa11")
    monkeypatch.setattr(claim.ClaimClient, "clock", Clock(lambda: api.time, api.sleep))

    assert claimed_in(api).changed is True


# With - between the parts, the names of all of them would be one.
def test_no_two_clusters_share_a_claim() -> None:
    projects = [project for project in ("a", "a-b", "a_b", "a.b") if not problems_of(project)]

    names = {claim_name(project, cluster) for project in projects for cluster in ("c", "b-c")}

    assert (len(projects), len(names)) == (4, 8)


def problems_of(project: str) -> list[Finding]:
    return [found for found in problems(spec(project=project)) if found.code == "INVALID_PROJECT_NAME"]


@pytest.mark.parametrize("project", ["a+b", "a@b", "a=b", "a,b", "a/b"])
def test_a_project_whose_claim_could_not_have_its_name_is_refused(project: str) -> None:
    assert problems_of(project) != []
