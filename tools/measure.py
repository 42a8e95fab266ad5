#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the size and structure of the repository, and violations of docs/style.md.

    python -m tools.measure                 # all tables
    python -m tools.measure --words         # file:line of each forbidden word, with the replacement
    python -m tools.measure --expressions   # the expressions in roles and playbooks with the most filters

python -m tools.before_after COMMIT compares with another commit.
"""

from __future__ import annotations

import argparse
import ast
import graphlib
import re
import subprocess
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import yaml
from jinja2 import nodes

from tools.language import WORDS

ROOT = Path(__file__).parent.parent
COLLECTION = "ansible_collections.urmanac.talos"
PARTS = (
    "plugins/module_utils", "plugins/modules", "plugins", "roles", "playbooks", "lab",
    "tests/unit", "tests/lab", "tests/playbooks", "tests/host", "tests/peers", "tests", "tools", "bench", "docs",
)  # fmt: skip
# Counted over files of all kinds - code, tables, scripts and texts - but not over what a tool writes.
MOST_LINES = {"lab": 10_000}
GENERATED = {"lab/aws/rules.json": "tools/aws_rules.py"}
# Not written here, or lists of the words themselves.
EXEMPT = re.compile(
    r"LICENSE$|CHANGELOG\.md$|changelogs/changelog\.yaml$|requirements.*\.txt$|.*\.(json|sum)$|docs/style\.md$|tools/language\.py$|tests/unit/tools/test_(commits|measure)\.py$"
)
TEST_NAME = re.compile(r"(?<=def )test_\w+")
Graph = dict[str, set[str]]


class Function(NamedTuple):
    """A function, its number of lines without decorators, and of those after its signature and docstring."""

    lines: int
    name: str
    file: str
    body: int


class Expression(NamedTuple):
    """An expression of Jinja and the number of filters in it."""

    filters: int
    file: str
    variable: str


class Read(NamedTuple):
    """A private variable of a role that another role or a playbook reads."""

    file: str
    line: int
    variable: str


class Word(NamedTuple):
    """One use of a word that docs/style.md forbids."""

    file: str
    line: int
    written: str
    better: str


def files(root: Path) -> list[str]:
    """Return the paths of the text files that git tracks below a folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True)  # noqa: S607
    paths = sorted(set(listed.stdout.split("\0")) - {""})
    return [path for path in paths if is_text(root / path)]


def is_text(path: Path) -> bool:
    """Return whether a path is a file of text and no link."""
    return path.is_file() and not path.is_symlink() and b"\0" not in path.read_bytes()


def lines_per_part(root: Path, paths: Iterable[str]) -> Counter[str]:
    """Return the number of lines of each part of the repository, of files of all kinds, as wc -l counts them."""
    found: Counter[str] = Counter()
    for path in paths:
        part = next((part for part in PARTS if path.startswith(f"{part}/")), "(other)")
        found[part] += (root / path).read_bytes().count(b"\n")
    return found


def written_by_hand(paths: Iterable[str]) -> list[str]:
    """Return the paths without those of generated files."""
    return [path for path in paths if path not in GENERATED]


def functions(root: Path, paths: Iterable[str]) -> list[Function]:
    """Return all functions, the longest first."""
    found = [
        Function((node.end_lineno or 0) - node.lineno + 1, node.name, path, _body(node))
        for path in paths
        for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    return sorted(found, reverse=True)


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
    return (node.end_lineno or 0) - first.lineno + 1


def files_per_folder(paths: Iterable[str]) -> Counter[str]:
    """Return the number of files directly in each folder."""
    return Counter(str(Path(path).parent) for path in paths)


def imports(root: Path, paths: Iterable[str]) -> Graph:
    """Return which of the modules imports which other one, also inside functions or for types only."""
    modules = {module_of(path): path for path in paths}
    return {
        name: {target for target in _imported(root / path, name, modules) if target != name}
        for name, path in modules.items()
    }


def module_of(path: str) -> str:
    """Return the name under which a file is imported."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join([COLLECTION, *parts] if parts[0] == "plugins" else parts)


def _imported(path: Path, module: str, modules: Mapping[str, str]) -> Iterator[str]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (start, node.module) if part)
            names = [f"{source}.{alias.name}" for alias in node.names]
        for name in names:
            yield from [known for known in (name, name.rpartition(".")[0]) if known in modules][:1]


def circles(graph: Graph) -> list[list[str]]:
    """Return the circles of a graph of imports; each is broken before the next one is searched for."""
    graph = {name: set(targets) for name, targets in graph.items()}
    found: list[list[str]] = []
    while True:
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            circle = error.args[1]
            found.append(circle[::-1])
            graph[circle[1]].discard(circle[0])
        else:
            return found


def expressions(root: Path, paths: Iterable[str]) -> list[Expression]:
    """Return the expressions in YAML files, those with the most filters first."""
    found = []
    for path in paths:
        for variable, text in _leaves(yaml.safe_load((root / path).read_text(encoding="utf-8")) or {}, ""):
            found += [Expression(count, path, variable) for count in filters(text)]
    return sorted(found, key=lambda one: (-one.filters, one.file, one.variable))


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))


def filters(text: str) -> list[int]:
    """Return the number of filters in each expression of a template."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])  # noqa: S701 - nothing is rendered
    with warnings.catch_warnings():
        # Jinja decodes a regular expression such as '\s' like a string of Python, which warns of the escape.
        warnings.simplefilter("ignore", DeprecationWarning)
        tree = environment.parse(text)
    found: list[nodes.Node] = [part for output in tree.find_all(nodes.Output) for part in output.nodes]
    found += [loop.iter for loop in tree.find_all(nodes.For)] + [branch.test for branch in tree.find_all(nodes.If)]
    found += [assigned.node for assigned in tree.find_all(nodes.Assign)]
    return [_filters(part) for part in found if not isinstance(part, nodes.TemplateData)]


def _filters(part: nodes.Node) -> int:
    return sum(1 for _ in part.find_all(nodes.Filter)) + isinstance(part, nodes.Filter)


def foreign_reads(root: Path, paths: Iterable[str]) -> list[Read]:
    """Return each use of a role's private variable, which is named __<role>_x, outside that role."""
    used = [path for path in paths if path.startswith(("roles/", "playbooks/"))]
    roles = sorted({path.split("/")[1] for path in used if path.startswith("roles/")}, key=len, reverse=True)
    # The longest name first: of bastion_host and bastion, __bastion_host_x is the former's.
    private = re.compile(rf"(?<![A-Za-z0-9_])__({'|'.join(roles)})_[A-Za-z0-9_]+")
    return [
        Read(path, number, found[0])
        for path in used
        for number, line in enumerate((root / path).read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for found in private.finditer(line)
        if not path.startswith(f"roles/{found[1]}/")
    ]


def words(root: Path, paths: Iterable[str]) -> list[Word]:
    """Return each use of a word that docs/style.md forbids in files."""
    found: list[Word] = []
    for path in paths:
        if not EXEMPT.match(path):
            lines = (root / path).read_text(encoding="utf-8", errors="replace").splitlines()
            found += words_in(path, map(sentence_of_test, lines))
    return found


def words_in(name: str, lines: Iterable[str]) -> list[Word]:
    """Return each use of a word that docs/style.md forbids in the lines of a text of this name."""
    lines = list(lines)
    # Most words are in no line at all: each is searched once in the whole text, and only what it has line by line.
    lower = "\n".join(lines).lower()
    used = [(one, better) for any_case, one, better in _patterns() if not any_case or any_case.search(lower)]
    return [
        Word(name, number, match[0], better)
        for number, line in enumerate(lines, 1)
        for one, better in used
        for match in one.finditer(line)
    ]


@cache
def _patterns() -> list[tuple[re.Pattern[str] | None, re.Pattern[str], str]]:
    """Return each word as a text in lower case has it (none with capitals), as a line has it, and the better word."""
    return [
        (
            re.compile(word) if word == word.lower() else None,
            re.compile(rf"(?<![A-Za-z]){word}(?![A-Za-z])", re.IGNORECASE),
            better,
        )
        for word, better in WORDS
    ]


def sentence_of_test(line: str) -> str:
    """Return a line with the name of a test as the sentence that it is; other identifiers stay."""
    return TEST_NAME.sub(lambda name: name[0].replace("user_data", "user-data").replace("_", " "), line)


def main() -> None:
    """Print the selected measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to measure")
    parser.add_argument("--words", action="store_true", help="list each use of a forbidden word")
    parser.add_argument("--expressions", action="store_true", help="list the expressions with more than two filters")
    given = parser.parse_args()
    paths = files(given.root)
    if given.words:
        print(*(f"{one.file}:{one.line}: {one.written} -> {one.better}" for one in words(given.root, paths)), sep="\n")
    elif given.expressions:
        found = expressions(given.root, [*vars_files(paths), *task_files(paths)])
        print(*(f"{one.filters} {one.file}: {one.variable}" for one in found if one.filters > 2), sep="\n")
    else:
        print_tables(given.root, paths)


def vars_files(paths: Iterable[str]) -> list[str]:
    """Return the files of roles' internal variables."""
    return [path for path in paths if re.match(r"roles/[^/]+/vars/", path)]


def task_files(paths: Iterable[str]) -> list[str]:
    """Return the files with tasks, defaults and handlers of roles, and the playbooks."""
    return [path for path in paths if re.match(r"(roles/[^/]+/(tasks|defaults|handlers)/|playbooks/).*\.yml$", path)]


def print_tables(root: Path, paths: list[str]) -> None:
    """Print all tables."""
    python = [path for path in paths if path.endswith(".py")]
    _table("Lines per part, without generated files", lines_per_part(root, written_by_hand(paths)))
    print(*(f"  at most {limit} in {part}" for part, limit in MOST_LINES.items()), sep="\n")
    _table("Lines of generated files", dict(file_lines(root, [path for path in paths if path in GENERATED])))
    print("\nLongest functions")
    product = [one for one in functions(root, python) if not one.file.startswith("tests/")]
    print(*(f"  {one.lines:>5}  {one.name} ({one.file})" for one in product[:5]), sep="\n")
    _table("Files per folder, the ten largest", dict(files_per_folder(paths).most_common(10)))
    round_trips = circles(imports(root, python))
    print(f"\nCircles of imports: {len(round_trips)}", *(f"  {' -> '.join(one)}" for one in round_trips), sep="\n")
    found = Counter(one.filters for one in expressions(root, vars_files(paths)))
    _table("Expressions in roles/*/vars by number of filters", dict(sorted(found.items())))
    others = Counter(one.filters for one in expressions(root, task_files(paths)))
    _table("Other expressions in roles and playbooks by number of filters", dict(sorted(others.items())))
    print("\nLines of roles/*/vars/main.yml")
    print(*(f"  {lines:>5}  {path}" for path, lines in file_lines(root, vars_files(paths))), sep="\n")
    foreign = foreign_reads(root, paths)
    print(f"\nPrivate variables read by another role or a playbook: {len(foreign)}")
    print(*(f"  {one.file}:{one.line}: {one.variable}" for one in foreign), sep="\n")
    used = words(root, paths)
    _table(f"Forbidden words: {len(used)}", Counter(one.written.lower() for one in used))
    _table("Forbidden words per part", _per_part(used))


def file_lines(root: Path, paths: Iterable[str]) -> list[tuple[str, int]]:
    """Return each file with its number of lines."""
    return [(path, (root / path).read_bytes().count(b"\n")) for path in paths]


def _per_part(used: list[Word]) -> Mapping[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for one in used:
        found[next((part for part in PARTS if one.file.startswith(f"{part}/")), "(other)")] += 1
    return found


def _table(title: str, rows: Mapping[Any, int]) -> None:
    print(f"\n{title}")
    print(*(f"  {count:>5}  {name}" for name, count in rows.items()), sep="\n")


if __name__ == "__main__":
    main()
