# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure of another collection's module gets a cause and a remedy of ours: its own words have neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.process import ROOT

FILES = [*sorted((ROOT / "playbooks").rglob("*.yml")), *sorted((ROOT / "roles").glob("*/tasks/*.yml"))]
OURS = ("ansible.builtin.", "urmanac.talos.")
LOOKUP = re.compile(r"(?:lookup|query|q)\(\s*['\"](?!ansible\.builtin\.|urmanac\.talos\.)\w+\.\w+\.\w+")


def unguarded(steps: Any, *, guarded: bool = False) -> Iterator[str]:
    """Yield the modules of other collections in tasks and plays without a rescue around them."""
    for step in steps if isinstance(steps, list) else ():
        yield from (key for key in step if key.count(".") >= 2 and not key.startswith(OURS) and not guarded)
        yield from unguarded(step.get("block"), guarded=guarded or "rescue" in step)
        for part in ("rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
            yield from unguarded(step.get(part), guarded=guarded)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_of_other_collections_run_in_a_block_with_a_rescue(path: Path) -> None:
    assert list(unguarded(yaml.safe_load(path.read_text(encoding="utf-8")))) == []


def test_no_expression_calls_a_plugin_of_another_collection() -> None:
    """Nothing rescues a lookup in a variable, which can fail wherever the variable is read."""
    texts = {path: path.read_text(encoding="utf-8") for path in [*FILES, *(ROOT / "roles").glob("*/*/main.yml")]}

    assert [path for path, text in texts.items() if LOOKUP.search(text)] == []


def test_an_unguarded_task_is_found() -> None:
    task: dict[str, Any] = {"amazon.aws.ec2_eni_info": {}}

    assert list(unguarded([{"tasks": [{"block": [task], "always": [task]}]}])) == ["amazon.aws.ec2_eni_info"] * 2
    assert list(unguarded([{"block": [{"block": [task]}], "rescue": []}])) == []
    assert LOOKUP.search("{{ lookup('amazon.aws.ssm_parameter', name) }}")
