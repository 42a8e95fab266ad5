# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of variables and inputs that no role has, or that a playbook does not read, are found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible.vars.reserved import get_reserved_names

from ansible_collections.urmanac.talos.plugins.plugin_utils._report.command_line import inline_variables
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.names import (
    INTERNAL,
    empty_values,
    ignored_values,
    misspelt_names,
    replaced_values,
    unknown_names,
)
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import (
    ROLES,
    role_names,
)
from tests.checks.files import mappings
from tests.checks.process import ROOT
from tests.variables import OPTIONS


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("cluster_nodse", "cluster_nodes", id="cluster_nodse"),
        pytest.param("cluster_cozystack_profil", "cluster_cozystack_profile", id="cluster_cozystack_profil"),
        pytest.param("acces_ipv6", "", id="the prefix of no role"),
        pytest.param("bastion_user", "cluster_bastion_user", id="what several roles share"),
        pytest.param("bastion_host_registry_upstreams", "cluster_registry_upstreams", id="without its role"),
        pytest.param("nodes_ssh_key_name", "cluster_nodes_ssh_key_name", id="the key pair of nodes"),
        pytest.param("access_openings", "cluster_access_openings", id="what home access opens"),
        pytest.param("access_audit_allowed", "cluster_audit_allowed", id="what the audit allows"),
        pytest.param("bastion_host_audit_allowed", "cluster_audit_allowed", id="what the health checks allow"),
        pytest.param("nodes_images", "cluster_images", id="the images of nodes"),
        pytest.param("talos_images", "cluster_images", id="the images of configurations"),
        pytest.param("talos_images_refresh", "cluster_images_refresh", id="whether images are looked up again"),
        pytest.param("nodes_boot_to_talos_version", "cluster_boot_to_talos_version", id="boot-to-talos of nodes"),
        pytest.param("bastion_host_boot_to_talos_version", "cluster_boot_to_talos_version", id="boot-to-talos served"),
        pytest.param("bastion_container_engine", "bastion_host_container_engine", id="another role's"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    found = list(unknown_names([name], role_names(), OPTIONS))

    assert [f"Did you mean {near}?" in one.remedy for one in found] == ([True] if near else [])


@pytest.mark.parametrize(
    ("passed", "wanted", "remedies"),
    [
        pytest.param({"nodes_state": "present"}, "absent", ["-e nodes_state=absent "], id="another value"),
        pytest.param({"nodes_state": "absent"}, "absent", [], id="the same value"),
        pytest.param({}, "absent", [], id="none"),
        pytest.param({"nodes_state": "false"}, False, [], id="the same as text"),
        pytest.param({"nodes_state": "no"}, False, ["-e nodes_state=false "], id="a truth"),
        pytest.param({"nodes_state": {"a": 1}}, {}, ["""-e '{"nodes_state": {}}' """], id="a mapping"),
    ],
)
def test_a_value_that_would_replace_the_playbooks_is_refused(
    passed: dict[str, Any], wanted: Any, remedies: list[str]
) -> None:
    found = list(replaced_values(passed, {"nodes_state": wanted}))

    assert [problem.subject for problem in found] == ["nodes_state"] * len(remedies)
    assert all(remedy in problem.remedy for problem, remedy in zip(found, remedies, strict=True))


@pytest.mark.parametrize(
    ("passed", "subjects"),
    [
        pytest.param({"ipv6": ""}, ["ipv6"], id="empty"),
        pytest.param({"ipv6": None}, ["ipv6"], id="null"),
        pytest.param({"ipv6": "all"}, [], id="a value"),
        pytest.param({"ipv6": False}, [], id="false"),
        pytest.param({"expires": ""}, [], id="another variable"),
        pytest.param({}, [], id="not passed"),
    ],
)
def test_an_input_that_is_passed_empty_is_refused(passed: dict[str, Any], subjects: list[str]) -> None:
    found = list(empty_values(passed, {"ipv6": "Name a network."}))

    assert [(problem.code, problem.subject) for problem in found] == [("VARIABLE_EMPTY", name) for name in subjects]


@pytest.mark.parametrize(
    ("extra", "subjects"),
    [
        pytest.param(["access_ipv6=2001:db8:1:2::/64"], ["access_ipv6"], id="key=value"),
        pytest.param(['{"access_ipv6": "2001:db8:1:2::/64"}'], ["access_ipv6"], id="JSON"),
        pytest.param(["@moon.yml"], [], id="a file"),
        pytest.param(["access_ipv6="], [], id="no value, which is another problem"),
        pytest.param(["cluster_name=moon"], [], id="another variable"),
    ],
)
def test_a_variable_that_the_playbook_ignores_is_refused_on_the_command_line(
    extra: list[str], subjects: list[str]
) -> None:
    found = list(ignored_values(inline_variables(extra), {"access_ipv6": "Name it with -e ipv6=."}))

    assert [(problem.code, problem.subject) for problem in found] == [("VARIABLE_IGNORED", name) for name in subjects]


INPUTS = ("ipv6", "expires", "replace")


@pytest.mark.parametrize(
    ("passed", "meant"),
    [
        pytest.param("expire", "expires", id="an input of the playbook"),
        pytest.param("replcae", "replace", id="two letters exchanged"),
        pytest.param("acces_ipv6", "access_ipv6", id="a variable whose prefix is misspelt"),
        pytest.param("clustername", "cluster_name", id="a variable without its hyphen"),
    ],
)
def test_a_name_that_is_one_letter_off_is_refused(passed: str, meant: str) -> None:
    (found,) = misspelt_names([passed], INPUTS, OPTIONS)

    assert (found.code, found.subject) == ("VARIABLE_UNKNOWN", passed)
    assert f"Did you mean {meant}?" in found.remedy
    assert list(misspelt_names([passed], INPUTS, OPTIONS, [f"{passed[:4]}*"])) == []


@pytest.mark.parametrize(
    "name", ["ip", "ipv4", "expires_at_home", "expires", "cluster_name", "ansible_user", "environment", "access_audit"]
)
def test_other_names_that_are_passed_are_a_users_own(name: str) -> None:
    assert list(misspelt_names([name], INPUTS, OPTIONS)) == []


def test_no_variable_of_ansible_is_one_letter_from_an_input() -> None:
    files = [yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / "playbooks").glob("*.yml")]
    inputs = {name for found in files for part in mappings(found) for name in part.get("__check_names", ())}

    assert set(INPUTS) < inputs
    assert list(misspelt_names(get_reserved_names(), inputs, OPTIONS)) == []


def test_a_variable_of_another_role_may_be_named() -> None:
    assert not list(unknown_names(["nodes_exporter_port"], role_names(), OPTIONS, ["nodes_exporter_*"]))


def kept(content: Any) -> Iterator[str]:
    """Yield the variables that tasks set: registers, facts, and those that an included role is given."""
    for task in mappings(content):
        includes = any(str(name).endswith(("include_role", "import_role", "include_tasks")) for name in task)
        yield from (task.get("vars") or {} if includes else {})
        yield from task.get("ansible.builtin.set_fact") or {}
        yield from [task["register"]] if "register" in task else []


def test_every_variable_that_roles_and_playbooks_pass_to_one_another_is_known() -> None:
    files = [*ROLES.glob("*/tasks/*.yml"), *ROLES.parent.glob("playbooks/**/*.yml")]
    used = {name for file in files for name in kept(yaml.safe_load(file.read_text(encoding="utf-8")))}
    internal = {name for name in used if name.startswith(tuple(role_names())) and name not in OPTIONS}

    assert "cluster_reading" in internal
    # A file that sets one of them is refused: it would replace the network that a playbook opens or closes, or have
    # other playbooks than reset.yml work on a cluster of another controller.
    refused = {"access_request", "cluster_claim_override"}
    assert refused.isdisjoint(INTERNAL)
    assert internal - refused <= INTERNAL
    assert refused <= internal


@pytest.mark.parametrize("name", ["CLUSTER_NAME", "cluster-name", "Cluster_Name", "cluster_Name"])
def test_a_name_that_is_written_another_way_is_refused(name: str) -> None:
    (problem,) = unknown_names([name], role_names(), OPTIONS)

    assert (problem.subject, problem.remedy) == (name, "Did you mean cluster_name?")
    assert list(unknown_names([name], role_names(), OPTIONS, [name])) == []


def test_every_variable_that_roles_keep_for_one_another_is_known() -> None:
    files = [ROLES / role / "vars" / "main.yml" for role in role_names()]
    kept = {name for file in files if file.exists() for name in yaml.safe_load(file.read_text(encoding="utf-8")) or {}}

    assert {name for name in kept if not name.startswith("__")} <= INTERNAL
