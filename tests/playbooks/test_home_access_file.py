# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home network in the user's file is for site.yml; other playbooks open, close and reset without regard to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from lab.settings import REPOSITORY
from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, play

OF_THE_FILE, ASKED = "2001:db8:1:2::/64", "2001:db8:7:8::/64"
CLAIM = "/urmanac.talos/talos-arm64/lab/claim"
# Variables of roles that playbooks set although a user may have them in a file as well: extra variables win.
KNOWN = {
    "boot.yml": {"nodes_images"},
    "converge_bastion.yml": {"bastion_api_host"},
    "health.yml": {"bastion_api_host"},
    "netboot.yml": {
        *("bastion_host_aws_enabled", "bastion_host_docker_options", "bastion_host_firewall_enabled"),
        *("bastion_host_health_ntp_server", "bastion_host_nat_enabled"),
    },
    "reset.yml": {"bastion_state", "network_state", "nodes_state"},
    "site.yml": {"cozystack_expect_enforced"},
}


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


def options_of_roles() -> set[str]:
    """Return the variables of the roles that a user may set."""
    specs = [yaml.safe_load(path.read_text("utf-8")) for path in REPOSITORY.glob("roles/*/meta/argument_specs.yml")]
    return {name for spec in specs for entry in spec["argument_specs"].values() for name in entry.get("options", {})}


def variables(found: Any) -> set[str]:
    """Return the names that the vars of plays, roles and tasks set."""
    if isinstance(found, list):
        return set().union(*map(variables, found))
    if not isinstance(found, dict):
        return set()
    return set(found.get("vars") or {}).union(*map(variables, found.values()))


def test_the_playbooks_set_no_other_variables_that_a_users_file_can_override() -> None:
    playbooks, options = sorted((REPOSITORY / "playbooks").glob("*.yml")), options_of_roles()

    found = {path.name: variables(yaml.safe_load(path.read_text("utf-8"))) & options for path in playbooks}

    assert {name: names for name, names in found.items() if names} == KNOWN
