# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules of this package patch moto."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError

ACCOUNT = "123456789012"
Function = Callable[..., Any]
# The error that EC2 would answer with: its code and message.
refuse = EC2ClientError


def put(owner: Any, **members: Any) -> None:
    for name, member in members.items():
        setattr(owner, name, member)


def replaces(owner: Any, *names: str, kind: Function = lambda function: function) -> Function:
    """Replace methods of moto by the decorated function, or properties with kind=property."""

    def replace(function: Function) -> Function:
        put(owner, **dict.fromkeys(names, kind(function)))
        return function

    return replace


def wraps(owner: Any, *names: str) -> Function:
    """Call the decorated function instead of methods of moto's, with the original before their own arguments."""

    def wrap(around: Function) -> Function:
        for name in names:
            original = getattr(owner, name)
            put(owner, **{name: lambda *args, _original=original, **options: around(_original, *args, **options)})
        return around

    return wrap


def tags_for(response: Any, kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for specification in response._get_param("TagSpecifications", []) or []:
        if specification.get("ResourceType") == kind:
            found |= {tag["Key"]: tag.get("Value", "") for tag in specification.get("Tags", [])}
    return found
