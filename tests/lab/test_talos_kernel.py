# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel arguments that the lab's node shows, as those of a real image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.modules import talos_info
from lab.registry.images import SERIAL
from lab.talos.node import TalosNode

COMMON = "slab_nomerge pti=on consoleblank=0"
V1_13 = (
    f"talos.platform=metal console=ttyAMA0 console=tty0 init_on_alloc=1 {COMMON} nvme_core.io_timeout=4294967295 "
    "printk.devkmsg=on selinux=1 module.sig_enforce=1 proc_mem.force_override=never"
)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param("v1.13.6", V1_13, id="v1.13"),
        pytest.param(
            "v1.11.5",
            V1_13.removesuffix(" module.sig_enforce=1 proc_mem.force_override=never"),
            id="v1.11",
        ),
        pytest.param(
            "v1.14.0",
            V1_13.replace("init_on_alloc=1 ", "").replace("nvme_core.io_timeout=4294967295 ", ""),
            id="v1.14",
        ),
    ],
)
def test_a_node_shows_the_kernel_arguments_of_its_version(tmp_path: Path, version: str, expected: str) -> None:
    assert TalosNode("127.0.0.1", tmp_path, version=version).cmdline == expected


def test_an_image_with_a_serial_console_has_no_other(tmp_path: Path) -> None:
    node = TalosNode("127.0.0.1", tmp_path, image=f"ghcr.io/{SERIAL}:v1.13.6")

    assert node.cmdline == V1_13.replace("console=ttyAMA0 console=tty0", "console=ttyS0")


def test_the_documented_kernel_arguments_are_those_of_a_node() -> None:
    documented: Any = yaml.safe_load(talos_info.RETURN)

    assert documented["nodes"]["contains"]["cmdline"]["sample"] == V1_13
