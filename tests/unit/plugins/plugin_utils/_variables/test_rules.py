# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value that a role, a program or AWS would refuse is found by the rule of its variable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.urmanac.talos.plugins.module_utils._boot.plan import version_of
from ansible_collections.urmanac.talos.plugins.module_utils._boot.upstream import VERSION_MIN
from ansible_collections.urmanac.talos.plugins.module_utils._talos.versions import OLDEST
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.rules import CHECKS, joint_problems
from tests.talos_corpus import documented_patch
from tests.variables import NODE, NOW, OPTIONS, judged, problems
from tools.wrong_inputs import CLUSTER

OPENING = {"group": "nodes", "port": 6443, "description": "Kubernetes API from home"}


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
        pytest.param("cluster_boot_to_talos_version", "v0.7.1", "VARIABLE_VALUE_WRONG", id="a version with v"),
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
        pytest.param("nodes_cluster", {1: 2}, "VARIABLE_VALUE_WRONG", id="description with a key that is not text"),
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
        pytest.param("cluster_tags", {True: "yes"}, "VARIABLE_VALUE_WRONG", id="a key that is not text"),
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
        pytest.param("nodes_cluster", CLUSTER, id="a user's own description"),
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


ODD: tuple[Any, ...] = (True, False, 0, -1, 3.11, "", "a", "~", [1], [None], [[1]], [{}], {"a": None}, {1: 2})


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_no_value_ends_a_check_with_an_error_of_python(name: str) -> None:
    for value in ODD:
        assert all(one.message and one.remedy for one in problems(name, value))


def test_a_login_in_a_url_is_refused_and_not_shown() -> None:
    (problem,) = problems("cluster_registry_upstreams", {"ghcr.io": "https://ada:hunter2@example.com"})

    assert "user name or a password" in problem.message
    assert "hunter2" not in f"{problem.message}{problem.remedy}"


def test_an_empty_patch_is_no_problem() -> None:
    assert problems("talos_patches", ["", None]) == []


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


def test_a_disk_image_needs_its_sha256() -> None:
    images = {"gateway": "https://factory.talos.dev/image/a/v1.13.0/metal-arm64.raw.xz", "worker": "ghcr.io/a/b:v1"}

    (problem,) = joint_problems({"cluster_images": images}, {}, NOW)
    (empty,) = joint_problems({"cluster_images": images, "nodes_image_sha256": {"gateway": ""}}, {}, NOW)
    verified = list(joint_problems({"cluster_images": images, "nodes_image_sha256": {"gateway": "a" * 64}}, {}, NOW))

    assert (problem.subject, empty, verified) == ("cluster_images[gateway]", problem, [])
    assert f"{images['gateway']} returns: nodes_image_sha256[gateway] is not set" in problem.message
    assert problem.code == "DISK_IMAGE_UNVERIFIED"


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


def test_every_rule_is_of_a_variable_that_a_role_has() -> None:
    assert set(CHECKS) - set(OPTIONS) == set()


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
