# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a container's log that name the cause, without secrets. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from ..._text import shortened, shown

# How many lines a finding shows.
_SHOWN: Final = 3
_LONGEST: Final = 240
_HIDDEN: Final = "(redacted)"
_COLOUR: Final = re.compile(r"(?:\x1b|\\x1b)\[[0-9;]*m")
_NAME = r"(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|auth(?:key)?)"
_SECRETS: Final = (
    re.compile(r"(?P<kept>-----BEGIN [A-Z0-9 ]+-----).*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.S),
    # The end of a key whose beginning is not among the lines that were read.
    re.compile(r"(?P<kept>)(?:^[ \t]*[A-Za-z0-9+/=]+\s*\n){1,100}\s*-----END [A-Z0-9 ]+-----", re.M),
    re.compile(r"(?i)(?P<kept>\b(?:bearer|basic)\s+)[\w.+/=-]{8,}"),
    re.compile(rf"(?i)(?P<kept>{_NAME}[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)"),
    re.compile(r"(?P<kept>://[^\s/:@]*:)[^\s/@]+(?=@)"),
    re.compile(r"(?P<kept>)\beyJ[\w-]{10,}\.[\w.-]+"),
    re.compile(r"(?P<kept>)(?<![\w+/=-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Z])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w+/=])"),
)

# Programs write stack traces and usage texts after the cause, so that these are the last lines.
_STACKTRACE: Final = re.compile(r',?\s*"(?:stacktrace|stack)":\s*"(?:[^"\\]|\\.)*"')
_FILE: Final = re.compile(r"^\S+\.(?:go|s|c|cc|rs):\d+(?: \+0x[0-9a-f]+)?$")
_FRAME: Final = re.compile(
    # Of Go, Java and Node.js, Python, and Rust.
    r"^(?:goroutine \d+\b.*\]:$|\[signal SIG|exit status \d|at \S+ ?\(|at \S+:\d+|\.\.\. \d+ (?:more|common)"
    r"|Traceback \(|[\^~ ]+$|note: run with `RUST_BACKTRACE)"
)
_PYTHON_FILE: Final = re.compile(r'^File ".+", line \d+')
_USAGE: Final = re.compile(
    r"^(?:(?:global |persistent )?(?:flags|options|arguments)|(?:available )?(?:sub)?commands|aliases|examples?)"
    r":?$|^usage(?: of [^:]+)?:|^Use \".*\" for more information",
    re.I,
)
_FATAL: Final = re.compile(
    r"^panic: |^fatal error: |\bpanicked at\b|\bFATAL\b|^F\d{4} |[\"']?level[\"']?\s*[:=]\s*[\"']?(?:fatal|panic)", re.I
)
_ERROR: Final = re.compile(
    r"error|exception|\bE\d{4} |\berr=|fail(?:ed|ure|s)\b|\bpanic\b|caused by|cannot|can't|could not|couldn't|unable"
    r"|denied|forbidden|refused|unauthorized|no such|not found|time(?:d )?out|deadline|\blost\b|invalid|missing",
    re.I,
)


def cause_lines(log: str, *, longest: int = _LONGEST) -> tuple[str, ...]:
    """Return the few lines of a log that name the cause, in their order, without text that looks like a secret.

    These are the last fatal line, the last line, and the last lines about errors. Without any they are the last lines.
    """
    raw = [line for line in _without_secrets(log).splitlines() if line.strip()]
    lines = list(_meant(raw)) or raw
    errors = [number for number, line in enumerate(lines) if _ERROR.search(line) or _FATAL.search(line)]
    if not errors:
        return tuple(plain(line, longest) for line in lines[-_SHOWN:])
    fatal = [number for number in errors if _FATAL.search(lines[number])]
    wanted = dict.fromkeys([*fatal[-1:], len(lines) - 1, *reversed(errors)])
    return tuple(plain(lines[number], longest) for number in sorted(list(wanted)[:_SHOWN]))


def _without_secrets(log: str) -> str:
    plain = _COLOUR.sub("", log)
    for pattern in _SECRETS:
        plain = pattern.sub(lambda match: f"{match['kept']}{_HIDDEN}", plain)
    return shown(plain)


def plain(line: str, longest: int) -> str:
    """Return a line without its indentation, shortened in its middle: errors end with the cause."""
    return shortened(" ".join(line.split()), len, longest)


def _meant(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines that are neither part of a stack trace nor of a usage text."""
    is_usage = is_python = False
    for line, after in zip_longest(lines, lines[1:], fillvalue=""):
        text = line.strip()
        is_usage = bool(_USAGE.search(text)) or (is_usage and line[0].isspace())
        is_frame = bool(_FRAME.search(text) or _FILE.search(text) or _FILE.search(after.strip()))
        is_code, is_python = is_python, bool(_PYTHON_FILE.search(text))
        if not (is_usage or is_frame or is_python or is_code):
            yield _STACKTRACE.sub("", text)
