# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SVG drawing in the colours of its page. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

# The width of a narrow phone's page in CSS pixels, so that text keeps its size there.
WIDTH = 360
MARGIN = 16
BAR_HEIGHT = 40


class Bar(NamedTuple):
    """An amount with what it is of, and as text."""

    text: str
    value: str
    amount: float


class Drawing:
    """Shapes and texts on a sheet as wide as a phone, with a title and a description for screen readers."""

    def __init__(self, title: str, description: str, height: float) -> None:
        self._root = ET.Element("svg", {"viewBox": f"0 0 {WIDTH} {height:g}", "role": "img", "aria-label": title})
        ET.SubElement(self._root, "title").text = title
        ET.SubElement(self._root, "desc").text = description

    def box(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Draw a rectangle."""
        size = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{max(width, 0):.1f}", "height": f"{height:g}", "rx": "4"}
        ET.SubElement(self._root, "rect", {**size, "class": style})

    def line(self, points: Iterable[tuple[float, float]], style: str) -> None:
        """Draw a line through the points."""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        ET.SubElement(self._root, "polyline", {"points": joined, "class": style})

    def dot(self, x: float, y: float, style: str) -> None:
        """Draw a small disc."""
        ET.SubElement(self._root, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "4", "class": style})

    def text(self, x: float, y: float, text: str, style: str = "text", *, anchor: str = "start") -> None:
        """Write a text whose baseline is at y."""
        place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "class": style}
        ET.SubElement(self._root, "text", place).text = text

    def bars(self, rows: Sequence[Bar], style: str = "text") -> None:
        """Draw amounts below each other, on one scale; the style is that of their values."""
        most = max(row.amount for row in rows) or 1
        for number, row in enumerate(rows):
            y = 18 + number * BAR_HEIGHT
            self.text(MARGIN, y, row.text)
            self.text(WIDTH - MARGIN, y, row.value, style, anchor="end")
            self.box(MARGIN, y + 7, row.amount / most * (WIDTH - 2 * MARGIN), 9, "needed")

    def svg(self) -> str:
        """Return it as an element for a page."""
        return ET.tostring(self._root, encoding="unicode")
