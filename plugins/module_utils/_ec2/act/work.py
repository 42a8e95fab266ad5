# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state that the functions of all kinds share. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..calls import Calls
from ..desired import ROOT_DEVICE, Desired
from ..identity import owner_tags, tag_list
from ..plan.compare import satisfied
from ..plan.current import Existing, existing_of, reading_of, records_of
from ..plan.text import kind_word
from ..spec import ClusterSpec


class Making(NamedTuple):
    """How EC2 creates a kind: the operation, the place of the record in the response, and the type of its tags.

    Without a place the response is the record itself, and also has the request's parameters. An instance's volumes
    are created and tagged with it, but not with the tags that are its own.
    """

    operation: str
    answer: str
    resource_type: str
    has_token: bool = False
    also_tagged: tuple[str, ...] = ()
    own_tags: tuple[str, ...] = ()


class Machines(NamedTuple):
    """Properties of instances that the caller passes; user_data is base64 by name, image the AMI of new nodes."""

    image: str = ""
    root_device: str = ROOT_DEVICE
    ssh_key_name: str = ""
    user_data: Mapping[str, str] = {}
    bastion_started: bool = True
    # The time to which the next stop of the bastion is postponed, in ISO 8601; empty does not change it.
    bastion_stop_at: str = ""


# The properties that a new group does not have yet.
_EMPTY: Mapping[str, Any] = {"IpPermissions": (), "IpPermissionsEgress": ()}


@dataclass
class Work:
    """One run: the desired resources, the existing ones, and the changes."""

    calls: Calls
    spec: ClusterSpec
    wanted: Mapping[str, Desired]
    # The existing resources by key; functions add those that they create.
    things: dict[str, Existing]
    ours: list[Existing]
    makings: Mapping[str, Making]
    machines: Machines
    lines: list[str] = field(default_factory=list)

    @property
    def own_ids(self) -> set[str]:
        """Return the ids of the resources that had our tags when the run began."""
        return {thing.id for thing in self.ours}

    def id(self, key: str) -> str:
        """Return the id of an existing resource."""
        return self.things[key].id

    def want(self, key: str) -> Mapping[str, Any]:
        """Return the described properties of a resource."""
        return self.wanted[key].want

    def differs(self, key: str, *properties: str) -> bool:
        """Return whether one of the properties is not as described."""
        have, want = self.things[key].have, self.want(key)
        return any(not satisfied(name, have.get(name), want[name]) for name in properties)

    def make(
        self,
        key: str,
        within: Mapping[str, str] | None = None,
        more_tags: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> Existing:
        """Create an EC2 resource with its tags and return it; within is a filter that finds it again."""
        item = self.wanted[key]
        making, reading = self.makings[item.kind], reading_of(item.kind)
        tags = {**item.want["tags"], **(more_tags or {})}
        shared = {key: value for key, value in tags.items() if key not in making.own_tags}
        specifications = tag_specifications(tags, making.resource_type)
        specifications += tag_specifications(shared, *making.also_tagged)
        token = {"ClientToken": str(uuid.uuid4())} if making.has_token else {}
        answer = self.calls.create(
            reading.service,
            making.operation,
            lambda: self.find(item, within or {}),
            **parameters,
            TagSpecifications=specifications,
            **token,
        )
        if isinstance(answer, Existing):
            return self.note(key, answer)
        record = answer[making.answer] if making.answer else {**_EMPTY, **parameters, **answer}
        record = record[0] if isinstance(record, list) else record
        thing = existing_of(reading, record)
        # Some responses omit the tags.
        return self.note(key, replace(thing, tags=item.want["tags"], have={**thing.have, "tags": item.want["tags"]}))

    def note(self, key: str, thing: Existing) -> Existing:
        """Record and report a resource that this run has created."""
        self.calls.made(thing.id)
        self.things[key] = thing
        self.did("created", thing.kind, self.wanted[key].name, thing.id)
        return thing

    def find(self, item: Desired, within: Mapping[str, str]) -> Existing | None:
        """Return the resource of a call whose response was lost: it has our tags and did not exist before."""
        wanted = {
            "tag:Name": item.name,
            **{f"tag:{key}": value for key, value in owner_tags(self.spec).items()},
            **within,
        }
        known = {thing.id for thing in self.ours}
        return next((thing for thing in self.read(item.kind, wanted) if thing.id not in known), None)

    def read(self, kind: str, filters: Mapping[str, str]) -> list[Existing]:
        """Return the EC2 resources of a kind that match all filters."""
        reading = reading_of(kind)
        wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
        wanted += [{"Name": name, "Values": list(values)} for name, values in reading.filters]
        answer = self.calls.call(reading.service, reading.operation, Filters=wanted)
        return [existing_of(reading, record) for record in records_of(reading, answer)]

    def read_own(self, kind: str, **parameters: Any) -> list[Existing]:
        """Return the resources with our tags among those that a call lists."""
        reading = reading_of(kind)
        answer = self.calls.call(reading.service, reading.operation, **parameters)
        things = [existing_of(reading, record, self.spec) for record in records_of(reading, answer)]
        return [thing for thing in things if thing.owned]

    def tag(self, key: str) -> None:
        """Set the tags that differ, and keep all others."""
        self.tag_with(key, lambda tags: self.ec2("create_tags", Resources=[self.id(key)], Tags=tags))

    def tag_with(self, key: str, setting: Callable[[list[dict[str, str]]], Any]) -> None:
        """Set the tags that differ with the given call, and keep all others."""
        have = self.things[key].have.get("tags") or {}
        differing = {name: value for name, value in self.want(key)["tags"].items() if have.get(name) != value}
        if differing:
            setting(tag_list(differing))
            self.changed(key, "tags " + ", ".join(sorted(differing)))

    def ec2(self, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Make an EC2 call that can be repeated."""
        return self.calls.call("ec2", operation, **parameters)

    def changed(self, key: str, what: str) -> None:
        """Report a change of a resource."""
        self.did("changed", self.wanted[key].kind, self.wanted[key].name, self.id(key), what)

    def did(self, verb: str, kind: str, name: str, thing_id: str, what: str = "") -> None:
        """Report what was done, in one line."""
        shown = f" ({thing_id})" if thing_id != name else ""
        self.lines.append(f"{verb} {kind_word(kind)} {name}{shown}" + (f": {what}" if what else ""))


def tag_specifications(tags: Mapping[str, str], *types: str) -> list[dict[str, Any]]:
    """Return tags in the format of calls that create a resource."""
    return [{"ResourceType": kind, "Tags": tag_list(tags)} for kind in types]
