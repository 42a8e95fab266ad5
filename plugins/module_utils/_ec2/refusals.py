# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS and botocore mean by their errors. Private to urmanac.talos: may change at any time.

Asked by the error code of AWS first, then by the class of botocore's exception, the most special one first. An error
of botocore without an answer of AWS never left this machine, or never reached AWS.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_OF_CODES = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException"), "CREDENTIALS_EXPIRED"),
    **dict.fromkeys(("RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"), "REQUEST_EXPIRED"),
    **dict.fromkeys(("AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch"), "CREDENTIALS_INVALID"),
    **dict.fromkeys(("UnrecognizedClientException", "InvalidSignatureException"), "CREDENTIALS_INVALID"),
    **dict.fromkeys(("IncompleteSignature", "MissingAuthenticationToken"), "CREDENTIALS_INVALID"),
    **dict.fromkeys(("UnauthorizedOperation", "AccessDenied", "AccessDeniedException"), "NOT_AUTHORIZED"),
    **dict.fromkeys(("RequestLimitExceeded", "Throttling", "ThrottlingException"), "REQUEST_LIMIT_EXCEEDED"),
    **dict.fromkeys(("TooManyRequestsException", "EC2ThrottledException"), "REQUEST_LIMIT_EXCEEDED"),
    **dict.fromkeys(("OptInRequired", "PendingVerification", "Blocked"), "ACCOUNT_NOT_READY"),
    **dict.fromkeys(("SubscriptionRequiredException", "InvalidInput.OptIn"), "ACCOUNT_NOT_READY"),
    **dict.fromkeys(("InvalidIPAddress.InUse", "PrivateIpAddressInUse"), "ADDRESS_IN_USE"),
    "InsufficientFreeAddressesInSubnet": "SUBNET_FULL",
    **dict.fromkeys(("ServiceUnavailable", "Unavailable", "ServiceFailure", "RequestTimeout"), "AWS_UNAVAILABLE"),
    **dict.fromkeys(("InternalError", "InternalFailure", "500", "502", "503", "504"), "AWS_UNAVAILABLE"),
    **dict.fromkeys(
        ("InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientCapacity"), "NO_CAPACITY"
    ),
}
_OF_CLASSES = {
    **dict.fromkeys(("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"), "CREDENTIALS_MISSING"),
    **dict.fromkeys(("CredentialRetrievalError", "NoAuthTokenError"), "CREDENTIALS_MISSING"),
    **dict.fromkeys(("SSOError", "TokenRetrievalError", "LoginError"), "CREDENTIALS_EXPIRED"),
    **dict.fromkeys(("HTTPClientError", "ConnectionError", "IncompleteReadError"), "ENDPOINT_UNREACHABLE"),
    "ResponseParserError": "ANSWER_INVALID",
    # A value that was given to a call: not a setting of this machine.
    **dict.fromkeys(("ParamValidationError", "MissingParametersError"), "AWS_ERROR"),
    "BotoCoreError": "SETTINGS_INVALID",
}
_LIMIT = re.compile(r".*Limit(Exceeded|ExceededException)|ServiceQuotaExceeded(Exception)?|TooMany.*|.*QuotaExceeded.*")
_EXPIRED = re.compile(r"signature (is )?(expired|not yet current)|clock", re.IGNORECASE)
_PERMISSION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9]+)")
_ENCODED = re.compile(r"Encoded authorization failure message:? *\S+", re.IGNORECASE)


def code_of(reason: str, message: str, classes: Sequence[str]) -> str:
    """Return the code of a finding for AWS's own error code and message, or for the names of an exception's classes."""
    if _OF_CODES.get(reason) == "CREDENTIALS_INVALID" and _EXPIRED.search(message):
        return "REQUEST_EXPIRED"
    if reason in _OF_CODES:
        return _OF_CODES[reason]
    if reason:
        return "LIMIT_EXCEEDED" if _LIMIT.fullmatch(reason) else "AWS_ERROR"
    return next((_OF_CLASSES[name] for name in classes if name in _OF_CLASSES), "AWS_ERROR")


def permission_of(message: str) -> str:
    """Return the permission that AWS names in its refusal, which can be another than that of the call."""
    found = _PERMISSION.search(message)
    return found[1] if found else ""


def denial_remedy(message: str, permission: str) -> str | None:
    """Return what to do about a denial that no policy of the identity can lift, or None for the usual remedy."""
    if "service control policy" in message or "resource control policy" in message:
        return f"A policy of the organization denies {permission}: ask its administrator, or use another account."
    if "permissions boundary" in message:
        return f"The permissions boundary of the identity denies {permission}: have it allowed there too."
    if "explicit deny" in message:
        return f"A policy denies {permission} explicitly: remove that statement; allowing it elsewhere does not help."
    if _ENCODED.search(message):
        return (
            f"Allow {permission} to the identity in use. `aws sts decode-authorization-message --encoded-message TEXT` "
            "shows which policy and which condition refused it."
        )
    return None
