# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moto lacks is described as the issue that it would be, in the module and in docs/lab.md, and is proven."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from lab.aws.extensions import names
from lab.settings import REPOSITORY


@pytest.fixture(scope="module")
def failures() -> dict[str, dict[str, str]]:
    """Give how each proof fails with all modules of gaps, and without its own."""
    command = [sys.executable, "-m", "tests.lab.gap_proofs"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", names())
def test_a_gap_of_moto_is_closed_by_its_module_alone(name: str, failures: dict[str, dict[str, str]]) -> None:
    assert failures["with"][name] == ""
    assert failures["without"][name], f"moto closes this gap now: delete lab/aws/gaps/{name}.py."


@pytest.mark.parametrize("name", names())
def test_a_gap_of_moto_is_named_as_an_issue_and_listed(name: str) -> None:
    module = ast.parse((REPOSITORY / "lab" / "aws" / "gaps" / f"{name}.py").read_text(encoding="utf-8"))
    listed = (REPOSITORY / "docs" / "lab.md").read_text(encoding="utf-8")

    title = (ast.get_docstring(module) or "").partition("\n")[0]

    assert re.match(r"(EC2|IAM|S3|AutoScaling|Scheduler|SSM|Service Quotas|Free Tier|Server mode): .+\.$", title)
    assert f"| `{name}` | {title} |" in listed


def test_no_gap_is_listed_that_is_gone() -> None:
    listed = (REPOSITORY / "docs" / "lab.md").read_text(encoding="utf-8").partition("## What moto lacks")[2]

    assert sorted(re.findall(r"^\| `(\w+)` \|", listed, flags=re.MULTILINE)) == names()
