# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of variables for a role that runs without the playbooks."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.variable_problems import FilterModule

variable_problems = FilterModule().filters()["variable_problems"]
CACHES = {"bastion_host_registry_caches": {"docker.io": 5050, "ghcr.io": 5054}}
PLACE = {"bastion_host_subnet_ipv4_cidr": "10.10.0.0/24", "bastion_host_ipv4": "10.10.0.100"}
RANGE = {"bastion_host_netboot_enabled": "true", "bastion_host_dhcp_first": "10.10.0.200"}
SOURCE = ("cozystack_platform_source_url", "cozystack_platform_source_ref")
IMAGES = {"registry": "registry:2", "nginx": f"nginx@sha256:{'b' * 64}"}


def logins(name: str, **given: str) -> dict[str, Any]:
    """Return the logins of registries in a variable."""
    return {f"bastion_host_registry_{name}": {key.replace("_", "."): value for key, value in given.items()}}


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="without values"),
        pytest.param({"cozystack_data_disk": ""}, id="without a data disk"),
        pytest.param({"cozystack_data_disk": "/dev/disk/by-id/nvme-1"}, id="data disk"),
        pytest.param(dict.fromkeys(SOURCE, ""), id="released packages"),
        pytest.param({**PLACE, **RANGE, "bastion_host_dhcp_last": "10.10.0.250"}, id="addresses"),
        pytest.param({"bastion_host_images": IMAGES}, id="images"),
        pytest.param({**CACHES, **logins("passwords", docker_io="ada:hush")}, id="password on any host"),
    ],
)
def test_values_that_roles_accept_have_no_problems(values: dict[str, Any]) -> None:
    assert variable_problems(values) == []


@pytest.mark.parametrize(
    ("values", "subject", "message"),
    [
        pytest.param(
            {"cozystack_data_disk": "/dev/../etc/passwd"},
            "cozystack_data_disk",
            "'/dev/../etc/passwd' is not the path of a disk.",
            id="data disk outside of /dev",
        ),
        pytest.param(
            dict(zip(SOURCE, ("oci://ghcr.io/a/b", ""), strict=True)),
            "cozystack_platform_source_url",
            "cozystack_platform_source_ref is empty.",
            id="URL without ref",
        ),
        pytest.param(
            {**PLACE, "bastion_host_ipv4": "10.10.1.100"},
            "bastion_host_ipv4",
            "'10.10.1.100' is not an address in 10.10.0.0/24, the subnet of the bastion.",
            id="address outside of the subnet",
        ),
        pytest.param(
            {**PLACE, **RANGE, "bastion_host_dhcp_last": "10.11.0.250"},
            "bastion_host_dhcp_last",
            "'10.11.0.250' is not an address in 10.10.0.0/24, the subnet of the bastion.",
            id="range outside of the subnet",
        ),
        pytest.param(
            {**CACHES, **logins("passwords", quay_io="ada:hush")},
            "bastion_host_registry_passwords[quay.io]",
            "The bastion has no cache of quay.io, only of docker.io, ghcr.io.",
            id="password of an unknown cache",
        ),
        pytest.param(
            {**CACHES, **logins("login_parameters", quay_io="/talos/quay")},
            "bastion_host_registry_login_parameters[quay.io]",
            "The bastion has no cache of quay.io, only of docker.io, ghcr.io.",
            id="parameter of an unknown cache",
        ),
        pytest.param(
            {**CACHES, **logins("passwords", ghcr_io="ada:hush"), **logins("login_parameters", ghcr_io="/talos/ghcr")},
            "bastion_host_registry_passwords[ghcr.io]",
            "bastion_host_registry_login_parameters[ghcr.io] is a login of the same cache.",
            id="two logins",
        ),
        pytest.param(
            {**CACHES, **logins("passwords", ghcr_io="hush")},
            "bastion_host_registry_passwords[ghcr.io]",
            "The value is not a login.",
            id="login without a user",
        ),
        pytest.param(
            {"bastion_host_boot_to_talos_sha256": "a" * 63},
            "bastion_host_boot_to_talos_sha256",
            f"'{'a' * 63}' is not a SHA-256.",
            id="short SHA-256",
        ),
        pytest.param(
            {"bastion_host_netboot_ipxe": {"ipxe.efi": {"url": "https://example.com/ipxe.efi", "sha256": "xyz"}}},
            "bastion_host_netboot_ipxe[ipxe.efi].sha256",
            "'xyz' is not a SHA-256.",
            id="SHA-256 of a file",
        ),
    ],
)
def test_each_invalid_value_is_one_problem_with_a_remedy(values: dict[str, Any], subject: str, message: str) -> None:
    (problem,) = variable_problems(values)

    assert (problem["subject"], problem["message"]) == (subject, message)
    assert problem["remedy"]


def test_a_malformed_digest_of_an_image_is_a_problem() -> None:
    (problem,) = variable_problems({"bastion_host_images": {**IMAGES, "nginx": "nginx@sha256:12"}})

    assert problem["subject"] == "bastion_host_images[nginx]"
    assert "sha256:12" in problem["message"]
