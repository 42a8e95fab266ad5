# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the options with which ssh is called."""

from __future__ import annotations

import shlex

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.arguments import Route, ssh_arguments


def options(path: str, alias: str, *, route: Route | None = None) -> dict[str, str]:
    """Return the options as ssh gets them from a shell."""
    words = shlex.split(ssh_arguments(path, alias, route))
    assert words[::2] == ["-o"] * (len(words) // 2)
    return dict(word.split("=", 1) for word in words[1::2])


@pytest.mark.parametrize("route", [None, Route("eu-west-1", "i-0a")])
def test_the_host_key_is_always_checked_against_the_clusters_file_alone(route: Route | None) -> None:
    found = options("/moon/known_hosts", "moon-bastion", route=route)

    assert found["StrictHostKeyChecking"] == "yes"
    assert (found["UserKnownHostsFile"], found["GlobalKnownHostsFile"]) == ("/moon/known_hosts", "/dev/null")
    assert found["HostKeyAlias"] == "moon-bastion"


def test_a_path_with_spaces_stays_one_path() -> None:
    assert options("/my files/100%/known_hosts", "moon")["UserKnownHostsFile"] == '"/my files/100%%/known_hosts"'


def test_session_manager_leads_to_the_port_that_ssh_asks_for() -> None:
    command = options("/known_hosts", "moon", route=Route("eu-west-1", "i-0a"))["ProxyCommand"]

    words = shlex.split(command)
    assert words[:3] == ["aws", "ssm", "start-session"]
    assert words[words.index("--target") + 1] == "i-0a"
    assert words[words.index("--parameters") + 1] == "portNumber=%p"


def test_a_template_takes_all_options_of_the_filters() -> None:
    text = "{{ '/known_hosts' | urmanac.talos.bastion_ssh_arguments('moon', region='eu-west-1', instance_id='i-0a') }}"

    assert Templar(loader=DataLoader()).template(trust_as_template(text)) == ssh_arguments(
        "/known_hosts", "moon", Route("eu-west-1", "i-0a")
    )


def test_a_template_takes_all_facts_of_the_diagnosis() -> None:
    facts = "host='bastion', group='moon', region='eu-west-1', instances=['i-0a'], instances_wanted=none"
    text = f"{{{{ 'Connection refused' | urmanac.talos.bastion_diagnosis({facts}, known_hosts='/k', hours='') }}}}"

    assert "--instance-id i-0a" in Templar(loader=DataLoader()).template(trust_as_template(text))
