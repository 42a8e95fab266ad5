# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of an acceptance run: one file, a summary at its top and the record of all calls below."""

from __future__ import annotations

import gzip
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.aws.redaction import Redactor, numbered, restored, vocabulary
from tests.aws.steps import Step

FORMAT = "urmanac.talos-acceptance/1"
_READS = ("Describe", "Get", "List")


def report(
    lines: Iterable[str], steps: Sequence[Step], *, key: bytes, where: Mapping[str, str], trim: bool = True
) -> dict[str, Any]:
    """Return the report; lines are what the recorder wrote."""
    redactor = Redactor(key)
    calls = [json.loads(line) for line in lines]
    words = vocabulary(calls, redactor)
    record = [{**call, "answer": restored(call["answer"], words)} for call in calls]
    kept = list(distinct(record)) if trim else record
    persons = restored([list(step) for step in steps], {})
    reported = [{"name": name, "outcome": redactor.scrub(outcome), "seconds": took} for name, outcome, took in persons]
    head = {"format": FORMAT, **where, "versions": versions()}
    summary = [*text(head, reported), f"{len(calls)} calls, {len(kept)} of them not a repetition"]
    return {"summary": summary, **head, "steps": reported, "record": numbered(kept)}


def distinct(calls: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Yield calls without readings that were made before, with the same answer, since the last change."""
    seen: set[str] = set()
    for call in calls:
        mark = json.dumps(call, sort_keys=True)
        if not call["operation"].startswith(_READS):
            seen.clear()
        elif mark in seen:
            continue
        seen.add(mark)
        yield call


def versions() -> dict[str, str]:
    """Return the versions of what took part."""
    packages = ("ansible-core", "boto3", "botocore")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in packages}


def text(head: Mapping[str, Any], steps: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the summary that a person reads."""
    lines = [f"{step['seconds']:7.1f} s  {step['name']}: {step['outcome']}" for step in steps]
    return [f"Acceptance run on {head['on']}, {head['region']}, {head['date']}", *lines, f"{head['versions']}"]


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a report, compressed, readable by its owner alone."""
    path.touch(mode=0o600)
    path.write_bytes(gzip.compress(json.dumps(content, indent=0).encode(), mtime=0))


def read(path: Path) -> dict[str, Any]:
    """Return a written report; fail if the file is not a report."""
    content: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    if content.get("format") != FORMAT:
        raise ValueError(f"{path} is not a report of `make test-aws` in the format {FORMAT}")
    return content
