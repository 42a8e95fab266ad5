# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The profile for people: as text, as a page, as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

from bench.profile.table import PARTS, Row, longest, phases, total

Runs = Mapping[str, Sequence[Row]]

HEAD = ("", "seconds", "CPU", "tasks", "skipped", "processes", *PARTS)
MEANING = """\
* `ansible`: everything else: Ansible itself, and what the plugins and modules compute that run in its own process
* `start`: from the birth of a module's process until Python runs its first line
* `imports`: importing libraries, ours included
* `network`: exchanging data with a server, or waiting for its answer
* `waiting`: pauses between two questions
* `computing`: what else the modules do that have a process of their own

CPU is that of Ansible and of the modules; the servers of the lab, which share the same processors, are not in it.
"""
LONGEST = 15
COLOURS = dict(zip(PARTS, ("#4c6ef5", "#f59f00", "#e8590c", "#12b886", "#ced4da", "#be4bdb"), strict=True))


def cells(row: Row) -> list[str]:
    """Return a row's cells, in the order of HEAD."""
    counts = (f"{count}" for count in (row.tasks, row.skipped, row.processes))
    return [row.name, f"{row.spent.wall:.1f}", f"{row.cpu:.1f}", *counts, *(f"{part:.1f}" for part in row.spent)]


def text(runs: Runs) -> str:
    """Return everything as tables for a terminal."""
    return "\n".join(line for name, found in runs.items() for line in text_of(name, found))


def text_of(name: str, found: Sequence[Row]) -> Iterator[str]:
    """Yield the two tables of a run."""
    yield f"\n{name}"
    yield from aligned([HEAD, *map(cells, [*phases(found), total("all", found)])])
    yield f"\n{name}, the {LONGEST} longest tasks"
    yield from aligned([HEAD, *map(cells, longest(found, LONGEST))])


def aligned(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *others in table:
        rest = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *rest]).rstrip()


def markdown(runs: Runs, where: str) -> str:
    """Return the page for docs/."""
    parts = [
        "# Where the time of a run goes\n",
        f"Made by `make profile` ({where}), in a lab with CozyStack. Wall seconds, split into parts:\n",
        MEANING,
        "![Seconds per phase](profile.svg)\n",
    ]
    for name, found in runs.items():
        parts += [f"## {name.capitalize()}\n", *table([*phases(found), total("all", found)])]
        parts += [f"The {LONGEST} longest tasks:\n", *table(longest(found, LONGEST))]
    return "\n".join(parts)


def table(found: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|:--|{'--:|' * (len(HEAD) - 1)}"
    yield from (f"| {' | '.join(cell.replace('|', '/') for cell in cells(row))} |" for row in found)
    yield ""


ROW, LEFT, WIDTH = 22, 330, 900
STYLE = "text{font:13px sans-serif;fill:#212529}svg{background:#fff}.run{font-weight:bold}"


def picture(runs: Runs) -> str:
    """Return a bar per phase of each run, as a picture of its own in SVG."""
    bars = [(name, row) for name, found in runs.items() for row in (total(name, found), *phases(found))]
    height = ROW * (len(bars) + 3)
    size = {"viewBox": f"0 0 {WIDTH} {height}", "role": "img"}
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size})
    ET.SubElement(root, "title").text = "Seconds per phase, and the parts of each"
    ET.SubElement(root, "style").text = STYLE
    for at, part in enumerate(PARTS):
        box(root, LEFT + at * 95, 6, 12, COLOURS[part])
        label(root, LEFT + at * 95 + 17, 17, part)
    scale = (WIDTH - LEFT - 60) / max((row.spent.wall for _name, row in bars), default=1)
    for at, (name, row) in enumerate(bars):
        bar(root, ROW * (at + 2), row, scale, "run" if row.name == name else "")
    return ET.tostring(root, encoding="unicode") + "\n"


def bar(root: ET.Element, y: float, row: Row, scale: float, style: str) -> None:
    """Draw the bar of one row."""
    label(root, LEFT - 10, y + 12, row.name, anchor="end", style=style)
    x = float(LEFT)
    for part, seconds in zip(PARTS, row.spent, strict=True):
        box(root, x, y, seconds * scale, COLOURS[part])
        x += seconds * scale
    label(root, x + 6, y + 12, f"{row.spent.wall:.1f}", style=style)


def box(root: ET.Element, x: float, y: float, width: float, colour: str) -> None:
    """Draw a rectangle."""
    place = {"x": f"{x:.1f}", "y": f"{y:g}", "width": f"{width:.1f}", "height": "14"}
    ET.SubElement(root, "rect", {**place, "fill": colour})


def label(root: ET.Element, x: float, y: float, words: str, *, anchor: str = "start", style: str = "") -> None:
    """Write words."""
    place = {"x": f"{x:.1f}", "y": f"{y:g}", "text-anchor": anchor}
    ET.SubElement(root, "text", {**place, **({"class": style} if style else {})}).text = words
