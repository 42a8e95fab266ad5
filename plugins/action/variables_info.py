# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return all problems of the variables of this collection's roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.plugins.loader import connection_loader
from ansible.utils.vars import load_extra_vars

from ..module_utils._findings import Finding, finding
from ..plugin_utils._local_action import LocalAction
from ..plugin_utils._report.command_line import inline_variables
from ..plugin_utils._variables.checks import Surroundings
from ..plugin_utils._variables.described import DESCRIPTION, described_problems, read_described
from ..plugin_utils._variables.names import empty_values, ignored_values, misspelt_names, replaced_values
from ..plugin_utils._variables.tags import unknown_skipped_tags, unknown_tags
from ..plugin_utils._variables.validation import (
    ROLES,
    Given,
    Unreadable,
    Validation,
    read_options,
    role_names,
    validate_variables,
)


def _private_key(task_vars: Mapping[str, Any]) -> str:
    """Return the private key that Ansible passes to ssh, whichever way it is named."""
    ssh = connection_loader.get("ansible.builtin.ssh", class_only=True)
    where = {"plugin_type": "connection", "plugin_name": ssh._load_name, "variables": dict(task_vars)}
    return str(constants.config.get_config_value("private_key_file", **where) or "")


def _names(others: Any) -> list[str]:
    return list(map(str, others)) if isinstance(others, (list, tuple)) else []


def _tag_problems(task_vars: Mapping[str, Any]) -> Iterator[Finding]:
    playbooks = context.CLIARGS.get("args") or ()
    yield from unknown_tags(task_vars.get("ansible_run_tags", ()), playbooks)
    yield from unknown_skipped_tags(task_vars.get("ansible_skip_tags", ()), playbooks)


class ActionModule(LocalAction):
    """Check the variables of the play, which only ansible-playbook has."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        # A list, or what a user wrote instead, which is one of the problems.
        "others": {"type": "raw", "default": []},
        "of_the_playbook": {"type": "dict", "default": {}},
        "inputs": {"type": "dict", "default": {}},
        "ignored": {"type": "dict", "default": {}},
        "names": {"type": "list", "elements": "str", "default": []},
        "builds": {"type": "bool", "default": False},
    }

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Check the variables without a change and without a call to a service."""
        given = self._given(task_vars)
        hosts = frozenset(task_vars.get("groups", {}).get("all", ()))
        where = Surroundings(datetime.now(UTC), hosts, _private_key(task_vars))
        options, others = read_options(), _names(arguments["others"])
        found = validate_variables(options, given, where, roles=role_names(), others=others)
        passed = load_extra_vars(self._loader)
        # A name with the prefix of a role is among the problems of the variables.
        listed = {problem.subject for problem in found.problems}
        misspelt = misspelt_names(sorted(passed.keys() - listed), arguments["names"], options, others)
        replaced = replaced_values(passed, arguments["of_the_playbook"])
        empty = empty_values(passed, arguments["inputs"])
        inline = inline_variables(map(str, context.CLIARGS.get("extra_vars") or ()))
        ignored = ignored_values(inline, arguments["ignored"])
        of_playbook = (*_tag_problems(task_vars), *misspelt, *replaced, *empty, *ignored)
        described = self._described(given, found) if arguments["builds"] else []
        return {
            "problems": [problem.as_dict() for problem in (*of_playbook, *found.problems, *described)],
            "typed": not found.unusable,
            "cluster": self._description(given, found),
        }

    def _described(self, given: Given, found: Validation) -> list[Finding]:
        """Return the problems of the description, if every value in it can be used."""
        if found.unusable:
            return []
        try:
            return list(described_problems(read_described(given.read)))
        except Unreadable as error:
            # The value that cannot be read is a problem of its own.
            return [] if found.problems else [finding("VARIABLE_NOT_READABLE", DESCRIPTION, str(error))]

    def _given(self, task_vars: Mapping[str, Any]) -> Given:
        """Return the variables of the play, with those of roles that the play does not have."""
        defaults = self._files("defaults")
        everything = {**defaults, **self._files("vars"), **task_vars}
        templar = self._templar.copy_with_new_env(available_variables=everything)

        def read(name: str) -> Any:
            try:
                return templar.template(everything.get(name))
            except AnsibleError as error:
                raise Unreadable(error.message) from error
            except RecursionError as error:
                raise Unreadable("It contains itself, by an alias of YAML.") from error

        return Given(task_vars, defaults, read)

    def _files(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for role in role_names():
            path = ROLES / role / kind / "main.yml"
            found.update(self._load(path) or {} if path.is_file() else {})
        return found

    def _load(self, path: Path) -> Any:
        try:
            return self._loader.load_from_file(str(path), cache="all", trusted_as_template=True)
        except TypeError:  # ansible-core before 2.19 treats every text as a template.
            return self._loader.load_from_file(str(path))

    def _description(self, given: Given, found: Validation) -> Any:
        """Return the description of the cluster, with defaults in place of unusable values."""
        if not found.unusable:
            return None
        sound = {name: value for name, value in given.written.items() if name not in found.unusable}
        try:
            return self._given(sound).read(DESCRIPTION)
        except Unreadable:
            return None
