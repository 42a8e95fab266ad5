# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The causes in the logs of containers that ended without a message. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from .faults import Fault
from .log_words import cause_lines
from .pod_tally import PodTally
from .pod_troubles import EXEC_FORMAT, ImageTrouble
from .reader import Reader
from .releases import DATABASE_FULL, OVERLOADED, cause_of

_LOGS: Final = 12
# Stack traces and usage texts follow the cause.
_LINES: Final = 100
# The answer of a kubelet for a log that does not exist any more, with the status of success.
_GONE: Final = re.compile(r"unable to retrieve container logs for ")
# How near its end a log contains the words of a program that could not be executed; further up it may quote others.
_EXEC_LINES: Final = 10
_UNEXECUTABLE: Final = 255
# The end of a controller whose lease the API server did not renew in time.
_LEASE_LOST: Final = re.compile(r"leader ?election lost|failed to renew lease")

# A container of all pods of an owner: replicas fail for the same reason, other containers of the image do not.
Program = tuple[str, str, str]


class Log(NamedTuple):
    """What the log of a program says: the cause, the words of another architecture, and why its lease was lost."""

    lines: tuple[str, ...] = ()
    exec_words: str = ""
    lost_by: str = ""


def add_logs(reader: Reader, pods: PodTally, waiting: Collection[str]) -> None:
    """Add the cause from the most important logs, one per owner and container."""
    silent = [one for one in pods.faults if one.needs_log]
    logs = dict(islice(_logs(reader, _ordered(silent, waiting)), _LOGS))
    foreign = {one.image: log.exec_words for one in silent if (log := logs.get(_program(one))) and log.exec_words}
    pods.faults = list(_with_logs(pods, logs, foreign))


def _program(fault: Fault) -> Program:
    return fault.place.namespace, fault.place.owner or fault.place.pod, fault.container


def _ordered(silent: Iterable[Fault], waiting: Collection[str]) -> list[Fault]:
    """Return the first pod of each program, the most important first, and one of each image before the others."""
    programs: dict[Program, Fault] = {}
    images: dict[str, Program] = {}
    for fault in silent:
        programs.setdefault(_program(fault), fault)
        images.setdefault(fault.image, _program(fault))

    def order(fault: Fault) -> tuple[bool, bool, bool]:
        is_first = images[fault.image] == _program(fault)
        return fault.exit_code != _UNEXECUTABLE, fault.place.namespace not in waiting, not is_first

    return sorted(programs.values(), key=order)


def _logs(reader: Reader, programs: Iterable[Fault]) -> Iterator[tuple[Program, Log]]:
    """Yield the logs, one by one; an image of another architecture needs no second one."""
    foreign = set()
    for fault in programs:
        if fault.image not in foreign or fault.exit_code != _UNEXECUTABLE:
            log = _log_of(reader, fault)
            if log.exec_words:
                foreign.add(fault.image)
            yield _program(fault), log


def _log_of(reader: Reader, fault: Fault) -> Log:
    where = (fault.place.namespace, fault.place.pod, fault.container)
    text = reader.try_to(lambda: reader.api.log(*where, previous=fault.previous, lines=_LINES), "")
    if _GONE.match(text):
        return Log()
    return Log(cause_lines(text), _exec_words(text), _lost_by(text))


def _lost_by(log: str) -> str:
    """Return the code of the reason why a controller has lost its lease, empty if it has not."""
    if not _LEASE_LOST.search(log):
        return ""
    return DATABASE_FULL if cause_of(log) == DATABASE_FULL else OVERLOADED


def _exec_words(log: str) -> str:
    """Return the line at the end of a log that says that a program is of another architecture, if there is one."""
    lines = [line for line in log.splitlines() if line.strip()][-_EXEC_LINES:]
    return next((" / ".join(cause_lines(line)) for line in lines if EXEC_FORMAT.search(line)), "")


def _with_logs(pods: PodTally, logs: Mapping[Program, Log], foreign: Mapping[str, str]) -> Iterator[Fault]:
    """Yield the faults with their logs; those of an image of another architecture are counted as image problems."""
    for fault in pods.faults:
        if not fault.needs_log:
            yield fault
            continue
        log = logs.get(_program(fault), Log())
        # Without a log of its own, a container has the problem of the other containers of its image.
        words = log.exec_words if log.lines else foreign.get(fault.image, "")
        if words:
            pods.add_image(ImageTrouble(fault.image, "exec_format", words, fault.place))
        else:
            yield fault._replace(log=log.lines, code=log.lost_by or fault.code)
