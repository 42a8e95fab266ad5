# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One session as data and as the JSON of its file. Private to urmanac.talos: may change at any time.

A file holds times and prices, and no sums, so its amounts cannot contradict each other. Its form is also described by
roles/report/files/session.schema.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

SCHEMA = 1
# The ends of a session: everything was deleted, or what costs most was stopped.
REMOVED, STOPPED = "removed", "stopped"
ENDS = (REMOVED, STOPPED)
# A run is the latter once it has written its report. Others are under way, were killed, have failed or had one phase.
UNFINISHED, REPORTED = "unfinished", "reported"
OUTCOMES = (UNFINISHED, REPORTED, *ENDS)
INSTANCE, VOLUME, ADDRESS = "instance", "volume", "address"
KINDS = (INSTANCE, VOLUME, ADDRESS)
_TIME = "%Y-%m-%dT%H:%M:%SZ"
# Limits for the values of a damaged file: a cluster has no times in other years, and floats overflow.
_YEARS = range(2020, 2101)
_DOLLARS_MAX = 1e9


class OtherVersion(Exception):
    """The file has the form of another version of the collection."""


@dataclass(frozen=True)
class Part:
    """Something that was billed: dollars an hour, None if not known, from its start until it was last seen."""

    kind: str
    name: str
    id: str
    what: str
    per_hour: float | None
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Run:
    """A run of a playbook: its last phase, and how it ended."""

    playbook: str
    began: datetime
    phase: str
    outcome: str = UNFINISHED


@dataclass(frozen=True)
class Trial:
    """The setup of a session: nodes by name, images by role, versions, and the outcome of CozyStack."""

    nodes: Mapping[str, str]
    images: Mapping[str, str]
    talos: tuple[str, ...] = ()
    cozystack: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Forecast:
    """The forecast of the last run, in dollars; None if a price was not known."""

    per_hour: float | None
    per_day: float | None
    per_month: float | None


@dataclass(frozen=True)
class Actual:
    """The costs according to Cost Explorer by day: the part of each day that belongs to this session."""

    days: Mapping[str, float]
    is_estimated: bool
    read: datetime

    @property
    def amount(self) -> float:
        """Return the costs of all days."""
        return sum(self.days.values())


@dataclass(frozen=True)
class Session:
    """The time from a build to the removal or the stop of the cluster."""

    id: str
    began: datetime
    cluster: str = ""
    region: str = ""
    lab: bool = False
    seen: datetime | None = None
    expires: datetime | None = None
    ended: datetime | None = None
    end: str = ""
    # When what a stopped cluster keeps was deleted.
    kept_until: datetime | None = None
    tried: Trial = Trial({}, {})
    forecast: Forecast | None = None
    results: tuple[tuple[str, str], ...] = ()
    codes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    runs: tuple[Run, ...] = ()
    actual: Actual | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the cluster was neither removed nor stopped since."""
        return self.ended is None


def whole(moment: datetime) -> datetime:
    """Return a time in UTC without fractions of a second, as files hold it."""
    return moment.astimezone(UTC).replace(microsecond=0)


def stamp(moment: datetime) -> str:
    """Return a time as text."""
    return moment.strftime(_TIME)


def identity(moment: datetime) -> str:
    """Return the id of a session that begins at a time; it is also a valid name of a file everywhere."""
    return stamp(moment).replace(":", "")


def dump(session: Session) -> str:
    """Return the content of the file of a session."""
    values = {"schema": SCHEMA, **asdict(session), "results": dict(session.results)}
    return json.dumps(values, indent=2, ensure_ascii=False, default=stamp) + "\n"


def parse(text: str, name: str) -> Session:
    """Return the session of a file with this name without its ending; raise ValueError if that is not its content."""
    values = json.loads(text)
    if not isinstance(values, Mapping):
        raise ValueError("it is not a JSON object")
    # True is 1 to Python, and not to the schema.
    if values.get("schema") != SCHEMA or values["schema"] is True:
        raise OtherVersion(f"its schema is {values.get('schema')!r}, and this version reads {SCHEMA}")
    session: Session = _SESSION({key: value for key, value in values.items() if key != "schema"})
    if session.id != name:
        raise ValueError(f"it is the session {session.id!r}, which is not the name of the file")
    _check_order(session)
    return session


def _check_order(session: Session) -> None:
    if (session.ended is None) != (not session.end):
        raise ValueError("ended and end do not fit")
    if session.ended and session.ended < session.began:
        raise ValueError("it ends before it begins")
    for part in session.parts:
        if part.until < part.since:
            raise ValueError(f"parts: {part.name} ends before it begins")


# --- What each value has to be: a function that returns it, or raises ValueError ---

Kind = Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    # JSON may hold half of a surrogate pair, which no file can.
    value.encode()
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _amount(value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # A comparison, because converting an integer of any length to a float may overflow.
    if not is_number or not 0 <= value <= _DOLLARS_MAX:
        raise ValueError(f"{value!r} is not an amount of dollars")
    return float(value)


def _time(value: Any) -> datetime:
    moment = datetime.strptime(_text(value), _TIME).replace(tzinfo=UTC)
    if moment.year not in _YEARS:
        raise ValueError(f"{value!r} is not in the years {_YEARS[0]} to {_YEARS[-1]}")
    return moment


def _day(value: Any) -> str:
    return date.fromisoformat(_text(value)).isoformat()


def _one_of(words: tuple[str, ...]) -> Kind:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(filter(None, words))}")
        return str(value)

    return read


def _maybe(kind: Kind) -> Kind:
    return lambda value: None if value is None else kind(value)


def _list_of(kind: Kind) -> Kind:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("it is not a list")
        return tuple(kind(item) for item in value)

    return read


def _map_of(kind: Kind, keys: Kind = _text) -> Kind:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValueError("it is not an object")
        return {keys(key): _at(str(key), kind, item) for key, item in value.items()}

    return read


def _object(make: Callable[..., Any], **kinds: Kind) -> Kind:
    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError("it is not an object")
        if wrong := sorted(str(key) for key in value.keys() ^ kinds.keys()):
            raise ValueError(f"its properties are not those of the schema: {', '.join(wrong)}")
        return make(**{name: _at(name, kind, value[name]) for name, kind in kinds.items()})

    return read


def _at(place: str, kind: Kind, value: Any) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


_PART = _object(
    Part,
    **dict.fromkeys(("name", "id", "what"), _text),
    **dict.fromkeys(("since", "until"), _time),
    kind=_one_of(KINDS),
    per_hour=_maybe(_amount),
)
_RUN = _object(Run, playbook=_text, began=_time, phase=_text, outcome=_one_of(OUTCOMES))
_TRIAL = _object(
    Trial,
    **dict.fromkeys(("nodes", "images"), _map_of(_text)),
    **dict.fromkeys(("cozystack", "outcome"), _text),
    talos=_list_of(_text),
)
_FORECAST = _object(Forecast, **dict.fromkeys(("per_hour", "per_day", "per_month"), _maybe(_amount)))
_ACTUAL = _object(Actual, days=_map_of(_amount, _day), is_estimated=_flag, read=_time)
_SESSION = _object(
    Session,
    **dict.fromkeys(("id", "cluster", "region"), _text),
    began=_time,
    lab=_flag,
    **dict.fromkeys(("seen", "expires", "ended", "kept_until"), _maybe(_time)),
    end=_one_of(("", *ENDS)),
    tried=_TRIAL,
    forecast=_maybe(_FORECAST),
    results=lambda value: tuple(_map_of(_text)(value).items()),
    codes=_list_of(_text),
    parts=_list_of(_PART),
    runs=_list_of(_RUN),
    actual=_maybe(_ACTUAL),
)
