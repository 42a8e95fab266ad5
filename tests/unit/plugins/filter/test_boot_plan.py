# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.urmanac.talos.plugins.filter.boot_plan import FilterModule
from ansible_collections.urmanac.talos.plugins.module_utils._boot import upstream

boot_plan = FilterModule().filters()["boot_plan"]
DIGEST = f"sha256:{'a' * 64}"
ROLES = Path(__file__).parents[4] / "roles"
CACHES = {"ghcr.io": "10.10.0.100:5054"}


def test_an_image_is_asked_for_at_the_bastions_cache() -> None:
    told = boot_plan(f"ghcr.io/urmanac/talos@{DIGEST}", CACHES)

    assert (told["kind"], told["image"]) == ("container", f"10.10.0.100:5054/urmanac/talos@{DIGEST}")
    assert (told["repository_url"], told["reference"]) == ("http://10.10.0.100:5054/v2/urmanac/talos", DIGEST)


def test_a_registry_that_may_want_a_login_is_left_to_boot_to_talos() -> None:
    told = boot_plan("quay.io/urmanac/talos:v1", CACHES)

    assert (told["image"], told["repository_url"], told["reference"]) == ("quay.io/urmanac/talos:v1", "", "")


def test_a_disk_image_is_named_by_its_url_and_kept_under_its_ending() -> None:
    told = boot_plan("https://factory.talos.dev/image/x/metal-arm64.raw.zst", CACHES)

    assert (told["kind"], told["file"], told["repository_url"]) == ("raw", "talos.raw.zst", "")


@pytest.mark.parametrize(
    ("image", "version", "says"),
    [
        pytest.param("ghcr.io/urmanac/talos", "0.7.0", "before 0.7.1 it does not work on ARM", id="old release"),
        pytest.param("https://example.com/talos.iso", "0.7.1", "has to end in one of .raw", id="ISO image"),
        pytest.param("Not An Image", "0.7.1", "is no repository", id="no image"),
    ],
)
def test_what_cannot_work_is_refused(image: str, version: str, says: str) -> None:
    with pytest.raises(AnsibleFilterError, match=says):
        boot_plan(image, CACHES, version)


@pytest.mark.parametrize(
    ("role", "variable"),
    [("nodes", "nodes_boot_to_talos_version"), ("bastion_host", "bastion_host_boot_to_talos_version")],
)
def test_the_roles_take_the_release_that_was_read(role: str, variable: str) -> None:
    defaults = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8"))

    assert defaults[variable] == upstream.READ_FROM
