# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules beside this one put their extensions into moto."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError

ACCOUNT = "123456789012"
Function = Callable[..., Any]


def put(owner: Any, **members: Any) -> None:
    """Put functions or properties into a class of moto's."""
    for name, member in members.items():
        setattr(owner, name, member)


def wrap(owner: Any, name: str, around: Function) -> None:
    """Replace a method of moto's by a function that takes the original before the method's own arguments."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *arguments, **options: around(original, *arguments, **options))


def refuse(code: str, message: str) -> EC2ClientError:
    """Return the error that EC2 would answer with."""
    return EC2ClientError(code, message)


def tags_for(response: Any, kind: str) -> dict[str, str]:
    """Return the tags that a request's TagSpecifications hold for one kind of resource."""
    found: dict[str, str] = {}
    for specification in response._get_param("TagSpecifications", []) or []:
        if specification.get("ResourceType") == kind:
            found |= {tag["Key"]: tag.get("Value", "") for tag in specification.get("Tags", [])}
    return found
