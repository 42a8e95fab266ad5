# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes of failed requests to a Kubernetes API. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .._errors import KubernetesError
from .._findings import failure, finding, remedy_of
from . import refusals


class Cause(enum.StrEnum):
    """Why a request failed, for callers to act on.

    Codes of findings are in _codes.py. Users see these words in the return value cause of kubernetes_nodes_info;
    docs/codes.md lists them with their remedies.
    """

    UNREACHABLE = "unreachable"
    CUT = "cut"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    OTHER_AUTHORITY = "other_authority"
    OTHER_ADDRESS = "other_address"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_REJECTED = "certificate_rejected"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NO_KIND = "no_kind"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    EXISTS = "exists"
    TERMINATING = "terminating"
    WEBHOOK = "webhook"
    WEBHOOK_AWAY = "webhook_away"
    QUOTA = "quota"
    POD_SECURITY = "pod_security"
    TOO_LARGE = "too_large"
    DATABASE_FULL = "database_full"
    INVALID = "invalid"
    EXPIRED = "expired"
    NOT_KUBERNETES = "not_kubernetes"
    OTHER = "other"

    @property
    def is_down(self) -> bool:
        """Return whether the API is down, so that a retry may help."""
        return self in _DOWN

    @property
    def is_lasting(self) -> bool:
        """Return whether only the user can end it, so that no retry helps."""
        return self in _LASTING


_LASTING: Final = frozenset(
    {
        Cause.OTHER_AUTHORITY,
        Cause.OTHER_ADDRESS,
        Cause.CERTIFICATE_EXPIRED,
        Cause.CERTIFICATE_REJECTED,
        Cause.UNAUTHORIZED,
        Cause.NOT_KUBERNETES,
    }
)
_DOWN: Final = frozenset({Cause.UNREACHABLE, Cause.CUT, Cause.TIMEOUT, Cause.UNAVAILABLE})
REMEDIES: Final = {
    Cause.UNREACHABLE: "Check the server in the kubeconfig, the route, the security groups, and whether etcd runs.",
    Cause.CUT: "The API server may be restarting: try again, and check its memory.",
    Cause.TIMEOUT: "Check the security groups, and whether the control plane is short of CPU or memory.",
    Cause.UNAVAILABLE: "Try again. If it persists, check etcd and the control plane's memory.",
    Cause.OTHER_AUTHORITY: "Fetch the kubeconfig of this cluster again (urmanac.talos.talos_kubeconfig).",
    Cause.OTHER_ADDRESS: "Add the address to the cluster's certSANs, or connect to an address that is in it.",
    Cause.CERTIFICATE_EXPIRED: "Fetch the kubeconfig again (urmanac.talos.talos_kubeconfig), and compare the clocks.",
    Cause.CERTIFICATE_REJECTED: "Fetch the kubeconfig of this cluster again (urmanac.talos.talos_kubeconfig).",
    Cause.UNAUTHORIZED: "Fetch the kubeconfig of this cluster again (urmanac.talos.talos_kubeconfig).",
    Cause.FORBIDDEN: "Use an administrator's kubeconfig.",
    Cause.NO_KIND: "Its CustomResourceDefinition is missing: install CozyStack, or wait until its operator is ready.",
    Cause.CONFLICT: "Another tool owns these fields: change them with that tool, or take ownership with force.",
    Cause.EXISTS: "Choose another name, or delete the existing object.",
    Cause.TERMINATING: "Wait until it is deleted, and try again. If that does not end, kubectl get --output yaml shows "
    "the finalizers that it waits for.",
    Cause.WEBHOOK: "Change the rejected fields, or the policy that rejects them.",
    Cause.WEBHOOK_AWAY: "The webhook's pod does not answer: check the pod and the network policies.",
    Cause.QUOTA: remedy_of("QUOTA_EXCEEDED"),
    Cause.POD_SECURITY: remedy_of("POD_SECURITY_REFUSED"),
    Cause.TOO_LARGE: remedy_of("OBJECT_TOO_LARGE"),
    Cause.DATABASE_FULL: remedy_of("ETCD_DATABASE_FULL"),
    Cause.INVALID: "Compare the object with the version of its CustomResourceDefinition.",
    Cause.NOT_KUBERNETES: "Check the server in the kubeconfig: a proxy or another program answers there.",
}


class ApiError(KubernetesError):
    """A failed request to the API, with its cause."""

    def __init__(self, server: str, doing: str, cause: Cause, detail: str, *, token: str = "") -> None:
        self.server = server
        self.doing = doing
        self.cause = cause
        self.detail = detail.rstrip(".")
        # Continues an expired list, which is then no longer a consistent snapshot.
        self.token = token
        evidence = {"cause": str(cause), "server": server}
        problem = finding(self.CODE, f"{doing} on {server}", self.detail, REMEDIES.get(cause, ""), evidence=evidence)
        super().__init__(failure(problem.subject, problem), problems=[problem])


class Reason(NamedTuple):
    """A cause and its message."""

    cause: Cause
    detail: str


_WEBHOOK: Final = re.compile(
    r"admission webhook .* denied the request|ValidatingAdmissionPolicy .* denied request", re.S
)
_WEBHOOK_AWAY: Final = re.compile(r"failed calling webhook|conversion webhook for .* failed", re.S)
# Of a namespace, and of an object that has the name of the new one.
_TERMINATING: Final = re.compile(r"because it is being terminated|object is being deleted")
_CLASH: Final = re.compile(r"field is immutable|cannot change roleRef")
_BY_REASON: Final = {
    "Unauthorized": Cause.UNAUTHORIZED,
    "Forbidden": Cause.FORBIDDEN,
    "NotFound": Cause.NOT_FOUND,
    "AlreadyExists": Cause.EXISTS,
    "Conflict": Cause.CONFLICT,
    "Invalid": Cause.INVALID,
    "BadRequest": Cause.INVALID,
    "Expired": Cause.EXPIRED,
    "Gone": Cause.EXPIRED,
    "ServiceUnavailable": Cause.UNAVAILABLE,
    "TooManyRequests": Cause.UNAVAILABLE,
    "Timeout": Cause.UNAVAILABLE,
    "ServerTimeout": Cause.UNAVAILABLE,
}
_BY_CODE: Final = {
    401: Cause.UNAUTHORIZED,
    403: Cause.FORBIDDEN,
    404: Cause.NOT_FOUND,
    409: Cause.CONFLICT,
    410: Cause.EXPIRED,
    429: Cause.UNAVAILABLE,
    502: Cause.UNAVAILABLE,
    503: Cause.UNAVAILABLE,
    504: Cause.UNAVAILABLE,
}

_BY_WORDS: Final = (
    # Before all others: whatever stores an object fails with these words in its own.
    (refusals.DATABASE_FULL, Cause.DATABASE_FULL),
    (refusals.TOO_LARGE, Cause.TOO_LARGE),
    (_WEBHOOK_AWAY, Cause.WEBHOOK_AWAY),
    (_WEBHOOK, Cause.WEBHOOK),
    (refusals.POD_SECURITY, Cause.POD_SECURITY),
    (refusals.QUOTA, Cause.QUOTA),
    (refusals.STORAGE_BUSY, Cause.UNAVAILABLE),
    (_TERMINATING, Cause.TERMINATING),
    # Another object has the name, with other values in its immutable fields.
    (_CLASH, Cause.EXISTS),
)


# The API server gives a reason with these codes, except for a path that it does not know.
_WITH_REASON: Final = (401, 403, 404)
_NO_PATH: Final = "404 page not found"


def reason_of_status(code: int, status: Mapping[str, Any]) -> Reason:
    """Return why the server refused, from its Status object or, if more specific, from its message."""
    message = str(status.get("message") or f"the server answered {code}")
    for pattern, cause in _BY_WORDS:
        if pattern.search(message):
            return Reason(cause, message)
    if not status.get("reason") and (code in _WITH_REASON or code < 400) and not message.startswith(_NO_PATH):
        return Reason(Cause.NOT_KUBERNETES, f"this is not an answer of a Kubernetes API ({code}: {message})")
    if code == 404 and not (status.get("details") or {}).get("name"):
        return Reason(Cause.NO_KIND, "the server does not have this kind of object")
    return Reason(_BY_REASON.get(str(status.get("reason")), _BY_CODE.get(code, Cause.OTHER)), message)
