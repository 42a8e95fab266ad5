# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflows of GitHub do what a developer does, with actions that are named by their commits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.checks.process import ROOT

WORKFLOWS = {path.stem: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))["jobs"].values():
        yield from job["steps"]


def test_a_change_is_checked_as_everywhere_else() -> None:
    assert [step["run"] for step in steps("check") if "run" in step] == [".ci/run"]


def test_a_release_has_the_archive_that_everybody_can_build() -> None:
    assert any("-m tools.release build" in step.get("run", "") for step in steps("release"))


def test_actions_are_named_by_their_commits() -> None:
    used = [step["uses"] for name in WORKFLOWS for step in steps(name) if "uses" in step]

    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)] == []
