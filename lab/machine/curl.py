# SPDX-License-Identifier: GPL-3.0-or-later
"""A curl: http on loopback only, the options that the collection's scripts use, the real exit codes."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit


class CurlError(Exception):
    """A transfer that ended with one of curl's exit codes."""

    def __init__(self, code: int, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.code, self.status = code, status


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; it refuses other options with curl's own exit code, 2."""
    options = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    for short, name in (("-f", "--fail"), ("-s", "--silent"), ("-S", "--show-error"), ("-L", "--location")):
        options.add_argument(short, name, action="store_true")
    for short, name in (("-o", "--output"), ("-w", "--write-out"), ("-H", "--header")):
        options.add_argument(short, name, default="")
    options.add_argument("--connect-timeout", type=float, default=30)
    options.add_argument("-m", "--max-time", type=float, default=60)
    options.add_argument("url")
    return options


def fetch(given: argparse.Namespace, url: str) -> tuple[int, bytes]:
    """Return status and body, after redirects if they are to be followed."""
    for _ in range(20):
        answer = _once(given, url)
        where = answer.headers.get("Location")
        if given.location and where and answer.status in (301, 302, 303, 307, 308):
            url = urljoin(url, where)
            continue
        with _failing(18, "transfer closed"):
            return answer.status, answer.read()
    raise CurlError(47, "Maximum (20) redirects followed")


def _once(given: argparse.Namespace, url: str) -> http.client.HTTPResponse:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http":
        raise CurlError(1, f"Protocol {parts.scheme!r} is not in the lab's curl")
    host, port = _loopback(parts.hostname or ""), parts.port or 80
    connection = http.client.HTTPConnection(host, port, timeout=min(given.connect_timeout, given.max_time))
    try:
        connection.connect()
    except TimeoutError:
        raise CurlError(28, f"Failed to connect to {host} port {port}: Timeout was reached") from None
    except OSError as error:
        raise CurlError(7, f"Failed to connect to {host} port {port}: Could not connect to server ({error})") from error
    connection.sock.settimeout(given.max_time)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _failing(52, "Empty reply from server"):
        connection.request("GET", path, headers={"User-Agent": "curl (lab)"})
        return connection.getresponse()


@contextlib.contextmanager
def _failing(code: int, text: str) -> Iterator[None]:
    """Turn what goes wrong in a transfer into curl's error: of a code, but for one that took too long."""
    try:
        yield
    except TimeoutError:
        raise CurlError(28, "Operation timed out") from None
    except (OSError, http.client.HTTPException) as error:
        raise CurlError(code, f"{text}: {error}") from error


def _loopback(host: str) -> str:
    """Return the host if it is on loopback; nothing else exists for a machine of the lab."""
    try:
        address = "127.0.0.1" if host == "localhost" else host
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        raise CurlError(6, f"Could not resolve host: {host} (a machine of the lab has no network)") from None
    raise CurlError(7, f"Failed to connect to {host}: a machine of the lab reaches loopback only")


def transfer(given: argparse.Namespace) -> int:
    status, body = fetch(given, given.url)
    if status >= 400 and given.fail:
        raise CurlError(22, f"The requested URL returned error: {status}", status)
    if given.output in ("", "-"):
        sys.stdout.buffer.write(body)
        sys.stdout.flush()
        return status
    try:
        Path(given.output).write_bytes(body)
    except OSError as error:
        raise CurlError(23, f"Failure writing output to destination: {error}") from error
    return status


def main(arguments: list[str]) -> int:
    given, code = parser().parse_args(arguments), 0
    try:
        status = transfer(given)
    except CurlError as failure:
        status, code = failure.status, failure.code
        if given.show_error or not given.silent:
            print(f"curl: ({code}) {failure}", file=sys.stderr)
    print(given.write_out.replace("%{http_code}", f"{status:03d}").replace("\\n", "\n"), end="", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
