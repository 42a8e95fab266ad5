# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings, the form that checks, audit, diagnosis and reports share, and their text formats.

Private to urmanac.talos: may change at any time. The codes are in _codes.py. Runs on the machine to be replaced and on
bastions as well: Python 3.9, standard library only.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ._codes import CODES, ERROR, WARNING
from ._text import as_markdown, shown

_COLUMNS = {"code": "Code", "subject": "About", "message": "What is wrong", "remedy": "What to do"}


@dataclass(frozen=True)
class Finding:
    """One problem or note: subject, message, remedy, and figures as evidence."""

    code: str
    severity: str
    subject: str
    message: str
    remedy: str
    evidence: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def blocks(self) -> bool:
        """Return whether it prevents the request."""
        return self.severity != WARNING

    @property
    def graded(self) -> str:
        """Return severity and code, as in an audit."""
        return f"{self.severity} {self.code}"

    def as_dict(self) -> dict[str, Any]:
        """Return it in the one form that modules, filters, files and reports have; docs/codes.md describes it."""
        return {**{name: getattr(self, name) for name in FIELDS}, "evidence": dict(self.evidence)}

    def about(self, subject: str) -> Finding:
        """Return it with another subject."""
        return replace(self, subject=subject)

    def apart(self) -> Finding:
        """Return the finding of an error whose message ends with its remedy, with the two apart."""
        cause, _dot, remedy = self.message.partition(". ")
        return replace(self, message=f"{cause.rstrip('.')}.", remedy=remedy or self.remedy)


FIELDS = tuple(one.name for one in fields(Finding))


def finding(
    code: str,
    subject: str,
    message: str | None = None,
    remedy: str | None = None,
    *,
    fact: str = "",
    severity: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> Finding:
    """Return a finding; omitted properties are those of its code. The list must have the code and the severity.

    Without a message of its own it has the meaning of its code, and after it the fact, such as the wrong value.
    """
    known = CODES[code]
    grade = known.severities[known.severities.index(severity) if severity else 0]
    text = meaning_of(code, fact) if message is None else message
    return Finding(code, grade, subject, text, known.remedy if remedy is None else remedy, evidence or {})


def finding_of(record: Mapping[str, Any]) -> Finding:
    """Return the finding that a module returned as a mapping."""
    values = {name: str(record.get(name) or "") for name in _COLUMNS}
    # A file may be older than a change of the list.
    usual = CODES[values["code"]].severities[0] if values["code"] in CODES else ERROR
    return Finding(severity=record.get("severity") or usual, evidence=record.get("evidence") or {}, **values)


def blocking(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those of the findings that a module returned that prevent the request."""
    return [record for record in records if finding_of(record).blocks]


def remedy_of(code: str, **names: str) -> str:
    """Return the remedy of a code, filled in with the given names."""
    return CODES[code].remedy.format(**names)


def meaning_of(code: str, fact: str = "") -> str:
    """Return the meaning of a code, and the fact that makes it specific."""
    meaning = CODES[code].meaning
    return f"{meaning.rstrip('.')}: {fact}." if fact else meaning


# --- Text formats ---


def sentences(found: Finding, *parts: str) -> str:
    """Return message and remedy after the given properties."""
    return f"{headline(found, *parts).rstrip('.')}. {shown(found.remedy)}".rstrip()


def failure(doing: str, found: Finding) -> str:
    """Return the failure message of a module."""
    return f"Failed to {shown(doing)}: {sentences(found)}"


def headline(found: Finding, *parts: str) -> str:
    """Return the message after the given properties: code, subject, graded."""
    return ": ".join(shown(getattr(found, part)) for part in (*parts, "message"))


def one_line(found: Finding, *parts: str) -> str:
    """Return message and remedy on one line, for the report and JUnit."""
    return f"{headline(found, *parts)} {shown(found.remedy)}".rstrip()


def paragraph(found: Finding, *parts: str) -> str:
    """Return the message and a labelled remedy, for the failure of a role."""
    return f"{headline(found, *parts).rstrip('.')}. Remedy: {shown(found.remedy)}"


def lines(findings: Iterable[Finding], *parts: str) -> Iterator[str]:
    """Yield two lines for each finding: the message after a sign for its severity, and the remedy."""
    for found in findings:
        yield f"{'!' if found.blocks else '?'} {headline(found, *parts)}"
        yield f"    {shown(found.remedy)}"


def notes(findings: Iterable[Finding], *parts: str) -> Iterator[str]:
    """Yield one line for each finding that does not stop the run, after a sign: ? for what could not be checked."""
    for found in findings:
        yield f"{'?' if found.code == 'NOT_CHECKED' else '!'} {one_line(found, *parts)}"


def numbered(findings: Iterable[Finding], *parts: str) -> Iterator[str]:
    """Yield two lines for each finding, as a numbered list."""
    for number, found in enumerate(findings, 1):
        yield f"{number}. {headline(found, *parts)}"
        yield f"   Remedy: {shown(found.remedy)}"


def markdown(findings: Iterable[Finding], *_parts: str) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield f"| {' | '.join(_COLUMNS.values())} |"
    yield "|---" * len(_COLUMNS) + "|"
    for found in findings:
        yield f"| {' | '.join(as_markdown(getattr(found, name)) for name in _COLUMNS)} |"


def html_rows(findings: Iterable[Finding], *_parts: str) -> Iterator[str]:
    """Yield the rows of a table in HTML, the heading first."""
    yield f"<tr>{''.join(f'<th>{title}</th>' for title in _COLUMNS.values())}</tr>"
    for found in findings:
        code, *texts = (html.escape(shown(getattr(found, name))) for name in _COLUMNS)
        yield f"<tr><td><code>{code}</code></td>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"
