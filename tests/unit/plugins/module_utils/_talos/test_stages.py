# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how far nodes are, from what they answer."""

from __future__ import annotations

from typing import Any

from ansible_collections.urmanac.talos.plugins.filter.node_stages import FilterModule

node_stages = FilterModule().filters()["node_stages"]
NAMES = {"192.0.2.101": "gateway", "192.0.2.102": "compute-2", "192.0.2.103": "compute-3"}
WAITING = {"node": "192.0.2.101", "reachable": True, "stage": "maintenance", "cmdline": "console=ttyAMA0"}
RUNNING = {"node": "192.0.2.102", "reachable": True, "stage": "running"}
SILENT = {"node": "192.0.2.103", "reachable": False, "stage": None, "error": "timed out"}


def stages(*answers: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = node_stages(answers, NAMES)
    return made


def test_nodes_are_grouped_by_their_answers() -> None:
    made = stages(WAITING, RUNNING, SILENT)

    assert (made["waiting"], made["configured"], made["absent"]) == (["192.0.2.101"], ["192.0.2.102"], ["192.0.2.103"])


def test_a_run_would_configure_nodes_without_a_configuration_and_reset_the_others() -> None:
    assert stages(WAITING, RUNNING, SILENT)["lines"] == {
        "present": ["  talos: would configure compute-3", "  talos: would configure gateway"],
        "absent": ["  talos: would reset compute-2"],
    }


def test_without_an_answer_every_node_is_absent() -> None:
    assert stages()["absent"] == list(NAMES)


def test_a_node_without_a_serial_console_is_a_warning() -> None:
    assert "on gateway: its kernel writes to ttyAMA0" in stages(WAITING, RUNNING)["warnings"][0]
    assert stages(RUNNING)["warnings"] == []
