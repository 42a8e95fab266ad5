# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS clients that never send credentials to the wrong endpoint. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol

try:
    import boto3
    import botocore.config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
except ImportError:
    # AnsibleAWSModule reports a missing library before anything here runs.
    BotoCoreError = ClientError = ResponseParserError = Exception

from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from .._errors import Ec2Error
from .._findings import Finding, failure, finding, remedy_of
from .._text import received
from .refusals import FOR_CREDENTIALS, code_of, permission_of, special_remedy
from .spec import is_loopback, is_loopback_endpoint

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

LAB_ACCESS_KEY_ID = "lab-not-a-real-key"
# Credentials that are read locally. Others are fetched with the keys that must not reach a lab.
_STATIC_SOURCES = ("explicit", "env", "shared-credentials-file", "config-file")
_CONNECTIONS = 24
# Services with one region for all regions.
_REGIONS = {"budgets": "us-east-1", "ce": "us-east-1", "freetier": "us-east-1", "pricing": "us-east-1"}
# Services whose IAM prefix differs from their name in boto3.
_PREFIXES = {"service-quotas": "servicequotas"}
_ATTEMPTS = 3

# The prefix is the kind of resource. SSM returns InvalidResourceId for the tags of a parameter that does not exist.
_NOT_FOUND = re.compile(r".*(NotFound|NoSuch\w+|DoesNotExist)(Exception)?|Gateway\.NotAttached|InvalidResourceId")
_UNKNOWN = re.compile(r"not found|do(es)? not exist", re.IGNORECASE)


class Api(Protocol):
    """The AWS calls that readers need."""

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Return the response of an operation with all its pages."""


class AwsError(Ec2Error):
    """A failed call; problem is the same as a finding, reason is the AWS error code."""

    def __init__(self, problem: Finding, reason: str = "") -> None:
        super().__init__(failure(problem.subject, problem), problems=[problem])
        self.problem = problem
        self.reason = reason


class Refused(Ec2Error):
    """A refusal before the first call that changes something; problems has the same as findings."""

    def __init__(self, *problems: Finding) -> None:
        super().__init__("\n".join(failure(problem.subject, problem) for problem in problems), problems=problems)


def is_not_found(error: AwsError) -> bool:
    """Return whether a resource does not exist, or does not exist yet; each service has its own error codes."""
    # Auto Scaling has one code for all validation errors.
    unknown = error.reason == "ValidationError" and bool(_UNKNOWN.search(error.problem.message))
    return unknown or bool(_NOT_FOUND.fullmatch(error.reason))


def existing(api: Api, service: str, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
    """Return the response of an operation, or None if AWS says that the resource does not exist."""
    try:
        return api.call(service, operation, **parameters)
    except AwsError as error:
        if is_not_found(error):
            return None
        raise


class Credentials(NamedTuple):
    """The properties of credentials that are known without using them."""

    access_key_id: str | None
    has_token: bool
    source: str


def check_keys(access_key: Any, secret_key: Any, session_token: Any) -> None:
    """Raise if only some of the options of one credential are given: others would be used instead of it."""
    given = {"access_key": access_key, "secret_key": secret_key, "session_token": session_token}
    missing = [name for name in ("access_key", "secret_key") if not given[name]]
    if missing and any(given.values()):
        alone = " and ".join(name for name, value in given.items() if value)
        cause = f"{alone} {'need' if ' ' in alone else 'needs'} {' and '.join(missing)}"
        remedy = f"Set {' and '.join(missing)} too, or leave all of them out. Environment variables set them as well."
        raise AwsError(finding("CREDENTIALS_MISSING", "choose credentials", cause, remedy))


class Connection(NamedTuple):
    """An Api, its endpoint, and why it must not be used."""

    api: Api
    endpoint: str
    problems: tuple[Finding, ...]

    def checked(self) -> Api:
        """Return the Api, or raise for the first reason why it must not be used."""
        for problem in self.problems:
            raise AwsError(problem)
        return self.api


class AwsApi:
    """Api of real clients: retries unless configured not to, reads all pages, and converts errors to AwsError."""

    def __init__(
        self, clients: Mapping[str, Any], region: str, *, retry_on: Sequence[str] = (), once: bool = False
    ) -> None:
        self._clients = clients
        retry = AWSRetry.jittered_backoff(retries=6, delay=1, max_delay=20, catch_extra_error_codes=list(retry_on))
        self._answer = _answer if once else retry(_answer)
        self._region = region

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Return the response of an operation with all its pages."""
        client = self._clients[service]
        if not hasattr(client, operation):
            raise AwsError(_problem("BOTOCORE_TOO_OLD", "it is not supported", service, operation, self._region))
        try:
            answer: dict[str, Any] = received(self._answer(client, operation, parameters))
            return answer
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            raise_aws_error(error, service, operation, self._region)
        except (LookupError, AttributeError, TypeError, ValueError) as error:
            # Errors of botocore's parsers for responses that do not come from AWS, such as the page of a proxy.
            cause = received(f"botocore cannot parse the response ({type(error).__name__}: {error})")
            raise AwsError(_problem("ANSWER_INVALID", cause, service, operation, self._region)) from error


def _answer(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    if client.can_paginate(operation):
        return client.get_paginator(operation).paginate(**parameters).build_full_result()
    return getattr(client, operation)(**parameters)


def raise_aws_error(error: Exception, service: str, operation: str, region: str) -> NoReturn:
    """Raise AwsError for an exception of botocore."""
    # Connection errors also have the attribute, and it is None.
    answer = getattr(error, "response", None) or {}
    refusal, status = answer.get("Error", {}), answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason, message = str(refusal.get("Code", "")), str(refusal.get("Message", ""))
    cause = f"{reason}: {message}" if reason else str(error)
    if (made := getattr(error, "operation_name", "")) in FOR_CREDENTIALS:
        cause = f"{cause.rstrip('.')} (at {made}, which obtains the credentials)"
    code = code_of(reason, message or str(error), [cls.__name__ for cls in type(error).__mro__], operation, status)
    raise AwsError(_problem(code, received(cause), service, operation, region), received(reason)) from error


def _problem(code: str, cause: str, service: str, operation: str, region: str) -> Finding:
    call = f"{_PREFIXES.get(service, service)}:{_action(operation)}"
    permission = permission_of(cause) or call
    remedy = special_remedy(code, cause, permission) or remedy_of(code, permission=permission)
    return finding(code, f"call {call} in {_REGIONS.get(service, region)}", cause, remedy)


def _action(operation: str) -> str:
    return "".join("AWS" if word == "aws" else word.capitalize() for word in operation.split("_"))


def connect(
    module: AnsibleAWSModule,
    services: Iterable[str],
    *,
    region: str | None = None,
    cidr: str = "",
    retry_on: Sequence[str] = (),
    once: bool = False,
) -> Api:
    """Return the Api of the given services, or raise before any credential is sent to a wrong endpoint.

    With once, calls are never retried: the caller decides which calls it may retry.
    """
    return connect_checked(module, services, region=region, cidr=cidr, retry_on=retry_on, once=once).checked()


def connect_checked(
    module: AnsibleAWSModule,
    services: Iterable[str],
    *,
    region: str | None = None,
    cidr: str = "",
    retry_on: Sequence[str] = (),
    once: bool = False,
) -> Connection:
    """Return the Api of the given services with the reasons, if any, why it must not be used.

    All clients use one session, so that boto3 reads its data files once. A session is not thread-safe, but its clients
    are.
    """
    if region:
        # Otherwise amazon.aws creates its own session only to determine the region.
        module.params["region"] = region
    configured_region, endpoint_url, options = get_aws_connection_info(module)
    region = configured_region or ""
    check_keys(*(options.get(f"aws_{name}") for name in ("access_key_id", "secret_access_key", "session_token")))
    session, arguments = _session(dict(options), region, attempts=1 if once else _ATTEMPTS)
    arguments = {**arguments, "region_name": region or None, "endpoint_url": endpoint_url}
    clients = {name: _client(session, name, arguments) for name in services}
    credentials = credentials_of(session, arguments, region)
    endpoints = tuple(dict.fromkeys(client.meta.endpoint_url for client in clients.values()))
    found = (problem for endpoint in endpoints for problem in endpoint_problems(endpoint, credentials, cidr))
    unique = tuple({problem.code: problem for problem in found}.values())
    return Connection(AwsApi(clients, region, retry_on=retry_on, once=once), endpoints[0], unique)


def _client(session: Any, service: str, arguments: Mapping[str, Any]) -> Any:
    try:
        return session.client(service, **{**arguments, "region_name": _REGIONS.get(service, arguments["region_name"])})
    except (BotoCoreError, ValueError) as error:
        raise AwsError(finding("CONNECTION_INVALID", f"create a client for {service}", str(error))) from error


def _session(options: dict[str, Any], region: str, *, attempts: int) -> tuple[Any, dict[str, Any]]:
    try:
        session = boto3.session.Session(profile_name=options.pop("profile_name", None))
    except BotoCoreError as error:
        raise_aws_error(error, "sts", "get_caller_identity", region)
    # AWSRetry does most retries; botocore only handles short interruptions.
    config = botocore.config.Config(
        connect_timeout=10,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    given = options.pop("aws_config", None)
    return session, {**options, "config": config.merge(given) if given else config}


def credentials_of(session: Any, arguments: Mapping[str, Any], region: str) -> Credentials | None:
    """Return the properties of the credentials that calls would use; nothing if there are none."""
    if arguments.get("aws_access_key_id"):
        token = bool(arguments.get("aws_session_token"))
        return Credentials(arguments["aws_access_key_id"], has_token=token, source="explicit")
    try:
        found = session.get_credentials()
    except BotoCoreError as error:
        raise_aws_error(error, "sts", "get_caller_identity", region)
    if found is None:
        return None
    if found.method not in _STATIC_SOURCES:
        return Credentials(None, has_token=True, source=found.method)
    return Credentials(found.access_key, has_token=bool(found.token), source=found.method)


def endpoint_problems(endpoint: str, credentials: Credentials | None, cidr: str = "") -> Iterator[Finding]:
    """Yield why these credentials and this VPC must not be used with this endpoint."""
    if not is_loopback_endpoint(endpoint):
        yield from _real_endpoint_problems(endpoint, credentials, cidr)
        return
    if credentials is None:
        return
    if credentials.access_key_id != LAB_ACCESS_KEY_ID or credentials.has_token:
        yield finding(
            "REAL_CREDENTIALS_ON_LAB_ENDPOINT",
            f"use the lab endpoint {endpoint}",
            f"the credentials (from {credentials.source}) are not the lab's, and real credentials must never be sent "
            f"to a lab",
        )


def _real_endpoint_problems(endpoint: str, credentials: Credentials | None, cidr: str) -> Iterator[Finding]:
    if cidr and is_loopback(cidr):
        yield finding(
            "LOOPBACK_VPC_ON_REAL_ENDPOINT",
            f"use {cidr} at {endpoint}",
            "127.0.0.0/8 is the controller's loopback network, so only a lab on a loopback endpoint can use it",
        )
    if credentials is not None and credentials.access_key_id == LAB_ACCESS_KEY_ID:
        yield finding(
            "LAB_CREDENTIALS_ON_REAL_ENDPOINT",
            f"use the lab's credentials at {endpoint}",
            "they are not AWS credentials",
        )
