# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of EC2's endpoint that answers DescribeInstances from memory, whatever is asked, and counts the calls.

Run as a program it serves files: python -m bench.canned PAGE.xml... ; it prints its address first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import ListShape, Shape, StructureShape

ADDRESS = "127.20.255.1"
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


def describe_instances_xml(instances: Sequence[Mapping[str, Any]], *, next_page: int = 0) -> bytes:
    """Return the answer that holds these instances, which are given in the form in which boto3 returns them."""
    shape = botocore.session.Session().get_service_model("ec2").operation_model("DescribeInstances").output_shape
    reservations = [{"ReservationId": f"r-{number:017x}", "Instances": [i]} for number, i in enumerate(instances)]
    answer = {"Reservations": reservations, **({"NextToken": next_page} if next_page else {})}
    content = "".join(_elements(shape, answer))
    return f'<DescribeInstancesResponse xmlns="{NAMESPACE}">{content}</DescribeInstancesResponse>'.encode()


def _elements(shape: Shape, value: Any) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            tag = shape.members[name].serialization.get("name", name)
            yield f"<{tag}>{''.join(_elements(shape.members[name], member))}</{tag}>"
    elif isinstance(shape, ListShape):
        for item in value:
            yield f"<item>{''.join(_elements(shape.member, item))}</item>"
    else:
        yield str(value).lower() if isinstance(value, bool) else escape(str(value))


def error_xml(code: str, message: str) -> bytes:
    """Return the answer that refuses a call."""
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>".encode()
    )


class CannedEc2(ThreadingHTTPServer):
    """Answers every call with a page; the next token of a page is the number of the one that follows."""

    def __init__(self, pages: Sequence[bytes], *, status: int = 200, address: str = ADDRESS) -> None:
        super().__init__((address, 0), _Handler)
        self.pages = list(pages)
        self.status = status
        self.calls: list[dict[str, list[str]]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def answer(self, call: dict[str, list[str]]) -> bytes:
        """Note a call and return its page."""
        self.calls.append(call)
        return self.pages[int(call.get("NextToken", ["0"])[0])]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CannedEc2

    def do_POST(self) -> None:
        """Answer a call of the API."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._send(self.server.status, self.server.answer(parse_qs(body)))

    def do_GET(self) -> None:
        """Tell how many calls there were; this is for the bench, not for EC2's clients."""
        self._send(200, str(len(self.server.calls)).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(server: CannedEc2) -> Iterator[CannedEc2]:
    """Serve in a thread of this process."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Serve the pages named on the command line until the process is ended."""
    server = CannedEc2([Path(name).read_bytes() for name in sys.argv[1:]])
    print(server.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
