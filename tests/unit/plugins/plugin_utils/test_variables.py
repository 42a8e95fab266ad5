# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems in the variables of roles are found before a role runs, each cause once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.vars.reserved import get_reserved_names

from ansible_collections.urmanac.talos.plugins.module_utils._boot.plan import version_of
from ansible_collections.urmanac.talos.plugins.module_utils._boot.upstream import VERSION_MIN
from ansible_collections.urmanac.talos.plugins.module_utils._findings import Finding
from ansible_collections.urmanac.talos.plugins.module_utils._talos.versions import OLDEST
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.command_line import inline_variables
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables import of_cluster
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.checks import Surroundings
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.names import (
    INTERNAL,
    empty_values,
    ignored_values,
    misspelt_names,
    replaced_values,
    unknown_names,
)
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.rules import CHECKS, joint_problems
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.types import type_problems
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import (
    ROLES,
    Given,
    Unreadable,
    Validation,
    read_options,
    role_names,
    validate_variables,
)
from lab.talos.etcd import snapshot
from tests.checks.files import mappings
from tests.checks.process import ROOT
from tests.ec2_cluster import cluster
from tests.talos_corpus import documented_patch
from tools.wrong_inputs import CLUSTER
from tools.wrong_values import WRONG

NOW = Surroundings(datetime(2026, 11, 29, 12, tzinfo=UTC), frozenset({"gateway", "router"}))
NODE = {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "10.10.0.101"}
OPENING = {"group": "nodes", "port": 6443, "description": "Kubernetes API from home"}
OPTIONS = read_options()


def judged(written: Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None, **how: Any) -> Validation:
    """Return what is wrong with variables whose values are as they are written."""
    given = Given(written, defaults or {}, lambda name: {**(defaults or {}), **written}[name])
    options = {name: option for name, option in OPTIONS.items() if name in {*written, *(defaults or {})}}
    return validate_variables(options or OPTIONS, given, NOW, roles=role_names(), **how)


def problems(name: str, value: Any) -> list[Finding]:
    return list(judged({name: value}).problems)


def test_sound_variables_are_no_problem() -> None:
    sound = {"cluster_name": "moon", "cluster_nodes": [NODE], "cozystack_timeout": "60", "access_ipv6": ""}

    assert judged(sound).problems == ()


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


def test_an_unknown_version_is_refused_without_a_guess_at_another() -> None:
    (problem,) = problems("cluster_talos_contract", "v1.9")

    assert "Did you mean" not in problem.remedy
    assert "v1.13" in problem.remedy


def before(version: tuple[int, ...]) -> str:
    """Return the version just below a release, with a patch that no project reaches."""
    *first, last = version
    return ".".join(map(str, [*first, last - 1] if last else [*first[:-1], first[-1] - 1, 999]))


@pytest.mark.parametrize(
    ("name", "oldest"),
    [("cluster_boot_to_talos_version", version_of(VERSION_MIN)), ("talos_image_version", (*OLDEST, 0))],
)
def test_the_release_below_the_oldest_usable_one_is_refused(name: str, oldest: tuple[int, ...]) -> None:
    first = ".".join(map(str, oldest))

    (problem,) = problems(name, before(oldest))

    assert f"from {first} to" in problem.message
    assert problems(name, first) == []


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


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        pytest.param("cozystack_timeout", "soon", "VARIABLE_TYPE_WRONG", id="cozystack_timeout_text"),
        pytest.param("cozystack_timeout", True, "VARIABLE_TYPE_WRONG", id="truth for a number"),
        pytest.param("cluster_bastion_enabled", "maybe", "VARIABLE_TYPE_WRONG", id="text for a truth"),
        pytest.param("cluster_domain", None, "VARIABLE_TYPE_WRONG", id="no value"),
        pytest.param("cluster_name", ["moon"], "VARIABLE_TYPE_WRONG", id="list for a text"),
        pytest.param(
            "cluster_cozystack_disabled_packages", "cozystack.goldpinger", "VARIABLE_TYPE_WRONG", id="cozy_disabled_str"
        ),
        pytest.param("cluster_nodes", {"a": 1}, "VARIABLE_TYPE_WRONG", id="mapping for a list"),
        pytest.param("cluster_tags", ["a"], "VARIABLE_TYPE_WRONG", id="list for a mapping"),
        pytest.param("cluster_nodes", [{**NODE, "volum_size": 3}], "VARIABLE_KEY_UNKNOWN", id="key of a node"),
        pytest.param("cluster_nodes", [{"name": "a"}], "VARIABLE_INCOMPLETE", id="node with a name only"),
        pytest.param("cluster_nodes", [{**NODE, "volume_size": "x"}], "VARIABLE_TYPE_WRONG", id="within a list"),
        pytest.param("cluster_images", {"computer": "a/b:v1"}, "VARIABLE_KEY_UNKNOWN", id="key of the images"),
        pytest.param("cluster_cozystack_profile", "slimm", "VARIABLE_VALUE_WRONG", id="choice"),
        pytest.param("cluster_boot_method", "pxe", "VARIABLE_VALUE_WRONG", id="boot_method_bad"),
        pytest.param("cluster_api_via", "gateway", "VARIABLE_VALUE_WRONG", id="api_via_bad"),
        pytest.param("cluster_images_via", "nosuchhost", "VARIABLE_VALUE_WRONG", id="images_via_bad"),
        pytest.param(
            "cluster_images", {"gateway": "https://ghcr.io/u/talos:latest"}, "VARIABLE_VALUE_WRONG", id="images_url"
        ),
        pytest.param("cluster_images", {"gateway": "not an image"}, "IMAGE_INVALID_REFERENCE", id="no reference"),
        pytest.param("cluster_registry_caches", {}, "VARIABLE_VALUE_WRONG", id="caches_empty"),
        pytest.param("cluster_registry_caches", {"ghcr.io": 70000}, "VARIABLE_VALUE_WRONG", id="no port"),
        pytest.param("cluster_registry_caches", {"ghcr.io": 8081}, "VARIABLE_VALUE_WRONG", id="a port in use"),
        pytest.param("cluster_registry_caches", {"a.io": 5050, "b.io": 5050}, "VARIABLE_VALUE_WRONG", id="port twice"),
        pytest.param("cluster_registry_caches", {"https://a.io": 5050}, "VARIABLE_VALUE_WRONG", id="URL for a name"),
        pytest.param("cluster_cozystack_version", "latest", "VARIABLE_VALUE_WRONG", id="cozy_version_bad"),
        pytest.param("cluster_cozystack_version", "v0.36.0", "VARIABLE_VALUE_WRONG", id="cozy_version_old"),
        pytest.param("cluster_cozystack_version", "v9.9.9", "VARIABLE_VALUE_WRONG", id="cozy_version_nonexist"),
        pytest.param("cluster_boot_to_talos_version", "0.6.0", "VARIABLE_VALUE_WRONG", id="boot-to-talos for amd64"),
        pytest.param("cluster_cozystack_data_disk", "nvme1n1", "VARIABLE_VALUE_WRONG", id="cozy_disk_bad"),
        pytest.param(
            "cluster_cozystack_operator_image", "not an image", "IMAGE_INVALID_REFERENCE", id="cozy_opimage_bad"
        ),
        pytest.param(
            "cluster_cozystack_platform_source_url",
            "registry.example.com/x",
            "VARIABLE_VALUE_WRONG",
            id="cozy_srcurl_bad",
        ),
        pytest.param("cluster_cozystack_platform_source_ref", "v1.6.2", "VARIABLE_VALUE_WRONG", id="source ref"),
        pytest.param("cluster_directory", "moon", "DIRECTORY_NOT_WRITABLE", id="directory_relative"),
        pytest.param("cluster_directory", "/proc/nope", "DIRECTORY_NOT_WRITABLE", id="directory_unwritable"),
        pytest.param("cluster_directory", "$HOME/moon", "VARIABLE_VALUE_WRONG", id="variable of a shell"),
        pytest.param("cluster_bastion_known_hosts", '/home/a"b', "VARIABLE_VALUE_WRONG", id="path with a quote"),
        pytest.param("cluster_bastion_known_hosts", "known_hosts", "DIRECTORY_NOT_WRITABLE", id="relative file"),
        pytest.param("cluster_bastion_ssh_identity_file", "/a\\b", "VARIABLE_VALUE_WRONG", id="key with a backslash"),
        pytest.param("talos_contract", "v1.140", "VARIABLE_VALUE_WRONG", id="talos_contract_bad"),
        pytest.param("access_ipv6", "192.168.1.0/24", "IPV4_NOT_ALLOWED", id="access_ipv6_v4"),
        pytest.param("access_ipv6", "2002:c000:201::/48", "IPV6_MAPS_IPV4", id="6to4"),
        pytest.param("bastion_host_subnet_ipv4_cidr", "10.0.0.5/24", "VARIABLE_VALUE_WRONG", id="bits behind a prefix"),
        pytest.param("bastion_host_network_ipv4_cidr", "2001:db8::/48", "VARIABLE_VALUE_WRONG", id="IPv6 for IPv4"),
        pytest.param("bastion_host_ssh_sources", ["::/0", "home"], "VARIABLE_VALUE_WRONG", id="a network's name"),
        pytest.param("access_expires", "yesterday", "EXPIRES_INVALID", id="access_expires"),
        pytest.param(
            "cluster_access_openings", [{**OPENING, "description": "Ada's"}], "VARIABLE_VALUE_WRONG", id="apostrophe"
        ),
        pytest.param(
            "cluster_access_openings", [{**OPENING, "port": 0}], "VARIABLE_VALUE_WRONG", id="port of an opening"
        ),
        pytest.param("cluster_access_openings", [OPENING, OPENING], "VARIABLE_VALUE_WRONG", id="opened twice"),
        pytest.param("talos_wait_timeout", 0, "VARIABLE_VALUE_WRONG", id="no time"),
        pytest.param("talos_patches", ["machine: ["], "VARIABLE_VALUE_WRONG", id="no YAML"),
        pytest.param("talos_patches", [{"machin": {}}], "VARIABLE_VALUE_WRONG", id="no part of a configuration"),
        pytest.param("talos_worker_patches", [{"op": "add", "path": "/a"}], "VARIABLE_VALUE_WRONG", id="JSON patch"),
        pytest.param("talos_node_patches", {"gateway": [{"kind": "LinkConfig"}]}, "VARIABLE_VALUE_WRONG", id="kind"),
        pytest.param("talos_bootstrap_snapshot", "/nowhere/db.snapshot", "VARIABLE_VALUE_WRONG", id="no snapshot"),
        pytest.param("talos_bootstrap_snapshot", True, "VARIABLE_TYPE_WRONG", id="truth for a snapshot"),
        pytest.param("bastion_python_requirements", 3.11, "VARIABLE_TYPE_WRONG", id="number for a lock file"),
        pytest.param("nodes_cluster", {1: 2}, "VARIABLE_VALUE_WRONG", id="description with a key that is no text"),
        pytest.param(
            "nodes_cluster", {"nodes": [{1: 2}]}, "VARIABLE_VALUE_WRONG", id="description with such a key in a node"
        ),
        pytest.param(
            "talos_patches",
            ["machine: {files: [{path: /var/x, op: create, content: a, permissions: rw-r--r--}]}"],
            "VARIABLE_VALUE_WRONG",
            id="mode of a file",
        ),
        pytest.param("nodes_image_sha256", {"gateway": "abc"}, "VARIABLE_VALUE_WRONG", id="SHA-256 of an image"),
        pytest.param(
            "cluster_boot_to_talos_sha256", {"0.7.1": {"arm64": "abc"}}, "VARIABLE_VALUE_WRONG", id="of an archive"
        ),
        pytest.param("cluster_boot_to_talos_sha256", {"0.7.1": "abc"}, "VARIABLE_VALUE_WRONG", id="no architecture"),
        pytest.param(
            "bastion_host_netboot_ipxe",
            {"ipxe.efi": {"url": "https://a.io/b", "sha256": "abc"}},
            "VARIABLE_VALUE_WRONG",
            id="SHA-256 of a file",
        ),
        pytest.param("bastion_host_netboot_ipxe", {"ipxe.efi": "abc"}, "VARIABLE_VALUE_WRONG", id="no file"),
        pytest.param("bastion_host_images", {"nginx": "a/b@sha256:abc"}, "IMAGE_INVALID_REFERENCE", id="digest"),
        pytest.param("nodes_boot_to_talos_sha256", "abc", "VARIABLE_VALUE_WRONG", id="no SHA-256"),
        pytest.param("cluster_images_mirrors", {"ghcr.io": "10.0.0.1:5054"}, "VARIABLE_VALUE_WRONG", id="no URL"),
        pytest.param("cluster_images_mirrors", {"a.io": "https://[::1"}, "VARIABLE_VALUE_WRONG", id="half a bracket"),
        pytest.param("cluster_images_mirrors", {"a.io": "https://b:99999"}, "VARIABLE_VALUE_WRONG", id="port of a URL"),
        pytest.param("cluster_images", {"gateway": "https://[::1/a.raw.xz"}, "IMAGE_INVALID_REFERENCE", id="no host"),
        pytest.param("cluster_images", {"gateway": None}, "VARIABLE_VALUE_WRONG", id="no image"),
        pytest.param("cluster_registry_caches", {"ghcr.io": "²"}, "VARIABLE_VALUE_WRONG", id="superscript"),
        pytest.param("cluster_volume_size", "\u0665\u0660", "VARIABLE_TYPE_WRONG", id="digits of another script"),
        pytest.param("cluster_cozystack_version", "v\u0661.6.2", "VARIABLE_VALUE_WRONG", id="another script"),
        pytest.param("cozystack_timeout", 10**30, "VARIABLE_VALUE_WRONG", id="longer than clocks count"),
        pytest.param("cluster_cost_per_day_max", "1e999", "VARIABLE_TYPE_WRONG", id="infinity"),
        pytest.param("cluster_tags", {"Owner": None}, "VARIABLE_VALUE_WRONG", id="tag without a value"),
        pytest.param("cluster_tags", {"Production": True}, "VARIABLE_VALUE_WRONG", id="yes without quotes"),
        pytest.param("cluster_tags", {"Version": 1.1}, "VARIABLE_VALUE_WRONG", id="1.10 without quotes"),
        pytest.param("cluster_tags", {True: "yes"}, "VARIABLE_VALUE_WRONG", id="a key that is no text"),
        pytest.param("cluster_directory", "~no-such-user/moon", "DIRECTORY_NOT_WRITABLE", id="home of no user"),
        pytest.param("cluster_directory", "/home/" + "a" * 300, "DIRECTORY_NOT_WRITABLE", id="long name"),
        pytest.param("talos_bootstrap_snapshot", "~no-such-user/db", "VARIABLE_VALUE_WRONG", id="file of no user"),
        pytest.param("talos_bootstrap_snapshot", "/" + "a" * 300, "VARIABLE_VALUE_WRONG", id="long name of a file"),
        pytest.param("cluster_bastion_ssh_identity_file", "/no/such/key", "VARIABLE_VALUE_WRONG", id="no key"),
    ],
)
def test_a_wrong_value_is_refused_by_its_variable(name: str, value: Any, code: str) -> None:
    found = problems(name, value)

    assert code in [one.code for one in found]
    assert all(one.subject.startswith(name) and one.message and one.remedy for one in found)


MEMORY = {"registry": 256, "dnsmasq": "32", "matchbox": 64, "nginx": 64}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("cozystack_smoke_tests", [], id="no smoke test"),
        pytest.param("cozystack_host", "moon-1.example.com", id="a domain"),
        pytest.param("cozystack_enabled_packages", ["cozystack.external-dns"], id="an optional package"),
        pytest.param("cozystack_enabled_packages", ["cozystack.kubevirt"], id="a package that profiles leave out"),
        pytest.param("cluster_cozystack_disabled_packages", ["cozystack.goldpinger"], id="a package"),
        pytest.param("cluster_cozystack_images_arm64", {"others": "yes", "cozystack-api": False}, id="some images"),
        pytest.param("cozystack_manifest", "/srv/operator.yaml", id="a file of the bastion"),
        pytest.param("cozystack_manifest_checksum", f"sha256:{'0A' * 32}", id="a checksum"),
        pytest.param("cozystack_spin_operator_version", "0.7.0-rc1", id="a candidate"),
        pytest.param("cluster_images_mirrors", {"localhost": "http://[2001:db8::1]:5054/"}, id="a mirror"),
        pytest.param("cluster_images_mirrors", {"a.io:5000": "https://b.io/proxy"}, id="a mirror with a path"),
        pytest.param("cluster_bastion_user", "first.last", id="a login with a dot"),
        pytest.param("bastion_host_memory", MEMORY, id="memory"),
        pytest.param("bastion_host_images", {"registry": "a.io/b:c", "nginx": "a.io/d:e"}, id="images of AWS"),
        pytest.param("bastion_host_dhcp_lease", "infinite", id="a lease without an end"),
        pytest.param("bastion_host_dhcp_lease", "2m", id="the shortest lease"),
        pytest.param("bastion_host_netboot_ipxe", {"start4.elf": {"url": "https://a.io/b"}}, id="another boot file"),
        pytest.param("bastion_host_health_ntp_server", "fd00:ec2::123", id="a time server with IPv6"),
        pytest.param("cluster_claim_existing", "i-0123456789abcdef0", id="an instance"),
        pytest.param("cluster_state_kms_key", "alias/talos/state", id="an alias"),
        pytest.param("talos_cert_sans", ["2001:db8::1", "*.moon.base", "Moon"], id="names of a certificate"),
        pytest.param("talos_image_extensions", {"compute": ["spin"]}, id="extensions of one role"),
        pytest.param("talos_sysctls", {"net.ipv4.ip_forward": 1, "vm/nr_hugepages": "16"}, id="kernel settings"),
        pytest.param("cluster_audit_allowed", {"public_ipv4": ["talos-bastion"]}, id="what the audit allows"),
        pytest.param("nodes_cluster", CLUSTER, id="a description of one's own"),
    ],
)
def test_a_right_value_is_accepted(name: str, value: Any) -> None:
    assert problems(name, value) == []


def test_a_wrong_console_is_not_called_a_disk() -> None:
    (found,) = problems("nodes_console", "console 1")

    assert (found.message, found.remedy) == (
        "'console 1' is not the path of a console.",
        "Write it as /dev/ and the name of the console, such as /dev/ttyS0.",
    )


def test_a_kubeconfig_behind_a_link_is_written_where_the_link_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "config").symlink_to(tmp_path / "real" / "config")
    (tmp_path / "proc").symlink_to("/proc/config")

    assert problems("cluster_kubeconfig", str(tmp_path / "config")) == []
    assert [one.code for one in problems("cluster_kubeconfig", str(tmp_path / "proc"))] == ["DIRECTORY_NOT_WRITABLE"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("cluster_kubeconfig", ": : [", "line 1, column 1", id="no YAML"),
        pytest.param(
            "talos_kubeconfig", "contexts: [moon]", "a list of entries with a name", id="contexts without names"
        ),
        pytest.param("cluster_kubeconfig", "sops: {mac: a, version: 3.9.0}", "encrypted with SOPS", id="encrypted"),
        pytest.param(
            "cluster_talosconfig", "contexts: [moon]", "a mapping of names to contexts", id="a list of contexts"
        ),
        pytest.param("talos_talosconfig", "- moon", "one YAML mapping", id="a list"),
    ],
)
def test_a_file_that_entries_cannot_be_added_to_is_refused_before_a_machine_is_made(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    path = tmp_path / "config"
    path.write_text(content, encoding="utf-8")

    (found,) = problems(name, str(path))

    assert said in found.message
    assert str(path) in found.message
    assert found.remedy


def test_a_kubeconfig_and_a_talosconfig_of_other_clusters_are_no_problem(tmp_path: Path) -> None:
    kubeconfig, talosconfig = tmp_path / "kubeconfig", tmp_path / "talosconfig"
    kubeconfig.write_text("contexts: [{name: moon, context: {cluster: moon}}]", encoding="utf-8")
    talosconfig.write_text("contexts: {moon: {endpoints: [10.10.0.101]}}", encoding="utf-8")

    assert problems("cluster_kubeconfig", str(kubeconfig)) == []
    assert problems("cluster_talosconfig", str(talosconfig)) == []


def test_a_snapshot_of_etcd_is_refused_unless_it_ends_with_its_checksum(tmp_path: Path) -> None:
    whole = snapshot({"a": "b"}, version="3.6.0")
    path = tmp_path / "db.snapshot"
    path.write_bytes(whole)
    cut = tmp_path / "cut.snapshot"
    cut.write_bytes(whole[:-1])

    (found,) = problems("talos_bootstrap_snapshot", str(cut))

    assert "not a complete snapshot of etcd" in found.message
    assert problems("talos_bootstrap_snapshot", str(path)) == []


@pytest.mark.parametrize("name", ["cozystack_values", "bastion_host_docker_options"])
def test_each_part_of_a_value_that_json_would_lose_is_named(name: str) -> None:
    value = {"publishing": {"since": date(2026, 11, 30)}, "share": [0.5, float("nan")], True: "a", 2: None}

    found = problems(name, value)

    assert [one.subject for one in found] == [f"{name}.publishing.since", f"{name}.share[1]", f"{name}.True"]
    assert problems(name, {"a": [{"b": None, "c": 1.5}], "d": False, "e": "2026-11-30"}) == []


@pytest.mark.parametrize(
    ("written", "subjects"),
    [
        pytest.param({"cluster_cozystack_variant": "isp-hosted"}, ["cluster_cozystack_variant"], id="default release"),
        pytest.param(
            {"cozystack_variant": "isp-hosted", "cozystack_version": "v1.5.1"}, ["cozystack_variant"], id="an older one"
        ),
        pytest.param({"cluster_cozystack_variant": "isp-hosted", "cluster_cozystack_version": "v1.7.0"}, [], id="new"),
        pytest.param({"cluster_cozystack_variant": "isp-full"}, [], id="another variant"),
    ],
)
def test_a_variant_that_never_becomes_ready_is_refused_with_the_variables(
    written: dict[str, Any], subjects: list[str]
) -> None:
    assert [one.subject for one in judged(written).problems] == subjects


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param("kind: [", "it is not YAML", id="no YAML"),
        pytest.param("a: b", "Kubernetes objects", id="no objects"),
        pytest.param("{apiVersion: v1, kind: Namespace, metadata: {name: a}}", "a Deployment", id="no operator"),
    ],
)
def test_a_manifest_on_the_controller_is_read_before_a_machine_is_made(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "operator.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    given = {"cozystack_manifest": str(path), "cluster_api_via": "localhost"}

    (found,) = judged(given).problems

    assert found.subject == "cozystack_manifest"
    assert said in found.message
    # The bastion reads it from its own disk, which may have it.
    assert judged({**given, "cluster_api_via": "bastion"}).problems == ()


def test_the_checksum_of_a_manifest_on_the_controller_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "crds.yaml"
    path.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: a}}", encoding="utf-8")
    given = {"cozystack_crds_manifest": str(path), "cozystack_api_via": "localhost"}

    (found,) = judged({**given, "cozystack_crds_manifest_checksum": f"sha256:{'0' * 64}"}).problems

    assert found.code == "CHECKSUM_WRONG"
    assert judged(given).problems == ()


def test_a_value_that_contains_itself_is_a_problem_of_its_own() -> None:
    value: dict[str, Any] = {}
    other: dict[str, Any] = {}
    value["again"], other["again"] = value, other

    def read(name: str) -> Any:
        raise Unreadable("It contains itself")

    given = Given({"cozystack_values": value}, {"cozystack_values": other}, read)

    (found,) = validate_variables(
        {"cozystack_values": OPTIONS["cozystack_values"]}, given, NOW, roles=role_names()
    ).problems

    assert (found.code, found.subject) == ("VARIABLE_NOT_READABLE", "cozystack_values")


@pytest.mark.parametrize("name", ["cluster_kubeconfig", "cluster_talosconfig"])
def test_a_link_that_leads_to_itself_is_not_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "config").symlink_to("config")

    (found,) = problems(name, str(tmp_path / "config"))

    assert found.message == f"{tmp_path / 'config'} is a symbolic link that leads to itself."


ODD: tuple[Any, ...] = (True, False, 0, -1, 3.11, "", "a", "~", [1], [None], [[1]], [{}], {"a": None}, {1: 2})


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_no_value_ends_a_check_with_an_error_of_python(name: str) -> None:
    for value in ODD:
        assert all(one.message and one.remedy for one in problems(name, value))


@pytest.mark.parametrize(
    ("variables", "subjects"),
    [
        pytest.param({"cluster_cozystack_version": "v1.5.1"}, ["[0]"], id="a version that does not have it"),
        pytest.param({"cluster_cozystack_version": "v1.6.2"}, [], id="a version that has it"),
        pytest.param({"cluster_cozystack_version": "v1.9.0"}, [], id="a version without data"),
    ],
)
def test_packages_are_those_of_the_version(variables: dict[str, Any], subjects: list[str]) -> None:
    name = "cluster_cozystack_disabled_packages"

    found = judged({name: ["cozystack.securitygroup-controller"], **variables}).problems

    assert [one.subject for one in found] == [f"{name}{subject}" for subject in subjects]


def test_packages_of_ones_own_may_have_any_name() -> None:
    own = {
        "cozystack_enabled_packages": ["cozystack.moon"],
        "cozystack_exposed_services": ["moon"],
        "cozystack_tenant_ingress": True,
    }
    source = {"cozystack_platform_source_url": "oci://a.io/b", "cozystack_platform_source_ref": "tag=v1"}

    assert [one.subject for one in judged(own).problems] == [f"{name}[0]" for name in list(own)[:2]]
    assert judged({**own, **source}).problems == ()
    assert judged({**own, **source, "cozystack_exposed_services": ["Moon"]}).problems


@pytest.mark.parametrize(
    ("changes", "subjects"),
    [
        pytest.param({}, [], id="a range"),
        pytest.param({"bastion_host_dhcp_last": "10.10.0.199"}, ["bastion_host_dhcp_last"], id="backwards"),
        pytest.param({"bastion_host_dhcp_first": "10.10.0.99"}, ["bastion_host_dhcp_first"], id="the bastion in it"),
        pytest.param({"bastion_host_dhcp_last": "moon"}, ["bastion_host_dhcp_last"], id="no address, said once"),
        pytest.param(
            {"bastion_host_dhcp_last": "10.10.0.199", "bastion_host_netboot_enabled": False}, [], id="not used"
        ),
    ],
)
def test_the_range_of_dhcp_is_one_that_dnsmasq_takes(changes: dict[str, Any], subjects: list[str]) -> None:
    variables = {
        "bastion_host_ipv4": "10.10.0.100",
        "bastion_host_subnet_ipv4_cidr": "10.10.0.0/24",
        "bastion_host_dhcp_first": "10.10.0.200",
        "bastion_host_dhcp_last": "10.10.0.250",
        "bastion_host_netboot_enabled": True,
    }

    assert [one.subject for one in judged({**variables, **changes}).problems] == subjects


@pytest.mark.parametrize(
    ("changes", "subjects"),
    [
        pytest.param({}, [], id="of a cache"),
        pytest.param(
            {"cluster_registry_login_parameters": {"a.io": "/talos/login"}},
            ["cluster_registry_login_parameters[a.io]"],
            id="of no cache",
        ),
        pytest.param(
            {"bastion_host_registry_passwords": {"ghcr.io": "ada:hush"}},
            ["bastion_host_registry_passwords[ghcr.io]"],
            id="that no new instance has",
        ),
        pytest.param(
            {"bastion_host_registry_passwords": {"ghcr.io": "ada:hush"}, "cluster_bastion_enabled": False},
            [],
            id="no bastion",
        ),
    ],
)
def test_a_login_is_that_of_a_cache_and_every_new_instance_has_it(changes: dict[str, Any], subjects: list[str]) -> None:
    variables = {
        "cluster_registry_caches": {"docker.io": 5050, "ghcr.io": 5054},
        "cluster_registry_login_parameters": {"docker.io": "/talos/docker.io"},
    }

    found = judged({**variables, **changes}).problems

    assert [one.subject for one in found] == subjects
    assert "hush" not in str(found)


def test_a_path_with_a_null_byte_is_no_path() -> None:
    (found,) = judged({"cluster_kubeconfig": "/moon\0/kubeconfig"}).problems

    assert (found.code, found.subject) == ("VARIABLE_TYPE_WRONG", "cluster_kubeconfig")


def test_packages_are_compared_with_the_version_of_the_same_role() -> None:
    name = "preflight_cozystack_disabled_packages"
    given = {"preflight_cozystack_version": "1.7.0", name: ["cozystack.computeplane-application"]}

    assert [one.subject for one in judged(given).problems] == []
    assert [one.subject for one in judged({name: given[name]}).problems] == [f"{name}[0]"]


def test_a_problem_of_a_description_stands_beside_others() -> None:
    description = cluster(cpu_credits="many")

    found = judged({"access_cluster": description, "cozystack_smoke_timeout": -1}).problems

    assert [one.subject.partition("[")[0] for one in found] == ["access_cluster", "cozystack_smoke_timeout"]


def test_containers_that_run_need_an_image() -> None:
    images = {"registry": "a.io/b:c", "nginx": "a.io/d:e"}

    (found,) = judged({"bastion_host_images": images, "bastion_host_netboot_enabled": True}).problems

    assert (found.subject, found.message.partition(":")[0]) == ("bastion_host_images", "It has no dnsmasq, matchbox")


@pytest.mark.parametrize("name", ["cozystack_exposed_services", "cozystack_external_ips"])
def test_what_an_ingress_publishes_is_judged_too(name: str) -> None:
    for number, value in enumerate(WRONG[name]):
        found = judged({name: value, "cozystack_tenant_ingress": True}).problems

        assert found, f"{number}: {value!r} is accepted"


def test_a_manifest_over_plain_http_needs_its_checksum() -> None:
    over_http = {"cozystack_manifest": "http://a.io/operator.yaml"}

    assert [one.subject for one in judged(over_http).problems] == ["cozystack_manifest"]
    assert judged({**over_http, "cozystack_manifest_checksum": f"sha256:{'0' * 64}"}).problems == ()


@pytest.mark.parametrize("target", ["link", "nowhere"], ids=["itself", "nothing"])
def test_a_directory_behind_a_link_that_leads_nowhere_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / target)

    (problem,) = problems("cluster_directory", str(tmp_path / "link" / "moon"))

    assert problem.code == "DIRECTORY_NOT_WRITABLE"
    assert f"{tmp_path / 'link'} is a symbolic link" in problem.message


IMAGE = {
    "reference": "ghcr.io/x/y:v1",
    "resolved": f"ghcr.io/x/y@sha256:{'0' * 64}",
    "resolved_at": "2026-11-29T12:00:00Z",
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("images.json", {"images": {}, "nodes": {}}, id="images of a removed cluster"),
        pytest.param("images.json", {"images": {"gateway": IMAGE}, "nodes": {"gateway": "x@y"}}, id="images"),
        pytest.param("bastion_images.json", {}, id="no images of a bastion"),
        pytest.param("bastion_images.json", {"arm64 nginx:1": "nginx@sha256:0"}, id="images of a bastion"),
        pytest.param("boot_to_talos.json", {"arm64 0.7.1": "ab" * 32}, id="a checksum of boot-to-talos"),
        pytest.param("talos.json", {}, id="a removed cluster"),
        pytest.param("talos.json", {"contract": "v1.13"}, id="a contract"),
        pytest.param("cluster.json", {}, id="the directory of a removed cluster"),
    ],
)
def test_a_record_of_ours_is_no_problem(tmp_path: Path, name: str, content: Any) -> None:
    (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")

    assert problems("cluster_directory", str(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        pytest.param(
            "images.json", '{"photos": ["moon.jpg"]}', "was not written by this collection", id="a foreign one"
        ),
        pytest.param("images.json", '{"images": ["moon.jpg"], "nodes": {}}', "was not written by", id="a list"),
        pytest.param(
            "images.json", '{"images": {"a": {"url": "b"}}, "nodes": {}}', "was not written by", id="other images"
        ),
        pytest.param(
            "images.json",
            json.dumps({"images": {"gateway": {name: IMAGE[name] for name in ("reference", "resolved")}}, "nodes": {}}),
            "was not written by",
            id="an image without its time",
        ),
        pytest.param("images.json", '{"images": {}, "nodes": {}, "more": 1}', "was not written by", id="more keys"),
        pytest.param("images.json", '{"images": {', "is not JSON", id="half of one"),
        pytest.param("images.json", "\udcff", "is not JSON", id="no text"),
        pytest.param("images.json", "", "is empty, as after a full disk", id="empty"),
        pytest.param("bastion_images.json", "[1]", "was not written by this collection", id="images of a bastion"),
        pytest.param("bastion_images.json", '{"a": {}}', "was not written by this collection", id="no digests"),
        pytest.param("boot_to_talos.json", '{"a": "b"}', "was not written by this collection", id="no checksums"),
        pytest.param("cluster.json", '{"name": "moon"}', "was not written by this collection", id="no cluster"),
        pytest.param("talos.json", '{"talos": "a bird"}', "was not written by this collection", id="no contract"),
    ],
)
def test_a_file_with_only_the_name_of_a_record_is_refused_before_it_is_overwritten(
    tmp_path: Path, name: str, content: str, fault: str
) -> None:
    (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))

    (problem,) = problems("cluster_directory", str(tmp_path))

    assert (problem.code, problem.subject) == ("RECORD_INVALID", "cluster_directory")
    assert f"{tmp_path / name} {fault}" in problem.message


HERS = {"name": "moon", "project": "talos-arm64", "region": "eu-west-1", "account": "123456789012"}


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        pytest.param({}, False, id="the same cluster"),
        pytest.param({"cluster_name": "mars"}, True, id="another name"),
        pytest.param({"cluster_project": "planets"}, True, id="another project"),
        pytest.param({"cluster_region": "eu-north-1"}, True, id="another region"),
    ],
)
def test_the_directory_of_another_cluster_is_refused(tmp_path: Path, changed: dict[str, str], refused: bool) -> None:
    (tmp_path / "cluster.json").write_text(json.dumps(HERS), encoding="utf-8")
    mine = {"cluster_name": "moon", "cluster_project": "talos-arm64", "cluster_region": "eu-west-1", **changed}

    found = judged({**mine, "cluster_directory": str(tmp_path)}).problems

    assert [one.code for one in found] == (["DIRECTORY_OF_OTHER_CLUSTER"] if refused else [])
    assert all("moon (project talos-arm64, eu-west-1, account 123456789012)" in one.message for one in found)


def test_an_empty_record_of_a_shared_state_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "images.json").touch()

    assert judged({"cluster_directory": str(tmp_path), "cluster_state": "s3://moon/clusters"}).problems == ()


def test_a_login_in_a_url_is_refused_and_not_shown() -> None:
    (problem,) = problems("cluster_registry_upstreams", {"ghcr.io": "https://ada:hunter2@example.com"})

    assert "user name or a password" in problem.message
    assert "hunter2" not in f"{problem.message}{problem.remedy}"


def test_an_empty_patch_is_no_problem() -> None:
    assert problems("talos_patches", ["", None]) == []


@pytest.mark.parametrize("name", ["CLUSTER_NAME", "cluster-name", "Cluster_Name", "cluster_Name"])
def test_a_name_that_is_written_another_way_is_refused(name: str) -> None:
    (problem,) = unknown_names([name], role_names(), OPTIONS)

    assert (problem.subject, problem.remedy) == (name, "Did you mean cluster_name?")
    assert list(unknown_names([name], role_names(), OPTIONS, [name])) == []


def test_a_wrong_value_is_reported_where_it_is_written() -> None:
    wrong = {"ghcr.io": "example.com"}
    follows = {"docker.io": "{{ cluster_images_mirrors['ghcr.io'] }}"}
    values = {"cluster_images_mirrors": wrong, "bastion_host_image_mirrors": {"docker.io": "example.com"}}
    given = Given(
        {"bastion_host_image_mirrors": follows, "cluster_images_mirrors": wrong}, {}, lambda name: values[name]
    )

    found = validate_variables({name: OPTIONS[name] for name in values}, given, NOW, roles=role_names())

    assert [one.subject for one in found.problems] == ["cluster_images_mirrors[ghcr.io]"]


def test_a_value_that_cannot_be_decrypted_is_a_problem_of_its_variable() -> None:
    class Encrypted:
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            raise AnsibleError("no vault secrets found")

    def read(name: str) -> Any:
        raise Unreadable("no vault secrets found")

    found = validate_variables(
        {"cluster_name": OPTIONS["cluster_name"]},
        Given({"cluster_name": Encrypted()}, {}, read),
        NOW,
        roles=["cluster"],
    )

    assert [(one.code, one.subject) for one in found.problems] == [("VARIABLE_NOT_READABLE", "cluster_name")]


def test_the_key_that_follows_from_a_public_key_is_one_that_ssh_can_be_given() -> None:
    found = judged({}, defaults={"cluster_bastion_ssh_identity_file": '/home/a"b/id_ed25519'})

    assert [one.subject for one in found.problems] == ["cluster_bastion_ssh_identity_file"]


@pytest.mark.parametrize(
    "volumes",
    [
        pytest.param({"cluster_data_volume_size": 256}, id="of all nodes"),
        pytest.param({"cluster_nodes": [{**NODE, "data_volume_size": 256}]}, id="of one node"),
    ],
)
def test_a_disk_by_path_beside_data_volumes_is_ambiguous(volumes: dict[str, Any]) -> None:
    found = judged({"cluster_cozystack_data_disk": "/dev/nvme1n1", **volumes})

    assert [one.subject for one in found.problems if "two disks for LINSTOR" in one.message] == [
        "cluster_cozystack_data_disk"
    ]


def test_patches_of_a_node_that_does_not_exist_are_refused() -> None:
    patch = [{"machine": {"sysctls": {"vm.swappiness": "10"}}}]

    found = judged({"cluster_nodes": [NODE], "talos_node_patches": {"gatewya": patch, "gateway": patch}})

    assert [problem.subject for problem in found.problems] == ["talos_node_patches[gatewya]"]
    assert "gateway" in found.problems[0].remedy


def test_a_patch_that_ansible_has_tagged_is_read_as_its_text() -> None:
    # ansible-core 2.19 and newer tags the texts of variables with their origin.
    tagged = DataLoader().load(json.dumps([documented_patch()]), file_name="/variables.yml")

    assert problems("talos_patches", tagged) == []


def test_a_deletion_by_a_patch_depends_on_the_configuration_that_it_meets() -> None:
    assert problems("talos_patches", ["machine: {env: {$patch: delete}}", {"machine": {"sysctls": {"a": "1"}}}]) == []


def test_the_data_disk_must_not_be_the_system_disk() -> None:
    found = judged({"cluster_cozystack_data_disk": "/dev/nvme0n1"}, defaults={"talos_install_disk": "/dev/nvme0n1"})

    assert [one.subject for one in found.problems] == ["cluster_cozystack_data_disk"]
    assert "the disk of Talos" in found.problems[0].message


def test_a_source_of_packages_needs_both_of_its_parts() -> None:
    url = {"cluster_cozystack_platform_source_url": "oci://a.io/b", "cluster_cozystack_platform_source_ref": ""}

    assert "cluster_cozystack_platform_source_ref is empty" in judged(url).problems[0].message


@pytest.mark.parametrize(
    ("name", "value"),
    [("cozystack_external_ips", ["192.0.2.1"]), ("cozystack_exposed_services", ["dashboard"])],
)
def test_published_services_need_the_ingress_that_publishes_them(name: str, value: list[str]) -> None:
    usual = yaml.safe_load((ROLES / "cozystack" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    kept = {"cozystack_exposed_services": usual["cozystack_exposed_services"]}

    alone, with_it, by_default = (
        [(one.subject, one.message) for one in judged(given).problems]
        for given in ({name: value}, {name: value, "cozystack_tenant_ingress": True}, kept)
    )

    message = "It has no effect: without cozystack_tenant_ingress no service is published."
    assert (alone, with_it, by_default) == ([(name, message)], [], [])


TUNNEL = {
    "cluster_bastion_egress": "wireguard",
    "cluster_bastion_wireguard_parameter": "/talos/wireguard",
    "bastion_host_wireguard_address": "172.16.0.2/32",
    "bastion_host_wireguard_public_key": "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
    "bastion_host_wireguard_endpoint": "[2001:db8::1]:51820",
    "bastion_host_wireguard_private_key": "",
}


def test_a_disk_image_needs_its_sha256() -> None:
    images = {"gateway": "https://factory.talos.dev/image/a/v1.13.0/metal-arm64.raw.xz", "worker": "ghcr.io/a/b:v1"}

    (problem,) = joint_problems({"cluster_images": images}, {}, NOW)
    (empty,) = joint_problems({"cluster_images": images, "nodes_image_sha256": {"gateway": ""}}, {}, NOW)
    verified = list(joint_problems({"cluster_images": images, "nodes_image_sha256": {"gateway": "a" * 64}}, {}, NOW))

    assert (problem.subject, empty, verified) == ("cluster_images[gateway]", problem, [])
    assert f"{images['gateway']} returns: nodes_image_sha256[gateway] is not set" in problem.message
    assert problem.code == "DISK_IMAGE_UNVERIFIED"


def of_the_tunnel(**given: Any) -> list[str]:
    """Return the subjects of the problems with a tunnel of which some variables are given otherwise."""
    written = {**TUNNEL, **given}
    egress = written.get("bastion_host_egress", written["cluster_bastion_egress"])
    follow = {
        "bastion_host_egress": egress,
        "bastion_host_wireguard_key_parameter": written["cluster_bastion_wireguard_parameter"],
    }
    found = judged({name: value for name, value in written.items() if value != ""}, defaults=_blank(written) | follow)
    return [problem.subject for problem in found.problems]


def _blank(written: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" for name, value in written.items() if value == ""}


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        pytest.param({}, [], id="complete"),
        pytest.param({"bastion_host_wireguard_address": ""}, ["cluster_bastion_egress"], id="without an address"),
        pytest.param({"bastion_host_wireguard_public_key": ""}, ["cluster_bastion_egress"], id="without a key"),
        pytest.param({"bastion_host_wireguard_endpoint": ""}, ["cluster_bastion_egress"], id="without an endpoint"),
        pytest.param(
            {"bastion_host_wireguard_address": "999.9/99"}, ["bastion_host_wireguard_address"], id="no address"
        ),
        pytest.param({"bastion_host_wireguard_public_key": "abc"}, ["bastion_host_wireguard_public_key"], id="no key"),
        pytest.param(
            {"bastion_host_wireguard_endpoint": "vpn.example.com:51820"},
            ["bastion_host_wireguard_endpoint"],
            id="name of an endpoint",
        ),
        pytest.param(
            {"bastion_host_wireguard_endpoint": "192.0.2.1:51820"},
            ["bastion_host_wireguard_endpoint"],
            id="endpoint out of reach",
        ),
        pytest.param(
            {"bastion_host_wireguard_endpoint": "[2001:db8::1]:99999"}, ["bastion_host_wireguard_endpoint"], id="port"
        ),
        pytest.param(
            {"bastion_host_wireguard_private_key": "hush"}, ["bastion_host_wireguard_private_key"], id="two keys"
        ),
        # ec2_preflight_info refuses it.
        pytest.param({"cluster_bastion_wireguard_parameter": ""}, [], id="no parameter"),
        pytest.param({"cluster_bastion_egress": "none", "bastion_host_wireguard_address": ""}, [], id="no tunnel"),
        pytest.param(
            {"cluster_bastion_enabled": False, "bastion_host_wireguard_address": ""}, [], id="a machine of one's own"
        ),
        pytest.param(
            {
                "cluster_bastion_egress": "public_ipv4",
                "bastion_host_egress": "wireguard",
                "bastion_host_wireguard_endpoint": "192.0.2.1:51820",
            },
            [],
            id="endpoint over the Elastic IP",
        ),
    ],
)
def test_a_tunnel_that_the_bastion_could_not_use_is_refused(given: dict[str, Any], subjects: list[str]) -> None:
    assert of_the_tunnel(**given) == subjects


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        pytest.param({"bastion_host_ipv4": "10.10.0.9"}, [], id="inside"),
        pytest.param({"bastion_host_ipv4": "10.20.0.9"}, ["bastion_host_ipv4"], id="outside"),
        pytest.param({"bastion_host_ipv4": "gateway"}, ["bastion_host_ipv4"], id="a name"),
        pytest.param({"bastion_host_dhcp_first": "10.20.0.9"}, [], id="without netboot"),
        pytest.param(
            {"bastion_host_netboot_enabled": True, "bastion_host_dhcp_first": "10.20.0.9"},
            ["bastion_host_dhcp_first"],
            id="leases outside",
        ),
    ],
)
def test_an_address_outside_of_the_bastions_subnet_is_refused(given: dict[str, Any], subjects: list[str]) -> None:
    defaults = {"bastion_host_subnet_ipv4_cidr": "10.10.0.0/24", "bastion_host_ipv4": "10.10.0.100"}

    found = judged(given, defaults=defaults)

    assert [problem.subject for problem in found.problems] == subjects


@pytest.mark.parametrize(
    ("via", "method", "subjects"),
    [
        pytest.param("bastion", "user_data", ["--private-key"], id="over the bastion"),
        pytest.param("localhost", "ssh", ["--private-key"], id="boot over SSH"),
        pytest.param("localhost", "user_data", [], id="without SSH"),
    ],
)
def test_a_private_key_that_ansible_cannot_pass_to_ssh_is_refused(via: str, method: str, subjects: list[str]) -> None:
    values = {"cluster_api_via": via, "cluster_boot_method": method}
    where = NOW._replace(private_key="/home/ada/50%/id_ed25519")

    found = list(joint_problems(values, {}, where))

    assert [problem.subject for problem in found] == subjects
    assert all("cluster_bastion_ssh_identity_file" in problem.remedy for problem in found)


def test_what_follows_from_a_wrong_value_is_not_repeated() -> None:
    found = judged({"cluster_directory": "moon"}, defaults={"talos_snapshots_directory": "moon/snapshots"})

    assert [one.subject for one in found.problems] == ["cluster_directory"]


def test_a_default_that_cannot_work_here_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    default = {"cluster_directory": str(tmp_path / "file" / "moon")}

    found = judged({}, defaults=default)

    assert [one.subject for one in found.problems] == ["cluster_directory"]


def test_a_template_that_fails_is_a_problem_of_its_variable() -> None:
    def read(name: str) -> Any:
        raise Unreadable("'moon' is undefined")

    found = validate_variables(
        {"cluster_name": OPTIONS["cluster_name"]}, Given({"cluster_name": "{{ moon }}"}, {}, read), NOW, roles=[]
    )

    assert [(one.code, one.message) for one in found.problems] == [("VARIABLE_NOT_READABLE", "'moon' is undefined")]
    assert found.unusable == {"cluster_name"}


@pytest.mark.parametrize("name", ["cluster_tailscale_auth_key", "bastion_host_wireguard_private_key"])
def test_a_secret_of_the_wrong_type_is_not_shown(name: str) -> None:
    assert "hush" not in str(problems(name, ["hush"]))


def test_every_rule_is_of_a_variable_that_a_role_has() -> None:
    assert set(CHECKS) - set(OPTIONS) == set()


def test_every_default_of_every_role_that_is_not_a_template_is_sound() -> None:
    defaults: dict[str, Any] = {}
    for role in role_names():
        defaults.update(yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8")))
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}

    assert len(plain) > 100
    assert judged(plain).problems == ()


def test_what_ansible_refuses_is_refused_here_too() -> None:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    values: tuple[Any, ...] = (None, "", "a", "1", 1, 1.5, True, [], ["a"], {}, {"a": 1})
    kinds: list[dict[str, Any]] = [
        {"type": kind} for kind in ("str", "int", "float", "bool", "list", "dict", "path", "raw")
    ]
    kinds += [{"type": "str", "choices": ["a", "b"]}, {"type": "list", "elements": "int"}]

    laxer = [
        (option, value)
        for option in kinds
        for value in values
        if ArgumentSpecValidator({"x": option}).validate({"x": value}).error_messages
        and not list(type_problems("x", option, value))
    ]

    assert laxer == []


def test_every_variable_that_roles_keep_for_one_another_is_known() -> None:
    files = [ROLES / role / "vars" / "main.yml" for role in role_names()]
    kept = {name for file in files if file.exists() for name in yaml.safe_load(file.read_text(encoding="utf-8")) or {}}

    assert {name for name in kept if not name.startswith("__")} <= INTERNAL


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        pytest.param("talos_install_disk", "nvme0n1", "Write it as /dev/nvme0n1.", id="the disk that was named"),
        pytest.param("talos_install_disk", "a disk", "the name of the disk, as lsblk shows it", id="no name of a disk"),
        pytest.param(
            "cluster_bastion_known_hosts", "hosts", "'hosts' is a relative path", id="the file that was named"
        ),
    ],
)
def test_a_remedy_is_about_the_value_that_was_given(variable: str, value: str, said: str) -> None:
    (found,) = problems(variable, value)

    assert said in f"{found.message} {found.remedy}"


NODES = [NODE, {"name": "worker", "role": "compute", "machine_type": "worker", "ipv4": "10.10.0.102"}]


@pytest.mark.parametrize("name", of_cluster.ENDPOINTS)
@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        pytest.param("https://10.10.0.101:6443", "", id="a control plane"),
        pytest.param("https://192.0.2.1", "", id="outside of the VPC"),
        pytest.param("https://moon.example.com", "", id="a name"),
        pytest.param("https://10.10.0.77:6443", "of no control plane", id="no node"),
        pytest.param("https://10.10.0.102:6443", "of no control plane", id="a worker"),
        pytest.param("https://10.10.0.101:6444", "on port 6443, not on 6444", id="another port"),
        pytest.param("https://10.10.0.101", "on port 6443, not on 443", id="no port"),
        pytest.param("http://10.10.0.101:6443", "does not begin with https://", id="no TLS"),
    ],
)
def test_an_endpoint_in_the_vpc_is_the_api_server_of_a_control_plane(name: str, endpoint: str, said: str) -> None:
    given = {name: endpoint, "cluster_nodes": NODES, "cluster_vpc_ipv4_cidr": "10.10.0.0/16"}

    found = judged(given).problems

    assert [one.subject for one in found] == [name] * bool(said)
    assert all(said in one.message and "https://10.10.0.101:6443" in one.remedy for one in found)


def test_an_endpoint_with_a_port_that_does_not_exist_is_one_problem() -> None:
    given = {"cluster_endpoint": "https://10.10.0.101:99999", "cluster_vpc_ipv4_cidr": "10.10.0.0/16"}

    (found,) = judged({**given, "cluster_nodes": NODES}).problems

    assert found.subject == "cluster_endpoint"
    assert "port" in found.message


def test_a_cache_with_a_number_for_a_name_is_listed_as_text() -> None:
    caches = {"cluster_registry_caches": {5: 5054}, "cluster_registry_upstreams": {"quay.io": "https://quay.io"}}

    found = judged(caches).problems

    assert "The bastion has no cache of quay.io, only of 5." in [one.message for one in found]


@pytest.mark.parametrize(
    ("given", "count"),
    [
        pytest.param({}, 0, id="other files"),
        pytest.param({"talos_kubeconfig": "/srv/moon/kubeconfig"}, 0, id="the same content"),
        pytest.param({"cluster_talosconfig": "/srv/moon/kubeconfig"}, 2, id="both configurations"),
        pytest.param({"cluster_bastion_known_hosts": "/srv/moon/../moon/kubeconfig"}, 2, id="the host keys"),
        pytest.param({"cluster_secrets_directory": "/srv", "cluster_kubeconfig": "/srv/secrets.yaml"}, 1, id="secrets"),
        pytest.param({"cluster_directory": "/srv", "cluster_kubeconfig": "/srv/images.json"}, 1, id="a record"),
    ],
)
def test_files_with_different_content_are_different_files(given: dict[str, Any], count: int) -> None:
    everything = {"cluster_kubeconfig": "/srv/moon/kubeconfig", **given}

    found = list(of_cluster.file_problems(everything, everything))

    assert len(found) == count
    assert all("cannot be in one file" in one.message for one in found)


@pytest.mark.parametrize("name", ["cluster_kubeconfig", "report_talosconfig", "cluster_bastion_known_hosts"])
def test_a_device_is_no_file_to_write(name: str) -> None:
    (problem,) = problems(name, "/dev/null")

    assert "is a device, a pipe or a socket" in problem.message


@pytest.mark.parametrize(
    ("upstreams", "caches", "subjects"),
    [
        pytest.param({"ghcr.io": "https://a.io"}, {"ghcr.io": 5054}, [], id="a cache"),
        pytest.param({"docker.io": "https://registry-1.docker.io"}, {"ghcr.io": 5054}, [], id="the default"),
        pytest.param(
            {"ghcr.oi": "https://a.io"}, {"ghcr.io": 5054}, ["cluster_registry_upstreams[ghcr.oi]"], id="misspelt"
        ),
    ],
)
def test_an_upstream_is_that_of_a_cache(upstreams: dict[str, str], caches: dict[str, int], subjects: list[str]) -> None:
    found = judged({"cluster_registry_upstreams": upstreams, "cluster_registry_caches": caches}).problems

    assert [one.subject for one in found] == subjects


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--accept-dns=false", "--login-server", "https://moon.example.com"], "", id="arguments"),
        pytest.param(["--foo bar"], "It has blanks", id="two in one"),
        pytest.param(["--authkey=hunter2"], "cluster_tailscale_auth_key", id="a key"),
        pytest.param(["-advertise-routes=10.0.0.0/8"], "cluster_tailscale_routes", id="routes"),
    ],
)
def test_an_argument_of_tailscale_is_one_that_the_collection_does_not_set(arguments: list[str], said: str) -> None:
    settings: dict[str, Any] = {
        **dict.fromkeys(("enabled", "auth_key", "hostname", "routes", "userspace", "auth_once")),
        "extra_args": [],
    }
    found = [
        *judged({"cluster_tailscale_extra_args": arguments}).problems,
        *judged({"talos_tailscale": {**settings, "extra_args": arguments}}).problems,
    ]

    assert len(found) == 2 * bool(said)
    assert all(said in f"{one.message} {one.remedy}" and "hunter2" not in str(one) for one in found)
