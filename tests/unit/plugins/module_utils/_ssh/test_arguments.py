# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the options with which ssh is called."""

from __future__ import annotations

import re
import shlex

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.arguments import Jump, Login, Route, ssh_arguments


def options(path: str, alias: str, *, route: Route | Jump | None = None) -> dict[str, str]:
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


def test_the_key_to_log_in_with_is_named_and_no_other_of_an_agent_is_offered() -> None:
    words = shlex.split(ssh_arguments("/known_hosts", "moon", login=Login("/my keys/100%/moon")))

    assert words[-4:] == ["-o", 'IdentityFile="/my keys/100%%/moon"', "-o", "IdentitiesOnly=yes"]


def test_where_another_key_may_fit_those_of_an_agent_are_offered_too() -> None:
    assert ssh_arguments("", "moon", login=Login("/moon", other_keys=True)).endswith("-o IdentityFile=/moon")


def test_without_a_key_ssh_chooses() -> None:
    assert "Identit" not in ssh_arguments("/known_hosts", "moon")


def test_session_manager_leads_to_the_port_that_ssh_asks_for() -> None:
    command = options("/known_hosts", "moon", route=Route("eu-west-1", "i-0a"))["ProxyCommand"]

    words = shlex.split(command)
    assert words[:3] == ["aws", "ssm", "start-session"]
    assert words[words.index("--target") + 1] == "i-0a"
    assert words[words.index("--parameters") + 1] == "portNumber=%p"


def test_session_manager_is_asked_with_the_profile_that_is_given() -> None:
    words = shlex.split(options("/known_hosts", "moon", route=Route("eu-west-1", "i-0a", "my own"))["ProxyCommand"])

    assert words[words.index("--profile") + 1] == "my own"


def test_without_a_file_the_users_own_files_decide_and_the_key_is_still_checked() -> None:
    assert options("", "moon") == {"StrictHostKeyChecking": "yes"}
    assert set(options("", "moon", route=Route("eu-west-1", "i-0a"))) == {"StrictHostKeyChecking", "ProxyCommand"}


def test_a_jump_hands_the_tokens_to_the_ssh_that_they_are_for() -> None:
    outer = ssh_arguments("/my 100%/known_hosts", "talos-arm64-moon-bastion", Route("eu-west-1", "i-0a"))
    command = options("/known_hosts", "i-0b", route=Jump("2001:db8::100", "ec2-user", outer))["ProxyCommand"]

    # What ssh makes of the command before a shell gets it: https://man.openbsd.org/ssh_config#TOKENS
    tokens = {"%%": "%", "%h": "10.10.0.101", "%p": "22"}
    inner = shlex.split(re.sub("%.", lambda found: tokens[found[0]], command))

    assert inner[0] == "ssh"
    assert inner[-3:] == ["-W", "[10.10.0.101]:22", "ec2-user@2001:db8::100"]
    assert inner[1:-3] == shlex.split(outer)


def test_a_node_is_reached_over_the_bastion_of_the_inventory_and_both_keys_are_checked() -> None:
    bastion = {"ansible_host": "2001:db8::100", "ansible_user": "ec2-user", "ansible_ssh_private_key_file": "/my key"}
    text = "{{ '/known_hosts' | urmanac.talos.node_ssh_arguments('i-0b', bastion=bastion, identity_file='/moon') }}"

    found = Templar(loader=DataLoader(), variables={"bastion": bastion}).template(trust_as_template(text))

    first, _, ours = found.partition(" -o StrictHostKeyChecking=yes ")
    assert "HostKey" not in first
    assert "-o IdentityFile=/moon -o IdentitiesOnly=yes " in ours
    command = next(word for word in shlex.split(ours) if word.startswith("ProxyCommand=")).partition("=")[2]
    assert shlex.split(command)[:3] == ["ssh", "-o", "StrictHostKeyChecking=yes"]
    assert shlex.split(command)[3:5] == ["-i", "/my key"]


def test_a_template_takes_all_options_of_the_filters() -> None:
    given = "region='eu-west-1', instance_id='i-0a', identity_file='/moon', other_keys=true"
    text = f"{{{{ '/known_hosts' | urmanac.talos.bastion_ssh_arguments('moon', {given}) }}}}"

    assert Templar(loader=DataLoader()).template(trust_as_template(text)) == ssh_arguments(
        "/known_hosts", "moon", Route("eu-west-1", "i-0a"), login=Login("/moon", other_keys=True)
    )


def test_a_template_takes_all_facts_of_the_diagnosis() -> None:
    described = "'start': '', 'ssh_key_name': '', 'ssh_public_key': 'ssh-ed25519 A', 'connection': 'ssh'"
    cluster = f"{{'region': 'eu-west-1', 'bastion': {{{described}}}}}"
    bastion = "{'group': 'moon', 'instances': ['i-0a'], 'instances_wanted': none}"
    facts = f"{cluster}, {bastion}, host='bastion', known_hosts='/k', is_own=false, identity_file='/i'"
    text = f"{{{{ 'Connection refused' | urmanac.talos.bastion_diagnosis({facts}) }}}}"

    assert "--instance-id i-0a" in Templar(loader=DataLoader()).template(trust_as_template(text))
