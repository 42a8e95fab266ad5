# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Classify the errors of AWS and botocore. Private to urmanac.talos: may change at any time.

The AWS error code comes first, then the class of botocore's exception, the most specific one first. A botocore error
without a response of AWS means that the request did not leave the controller or did not reach AWS.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# AWS' own codes of refusals that end by themselves: another resource uses it, it changes, or another call is executed.
IN_USE = ("DependencyViolation", "DeleteConflict", "VolumeInUse", "ResourceInUse", "InvalidNetworkInterface.InUse")
CHANGING = ("ScalingActivityInProgress", "IncorrectState", "IncorrectInstanceState")
OTHERS_FIRST = ("ResourceContention", "ConcurrentModification", "PriorRequestNotComplete")
# Some services append Exception to a code that others have without it.
_OF_CODES = {
    **dict.fromkeys(("ExpiredToken", "TokenRefreshRequired"), "CREDENTIALS_EXPIRED"),
    **dict.fromkeys(("RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"), "REQUEST_EXPIRED"),
    **dict.fromkeys(("AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch"), "CREDENTIALS_INVALID"),
    **dict.fromkeys(("UnrecognizedClient", "InvalidSignature"), "CREDENTIALS_INVALID"),
    **dict.fromkeys(("IncompleteSignature", "MissingAuthenticationToken"), "CREDENTIALS_INVALID"),
    # S3, and the services that credentials come from.
    **dict.fromkeys(("InvalidAccessKeyId", "InvalidToken"), "CREDENTIALS_INVALID"),
    **dict.fromkeys(("InvalidIdentityToken", "Forbidden"), "CREDENTIALS_INVALID"),
    **dict.fromkeys(("UnauthorizedOperation", "AccessDenied"), "NOT_AUTHORIZED"),
    # Head requests have no other code.
    "403": "NOT_AUTHORIZED",
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted": "NOT_AUTHORIZED",
    **dict.fromkeys(("RequestLimitExceeded", "Throttling", "Throttled", "SlowDown"), "REQUEST_LIMIT_EXCEEDED"),
    **dict.fromkeys(("RequestThrottled", "EC2Throttled", "TooManyRequests"), "REQUEST_LIMIT_EXCEEDED"),
    **dict.fromkeys(("BandwidthLimitExceeded", "ProvisionedThroughputExceeded"), "REQUEST_LIMIT_EXCEEDED"),
    **dict.fromkeys(("OptInRequired", "PendingVerification", "Blocked"), "ACCOUNT_NOT_READY"),
    **dict.fromkeys(("SubscriptionRequired", "InvalidInput.OptIn", "RegionDisabled"), "ACCOUNT_NOT_READY"),
    **dict.fromkeys(("NotSignedUp", "AccountProblem", "AllAccessDisabled"), "ACCOUNT_NOT_READY"),
    **dict.fromkeys(("InvalidIPAddress.InUse", "PrivateIpAddressInUse"), "ADDRESS_IN_USE"),
    "InsufficientFreeAddressesInSubnet": "SUBNET_FULL",
    **dict.fromkeys(IN_USE, "STILL_IN_USE"),
    **dict.fromkeys((*CHANGING, *OTHERS_FIRST), "CHANGE_IN_PROGRESS"),
    # IAM, of a role that was deleted and created again, and S3.
    **dict.fromkeys(("EntityTemporarilyUnmodifiable", "OperationAborted"), "CHANGE_IN_PROGRESS"),
    **dict.fromkeys(("OperationNotPermitted", "CannotDelete", "UnmodifiableEntity"), "OPERATION_NOT_PERMITTED"),
    "InvalidAddress.Locked": "ADDRESS_LOCKED",
    **dict.fromkeys(("ServiceUnavailable", "Unavailable", "ServiceFailure", "RequestTimeout"), "AWS_UNAVAILABLE"),
    **dict.fromkeys(("InternalError", "InternalFailure", "500", "502", "503", "504"), "AWS_UNAVAILABLE"),
    **dict.fromkeys(
        ("InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientCapacity"), "NO_CAPACITY"
    ),
    "InsufficientVolumeCapacity": "NO_CAPACITY",
}
_OF_CLASSES = {
    **dict.fromkeys(("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"), "CREDENTIALS_MISSING"),
    **dict.fromkeys(("CredentialRetrievalError", "NoAuthTokenError"), "CREDENTIALS_MISSING"),
    **dict.fromkeys(("SSOError", "TokenRetrievalError", "LoginError"), "CREDENTIALS_EXPIRED"),
    **dict.fromkeys(("HTTPClientError", "ConnectionError", "IncompleteReadError"), "ENDPOINT_UNREACHABLE"),
    "ResponseParserError": "ANSWER_INVALID",
    # A parameter of a call, not a setting of the controller.
    **dict.fromkeys(("ParamValidationError", "MissingParametersError"), "AWS_ERROR"),
    "BotoCoreError": "SETTINGS_INVALID",
}
# IAM Identity Center's call for the credentials of a role, and the others that botocore makes for credentials.
SIGN_IN = "GetRoleCredentials"
FOR_CREDENTIALS = (SIGN_IN, "AssumeRole", "AssumeRoleWithWebIdentity", "CreateToken")
# What is not a refused certificate, nor a file of certificates that cannot be read: a connection that was cut.
_CUT = re.compile(r"EOF occurred|reset by peer|timed out", re.IGNORECASE)
_SERVER_ERROR = 500
_LIMIT = re.compile(r".*Limit(Exceeded|ExceededException)|ServiceQuotaExceeded(Exception)?|TooMany.*|.*QuotaExceeded.*")
_EXPIRED = re.compile(r"signature (is )?(expired|not yet current)|clock", re.IGNORECASE)
# What EC2 says of an instance type, for a node as for the bastion's group.
OF_TYPES = (
    (re.compile(r"Free Tier", re.IGNORECASE), "FREE_PLAN_TYPE"),
    (re.compile(r"not supported in your requested Availability Zone", re.IGNORECASE), "TYPE_NOT_IN_ZONE"),
)
_PERMISSION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9]+)")
# Messages of codes that usually have another meaning: an interface in use, one of a service, a protected group.
_OF_MESSAGES = (
    *OF_TYPES,
    (re.compile(r"currently in use"), "STILL_IN_USE"),
    (re.compile(r"do not have permission to access the specified resource"), "OPERATION_NOT_PERMITTED"),
    (re.compile(r"deletion protection", re.IGNORECASE), "OPERATION_NOT_PERMITTED"),
)
# An Elastic IP in use cannot be released; for every other call the private address is already in use.
_OF_CALLS = {("release_address", "InvalidIPAddress.InUse"): "STILL_IN_USE"}
_MACHINE = re.compile(r"i-[0-9a-f]{8,}")
_ENCODED = re.compile(r"Encoded authorization failure message:? *\S+", re.IGNORECASE)


def code_of(reason: str, message: str, classes: Sequence[str], operation: str = "", status: int = 0) -> str:
    """Return the code of a finding for AWS's own error code and message, or for an exception's classes and text.

    The HTTP status decides for codes that are not known: each service has names of its own for its failures.
    """
    special = next((code for words, code in _OF_MESSAGES if reason and words.search(message)), None)
    if special := special or _OF_CALLS.get((operation, reason)):
        return special
    known = _OF_CODES.get(reason) or _OF_CODES.get(reason.removesuffix("Exception"))
    if known:
        return "REQUEST_EXPIRED" if known == "CREDENTIALS_INVALID" and _EXPIRED.search(message) else known
    if status >= _SERVER_ERROR:
        return "AWS_UNAVAILABLE"
    if reason:
        return "LIMIT_EXCEEDED" if _LIMIT.fullmatch(reason) else "AWS_ERROR"
    if "SSLError" in classes and not _CUT.search(message):
        return "ENDPOINT_NOT_TRUSTED"
    return next((_OF_CLASSES[name] for name in classes if name in _OF_CLASSES), "AWS_ERROR")


def permission_of(message: str) -> str:
    """Return the permission that AWS names in the error, which can differ from that of the call."""
    if "ServiceLinkedRoleCreationNotPermitted" in message:
        return "iam:CreateServiceLinkedRole"
    found = _PERMISSION.search(message)
    return found[1] if found else ""


def special_remedy(code: str, message: str, permission: str) -> str | None:
    """Return a specific remedy if the AWS message has more details than its code, or None for the usual one."""
    if code == "CREDENTIALS_INVALID" and SIGN_IN in message:
        return (
            "Assign the account and the role of the profile to your user in IAM Identity Center, or set AWS_PROFILE to "
            "another profile."
        )
    if code == "NOT_AUTHORIZED":
        return denial_remedy(message, permission)
    return protection_remedy(message) if code == "OPERATION_NOT_PERMITTED" else None


def protection_remedy(message: str) -> str | None:
    """Return how to remove the protection that a message names, or None."""
    machine = _MACHINE.search(message)
    for attribute, option in _PROTECTIONS.items():
        if attribute in message:
            return (
                "The instance is protected. To remove the protection: aws ec2 modify-instance-attribute --instance-id "
                f"{machine[0] if machine else 'ID'} {option}"
            )
    if "deletion protection" in message.lower():
        return (
            "The group is protected. To remove the protection: aws autoscaling update-auto-scaling-group "
            "--deletion-protection none --auto-scaling-group-name NAME"
        )
    return None


_PROTECTIONS = {"disableApiTermination": "--no-disable-api-termination", "disableApiStop": "--no-disable-api-stop"}


# Policies that only limit what the identity may do, and how a call is not limited by them.
_BY_POLICY = re.compile(r"no (VPC endpoint policy|session policy) allows")
_WITHOUT = {
    "VPC endpoint policy": "over the internet instead of the VPC endpoint",
    "session policy": "with a session that has no policy of its own",
}


def denial_remedy(message: str, permission: str) -> str | None:
    """Return the remedy for a denial that no policy of the identity can override, or None for the usual one."""
    if "service control policy" in message or "resource control policy" in message:
        return f"A policy of the organization denies {permission}: ask its administrator, or use another account."
    if found := _BY_POLICY.search(message):
        return (
            f"The {found[1]} does not allow {permission}: allow it there, or call AWS {_WITHOUT[found[1]]}. "
            "A policy of the identity cannot allow it."
        )
    if "permissions boundary" in message:
        return f"The permissions boundary of the identity denies {permission}: allow it there as well."
    if "explicit deny" in message:
        return (
            f"A policy denies {permission} explicitly: remove that statement. An allow in another policy has no effect."
        )
    if _ENCODED.search(message):
        return (
            f"Allow {permission} to the identity in use. `aws sts decode-authorization-message --encoded-message TEXT` "
            "shows the policy and the condition that denied it."
        )
    return None
