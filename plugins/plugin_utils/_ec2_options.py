# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the options of an inventory of EC2 instances. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..module_utils._errors import InputError
from ..module_utils._spelling import did_you_mean
from ._variables.types import KINDS

# What files for amazon.aws.aws_ec2 have besides, and what does the same here. All of it narrows, redirects or renames.
_OF_AWS_EC2 = {
    "assume_role_arn": "name a profile of ~/.aws/config with role_arn in it in the option profile",
    "iam_role_arn": "name a profile of ~/.aws/config with role_arn in it in the option profile",
    "exclude_filters": "name what is wanted in the option filters, such as tag:Role: [gateway, compute]",
    "include_filters": "name what is wanted in the option filters; a list of values matches any of them",
    "hostvars_prefix": "all variables begin with ec2_",
    "hostvars_suffix": "all variables begin with ec2_",
    "strict_permissions": "a region that may not be read is an error; leave it out of the option regions",
    "allow_duplicated_hosts": "machines with the same name are called by their instance ids",
    "include_extra_api_calls": "no more is asked than what makes the host variables",
    "use_ssm_inventory": "no more is asked than what makes the host variables",
    "use_contrib_script_compatible_sanitization": "characters that no group may have become underscores",
    "use_contrib_script_compatible_ec2_tag_keys": "the variable ec2_tags holds the tags",
}
# Options, and parts of their aliases, whose values no message shows.
_SECRETS = ("access_key", "secret", "token")
_KEYS_OF_GROUP = ("key", "prefix", "separator", "parent_group", "default_value", "trailing_separator")

_VALUE = "Set it to a value, or remove it."


def check_options(config: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise for the first option of an inventory file that is unknown, or whose value the plugin would ignore.

    known has the definitions of the options by their names and aliases. Ansible has checked their types, as far as it
    does: it takes a missing value for the default, converts anything to true or false, and looks into no list.
    """
    for option, value in config.items():
        if option not in known:
            raise InputError(f"Failed to read the option {option}: it is not known. {_instead(option, [*known])}")
        for problem in _problems(option, value, known[option]):
            raise InputError(f"Failed to read {problem}")


def _problems(option: str, value: Any, definition: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ends of sentences about an option."""
    kind = definition.get("type", "str")
    if value is None:
        yield f"the option {option}: it has no value. {_VALUE}"
    elif kind == "bool" and not KINDS["bool"].fits(value):
        yield f"the option {option}: {value!r} is neither true nor false. {_VALUE}"
    elif kind in ("str", "path", "string") and not _is_text(value):
        shown = "its value" if any(part in option for part in _SECRETS) else repr(value)
        yield f"the option {option}: {shown} is not a string. Put it in quotes."
    elif kind in ("dict", "dictionary") and not isinstance(value, Mapping):
        yield f"the option {option}: {value!r} is not a mapping. {_VALUE}"
    elif definition.get("elements") == "str" and isinstance(value, Sequence) and not isinstance(value, str):
        yield from (f"the option {option}: {one!r} is not a name. {_VALUE}" for one in value if not _is_filled(one))
    elif option in _OF_OPTIONS:
        yield from _OF_OPTIONS[option](option, value)


def _is_text(value: Any) -> bool:
    # What YAML reads as true or false is a word that a user wrote. A value of Ansible Vault is decrypted later.
    is_vaulted = hasattr(value, "_decrypt") or getattr(value, "__ENCRYPTED__", False)
    return is_vaulted or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _is_filled(value: Any) -> bool:
    return _is_text(value) and bool(str(value).strip())


def _filter_problems(_option: str, filters: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the filters that AWS would refuse, or that would be another text than the user wrote."""
    remedy = "Give it a value or a list of values."
    for name, value in filters.items():
        if not _is_filled(name):
            yield f"the filter {name!r}: this is not a name. Use one such as tag:Role."
        elif isinstance(value, Mapping):
            yield f"the filter {name}: its value is a mapping. {remedy}"
        else:
            values = value if isinstance(value, list | tuple) else [value]
            wrong = [one for one in values if not (isinstance(one, bool) or _is_text(one))]
            if wrong or not values:
                yield f"the filter {name}: {wrong[0] if wrong else values!r} is not a value. {remedy}"


def _group_problems(option: str, groups: Any) -> Iterator[str]:
    """Yield what is wrong with keyed groups, of which Ansible ignores one whose key it cannot evaluate."""
    for group in groups if isinstance(groups, list | tuple) else [groups]:
        if not isinstance(group, Mapping):
            yield f"the option {option}: {group!r} is not a mapping. Write it as {{key: ec2_region, prefix: region}}."
            continue
        for key in group:
            if key not in _KEYS_OF_GROUP:
                yield f"{key} in the option {option}: it is not known. Use some of: {', '.join(_KEYS_OF_GROUP)}."
        if not _is_filled(group.get("key")):
            yield f"the option {option}: {dict(group)!r} has no key. Add one, such as key: ec2_region."


def _expression_problems(option: str, expressions: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the variables or groups that have no name or no expression."""
    for name, expression in expressions.items():
        if not _is_filled(name) or expression is None or (isinstance(expression, str) and not expression.strip()):
            yield f"{name!r} in the option {option}: it has no name or no expression. Add it, or remove the line."


_OF_OPTIONS: Mapping[str, Callable[[str, Any], Iterator[str]]] = {
    "filters": _filter_problems,
    "keyed_groups": _group_problems,
    "compose": _expression_problems,
    "groups": _expression_problems,
}


def _instead(option: str, known: Sequence[str]) -> str:
    if option in _OF_AWS_EC2:
        return f"amazon.aws.aws_ec2 has it; here {_OF_AWS_EC2[option]}."
    return did_you_mean(option, known) or "See ansible-doc -t inventory urmanac.talos.ec2_nodes."
