# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code that is raised is on the list and in docs/codes.md, and every code there is raised."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.inventory import ec2_nodes
from ansible_collections.urmanac.talos.plugins.module_utils._codes import CODES, Code
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import errors as kubernetes
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import errors as talos
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import read_options
from tests.checks.files import collection_files
from tests.checks.process import ROOT
from tools import codes

LIST = "plugins/module_utils/_codes.py"
CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
# Texts of other programs that look like codes.
EXEMPT = {
    # Variables of the environment, and options of programs.
    *("ANSIBLE_MODULE_ARGS", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "DOCKER_CONFIG", "PRETTY_NAME"),
    *("TS_AUTHKEY", "TS_AUTH_ONCE", "TS_EXTRA_ARGS", "TS_HOSTNAME", "TS_ROUTES", "TS_USERSPACE", "XDG_DATA_HOME"),
    # Alerts of TLS, capabilities of Linux, words of registries and manifests, the end of a file in user-data.
    *("BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REQUIRED", "CERTIFICATE_UNKNOWN", "DECRYPT_ERROR"),
    *("HANDSHAKE_FAILURE", "UNKNOWN_CA", "UNKNOWN_CERTIFICATE_AUTHORITY", "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW"),
    # How the Price List API and Budgets compare.
    *("TERM_MATCH", "GREATER_THAN"),
    *("BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "NAME_UNKNOWN", "MASTER_NODES", "REPLACE_ME", "END_OF_FILE_OF_URMANAC_TALOS"),
}


# Environment variables in roles, playbooks and documents, a file, and names in the code.
ENVIRONMENT = re.compile(r"(?:ANSIBLE|AWS|LAB|TS|URMANAC|XDG)_\w+|CODE_OF_CONDUCT|VERSION_MIN|NOT_PLAYED")
QUOTED = re.compile(rf"""(['"`])({CODE.pattern})\1|\bcode: ({CODE.pattern})$""", re.MULTILINE)
PATTERN = re.compile(r"""(?:'code', '(?:match|search)', '|_codes: "\|)([^'"]+)""")


def quoted(pattern: str) -> set[str]:
    """Return what looks like a code in the collection's files whose name has a pattern."""
    names = [name for name in collection_files() if re.search(pattern, name) and name != "docs/wrong_inputs.md"]
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in names]
    found = {code or other for text in texts for _quote, code, other in QUOTED.findall(text)}
    return {code for code in found if not ENVIRONMENT.fullmatch(code)}


def constants(path: Path) -> Iterator[str]:
    """Yield the texts of a Python file that look like codes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value


def calls_without_remedy(path: Path) -> Iterator[str]:
    """Yield the codes of which a Python file makes findings with the remedy of the list."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "finding":
            code, given = node.args[0], len(node.args)
            if isinstance(code, ast.Constant) and given < 4:
                yield str(code.value)


@pytest.fixture(scope="module")
def raised() -> set[str]:
    """Return what looks like a code in the collection's Python files, the list itself left out."""
    names = [name for name in collection_files() if name.startswith(("plugins/", "roles/")) and name.endswith(".py")]
    return {code for name in names if name != LIST for code in constants(ROOT / name)}


def test_every_code_that_is_raised_is_on_the_list(raised: set[str]) -> None:
    unknown = raised - set(CODES) - EXEMPT

    assert unknown == set(), f"Add these to {LIST}, or to EXEMPT here if they are not codes."


def test_every_code_on_the_list_is_raised_somewhere(raised: set[str]) -> None:
    # Roles make none: they only compare with one.
    assert set(CODES) - raised == set()


def test_every_code_that_a_role_or_a_playbook_names_is_on_the_list() -> None:
    named = quoted(r"^(roles|playbooks)/.*\.(yml|j2)$")

    assert "UNKNOWN_CONTRACT" in named
    assert named - set(CODES) == set()


def test_every_code_that_a_document_names_is_on_the_list() -> None:
    assert quoted(r"\.md$") - set(CODES) - EXEMPT == set()


def test_every_pattern_of_codes_in_a_role_or_a_playbook_matches_some() -> None:
    files = [name for name in collection_files() if re.match(r"(roles|playbooks)/.*\.yml$", name)]
    patterns = [found for name in files for found in PATTERN.findall((ROOT / name).read_text(encoding="utf-8"))]
    parts = [part for pattern in patterns for part in pattern.split("|")]

    assert parts
    assert [part for part in parts if not any(re.match(part, code) for code in CODES)] == []


def test_a_remedy_with_a_name_to_fill_in_is_never_given_as_it_stands() -> None:
    unfilled = {name for name, code in CODES.items() if "{" in code.remedy}
    files = [ROOT / name for name in collection_files() if name.startswith("plugins/") and name.endswith(".py")]

    assert [call for file in files for call in calls_without_remedy(file) if call in unfilled] == []


def options() -> set[str]:
    """Return the variables of all roles, the options of the inventory, and the names of roles and plugins."""
    inventory = set(yaml.safe_load(ec2_nodes.DOCUMENTATION)["options"])
    names = {path.stem for pattern in ("plugins/*/*.py", "roles/*") for path in ROOT.glob(pattern)}
    return {*read_options()} | inventory | names


def sentences(path: Path) -> Iterator[str]:
    """Yield the texts of a Python file that a user may read."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.value


def test_every_variable_that_a_remedy_or_a_message_names_exists() -> None:
    prefixes = "|".join(path.name for path in ROOT.glob("roles/*"))
    variable = re.compile(rf"(?<![\w./*$-])(?:{prefixes})_[a-z0-9_]*[a-z0-9](?![\w*]|\.(?:yml|py))")
    files = [name for name in collection_files() if re.match(r"plugins/(module|plugin)_utils/.*\.py$", name)]
    texts = [codes.page(), *(text for name in files for text in sentences(ROOT / name))]

    named = {name for text in texts for name in variable.findall(text)}

    assert "cluster_volume_size" in named
    assert named - options() == set()


def test_the_page_is_what_the_command_prints() -> None:
    written = codes.PAGE.read_text(encoding="utf-8")

    assert written == codes.page(), "Run python -m tools.codes > docs/codes.md"


def test_the_page_has_a_row_for_each_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `", codes.page(), re.MULTILINE)

    assert sorted(set(rows) - {"error", "warning"}) == sorted(CODES)


def test_a_row_has_severities_a_sentence_and_names_in_capitals() -> None:
    listed = {"SO_IT_IS": Code("it is so", "Run a | b {name}.", ("high", "critical"))}

    *_, row, end = codes.area("Area", listed)

    assert (row, end) == (r"| `SO_IT_IS` | `high` or `critical` | It is so. | Run a \| b NAME. |", "")


@pytest.mark.parametrize("errors", [pytest.param(talos, id="talos"), pytest.param(kubernetes, id="kubernetes")])
def test_the_page_has_a_row_for_each_cause_of_a_failed_call(errors: Any) -> None:
    rows = [row for row in codes.page().splitlines() if row.startswith("| `")]

    for cause in errors.Cause:
        remedy = errors.REMEDIES.get(cause, "Read the message.")
        assert f"| `{cause.value}` | {remedy} |" in rows
