# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server of one control plane: HTTPS at its address, for clients with certificates of the cluster's authority.

A certificate of another authority is refused in the handshake, where a real server answers 401: Python's TLS cannot ask
for a certificate without checking it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import ssl
from datetime import timedelta
from urllib.parse import urlsplit

from lab.kubernetes import status
from lab.kubernetes.api import User, answer
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.clusters import Clusters
from lab.kubernetes.http import Request, Response, read_request, write_response
from lab.talos import pki
from lab.talos.machine import Machine

PORT = 6443
_log = logging.getLogger(__name__)


class ApiServer:
    """Simulation of kube-apiserver on one control plane; it listens from start() to stop()."""

    def __init__(self, node: Machine, clusters: Clusters) -> None:
        self._node = node
        self._clusters = clusters
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._is_wanted = False

    async def start(self) -> None:
        """Listen; a node continues without the API if the port is taken or the CA is invalid."""
        if self._is_wanted:
            return
        self._is_wanted = True
        where = f"{self._node.address}:{PORT}"
        try:
            server = await asyncio.start_server(
                self._serve, self._node.address, PORT, ssl=_tls(self._node, self._clusters), start_serving=False
            )
        except (OSError, ValueError) as error:
            self._is_wanted = False
            _log.warning("Simulation of Kubernetes does not answer at %s: %s", where, error)
            return
        if not self._is_wanted:
            server.close()
            return
        # Known before it listens: where the node is switched off meanwhile, this is cancelled, and stop() looks for it.
        self._server = server
        await server.start_serving()
        _log.info("Simulation of Kubernetes answers at %s", where)

    def stop(self) -> None:
        self._is_wanted = False
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()
        if self._node.identity:
            self._clusters.leave(self._node.identity)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            _log.debug("a connection to Kubernetes at %s went: %s", self._node.address, error)
        except asyncio.CancelledError:
            # The loop ends; asyncio would report the end of every connection as an error.
            _log.debug("a connection to Kubernetes at %s ended with the loop", self._node.address)
        finally:
            self._open.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await read_request(reader)
        if request is None:
            return False
        # Without etcd there is nothing behind the API.
        if not self._node.state.etcd_member:
            writer.transport.abort()
            return False
        cluster = self._clusters.of(self._node.identity)
        await asyncio.sleep(cluster.faults.delay)
        if cluster.faults.cuts_request():
            writer.transport.abort()
            return False
        await write_response(writer, await _respond(cluster, request, _user(writer)))
        return request.keeps_connection


async def _respond(cluster: KubernetesCluster, request: Request, user: User | None) -> Response:
    if cluster.faults.refuse:
        text = "the server is currently unable to handle the request"
        return Response(503, status.ApiError(503, "ServiceUnavailable", text).status())
    cluster.reconcile()
    response = await answer(cluster, request, user)
    if request.method != "GET":
        cluster.keep_reconciling()
    return response


def _user(writer: asyncio.StreamWriter) -> User | None:
    """Return the user of the client's certificate, which Talos requires."""
    certificate = writer.get_extra_info("peercert")
    if not certificate:
        return None
    pairs = [pair for names in certificate.get("subject", ()) for pair in names]
    name = next((value for key, value in pairs if key == "commonName"), "")
    groups = frozenset(value for key, value in pairs if key == "organizationName")
    return User(name, groups | {"system:authenticated"})


def _tls(node: Machine, clusters: Clusters) -> ssl.SSLContext:
    """Return the TLS settings of the node's server, and let the node be known as one of its cluster."""
    certificate = node.config.pem("cluster", "ca", "crt")
    authority = pki.load_pair(certificate, node.config.pem("cluster", "ca", "key"))
    clusters.join(node)
    subject = pki.Subject(
        "kube-apiserver",
        organizations=["kube-master"],
        alternative_names=_names(node),
        lifetime=timedelta(days=365),
        clock_offset=timedelta(seconds=node.faults.clock_offset),
    )
    context = pki.server_context(pki.issue(authority, subject), clients_of=certificate)
    context.set_alpn_protocols(["http/1.1"])
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _names(node: Machine) -> list[str]:
    cluster = node.config.cluster
    network = cluster.get("network") or {}
    domain = str(network.get("dnsDomain") or "cluster.local")
    services = [ipaddress.ip_network(subnet)[1] for subnet in network.get("serviceSubnets") or ["10.96.0.0/12"]]
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{domain}"]
    endpoint = urlsplit(node.config.endpoint).hostname
    extra = (cluster.get("apiServer") or {}).get("certSANs") or []
    own = ["localhost", "127.0.0.1", node.hostname, node.address]
    return [*([endpoint] if endpoint else []), *own, *names, *map(str, services), *map(str, extra)]
