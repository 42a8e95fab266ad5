# SPDX-License-Identifier: GPL-3.0-or-later
"""A curl: http on loopback only, the options that a boot script needs, the real exit codes."""

from __future__ import annotations

import http.client
import ipaddress
import os
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

FLAGS = {
    **{"-f": "fail", "--fail": "fail", "-s": "silent", "--silent": "silent", "-S": "show", "--show-error": "show"},
    **{"-L": "location", "--location": "location", "-O": "remote_name", "--remote-name": "remote_name"},
    **{"--retry-all-errors": "retry_all", "--retry-connrefused": "retry_refused", "-4": "ignored", "-q": "ignored"},
    **{"--no-progress-meter": "ignored", "--create-dirs": "ignored", "--fail-with-body": "fail", "-I": "head"},
    **{"--head": "head", "--globoff": "ignored", "-g": "ignored", "--compressed": "ignored", "--ipv4": "ignored"},
}
VALUES = {
    **{"-o": "output", "--output": "output", "--retry": "retry", "--retry-delay": "retry_delay", "-m": "max_time"},
    **{"--connect-timeout": "connect_timeout", "--max-time": "max_time", "-w": "write_out", "-H": "header"},
    **{"--write-out": "write_out", "--header": "header", "--retry-max-time": "retry_max_time", "-A": "header"},
    **{"--proto": "ignored", "--tlsv1.2": "ignored", "--output-dir": "output_dir"},
}
TRANSIENT = (408, 429, 500, 502, 503, 504)


class CurlError(Exception):
    """A transfer that ended with one of curl's exit codes."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Request:
    """The command line."""

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    urls: list[str] = field(default_factory=list)

    def number(self, name: str, default: float) -> float:
        return float(self.values.get(name, default))


def parse(arguments: list[str]) -> Request:
    """Read the options; short ones may be joined."""
    request, waiting = Request(), list(arguments)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if not word.startswith("-") or word == "-":
            request.urls.append(word)
        elif name in FLAGS:
            request.flags.add(FLAGS[name])
        elif name in VALUES:
            if not equals and not waiting:
                raise CurlError(2, f"option {word}: requires parameter")
            request.values[VALUES[name]] = value if equals else waiting.pop(0)
        elif not word.startswith("--") and len(word) > 2:
            rest = [f"-{word[2:]}"] if word[:2] in FLAGS else [word[2:]]
            waiting = [word[:2], *rest, *waiting]
        else:
            raise CurlError(2, f"option {word}: is unknown to the lab's curl")
    if not request.urls:
        raise CurlError(2, "no URL specified!")
    return request


def fetch(request: Request, url: str) -> tuple[int, bytes]:
    for _ in range(20):
        answer = _once(request, url)
        where = answer.headers.get("Location")
        if "location" in request.flags and where and answer.status in (301, 302, 303, 307, 308):
            url = urljoin(url, where)
            continue
        try:
            return answer.status, answer.read()
        except TimeoutError:
            raise CurlError(28, "Operation timed out") from None
        except (OSError, http.client.HTTPException) as error:
            raise CurlError(18, f"transfer closed: {error}") from error
    raise CurlError(47, "Maximum (20) redirects followed")


def _once(request: Request, url: str) -> http.client.HTTPResponse:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http":
        raise CurlError(1, f"Protocol {parts.scheme!r} is not in the lab's curl")
    host, port = _loopback(parts.hostname or ""), parts.port or 80
    limit = min(request.number("connect_timeout", 30), request.number("max_time", 60))
    connection = http.client.HTTPConnection(host, port, timeout=limit)
    try:
        connection.connect()
    except TimeoutError:
        raise CurlError(28, f"Failed to connect to {host} port {port}: Timeout was reached") from None
    except OSError as error:
        raise CurlError(7, f"Failed to connect to {host} port {port}: Could not connect to server ({error})") from error
    if connection.sock:
        connection.sock.settimeout(request.number("max_time", 60))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("HEAD" if "head" in request.flags else "GET", path, headers={"User-Agent": "curl (lab)"})
        return connection.getresponse()
    except TimeoutError:
        raise CurlError(28, "Operation timed out") from None
    except (OSError, http.client.HTTPException) as error:
        raise CurlError(52, f"Empty reply from server ({error})") from error


def _loopback(host: str) -> str:
    """Return the host if it is on loopback; nothing else exists for a machine of the lab."""
    try:
        address = socket.gethostbyname(host) if host == "localhost" else host
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        raise CurlError(6, f"Could not resolve host: {host} (a machine of the lab has no network)") from None
    raise CurlError(7, f"Failed to connect to {host}: a machine of the lab reaches loopback only")


def attempt(request: Request, url: str) -> int:
    status, body = fetch(request, url)
    if status >= 400 and "fail" in request.flags:
        raise HttpError(22, f"The requested URL returned error: {status}", status)
    target = request.values.get("output")
    if "remote_name" in request.flags:
        target = urlsplit(url).path.rsplit("/", 1)[-1]
    if target in (None, "-"):
        sys.stdout.buffer.write(body)
        sys.stdout.flush()
        return status
    folder = Path(request.values.get("output_dir", "."))
    try:
        (folder / str(target)).write_bytes(body)
    except OSError as error:
        raise CurlError(23, f"Failure writing output to destination: {error}") from error
    return status


class HttpError(CurlError):
    """An HTTP status of 400 or more, with --fail."""

    def __init__(self, code: int, text: str, status: int) -> None:
        super().__init__(code, text)
        self.status = status


def _again(request: Request, failure: CurlError) -> bool:
    if "retry_all" in request.flags:
        return True
    if failure.code == 7:
        return "retry_refused" in request.flags
    return failure.code == 28 or (isinstance(failure, HttpError) and failure.status in TRANSIENT)


def transfer(request: Request, url: str) -> int:
    left, wait = int(request.number("retry", 0)), request.number("retry_delay", 1)
    while True:
        status = 0
        try:
            status = attempt(request, url)
            return 0
        except CurlError as failure:
            if left <= 0 or not _again(request, failure):
                status = getattr(failure, "status", 0)
                if "silent" not in request.flags or "show" in request.flags:
                    print(f"curl: ({failure.code}) {failure}", file=sys.stderr)
                return failure.code
        finally:
            if "write_out" in request.values and (status or left <= 0):
                text = request.values["write_out"].replace("%{http_code}", f"{status:03d}")
                print(text.replace("%{response_code}", f"{status:03d}").replace("\\n", "\n"), end="", flush=True)
        left -= 1
        time.sleep(min(wait, 1.0))


def main(arguments: list[str]) -> int:
    if arguments[:1] in (["--version"], ["-V"]):
        print("curl (simulated by the lab)")
        return 0
    try:
        request = parse(arguments)
    except CurlError as failure:
        print(f"curl: {failure}", file=sys.stderr)
        return failure.code
    return [transfer(request, url) for url in request.urls][-1]


if __name__ == "__main__":
    os.environ.pop("http_proxy", None)
    sys.exit(main(sys.argv[1:]))
