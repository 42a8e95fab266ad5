# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static files that cannot import the oldest usable release of boot-to-talos name the same one."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._boot.upstream import VERSION_MIN
from ansible_collections.urmanac.talos.plugins.module_utils._codes import CODES
from ansible_collections.urmanac.talos.plugins.modules import boot_to_talos

ROOT = Path(__file__).resolve().parents[5]


def test_the_remedy_for_an_old_release_names_the_oldest_usable_one() -> None:
    assert f"release {VERSION_MIN} or newer" in CODES["OPTION_UNKNOWN"].remedy


def test_the_documentation_of_the_module_has_the_default_of_its_options() -> None:
    option = yaml.safe_load(boot_to_talos.DOCUMENTATION)["options"]["version"]

    assert option["default"] == VERSION_MIN
    assert f"V({VERSION_MIN})" in option["description"]


def test_the_specs_of_the_role_cluster_name_the_oldest_usable_release() -> None:
    text = (ROOT / "roles/cluster/meta/argument_specs.yml").read_text(encoding="utf-8")

    assert f"one before {VERSION_MIN} does not work on ARM" in text


def test_the_documentation_of_the_filter_has_the_default_of_its_argument() -> None:
    options = yaml.safe_load((ROOT / "plugins/filter/boot_plan.yml").read_text(encoding="utf-8"))["DOCUMENTATION"]

    assert options["options"]["version"]["default"] == VERSION_MIN
