# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements are right, and what docs/style.md limits stays within its limits."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.checks.files import project_files
from tests.checks.process import ROOT
from tools import before_after, measure

MOST_FILTERS = 3
MOST_LINES_OF_VARIABLES = 29
# These are too many.
FROM_LINES_OF_A_STEP = 60
FROM_LINES_OF_CONTENTS = 40


@pytest.fixture(scope="module")
def paths() -> list[str]:
    """Return the files of this checkout, those that are not yet committed included."""
    return [path for path in project_files() if measure.is_text(ROOT / path)]


def write(folder: Path, path: str, text: str) -> str:
    """Write a file below a folder and return its path."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")
    return path


def test_no_expression_of_a_roles_variables_has_more_filters_than_a_reader_can_follow(paths: list[str]) -> None:
    found = measure.expressions(ROOT, measure.vars_files(paths))

    long = [one for one in found if one.filters > MOST_FILTERS]

    assert found
    assert long == []


def test_no_other_expression_of_roles_and_playbooks_has_more_filters_than_that(paths: list[str]) -> None:
    found = measure.expressions(ROOT, measure.task_files(paths))

    long = [one for one in found if one.filters > MOST_FILTERS]

    assert found
    assert long == []


def test_a_roles_variables_are_addresses_and_names_on_one_screen(paths: list[str]) -> None:
    found = dict(measure.file_lines(ROOT, measure.vars_files(paths)))

    long = {path: lines for path, lines in found.items() if lines > MOST_LINES_OF_VARIABLES}

    assert found
    assert long == {}


def test_a_step_and_a_roles_table_of_contents_are_short(paths: list[str]) -> None:
    steps = [path for path in paths if re.match(r"roles/[^/]+/tasks/", path)]

    long = {
        path: lines
        for path, lines in measure.file_lines(ROOT, steps)
        if lines >= (FROM_LINES_OF_CONTENTS if path.endswith("/main.yml") else FROM_LINES_OF_A_STEP)
    }

    assert steps
    assert long == {}


def test_no_role_reads_a_private_variable_of_another(paths: list[str]) -> None:
    assert measure.foreign_reads(ROOT, paths) == []


def test_no_file_uses_a_forbidden_word(paths: list[str]) -> None:
    found = measure.words(ROOT, paths)

    assert found == [], "python -m tools.measure --words lists them with replacements"


def test_no_module_imports_itself_through_others(paths: list[str]) -> None:
    python = [path for path in paths if path.endswith(".py")]

    assert measure.circles(measure.imports(ROOT, python)) == []


def test_the_lab_stays_within_its_limit(paths: list[str]) -> None:
    limit = measure.MOST_LINES["lab"]

    assert f"at most {limit:,}" in (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
    assert measure.lines_per_part(ROOT, measure.written_by_hand(paths))["lab"] <= limit


def test_only_what_a_tool_writes_is_left_out_of_the_limit_and_the_lab_says_so(paths: list[str]) -> None:
    said = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")

    assert set(paths) - set(measure.written_by_hand(paths)) == set(measure.GENERATED)
    for path, tool in measure.GENERATED.items():
        assert f"without `{path}`, which `{tool}` writes" in said
        assert f"{tool} > {path}" in (ROOT / tool).read_text(encoding="utf-8")


def test_the_generated_table_of_rules_has_one_rule_a_line() -> None:
    text = (ROOT / "lab" / "aws" / "rules.json").read_text(encoding="utf-8")
    rules = [rule for members in json.loads(text)["rules"].values() for found in members.values() for rule in found]

    lines = [line.strip().removesuffix(",") for line in text.splitlines()]

    assert rules
    assert [json.loads(line) for line in lines if line.startswith("[") and line.endswith("]")] == rules


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        pytest.param("no template", [], id="plain text"),
        pytest.param("{{ a }}", [0], id="no filter"),
        pytest.param("{{ a | b | c(d | e) }}", [3], id="a filter in an argument"),
        pytest.param("{{ a | b }}-{{ c }}", [1, 0], id="two expressions"),
        pytest.param("{% for x in a | b | c %}{{ x | d }}{% endfor %}", [1, 2], id="a loop"),
        pytest.param("{% if a | b %}x{% endif %}", [1], id="a condition"),
        pytest.param("{{ a is file and lookup('x.y', b) | c }}", [1], id="tests and lookups are not filters"),
    ],
)
def test_filters_are_counted_for_each_expression(text: str, counts: list[int]) -> None:
    assert measure.filters(text) == counts


def test_expressions_are_found_wherever_they_are_in_a_variable(tmp_path: Path) -> None:
    path = write(tmp_path, "vars/main.yml", "a:\n  b:\n    - '{{ c | d }}'\ne: '{{ f }}'\n")

    found = measure.expressions(tmp_path, [path])

    assert found == [measure.Expression(1, path, "a.b.0"), measure.Expression(0, path, "e")]


@pytest.mark.parametrize(
    ("path", "variable"),
    [
        pytest.param("roles/nodes/tasks/main.yml", "__cluster_info", id="another role's"),
        pytest.param("playbooks/site.yml", "__cluster_info", id="a role's in a playbook"),
        pytest.param("roles/bastion/templates/a.j2", "__bastion_host_plan", id="of a role with a longer name"),
    ],
)
def test_a_private_variable_is_found_outside_its_role(path: str, variable: str, tmp_path: Path) -> None:
    roles = [write(tmp_path, f"roles/{role}/README.md", "") for role in ("cluster", "bastion", "bastion_host", "nodes")]
    reader = write(tmp_path, path, f"a: b\nc: '{{{{ {variable}.x }}}}'\n")

    assert measure.foreign_reads(tmp_path, [*roles, reader]) == [measure.Read(path, 2, variable)]


def test_a_roles_own_variables_and_shared_ones_are_no_foreign_reads(tmp_path: Path) -> None:
    own = write(tmp_path, "roles/cluster/tasks/main.yml", "register: __cluster_info\n")
    other = write(tmp_path, "roles/nodes/vars/main.yml", "a: '{{ cluster_reading }} {{ my__cluster_info }}'\n")

    assert measure.foreign_reads(tmp_path, [own, other]) == []


@pytest.mark.parametrize(
    ("line", "written"),
    [
        pytest.param("Nobody gets in.", ["Nobody"], id="at the start"),
        pytest.param("is_told: true", ["told"], id="in a name"),
        pytest.param("mend it or recommend it", ["mend"], id="not inside another word"),
        pytest.param("Hold the result against it", ["Hold the result against"], id="with words between"),
        pytest.param("double quotes, doubles quotes", [], id="quotes"),
        pytest.param("a test double of AWS", ["test double"], id="a double"),
        pytest.param("made_anew by somebody else", ["anew", "somebody else"], id="another owner"),
        pytest.param("a tag of others, not of other owners", ["of others"], id="owners"),
        pytest.param("the kernel of this computer", ["this computer"], id="a host"),
        pytest.param("user data, not user-data", ["user data"], id="one spelling"),
        pytest.param("def test_nodes_are_sorted_by_what_they_answer():", ["by what"], id="in the name of a test"),
        pytest.param("async def test_a_version_that_is_none(the_rest):", ["that is none"], id="not in its arguments"),
        pytest.param('"PROFILE_USED_ELSEWHERE" is elsewhere', ["USED_ELSEWHERE"], id="a code"),
        pytest.param("register: __talos_seen", ["__talos_seen"], id="a variable"),
        pytest.param("an Outsider of WISHED_HOURS", ["Outsider", "WISHED_HOURS"], id="names in Python"),
        pytest.param("def test_user_data_is_short(): user_data", [], id="an identifier in the name of a test"),
    ],
)
def test_forbidden_words_are_found_as_whole_words(line: str, written: list[str], tmp_path: Path) -> None:
    path = write(tmp_path, "page.md", f"# Page\n\n{line}\n")

    found = measure.words(tmp_path, [path])

    assert [(one.line, one.written) for one in found] == [(3, word) for word in written]


def test_a_circle_of_imports_is_found_through_relative_and_inner_imports(tmp_path: Path) -> None:
    one = write(tmp_path, "lab/one.py", "from lab import two\n")
    two = write(tmp_path, "lab/two.py", "def act():\n    from .three import name\n")
    three = write(tmp_path, "lab/three.py", "import lab.one\nimport json\n")

    found = measure.circles(measure.imports(tmp_path, [one, two, three]))

    assert [sorted(circle[1:]) for circle in found] == [["lab.one", "lab.three", "lab.two"]]


def test_a_package_may_import_its_modules(tmp_path: Path) -> None:
    package = write(tmp_path, "lab/aws/__init__.py", "from lab.aws import server\n")
    server = write(tmp_path, "lab/aws/server.py", "from lab.aws import faults\n")
    faults = write(tmp_path, "lab/aws/faults.py", "")

    assert measure.circles(measure.imports(tmp_path, [package, server, faults])) == []


def test_the_longest_function_comes_first(tmp_path: Path) -> None:
    path = write(tmp_path, "a.py", "def short():\n    pass\n\n\ndef long():\n    pass\n    pass\n")

    found = measure.functions(tmp_path, [path])

    assert found == [measure.Function(3, "long", path, 2), measure.Function(2, "short", path, 1)]


def test_lines_count_for_the_narrowest_part(tmp_path: Path) -> None:
    module = write(tmp_path, "plugins/modules/a.py", "1\n2\n")
    other = write(tmp_path, "README.md", "1\n")

    assert measure.lines_per_part(tmp_path, [module, other]) == {"plugins/modules": 2, "(other)": 1}


def test_no_function_of_plugins_and_tools_is_longer_than_a_reader_can_follow(paths: list[str]) -> None:
    python = [path for path in paths if path.endswith(".py") and path.startswith(("plugins/", "tools/"))]

    long = [one for one in measure.functions(ROOT, python) if one.body > before_after.MOST]

    assert python
    assert long == []


def test_every_large_folder_of_the_product_has_a_reason_in_the_architecture(paths: list[str]) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    counts = measure.files_per_folder(path for path in paths if path.startswith(before_after.PRODUCT))
    large = {folder for folder, count in counts.items() if count > before_after.LARGE}

    explained = set(re.findall(r"^\| `([a-z_0-9/]+)` \| [A-Z0-9].+ \|$", page, re.MULTILINE))

    assert large
    assert large - explained == set()


def test_a_table_compares_two_checkouts_row_by_row() -> None:
    lines = list(before_after.table("Circles of imports", {"lab/": 20, "bench/": 1}, {"lab/": 0}))

    assert lines[-2:] == ["| bench/ | 1 | 0 |", "| lab/ | 20 | 0 |"]


def test_a_folder_that_is_large_in_one_of_them_is_compared() -> None:
    lines = list(before_after.table(before_after.FOLDERS, {"a": 33, "b": 3}, {"a": 12, "b": 4, "c": 16}))

    assert [line for line in lines if line.startswith(("| a", "| b", "| c"))] == ["| a | 33 | 12 |", "| c | 0 | 16 |"]


def test_the_page_of_measurements_has_every_table_of_the_command() -> None:
    titles = re.findall(r"^## (.+)$", (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert titles == list(before_after.TABLES)
