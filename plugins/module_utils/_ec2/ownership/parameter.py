# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SSM parameter of a cluster. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeVar

from ..._errors import Ec2Error
from ..._text import shortened
from ..calls import Calls, Clock, Patience
from ..client import Api, AwsError, existing, is_not_found
from ..identity import Identity, is_unmanaged, owner_tags, owner_text, tag_list, tagging_command

# SSM asks for 30 seconds between the deletion of a parameter and the creation of one of the same name.
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html
_RECREATION = Patience(total=45)
# A value has 4096 characters at most. JSON needs six for one that is not ASCII, and a lock has four such texts.
_TEXT_MAX = 700
T = TypeVar("T")


class ForeignParameter(Ec2Error):
    """A parameter has the name of one of the cluster and not its tags."""


class Held(NamedTuple):
    """The value of a parameter, which of its versions that is, and since when it has it."""

    text: str
    version: int
    changed: str = ""


def create_or_read(
    calls: Calls, create: Callable[[], object], read: Callable[[], T | None]
) -> Literal[True] | T | None:
    """Create a parameter and return True, or return the parsed value of the existing one.

    None if SSM does neither, for longer than it may take after another run has deleted the parameter.
    """

    def look() -> Literal[True] | T | None:
        try:
            create()
        except AwsError as error:
            if error.reason != "ParameterAlreadyExists":
                raise
            return read()
        return True

    return calls.wait_for(look, _RECREATION)


def short_text(text: str) -> str:
    """Return a text that is part of a value, such as a path or the name of a host, cut so that the value fits."""
    return shortened(text, lambda shown: len(json.dumps(shown)), _TEXT_MAX)


class ClusterParameter:
    """API calls for one parameter of a cluster, which never overwrite a parameter of another owner."""

    # Which tests replace.
    clock = Clock()

    def __init__(self, api: Api, cluster: Identity, *, name: str, purpose: str, description: str) -> None:
        """Set the name, the purpose for messages, and the description in SSM."""
        self._api = api
        self._cluster = cluster
        self.name = name
        self._purpose = purpose
        self._description = description

    def create(self, text: str) -> None:
        """Create the parameter with the tags of the cluster; an existing one is not changed."""
        self.put(text, Overwrite=False, Tags=tag_list(owner_tags(self._cluster)))

    def create_or_read(self, text: str) -> Literal[True] | Held | None:
        """Create the parameter and return True, or return what it contains, or None as create_or_read."""
        return create_or_read(Calls(self._api, self.clock), lambda: self.create(text), self.read_own)

    def read(self) -> Held | None:
        """Return the parameter's content, or None if it does not exist."""
        answer = existing(self._api, "ssm", "get_parameter", Name=self.name)
        if answer is None:
            return None
        found = answer["Parameter"]
        changed = found.get("LastModifiedDate")
        return Held(str(found["Value"]), int(found["Version"]), f"{changed:%Y-%m-%dT%H:%M:%S%z}" if changed else "")

    def read_own(self) -> Held | None:
        """Return the parameter's content, or None; fail for one without the tags of the cluster."""
        held = self.read()
        try:
            if held:
                self._refuse_parameter_of_other_owners(held)
        except AwsError as error:
            if is_not_found(error):
                return None
            raise
        return held

    def delete(self) -> None:
        """Delete the parameter if it exists."""
        try:
            self._api.call("ssm", "delete_parameter", Name=self.name)
        except AwsError as error:
            if not is_not_found(error):
                raise

    def put(self, text: str, **how: Any) -> dict[str, Any]:
        """Set the value and return the response of SSM."""
        return self._api.call(
            "ssm", "put_parameter", Name=self.name, Description=self._description, Value=text, Type="String", **how
        )

    def _refuse_parameter_of_other_owners(self, held: Held) -> None:
        found = self._api.call("ssm", "list_tags_for_resource", ResourceType="Parameter", ResourceId=self.name)
        tags = {tag["Key"]: tag["Value"] for tag in found["TagList"]}
        if not owner_tags(self._cluster).items() <= tags.items():
            since = f", since {held.changed}" if held.changed else ""
            raise ForeignParameter(
                f"Failed to use the SSM parameter {self.name} as the {self._purpose}: it exists without the tags of "
                f"the cluster {self._cluster.name} ({owner_text(tags)}){since}. {self._remedy(tags)}",
                code="NAME_TAKEN",
            )

    def _remedy(self, tags: Mapping[str, str]) -> str:
        if is_unmanaged(self._cluster, tags):
            return (
                f"If it belongs to the cluster, give it the missing tag: {tagging_command('ssm_parameter', self.name)}"
            )
        return (
            f"Delete it if it is not needed (`aws ssm delete-parameter --name {self.name}`), or choose another "
            "cluster_name or cluster_project."
        )
