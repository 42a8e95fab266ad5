# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host looks up the images of nodes."""

from __future__ import annotations

import pytest
import yaml

from tests.checks.files import mappings
from tests.checks.process import ROOT


@pytest.mark.parametrize("step", ["cluster/tasks/images_resolve.yml", "cluster/tasks/images_exist.yml"])
def test_the_host_that_can_reach_the_registries_asks_them(step: str) -> None:
    tasks = yaml.safe_load((ROOT / "roles" / step).read_text(encoding="utf-8"))

    asking = [task for task in mappings(tasks) if "urmanac.talos.oci_image_info" in task]

    assert [task.get("delegate_to") for task in asking] == ["{{ cluster_images_via }}"]
