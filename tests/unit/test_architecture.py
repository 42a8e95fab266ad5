# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walks in docs/architecture.md name files that exist, in an order in which no value goes back."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from tests.checks.process import ROOT
from tools import measure

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WALKS = ("A node's address", "A finding", "An image of a node")
FILE = re.compile(r"`((?:plugins|roles)/[\w/]+\.(?:py|yml))`")


def walk(title: str) -> list[str]:
    """Return the files of a walk in its order."""
    section = PAGE.split(f"\n{title}:\n\n", 1)[1].split("\n\n", 1)[0]
    return FILE.findall(section)


def reached(graph: measure.Graph, start: str) -> set[str]:
    """Return everything that a module imports, directly or through others."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - found:
            found.add(name)
            waiting.append(name)
    return found


@pytest.fixture(scope="module")
def graph() -> measure.Graph:
    """Return which plugin imports which other one."""
    python = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "plugins").rglob("*.py"))]
    return measure.imports(ROOT, python)


@pytest.mark.parametrize("title", WALKS)
def test_every_file_of_a_walk_exists(title: str) -> None:
    files = walk(title)

    assert len(files) > 5
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("title", WALKS)
def test_no_file_of_a_walk_imports_a_later_one(title: str, graph: measure.Graph) -> None:
    modules = [measure.module_of(file) for file in walk(title) if file.endswith(".py")]

    back = [(early, late) for early, late in combinations(modules, 2) if late in reached(graph, early)]

    assert back == []
