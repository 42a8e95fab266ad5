# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to Talos nodes: one connection per node, many nodes at once. Private to urmanac.talos: may change at any time.

Uses grpclib instead of grpcio, whose BoringSSL rejects the Ed25519 certificates of Talos nodes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, NamedTuple, TypeVar

# Imported here so that a missing library is reported before anything is done.
import cryptography  # noqa: F401  # pylint: disable=unused-import

# Used by proto.py, but loaded here: in ansible-playbook before it forks the workers of tasks, once for all of them.
from google.protobuf import descriptor_pb2, message_factory  # noqa: F401  # pylint: disable=unused-import
from grpclib.client import Channel, Stream
from grpclib.const import Cardinality
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from grpclib.protocol import H2Protocol

from ..._errors import TalosError
from ..._text import received
from . import proto
from .access import Access
from .errors import (
    CONNECT,
    Cause,
    NodeError,
    Reason,
    cause_of_status,
    reason_of_connect,
)
from .probe import (
    MAINTENANCE_NAME,
    certificate_of,
    probe,
)

CONNECTS_AT_ONCE: Final = 64

Value = TypeVar("Value")


class _Protocol(H2Protocol):
    """HTTP/2 that records why the connection ended and when the node sent its first frame.

    In TLS 1.3 the server checks a client certificate after the client's handshake is complete. Requests are sent only
    after the node's SETTINGS frame, which proves acceptance: a request that fails earlier was not executed.
    """

    lost: BaseException | None = None
    spoke: asyncio.Future[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.spoke = asyncio.get_running_loop().create_future()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.spoke.done():
            self.spoke.set_result(None)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost = exc
        super().connection_lost(exc)
        if not self.spoke.done():
            self.spoke.set_exception(exc or ConnectionResetError())
            self.spoke.exception()


class _NodeChannel(Channel):
    """A channel that connects once, on request, and never reconnects by itself."""

    def __init__(self, node: str, access: Access) -> None:
        super().__init__(node, access.port, ssl=access.context)
        self._access = access

    def _protocol_factory(self) -> H2Protocol:
        return _Protocol(super()._protocol_factory().handler, self._config, self._h2_config)

    async def open(self) -> None:
        """Connect and wait until the node accepts the client."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._access.connect_timeout):
            transport, protocol = await loop.create_connection(
                self._protocol_factory, self._host, self._port, ssl=self._ssl, server_hostname=self._host
            )
            self._protocol = protocol
            self._check(transport.get_extra_info("ssl_object"))
            await protocol.spoke

    def _check(self, tls: ssl.SSLObject) -> None:
        """Reject a node in maintenance mode whose public key is not the pinned one."""
        if not self._access.is_maintenance:
            return
        shown = certificate_of(tls.getpeercert(True) or b"")
        wanted = self._access.fingerprint
        if wanted and shown.fingerprint != wanted:
            raise _Refused(Reason(Cause.OTHER_PIN, f"its public key is {shown.fingerprint}, not {wanted}"))

    async def _create_connection(self) -> H2Protocol:
        detail = "the node closed the connection before the request was sent"
        raise _Refused(Reason(Cause.CLOSED, detail)) from getattr(self._protocol, "lost", None)


class _Refused(Exception):
    """The client rejects this node."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.detail)
        self.reason = reason


class NodeClient:
    """Calls to one node over its one connection."""

    def __init__(self, node: str, channel: Channel, *, call_timeout: float) -> None:
        self.node = node
        self._channel = channel
        self._call_timeout = call_timeout

    async def call(self, name: str, request: Any = None, *, timeout: float | None = None) -> Any:
        """Return the node's reply to one request."""
        return await self._only_reply(proto.method(name), [request or _empty(name)], timeout)

    async def element(self, name: str, request: Any = None, *, timeout: float | None = None) -> Any:
        """Return the single element of the reply: a direct call returns the data of one node."""
        reply = await self.call(name, request, timeout=timeout)
        if not reply.messages:
            raise NodeError(self.node, proto.method(name).name, Cause.OTHER, "the node sent an empty reply")
        return reply.messages[0]

    def stream(self, name: str, request: Any = None, *, timeout: float | None = None) -> AsyncIterator[Any]:
        """Return the stream of the node's replies."""
        return self._replies(proto.method(name), [request or _empty(name)], timeout)

    async def upload(self, name: str, requests: Iterable[Any], *, timeout: float | None = None) -> Any:
        """Send many messages and return the node's reply."""
        return await self._only_reply(proto.method(name), requests, timeout)

    async def _only_reply(self, method: proto.Method, requests: Iterable[Any], timeout: float | None) -> Any:
        replies = [reply async for reply in self._replies(method, requests, timeout)]
        if len(replies) != 1:
            raise NodeError(self.node, method.name, Cause.OTHER, f"the node sent {len(replies)} replies instead of one")
        return replies[0]

    async def _replies(
        self, method: proto.Method, requests: Iterable[Any], timeout: float | None
    ) -> AsyncIterator[Any]:
        deadline = timeout or self._call_timeout
        with _translated(self.node, method.name, deadline):
            async with self._open(method, deadline) as stream:
                await self._send(stream, method, requests)
                async for reply in stream:
                    yield reply

    def _open(self, method: proto.Method, deadline: float) -> Stream[Any, Any]:
        return self._channel.request(
            method.path,
            Cardinality((method.request_streams, method.reply_streams)),
            proto.message(method.request),
            proto.message(method.reply),
            timeout=deadline,
        )

    async def _send(self, stream: Stream[Any, Any], method: proto.Method, requests: Iterable[Any]) -> None:
        for request in requests:
            size = request.ByteSize()
            if size > proto.MAXIMUM_MESSAGE_SIZE:
                detail = f"the message of {size} bytes exceeds the maximum of {proto.MAXIMUM_MESSAGE_SIZE}"
                raise NodeError(self.node, method.name, Cause.INVALID_ARGUMENT, detail)
            await stream.send_message(request, end=not method.request_streams)
        if method.request_streams:
            await stream.end()


def _empty(name: str) -> Any:
    return proto.message(proto.method(name).request)()


class _translated:  # noqa: N801
    """Translate grpclib's exceptions into NodeError."""

    def __init__(self, node: str, call: str, deadline: float) -> None:
        self._reported = (node, call)
        self._deadline = deadline

    def __enter__(self) -> None:
        """Do nothing yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Raise the translated error."""
        if isinstance(error, _Refused):
            raise NodeError(*self._reported, *error.reason) from error
        if isinstance(error, GRPCError):
            detail = received((error.message or error.status.name).strip().rstrip("."))
            raise NodeError(*self._reported, cause_of_status(error.status.value), detail) from error
        if isinstance(error, TimeoutError):
            detail = f"no reply within {self._deadline:g} s"
            raise NodeError(*self._reported, Cause.DEADLINE, detail) from error
        if isinstance(error, StreamTerminatedError | OSError):
            detail = "the connection was cut after the request was sent"
            raise NodeError(*self._reported, Cause.CUT, detail) from error
        if isinstance(error, ProtocolError):
            raise NodeError(*self._reported, Cause.OTHER, received(str(error))) from error


@asynccontextmanager
async def connected(node: str, access: Access, *, slots: asyncio.Semaphore | None = None) -> AsyncIterator[NodeClient]:
    """Yield a client of the node; close the connection at the end of the block."""
    channel = _NodeChannel(node, access)
    try:
        async with slots or asyncio.Semaphore():
            await _open(channel, node, access)
        yield NodeClient(node, channel, call_timeout=access.call_timeout)
    finally:
        channel.close()


async def _open(channel: _NodeChannel, node: str, access: Access) -> None:
    try:
        await channel.open()
    except _Refused as error:
        raise NodeError(node, CONNECT, *error.reason) from error
    except (OSError, EOFError) as error:
        reason = reason_of_connect(error, access.connect_timeout)
        raise NodeError(node, CONNECT, *await _refined(reason, node, access)) from error


async def _refined(reason: Reason, node: str, access: Access) -> Reason:
    """Return the reason; the certificate's name distinguishes maintenance mode from another cluster."""
    if reason.cause is not Cause.OTHER_AUTHORITY:
        return reason
    seen = await probe(node, port=access.port, timeout=access.connect_timeout)
    if not seen.certificate:
        return Reason(Cause.CLOSED, f"it stopped answering during the check ({seen.error})")
    if seen.certificate.common_name == MAINTENANCE_NAME:
        return Reason(Cause.MAINTENANCE, "it is in maintenance mode, without a configuration")
    return Reason(Cause.OTHER_AUTHORITY, "it belongs to another cluster: its certificate is of another authority")


class NodeResult(NamedTuple, Generic[Value]):
    """Result of the work on one node: a value or an error."""

    node: str
    value: Value | None = None
    error: TalosError | None = None


async def run_on_nodes(
    nodes: Sequence[str], work: Callable[[NodeClient], Awaitable[Value]], access: Access
) -> list[NodeResult[Value]]:
    """Run the work on all nodes in parallel; a failure affects its own node only."""
    slots = asyncio.Semaphore(CONNECTS_AT_ONCE)

    async def run(node: str) -> NodeResult[Value]:
        try:
            async with connected(node, access, slots=slots) as client:
                return NodeResult(node, await work(client))
        except TalosError as error:
            return NodeResult(node, error=error)

    return list(await asyncio.gather(*(run(node) for node in nodes)))
