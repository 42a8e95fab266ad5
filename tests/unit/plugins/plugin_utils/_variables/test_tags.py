# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags that select nothing of our playbooks are found, and those of other playbooks left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.tags import (
    PHASES,
    PLAYBOOKS,
    nothing_selected,
    unknown_skipped_tags,
    unknown_tags,
)

SITE = str(PLAYBOOKS / "site.yml")


@pytest.mark.parametrize(
    ("tags", "playbooks", "unknown"),
    [
        pytest.param(["all"], [SITE], [], id="no tags"),
        pytest.param(["nodes", "talos"], [SITE], [], id="phases"),
        pytest.param(["talso", "nodes"], [SITE], ["talso"], id="one misspelt"),
        pytest.param(["nodes"], [str(PLAYBOOKS / "network.yml")], ["nodes"], id="another phase"),
        pytest.param(["nodes"], ["urmanac.talos.site"], [], id="by its name"),
        pytest.param(["nodes"], ["urmanac.talos.upgrade"], ["nodes"], id="a playbook without tags"),
        pytest.param(["mine"], ["/home/ada/all.yml"], [], id="a playbook outside the collection"),
        pytest.param(["mine"], [SITE, "/home/ada/all.yml"], [], id="ours beside others"),
    ],
)
def test_tags_are_compared_with_those_of_the_playbooks(
    tags: list[str], playbooks: list[str], unknown: list[str]
) -> None:
    found = list(unknown_tags(tags, playbooks))

    assert [one.subject for one in found] == [f"--tags {tag}" for tag in unknown]
    assert all(one.remedy for one in found)


@pytest.mark.parametrize(
    ("tags", "playbooks", "refused"),
    [
        pytest.param([], [SITE], [], id="none"),
        pytest.param(["preflight", "cozystack", "never"], [SITE], [], id="phases"),
        pytest.param(["cozystak"], [SITE], ["cozystak"], id="misspelt"),
        pytest.param(["preflight"], [str(PLAYBOOKS / "network.yml")], ["preflight"], id="another phase"),
        pytest.param(
            ["all", "tagged", "untagged", "always"], [SITE], ["all", "tagged", "untagged", "always"], id="all"
        ),
        pytest.param(["nodes"], ["urmanac.talos.reset"], ["nodes"], id="a playbook without tags"),
        pytest.param(["mine"], [SITE, "/home/ada/all.yml"], [], id="ours beside others"),
    ],
)
def test_tags_to_skip_are_phases_of_the_playbooks(tags: list[str], playbooks: list[str], refused: list[str]) -> None:
    found = list(unknown_skipped_tags(tags, playbooks))

    assert [(one.code, one.subject) for one in found] == [
        ("TAG_SELECTS_NOTHING", f"--skip-tags {tag}") for tag in refused
    ]
    assert all(one.remedy for one in found)


@pytest.mark.parametrize(
    ("playbook", "run", "skip"),
    [
        pytest.param("network", ["all"], ["network"], id="the only phase is skipped"),
        pytest.param("network", ["network"], ["network"], id="selected and skipped"),
        pytest.param("network", ["nodes"], ["network"], id="another phase, and the only one is skipped"),
        pytest.param("report", ["all"], ["report"], id="a playbook with more plays"),
        pytest.param("site", ["all"], list(PHASES), id="all phases are skipped"),
        pytest.param("site", ["all"], ["tagged"], id="all tagged tasks are skipped"),
        *(pytest.param("site", [tag], [], id=f"{tag} of site.yml") for tag in ("always", "never", "untagged")),
        *(pytest.param("reset", [tag], [], id=f"{tag} of reset.yml") for tag in ("always", "never", "tagged")),
        pytest.param("start", ["always"], [], id="a playbook that imports the phases"),
    ],
)
def test_tags_that_leave_nothing_of_a_playbook_to_do_are_refused(
    playbook: str, run: list[str], skip: list[str]
) -> None:
    said = nothing_selected(run, skip, [str(PLAYBOOKS / f"{playbook}.yml")])

    assert f"selects nothing of {playbook}.yml" in said


@pytest.mark.parametrize(
    ("playbooks", "run", "skip"),
    [
        pytest.param([SITE], ["all"], [], id="no tags"),
        pytest.param([SITE], ["nodes", "always"], ["network"], id="one phase is left"),
        pytest.param([SITE], ["tagged"], ["preflight"], id="tagged tasks"),
        pytest.param(["urmanac.talos.reset"], ["untagged"], [], id="untagged tasks"),
        pytest.param([SITE], ["nodse"], [], id="a misspelt tag, which is refused with the variables"),
        pytest.param(["/home/ada/all.yml"], ["always"], [], id="a playbook outside the collection"),
        pytest.param([], ["always"], [], id="no playbook"),
    ],
)
def test_tags_that_leave_something_to_do_are_no_problem(playbooks: list[str], run: list[str], skip: list[str]) -> None:
    assert nothing_selected(run, skip, playbooks) == ""


def test_one_of_several_playbooks_without_a_task_is_named() -> None:
    said = nothing_selected(["network"], [], ["urmanac.talos.network", "urmanac.talos.reset"])

    assert said == "--tags network selects nothing of reset.yml. Run it without tags."


def test_the_phases_are_the_tags_of_the_playbooks_that_site_runs() -> None:
    plays = yaml.safe_load(Path(SITE).read_text(encoding="utf-8"))
    imported = [PLAYBOOKS / play["ansible.builtin.import_playbook"] for play in plays]

    tags = [yaml.safe_load(path.read_text(encoding="utf-8"))[0]["tags"] for path in imported]

    assert tags == list(PHASES)
