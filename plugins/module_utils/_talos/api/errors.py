# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes of failed calls to Talos nodes. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import enum
import errno
import socket
import ssl
from typing import Final, NamedTuple

from ..._errors import TalosError
from ..._findings import finding
from ..._tls import OTHER_DATE, OTHER_NAME, REJECTIONS

CONNECT: Final = "connect"

# The details of failed connections to which the wait for nodes adds what is likely.
NO_ANSWER: Final = "no answer within"
CONNECTION_REFUSED: Final = "connection refused"
CONNECTION_CLOSED: Final = "connection closed by the node"
NO_ROUTE: Final = "no route to the node"
TLS_FAILED: Final = "TLS handshake failed"


class Cause(enum.StrEnum):
    """Why a call failed, for callers to act on.

    Codes of findings are in _codes.py. Users see these words in the return value cause of talos_info; docs/codes.md
    lists them with their remedies.
    """

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NOT_TLS = "not_tls"
    CLOSED = "closed"
    MAINTENANCE = "maintenance"
    CONFIGURED = "configured"
    OTHER_AUTHORITY = "other_authority"
    OTHER_ADDRESS = "other_address"
    OTHER_PIN = "other_pin"
    OTHER_DATE = "other_date"
    CERTIFICATE_REJECTED = "certificate_rejected"
    CUT = "cut"
    DEADLINE = "deadline"
    UNAVAILABLE = "unavailable"
    UNIMPLEMENTED = "unimplemented"
    FAILED_PRECONDITION = "failed_precondition"
    INVALID_ARGUMENT = "invalid_argument"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    OTHER = "other"

    @property
    def is_down(self) -> bool:
        """Return whether the node is down, so that a retry may help."""
        return self in _DOWN

    @property
    def is_unknown(self) -> bool:
        """Return whether the request may have been executed, so that the node's state decides."""
        return self in (Cause.CUT, Cause.DEADLINE, Cause.UNAVAILABLE)


_DOWN: Final = frozenset({Cause.REFUSED, Cause.UNREACHABLE, Cause.TIMEOUT, Cause.CLOSED})
REMEDIES: Final = {
    Cause.REFUSED: "Wait until it has booted, or check address and port.",
    Cause.UNREACHABLE: "Check the address, the route and the security groups.",
    Cause.TIMEOUT: "Wait until it has booted, or check the security groups.",
    Cause.NOT_TLS: "Check address and port.",
    Cause.CLOSED: "It may be rebooting; try again.",
    Cause.MAINTENANCE: "Apply a configuration to it first.",
    Cause.CONFIGURED: "Use the talosconfig of the cluster that it belongs to.",
    Cause.OTHER_AUTHORITY: "Use the talosconfig of the cluster that it belongs to, or reset the node.",
    Cause.OTHER_ADDRESS: "Add the address to machine.certSANs, or connect to an address that is in it.",
    Cause.OTHER_PIN: "Compare with the fingerprint on the node's console (EC2 shows it only if the image has "
    "console=ttyS0), and find out which machine answers at this address.",
    Cause.OTHER_DATE: "Compare the clocks of the controller and of the node.",
    Cause.CERTIFICATE_REJECTED: "Use the talosconfig of the cluster that it belongs to, and compare the clocks.",
    Cause.CUT: "Check the state of the node: it may have executed the request.",
    Cause.DEADLINE: "Check the state of the node: it may have executed the request. Or increase the timeout.",
    Cause.UNIMPLEMENTED: "Its version or its stage does not support this call.",
    Cause.PERMISSION_DENIED: "Use a client certificate with the role os:admin.",
}


class NodeError(TalosError):
    """A failed call to a node, with its cause."""

    def __init__(self, node: str, call: str, cause: Cause, detail: str) -> None:
        self.node = node
        self.call = call
        self.cause = cause
        self.detail = detail
        doing = f"connect to {node}" if call == CONNECT else f"call {call} on {node}"
        evidence = {"cause": str(cause), "node": node, "call": call}
        problem = finding("NODE_CALL_FAILED", doing, detail, REMEDIES.get(cause, ""), evidence=evidence)
        super().__init__(f"Failed to {doing}: {detail}. {problem.remedy}".rstrip(), problems=[problem])


class Reason(NamedTuple):
    """A cause and its message."""

    cause: Cause
    detail: str


_VERIFY_CODES: Final = {
    **{number: Reason(Cause.OTHER_DATE, text) for number, text in OTHER_DATE.items()},
    **{number: Reason(Cause.OTHER_ADDRESS, text) for number, text in OTHER_NAME.items()},
}
_UNREACHABLE: Final = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL)


def reason_of_connect(error: BaseException, timeout: float) -> Reason:
    """Return why the connection failed."""
    if isinstance(error, TimeoutError):
        return Reason(Cause.TIMEOUT, f"{NO_ANSWER} {timeout:g} s")
    if isinstance(error, ssl.SSLError):
        return _reason_of_tls(error)
    if isinstance(error, ConnectionRefusedError):
        return Reason(Cause.REFUSED, CONNECTION_REFUSED)
    if isinstance(error, ConnectionError | EOFError):
        return Reason(Cause.CLOSED, CONNECTION_CLOSED)
    if isinstance(error, socket.gaierror):
        return Reason(Cause.UNREACHABLE, f"the name cannot be resolved ({error.strerror})")
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return Reason(Cause.UNREACHABLE, NO_ROUTE)
    return Reason(Cause.OTHER, str(error) or type(error).__name__)


def _reason_of_tls(error: ssl.SSLError) -> Reason:
    if isinstance(error, ssl.SSLCertVerificationError):
        unknown = Reason(Cause.OTHER_AUTHORITY, f"its certificate is from another authority ({error.verify_message})")
        return _VERIFY_CODES.get(error.verify_code, unknown)
    text = str(error.reason or error).upper()
    if text.endswith("CERTIFICATE_REQUIRED"):
        return Reason(Cause.CONFIGURED, "it requires a client certificate: it is configured, not in maintenance mode")
    for alert, detail in REJECTIONS.items():
        if text.endswith(alert):
            return Reason(Cause.CERTIFICATE_REJECTED, detail)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Reason(Cause.CLOSED, CONNECTION_CLOSED)
    return Reason(Cause.NOT_TLS, f"{TLS_FAILED} ({error.reason or error})")


# grpclib's Status numbers; https://grpc.github.io/grpc/core/md_doc_statuscodes.html
_STATUSES: Final = {
    3: Cause.INVALID_ARGUMENT,
    4: Cause.DEADLINE,
    5: Cause.NOT_FOUND,
    6: Cause.ALREADY_EXISTS,
    7: Cause.PERMISSION_DENIED,
    9: Cause.FAILED_PRECONDITION,
    12: Cause.UNIMPLEMENTED,
    14: Cause.UNAVAILABLE,
    16: Cause.PERMISSION_DENIED,
}


def cause_of_status(status: int) -> Cause:
    """Return the cause of a gRPC status."""
    return _STATUSES.get(status, Cause.OTHER)
