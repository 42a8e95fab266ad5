# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the profile makes of records, and what it records of a real process and a real run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench.environment import BIN, clean
from bench.profile import page
from bench.profile.__main__ import HERE
from bench.profile.table import PARTS, Row, Spent, longest, phases, rows, total, union

RECT = "{http://www.w3.org/2000/svg}rect"
NOTHING: dict[str, list[Any]] = {"imports": [], "network": [], "waiting": []}


def mark(at: float, *, cpu: float = 0, kind: str = "task", name: str = "a task", phase: str = "network") -> str:
    return json.dumps({"kind": kind, "at": at, "cpu": cpu, "name": name, "phase": phase})


def process(begin: float, end: float, *, kind: str = "process", **spent: list[tuple[float, float]]) -> str:
    record = {"kind": kind, "born": begin, "loaded": begin + 1, "ended": end, **NOTHING, **spent}
    return json.dumps(record if kind == "process" else {**record, "loaded": begin})


def test_the_parts_of_a_task_add_up_to_its_time() -> None:
    lines = [mark(0), process(2, 9, imports=[(3, 5)], network=[(6, 7)], waiting=[(7, 8)]), mark(10, cpu=4, kind="end")]

    (row,) = rows(lines)

    assert row.spent == Spent(ansible=3, start=1, imports=2, network=1, waiting=1, computing=2)
    assert (row.spent.wall, row.cpu, row.processes) == (10, 4, 1)


def test_what_processes_do_side_by_side_counts_once() -> None:
    lines = [mark(0), process(1, 9, network=[(3, 6)]), process(1, 9, network=[(4, 8)]), mark(10, kind="end")]

    (row,) = rows(lines)

    assert (row.spent.network, row.spent.wall, row.processes) == (5, 10, 2)


def test_a_process_belongs_to_the_task_in_which_it_began() -> None:
    lines = [mark(0, name="first"), process(1, 4), mark(5, name="second"), process(6, 8), mark(10, kind="end")]

    assert [(row.name, row.processes, row.spent.computing) for row in rows(lines)] == [
        ("first", 1, 2),
        ("second", 1, 1),
    ]


def test_what_a_worker_of_ansible_computes_is_ansibles_own_work() -> None:
    lines = [mark(0), process(2, 9, kind="worker", waiting=[(4, 6)]), mark(10, kind="end")]

    (row,) = rows(lines)

    assert (row.spent, row.processes) == (Spent(ansible=8, waiting=2), 0)


def test_a_skipped_task_is_counted() -> None:
    skip = json.dumps({"kind": "skipped", "at": 1, "cpu": 0})

    assert [row.skipped for row in rows([mark(0), skip, mark(2), mark(3, kind="end")])] == [1, 0]


def test_phases_are_the_sums_of_their_tasks_in_order() -> None:
    lines = [mark(0, phase="b"), mark(2, phase="a"), mark(3, phase="a"), mark(7, kind="end")]

    found = rows(lines)

    assert [(row.name, row.tasks, row.spent.wall) for row in phases(found)] == [("b", 1, 2), ("a", 2, 5)]
    assert total("all", found).spent.wall == 7
    assert [row.spent.wall for row in longest(found, 2)] == [4, 2]


def test_touching_intervals_become_one() -> None:
    assert union([(5, 6), (1, 3), (2, 4), (4, 5)]) == [(1, 6)]


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path / "records.jsonl"


def recorded(directory: Path, records: Path) -> dict[str, str]:
    environment = clean(directory, URMANAC_PROFILE=str(records))
    return {**environment, "PYTHONPATH": f"{HERE / 'recorder'}:{environment['PYTHONPATH']}"}


def test_a_process_records_its_imports_its_pauses_and_what_it_exchanges(tmp_path: Path, records: Path) -> None:
    program = """
import socket, time
time.sleep(0.2)
ours, theirs = socket.socketpair()
ours.sendall(b'x')
theirs.recv(1)
"""

    subprocess.run([sys.executable, "-c", program], env=recorded(tmp_path, records), check=True)

    (record,) = map(json.loads, records.read_text(encoding="utf-8").splitlines())
    seconds = {kind: sum(end - begin for begin, end in record[kind]) for kind in NOTHING}
    assert 0.2 <= seconds["waiting"] < 5
    assert len(record["network"]) == 2
    assert 0 < seconds["imports"] < 5
    assert record["born"] <= record["loaded"] <= record["ended"]


def test_a_run_of_ansible_records_its_tasks_its_processes_and_what_its_workers_do(
    tmp_path: Path, records: Path
) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        """
- name: A phase
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Wait in the worker
      ansible.builtin.wait_for: {timeout: 1}
      when: false
    - name: Run a module in a process of its own
      ansible.builtin.stat: {path: /}
    - name: Pause in Ansible's own process
      ansible.builtin.pause: {seconds: 1}
"""
    )
    environment = {
        **recorded(tmp_path, records),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "profile_tasks_and_processes",
    }

    subprocess.run([BIN / "ansible-playbook", playbook], env=environment, check=True, capture_output=True)

    with records.open(encoding="utf-8") as lines:
        found = {row.name: row for row in rows(lines)}
    assert found["Wait in the worker"].skipped == 1
    assert found["Run a module in a process of its own"].processes == 1
    assert found["Run a module in a process of its own"].spent.imports > 0
    assert found["Pause in Ansible's own process"].spent.waiting >= 0.9
    assert {row.phase for row in found.values()} == {"A phase"}


def test_the_page_names_each_part_and_each_phase() -> None:
    found = [Row("a | b", "network", 1, 0, 2, 0.5, Spent(1, 2, 3, 4, 5, 6))]

    written = page.markdown({"build": found}, "2026-01-01, 2 processors")

    assert "| a / b | 21.0 | 0.5 | 1 | 0 | 2 | 1.0 | 2.0 | 3.0 | 4.0 | 5.0 | 6.0 |" in written
    assert all(f"`{part}`" in written for part in PARTS)
    assert "network" in page.text({"build": found})


def test_the_bars_of_the_picture_are_as_long_as_the_seconds() -> None:
    found = [Row("x", "network", 1, 0, 0, 0, Spent(ansible=3)), Row("y", "nodes", 1, 0, 0, 0, Spent(waiting=1))]

    drawn = page.picture({"build": found})

    boxes = [element.attrib for element in ET.fromstring(drawn).iter(RECT)]  # noqa: S314  we drew it
    legend, bars = boxes[: len(PARTS)], boxes[len(PARTS) :]
    assert [box["fill"] for box in legend] == list(page.COLOURS.values())
    widths = {part: [float(box["width"]) for box in bars if box["fill"] == page.COLOURS[part]] for part in PARTS}
    # The whole run, then a bar for each of the two phases.
    whole = widths["ansible"][0]
    assert widths["ansible"] == pytest.approx([whole, whole, 0])
    assert widths["waiting"] == pytest.approx([whole / 3, 0, whole / 3], abs=0.1)
