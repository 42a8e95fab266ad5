# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines for other playbooks, with the options of this run. Private to urmanac.talos: may change at any time.

An inline variable may be a secret, so only those that name the cluster are repeated. For all other variables, only the
names are shown.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.splitter import parse_kv

from ...module_utils._files import shell_word

COLLECTION = "urmanac.talos."
PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
REPEATED = (
    "cluster_name",
    "cluster_project",
    "cluster_region",
    "cluster_directory",
    "cluster_state",
    "cluster_api_via",
)
# Inputs of one playbook, such as ipv6 of add_home_access.yml, are not for the next one.
_DESCRIBING = ("cluster_", "network_", "bastion_", "nodes_", "talos_", "cozystack_")
_PLAIN = re.compile(r"[\w@%+:,./~-]+")


class CommandLine(NamedTuple):
    """The common part of the command lines, and the names of the inline variables that they omit."""

    program: str
    # With {} for the name.
    playbook: str
    options: tuple[str, ...]
    left_out: tuple[str, ...]
    folder: str
    lab: bool = False

    def of(self, name: str, *more: str) -> str:
        """Return the command line of a playbook."""
        return " ".join([self.program, shell_word(self.playbook.replace("{}", name)), *self.options, *more])


class Place(NamedTuple):
    """The folder and the Python of this run, whether it is in the lab, and the defaults of options."""

    folder: Path
    python: Path
    lab: bool = False
    inventory: Sequence[str] = ()
    private_key: str = ""


def command_line(arguments: Mapping[str, Any], place: Place) -> CommandLine:
    """Return the command lines after a run with these arguments, as ansible.context has them."""
    extra = [str(option) for option in arguments.get("extra_vars") or ()]
    inline = inline_variables(extra)
    # Ansible has made their paths absolute.
    files = [f"@{_below(Path(option[1:]), place.folder)}" for option in extra if option.startswith("@")]
    repeated = [_variable(name, inline[name]) for name in REPEATED if name in inline]
    options = [*_inventories(arguments, place), *_keys(arguments, place)]
    options += [f"-e {shlex.quote(option)}" for option in files] + repeated
    left_out = sorted(name for name in inline if name not in REPEATED and name.startswith(_DESCRIBING))
    playbook = _playbook(arguments.get("args") or (), place.folder)
    return CommandLine(_program(place), playbook, tuple(options), tuple(left_out), str(place.folder), place.lab)


def inline_variables(extra: Iterable[str]) -> dict[str, Any]:
    """Return the variables that are passed with -e on the command line itself, not in a file."""
    inline = [_inline(option) for option in extra if not option.startswith("@")]
    return {name: value for found in inline for name, value in found.items()}


def _program(place: Place) -> str:
    """Return the program; commands for the lab must not be sent to AWS."""
    if not place.lab:
        return "ansible-playbook"
    return f"{shell_word(_below(place.python, place.folder))} -m lab run -- ansible-playbook"


def _playbook(playbooks: Iterable[str], folder: Path) -> str:
    """Return how playbooks are named: by a path if this run names one of this collection so, or by the collection."""
    for playbook in playbooks:
        if not str(playbook).startswith(COLLECTION) and (folder / playbook).resolve().parent == PLAYBOOKS:
            return f"{_below((folder / playbook).parent, folder)}/{{}}.yml"
    return f"{COLLECTION}{{}}"


def _below(path: Path, folder: Path) -> str:
    """Return a path as a user in the folder writes it."""
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _inventories(arguments: Mapping[str, Any], place: Place) -> Iterator[str]:
    given = [str(one) for one in arguments.get("inventory") or ()]
    if given != list(place.inventory):
        yield from (f"-i {shell_word(one if ',' in one else _below(Path(one), place.folder))}" for one in given)


def _keys(arguments: Mapping[str, Any], place: Place) -> Iterator[str]:
    """Yield how the run has found its keys: files and labels, never their content."""
    key = str(arguments.get("private_key_file") or "")
    if key and key != place.private_key:
        yield f"--private-key {shell_word(key)}"
    yield from (f"--vault-id {shell_word(one)}" for one in arguments.get("vault_ids") or ())
    yield from (f"--vault-password-file {shell_word(one)}" for one in arguments.get("vault_password_files") or ())
    if arguments.get("ask_vault_pass"):
        yield "--ask-vault-pass"


def _inline(option: str) -> dict[str, Any]:
    """Return inline variables as Ansible reads them, which has read them already."""
    try:
        found = yaml.safe_load(option) if option[:1] in ("{", "[") else parse_kv(option)
    except (yaml.YAMLError, AnsibleError):
        return {}
    return {str(name): value for name, value in found.items()} if isinstance(found, Mapping) else {}


def _variable(name: str, value: Any) -> str:
    text = str(value)
    return f"-e {name}={text}" if _PLAIN.fullmatch(text) else f"-e {shlex.quote(json.dumps({name: text}))}"
