# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that cannot be meant are refused, by every module that has such an option."""

from __future__ import annotations

import importlib
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._options import check_numbers
from tests.checks.process import ROOT

MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
FRAGMENTS = "ansible_collections.urmanac.talos.plugins.doc_fragments"
# Judged with another option (certificate_days), or by AWS's table of ports.
BY_OTHERS = {"certificate_days", "renewal_days"}
# The shared functions that check the numbers, and the functions that call them first.
CHECKED_BY = re.compile(r"\b(check_numbers|node_module|api_of|inquiry_of)\(")


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({"timeout": 0}, "greater than 0"),
        ({"wait_timeout": -1.5}, "greater than 0"),
        ({"interval": math.nan}, "greater than 0"),
        ({"attempts": 0}, "greater than 0"),
        ({"node_timeout": math.inf}, "greater than 0"),
        ({"patience": -1}, "0 or greater"),
        ({"port": 0}, "from 1 to 65535"),
        ({"port": 65536}, "from 1 to 65535"),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused(options: dict[str, Any], limits: str) -> None:
    ((name, value),) = options.items()

    with pytest.raises(InputError) as raised:
        check_numbers(options)

    assert str(raised.value) == (
        f"Failed to use the options: {name}: {value:g} is not a number {limits}. Set {name} to a number {limits}."
    )
    assert [problem.code for problem in raised.value.problems] == ["INPUT_INVALID"]


def test_all_wrong_numbers_are_named_at_once() -> None:
    with pytest.raises(InputError) as raised:
        check_numbers({"timeout": 0, "attempts": -1, "rounds": 1, "patience": 0, "port": 6443, "context": None})

    assert [problem.subject for problem in raised.value.problems] == ["timeout", "attempts"]


def numbers_of(documentation: dict[str, Any]) -> set[str]:
    """Return the options of a module that are numbers, with those of its fragments."""
    options = dict(documentation.get("options") or {})
    for fragment in documentation.get("extends_documentation_fragment", ()):
        if fragment.startswith("urmanac.talos.") and not fragment.endswith(".attributes"):
            name, _dot, part = fragment.removeprefix("urmanac.talos.").partition(".")
            found = importlib.import_module(f"{FRAGMENTS}.{name}").ModuleDocFragment
            text = getattr(found, part.upper() if part else "DOCUMENTATION")
            options |= yaml.safe_load(text).get("options") or {}
    return {name for name, option in options.items() if option.get("type") in ("int", "float")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_module_with_numbers_checks_them(path: Path) -> None:
    module = importlib.import_module(f"ansible_collections.urmanac.talos.plugins.modules.{path.stem}")
    names = numbers_of(yaml.safe_load(module.DOCUMENTATION)) - BY_OTHERS
    action = ROOT / "plugins" / "action" / path.name
    sources = [one.read_text(encoding="utf-8") for one in (path, action) if one.exists()]

    for name in names:
        with pytest.raises(InputError):
            check_numbers({name: -1})
    assert not names or any(map(CHECKED_BY.search, sources))
