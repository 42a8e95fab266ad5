# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as JUnit XML, which build servers read. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from ...module_utils._text import shown

Record = Mapping[str, Any]


def junit(report: Record) -> str:
    """Return one test case per line of the results; expected results are not failures."""
    results, seconds = report["results"], sum(timing["seconds"] for timing in report["timings"])
    failures = sum(not result["expected"] for result in results)
    skipped = sum(result["outcome"] == "unknown" and result["expected"] for result in results)
    counts = {"tests": str(len(results)), "failures": str(failures), "errors": "0", "skipped": str(skipped)}
    counts["time"] = f"{seconds:.1f}"
    suites = ET.Element("testsuites", {"name": shown(report["title"]), **counts})
    more = {"name": shown(report["cluster"]), "timestamp": report["time"].partition("+")[0]}
    suite = ET.SubElement(suites, "testsuite", {**more, **counts})
    for result in results:
        add_case(suite, result, class_name=shown(f"urmanac.talos.{report['cluster']}"))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=False)


def add_case(suite: ET.Element, result: Record, *, class_name: str) -> None:
    """Add one test case."""
    case = ET.SubElement(suite, "testcase", name=shown(result["title"]), classname=class_name, time="0")
    text = shown("\n".join([result["message"], *result["details"]]))
    if not result["expected"]:
        ET.SubElement(case, "failure", message=shown(result["message"])).text = text
    elif result["outcome"] == "unknown":
        ET.SubElement(case, "skipped", message=shown(result["message"]))
    else:
        ET.SubElement(case, "system-out").text = text
