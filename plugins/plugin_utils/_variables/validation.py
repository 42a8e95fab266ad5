# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate all variables of all roles at once. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.errors import AnsibleError
from ansible.module_utils.common.yaml import yaml_load

from ...module_utils._findings import Finding, finding
from .checks import Surroundings
from .names import unknown_names
from .rules import DERIVED, joint_problems, value_problems
from .types import Option, type_problems

ROLES = Path(__file__).parents[3] / "roles"


# Their defaults are files of the user, or below the home directory.
_OF_THE_USER = (
    *("cluster_directory", "cluster_secrets_directory", "cluster_bastion_ssh_identity_file"),
    *("cluster_kubeconfig", "cluster_talosconfig"),
)


class Unreadable(Exception):
    """A value whose template fails; the message is the cause."""


class Given(NamedTuple):
    """The variables of a play as written, and a function that evaluates them."""

    written: Mapping[str, Any]
    defaults: Mapping[str, Any]
    read: Callable[[str], Any]

    def is_default(self, name: str) -> bool:
        """Return whether a variable has its role's default."""
        try:
            return name not in self.written or bool(self.written[name] == self.defaults.get(name))
        except (AnsibleError, RecursionError):
            # An encrypted value is decrypted to compare it; reading it reports why it cannot be.
            return False

    def is_derived(self, name: str) -> bool:
        """Return whether a value is derived from other variables, in which the fault may be."""
        try:
            return _has_template(self.written.get(name))
        except RecursionError:
            return False

    def is_worth_reading(self, name: str) -> bool:
        """Return whether a value can be wrong by itself; a default that is a template follows from other variables.

        Evaluating a few hundred of those would take most of the time.
        """
        return not self.is_default(name) or name in _OF_THE_USER or "{{" not in str(self.defaults.get(name))


def _has_template(value: Any) -> bool:
    """Return whether a value has a template in it, without decrypting what is encrypted."""
    if isinstance(value, Mapping):
        return any(map(_has_template, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_has_template, value))
    return isinstance(value, str) and "{{" in value


class Validation(NamedTuple):
    """All problems, and the variables with a wrong type."""

    problems: tuple[Finding, ...]
    unusable: frozenset[str]


def role_names(folder: Path = ROLES) -> list[str]:
    """Return the names of the roles that have variables."""
    return sorted(path.parts[-3] for path in folder.glob("*/meta/argument_specs.yml"))


def read_options(folder: Path = ROLES) -> dict[str, Option]:
    """Return every option of every role by its name."""
    options: dict[str, Option] = {}
    for role in role_names(folder):
        text = (folder / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
        for entry in yaml_load(text)["argument_specs"].values():
            options.update(entry.get("options") or {})
    return options


def validate_variables(
    options: Mapping[str, Option],
    given: Given,
    where: Surroundings,
    *,
    roles: Iterable[str],
    others: Collection[str] = (),
) -> Validation:
    """Return the problems of the variables, each cause once: the user's variables before derived ones."""
    values: dict[str, Any] = {}
    of_type: dict[str, list[Finding]] = {}
    by_cause = sorted(
        filter(given.is_worth_reading, options), key=lambda name: (given.is_default(name), given.is_derived(name))
    )
    for name in by_cause:
        found = list(_read_problems(name, options[name], given, values))
        if found:
            of_type[name] = found
    usable = {name: value for name, value in values.items() if name not in of_type}
    unknown = unknown_names(given.written, roles, options, others)
    joint = joint_problems(usable, dict(_derived(options, given, values)), where)
    found = [*unknown, *_flat(of_type), *value_problems(usable, where), *joint]
    return Validation(tuple(_causes(found, given)), frozenset(of_type))


def _read_problems(name: str, option: Option, given: Given, values: dict[str, Any]) -> Iterator[Finding]:
    try:
        values[name] = given.read(name)
    except Unreadable as error:
        yield finding("VARIABLE_NOT_READABLE", name, str(error))
    else:
        yield from type_problems(name, option, values[name])


def _derived(options: Mapping[str, Option], given: Given, read: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the defaults that follow from other variables and are compared; the others of a wrong one are reported."""
    for name in DERIVED:
        if name in options and name not in read:
            with contextlib.suppress(Unreadable):
                yield name, given.read(name)


def _flat(findings: Mapping[str, Iterable[Finding]]) -> Iterator[Finding]:
    for some in findings.values():
        yield from some


def _causes(found: Iterable[Finding], given: Given) -> Iterator[Finding]:
    """Yield each finding once; those of defaults only without others, of which they may be consequences."""
    seen: dict[tuple[str, str, str], Finding] = {}
    for one in found:
        seen.setdefault((one.code, one.message, one.remedy), one)
    causes = [one for one in seen.values() if not given.is_default(variable_of(one.subject))]
    yield from causes or seen.values()


def variable_of(subject: str) -> str:
    """Return the variable of a finding, whose subject may be a part of it."""
    return re.split(r"[.\[]", subject, maxsplit=1)[0]
