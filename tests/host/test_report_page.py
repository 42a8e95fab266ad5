# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's page in a real browser: it opens from a file, shows its pictures, and makes no request."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests import reports
from tests.host.packages import program

pytestmark = pytest.mark.needs("chromium")
# The browser makes requests of its own, which do not come from the page.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
# It asks its vendor for the time, for models and for accounts, independently of the page.
MAKER = (".google.com", ".googleapis.com", ".gvt1.com")
# The tests run as root, where the browser's own sandbox does not work, and in a namespace without a network.
HEADLESS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage")


class Visit(NamedTuple):
    """What came of opening a page."""

    document: str
    console: list[str]
    requests: list[str]


def browser(folder: Path, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page in a browser that has never been used."""
    command = [program("chromium"), *HEADLESS, *QUIET, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def visit(folder: Path, text: str) -> Visit:
    """Open a page with this text and return what it became, what it said and what it asked for."""
    page, log = folder / "report.html", folder / "net.json"
    page.write_text(text, encoding="utf-8")
    options = ("--enable-logging=stderr", f"--log-net-log={log}", "--virtual-time-budget=3000", "--dump-dom")
    done = browser(folder, page, *options)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Visit(done.stdout, console, requests(log))


def requests(log: Path) -> list[str]:
    """Return what the browser asked the network for, by its own log, but what it asks its maker."""
    urls = re.findall(r'"url":"([^"]+)"', log.read_text(encoding="utf-8"))
    remote = {url for url in urls if url.startswith(("http:", "https:", "ws:", "wss:"))}
    return sorted(url for url in remote if not f".{urlsplit(url).hostname}".endswith(MAKER))


def test_the_page_shows_its_pictures_and_neither_complains_nor_asks(
    tmp_path: Path, note: Callable[[str], None]
) -> None:
    seen = visit(tmp_path, reports.rendered("html", reports.report()))

    assert seen.document.count("<svg") == 4
    assert (seen.console, seen.requests) == ([], [])
    version = subprocess.run([program("chromium"), "--version"], capture_output=True, text=True, timeout=30, check=True)
    note(f"report's page: opened by {version.stdout.strip()}")


def test_a_page_that_complains_and_asks_would_be_found_out(tmp_path: Path) -> None:
    seen = visit(tmp_path, '<img src="http://192.0.2.1/x.png"><script>console.error("lost")</script>')

    assert len(seen.console) == 1
    assert seen.requests == ["http://192.0.2.1/x.png"]


# Written by the page itself, because only the browser knows how wide things became.
MEASURE = """<script>addEventListener("load", () => { const page = document.documentElement
const letters = [...document.querySelectorAll("svg text")].map(text => text.getBoundingClientRect().height)
parent.postMessage({ wide: page.scrollWidth, seen: page.clientWidth, letter: Math.min(...letters),
paper: getComputedStyle(document.body).backgroundColor }, "*") })</script>"""
# A headless window cannot be as narrow as a phone; a frame can.
PHONE = """<script>addEventListener("message", event => { document.title = JSON.stringify(event.data) })</script>
<iframe src="report.html" width="390" height="844" style="border:0"></iframe>"""


@pytest.mark.parametrize(
    ("options", "paper"),
    [
        pytest.param((), "rgb(255, 255, 255)", id="light"),
        pytest.param(("--force-dark-mode",), "rgb(15, 19, 24)", id="dark"),
    ],
)
def test_a_phone_shows_it_without_scrolling_sideways(tmp_path: Path, options: tuple[str, ...], paper: str) -> None:
    (tmp_path / "report.html").write_text(reports.rendered("html", reports.report()) + MEASURE, encoding="utf-8")
    phone = tmp_path / "phone.html"
    phone.write_text(PHONE, encoding="utf-8")

    shown = browser(tmp_path, phone, "--virtual-time-budget=3000", *options, "--dump-dom").stdout

    measured = json.loads(html.unescape(shown.partition("<title>")[2].partition("</title>")[0]))
    assert measured["wide"] <= measured["seen"] == 390
    assert measured["letter"] >= 12
    assert measured["paper"] == paper
