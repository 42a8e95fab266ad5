#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the page of all codes, which is docs/codes.md.

python -m tools.codes > docs/codes.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "codes.md"
sys.path.insert(0, str(ROOT / "playbooks" / "collections"))

from ansible_collections.urmanac.talos.plugins.module_utils._codes import AREAS, Code
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import errors as kubernetes
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import errors as talos

HEAD = """# Codes

Every problem that a module or a filter returns is a finding. The checks, the audit, the forecast and the diagnosis
return findings, and a module that fails returns those that the failure consists of as `problems`. A smoke test returns
code and message of one as `code` and `cause`. A role's own refusals are text. This page describes the form of findings
and lists all codes.
`python -m tools.codes > docs/codes.md` generates it from `plugins/module_utils/_codes.py`. The message of a finding is
more specific than this page: it names the subject, the wrong value, and often a command with the ids.

A finding has these six fields, in each result of a module or a filter, in the files of a cluster and in the report:

| Field | Type | What it is |
|---|---|---|
| `code` | string | The kind of the problem, for programs: one of the codes of this page. |
| `severity` | string | One of the values of the next table. |
| `subject` | string | What the finding is about: a node, a variable, a resource, or what failed. |
| `message` | string | What is wrong. |
| `remedy` | string | What to do. It may be empty. |
| `evidence` | mapping | Figures and names behind the message, for programs. It may be empty. |

| Severity | Meaning |
|---|---|
| `error` | The request cannot be executed, or will not work. |
| `warning` | Allowed, but noteworthy. |
| `critical`, `high`, `medium`, `low` | Severity of access that is not described. The audit fails for each. |

If a code has two severities, the first is the usual one. A word in capitals in the last column is a placeholder that
the message fills in.
"""

CAUSES = """## Causes of failed calls

A call to a node or to the Kubernetes API that fails has a cause, which decides whether it is repeated, and which
playbooks can test. Its message has the details and ends with the remedy. The causes are in
`plugins/module_utils/_talos/api/errors.py` and `plugins/module_utils/_kubernetes/errors.py`.
"""
TALOS = "The Talos API: `cause` of `talos_info`"
KUBERNETES = "The Kubernetes API: `cause` of `kubernetes_nodes_info`"


def page(areas: Mapping[str, Mapping[str, Code]] = AREAS) -> str:
    """Return the page."""
    listed = (line for title, codes in areas.items() for line in area(title, codes))
    return "\n".join([HEAD, *listed, CAUSES, *causes(TALOS, talos), *causes(KUBERNETES, kubernetes)])


def area(title: str, codes: Mapping[str, Code]) -> Iterator[str]:
    """Yield the lines of the codes of one area, in alphabetical order."""
    yield f"## {title}\n"
    yield "| Code | Severity | What it means | What to do |"
    yield "|---|---|---|---|"
    for name in sorted(codes):
        code = codes[name]
        severities = " or ".join(f"`{severity}`" for severity in code.severities)
        yield f"| `{name}` | {severities} | {cell(sentence(code.meaning))} | {cell(code.remedy)} |"
    yield ""


def causes(title: str, errors: Any) -> Iterator[str]:
    """Yield the lines of the causes of one API, in alphabetical order."""
    yield f"### {title}\n"
    yield "| Cause | What to do |"
    yield "|---|---|"
    for cause in sorted(errors.Cause):
        yield f"| `{cause}` | {cell(errors.REMEDIES.get(cause, 'Read the message.'))} |"
    yield ""


def sentence(meaning: str) -> str:
    """Return a meaning as a sentence: those used inside messages are parts of one."""
    return f"{meaning[:1].upper()}{meaning[1:].rstrip('.')}."


def cell(text: str) -> str:
    """Return a text for a table, with the placeholders of a remedy in capitals."""
    return re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), text).replace("|", r"\|")


def main() -> None:
    """Print the page."""
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
