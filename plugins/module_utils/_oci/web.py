# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP for registries, bounded in time, size and attempts. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from .._networks import is_private_host
from .._text import received
from .errors import ImageError, image_error, quoting, unexpected
from .places import origin

# According to the distribution specification manifests have up to 4 MiB; configurations are smaller.
BODY_MAX = 8 * 1024 * 1024
_CONNECT_SECONDS = 10.0
_PAUSE_MAX = 8.0
_REDIRECTS_MAX = 5
_TRY_AGAIN = (429, 500, 502, 503, 504)
_CUT = (ConnectionResetError, BrokenPipeError, http.client.HTTPException)


class Answer(NamedTuple):
    """The response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Budget:
    """The time and the attempts for one image."""

    def __init__(
        self,
        seconds: float,
        attempts: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.attempts = attempts
        self._clock, self._sleep = clock, sleep
        self._end = clock() + seconds

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._end - self._clock()

    def pause(self, attempt: int, retry_after: str) -> bool:
        """Wait before the next attempt, twice as long each time; return whether there is one."""
        seconds = float(retry_after) if retry_after.isdecimal() else min(0.5 * 2.0**attempt, _PAUSE_MAX)
        if attempt + 1 >= self.attempts or seconds >= self.left():
            return False
        self._sleep(seconds)
        return True


class _Plainly(urllib.request.HTTPErrorProcessor):
    """Returns every response to the caller, which handles status codes and redirects."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


class Web:
    """An HTTP client for registries."""

    def __init__(self, budget: Budget, *, body_max: int = BODY_MAX) -> None:
        self._budget, self._body_max = budget, body_max

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Return the response after all redirects; the login is only sent to its own host."""
        for _redirect in range(_REDIRECTS_MAX):
            answer = self._get_patiently(url, headers)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            target = redirection(url, answer.headers.get("location", ""))
            if origin(target) != origin(url):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            url = target
        raise unexpected(f"{urlsplit(url).netloc} redirects more than {_REDIRECTS_MAX} times")

    def _get_patiently(self, url: str, headers: Mapping[str, str]) -> Answer:
        for attempt in range(self._budget.attempts):
            try:
                answer = self._get_once(url, headers)
            except _CUT as error:
                if not self._budget.pause(attempt, ""):
                    raise unreachable(url, error) from error
                continue
            if answer.status not in _TRY_AGAIN:
                return answer
            if not self._budget.pause(attempt, answer.headers.get("retry-after", "")):
                break
        raise _refusal(url, answer)

    def _get_once(self, url: str, headers: Mapping[str, str]) -> Answer:
        seconds = min(self._budget.left(), _CONNECT_SECONDS)
        if seconds <= 0:
            raise unreachable(url, TimeoutError("no time is left"))
        request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310  http and https only, see places.py
        try:
            with _opener(url).open(request, timeout=seconds) as response:
                return self._answer(url, response)
        except OSError as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            if isinstance(reason, _CUT):
                raise reason from error
            raise unreachable(url, reason) from error

    def _answer(self, url: str, response: Any) -> Answer:
        """Read in pieces, because a timeout applies to each piece, and a slow response may never end."""
        body = b""
        while piece := response.read1(65536):
            body += piece
            if len(body) > self._body_max:
                raise unexpected(f"{urlsplit(url).netloc} responds with more than {self._body_max} bytes")
            if self._budget.left() <= 0:
                raise unreachable(url, TimeoutError("its response takes too long"))
        length = response.headers.get("content-length", "")
        if length.isdecimal() and len(body) < int(length):
            raise http.client.IncompleteRead(body, int(length) - len(body))
        headers = {name.lower(): received(value) for name, value in response.headers.items()}
        return Answer(response.status, headers, body)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return an opener; proxies of the environment are used, except for local networks."""
    handlers: list[urllib.request.BaseHandler] = [_Plainly()]
    if is_private_host(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def redirection(url: str, location: str) -> str:
    """Return the target of a redirect, if it may be followed."""
    try:
        target = urljoin(url, location)
        scheme, _host, _port = origin(target)
    except ValueError as error:
        raise unexpected(f"{urlsplit(url).netloc} redirects to an invalid URL") from error
    if scheme not in ("http", "https") or (scheme == "http" and url.startswith("https:")):
        raise unexpected(f"{urlsplit(url).netloc} redirects to a URL that is not https")
    return target


def unreachable(url: str, reason: object) -> ImageError:
    """Return the error of a registry that did not respond."""
    remedy = None
    if isinstance(reason, ssl.SSLError):
        remedy = "If it uses plain HTTP, add it to plain_http. If it has a private certificate, set SSL_CERT_FILE."
    words = received(str(reason)) or type(reason).__name__
    parts = urlsplit(url)
    cause = f"{parts.netloc} cannot be reached over {parts.scheme}: {words}"
    return image_error("IMAGE_UNREACHABLE", cause, remedy)


def is_certificate_problem(error: ImageError) -> bool:
    """Return whether a registry uses TLS with a certificate that is not trusted."""
    cause = error.__cause__
    return isinstance(getattr(cause, "reason", cause), ssl.SSLCertVerificationError)


def _refusal(url: str, answer: Answer) -> ImageError:
    if answer.status == 429:
        after = answer.headers.get("retry-after", "")
        when = f"in {after} s" if after.isdecimal() else "later"
        cause = quoting(f"{urlsplit(url).netloc} is rate-limiting this machine", answer.body)
        return image_error("IMAGE_RATE_LIMITED", cause, f"Try again {when}, or log in, which raises the limit.")
    cause = quoting(f"{urlsplit(url).netloc} repeatedly responds with status {answer.status}", answer.body)
    return image_error("IMAGE_UNREACHABLE", cause, "The registry is returning errors. Try again later.")
