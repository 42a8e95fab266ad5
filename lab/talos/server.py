# SPDX-License-Identifier: GPL-3.0-or-later
"""The gRPC server of the simulation: grpclib's, with connections that can be cut."""

from __future__ import annotations

import asyncio
import functools
import ssl
import weakref
from asyncio.sslproto import SSLProtocol
from collections.abc import Awaitable, Callable
from typing import Any

from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server, Stream

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import proto

Serve = Callable[[proto.Method, "Stream[Any, Any]"], Awaitable[None]]

# Seconds in which a client that is turned away reads why.
_LINGER = 0.1


class _Handlers(dict[str, Handler]):
    """The handlers by path; a path without a handler has an answer as well.

    grpclib's own answer to an unknown path lacks the content type, so that a client of Go reports something else.
    """

    def get(self, path: str, default: Any = None) -> Any:
        return super().get(path) or Handler(
            functools.partial(_refuse, path), Cardinality.UNARY_UNARY, proto.message("Empty"), proto.message("Empty")
        )


async def _refuse(path: str, _stream: Stream[Any, Any]) -> None:
    service, _slash, name = path.strip("/").partition("/")
    raise GRPCError(Status.UNIMPLEMENTED, f"unknown method {name} for service {service}")


class _Methods:
    """Every method of the API, each served by the same function."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve

    def __mapping__(self) -> dict[str, Handler]:
        return {path: self._handler(method) for path, method in proto.methods().items()}

    def _handler(self, method: proto.Method) -> Handler:
        return Handler(
            functools.partial(self._serve, method),
            Cardinality((method.request_streams, method.reply_streams)),
            proto.message(method.request),
            proto.message(method.reply),
        )


class _Tls(SSLProtocol):
    """asyncio's TLS, which sends a refused client the alert before it closes the connection."""

    def __init__(self, *args: Any, opened: weakref.WeakSet[Any], **options: Any) -> None:
        super().__init__(*args, **options)
        self._opened = opened
        self._is_refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._opened.add(transport)
        super().connection_made(transport)

    def _on_handshake_complete(self, handshake_exc: BaseException | None) -> None:
        complete = super()._on_handshake_complete
        if not handshake_exc:
            complete(handshake_exc)
        elif not self._is_refused:
            self._is_refused = True
            self._process_outgoing()  # type: ignore[attr-defined]
            # Closing at once would reset the connection under a client that is still writing; the alert would be lost.
            self._loop.call_later(_LINGER, complete, handshake_exc)  # type: ignore[attr-defined]


class NodeServer(Server):
    """A gRPC server whose open connections are cut when it goes, as those of a machine that reboots are."""

    def __init__(self, serve: Serve) -> None:
        methods = _Methods(serve)
        super().__init__([methods])
        self._mapping = _Handlers(methods.__mapping__())
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._context: ssl.SSLContext

    def _protocol_factory(self) -> Any:
        protocol = super()._protocol_factory()
        return _Tls(self._loop, protocol, self._context, waiter=None, server_side=True, opened=self._open)

    async def listen(self, address: str, port: int, context: ssl.SSLContext) -> None:
        self._context = context
        starting = asyncio.ensure_future(self.start(address, port, backlog=512))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Otherwise its socket would stay open without an owner.
            await starting
            self.cut()
            raise

    def cut(self) -> None:
        self.close()
        self.cut_connections()

    def cut_connections(self) -> None:
        for transport in list(self._open):
            transport.abort()
