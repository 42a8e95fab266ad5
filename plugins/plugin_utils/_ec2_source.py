# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read instances from EC2: the inventory's one place that calls AWS. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, NoReturn, Protocol

from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error, InputError
from ansible_collections.urmanac.talos.plugins.plugin_utils._ec2_nodes import Query

try:
    import botocore.session
    from botocore.exceptions import BotoCoreError, ClientError

    HAS_BOTOCORE = True
except ImportError:
    HAS_BOTOCORE = False

# The largest page is 1,000; a smaller one bounds what a parsed page takes in memory, and is still one call for a cluster.
PAGE_SIZE = 500
REGIONS_AT_ONCE = 8

CREDENTIALS = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the option profile."
REACH = "Check the region's name, the network, and AWS_ENDPOINT_URL where it is set (a lab must be up: python -m lab up)."
REMEDIES = {
    "AuthFailure": "The credentials are not valid here: renew them, and check the machine's clock.",
    "ConnectTimeoutError": REACH,
    "EndpointConnectionError": REACH,
    "ExpiredToken": "Log in again.",
    "InvalidParameterValue": "Correct the option filters.",
    "NoCredentialsError": CREDENTIALS,
    "NoRegionError": "Set the option regions, or AWS_REGION.",
    "PartialCredentialsError": CREDENTIALS,
    "ProfileNotFound": "Name a profile that `aws configure list-profiles` shows.",
    "RequestExpired": "Log in again, and check the machine's clock.",
    "RequestLimitExceeded": "Wait, or switch the option cache on, and run again.",
    "UnauthorizedOperation": "Allow the action ec2:DescribeInstances to these credentials.",
}


class Access(NamedTuple):
    """How the user wants AWS to be reached; empty means that botocore's own chain decides."""

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
    """Return a botocore session that leaves timestamps as the text that AWS sent.

    Text can be cached as it is, and turning thousands of them into objects takes a quarter of the parser's time.
    """
    if access.profile and (access.access_key or access.secret_key):
        raise InputError("Failed to choose credentials: both a profile and access keys are given. Leave one of them out.")
    session = botocore.session.Session(profile=access.profile)
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    if access.access_key and access.secret_key:
        session.set_credentials(access.access_key, access.secret_key, access.session_token)
    return session


def client_of(session: Any, region: str, *, endpoint_url: str | None) -> Client:
    """Return an EC2 client for a region; an empty one means the profile's."""
    return session.create_client("ec2", region_name=region or None, endpoint_url=endpoint_url)


def instances_of(client: Client, filters: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, Any]]:
    """Return every instance that passes the filters, as AWS describes it."""
    pages = client.get_paginator("describe_instances").paginate(
        Filters=[{"Name": name, "Values": list(values)} for name, values in filters],
        PaginationConfig={"PageSize": PAGE_SIZE},
    )
    return [
        instance
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]


def read_instances(query: Query, access: Access) -> dict[str, list[dict[str, Any]]]:
    """Return the instances by region, regions side by side; an error names the region and the remedy."""

    def read(region: str) -> tuple[str, list[dict[str, Any]]]:
        try:
            client = client_of(session_of(access), region, endpoint_url=access.endpoint_url)
            return client.meta.region_name, instances_of(client, query.filters)
        except (BotoCoreError, ClientError, ValueError) as error:
            fail(error, region)

    with ThreadPoolExecutor(max_workers=min(len(query.regions), REGIONS_AT_ONCE)) as pool:
        return dict(pool.map(read, query.regions))


def fail(error: Exception, region: str) -> NoReturn:
    """Raise what a user reads instead of a botocore error."""
    where = f"region {region}" if region else "the default region"
    cause = str(error).rstrip(".")
    raise Ec2Error(f"Failed to describe instances in {where}: {cause}. {remedy_of(error)}") from error


def remedy_of(error: Exception) -> str:
    """Return what to do about an error of botocore or AWS."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
    return REMEDIES.get(code, "Correct what it says and run again.")
