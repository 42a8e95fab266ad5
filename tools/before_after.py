#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the page that compares size and structure of two commits, which is docs/measurements.md.

python -m tools.before_after COMMIT > docs/measurements.md
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools import measure

HEAD = """# Measurements

Size and structure of the repository before it was rearranged, and at a later commit.
`python -m tools.before_after {before} > docs/measurements.md` writes this page; `python -m tools.measure` prints the
current figures in detail. Lines are those of all kinds of text, without generated files. Tests hold filters, lines of
variables, private variables, circles, long functions of plugins and forbidden words where they are now
(`tests/unit/tools/test_measure.py`).
"""
MOST = 25
LARGE = 15
PRODUCT = ("plugins/", "roles/", "playbooks/", "lab/", "tools/")
FOLDERS = f"Files per folder of the product, of folders with more than {LARGE}"
Figures = Mapping[str, int]


def lines(root: Path, paths: list[str]) -> Figures:
    """Return the lines of each part."""
    return measure.lines_per_part(root, measure.written_by_hand(paths))


def functions(root: Path, paths: list[str]) -> Figures:
    """Return how long functions are."""
    found = measure.functions(root, [path for path in _python(paths) if path.startswith(PRODUCT)])
    long = [one for one in found if one.body > MOST]
    return {
        "lines of the longest": max(one.body for one in found),
        f"with more than {MOST} lines": len(long),
        f"with more than {MOST} lines, in plugins": sum(one.file.startswith("plugins/") for one in long),
    }


def folders(_root: Path, paths: list[str]) -> Figures:
    """Return the files of each folder."""
    return measure.files_per_folder(path for path in paths if path.startswith(PRODUCT))


def circles(root: Path, paths: list[str]) -> Figures:
    """Return how many circles of imports there are."""
    parts = {part: [path for path in _python(paths) if path.startswith(part)] for part in ("plugins/", "lab/")}
    return {part: len(measure.circles(measure.imports(root, python))) for part, python in parts.items()}


def filters(root: Path, paths: list[str]) -> Figures:
    """Return how many expressions have how many filters."""
    return Counter(f"{one.filters:>2}" for one in measure.expressions(root, measure.vars_files(paths)))


def variables(root: Path, paths: list[str]) -> Figures:
    """Return how long files of variables are."""
    found = [lines for _path, lines in measure.file_lines(root, measure.vars_files(paths))]
    return {"files with 30 lines or more": sum(lines >= 30 for lines in found), "lines of all": sum(found)}


def reads(root: Path, paths: list[str]) -> Figures:
    """Return how often a private variable of another role is read."""
    return {"reads": len(measure.foreign_reads(root, paths))}


def words(root: Path, paths: list[str]) -> Figures:
    """Return how often forbidden words are used."""
    used = measure.words(root, paths)
    return {"occurrences": len(used), "different words": len({one.written.lower() for one in used})}


TABLES: Mapping[str, Callable[[Path, list[str]], Figures]] = {
    "Lines per part": lines,
    "Functions of plugins, lab and tools, without signature and docstring": functions,
    FOLDERS: folders,
    "Circles of imports": circles,
    "Expressions in roles/*/vars by number of filters": filters,
    "Lines of roles/*/vars": variables,
    "Private variables read by another role or a playbook": reads,
    "Forbidden words": words,
}


def _python(paths: list[str]) -> list[str]:
    return [path for path in paths if path.endswith(".py")]


def figures(root: Path) -> dict[str, Figures]:
    """Return all tables of a checkout: a title, and a figure for each row."""
    paths = measure.files(root)
    return {title: read(root, paths) for title, read in TABLES.items()}


def table(title: str, before: Figures, after: Figures) -> Iterator[str]:
    """Yield the lines of a table with the figures of both commits."""
    yield f"\n## {title}\n"
    yield "| | before | after |"
    yield "|---|--:|--:|"
    least = LARGE + 1 if title == FOLDERS else 0
    for row in sorted(row for row in {*before, *after} if max(before.get(row, 0), after.get(row, 0)) >= least):
        yield f"| {row.strip()} | {before.get(row, 0)} | {after.get(row, 0)} |"


def page(before: Mapping[str, Figures], after: Mapping[str, Figures], names: tuple[str, str]) -> str:
    """Return the page."""
    commits = f"\nBefore is `{names[0]}`, after is `{names[1]}`."
    tables = (line for title in after for line in table(title, before[title], after[title]))
    return "\n".join([HEAD.format(before=names[0].partition(" ")[0]).rstrip(), commits, *tables]) + "\n"


@contextmanager
def checkout(root: Path, commit: str) -> Iterator[Path]:
    """Give a folder with the files of a commit, and remove it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "checkout"
        _git(root, "worktree", "add", "--quiet", "--detach", str(place), commit)
        try:
            yield place
        finally:
            _git(root, "worktree", "remove", "--force", str(place))


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="the earlier commit; the later one is this checkout")
    given = parser.parse_args()
    root = measure.ROOT
    with checkout(root, given.commit) as earlier:
        before = figures(earlier)
    names = tuple(_git(root, "log", "-1", "--format=%h of %cs", commit) for commit in (given.commit, "HEAD"))
    print(page(before, figures(root), (names[0], names[1])), end="")


if __name__ == "__main__":
    main()
