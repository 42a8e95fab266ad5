# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.urmanac.talos.plugins.filter.boot_plan import FilterModule
from ansible_collections.urmanac.talos.plugins.module_utils._boot import upstream

boot_plan = FilterModule().filters()["boot_plan"]
DIGEST = f"sha256:{'a' * 64}"
ROLES = Path(__file__).parents[4] / "roles"
CACHES = {"ghcr.io": "10.10.0.100:5054"}


def read(role: str, folder: str) -> dict[str, Any]:
    """Return the variables in a folder of a role as they are written."""
    found: dict[str, Any] = yaml.safe_load((ROLES / role / folder / "main.yml").read_text(encoding="utf-8"))
    return found


def value_of(role: str, variable: str, **given: Any) -> Any:
    """Return the value of a default with the variables of the role cluster and the given ones."""
    shared = read("cluster", "defaults") | read("cluster", "vars")
    trusted = {name: trust_as_template(value) if isinstance(value, str) else value for name, value in shared.items()}
    templar = Templar(loader=DataLoader(), variables=trusted | given)
    return templar.template(trust_as_template(read(role, "defaults")[f"{role}_{variable}"]))


def test_an_image_is_asked_for_at_the_bastions_cache() -> None:
    planned = boot_plan(f"ghcr.io/urmanac/talos@{DIGEST}", CACHES)

    assert (planned["kind"], planned["image"]) == ("container", f"10.10.0.100:5054/urmanac/talos@{DIGEST}")
    assert (planned["repository_url"], planned["reference"]) == ("http://10.10.0.100:5054/v2/urmanac/talos", DIGEST)


def test_a_registry_that_may_want_a_login_is_left_to_boot_to_talos() -> None:
    planned = boot_plan("quay.io/urmanac/talos:v1", CACHES)

    assert (planned["image"], planned["repository_url"], planned["reference"]) == ("quay.io/urmanac/talos:v1", "", "")


def test_a_disk_image_is_named_by_its_url_and_kept_under_its_ending() -> None:
    planned = boot_plan("https://factory.talos.dev/image/x/metal-arm64.raw.zst", CACHES)

    assert (planned["kind"], planned["file"], planned["repository_url"]) == ("raw", "talos.raw.zst", "")


@pytest.mark.parametrize(
    ("image", "version", "says"),
    [
        pytest.param("ghcr.io/urmanac/talos", "0.7.0", "before 0.7.1 it does not work on ARM", id="old release"),
        pytest.param("https://example.com/talos.iso", "0.7.1", "must end in one of .raw", id="ISO image"),
        pytest.param("Not An Image", "0.7.1", "is not a repository", id="no image"),
    ],
)
def test_what_cannot_work_is_refused(image: str, version: str, says: str) -> None:
    with pytest.raises(AnsibleFilterError, match=says):
        boot_plan(image, CACHES, version)


def test_the_roles_take_one_release_which_is_the_one_that_was_read() -> None:
    assert read("cluster", "defaults")["cluster_boot_to_talos_version"] == upstream.READ_FROM


@pytest.mark.parametrize("role", ["nodes", "bastion_host"])
@pytest.mark.parametrize(
    ("table", "sha256"),
    [
        pytest.param({}, "", id="empty"),
        pytest.param({"0.7.1": {"arm64": "ab" * 32}}, "ab" * 32, id="known"),
        pytest.param({"0.7.1": {"amd64": "ab" * 32}}, "", id="another architecture"),
        pytest.param({"0.8.0": {"arm64": "ab" * 32}}, "", id="another version"),
    ],
)
def test_the_roles_take_the_sha256_of_their_release(role: str, table: dict[str, dict[str, str]], sha256: str) -> None:
    given = {"cluster_boot_to_talos_version": "0.7.1", "cluster_boot_to_talos_sha256": table}

    assert value_of(role, "boot_to_talos_sha256", **given) == sha256
