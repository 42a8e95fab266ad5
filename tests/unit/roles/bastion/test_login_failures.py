# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the messages of a bastion that cannot be found or logged in to: code, cause and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.actions import run_plays
from tests.checks.process import ROOT

WANTED = {"start": "", "ssh_public_key": "ssh-ed25519 A", "ssh_key_name": "", "connection": "ssh"}
RUNNING = {"group": "moon-bastion", "instances_wanted": 1, "instances": ["i-0a"], "ipv6": "2001:db8::100"}
STOPPED = {**RUNNING, "instances_wanted": 0, "instances": []}
NOTHING = {**STOPPED, "instances_wanted": None, "ipv6": ""}
GIVEN = {
    "bastion_cluster": {"name": "moon", "project": "talos", "region": "eu-west-1", "bastion": WANTED},
    "bastion_api_host": "bastion",
    "bastion_known_hosts": "/moon/known_hosts",
    "bastion_ssh_identity_file": "",
    "cluster_bastion_is_ours": True,
}
CHANGED = "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\r\nHost key verification failed."


def said_by(folder: Path, file: str, words: str, **given: Any) -> str:
    """Return what the task of a file with these words in its name prints, on one line."""
    tasks = yaml.safe_load((ROOT / "roles/bastion/tasks" / file).read_text(encoding="utf-8"))
    (task,) = [task for task in tasks if words in task["name"]]
    play = {"hosts": "localhost", "gather_facts": False, "vars": {**GIVEN, **given}, "tasks": [task]}
    code, said = run_plays(folder, [play], {"bastion": {"ansible_host": "2001:db8::100"}})
    assert code != 0, said
    return " ".join(said.split())


def test_a_failed_login_names_the_code_the_cause_the_remedy_and_the_words_of_ssh(tmp_path: Path) -> None:
    given = {"cluster_reading": {"bastion": RUNNING}, "ansible_failed_result": {"msg": CHANGED}}

    said = said_by(tmp_path, "find_fail.yml", "Fail with the cause", **given)

    cause = "HOST_KEY_CHANGED: The bastion's host key differs from the one in /moon/known_hosts."
    assert f"Failed to connect to the bastion of moon: {cause}" in said, said
    assert "Remedy: The check of host keys stays on." in said
    assert "--instance-ids i-0a ssh said: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!" in said


@pytest.mark.parametrize(
    ("state", "cause", "remedy"),
    [
        pytest.param(
            NOTHING, "BASTION_MISSING: The bastion through which the nodes", "Run playbooks/site.yml.", id="missing"
        ),
        pytest.param(STOPPED, "BASTION_STOPPED: It was stopped by", "Run playbooks/start.yml", id="stopped"),
    ],
)
def test_a_bastion_that_cannot_be_found_has_a_code(
    tmp_path: Path, state: dict[str, Any], cause: str, remedy: str
) -> None:
    said = said_by(tmp_path, "find_add.yml", "Fail if the bastion", cluster_reading={"bastion": state})

    assert f"Failed to find the bastion of moon: {cause}" in said, said
    assert f"Remedy: {remedy}" in said
    assert "Or add the host bastion to your inventory." in said
