# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of values from which the rules of variables are made. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any, NamedTuple

from ...module_utils._ec2.spec import address_of
from ...module_utils._ec2.texts import fits
from ...module_utils._errors import InputError
from ...module_utils._findings import Finding, finding
from ...module_utils._networks import is_address
from .types import choice_problem, unknown_key_problems, written


class Surroundings(NamedTuple):
    """The environment of the checks: the time, the hosts of the inventory, and Ansible's private key."""

    now: datetime
    hosts: frozenset[str] = frozenset()
    # What Ansible itself passes to ssh, such as with --private-key.
    private_key: str = ""


Check = Callable[[str, Any, Surroundings], Iterator[Finding]]


def wrong(name: str, message: str, remedy: str) -> Finding:
    return finding("VARIABLE_VALUE_WRONG", name, message, remedy)


def unusable(name: str, path: object, error: InputError) -> Iterator[Finding]:
    """Yield why a file cannot be used, by the error of the code that will read it."""
    for problem in error.problems:
        apart = problem.apart()
        yield finding(apart.code, name, f"{path} cannot be used: {apart.message}", apart.remedy or None)


def at_least(smallest: int, what: str, largest: int | None = None) -> Check:
    """Return the check of a whole number with a minimum and an optional maximum."""
    limits = f"{smallest} or more" if largest is None else f"from {smallest} to {largest}"

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if int(value) < smallest:
            yield wrong(name, f"{value} is less than {smallest}.", f"Set it to {what}, {limits}.")
        elif largest is not None and int(value) > largest:
            yield wrong(name, f"{written(name, value)} is more than {largest}.", f"Set it to {what}, {limits}.")

    return check


def amount(what: str, largest: float | None = None) -> Check:
    """Return the check of a number from 0 to an optional maximum."""
    limits = "0 or more" if largest is None else f"from 0 to {largest:g}"

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if float(value) < 0 or (largest is not None and float(value) > largest):
            yield wrong(name, f"{value} is not {what}.", f"Set it to {what}, {limits}.")

    return check


def one_of(*choices: str) -> Check:
    """Return the check of a text that must be one of these."""

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if value not in choices:
            yield choice_problem(name, value, choices)

    return check


def keys_of(*keys: str) -> Check:
    """Return the check of a mapping that has only these keys."""

    def check(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
        yield from unknown_key_problems(name, value, keys)

    return check


def each(check: Check) -> Check:
    """Return the check of a mapping or list, each value of which passes another check."""

    def check_each(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from check(f"{name}[{key}]", item, where)

    return check_each


def if_given(check: Check) -> Check:
    """Return the check of a text that may be empty."""

    def check_given(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if value:
            yield from check(name, value, where)

    return check_given


def exact_keys(*keys: str) -> Check:
    """Return the check of a mapping that replaces a default as a whole, and so needs all of its keys."""

    def check(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
        yield from unknown_key_problems(name, value, keys)
        yield from missing_keys(name, value, keys)

    return check


def missing_keys(name: str, value: Mapping[str, Any], keys: Sequence[str]) -> Iterator[Finding]:
    """Yield that a mapping lacks some of the keys of the default that it replaces."""
    missing = [key for key in keys if key not in value]
    if missing:
        message = f"It has no {', '.join(missing)}: a mapping replaces the whole default."
        yield wrong(name, message, f"Name all of {', '.join(keys)}.")


def matching(pattern: str, what: str, example: str) -> Check:
    """Return the check of a text that a pattern describes."""

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if not isinstance(value, (str, int, float)) or not re.fullmatch(pattern, str(value)):
            yield wrong(name, f"{written(name, value)} is not {what}.", f"Write it as {example}.")

    return check


def fitting(kind: str, what: str, example: str) -> Check:
    """Return the check of a text that AWS or DNS limits."""

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if not fits(kind, str(value)):
            yield wrong(name, f"{written(name, value)} is not {what}.", f"Write it as {example}.")

    return check


def distinct(name: str, value: Sequence[Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the elements of a list that it has twice."""
    for number, element in enumerate(value):
        if element in value[:number]:
            yield wrong(f"{name}[{number}]", f"{written(name, element)} is there twice.", "Remove one of them.")


def filled(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text or a list is empty or blank."""
    if not (value.strip() if isinstance(value, str) else value):
        yield wrong(name, "It is empty.", "Set it to a value, or remove it for the default.")


def json_value(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield the parts of a value that JSON, in which programs get it, does not have or would change."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if isinstance(key, bool) or not isinstance(key, (str, int)):
                message = f"The key {key!r} is not a string: YAML reads what was written as another type."
                yield wrong(f"{name}.{key}", message, "Put it in quotes.")
            yield from json_value(f"{name}.{key}", part, where)
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from json_value(f"{name}[{number}]", part, where)
    else:
        yield from _scalar_problems(name, value)


def _scalar_problems(name: str, value: Any) -> Iterator[Finding]:
    if isinstance(value, date):
        yield wrong(name, f"YAML reads it as a date, {value}.", "Put it in quotes.")
    elif isinstance(value, float) and not isfinite(value):
        yield wrong(name, f"{value} is not a number that JSON has.", "Set it to a number, or put it in quotes.")
    elif not isinstance(value, (str, int, float, type(None))):
        message = "It is binary data or a set, which JSON does not have."
        yield wrong(name, message, "Set it to a string, a number or a list.")


def ipv4_address(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not an IPv4 address."""
    if address_of(str(value)) is None:
        yield wrong(name, f"{written(name, value)} is not an IPv4 address.", "Write it as 10.10.0.101.")


def host(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither an IP address nor a host name."""
    text = str(value)
    if not is_address(text) and (re.fullmatch(r"[0-9.]+", text) or not fits("domain_name", text.lower())):
        message = f"{written(name, value)} is neither an IP address nor a host name."
        yield wrong(name, message, "Write it as 192.0.2.1 or host.example.com.")
