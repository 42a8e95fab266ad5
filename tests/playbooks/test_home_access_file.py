# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's file is for site.yml: what other playbooks set themselves, it does not replace without notice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import read_options
from lab.settings import REPOSITORY
from tests.checks.files import mappings
from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, calls, play

OF_THE_FILE, ASKED = "2001:db8:1:2::/64", "2001:db8:7:8::/64"
CLAIM = "/urmanac.talos/talos-arm64/lab/claim"
# Variables of roles that playbooks and tasks set although a user's file may replace them, because that is harmless.
HARMLESS = {
    # It is only the server with which the health checks compare the clock.
    "playbooks/netboot.yml": {"bastion_host_health_ntp_server"},
    # With true, the run ends with the same error after the phase, and without a report.
    "playbooks/site.yml": {"access_audit_enforced", "cozystack_expect_enforced"},
}
OF_THE_PLAYBOOK = "__check_of_the_playbook"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Give the options that pass a user's file with a home network."""
    path = tmp_path_factory.mktemp("file") / "moon.json"
    access = {"access_ipv6": OF_THE_FILE, "access_state": "present", "cluster_home_schedule_enabled": True}
    path.write_text(json.dumps({"cluster_name": "lab"} | access), encoding="utf-8")
    return ("-e", "@examples/single_node.yml", "-e", f"@{path}")


def homes(lab: Lab) -> set[str]:
    """Return the networks that are open."""
    found = lab.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    return {rule["CidrIpv6"] for rule in found if not rule["IsEgress"] and "CidrIpv6" in rule}


def roles_of_home_access(lab: Lab) -> list[str]:
    """Return the IAM roles that close home access on time."""
    names = [role["RoleName"] for role in lab.client("iam").list_roles()["Roles"]]
    return [name for name in names if name.endswith("-home-access")]


def test_a_home_network_in_the_users_file_does_not_change_what_is_opened_closed_and_reset(
    lab: Lab, file: tuple[str, ...]
) -> None:
    runs = [play(lab, "playbooks/network.yml", *file)]
    runs.append(play(lab, "playbooks/add_home_access.yml", *file, "-e", f"ipv6={ASKED}", "-e", "expires=8h"))
    opened, roles = homes(lab), roles_of_home_access(lab)
    runs.append(play(lab, "playbooks/remove_home_access.yml", *file))
    closed, kept = homes(lab), roles_of_home_access(lab)
    runs.append(play(lab, "playbooks/add_home_access.yml", *file, "-e", f"ipv6={ASKED}", "-e", "expires=8h"))
    runs.append(play(lab, "playbooks/reset.yml", *file, "-e", CONFIRMED))

    assert [run.code for run in runs] == [0] * 5, [run.output for run in runs if run.code]
    assert (opened, len(roles)) == ({ASKED}, 1)
    assert (closed, kept) == (set(), [])
    assert (homes(lab), roles_of_home_access(lab)) == (set(), [])
    found = lab.client("ssm").describe_parameters(Filters=[{"Key": "Name", "Values": [CLAIM]}])["Parameters"]
    assert found == []


def variables(found: Any) -> set[str]:
    """Return the names that the vars of plays, roles and tasks set."""
    return {name for one in mappings(found) for name in one.get("vars") or ()}


def refused(found: Any) -> dict[str, Any]:
    """Return the variables that a playbook compares with the values of -e."""
    given = [one[OF_THE_PLAYBOOK] for one in mappings(found) if OF_THE_PLAYBOOK in one]
    return {name: value for values in given for name, value in values.items()}


def test_variables_that_a_users_file_could_replace_are_refused_or_harmless() -> None:
    globs = ("playbooks/*.yml", "playbooks/tasks/*.yml", "roles/*/tasks/*.yml")
    files = [path for pattern in globs for path in REPOSITORY.glob(pattern)]
    contents = {str(path.relative_to(REPOSITORY)): yaml.safe_load(path.read_text("utf-8")) for path in files}
    options = {*read_options()}

    replaced = {name: variables(found) & options - set(refused(found)) for name, found in contents.items()}

    assert {name: names for name, names in replaced.items() if names} == HARMLESS


def test_a_variable_is_compared_with_what_the_playbook_sets() -> None:
    contents = [yaml.safe_load(path.read_text("utf-8")) for path in (REPOSITORY / "playbooks").glob("*.yml")]

    for found in contents:
        for name, value in refused(found).items():
            assert value in values_of(found, name), name


def values_of(found: Any, name: str) -> list[Any]:
    """Return the values that the vars of plays, roles and tasks give a variable."""
    own = [one.get("vars") or {} for one in mappings(found)]
    return [given[name] for given in own if name in given]


@pytest.mark.parametrize(
    ("playbook", "given", "value"),
    [
        pytest.param("reset", {"nodes_state": "present"}, "nodes_state=absent", id="a reset that keeps the nodes"),
        pytest.param("health", {"bastion_api_host": "router"}, "bastion_api_host=bastion", id="another host's health"),
        pytest.param("netboot", {"bastion_host_firewall_enabled": True}, "enabled=false", id="a router's firewall"),
        pytest.param(
            "netboot",
            {"bastion_host_docker_options": {"bridge": "none"}},
            '{"bastion_host_docker_options": {}}',
            id="docker",
        ),
    ],
)
def test_a_file_that_would_make_a_playbook_do_something_else_is_refused(
    lab: Lab, tmp_path: Path, playbook: str, given: dict[str, Any], value: str
) -> None:
    path = tmp_path / "moon.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    before = calls(lab)

    run = play(lab, f"playbooks/{playbook}.yml", "-i", "bastion,", "-e", f"@{path}", "-e", CONFIRMED)

    assert run.code != 0
    said = " ".join(run.output.split())
    assert f"1. {next(iter(given))}: The playbook sets" in said
    assert value in said
    assert calls(lab) == before


def test_the_playbooks_own_value_may_be_passed(lab: Lab) -> None:
    run = play(lab, "playbooks/reset.yml", "-e", "nodes_state=present", "-e", "nodes_state=absent", "--check")

    assert "The playbook sets" not in run.output
    assert "Cluster lab in eu-west-1: 0 to delete" in run.output
