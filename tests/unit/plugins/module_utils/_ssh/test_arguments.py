# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the options with which ssh is called."""

from __future__ import annotations

import re
import shlex
import shutil
import string
import subprocess

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.arguments import (
    Jump,
    Login,
    Route,
    path_problem,
    ssh_arguments,
)

# What ssh makes of tokens before it uses a path or runs a command: https://man.openbsd.org/ssh_config#TOKENS
TOKENS = {"%%": "%", "%h": "10.10.0.101", "%p": "22"}
PATHS = st.text(
    st.sampled_from(string.ascii_letters + string.digits + " '%#~=;&|()<>*?[]{}!`^,.:@+-é"), min_size=1
).map(lambda name: f"/home/{name}")


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


def expanded(text: str) -> str:
    """Return a text with the tokens of ssh in it replaced; an unknown one fails, as ssh does."""
    return re.sub("%.?", lambda found: TOKENS[found[0]], text)


def read_by_ssh(arguments: str) -> list[str]:
    """Return the file of known hosts and the key that ssh reads in its options, which it prints where it exists."""
    names, words = ("UserKnownHostsFile", "IdentityFile"), shlex.split(arguments)
    if ssh := shutil.which("ssh"):
        done = subprocess.run([ssh, "-G", "-F", "none", *words, "moon"], capture_output=True, text=True, check=True)
        printed = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        # Of these two it has replaced the tokens of the first already.
        return [printed[names[0].lower()], expanded(printed[names[1].lower()])]
    found = dict(word.split("=", 1) for word in words if "=" in word)
    return [expanded(path) for name in names for path in shlex.split(found[name])]


def test_a_path_with_spaces_stays_one_path() -> None:
    assert options("/my files/100%/known_hosts", "moon")["UserKnownHostsFile"] == '"/my files/100%%/known_hosts"'


@settings(max_examples=60)
@given(PATHS, PATHS)
def test_ssh_reads_the_paths_that_it_is_given(known_hosts: str, key: str) -> None:
    assert [path_problem(path) for path in (known_hosts, key)] == ["", ""]

    assert read_by_ssh(ssh_arguments(known_hosts, "moon", login=Login(key))) == [known_hosts, key]


@settings(max_examples=60)
@given(PATHS, PATHS)
@example("/home/two  spaces", "/home/a ")
def test_the_ssh_of_a_jump_reads_the_paths_that_it_is_given(known_hosts: str, key: str) -> None:
    inner = ssh_arguments(known_hosts, "moon", login=Login(key))
    found = options("/known_hosts", "i-0b", route=Jump("2001:db8::100", "ec2-user", inner))

    words = shlex.split(expanded(found["ProxyCommand"]))

    assert words[-3:] == ["-W", "[10.10.0.101]:22", "ec2-user@2001:db8::100"]
    assert read_by_ssh(shlex.join(words[1:-3])) == [known_hosts, key]


@pytest.mark.parametrize("sign", ['"', "\\", "$", "\n", "\x1b"], ids=repr)
def test_a_path_that_ssh_would_not_take_as_one_is_named(sign: str) -> None:
    assert repr(sign) in path_problem(f"/home/a{sign}b/known_hosts")


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

    inner = shlex.split(expanded(command))

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
    cluster = f"{{'name': 'moon', 'project': 'talos', 'region': 'eu-west-1', 'bastion': {{{described}}}}}"
    bastion = "{'group': 'moon', 'instances': ['i-0a'], 'instances_wanted': none, 'ipv6': '2001:db8::100'}"
    facts = f"{cluster}, {bastion}, host='bastion', known_hosts='/k', is_own=false, identity_file='/i'"
    text = f"{{{{ 'Connection refused' | urmanac.talos.bastion_diagnosis({facts}) }}}}"

    found = Templar(loader=DataLoader()).template(trust_as_template(text))

    assert (found["code"], found["subject"], found["evidence"]) == ("SSH_SERVER_NOT_READY", "bastion", {})
    assert "--instance-id i-0a" in found["remedy"]
