#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the messages of the commits that the upstream branch does not have yet against docs/style.md.

    python -m tools.commits

What is published is not rewritten, so older commits are not checked, nor those up to CHECKED_AFTER, which are older
than this check. Without git, without an upstream branch and in a clone without its history no commit is checked.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools.measure import ROOT, words_in

SUBJECT_MAX = 72
CHECKED_AFTER = "08c0109f185d225c398525ef24896bdad002752d"
# The first of these that exists is what the commits are compared with.
UPSTREAMS = ("@{upstream}", "origin/HEAD", "origin/main", "main")


class Commit(NamedTuple):
    """A commit by its abbreviated id, with its subject and body."""

    name: str
    subject: str
    body: str


def commits(root: Path, *, after: str = CHECKED_AFTER) -> list[Commit]:
    """Return the commits that are ahead of the upstream branch and of another commit, merges excepted."""
    for upstream in UPSTREAMS:
        listed = _git(root, "log", "--no-merges", "-z", "--format=%h%n%s%n%b", f"{upstream}..HEAD", f"^{after}")
        if listed is not None:
            return [Commit(*f"{record}\n\n".split("\n", 2)) for record in listed.split("\0") if record]
    return []


def _git(root: Path, *arguments: str) -> str | None:
    """Return the output of git, or None if it fails or is not installed."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, check=False, capture_output=True, text=True)  # noqa: S607
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def faults(commit: Commit) -> Iterator[str]:
    """Yield what docs/style.md does not allow in the message of a commit."""
    if len(commit.subject) > SUBJECT_MAX:
        yield f"{commit.name}: the subject has {len(commit.subject)} characters, at most {SUBJECT_MAX} are allowed"
    if not commit.body.strip():
        yield f"{commit.name}: the body is missing, which says what was wrong and why it is solved this way"
    for found in words_in(commit.name, [commit.subject, "", *commit.body.splitlines()]):
        yield f"{found.file}, line {found.line}: {found.written} -> {found.better}"


def main() -> int:
    """Print what is wrong with the messages, and return whether they are wrong."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found = [fault for commit in commits(ROOT) for fault in faults(commit)]
    print(*found, sep="\n", end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
