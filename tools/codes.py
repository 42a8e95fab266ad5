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

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "codes.md"
sys.path.insert(0, str(ROOT / "playbooks" / "collections"))

from ansible_collections.urmanac.talos.plugins.module_utils._codes import AREAS, Code

HEAD = """# Codes

What the checks, the audit, the forecast and the diagnosis find has a code, a severity, a subject, a message, a remedy,
and in some cases figures as evidence. This page lists every code. `python -m tools.codes > docs/codes.md` makes it from
`plugins/module_utils/_codes.py`. The message that comes with a code says more than this page: which thing it is about,
which value is wrong, and often a command with the ids in it.

| Severity | Meaning |
|---|---|
| `error` | What was asked for cannot be done, or will not work. |
| `warning` | It is allowed, and worth knowing. |
| `critical`, `high`, `medium`, `low` | How far something opens a cluster. The audit fails for each. |

Where a code has two severities, the first is the usual one. A word in capitals in the last column is a name that the
message gives.
"""


def page(areas: Mapping[str, Mapping[str, Code]] = AREAS) -> str:
    """Return the page."""
    return "\n".join([HEAD, *(line for title, codes in areas.items() for line in area(title, codes))])


def area(title: str, codes: Mapping[str, Code]) -> Iterator[str]:
    """Yield the lines of the codes of one area, in the order of the alphabet."""
    yield f"## {title}\n"
    yield "| Code | Severity | What it means | What to do |"
    yield "|---|---|---|---|"
    for name in sorted(codes):
        code = codes[name]
        severities = " or ".join(f"`{severity}`" for severity in code.severities)
        yield f"| `{name}` | {severities} | {cell(sentence(code.meaning))} | {cell(code.remedy)} |"
    yield ""


def sentence(meaning: str) -> str:
    """Return a meaning as a sentence: those that stand in messages are parts of one."""
    return f"{meaning[:1].upper()}{meaning[1:].rstrip('.')}."


def cell(text: str) -> str:
    """Return a text for a table; the names that a remedy is filled with are in capitals."""
    return re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), text).replace("|", r"\|")


def main() -> None:
    """Print the page."""
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
