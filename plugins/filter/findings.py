# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Format findings as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..module_utils import _findings

FORMS: Mapping[str, Callable[..., Iterable[str]]] = {
    "lines": _findings.lines,
    "notes": _findings.notes,
    "numbered": _findings.numbered,
    "one_line": lambda found, *parts: (_findings.one_line(one, *parts) for one in found),
    "paragraphs": lambda found, *parts: (_findings.paragraph(one, *parts) for one in found),
    "markdown": _findings.markdown,
    "html": _findings.html_rows,
}


def findings(records: Iterable[Mapping[str, Any]], form: str, parts: Sequence[str] = ()) -> str:
    """Return the findings in one of the forms, with the given properties before the message."""
    # Ansible treats '\n' in an expression of a task as a backslash and an n, so roles could not join lines.
    return "\n".join(FORMS[form](map(_findings.finding_of, records), *parts))


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"findings": findings}
