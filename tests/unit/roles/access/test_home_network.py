# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which home network the playbook add_home_access opens the cluster to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.checks.process import ROOT, TOOLS, capture

HOME = "2001:db8:1:2::/64"


def asked(folder: Path, given: dict[str, str]) -> tuple[int, str]:
    """Render the request of the playbook with these extra variables, and return the exit code and the output."""
    [play] = yaml.safe_load((ROOT / "playbooks" / "add_home_access.yml").read_text(encoding="utf-8"))
    [request] = [task["vars"] for task in play["tasks"] if "access_request" in task.get("vars", {})]
    printing = {"name": "Print it", "ansible.builtin.debug": {"msg": "{{ access_request | to_json }}"}, "vars": request}
    # As in the playbook, the defaults of the role are known.
    defaults = f"{ROOT}/roles/access/defaults/main.yml"
    tested = {
        "name": "Print",
        "hosts": "localhost",
        "gather_facts": False,
        "vars": play["vars"],
        "vars_files": [defaults],
        "tasks": [printing],
    }
    (folder / "play.json").write_text(json.dumps([tested]), encoding="utf-8")
    return capture([TOOLS / "ansible-playbook", folder / "play.json", "-e", json.dumps(given)])


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        pytest.param({"ipv6": "2001:db8:1:2::/64"}, "2001:db8:1:2::/64", id="ipv6"),
        pytest.param({"access_ipv6": "2001:db8:1:3::/64"}, "2001:db8:1:3::/64", id="the role's name"),
        pytest.param(
            {"ipv6": "2001:db8:1:2::/64", "access_ipv6": "2001:db8:1:3::/64"}, "2001:db8:1:2::/64", id="ipv6 first"
        ),
    ],
)
def test_the_home_network_is_given_by_either_name(tmp_path: Path, given: dict[str, str], opened: str) -> None:
    code, said = asked(tmp_path, given)

    assert code == 0, said
    assert f'\\"ipv6\\": \\"{opened}\\"' in said or f'"ipv6": "{opened}"' in said


@pytest.mark.parametrize("given", [pytest.param({}, id="none"), pytest.param({"ipv6": ""}, id="empty")])
def test_without_a_home_network_the_message_names_the_variable(tmp_path: Path, given: dict[str, str]) -> None:
    code, said = asked(tmp_path, given)

    assert code != 0
    assert "Set it to the home network: -e ipv6=2001:db8:1:2::/64" in said


@pytest.mark.parametrize(
    ("request_given", "expected"),
    [
        pytest.param(
            {"state": "expired"}, {"state": "expired", "ipv6": "", "expires": "", "replace": False}, id="less"
        ),
        pytest.param(None, {"state": "present", "ipv6": HOME, "expires": "8h", "replace": True}, id="none"),
    ],
)
def test_what_a_request_leaves_out_is_not_taken_from_the_file_of_the_user(
    tmp_path: Path, request_given: dict[str, str] | None, expected: dict[str, object]
) -> None:
    given = {"access_ipv6": HOME, "access_expires": "8h", "access_replace": True}
    comparing = {"name": "Compare it", "ansible.builtin.assert": {"that": "__access_asked == expected"}}
    files = [f"{ROOT}/roles/access/{folder}/main.yml" for folder in ("defaults", "vars")]
    known = {"expected": expected} | ({"access_request": request_given} if request_given else {})
    tested = {"name": "Compare", "hosts": "localhost", "gather_facts": False, "vars_files": files, "vars": known}
    (tmp_path / "play.json").write_text(json.dumps([{**tested, "tasks": [comparing]}]), encoding="utf-8")

    code, said = capture([TOOLS / "ansible-playbook", tmp_path / "play.json", "-e", json.dumps(given)])

    assert code == 0, said
