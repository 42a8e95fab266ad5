# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the report. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ...module_utils._ec2.cost.prices import HOURS_A_MONTH
from ...module_utils._text import counted
from .drawing import BAR_HEIGHT, MARGIN, WIDTH, Bar, Drawing

Record = Mapping[str, Any]

_NODE_HEIGHT = 62


def pictures(report: Record) -> dict[str, str]:
    """Return the pictures that have data, as SVG by name."""
    drawn = {"topology": topology(report)}
    if report["capacity"]:
        drawn["capacity"] = capacity(report["capacity"])
    if len(report["history"]) > 1:
        drawn["releases"] = releases(report["history"])
    if report["costs"] and report["costs"]["items"]:
        drawn["costs"] = costs(report["costs"])
    return drawn


def topology(report: Record) -> str:
    """Draw bastion and nodes with addresses, and the allowed access."""
    nodes, bastion = report["nodes"], report["bastion"]
    top = 104
    height = top + 54 + (len(nodes) + 1) * (_NODE_HEIGHT + 10)
    picture = Drawing(
        "Topology",
        f"A bastion and {counted(len(nodes), 'node')} in {report['vpc']['subnet']}",
        height,
    )
    draw_outside(picture, report)
    picture.box(4, top, WIDTH - 8, height - top - 4, "area")
    picture.text(MARGIN, top + 20, f"VPC {report['vpc']['ipv4']}, {report['region']}", "strong")
    picture.text(MARGIN, top + 38, f"subnet {report['vpc']['subnet']}", "small")
    y = top + 50
    draw_machine(
        picture, y, "bastion", bastion, f"egress and caches, {bastion['state']}", bastion["state"] == "present"
    )
    for node in nodes:
        y += _NODE_HEIGHT + 10
        picture.line([(28, y - 10), (28, y)], "route")
        kind = f"{node['machine_type']}, {node['instance_type']}, {node['stage'] or 'no answer'}"
        draw_machine(picture, y, node["name"], node, kind, bool(node["stage"]))
    return picture.svg()


def draw_outside(picture: Drawing, report: Record) -> None:
    """Draw the internet, home, and the access from there."""
    access: Record = report["access"] or {}
    home = access.get("home") or []
    closed = "closed" if report["access"] else "not checked"
    count = len(access.get("deviations") or ())
    outside = counted(count, "deviation") if count else closed
    picture.box(MARGIN, 8, 150, 34, "box")
    picture.text(MARGIN + 75, 30, "the internet", anchor="middle")
    picture.box(WIDTH - MARGIN - 150, 8, 150, 34, "box")
    picture.text(WIDTH - MARGIN - 75, 30, "home", anchor="middle")
    picture.line([(MARGIN + 75, 42), (MARGIN + 75, 66)], "closed")
    picture.text(MARGIN + 75, 84, outside, "small", anchor="middle")
    end = 104 if home else 66
    picture.line([(WIDTH - MARGIN - 75, 42), (WIDTH - MARGIN - 75, end)], "route" if home else "closed")
    ports = f"{counted(len(home), 'port')} open" if home else closed
    picture.text(WIDTH - MARGIN - (85 if home else 75), 84, ports, "small", anchor="end" if home else "middle")


def draw_machine(picture: Drawing, y: float, name: str, machine: Record, what: str, is_healthy: bool) -> None:
    """Draw one machine with its addresses."""
    picture.box(MARGIN, y, WIDTH - 2 * MARGIN, _NODE_HEIGHT, "box")
    picture.dot(MARGIN + 12, y + 14, "good" if is_healthy else "bad")
    picture.text(MARGIN + 22, y + 18, name, "strong")
    picture.text(WIDTH - MARGIN - 8, y + 18, machine["ipv4"], "address", anchor="end")
    picture.text(MARGIN + 22, y + 36, what, "small")
    picture.text(MARGIN + 22, y + 52, machine["ipv6"] or "no IPv6 address yet", "address")


def capacity(data: Record) -> str:
    """Draw the needed and available memory and CPU of each node."""
    rows = [*data["nodes"], data["total"]]
    parts = (("memory_mib", "memory", 1024, "GiB"), ("cpu_m", "processors", 1000, ""))
    height = 24 + len(rows) * 78
    reported = "; ".join(f"{row['name']}: {amounts(row['memory_mib'], 1024, 'GiB')}" for row in rows)
    picture = Drawing("Capacity required and available", reported, height)
    # A node and the total have different scales, so that a node stays visible.
    for number, row in enumerate(rows):
        group = data["nodes"] if number < len(data["nodes"]) else [data["total"]]
        y = 18 + number * 78
        picture.text(MARGIN, y, row["name"], "strong")
        for line, (part, word, unit, name) in enumerate(parts):
            scale = max(max(one[part].values()) for one in group) or 1
            draw_amount(picture, y + 8 + line * 26, row[part], scale, f"{word} {amounts(row[part], unit, name)}")
    return picture.svg()


def draw_amount(picture: Drawing, y: float, pair: Record, scale: float, label: str) -> None:
    """Draw needed over available capacity, with the excess highlighted."""
    width = WIDTH - 2 * MARGIN
    needed, had = (pair[key] / scale * width for key in ("needed", "had"))
    picture.box(MARGIN, y, had, 9, "had")
    picture.box(MARGIN, y, min(needed, had), 9, "needed")
    if needed > had:
        picture.box(MARGIN + had, y, needed - had, 9, "over")
    picture.text(MARGIN, y + 20, label, "small")


def amounts(pair: Record, unit: int, name: str) -> str:
    """Return needed and available amounts as text."""
    needed, had = (f"{pair[key] / unit:.1f}" for key in ("needed", "had"))
    more = f", {(pair['needed'] - pair['had']) / unit:.1f} too little" if pair["needed"] > pair["had"] else ""
    return f"{needed} of {had}{f' {name}' if name else ''}{more}"


def releases(history: Sequence[Record]) -> str:
    """Draw the numbers of expected and ready releases over time."""
    times = [datetime.fromisoformat(item["time"]).timestamp() for item in history]
    span, most = (times[-1] - times[0]) or 1, max(max(item["expected"] or 0, item["ready"]) for item in history) or 1
    last = history[-1]
    reported = f"{last['ready']} of {last['expected'] or 'unknown'} after {span / 60:.0f} minutes"
    picture = Drawing("Releases over time", reported, 210)
    bottom, height, left, width = 170, 140, 34, WIDTH - 34 - MARGIN
    for count in sorted({0, most // 2, most}):
        y = bottom - count / most * height
        picture.line([(left, y), (left + width, y)], "grid")
        picture.text(left - 6, y + 4, str(count), "small", anchor="end")
    for key, style in (("expected", "expected"), ("ready", "ready")):
        known = [(at, item[key]) for at, item in zip(times, history, strict=True) if item[key] is not None]
        spots = [(left + (at - times[0]) / span * width, bottom - count / most * height) for at, count in known]
        picture.line(spots, style)
    picture.text(left, 190, "0", "small")
    picture.text(left + width, 190, f"{span / 60:.0f} min", "small", anchor="end")
    picture.text(left, 206, f"line: ready, {last['ready']}   dashes: expected, {last['expected'] or '?'}", "small")
    return picture.svg()


def costs(bill: Record) -> str:
    """Draw the monthly cost of each part at the current rate."""
    rows = [
        Bar(item["what"], f"${item['per_hour'] * HOURS_A_MONTH:.2f} a month", item["per_hour"])
        for item in bill["items"]
    ]
    reported = "; ".join(f"{row.text} {row.value}" for row in rows)
    picture = Drawing("Costs per month", reported, 30 + len(rows) * BAR_HEIGHT)
    picture.bars(rows)
    total = f"total ${bill['per_month']:.2f} a month, ${bill['per_hour']:.3f} an hour"
    picture.text(MARGIN, 22 + len(rows) * BAR_HEIGHT, total, "strong")
    return picture.svg()
