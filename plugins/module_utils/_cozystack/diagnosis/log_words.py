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
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
_CAUSE = (
    r"(?:(?:unauthorized|forbidden|denied|invalid|expired|revoked|missing|required|empty|unset|unknown|not found|eof"
    r"|timeout|null|nil|none)(?=[\s,;.:]|$)"
    r"|(?:open|read|no|not|cannot|could|failed|failure|unable|error|unexpected|invalid|permission|access|connection"
    r"|context|timed|request|response|status|dial|lookup|rpc|tls|x509|http|secrets?|the (?:server|object|file)"
    r"|must|should|has|is|was)[ :](?=\s*\S)"
    r"|(?:get|post|put|patch|head|delete) \"https?:"
    r"|[\"']?[\w./-]+[\"']? (?:not found|does not exist|already exists|is (?:forbidden|invalid|missing|expired)))"
)
_SECRETS: Final = (
    re.compile(r"(?P<kept>-----BEGIN [A-Z0-9 ]+-----).*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.S),
    # The end of a key whose beginning is not among the lines that were read.
    re.compile(r"(?P<kept>)(?:^[ \t]*[A-Za-z0-9+/=]+\s*\n){1,100}\s*-----END [A-Z0-9 ]+-----", re.M),
    re.compile(
        r"(?i)(?P<kept>\b(?:bearer|basic)\s+)(?!(?:auth\w*|credentials?|realm|challenge|tokens?)\b)[\w.+/=-]{8,}"
    ),
    re.compile(rf"(?i)(?P<kept>{_NAME}(?:[\"']\s*[:=]|\s*=)\s*){_VALUE}"),
    # After a name without quotes and a colon, a program may also continue with the cause.
    re.compile(rf"(?i)(?P<kept>{_NAME}\s*:\s*)(?!{_CAUSE}){_VALUE}"),
    re.compile(r"(?P<kept>://[^\s/:@]*:)[^\s/@]+(?=@)"),
    re.compile(r"(?P<kept>)\beyJ[\w-]{10,}\.[\w.-]+"),
    re.compile(r"(?P<kept>)(?<![\w+/=-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Z])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w+/=])"),
)

# A part of the path of a file or of the API: text like a key has capitals and digits anywhere.
_PART: Final = re.compile(r"[a-z]*(?:[A-Z][a-z]+)*\d*|[a-z0-9_-]*")

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
    r"^panic: |^fatal error: |\bpanicked at\b|\bFATAL\b|^FATA\[|^F\d{4} "
    r"|[\"']?level[\"']?\s*[:=]\s*[\"']?(?:fatal|panic)",
    re.I,
)


def _level(letters: str, words: str, numbers: str) -> re.Pattern[str]:
    """Return the forms in which programs write a level: letters, words and numbers are its names."""
    forms = (
        # klog: E0102 03:04:05.000000
        rf"^[{letters}]\d{{4}} ",
        # logrus on a terminal: ERRO[0001]
        rf"^{words[:4].upper()}\[\d",
        # JSON and logfmt: "level":"error", "level":50, lvl=eror
        rf"(?i:\b(?:level|lvl|severity)[\"']?\s*[:=]\s*[\"']?(?:{words}|{numbers})\b)",
        # In brackets: [error]
        rf"\[(?i:{words})\]",
        # In capitals after the time and the name of the program: 2026-01-02 03:04:05 main ERROR
        rf"^(?:\S+\s+){{0,3}}\[?(?:{words.upper()})\b",
    )
    return re.compile("|".join(forms))


_SEVERE: Final = _level("E", "error|err|eror|critical|alert|severe", "50|60")
_WARNING: Final = _level("W", "warning|warn", "40")
_NOTE: Final = _level("ID", "info|debug|trace|notice|dbug", "10|20|30")
# An exception and its cause have no level of their own.
_EXCEPTION: Final = re.compile(r"caused by|exception", re.I)
# A field for errors that has none.
_NO_ERROR: Final = re.compile(
    r"\b(?:error|err|failed|failures?|errors|timeout)[\"']?\s*[:=]\s*(?:null|nil|<nil>|none|false|0|\"\"|\[\])(?![\w.])",
    re.I,
)
_ERROR: Final = re.compile(
    r"error|exception|\bE\d{4} |\berr=|fail(?:ed|ure|s)\b|\bpanic\b|caused by|cannot|can't|could not|couldn't|unable"
    r"|denied|forbidden|refused|unauthorized|no such|not found|time(?:d )?out|deadline|\blost\b|invalid|missing",
    re.I,
)


def cause_lines(log: str, *, longest: int = _LONGEST) -> tuple[str, ...]:
    """Return the few lines of a log that name the cause, in their order, without text that looks like a secret.

    These are the last fatal line, the last line, and the last errors by their level or words; notes and warnings count
    only without any. Without errors they are the last lines.
    """
    raw = [line for line in _without_secrets(log).splitlines() if line.strip()]
    lines = list(_meant(raw)) or raw
    return tuple(plain(lines[number], longest) for number in sorted(_wanted(lines)))


def _wanted(lines: Sequence[str]) -> list[int]:
    """Return the numbers of the lines to show."""
    weights = [_weight(line) for line in lines]
    heaviest = max(weights, default=0)
    if not heaviest:
        return list(range(len(lines)))[-_SHOWN:]
    # Lines without a level are as important as errors; warnings and notes explain an end only without one.
    errors = [number for number, weight in enumerate(weights) if weight >= min(heaviest, _UNLEVELLED)]
    fatal = [number for number in errors if weights[number] == _FATAL_WEIGHT]
    is_aside = heaviest > _NOTED and bool(_NOTE.search(lines[-1]) or _WARNING.search(lines[-1]))
    last = [] if is_aside else [len(lines) - 1]
    by_weight = sorted(reversed(errors), key=lambda number: -weights[number])
    return list(dict.fromkeys([*fatal[-1:], *last, *by_weight]))[:_SHOWN]


_NOTED, _WARNED, _UNLEVELLED, _SEVERE_WEIGHT, _FATAL_WEIGHT = 1, 2, 3, 4, 5


def _weight(line: str) -> int:
    """Return how likely a line names the cause, zero if it has no words of an error."""
    if _FATAL.search(line):
        return _FATAL_WEIGHT
    if _SEVERE.search(line):
        return _SEVERE_WEIGHT
    if not _ERROR.search(_NO_ERROR.sub("", line)):
        return 0
    if _NOTE.search(line):
        return _NOTED
    if _WARNING.search(line):
        return _WARNED
    return _SEVERE_WEIGHT if _EXCEPTION.search(line) else _UNLEVELLED


def _without_secrets(log: str) -> str:
    plain = _COLOUR.sub("", log)
    for pattern in _SECRETS:
        plain = pattern.sub(_hidden, plain)
    return shown(plain)


def _hidden(match: re.Match[str]) -> str:
    parts = match[0].split("/")
    is_path = len(parts) > 2 and all(map(_PART.fullmatch, parts))
    return match[0] if is_path else f"{match['kept']}{_HIDDEN}"


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
