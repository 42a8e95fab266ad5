# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the file of a session: what is written can be read, and what does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._sessions.record import (
    ENDS,
    KINDS,
    OUTCOMES,
    Actual,
    Forecast,
    OtherVersion,
    Part,
    Run,
    Session,
    Trial,
    dump,
    identity,
    parse,
)
from tests import hostile
from tests.reports import ROLE
from tests.sessions import build, reset

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROLE / "files" / "session.schema.json").read_text(encoding="utf-8"))
)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
times = st.integers(0, 10**8).map(lambda seconds: FIRST + timedelta(seconds=seconds))
# JSON has no half of a surrogate pair in UTF-8; texts are escaped before they are recorded.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from([hostile.MARKUP, "\x1b[2J"])
amounts = st.floats(0, 1e6, allow_nan=False)
spans = st.tuples(times, times).map(sorted)
parts = st.builds(
    lambda span, **more: Part(since=span[0], until=span[1], **more),
    spans,
    kind=st.sampled_from(KINDS),
    name=texts,
    id=texts,
    what=texts,
    per_hour=amounts | st.none(),
)
tried = st.builds(
    Trial,
    st.dictionaries(texts, texts, max_size=3),
    st.dictionaries(texts, texts, max_size=3),
    st.lists(texts, max_size=2).map(tuple),
    texts,
    texts,
)
days = st.dates().map(lambda day: day.isoformat())


@st.composite
def any_session(draw: Callable[..., Any]) -> Session:
    """Draw a session."""
    began, ended = draw(spans)
    end = draw(st.sampled_from(["", *ENDS]))
    return Session(
        identity(began),
        began,
        cluster=draw(texts),
        region=draw(texts),
        lab=draw(st.booleans()),
        seen=draw(st.none() | times),
        ended=ended if end else None,
        end=end,
        tried=draw(tried),
        forecast=draw(st.none() | st.builds(Forecast, amounts, amounts | st.none(), amounts)),
        results=tuple(draw(st.dictionaries(texts, texts, max_size=2)).items()),
        codes=tuple(draw(st.lists(texts, max_size=2))),
        parts=tuple(draw(st.lists(parts, max_size=3))),
        runs=tuple(draw(st.lists(st.builds(Run, texts, times, texts, st.sampled_from(OUTCOMES)), max_size=2))),
        actual=draw(st.none() | st.builds(Actual, st.dictionaries(days, amounts, max_size=2), st.booleans(), times)),
    )


@given(any_session())
def test_what_is_written_is_read_again_and_is_as_the_schema_says(session: Session) -> None:
    text = dump(session)

    assert parse(text, session.id) == session
    SCHEMA.validate(json.loads(text))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give the content of a file."""
    folder: Path = tmp_path_factory.mktemp("sessions")
    build(folder)
    reset(folder, 2)
    (file,) = folder.iterdir()
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of each value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@given(st.data())
def test_a_value_of_another_type_is_refused_or_has_the_same_meaning(written: dict[str, Any], data: Any) -> None:
    path = data.draw(st.sampled_from(places(written)[1:]))
    value = data.draw(st.sampled_from([None, True, -1, "x", [], {}, {"x": 1}, ["x"], float("nan"), "2026-13-01"]))
    changed = json.loads(json.dumps(written))
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    text = json.dumps(changed)

    try:
        session = parse(text, written["id"])
    except (ValueError, OtherVersion):
        return
    SCHEMA.validate(json.loads(dump(session)))
    SCHEMA.validate(changed)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"ended": None}, "ended and end do not fit", id="no end"),
        pytest.param({"end": ""}, "ended and end do not fit", id="no reason"),
        pytest.param({"ended": "2026-11-28T17:00:00Z"}, "ends before it begins", id="order"),
        pytest.param({"began": "2026-11-28 18:00"}, "began: ", id="time"),
        pytest.param({"id": "other"}, "not the name of the file", id="renamed"),
        pytest.param({"note": "x"}, "note", id="one more"),
        pytest.param({"codes": "x"}, "codes: it is not a list", id="text for a list"),
    ],
)
def test_an_edited_file_is_refused_with_the_place(written: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(json.dumps({**written, **changes}), written["id"])


def test_a_missing_value_is_named(written: dict[str, Any]) -> None:
    less = {key: value for key, value in written.items() if key != "parts"}

    with pytest.raises(ValueError, match="not those of the schema: parts"):
        parse(json.dumps(less), written["id"])


@pytest.mark.parametrize("schema", [2, True])
def test_another_version_is_not_a_broken_file(written: dict[str, Any], schema: Any) -> None:
    with pytest.raises(OtherVersion, match=f"its schema is {schema}, and this version reads 1"):
        parse(json.dumps({**written, "schema": schema}), written["id"])


def test_a_part_that_ends_before_it_begins_is_refused(written: dict[str, Any]) -> None:
    part = {**written["parts"][0], "until": "2026-11-28T17:00:00Z"}

    with pytest.raises(ValueError, match="ends before it begins"):
        parse(json.dumps({**written, "parts": [part]}), written["id"])
