# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Terminal commands and markup in a tag of another owner are shown as text, on the screen and in every file."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._text import received
from tests import hostile, reports
from tests.lab.labs import Lab
from tests.playbooks.runs import Run, play

NAME = "talos-arm64-lab-bastion"
SHOWN = received(hostile.OF_XML)
HERE = "@TEXT@"


@pytest.fixture(scope="module")
def stranger(lab: Lab) -> str:
    """Give the id of another owner's launch template with a name that the cluster would use."""
    tags = {"Project": hostile.OF_XML, "Name": "theirs"}
    answer = lab.client("ec2").create_launch_template(
        LaunchTemplateName=NAME,
        LaunchTemplateData={"InstanceType": "t4g.nano"},
        TagSpecifications=[
            {"ResourceType": "launch-template", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    )
    identity: str = answer["LaunchTemplate"]["LaunchTemplateId"]
    return identity


@pytest.fixture(scope="module")
def reported(lab: Lab, stranger: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """Give the run of a playbook whose report contains the tag in every possible place, and its files."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "report.json").write_text(json.dumps(reports.report_that_says(HERE)), encoding="utf-8")
    text = "{{ __cluster_info.problems[0].message }}"
    tasks = [
        {"ansible.builtin.include_role": {"name": "urmanac.talos.cluster", "tasks_from": "read.yml"}},
        {
            "ansible.builtin.include_role": {"name": "urmanac.talos.report", "tasks_from": "write.yml"},
            "vars": {
                "__quoted": text.replace("}}", "| to_json }}"),
                "__report_data": "{{ lookup('ansible.builtin.file', folder ~ '/report.json')"
                f" | replace('{HERE}', __quoted[1:-1]) | from_json }}}}",
                "report_directory": str(folder),
            },
        },
        {"ansible.builtin.fail": {"msg": text}},
    ]
    play_of = {"hosts": "localhost", "gather_facts": False, "vars": {"cluster_described": "{{ cluster_spec }}"}}
    roles = [{"role": "urmanac.talos.cluster"}]
    playbook = folder / "report.yml"
    playbook.write_text(yaml.safe_dump([{**play_of, "roles": roles, "tasks": tasks}]), encoding="utf-8")
    return play(lab, str(playbook), "-e", f"folder={folder}"), folder


def test_a_refusal_names_the_owner_and_commands_nothing(lab: Lab, stranger: str) -> None:
    run = play(lab, "playbooks/site.yml")

    assert run.code != 0
    assert stranger in run.output
    assert SHOWN in run.output
    assert hostile.hidden(run.output) == set()


def test_the_screen_shows_the_tag_in_the_report_and_in_a_failure(reported: tuple[Run, Path]) -> None:
    run, _folder = reported

    assert "FAILED!" in run.output
    assert run.output.count(SHOWN) > 5
    assert hostile.hidden(run.output) == set()


@pytest.mark.parametrize("name", ["txt", "md", "html", "xml", "json"])
def test_no_file_of_the_report_holds_what_cannot_be_seen(reported: tuple[Run, Path], name: str) -> None:
    text = (reported[1] / f"report.{name}").read_text(encoding="utf-8")

    assert "exe.jpg" in text
    assert hostile.hidden(text) == set()


def test_the_files_of_the_report_have_no_markup_of_the_tag(reported: tuple[Run, Path]) -> None:
    folder, harmless = reported[1], reports.report_that_says("moon")

    markdown = (folder / "report.md").read_text(encoding="utf-8")
    page = (folder / "report.html").read_text(encoding="utf-8")
    cases = ET.parse(folder / "report.xml").findall("testsuite/testcase")  # noqa: S314  written by ourselves

    assert reports.structure(markdown) == reports.structure(reports.rendered("md", harmless))
    assert page.count("<script") == 0
    assert page.count("&lt;script&gt;") > 5
    assert len(cases) == len(harmless["results"])
