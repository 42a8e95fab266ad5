# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Web servers of tests. They print no requests, and listen on a free port of loopback unless a test names another."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = ("127.0.0.1", 0)


class Answering(BaseHTTPRequestHandler):
    """A handler that sends whole answers."""

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send an answer with its length."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


class Files(SimpleHTTPRequestHandler):
    """A handler that sends the files of a folder."""

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    """Run a server until the block ends, and yield its URL."""
    with server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://{server.server_address[0]!s}:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def serving(handler: Callable[..., Any], address: tuple[str, int] = HERE) -> Iterator[str]:
    """Run a server with this handler until the block ends, and yield its URL.

    It listens when the block begins, which may be in another network namespace than the call.
    """
    with running(ThreadingHTTPServer(address, handler)) as url:
        yield url


def files(folder: Path) -> Callable[..., Any]:
    """Return a handler that sends the files of this folder."""
    return functools.partial(Files, directory=str(folder))
