# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what AWS takes as texts, compared with botocore's model, and of every text that a cluster sends."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import HOURS, NETWORK
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.access import HomeRule
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.schedule import DESCRIPTION, schedules_of
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.openings import OPENINGS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.preflight.described_texts import (
    described_texts,
    text_problems,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec, problems
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.texts import RULES, fault, fits
from lab.aws import strict
from tests.ec2_cluster import empty_aws, node, spec
from tests.ec2_failures import READING, FailingEc2

ROLES = Path(__file__).parents[5] / "roles"
# 64 characters of a role's name, without the project, two hyphens and "home-access".
LONGEST_NAME = "m" * (64 - len("talos-arm64") - 2 - len("home-access"))
BASTION = {
    "instance_type": "t4g.small",
    "volume_size": 30,
    "image": "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    "egress": "wireguard",
    "wireguard_parameter": "/a" * 15,
    "start": "18:00",
    "stop": "23:00",
    "time_zone": "America/Argentina/ComodRivadavia",
    "ssh_key_name": "k" * 255,
}
WORST: dict[str, Any] = {
    "name": LONGEST_NAME,
    "tags": {"k" * 127: "v" * 256},
    "domain": ".".join(["d" * 63] * 3),
    "bastion": BASTION,
    "nodes": [node("n" * 63)],
    "ssh_enabled": True,
    "hours": {"ttl": 10, "start": "18:00", "stop": "23:00", "time_zone": "America/Argentina/ComodRivadavia"},
}


def codes(cluster_spec: ClusterSpec) -> list[str]:
    return [problem.code for problem in text_problems(cluster_spec, problems(cluster_spec))]


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def metadata_and_text(source: str) -> tuple[dict[str, Any], str]:
    """Return botocore's model of a shape, or of a parameter by its operation and path."""
    service, name, *path = source.split()
    if not path:
        shape = model(service).shape_for(name)
        return dict(shape.metadata), ""
    shape = model(service).operation_model(name).input_shape
    for part in path[0].split("."):
        shape = (shape.member if shape.type_name == "list" else shape).members[part]
    return dict(shape.metadata), html.unescape(re.sub("<[^>]+>", "", shape.documentation or ""))


FROM_THE_MODEL = [kind for kind, rule in RULES.items() if " " in rule.source and len(rule.source.split()) != 2]
SHAPES = [kind for kind, rule in RULES.items() if len(rule.source.split()) == 2]


@pytest.mark.parametrize("kind", [*SHAPES, *FROM_THE_MODEL])
def test_no_rule_allows_more_characters_than_the_model_of_botocore(kind: str) -> None:
    metadata, text = metadata_and_text(RULES[kind].source)

    said = re.search(r"(?:Up to|maximum of) (\d+)", text)
    limits = [int(number) for number in (metadata.get("max"), said and said[1]) if number]

    assert limits, RULES[kind].source
    assert RULES[kind].longest <= min(limits)


@pytest.mark.parametrize(
    "kind", ["security_group_name", "security_group_description", "rule_description", "iam_role_name", "schedule_name"]
)
def test_a_rule_takes_exactly_the_characters_that_the_model_of_botocore_names(kind: str) -> None:
    metadata, text = metadata_and_text(RULES[kind].source)
    listed = re.search(r"characters(?: are|:) a-z, A-Z, 0-9, spaces, and ([^\s]+)", text)
    allowed = re.compile(metadata["pattern"] if not listed else f"[a-zA-Z0-9 {re.escape(listed[1].rstrip('.'))}]+")

    for character in map(chr, range(0x20, 0x7F)):
        assert fits(kind, f"a{character}b") == bool(allowed.fullmatch(f"a{character}b")), character


def input_shape(service: str, operation: str) -> Any:
    """Return botocore's model of what an operation takes, by boto3's name of it."""
    (name,) = (name for name in model(service).operation_names if xform_name(name) == operation)
    return model(service).operation_model(name).input_shape


def minimums() -> dict[str, int]:
    """Return the fewest characters that AWS takes of each kind, of all calls that send a text of it."""
    with empty_aws():
        api = RecordingDay()
        for part in (NETWORK, "bastion", HOURS):
            ensure_cluster(api.calls_of(), spec(**WORST), Order((part,)))
    found: dict[str, int] = {}
    for service, operation, parameters in api.written:
        for member, text in strict.walk(input_shape(service, operation), parameters, ""):
            if not isinstance(text, str):
                continue
            shape, _, name = member.partition(".")
            places = (shape, "Tags" if shape == "Tag" else operation, service, "")
            kind = next((SENT[place, name] for place in places if (place, name) in SENT), "")
            least = (limit for what, limit, _ in strict.rules(service, member) if what == "min")
            found[kind] = max([found.get(kind, 0), *least])
    return {kind: fewest for kind, fewest in found.items() if kind and fewest}


def test_no_rule_allows_fewer_characters_than_any_call_that_sends_the_text() -> None:
    found = minimums()

    assert {"tag_key", "tag_value", "iam_role_name", "launch_template_name", "schedule_name", "time_zone"} <= set(found)
    assert [kind for kind, fewest in found.items() if fits(kind, "a" * (fewest - 1))] == []


@pytest.mark.parametrize("kind", sorted(RULES))
def test_a_text_that_is_too_long_is_refused_with_the_limit(kind: str) -> None:
    assert f"at most {RULES[kind].longest} are allowed" in str(fault(kind, "a" * (RULES[kind].longest + 1)))


def test_the_apostrophe_of_prose_is_refused_in_a_rule_description() -> None:
    assert fault("rule_description", "The nodes' way out")
    assert fits("rule_description", "Way out of the nodes")


def test_everything_that_the_longest_legal_cluster_describes_fits() -> None:
    assert codes(spec(**WORST)) == []


def test_every_text_that_a_cluster_describes_has_a_rule() -> None:
    texts = list(described_texts(spec(**WORST)))

    assert [text for text in texts if text.kind is None] == []
    assert {"iam_role_name", "eni_description", "tag_value", "scheduled_action_name"} <= {text.kind for text in texts}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"name": f"{LONGEST_NAME}m"}, "IAM_NAME_TOO_LONG", id="role of home access over 64"),
        pytest.param({"project": "p" * 64}, "IAM_NAME_TOO_LONG", id="longest project"),
        pytest.param({"project": "p+q", "name": "m"}, "INVALID_PROJECT_NAME", id="project in SSM's names"),
        pytest.param({"nodes": [node("n" * 64)]}, "INVALID_NODE_NAME", id="node"),
        pytest.param({"tags": {"k": "v" * 257}}, "INVALID_TAG_VALUE", id="tag value"),
        pytest.param({"tags": {"k" * 128: "v"}}, "INVALID_TAG_KEY", id="tag key"),
        pytest.param({"domain": ".".join(["d" * 63] * 4)}, "INVALID_DOMAIN", id="domain"),
        pytest.param({"bastion": {**BASTION, "ssh_key_name": "k" * 256}}, "INVALID_KEY_PAIR_NAME", id="key pair"),
        pytest.param(
            {"bastion": {**BASTION, "wireguard_parameter": "/a" * 16}}, "WIREGUARD_PARAMETER_MISSING", id="parameter"
        ),
        pytest.param({"bastion": {**BASTION, "time_zone": "Zulu time"}}, "INVALID_TIME_ZONE", id="time zone"),
    ],
)
def test_one_character_more_is_refused(changes: dict[str, Any], code: str) -> None:
    assert code in codes(spec(**{**WORST, **changes}))


def logins(number: int, name: str) -> dict[str, Any]:
    """Return the longest legal cluster with this many registry logins."""
    return {
        **WORST,
        "bastion": {**BASTION, "login_parameters": [f"/talos/{name}{index:02}" for index in range(number)]},
    }


def test_the_logins_of_sixty_registries_fit_into_the_policy_of_the_bastion() -> None:
    assert codes(spec(**logins(60, "registry"))) == []


def test_a_policy_that_iam_would_refuse_is_refused_in_preflight() -> None:
    (problem,) = text_problems(spec(**logins(60, "r" * 150)), [])

    assert (problem.code, problem.subject) == (
        "POLICY_TOO_LONG",
        f"iam role talos-arm64-{LONGEST_NAME}-bastion, policy",
    )
    assert re.fullmatch(
        r"The policy has 1\d{4} characters, and at most 10240 are allowed without white space\.", problem.message
    )
    assert "cluster_registry_login_parameters" in problem.remedy


def test_every_policy_of_a_role_is_measured() -> None:
    described = described_texts(spec(**WORST, home_schedule_enabled=True))

    measured = [text.subject for text in described if text.kind in ("role_policies", "trust_policy")]
    assert len(measured) == len(set(measured)) == 2 * len(("node", "bastion", "hours", "home-access"))


def test_each_role_is_checked_and_not_the_shortest_name_alone() -> None:
    # Room for "node" and "bastion", not for "home-access".
    found = text_problems(spec(name=f"{LONGEST_NAME}mmm"), [])

    assert [(problem.code, problem.subject) for problem in found] == [
        ("IAM_NAME_TOO_LONG", "the role that closes home access")
    ]
    assert "at most 64" in found[0].message


def test_every_role_whose_name_is_too_long_is_named() -> None:
    name = f"{LONGEST_NAME}{'m' * 8}"

    found = text_problems(spec(**{**WORST, "name": name}), [])

    too_long = {problem.subject.removeprefix("iam role ") for problem in found if problem.code == "IAM_NAME_TOO_LONG"}
    own = {f"talos-arm64-{name}-{part}" for part in ("bastion", "node")}
    assert too_long == {"the role that closes home access", *own}


def test_a_wrong_part_is_reported_once_and_not_for_each_text_that_it_is_in() -> None:
    assert codes(spec(name="Moon!")) == ["INVALID_CLUSTER_NAME"]


def test_the_texts_of_home_access_fit() -> None:
    identity = Identity(LONGEST_NAME, "talos-arm64")
    rule = HomeRule("nodes", "sg-1", "tcp/6443", "2001:db8::/64", "x", "2026-12-24T18:00:00Z", "sgr-1")

    (schedule,) = schedules_of(identity, [rule], "arn:aws:iam::123456789012:role/x")

    assert [fault("rule_description", opening.description) for opening in OPENINGS] == [None] * len(OPENINGS)
    assert fault("schedule_name", schedule.name) is None
    assert fault("schedule_description", DESCRIPTION) is None


# Of which kind a text is, by the operation that sends it (as far as it matters) and the parameter.
SENT: dict[tuple[str, str], str] = {
    ("create_security_group", "Description"): "security_group_description",
    ("authorize_security_group_ingress", "Description"): "rule_description",
    ("authorize_security_group_egress", "Description"): "rule_description",
    ("create_network_interface", "Description"): "eni_description",
    ("create_role", "Description"): "iam_role_description",
    ("", "GroupName"): "security_group_name",
    ("", "RoleName"): "iam_role_name",
    ("", "PolicyName"): "iam_policy_name",
    ("", "InstanceProfileName"): "instance_profile_name",
    ("", "LaunchTemplateName"): "launch_template_name",
    ("", "AutoScalingGroupName"): "autoscaling_group_name",
    ("", "ScheduledActionName"): "scheduled_action_name",
    ("put_scheduled_update_group_action", "TimeZone"): "time_zone",
    ("scheduler", "Name"): "schedule_name",
    ("scheduler", "GroupName"): "schedule_name",
    ("scheduler", "Description"): "schedule_description",
    ("Tags", "Key"): "tag_key",
    ("Tags", "Value"): "tag_value",
}


class RecordingDay(FailingEc2):
    """An Api without failures that records the parameters of each writing call."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[str, str, dict[str, Any]]] = []

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if not operation.startswith(READING):
            self.written.append((service, operation, parameters))
        return super().call(service, operation, **parameters)


def sent_texts(operation: str, place: str, value: Any) -> Iterator[tuple[str, str, str]]:
    """Yield operation, parameter and text; a tag's key and value name the place Tags for the operation."""
    if isinstance(value, list):
        for item in value:
            yield from sent_texts(operation, place, item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                yield "Tags" if place == "Tags" else operation, name, inner
            else:
                yield from sent_texts(operation, name, inner)


def test_everything_that_building_the_longest_legal_cluster_sends_fits() -> None:
    with empty_aws():
        api = RecordingDay()
        ensure_cluster(api.calls_of(), spec(**WORST), Order((NETWORK,)))
    found = [text for _, operation, parameters in api.written for text in sent_texts(operation, "", parameters)]
    kinds = {(where, name): SENT.get((where, name)) or SENT.get(("", name)) for where, name, _text in found}

    assert [place for place, kind in kinds.items() if kind is None and place[1] == "Description"] == []
    assert {"rule_description", "security_group_description", "iam_role_description", "tag_value"} <= set(
        kinds.values()
    )
    checked = [(kinds[where, name], where, text) for where, name, text in found if kinds[where, name]]
    assert [(where, text) for kind, where, text in checked if kind and fault(kind, text)] == []


def described_in_roles() -> list[tuple[str, str]]:
    """Return each description that a task or a variable of a role gives to AWS, with the longest name in it."""
    found = []
    for path in sorted([*ROLES.glob("*/tasks/*.yml"), *ROLES.glob("*/vars/*.yml")]):
        found += [(f"{path.parts[-3]}: {key}", text) for key, text in descriptions(yaml.safe_load(path.read_text()))]
    return found


def descriptions(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [found for item in value for found in descriptions(item)]
    if not isinstance(value, dict):
        return []
    own = [(key, text) for key, text in value.items() if is_description(key) and isinstance(text, str)]
    return own + [found for item in value.values() for found in descriptions(item)]


def is_description(key: str) -> bool:
    return key in ("rule_desc", "description") or key.endswith("_description")


def test_the_descriptions_in_roles_fit() -> None:
    for where, template in described_in_roles():
        # Whole expressions are texts of the plan, which have their own test.
        text = re.sub(r"\{\{.*?\}\}", LONGEST_NAME, template)
        assert fault("rule_description", text) is None, f"{where}: {template}"
