# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the check of commit messages."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.checks.process import ROOT
from tools.commits import Commit, commits, faults


def git(folder: Path, *arguments: str) -> None:
    """Run git with an identity, and with no configuration of the user."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607


def commit(folder: Path, message: str) -> None:
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "Begin")
    git(tmp_path, "switch", "--quiet", "--create", "change")
    return tmp_path


def test_no_new_commit_breaks_the_rules_of_messages() -> None:
    found = [fault for one in commits(ROOT) for fault in faults(one)]

    assert found == [], "python -m tools.commits lists them"


def test_only_commits_ahead_of_the_upstream_branch_are_read(repository: Path) -> None:
    commit(repository, "Print the price\n\nIt was hidden.\n\nIn two places.")
    commit(repository, "Print the time")

    found = commits(repository, after="main")

    assert [(one.subject, one.body.strip()) for one in found] == [
        ("Print the time", ""),
        ("Print the price", "It was hidden.\n\nIn two places."),
    ]


def test_the_upstream_branch_goes_before_the_others(repository: Path) -> None:
    commit(repository, "Print the price")
    git(repository, "branch", "published")
    git(repository, "branch", "--set-upstream-to=published")
    commit(repository, "Print the time")

    assert [one.subject for one in commits(repository, after="main")] == ["Print the time"]


def test_a_folder_without_history_has_no_commits_to_check(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=change", f"file://{repository}", str(clone))

    assert commits(clone, after="HEAD") == []
    assert commits(repository, after="0" * 40) == []

    monkeypatch.setenv("PATH", str(tmp_path))

    assert commits(repository, after="main") == []


def test_commits_older_than_the_check_are_left_out(repository: Path) -> None:
    commit(repository, "Read it anew")
    git(repository, "tag", "checked-after")
    commit(repository, "Print the price")

    assert [one.subject for one in commits(repository, after="checked-after")] == ["Print the price"]


@pytest.mark.parametrize(
    ("subject", "body", "said"),
    [
        pytest.param("Print the price", "It was hidden.", [], id="good"),
        pytest.param("P" * 73, "It was hidden.", ["has 73 characters"], id="long subject"),
        pytest.param("Print the price", "\n", ["the body is missing"], id="no body"),
        pytest.param("Read it anew", "It was hidden.", ["line 1: anew -> again"], id="word in the subject"),
        pytest.param(
            "Print the price", "It was hidden.\nNobody saw.", ["line 4: Nobody -> no one"], id="word in the body"
        ),
    ],
)
def test_a_message_is_checked(subject: str, body: str, said: list[str]) -> None:
    found = list(faults(Commit("0123abc", subject, body)))

    assert len(found) == len(said)
    assert all(part in fault for part, fault in zip(said, found, strict=True))
