# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the sessions: that it has its pictures, loads nothing, and that nothing in it can break out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jinja2
import pytest

from ansible_collections.urmanac.talos.plugins.action.cluster_session_info import answer
from ansible_collections.urmanac.talos.plugins.filter.findings import findings
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.journal import Journal, read
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.record import Session, Trial
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.session_pictures import pictures
from tests import hostile
from tests.reports import ROLE, Page
from tests.sessions import at, build, phase, reset, sessions


def found_in(journal: Journal, *compare: str, power: float = 40) -> dict[str, Any]:
    """Return what the module returns of a journal."""
    asked = {"compare": list(compare), "home_lab_power_per_month": power, "per_hour": 0.155}
    return answer(journal, asked, at(48))


def page(found: dict[str, Any], name: str = "moon") -> tuple[Page, str]:
    """Return the page as Ansible's template module renders it."""
    folder = jinja2.FileSystemLoader(ROLE / "templates")
    environment = jinja2.Environment(loader=folder, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701
    environment.filters |= {"urmanac.talos.session_pictures": pictures, "urmanac.talos.findings": findings}
    cluster = {"name": name, "project": "talos-arm64", "region": "eu-west-1"}
    text = environment.get_template("sessions.html.j2").render(__report_sessions=found, report_cluster=cluster)
    return Page(text), text


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Give the journal of two sessions, the second of which is open."""
    build(tmp_path)
    reset(tmp_path, 2)
    build(tmp_path, 24)
    return read(tmp_path)


def test_the_page_has_its_pictures_and_loads_nothing(journal: Journal) -> None:
    parsed, text = page(found_in(journal, "1", "2"))

    assert parsed.tags.count("svg") == 3
    assert parsed.tags.count("table") == 2
    assert parsed.loads == ["data:,"]
    assert "url(" not in text
    assert "ARCH_UNSUPPORTED_IMAGES" in text


def test_each_picture_has_a_title_and_a_description_for_who_cannot_see_it(journal: Journal) -> None:
    for drawing in pictures(found_in(journal)).values():
        root = ET.fromstring(drawing)  # noqa: S314  our own text
        assert root.get("role") == "img"
        assert root.get("aria-label") == root.findtext("title")
        assert "$" in (root.findtext("desc") or "")


def test_every_cell_of_a_heading_says_what_it_is_the_heading_of(journal: Journal) -> None:
    _parsed, text = page(found_in(journal, "1", "2"))

    assert text.count("<th ") == text.count("<th scope=")


def test_an_empty_journal_has_a_page_without_pictures(tmp_path: Path) -> None:
    parsed, text = page(found_in(read(tmp_path)))

    assert "svg" not in parsed.tags
    assert "No session yet" in text


def test_a_session_without_a_known_price_has_no_bar(tmp_path: Path) -> None:
    phase(tmp_path, "network")
    found = answer(read(tmp_path), {"compare": [], "home_lab_power_per_month": 40, "per_hour": None}, at(1))

    assert page(found)[1].count("unknown") >= 1
    assert pictures(found) == {}


def test_hundreds_of_sessions_have_readable_pictures(journal: Journal) -> None:
    one = journal.sessions[0]
    many = tuple(replace(one, id=str(number)) for number in range(300))

    drawn = pictures(found_in(journal._replace(sessions=many)))

    assert drawn["costs"].count("<rect") == 12


def hostile_session(session: Session, text: str) -> Session:
    """Return the session with this text wherever a file has a place for one."""
    parts = tuple(replace(part, what=text, name=text, id=text) for part in session.parts)
    runs = tuple(replace(run, playbook=text, phase=text) for run in session.runs)
    tried = Trial({text: text}, {text: text}, (text,), text, text)
    session = replace(session, cluster=text, region=text, codes=(text,), results=((text, text),))
    return replace(session, parts=parts, runs=runs, tried=tried)


@pytest.mark.parametrize("text", [hostile.ALL, *hostile.EACH.values()], ids=["all", *hostile.EACH])
def test_texts_of_an_edited_file_are_shown_as_text(journal: Journal, text: str) -> None:
    first, second = sessions(journal.directory)
    edited = journal._replace(sessions=(hostile_session(first, text), hostile_session(second, text)))
    harmless = journal._replace(sessions=(hostile_session(first, "moon"), hostile_session(second, "moon")))

    parsed, shown = page(found_in(edited, "1", "2"), name="moon")
    expected, _text = page(found_in(harmless, "1", "2"))

    assert (parsed.tags, parsed.loads) == (expected.tags, expected.loads)
    assert hostile.hidden(shown) == set()
    assert hostile.hidden("\n".join(found_in(edited, "1", "2")["lines"])) == set()
