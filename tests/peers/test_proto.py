# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our table of the Talos API agrees with the descriptors of every supported release, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import proto
from tests.peers.descriptors import Api, api_of, resource_api_of
from tests.peers.judges import OLDEST, VERSIONS, CannotBuildError, Version

# Payloads of resources, to which no method leads.
PAYLOADS = {
    "NodenameSpec": ".talos.resource.definitions.k8s.NodenameSpec",
    "ResourceDefinitionSpec": ".cosi.resource.meta.ResourceDefinitionSpec",
}
COSI = "/cosi.resource.State/"
ENUM, INT32, REPEATED = 14, 5, 3
NEWEST = VERSIONS[-1]


@pytest.fixture(scope="module", params=(OLDEST, *VERSIONS), ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> Version:
    """Give each supported version."""
    found: Version = request.param
    return found


@pytest.fixture(scope="module")
def newest() -> Api:
    """Give the API of the newest version, or say why it is not available."""
    try:
        return api_of(NEWEST)
    except CannotBuildError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def api(version: Version) -> Api:
    """Give the API of the version, or say why it is not available."""
    try:
        return api_of(version)
    except CannotBuildError as error:
        pytest.skip(str(error))


def pairs(api: Api) -> dict[str, str]:
    """Return the names of our messages with those of Talos, found along methods and fields."""
    found: dict[str, str] = {}
    waiting = [pair for pair in PAYLOADS.items() if pair[1] in api.messages]
    for path, method in proto.methods().items():
        if theirs := api.methods.get(path):
            waiting += [(method.request, theirs.input_type), (method.reply, theirs.output_type)]
    while waiting:
        name, their_name = waiting.pop()
        if name not in found:
            found[name] = their_name
            waiting += inner(name, api.messages[their_name])
    return found


def inner(name: str, theirs: Any) -> Iterator[tuple[str, str]]:
    """Yield the messages in the fields of one message."""
    known = {field.name: field.type_name for field in theirs.field}
    for field in proto.message(name).DESCRIPTOR.fields:
        if field.message_type and known.get(field.name):
            yield field.message_type.name, known[field.name]


def shape(field: Any) -> tuple[str, int, bool]:
    """Return the name, type and cardinality of a described field; an enum is an int32 on the wire."""
    kind = INT32 if field.type == ENUM else field.type
    return field.name, kind, field.label == REPEATED


def our_shape(field: Any) -> tuple[str, int, bool]:
    """Return the same of a field of ours."""
    return field.name, field.type, field.is_repeated


def test_every_method_streams_as_talos_describes_it(api: Api) -> None:
    differing = {
        path
        for path, method in proto.methods().items()
        if (theirs := api.methods.get(path))
        and (method.request_streams, method.reply_streams) != (theirs.client_streaming, theirs.server_streaming)
    }

    assert differing == set()


def differing(api: Api) -> list[tuple[str, int, Any, Any]]:
    """Return the fields whose number, type or cardinality is not the described one."""
    return [
        (their_name, field.number, our_shape(field), theirs[field.number])
        for name, their_name in pairs(api).items()
        for theirs in ({field.number: shape(field) for field in api.messages[their_name].field},)
        for field in proto.message(name).DESCRIPTOR.fields
        # A later release may add a field, but no release may use its number for another one.
        if theirs.get(field.number, our_shape(field)) != our_shape(field)
    ]


def test_every_field_has_the_number_and_type_that_talos_describes(api: Api) -> None:
    assert differing(api) == []


def test_the_newest_release_has_everything_that_the_table_holds(newest: Api) -> None:
    methods = {path for path in proto.methods() if path not in newest.methods}
    fields = [
        (their_name, field.name)
        for name, their_name in pairs(newest).items()
        for field in proto.message(name).DESCRIPTOR.fields
        if field.name not in {known.name for known in newest.messages[their_name].field}
    ]

    assert (methods, fields) == (set(), [])


def test_every_message_is_compared(newest: Api) -> None:
    known = set(proto.message("Empty").DESCRIPTOR.file.message_types_by_name)

    assert known - set(pairs(newest)) == set()


def test_the_resource_api_is_what_the_cosi_of_every_release_describes(version: Version) -> None:
    try:
        resources = resource_api_of(version)
    except CannotBuildError as error:
        pytest.skip(str(error))

    compared = {path for path in proto.methods() if path in resources.methods}

    assert compared == {f"{COSI}Get", f"{COSI}List"}
    assert {"Resource", "ResourceMetadata", "ResourceSpec", "ListOptions", "PrintColumn"} <= set(pairs(resources))
    assert differing(resources) == []
