# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module ec2_host_key with moto as AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion.host_key import ensure_present
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import Calls
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.owners import conflict_problems
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import HostKey, make_host_key
from ansible_collections.urmanac.talos.plugins.modules import ec2_host_key
from tests.ec2_cluster import OWNER, MotoApi, cluster, compared, empty_aws, run_module, spec
from tests.ec2_failures import Deleting, FailingEc2

PARAMETER = "/urmanac.talos/talos-arm64/moon/bastion-host-key"


@pytest.fixture
def api() -> Iterator[MotoApi]:
    with empty_aws():
        yield MotoApi()


def value(api: MotoApi) -> str:
    """Return what the bastion would read."""
    answer = api.clients["ssm"].get_parameter(Name=PARAMETER, WithDecryption=True)
    assert answer["Parameter"]["Type"] == "SecureString"
    return str(answer["Parameter"]["Value"])


def ensure(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    """Run the module as Ansible does."""
    return run_module(ec2_host_key.main, capsys, cluster=cluster(), parameter=PARAMETER, **options)


def test_the_key_is_made_once_and_its_private_part_shown_nowhere(
    api: MotoApi, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = ensure(capsys), ensure(capsys)

    private = value(api)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["public_key"] == second["public_key"]
    assert first["known_hosts"] == f"talos-arm64-moon-bastion {' '.join(first['public_key'].split()[:2])}\n"
    assert first["diff"] == {"before": "\n", "after": f"{first['public_key']}\n"}
    secret = private.splitlines()[1]
    assert private.startswith("-----BEGIN OPENSSH ")
    assert secret not in json.dumps([first, second])
    tags = api.clients["ssm"].list_tags_for_resource(ResourceType="Parameter", ResourceId=PARAMETER)["TagList"]
    assert secret not in json.dumps(tags)


def test_check_mode_makes_and_deletes_nothing(api: MotoApi, capsys: pytest.CaptureFixture[str]) -> None:
    predicted = ensure(capsys, _ansible_check_mode=True)
    assert (predicted["changed"], predicted["known_hosts"].startswith("talos-arm64-moon-bastion")) == (True, True)
    ensure(capsys)

    assert ensure(capsys, state="absent", _ansible_check_mode=True)["changed"]
    assert value(api)


def test_the_key_is_deleted_once(api: MotoApi, capsys: pytest.CaptureFixture[str]) -> None:
    ensure(capsys)

    assert [ensure(capsys, state="absent")["changed"] for _ in range(2)] == [True, False]


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    "tags",
    [
        pytest.param({}, id="without tags"),
        pytest.param({**OWNER, "Cluster": "mars", "SshHostKey": make_host_key("").public}, id="of another cluster"),
        pytest.param(OWNER, id="without its public key"),
    ],
)
def test_a_parameter_that_is_not_ours_stays_as_it_is(
    api: MotoApi, capsys: pytest.CaptureFixture[str], tags: dict[str, str], state: str
) -> None:
    api.clients["ssm"].put_parameter(
        Name=PARAMETER,
        Type="SecureString",
        Value="not a key of ours",
        Tags=[{"Key": key, "Value": text} for key, text in tags.items()],
    )

    result = ensure(capsys, state=state)

    assert result["failed"]
    assert "cluster_bastion_host_key_parameter" in result["msg"]
    assert value(api) == "not a key of ours"


def test_two_concurrent_runs_use_the_first_key(api: MotoApi) -> None:
    there = make_host_key("first")

    def make_late(comment: str) -> HostKey:
        ensure_present(Calls(api), spec(), PARAMETER, lambda _: there, check_mode=False)
        return make_host_key(comment)

    assert ensure_present(Calls(api), spec(), PARAMETER, make_late, check_mode=False).after == there.public
    assert value(api) == there.private


@pytest.mark.parametrize("what", ["late", "lost"])
def test_a_key_is_used_after_a_delayed_or_lost_answer(what: str) -> None:
    with empty_aws():
        day = FailingEc2()
        getattr(day, what)["put_parameter"] = 2

        plan = ensure_present(day.calls_of(), spec(), PARAMETER, make_host_key, check_mode=False)

        assert plan.after == ensure_present(day.calls_of(), spec(), PARAMETER, make_host_key, check_mode=False).before
        assert plan.after is not None


def test_a_key_is_made_as_soon_as_ssm_has_deleted_the_one_before() -> None:
    with empty_aws():
        day = Deleting(free=30)

        plan = ensure_present(day.calls_of(), spec(), PARAMETER, make_host_key, check_mode=False)

        assert plan.after == ensure_present(day.calls_of(), spec(), PARAMETER, make_host_key, check_mode=False).before
        assert plan.after is not None
        assert 30 <= day.time < 40


def test_a_key_that_can_be_neither_created_nor_read_ends_a_run_within_a_minute() -> None:
    with empty_aws():
        day = Deleting(free=1000)

        with pytest.raises(Ec2Error, match="SSM has not finished deleting the previous one"):
            ensure_present(day.calls_of(), spec(), PARAMETER, make_host_key, check_mode=False)

        assert 45 <= day.time < 60


def test_the_key_is_part_of_the_plan_until_it_is_made(api: MotoApi, capsys: pytest.CaptureFixture[str]) -> None:
    bastion = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123", "host_key_parameter": PARAMETER}

    def state(parameter: str) -> str:
        described = spec(bastion={**bastion, "host_key_parameter": parameter})
        found = compared(api, described).resources
        return next(resource.state for resource in found if resource.key == "ssm_parameter/bastion")

    assert state(PARAMETER) == "missing"
    ensure(capsys)
    assert state(PARAMETER) == "present"
    assert state("/another/name") == "differs"


@pytest.mark.parametrize("tags", [OWNER, {**OWNER, "Name": "moon-bastion"}, {**OWNER, "SshHostKey": "no key"}])
def test_a_parameter_that_the_module_refuses_is_refused_in_the_plan_as_well(
    api: MotoApi, capsys: pytest.CaptureFixture[str], tags: dict[str, str]
) -> None:
    bastion = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123", "host_key_parameter": PARAMETER}
    described = spec(bastion=bastion)
    given = [{"Key": key, "Value": text} for key, text in tags.items()]
    api.clients["ssm"].put_parameter(Name=PARAMETER, Type="String", Value="hello", Tags=given)

    comparison = compared(api, described)

    assert [f"ssm_parameter {described.names.bastion}"] == [
        one.subject for one in conflict_problems(comparison.resources)
    ]
    assert not comparison.found
    assert ensure(capsys)["failed"]


def test_another_refusal_is_reported() -> None:
    class DeniedApi:
        def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
            raise AwsError(finding("NOT_AUTHORIZED", f"call {operation}", "no", "Allow it."), "AccessDeniedException")

    with pytest.raises(AwsError, match="list_tags_for_resource"):
        ensure_present(Calls(DeniedApi()), spec(), PARAMETER, make_host_key, check_mode=False)


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        pytest.param({"parameter": "/aws/moon"}, "parameter", id="reserved name"),
        pytest.param({"parameter": "moon's key"}, "parameter", id="characters"),
        pytest.param({"cluster": cluster(tags={"Owner": "Ada & Bob"})}, "tag Owner", id="tag"),
    ],
)
def test_a_text_that_aws_refuses_is_refused_before_anything_is_called(
    api: MotoApi, capsys: pytest.CaptureFixture[str], options: dict[str, Any], subject: str
) -> None:
    result = run_module(ec2_host_key.main, capsys, **{"cluster": cluster(), "parameter": PARAMETER, **options})

    assert result["msg"].startswith(f"Failed to create the host key: {subject}: ")
    assert api.clients["ssm"].describe_parameters()["Parameters"] == []
