# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a value with the option that an argument spec describes. Private to urmanac.talos: may change at any time.

Stricter than Ansible's own validation, which converts values: a role gets the original value, so a string instead of a
list is wrong although Ansible could convert it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import BOOLEANS

from ...module_utils._findings import Finding, finding
from ...module_utils._spelling import did_you_mean

Option = Mapping[str, Any]
_SECRET = re.compile(r"auth_key|private_key|password|token|secret(?!s_directory)")


class Kind(NamedTuple):
    """The name of a type, an example value, and a function that checks a value."""

    name: str
    example: str
    fits: Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def _is_whole(value: Any) -> bool:
    is_written = re.fullmatch(r"\s*-?[0-9]+\s*", str(value))
    return not isinstance(value, bool) and (isinstance(value, int) or bool(is_written))


def _is_number(value: Any) -> bool:
    text = str(value)
    is_written = re.fullmatch(r"\s*-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?\s*", text)
    return not isinstance(value, bool) and is_written is not None and math.isfinite(float(text))


def _is_truth(value: Any) -> bool:
    return isinstance(value, (bool, str, int)) and (value.lower() if isinstance(value, str) else value) in BOOLEANS


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


KINDS: Mapping[str, Kind] = {
    "str": Kind("a string", '"text"', _is_text),
    "path": Kind("a path", "/home/ada/moon", lambda value: isinstance(value, str) and "\0" not in value),
    "int": Kind("an integer", "60", _is_whole),
    "float": Kind("a number", "1.5", _is_number),
    "bool": Kind("true or false", "true", _is_truth),
    "list": Kind("a list", "[first, second]", _is_list),
    "dict": Kind("a mapping", "{key: value}", lambda value: isinstance(value, Mapping)),
    "raw": Kind("anything", "text", lambda value: True),
}


def type_problems(name: str, option: Option, value: Any) -> Iterator[Finding]:
    """Yield the type problems of a value, with the path of each wrong part."""
    kind = KINDS[option.get("type", "str")]
    if value is None:
        yield finding("VARIABLE_TYPE_WRONG", name, "It has no value.", f"Set it to {kind.name}, or remove it.")
    elif not kind.fits(value):
        message = f"{written(name, value)} is not {kind.name}."
        yield finding("VARIABLE_TYPE_WRONG", name, message, _type_remedy(kind, value))
    elif option.get("choices") and value not in option["choices"]:
        yield choice_problem(name, value, option["choices"])
    elif kind.fits is _is_list:
        yield from _element_problems(name, option, value)
    elif isinstance(value, Mapping) and option.get("options"):
        yield from _key_problems(name, option["options"], value)


def _type_remedy(kind: Kind, value: Any) -> str:
    if isinstance(value, date) and kind.fits(""):
        return "Put it in quotes: YAML reads it as a date."
    return f"Set it to {kind.name}, such as {kind.example}."


def _element_problems(name: str, option: Option, values: Sequence[Any]) -> Iterator[Finding]:
    element = {"type": option.get("elements", "raw"), "options": option.get("options")}
    for number, value in enumerate(values):
        # A patch may be empty: a file of comments is read as this.
        if value is not None or element["type"] != "raw":
            yield from type_problems(f"{name}[{_label(number, value)}]", element, value)


def _label(number: int, value: Any) -> str:
    """Return the label of an element: its name, if it has one."""
    return str(value["name"]) if isinstance(value, Mapping) and value.get("name") else str(number)


def _key_problems(name: str, options: Mapping[str, Option], value: Mapping[str, Any]) -> Iterator[Finding]:
    yield from unknown_key_problems(name, value, options)
    for key, option in options.items():
        if key in value:
            yield from type_problems(f"{name}.{key}", option, value[key])
        elif option.get("required"):
            message = f"It has no {key}, which is required."
            yield finding("VARIABLE_INCOMPLETE", name, message, f"Add {key}: {_one_line(option)}")


def unknown_key_problems(name: str, keys: Iterable[Any], known: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for each unknown key of a mapping, with the most similar known one."""
    for key in keys:
        if key not in known:
            unknown = f"The key {key} is unknown."
            yield finding("VARIABLE_KEY_UNKNOWN", f"{name}.{key}", unknown, _other(str(key), known))


def choice_problem(name: str, value: Any, choices: Iterable[Any]) -> Finding:
    """Return the finding that a value is not one of the choices."""
    message = f"{written(name, value)} is not one of the allowed values."
    return finding("VARIABLE_VALUE_WRONG", name, message, _other(str(value), map(str, choices)))


def _other(name: str, known: Iterable[str]) -> str:
    allowed = list(known)
    names = [one for one in allowed if one]
    or_empty = " Or leave it empty." if "" in allowed else ""
    return f"{did_you_mean(name, names)} Use one of: {', '.join(names)}.{or_empty}".lstrip()


def _one_line(option: Option) -> str:
    description = option.get("description", "")
    return re.sub(r"\b[A-Z]\(([^)]*)\)", r"\1", description if isinstance(description, str) else description[0])


def written(name: str, value: Any) -> str:
    """Return a value for a message, without possible secrets."""
    text = repr(value)
    return "The value" if _SECRET.search(name) or len(text) > 80 else text
