# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of HTTP/1.1 as Kubernetes' clients speak: keep-alive, bodies, and answers in chunks for watches."""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

# The API server's own limit for one object.
_BODY_LIMIT = 3 * 2**20


class Request(NamedTuple):
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def keeps_connection(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


class Response(NamedTuple):
    """One answer: a text, or an object as JSON."""

    code: int
    content: dict[str, Any] | str


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Request(method, unquote(url.path), query, headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    size = int(headers.get("content-length", "0"))
    if not 0 <= size <= _BODY_LIMIT or "transfer-encoding" in headers:
        raise ValueError(f"a body of {size} bytes is too large, or one in pieces")
    return await reader.readexactly(size)


async def write_response(writer: asyncio.StreamWriter, response: Response) -> None:
    if isinstance(response.content, str):
        kind, body = "text/plain; charset=utf-8", response.content.encode()
    else:
        kind, body = "application/json", json.dumps(response.content, separators=(",", ":")).encode() + b"\n"
    lines = [
        f"HTTP/1.1 {response.code} {http.HTTPStatus(response.code).phrase}",
        "Cache-Control: no-cache, private",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
