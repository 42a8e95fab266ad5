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


def test_the_phases_are_the_tags_of_the_playbooks_that_site_runs() -> None:
    plays = yaml.safe_load(Path(SITE).read_text(encoding="utf-8"))
    imported = [PLAYBOOKS / play["ansible.builtin.import_playbook"] for play in plays]

    tags = [yaml.safe_load(path.read_text(encoding="utf-8"))[0]["tags"] for path in imported]

    assert tags == list(PHASES)
