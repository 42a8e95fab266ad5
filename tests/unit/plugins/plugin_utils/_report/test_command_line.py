# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines for other playbooks: they work on the same cluster and repeat no secret."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.plugin_utils._report.command_line import (
    PLAYBOOKS,
    CommandLine,
    Place,
    command_line,
)

FOLDER = PLAYBOOKS.parent
WORD = "correct-horse"


def after(*extra: str, lab: bool = False, playbook: str = "playbooks/site.yml", **given: Any) -> CommandLine:
    """Return the command lines after a run with these options in the folder of the collection."""
    place = Place(FOLDER, FOLDER / ".venv-3.11" / "bin" / "python", lab, ["/etc/ansible/hosts"], "")
    return command_line({"args": (playbook,), "extra_vars": extra, "inventory": ["/etc/ansible/hosts"], **given}, place)


def test_files_of_variables_are_repeated_in_their_order() -> None:
    run = after(f"@{FOLDER}/moon.yml", "@Ada's vault.yml")

    assert shlex.split(run.of("stop")) == [
        *("ansible-playbook", "playbooks/stop.yml", "-e", "@moon.yml", "-e", "@Ada's vault.yml")
    ]


@pytest.mark.parametrize(
    "inline",
    [
        pytest.param(f"cluster_name=moon cluster_tailscale_auth_key={WORD} ipv6=2001:db8::/64", id="words"),
        pytest.param(f'{{"cluster_name": "moon", "cluster_tailscale_auth_key": "{WORD}", "ipv6": "x"}}', id="JSON"),
    ],
)
def test_of_inline_variables_those_that_name_the_cluster_are_repeated_and_no_secret(inline: str) -> None:
    run = after(inline)

    assert run.of("stop") == "ansible-playbook playbooks/stop.yml -e cluster_name=moon"
    assert run.left_out == ("cluster_tailscale_auth_key",)
    assert WORD not in str(run)


def test_a_value_with_spaces_is_passed_as_one() -> None:
    words = shlex.split(after('{"cluster_directory": "/home/Ada\'s moon"}').of("stop"))

    assert words[-1] == '{"cluster_directory": "/home/Ada\'s moon"}'


def test_what_cannot_be_read_is_not_repeated() -> None:
    assert after(f"{{'{WORD}").of("stop") == "ansible-playbook playbooks/stop.yml"


@pytest.mark.parametrize(
    ("given", "options"),
    [
        pytest.param({"inventory": [f"{FOLDER}/hosts.yml"]}, " -i hosts.yml", id="an inventory in the folder"),
        pytest.param({"inventory": ["/srv/hosts.yml", "a,b"]}, " -i /srv/hosts.yml -i a,b", id="inventories"),
        pytest.param({"private_key_file": "/keys/moon"}, " --private-key /keys/moon", id="a private key"),
        pytest.param({"vault_ids": ["moon@prompt"]}, " --vault-id moon@prompt", id="a vault id"),
        pytest.param({"vault_password_files": ["/keys/vault"]}, " --vault-password-file /keys/vault", id="a file"),
        pytest.param({"ask_vault_pass": True}, " --ask-vault-pass", id="a question"),
    ],
)
def test_the_way_to_hosts_and_keys_is_repeated(given: dict[str, Any], options: str) -> None:
    assert after(**given).of("stop") == f"ansible-playbook playbooks/stop.yml{options}"


@pytest.mark.parametrize(
    ("playbook", "expected"),
    [
        pytest.param("playbooks/site.yml", "playbooks/reset.yml", id="in the checkout"),
        pytest.param("urmanac.talos.site", "urmanac.talos.reset", id="the installed collection"),
        pytest.param("my.yml", "urmanac.talos.reset", id="a playbook of the user's"),
    ],
)
def test_a_playbook_is_named_as_this_run_has_named_it(playbook: str, expected: str) -> None:
    assert after(playbook=playbook).of("reset", "-e reset_confirmation=yes") == (
        f"ansible-playbook {expected} -e reset_confirmation=yes"
    )


def test_the_command_for_a_lab_does_not_reach_aws() -> None:
    assert after("@lab/variables.yml", lab=True).of("stop") == (
        ".venv-3.11/bin/python -m lab run -- ansible-playbook playbooks/stop.yml -e @lab/variables.yml"
    )


def test_without_arguments_the_collection_is_named() -> None:
    place = Place(Path("/srv"), Path("/usr/bin/python3"))

    assert command_line({}, place).of("stop") == "ansible-playbook urmanac.talos.stop"
