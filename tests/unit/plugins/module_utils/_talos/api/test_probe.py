# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node is, seen from outside, against real sockets and real TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.probe import Probe, probe, probe_all
from lab.talos import pki
from lab.talos.node import TalosNode
from lab.talos.server import NodeServer
from tests.talos_nodes import own_address

ADDRESS = own_address(1)


async def _look(port: int = 50000, timeout: float = 10) -> Probe:
    return await probe(ADDRESS, port=port, timeout=timeout)


async def _never(*_: object) -> None:
    raise AssertionError("no call was expected")


def _server_pair(authority: pki.Pair) -> pki.Pair:
    return pki.issue(authority, pki.Subject(common_name="gateway", alternative_names=[ADDRESS]))


def test_a_node_without_configuration_is_in_maintenance(tmp_path: Path) -> None:
    async def scenario() -> Probe:
        node = TalosNode(ADDRESS, tmp_path)
        await node.start()
        try:
            return await _look()
        finally:
            await node.stop()

    seen = asyncio.run(scenario())

    assert (seen.stage, seen.error) == ("maintenance", None)
    assert seen.certificate
    assert seen.certificate.common_name == "maintenance-service.talos.dev"
    assert len(seen.certificate.fingerprint) == 44


def test_a_node_that_asks_for_a_client_certificate_is_running() -> None:
    async def scenario() -> Probe:
        authority = pki.new_authority()
        server = NodeServer(_never)
        context = pki.server_context(_server_pair(authority), clients_of=authority.certificate_pem)
        await server.listen(ADDRESS, 50000, context)
        try:
            return await _look()
        finally:
            server.cut()

    seen = asyncio.run(scenario())

    assert (seen.stage, seen.error) == ("running", None)
    assert seen.certificate
    assert seen.certificate.common_name == "gateway"


def test_a_server_that_lets_anybody_in_is_not_a_node() -> None:
    async def scenario() -> Probe:
        server = NodeServer(_never)
        await server.listen(ADDRESS, 50000, pki.server_context(_server_pair(pki.new_authority())))
        try:
            return await _look()
        finally:
            server.cut()

    seen = asyncio.run(scenario())

    assert seen.stage is None
    assert "not a Talos node" in (seen.error or "")


def test_a_closed_port_is_a_refused_connection() -> None:
    seen = asyncio.run(_look(port=50009))

    assert seen == Probe(ADDRESS, error="connection refused")


async def _silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.5)
    writer.close()


async def _closing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await asyncio.sleep(0.1)
    writer.close()


@pytest.mark.parametrize(
    ("answer", "timeout", "expected"),
    [
        pytest.param(_silent, 0.3, "no answer within 0.3 s", id="says nothing"),
        pytest.param(_closing, 10, "connection closed by the node", id="closes"),
        pytest.param(_plain, 10, "TLS handshake failed (WRONG_VERSION_NUMBER)", id="does not speak TLS"),
    ],
)
def test_a_server_that_is_not_ready_has_its_cause_named(answer: object, timeout: float, expected: str) -> None:
    async def scenario() -> Probe:
        server = await asyncio.start_server(answer, ADDRESS, 50000)  # type: ignore[arg-type]
        try:
            return await _look(timeout=timeout)
        finally:
            server.close()
            await asyncio.sleep(0.3)

    assert asyncio.run(scenario()) == Probe(ADDRESS, error=expected)


def test_many_nodes_are_seen_in_the_order_asked_for() -> None:
    nodes = [own_address(number) for number in range(9, 1, -1)]

    seen = asyncio.run(probe_all(nodes, port=50009, timeout=2))

    assert [one.node for one in seen] == nodes
