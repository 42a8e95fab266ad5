# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge all variables of all roles at once. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ...module_utils._findings import Finding, finding
from .names import unknown_names
from .rules import Surroundings, value_problems
from .types import Option, type_problems

ROLES = Path(__file__).parents[3] / "roles"


# Their defaults are below the home of whoever runs the playbook.
_OF_THE_USER = ("cluster_directory", "cluster_secrets_directory", "cluster_bastion_ssh_identity_file")


class Unreadable(Exception):
    """A value that cannot be had, because a template in it fails; the message says why."""


class Given(NamedTuple):
    """The variables of a play, as they were written, and how each of them is read."""

    written: Mapping[str, Any]
    defaults: Mapping[str, Any]
    read: Callable[[str], Any]

    def is_default(self, name: str) -> bool:
        """Return whether a variable has the value that its role gives it."""
        return name not in self.written or bool(self.written[name] == self.defaults.get(name))

    def is_worth_reading(self, name: str) -> bool:
        """Return whether a value can be wrong by itself; a default that is a template follows from other variables.

        Evaluating a few hundred of those would take most of the time.
        """
        return not self.is_default(name) or name in _OF_THE_USER or "{{" not in str(self.defaults.get(name))


class Judgement(NamedTuple):
    """Everything that is wrong, and the variables of which not even the type is right."""

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
        # Neither loader makes anything but plain data, and the one in C is ten times as fast.
        for entry in yaml.load(text, Loader=_LOADER)["argument_specs"].values():  # noqa: S506
            options.update(entry.get("options") or {})
    return options


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def judge(
    options: Mapping[str, Option],
    given: Given,
    where: Surroundings,
    *,
    roles: Iterable[str],
    others: Iterable[str] = (),
) -> Judgement:
    """Return what is wrong with the variables, each cause once: what the user wrote before what follows from it."""
    values: dict[str, Any] = {}
    of_type: dict[str, list[Finding]] = {}
    for name in sorted(filter(given.is_worth_reading, options), key=given.is_default):
        found = list(_read_problems(name, options[name], given, values))
        if found:
            of_type[name] = found
    usable = {name: value for name, value in values.items() if name not in of_type}
    strangers = unknown_names(given.written, roles, options, others)
    found = [*strangers, *_flat(of_type), *value_problems(usable, where)]
    return Judgement(tuple(_causes(found, given)), frozenset(of_type))


def _read_problems(name: str, option: Option, given: Given, values: dict[str, Any]) -> Iterator[Finding]:
    try:
        values[name] = given.read(name)
    except Unreadable as error:
        yield finding("VARIABLE_NOT_READABLE", name, str(error))
    else:
        yield from type_problems(name, option, values[name])


def _flat(findings: Mapping[str, Iterable[Finding]]) -> Iterator[Finding]:
    for some in findings.values():
        yield from some


def _causes(found: Iterable[Finding], given: Given) -> Iterator[Finding]:
    """Yield each finding once; those of defaults only if nothing else is wrong, for they follow from what is."""
    seen: dict[tuple[str, str, str], Finding] = {}
    for one in found:
        seen.setdefault((one.code, one.message, one.remedy), one)
    causes = [one for one in seen.values() if not given.is_default(variable_of(one.subject))]
    yield from causes or seen.values()


def variable_of(subject: str) -> str:
    """Return the variable that a finding is about: its subject may be a part of one."""
    return re.split(r"[.\[]", subject, maxsplit=1)[0]
