# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read instances from EC2, for the inventory. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from ..module_utils._ec2.client import (
    AwsError,
    check_keys,
    credentials_of,
    endpoint_problems,
    raise_aws_error,
)
from ..module_utils._errors import InputError
from ..module_utils._text import received
from ._ec2_nodes import Query

try:
    import botocore.session
    from botocore.exceptions import BotoCoreError, ClientError

    HAS_BOTOCORE = True
except ImportError:
    HAS_BOTOCORE = False

# The largest page is 1,000; a smaller one bounds the memory of a parsed page, and is still one call for a cluster.
PAGE_SIZE = 500
REGIONS_AT_ONCE = 8
# What becomes a host variable. Turning the other fields into objects that no one reads takes botocore a third of its
# time, and makes a cached answer three times as large.
WANTED = {
    "Instance": [
        "Architecture",
        "ImageId",
        "InstanceId",
        "InstanceType",
        "LaunchTime",
        "NetworkInterfaces",
        "Placement",
        "PrivateDnsName",
        "PrivateIpAddress",
        "PublicDnsName",
        "PublicIpAddress",
        "SecurityGroups",
        "State",
        "SubnetId",
        "Tags",
        "VpcId",
    ],
    "InstanceNetworkInterface": ["Attachment", "Ipv6Addresses", "NetworkInterfaceId"],
    "InstanceNetworkInterfaceAttachment": ["DeviceIndex"],
    "Placement": ["AvailabilityZone"],
}


class Access(NamedTuple):
    """The user's settings for AWS; None means that botocore's own chain decides."""

    access_key: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None


class Paginator(Protocol):
    """The part of botocore's paginators that is used here."""

    def paginate(self, **arguments: Any) -> Iterable[dict[str, Any]]: ...


class Client(Protocol):
    """The part of botocore's EC2 client that is used here."""

    meta: Any

    def get_paginator(self, operation_name: str) -> Paginator: ...


def session_of(access: Access) -> Any:
    """Return a botocore session that parses the needed fields of an instance, with timestamps as AWS sent them."""
    if access.profile and (access.access_key or access.secret_key or access.session_token):
        raise InputError(
            "Failed to choose credentials: both a profile and access keys are given. Leave one of them out."
        )
    check_keys(access.access_key, access.secret_key, access.session_token)
    session = botocore.session.Session(profile=access.profile)
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    shapes = session.get_component("data_loader").load_service_model("ec2", "service-2")["shapes"]
    for shape, wanted in WANTED.items():
        shapes[shape]["members"] = {name: shapes[shape]["members"][name] for name in wanted}
    if access.access_key:
        session.set_credentials(access.access_key, access.secret_key, access.session_token)
    return session


def client_of(session: Any, region: str, *, endpoint_url: str | None) -> Client:
    """Return an EC2 client for a region, or raise before any credential goes where it must not."""
    region = region or session.get_config_variable("region")
    if not region:
        raise InputError(
            "Failed to choose a region: none is given. Set the option regions, or AWS_REGION.", code="INPUT_MISSING"
        )
    try:
        client = session.create_client("ec2", region_name=region, endpoint_url=endpoint_url)
    except ValueError as error:
        raise InputError(f"Failed to use the endpoint or region: {error}. Correct the option that names it.") from error
    for problem in endpoint_problems(client.meta.endpoint_url, credentials_of(session, {}, region)):
        raise AwsError(problem)
    return client


def instances_of(client: Client, filters: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, Any]]:
    """Return every instance that passes the filters."""
    pages = client.get_paginator("describe_instances").paginate(
        Filters=[{"Name": name, "Values": list(values)} for name, values in filters],
        PaginationConfig={"PageSize": PAGE_SIZE},
    )
    reservations = (reservation for page in pages for reservation in page["Reservations"])
    return [received(instance) for reservation in reservations for instance in reservation["Instances"]]


def read_instances(query: Query, access: Access) -> dict[str, list[dict[str, Any]]]:
    """Return the instances by region, having read the regions side by side."""

    def read(region: str) -> tuple[str, list[dict[str, Any]]]:
        try:
            client = client_of(session_of(access), region, endpoint_url=access.endpoint_url)
            return client.meta.region_name, instances_of(client, query.filters)
        except (BotoCoreError, ClientError) as error:
            raise_aws_error(error, "ec2", "describe_instances", region or "the default region")

    with ThreadPoolExecutor(max_workers=min(len(query.regions), REGIONS_AT_ONCE)) as pool:
        return dict(pool.map(read, query.regions))
