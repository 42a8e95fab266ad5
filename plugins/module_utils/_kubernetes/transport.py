# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to an API server, configured by a kubeconfig. Private to urmanac.talos: may change at any time.

The kubernetes package reads kubeconfigs (certificates, tokens, exec plugins, proxies) and creates the connection pool.
Its models are not used: they cost memory and time, and do not contain CozyStack's kinds.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import ssl
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlencode

import urllib3
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config

from .._errors import InputError
from .._text import received
from .._times import utc_text
from .._tls import OTHER_DATE, OTHER_NAME, REJECTIONS
from .errors import (
    ApiError,
    Cause,
    Reason,
    reason_of_status,
)


class Access(NamedTuple):
    """Connection settings of a cluster's API."""

    kubeconfig: str | None = None
    context: str | None = None
    proxy: str | None = None
    timeout: float = 30


class Call(NamedTuple):
    """One request; doing is its purpose, worded to follow 'Failed to'."""

    method: str
    path: str
    doing: str
    query: Mapping[str, str] = {}
    body: bytes | None = None
    content_type: str = "application/json"


class Transport(Protocol):
    """Transport of requests to one API server."""

    server: str
    # The header Date of the last answer.
    date: str

    def send(self, call: Call) -> dict[str, Any]:
        """Return the answer as data, or raise ApiError."""

    def read(self, call: Call) -> str:
        """Return the answer as text, or raise ApiError."""


class HttpTransport:
    """Requests over the connection pool that the kubernetes package creates from a kubeconfig."""

    def __init__(self, access: Access) -> None:
        self._configuration = _configuration(access)
        self._timeout = access.timeout
        self.date = ""
        self.server = str(self._configuration.host)
        refuse_expired(self.server, self._configuration.cert_file)
        self._pool = _pool(self._configuration, access)

    def send(self, call: Call) -> dict[str, Any]:
        """Return the answer as data, or raise ApiError."""
        return _content(self.server, call, *self._ask(call, accept="application/json"))

    def read(self, call: Call) -> str:
        """Return the answer as text, or raise ApiError."""
        # Logs have no other type, and an error is a Status object in any case.
        code, data = self._ask(call, accept="*/*")
        if code >= 300:
            _content(self.server, call, code, data)
        return str(received(data.decode("utf-8", "replace")))

    def _ask(self, call: Call, *, accept: str) -> tuple[int, bytes]:
        query = f"?{urlencode(call.query)}" if call.query else ""
        try:
            answer = self._pool.request(
                call.method,
                self.server.rstrip("/") + call.path + query,
                body=call.body,
                headers=self._headers(call) | {"Accept": accept},
                timeout=urllib3.Timeout(connect=self._timeout, read=self._timeout),
                retries=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(self.server, call.doing, *reason_of_failure(error)) from error
        self.date = str(answer.headers.get("Date") or "")
        return answer.status, answer.data

    def _headers(self, call: Call) -> dict[str, str]:
        settings = self._configuration.auth_settings().values()
        headers = {one["key"]: one["value"] for one in settings if one.get("in") == "header" and one.get("value")}
        return headers | {"Content-Type": call.content_type}


# Escapes in JSON that may stand for a character which received() changes: not those of quotation marks, line feeds,
# tabs and slashes, nor those of the signs that Go escapes for the sake of HTML.
_ESCAPE: Final = re.compile(rb"\\(?![\"nt/]|u003[ceCE]|u0026)")


def is_plain(data: bytes) -> bool:
    """Return whether JSON text cannot contain characters that have to be made visible."""
    return data.isascii() and b"\x7f" not in data and not _ESCAPE.search(data)


def _content(server: str, call: Call, code: int, data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except ValueError:
        content = {"message": data[:200].decode("utf-8", "replace").strip()}
    # Most pages hold nothing that has to be made visible, and to look at each text takes longer than to parse them.
    if not is_plain(data):
        content = received(content)
    if not isinstance(content, dict):
        content = {"message": "its answer is not a JSON object"}
    if code < 300 and ("kind" in content or "gitVersion" in content):
        return content
    token = str((content.get("metadata") or {}).get("continue") or "")
    raise ApiError(server, call.doing, *reason_of_status(code, content), token=token)


def _pool(configuration: Any, access: Access) -> Any:
    """Return the connection pool; its proxy may need a library, or be of a kind that urllib3 does not have."""
    # Not its URL, which may have a password.
    doing = f"use the proxy of {_where(access)}"
    try:
        return kubernetes_client.ApiClient(configuration).rest_client.pool_manager
    except ImportError as error:
        remedy = f"Install the Python library PySocks with {sys.executable}, or use a proxy with http"
        raise InputError(f"Failed to {doing}: {error}. {remedy}.", code="LIBRARY_MISSING") from error
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise InputError(f"Failed to {doing}: {error}. Write it as http://host:port.") from error


def _configuration(access: Access) -> Any:
    configuration = kubernetes_client.Configuration()
    configuration.retries = False
    where = _where(access)
    try:
        kubernetes_config.load_kube_config(
            access.kubeconfig, access.context, client_configuration=configuration, persist_config=False
        )
    except kubernetes_config.ConfigException as error:
        raise InputError(
            f"Failed to read {where}: {error}. Check the file and the context's name.", code="FILE_NOT_READABLE"
        ) from error
    except Exception as error:
        # The parser's message would quote the file, which contains a key.
        raise InputError(
            f"Failed to read {where}: it is not a kubeconfig ({type(error).__name__}).", code="FILE_INVALID"
        ) from None
    if access.proxy:
        configuration.proxy = access.proxy
    return configuration


def _where(access: Access) -> str:
    """Return the name of the kubeconfig in messages; raise if there is no such file."""
    given = access.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    files = [Path(part).expanduser() for part in given.split(os.pathsep) if part]
    # Path.is_file raises below a closed directory.
    if not any(os.path.isfile(path) for path in files):  # noqa: PTH113
        cause = "it is not a file" if any(map(os.path.exists, files)) else "the file does not exist"
        text = "Create it (urmanac.talos.talos_kubeconfig), or set kubeconfig to another file"
        raise InputError(f"Failed to read the kubeconfig {given}: {cause}. {text}.", code="FILE_NOT_READABLE")
    return f"the kubeconfig {given}"


def refuse_expired(server: str, certificate: str | None) -> None:
    """Raise for an expired client certificate, for which the server would only return Unauthorized."""
    try:
        from cryptography import x509
    except ImportError:
        return
    if not certificate:
        return
    try:
        found = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
    except (OSError, ValueError):
        return
    until = found.not_valid_after_utc
    if until < datetime.datetime.now(datetime.UTC):
        detail = f"the client certificate in the kubeconfig expired on {utc_text(until)}"
        raise ApiError(server, "connect to the Kubernetes API", Cause.CERTIFICATE_EXPIRED, detail)


_VERIFY_CODES: Final = {
    **{number: Reason(Cause.CERTIFICATE_EXPIRED, text) for number, text in OTHER_DATE.items()},
    **{number: Reason(Cause.OTHER_ADDRESS, text) for number, text in OTHER_NAME.items()},
}


# The first match counts: for urllib3, a refused connection is a timeout as well.
_FAILURES: Final = (
    (ConnectionRefusedError, Reason(Cause.UNREACHABLE, "connection refused")),
    (urllib3.exceptions.ProxyError, Reason(Cause.UNREACHABLE, "the proxy refuses the connection")),
    (urllib3.exceptions.NewConnectionError, Reason(Cause.UNREACHABLE, "it cannot be reached (name or route)")),
    (urllib3.exceptions.TimeoutError, Reason(Cause.TIMEOUT, "no answer before the timeout")),
    (urllib3.exceptions.ProtocolError, Reason(Cause.CUT, "it closed the connection without an answer")),
    (ConnectionError, Reason(Cause.CUT, "it closed the connection without an answer")),
    (ssl.SSLError, Reason(Cause.CUT, "it closed the connection during the TLS handshake")),
)


def reason_of_failure(error: BaseException) -> Reason:
    """Return why there is no answer."""
    chain = list(_chain(error))
    tls = _reason_of_tls([one for one in chain if isinstance(one, ssl.SSLError)])
    if tls:
        return tls
    for kind, reason in _FAILURES:
        if any(isinstance(one, kind) for one in chain):
            return reason
    return Reason(Cause.OTHER, str(error) or type(error).__name__)


def _reason_of_tls(errors: Sequence[ssl.SSLError]) -> Reason | None:
    unknown = Reason(Cause.OTHER_AUTHORITY, "its certificate is from another authority than that of the kubeconfig")
    for one in errors:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _VERIFY_CODES.get(one.verify_code, unknown)
        for alert, detail in REJECTIONS.items():
            if f"ALERT_{alert}" in str(one).upper():
                return Reason(Cause.CERTIFICATE_REJECTED, detail)
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    todo = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [one.__cause__, one.__context__, *(arg for arg in one.args if isinstance(arg, BaseException))]
