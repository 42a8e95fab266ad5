# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of simulated nodes for the tests: their authorities, configurations, credentials and machines."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import access, client, machine
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.errors import NodeError
from lab.talos import pki
from lab.talos.machine import Timing
from lab.talos.node import TalosNode
from lab.talos.registry import Registry

QUICK = Timing(answer=0.01, reboot=0.05, boot=0.02, join=0.02)
# Several test runs may go on at once on one computer. Below 127.20.0.0, where the tests' labs are.
_NETWORK = f"127.{11 + os.getpid() // 256 % 9}.{os.getpid() % 256}"


def own_address(number: int) -> str:
    """Return an address that only this process uses."""
    return f"{_NETWORK}.{number}"


def _pair(pair: pki.Pair, header: str = "ED25519 PRIVATE KEY") -> dict[str, str]:
    key = pair.key_pem.replace(b"PRIVATE KEY", header.encode())
    return {"crt": pki.encoded(pair.certificate_pem), "key": pki.encoded(key)}


class Cluster:
    """The secrets of an invented cluster, and the credentials derived from them."""

    def __init__(self, endpoint: str = "https://192.0.2.1:6443", *, key: Any = None) -> None:
        self.authority = pki.new_authority(key=key)
        # Talos has a header of its own for Ed25519 keys.
        self.key_header = "PRIVATE KEY" if key else "ED25519 PRIVATE KEY"
        self.kubernetes = pki.new_authority("kubernetes")
        self.etcd = pki.new_authority("etcd")
        self.endpoint = endpoint
        self.id, self.secret, self.encryption = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(3))

    def document(self, kind: str = "controlplane", **machine_keys: Any) -> dict[str, Any]:
        """Return the base document for a machine of the kind."""
        cluster: dict[str, Any] = {
            "id": self.id,
            "secret": self.secret,
            "clusterName": "test",
            "controlPlane": {"endpoint": self.endpoint},
            "network": {"cni": {"name": "none"}},
            "ca": _pair(self.kubernetes),
        }
        document: dict[str, Any] = {
            "version": "v1alpha1",
            "machine": {
                "type": kind,
                "ca": _pair(self.authority, self.key_header),
                "install": {"disk": "/dev/nvme0n1"},
                **machine_keys,
            },
            "cluster": cluster,
        }
        if kind == "controlplane":
            cluster["etcd"] = {"ca": _pair(self.etcd)}
            # Talos v1.14 refuses a control plane that stores secrets without encryption.
            cluster["secretboxEncryptionSecret"] = self.encryption
        else:
            document["machine"]["ca"]["key"] = ""
            cluster["ca"]["key"] = ""
        return document

    def config(self, kind: str = "controlplane", **machine_keys: Any) -> bytes:
        """Return a configuration as YAML."""
        return yaml.safe_dump(self.document(kind, **machine_keys), sort_keys=False).encode()

    def credentials(self, role: str = "os:admin", *, begins: timedelta = timedelta()) -> access.Credentials:
        """Return client credentials of the role, valid from then on."""
        subject = pki.Subject(organizations=[role], clock_offset=begins)
        pair = pki.issue(self.authority, subject, client=True)
        key = pair.key_pem.decode().replace("PRIVATE KEY", self.key_header)
        return access.Credentials(self.authority.certificate_pem.decode(), pair.certificate_pem.decode(), key)

    def talosconfig(self, role: str = "os:admin") -> dict[str, Any]:
        """Return a talosconfig as a mapping."""
        texts = [pki.encoded(text.encode()) for text in self.credentials(role)]
        entry = {"endpoints": [], "nodes": [], **dict(zip(("ca", "crt", "key"), texts, strict=True))}
        return {"context": "test", "contexts": {"test": entry}}

    def access(self, role: str = "os:admin") -> access.Access:
        """Return the way into the cluster's nodes, with little patience."""
        return access.cluster_access(self.credentials(role))._replace(connect_timeout=2, call_timeout=5)


def maintenance() -> access.Access:
    """Return the way into nodes in maintenance, with little patience."""
    return access.maintenance_access()._replace(connect_timeout=2, call_timeout=5)


@asynccontextmanager
async def machines(
    directory: Path, addresses: Sequence[str], *, version: str = "v1.13.6", image: str | None = None
) -> AsyncIterator[list[TalosNode]]:
    """Yield simulated nodes that are switched on."""
    registry = Registry()
    nodes = [
        TalosNode(address, directory / address, version=version, image=image, registry=registry, timing=QUICK)
        for address in addresses
    ]
    try:
        for node in nodes:
            await node.start()
        yield nodes
    finally:
        for node in nodes:
            await node.stop()


async def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def configured(nodes: Sequence[TalosNode], cluster: Cluster, **machine_keys: Any) -> None:
    """Bring the nodes into the cluster, as far as its bootstrap."""
    for node in nodes:
        async with client.connected(node.address, maintenance()) as connection:
            await machine.apply(connection, cluster.config(**machine_keys))
    await until(lambda: all(node.is_booted for node in nodes))


async def bootstrapped(nodes: Sequence[TalosNode], cluster: Cluster) -> None:
    """Bring the nodes into the cluster, with etcd running on all of them."""
    await configured(nodes, cluster)
    async with client.connected(nodes[0].address, cluster.access()) as connection:
        await machine.bootstrap(connection)
    await until(lambda: all(node.stage == "running" for node in nodes))


async def on(node: TalosNode, way: access.Access, work: Callable[[client.NodeClient], Any]) -> Any:
    """Return what the work on the node gives."""
    async with client.connected(node.address, way) as connection:
        return await work(connection)


async def error_on(node: TalosNode, way: access.Access, work: Callable[[client.NodeClient], Any]) -> NodeError:
    """Return how the work on the node fails."""
    try:
        await on(node, way, work)
    except NodeError as error:
        return error
    raise AssertionError("the call did not fail")
