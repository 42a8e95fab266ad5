# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which credentials may be sent where, and of the messages about refusals of AWS."""

from __future__ import annotations

import re
from typing import Any

import botocore.exceptions
import botocore.retries.standard
import botocore.session
import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import (
    LAB_ACCESS_KEY_ID,
    AwsApi,
    AwsError,
    Credentials,
    check_keys,
    endpoint_problems,
    is_not_found,
)
from ansible_collections.urmanac.talos.plugins.module_utils._findings import Finding, finding
from tests.aws_services import services_called
from tests.fake_credentials import ACCESS_KEY_ID

LAB = "http://127.0.0.1:5510"
AWS = "https://ec2.eu-west-1.amazonaws.com"
LAB_KEYS = Credentials(LAB_ACCESS_KEY_ID, has_token=False, source="env")
REAL_KEYS = Credentials(ACCESS_KEY_ID, has_token=False, source="shared-credentials-file")


class FailingClient:
    """A client whose every call fails with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def can_paginate(self, operation: str) -> bool:
        return False

    def describe_vpcs(self) -> dict[str, Any]:
        raise self.error

    release_address = describe_vpcs


class PagingClient:
    """A client that answers in two pages."""

    def can_paginate(self, operation: str) -> bool:
        return True

    def get_paginator(self, operation: str) -> PagingClient:
        return self

    def paginate(self, **parameters: Any) -> PagingClient:
        return self

    def describe_vpcs(self, **parameters: Any) -> None:
        raise AssertionError("it would be the first page alone")

    def build_full_result(self) -> dict[str, Any]:
        return {"Vpcs": [1, 2]}


def refusal(code: str, message: str = "Reported by AWS.", status: int = 400) -> Exception:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return botocore.exceptions.ClientError(answer, "DescribeVpcs")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("endpoint", "credentials", "cidr", "expected"),
    [
        pytest.param(LAB, LAB_KEYS, "127.10.0.0/16", [], id="the lab"),
        pytest.param(AWS, REAL_KEYS, "10.10.0.0/16", [], id="AWS"),
        pytest.param(LAB, None, "127.10.0.0/16", [], id="nothing to leak"),
        pytest.param(LAB, REAL_KEYS, "10.10.0.0/16", ["REAL_CREDENTIALS_ON_LAB_ENDPOINT"], id="real keys in the lab"),
        pytest.param(
            LAB,
            LAB_KEYS._replace(has_token=True),
            "",
            ["REAL_CREDENTIALS_ON_LAB_ENDPOINT"],
            id="a real session token beside the lab's keys",
        ),
        pytest.param(
            LAB,
            Credentials(None, has_token=True, source="assume-role"),
            "",
            ["REAL_CREDENTIALS_ON_LAB_ENDPOINT"],
            id="keys that would have to be fetched first",
        ),
        pytest.param(AWS, REAL_KEYS, "127.10.0.0/16", ["LOOPBACK_VPC_ON_REAL_ENDPOINT"], id="the lab's VPC on AWS"),
        pytest.param(AWS, None, "127.10.0.0/16", ["LOOPBACK_VPC_ON_REAL_ENDPOINT"], id="the same without keys"),
        pytest.param(AWS, LAB_KEYS, "10.10.0.0/16", ["LAB_CREDENTIALS_ON_REAL_ENDPOINT"], id="the lab's keys on AWS"),
    ],
)
def test_lab_and_aws_are_kept_apart(
    endpoint: str, credentials: Credentials | None, cidr: str, expected: list[str]
) -> None:
    assert [problem.code for problem in endpoint_problems(endpoint, credentials, cidr)] == expected


def test_a_real_key_is_not_repeated_in_the_message() -> None:
    (problem,) = endpoint_problems(LAB, REAL_KEYS)

    assert "AKIA" not in str(AwsError(problem))


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        pytest.param(botocore.exceptions.NoCredentialsError(), "CREDENTIALS_MISSING", "AWS_PROFILE", id="none"),
        pytest.param(refusal("ExpiredToken"), "CREDENTIALS_EXPIRED", "aws sso login", id="expired"),
        pytest.param(refusal("AuthFailure"), "CREDENTIALS_INVALID", "clock", id="invalid"),
        pytest.param(
            refusal("UnrecognizedClientException"), "CREDENTIALS_INVALID", "region is enabled", id="region not enabled"
        ),
        pytest.param(refusal("UnauthorizedOperation"), "NOT_AUTHORIZED", "ec2:DescribeVpcs", id="not allowed"),
        pytest.param(
            botocore.exceptions.EndpointConnectionError(endpoint_url=LAB),
            "ENDPOINT_UNREACHABLE",
            "AWS_ENDPOINT_URL",
            id="nothing listens",
        ),
        pytest.param(
            botocore.exceptions.ConnectTimeoutError(endpoint_url=AWS), "ENDPOINT_UNREACHABLE", "network", id="silence"
        ),
        pytest.param(refusal("Brandnew"), "AWS_ERROR", "Brandnew: Reported by AWS", id="anything else"),
    ],
)
def test_a_refused_call_names_the_call_the_cause_and_the_remedy(error: Exception, code: str, said: str) -> None:
    api = AwsApi({"ec2": FailingClient(error)}, "eu-west-1")

    with pytest.raises(AwsError) as raised:
        api.call("ec2", "describe_vpcs")

    assert raised.value.problem.code == code
    assert str(raised.value).startswith("Failed to call ec2:DescribeVpcs in eu-west-1: ")
    assert said in str(raised.value)


def problem_of(error: Exception, operation: str = "describe_vpcs") -> Finding:
    """Return the message about a call that fails without a retry."""
    with pytest.raises(AwsError) as raised:
        AwsApi({"ec2": FailingClient(error)}, "eu-west-1", once=True).call("ec2", operation)
    return raised.value.problem


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            botocore.exceptions.ConnectionClosedError(endpoint_url=AWS),
            "Connection was closed before we received a valid response from endpoint URL",
            id="closed without an answer",
        ),
        pytest.param(
            botocore.exceptions.ReadTimeoutError(endpoint_url=AWS), "Read timeout on endpoint URL", id="read timeout"
        ),
        pytest.param(botocore.exceptions.HTTPClientError(error="odd"), "unhandled exception: odd", id="HTTP client"),
        pytest.param(
            botocore.exceptions.ResponseStreamingError(error="cut"), "reading from response stream: cut", id="stream"
        ),
        pytest.param(
            botocore.exceptions.SSLError(endpoint_url=AWS, error="EOF occurred in violation of protocol"),
            "SSL validation failed",
            id="cut handshake",
        ),
        pytest.param(botocore.exceptions.ProxyConnectionError(proxy_url="http://p"), "Failed to connect", id="proxy"),
    ],
)
def test_case_01_aws_connection_closed(error: Exception, words: str) -> None:
    problem = problem_of(error)

    assert (problem.code, words in problem.message) == ("ENDPOINT_UNREACHABLE", True)
    assert "Check the network" in problem.remedy


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        pytest.param(refusal("RequestExpired"), "REQUEST_EXPIRED", "clock", id="RequestExpired"),
        pytest.param(
            refusal("InvalidSignatureException", "Signature expired: 20261129T100000Z is now earlier than"),
            "REQUEST_EXPIRED",
            "clock",
            id="InvalidSignatureException of an old signature",
        ),
        pytest.param(
            refusal("InvalidSignatureException", "The request signature does not match"),
            "CREDENTIALS_INVALID",
            "secret key",
            id="InvalidSignatureException of a wrong key",
        ),
        pytest.param(
            botocore.exceptions.SSLError(endpoint_url=AWS, error="certificate verify failed: self-signed certificate"),
            "ENDPOINT_NOT_TRUSTED",
            "the proxy's authority",
            id="certificate of a proxy",
        ),
        pytest.param(
            botocore.exceptions.SSLError(endpoint_url=AWS, error="[Errno 2] No such file or directory"),
            "ENDPOINT_NOT_TRUSTED",
            "the file of AWS_CA_BUNDLE",
            id="bundle that does not exist",
        ),
        pytest.param(refusal("OptInRequired"), "ACCOUNT_NOT_READY", "enable the region", id="OptInRequired"),
        pytest.param(
            refusal("PendingVerification"), "ACCOUNT_NOT_READY", "verifies a new account", id="PendingVerification"
        ),
        pytest.param(refusal("Blocked"), "ACCOUNT_NOT_READY", "e-mail", id="Blocked"),
        pytest.param(refusal("InvalidIPAddress.InUse"), "ADDRESS_IN_USE", "describe-network-interfaces", id="address"),
        pytest.param(
            refusal("InsufficientFreeAddressesInSubnet"), "SUBNET_FULL", "Delete unused network interf", id="full"
        ),
        pytest.param(
            refusal("RulesPerSecurityGroupLimitExceeded"), "LIMIT_EXCEEDED", "Service Quotas", id="rules of a group"
        ),
        pytest.param(refusal("VcpuLimitExceeded"), "LIMIT_EXCEEDED", "Service Quotas", id="vCPUs"),
        pytest.param(refusal("LimitExceededException"), "LIMIT_EXCEEDED", "Service Quotas", id="limit of IAM"),
        pytest.param(refusal("InsufficientInstanceCapacity"), "NO_CAPACITY", "availability_zone", id="capacity"),
        pytest.param(refusal("ServiceUnavailable"), "AWS_UNAVAILABLE", "Wait a few minutes", id="ServiceUnavailable"),
        pytest.param(refusal("InternalError"), "AWS_UNAVAILABLE", "Wait a few minutes", id="InternalError"),
        pytest.param(
            refusal("InternalServerException", status=500), "AWS_UNAVAILABLE", "Wait a few minutes", id="Scheduler"
        ),
        pytest.param(refusal("InternalServerError", status=500), "AWS_UNAVAILABLE", "Wait a few minutes", id="SSM"),
        pytest.param(
            refusal("InsufficientAddressCapacity", status=500), "AWS_UNAVAILABLE", "Wait a few minutes", id="addresses"
        ),
        pytest.param(
            refusal("InsufficientInstanceCapacity", status=500), "NO_CAPACITY", "availability_zone", id="capacity, 500"
        ),
        pytest.param(
            refusal(
                "InvalidParameterCombination",
                "The specified instance type is not eligible for Free Tier.",
            ),
            "FREE_PLAN_TYPE",
            "Paid plan",
            id="Free plan",
        ),
        pytest.param(
            refusal(
                "Unsupported",
                "Your requested instance type (m6gd.large) is not supported in your requested Availability Zone (a).",
            ),
            "TYPE_NOT_IN_ZONE",
            "cluster_availability_zone or type",
            id="type in a zone",
        ),
        pytest.param(
            refusal("RegionDisabledException", "STS is not activated in this region for account:1."),
            "ACCOUNT_NOT_READY",
            "enable the region",
            id="region of STS",
        ),
        pytest.param(refusal("InvalidAccessKeyId"), "CREDENTIALS_INVALID", "access key", id="key, S3"),
        pytest.param(refusal("InvalidToken"), "CREDENTIALS_INVALID", "access key", id="token, S3"),
        pytest.param(
            refusal("MissingAuthenticationTokenException"), "CREDENTIALS_INVALID", "access key", id="token, SSM"
        ),
        pytest.param(refusal("NotSignedUp"), "ACCOUNT_NOT_READY", "enable the region", id="S3 is not enabled"),
        pytest.param(refusal("403", "Forbidden"), "NOT_AUTHORIZED", "Allow ec2:DescribeVpcs", id="a head request"),
        pytest.param(
            refusal("AuthFailure.ServiceLinkedRoleCreationNotPermitted"),
            "NOT_AUTHORIZED",
            "Allow iam:CreateServiceLinkedRole",
            id="service-linked role",
        ),
        pytest.param(
            refusal("EntityTemporarilyUnmodifiable"), "CHANGE_IN_PROGRESS", "Wait a few minutes", id="role made again"
        ),
        pytest.param(refusal("OperationAborted"), "CHANGE_IN_PROGRESS", "Wait a few minutes", id="bucket that changes"),
        pytest.param(refusal("InsufficientVolumeCapacity"), "NO_CAPACITY", "availability_zone", id="volumes"),
        pytest.param(refusal("SlowDown", status=503), "REQUEST_LIMIT_EXCEEDED", "Wait", id="S3"),
        pytest.param(
            botocore.exceptions.UnauthorizedSSOTokenError(), "CREDENTIALS_EXPIRED", "aws sso login", id="SSO token"
        ),
        pytest.param(botocore.exceptions.LoginRefreshRequired(), "CREDENTIALS_EXPIRED", "Log in again", id="aws login"),
        pytest.param(
            botocore.exceptions.ConfigParseError(path="/c"), "SETTINGS_INVALID", "~/.aws/config", id="ConfigParseError"
        ),
        pytest.param(
            botocore.exceptions.InvalidConfigError(error_msg="x"),
            "SETTINGS_INVALID",
            "~/.aws/config",
            id="InvalidConfig",
        ),
        pytest.param(botocore.exceptions.NoRegionError(), "SETTINGS_INVALID", "AWS_REGION", id="NoRegionError"),
        pytest.param(
            botocore.exceptions.InvalidRegionError(region_name="eu west"), "SETTINGS_INVALID", "AWS_REGION", id="region"
        ),
    ],
)
def test_case_16_clock_and_other_codes(error: Exception, code: str, remedy: str) -> None:
    problem = problem_of(error)

    assert (problem.code, remedy in problem.remedy) == (code, True), problem.remedy
    assert "API reference" not in problem.remedy


MAY_NOT = "The instance 'i-0123456789abcdef0' may not be terminated. Modify its '{}' instance attribute and try again."


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        pytest.param(refusal("DependencyViolation"), "STILL_IN_USE", "filter subnet-id", id="dependency"),
        pytest.param(refusal("DeleteConflict"), "STILL_IN_USE", "The message names it", id="IAM"),
        pytest.param(refusal("ResourceInUse"), "STILL_IN_USE", "The message names it", id="group"),
        pytest.param(refusal("InvalidNetworkInterface.InUse"), "STILL_IN_USE", "The message names it", id="interface"),
        pytest.param(refusal("VolumeInUse"), "STILL_IN_USE", "The message names it", id="volume"),
        pytest.param(refusal("InvalidIPAddress.InUse"), "STILL_IN_USE", "The message names it", id="Elastic IP"),
        pytest.param(
            refusal("InvalidParameterValue", "Network interface 'eni-1' is currently in use."),
            "STILL_IN_USE",
            "The message names it",
            id="busy interface",
        ),
        pytest.param(
            refusal("ScalingActivityInProgress"), "CHANGE_IN_PROGRESS", "describe-scaling-activities", id="scaling"
        ),
        pytest.param(refusal("ResourceContention"), "CHANGE_IN_PROGRESS", "Wait a few minutes", id="contention"),
        pytest.param(
            refusal("PriorRequestNotComplete"), "CHANGE_IN_PROGRESS", "Wait a few minutes", id="prior request"
        ),
        pytest.param(refusal("IncorrectState"), "CHANGE_IN_PROGRESS", "Wait a few minutes", id="state"),
        pytest.param(refusal("IncorrectInstanceState"), "CHANGE_IN_PROGRESS", "Wait a few minutes", id="machine"),
        pytest.param(refusal("ConcurrentModification"), "CHANGE_IN_PROGRESS", "Wait a few minutes", id="role"),
        pytest.param(refusal("InvalidAddress.Locked"), "ADDRESS_LOCKED", "reset-address-attribute", id="locked"),
        pytest.param(
            refusal("CannotDelete"), "OPERATION_NOT_PERMITTED", "deletes its parts as well", id="default group"
        ),
        pytest.param(
            refusal("AuthFailure", "You do not have permission to access the specified resource."),
            "OPERATION_NOT_PERMITTED",
            "deletes its parts as well",
            id="interface of a service",
        ),
        pytest.param(
            refusal("OperationNotPermitted", MAY_NOT.format("disableApiTermination")),
            "OPERATION_NOT_PERMITTED",
            "--instance-id i-0123456789abcdef0 --no-disable-api-termination",
            id="termination protection",
        ),
        pytest.param(
            refusal("OperationNotPermitted", MAY_NOT.format("disableApiStop")),
            "OPERATION_NOT_PERMITTED",
            "--instance-id i-0123456789abcdef0 --no-disable-api-stop",
            id="stop protection",
        ),
        pytest.param(
            refusal("ValidationError", "The group has Deletion Protection prevent-all-deletion."),
            "OPERATION_NOT_PERMITTED",
            "--deletion-protection none",
            id="protection of a group",
        ),
    ],
)
def test_each_refusal_of_a_deletion_has_a_remedy_of_its_own(error: Exception, code: str, remedy: str) -> None:
    problem = problem_of(error, "release_address")

    assert (problem.code, remedy in problem.remedy) == (code, True), problem.remedy


# As the first Auto Scaling group of an account is refused.
LINKED = (
    "The default Service-Linked Role for Auto Scaling could not be created. com.amazonaws.services.identitymanagement."
    "model.AmazonIdentityManagementException: User: arn:aws:iam::1:user/ada is not authorized to perform: "
    "iam:CreateServiceLinkedRole on resource: arn:aws:iam::1:role/aws-service-role/autoscaling.amazonaws.com/"
)
DENIED = "User: arn:aws:iam::1:user/ada is not authorized to perform: iam:PassRole on resource: r because "


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        pytest.param(f"{DENIED}no identity-based policy allows it", "Allow iam:PassRole to", id="named by AWS"),
        pytest.param(LINKED, "Allow iam:CreateServiceLinkedRole to", id="role of a service"),
        pytest.param(f"{DENIED}an explicit deny in a service control policy", "of the organization denies", id="SCP"),
        pytest.param(f"{DENIED}no permissions boundary allows it", "permissions boundary of", id="boundary"),
        pytest.param(
            f"{DENIED}no VPC endpoint policy allows the iam:PassRole action",
            "The VPC endpoint policy does not allow iam:PassRole: allow it there, or call AWS over the internet",
            id="endpoint",
        ),
        pytest.param(
            f"{DENIED}no session policy allows the iam:PassRole action",
            "The session policy does not allow iam:PassRole: allow it there, or call AWS with a session that has no",
            id="session",
        ),
        pytest.param(f"{DENIED}an explicit deny in an identity-based policy", "remove that statement", id="deny"),
        pytest.param(
            "You are not authorized. Encoded authorization failure message: AbC-_1",
            "decode-authorization-message",
            id="encoded",
        ),
        pytest.param(
            "You are not authorized, with an explicit deny. Encoded authorization failure message: AbC-_1",
            "remove that statement",
            id="encoded deny",
        ),
    ],
)
def test_a_denial_names_the_permission_and_the_policy_that_denies(message: str, remedy: str) -> None:
    problem = problem_of(refusal("UnauthorizedOperation", message))

    assert (problem.code, remedy in problem.remedy) == ("NOT_AUTHORIZED", True), problem.remedy
    assert message in problem.message


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        pytest.param(("AKIAMINE", None, None), "access_key needs secret_key", id="access key"),
        pytest.param((None, "hush", ""), "secret_key needs access_key", id="secret key"),
        pytest.param(("", "", "hush"), "session_token needs access_key and secret_key", id="token"),
        pytest.param(
            ("AKIAMINE", None, "hush"), "access_key and session_token need secret_key", id="access key and token"
        ),
    ],
)
def test_half_of_a_credential_is_refused_instead_of_using_another_one(given: tuple[Any, ...], cause: str) -> None:
    with pytest.raises(AwsError) as caught:
        check_keys(*given)

    assert (caught.value.problem.code, caught.value.problem.message) == ("CREDENTIALS_MISSING", cause)
    assert "hush" not in str(caught.value)


def test_whole_credentials_and_none_are_taken() -> None:
    check_keys(None, "", None)
    check_keys("AKIAMINE", "hush", None)
    check_keys("AKIAMINE", "hush", "token")


def test_every_error_of_botocore_is_reported_as_one_and_none_ends_in_a_traceback() -> None:
    classes = [cls for cls in vars(botocore.exceptions).values() if isinstance(cls, type)]
    kinds: list[Any] = [cls for cls in classes if issubclass(cls, botocore.exceptions.BotoCoreError)]

    problems = [problem_of(cls.__new__(cls)) for cls in kinds]

    assert len(problems) > 60
    assert all(problem.code and problem.remedy for problem in problems)


NOT_THROTTLED = ("LimitExceededException", "PriorRequestNotComplete", "TransactionInProgressException")


@pytest.mark.parametrize(
    "code", sorted({*botocore.retries.standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES} - {*NOT_THROTTLED})
)
def test_each_code_that_botocore_knows_as_throttling_is_reported_as_such(code: str) -> None:
    assert problem_of(refusal(code)).code == "REQUEST_LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("operation", "error", "remedy"),
    [
        pytest.param("GetRoleCredentials", ("ForbiddenException", "No access"), "IAM Identity Center", id="no role"),
        pytest.param(
            "AssumeRole",
            ("AccessDenied", "User: a is not authorized to perform: sts:AssumeRole on resource: b"),
            "Allow sts:AssumeRole",
            id="a role that may not be assumed",
        ),
        pytest.param(
            "AssumeRoleWithWebIdentity", ("InvalidIdentityToken", "No provider"), "access key", id="a web identity"
        ),
    ],
)
def test_a_refusal_of_the_credentials_names_the_call_that_obtains_them(
    operation: str, error: tuple[str, str], remedy: str
) -> None:
    code, message = error
    answer: Any = {"Error": {"Code": code, "Message": message}}

    problem = problem_of(botocore.exceptions.ClientError(answer, operation))

    assert f"{code}: {message} (at {operation}, which obtains the credentials)" in problem.message
    assert remedy in problem.remedy


def test_a_throttled_call_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    client = FailingClient(refusal("RequestLimitExceeded"))
    answers: list[Exception | None] = [client.error, client.error, None]

    def describe_vpcs() -> dict[str, Any]:
        error = answers.pop(0)
        if error:
            raise error
        return {"Vpcs": []}

    client.describe_vpcs = describe_vpcs  # type: ignore[method-assign]

    assert AwsApi({"ec2": client}, "eu-west-1").call("ec2", "describe_vpcs") == {"Vpcs": []}
    assert answers == []


def test_a_call_that_an_old_botocore_does_not_know_is_a_refusal() -> None:
    with pytest.raises(AwsError) as raised:
        AwsApi({"freetier": object()}, "eu-west-1").call("freetier", "get_account_plan_state")

    assert raised.value.problem.code == "BOTOCORE_TOO_OLD"
    assert raised.value.problem.subject == "call freetier:GetAccountPlanState in us-east-1"


def test_a_permission_is_called_as_iam_calls_it() -> None:
    api = AwsApi({"service-quotas": FailingClient(refusal("AccessDenied"))}, "eu-west-1")

    with pytest.raises(AwsError) as raised:
        api.call("service-quotas", "get_aws_default_service_quota")

    assert "servicequotas:GetAWSDefaultServiceQuota" in raised.value.problem.remedy


def modelled_refusals() -> list[tuple[str, str]]:
    """Return what the models of the services that are called say of things that do not exist: EC2's says nothing."""
    session = botocore.session.Session()
    models = {service: session.get_service_model(service) for service in services_called()}
    shapes = [(service, shape) for service, model in models.items() for shape in model.error_shapes]
    codes = {(service, str(shape.error_code or shape.name)) for service, shape in shapes}
    return sorted(
        (service, code) for service, code in codes if re.search("NotFound|NoSuch|NotExist|InvalidResourceId", code)
    )


@pytest.mark.parametrize(("service", "code"), modelled_refusals())
def test_every_word_of_a_service_for_what_does_not_exist_is_known(service: str, code: str) -> None:
    assert is_not_found(AwsError(finding("AWS_ERROR", f"call {service}", code, ""), code))


# Auto Scaling and EC2 say it in codes that their models do not list.
UNLISTED = [
    ("InvalidVpcID.NotFound", "The vpc ID 'vpc-0' does not exist", True),
    ("InvalidLaunchTemplateId.VersionNotFound", "Could not find launch template version", True),
    ("InvalidLaunchTemplateName.NotFoundException", "At least one of the launch templates does not exist", True),
    ("Gateway.NotAttached", "resource igw-0 is not attached to network vpc-0", True),
    ("InvalidResourceId", "The resource ID is not valid. Verify that you entered the correct ID and try again.", True),
    ("ValidationError", "AutoScalingGroup name not found - null", True),
    ("ValidationError", "Scheduled action name not found", True),
    ("ValidationError", "The specified launch template, with template ID lt-0, does not exist.", True),
    ("ValidationError", "Value 'x' at 'desiredCapacity' failed to satisfy constraint", False),
    ("InvalidParameterValue", "The value does not exist in the enum", False),
    ("DependencyViolation", "The vpc 'vpc-0' has dependencies", False),
    ("InternalError", "not found", False),
]


@pytest.mark.parametrize(("code", "message", "missing"), UNLISTED)
def test_what_does_not_exist_is_distinguished_from_other_refusals(code: str, message: str, missing: bool) -> None:
    error = AwsError(finding("AWS_ERROR", "call x", f"{code}: {message}", ""), code)

    assert is_not_found(error) is missing


def test_all_pages_are_read() -> None:
    assert AwsApi({"ec2": PagingClient()}, "eu-west-1").call("ec2", "describe_vpcs") == {"Vpcs": [1, 2]}
