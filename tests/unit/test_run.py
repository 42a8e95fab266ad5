# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test` runs, and how it counts."""

from __future__ import annotations

import pytest

from lab.settings import REPOSITORY
from tests.run import GROUPS, UNIT, chosen, counted


def test_every_module_of_playbook_tests_is_a_stage() -> None:
    modules = {path.stem.removeprefix("test_") for path in (REPOSITORY / "tests" / "playbooks").glob("test_*.py")}

    assert {name.rpartition("/")[2] for name in chosen(["playbooks"])} == modules


@pytest.mark.parametrize("group", GROUPS)
def test_a_name_of_several_stages_stands_for_each_of_them(group: str) -> None:
    assert sorted(chosen([group])) == sorted(GROUPS[group])


def test_an_unknown_stage_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(SystemExit, match=r"No such stage: moon\. There are: lint, .*shellcheck"):
        chosen(["moon"])


def test_the_tests_of_all_stages_are_counted_once() -> None:
    notes = [
        "1 failed, 20 passed, 1 skipped in 3.21s",
        "300 passed in 1.0s",
        "Python 3.13: 300 passed in 1.0s",
        "exit code 2",
        "2 errors in 0.5s",
    ]

    assert counted(notes) == "1 failed, 320 passed, 1 skipped, 2 errors"


def stages_of(name: str) -> list[str]:
    """Return the stages that run a file of tests/unit."""
    return [
        stage
        for stage, (folder, left_out) in UNIT.items()
        if name.startswith(f"{folder}/") and not (left_out and name.startswith(f"{left_out}/"))
    ]


def test_every_unit_test_is_in_one_stage() -> None:
    names = [str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "tests" / "unit").rglob("test_*.py")]

    assert {name: stages_of(name) for name in names if len(stages_of(name)) != 1} == {}
