# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Talos node that is none: the stand-in that the lab and the tests talk to."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

from ansible_collections.urmanac.talos.plugins.module_utils._talos import proto
from lab.talos import pki
from lab.talos.server import NodeServer

_log = logging.getLogger(__name__)


class TalosNode:
    """STAND-IN for a Talos node: real API, real TLS, no operating system.

    It listens at address:port and keeps what a node would keep on its disk in directory.
    """

    def __init__(self, address: str, directory: Path, *, port: int = 50000, version: str = "v1.13.6") -> None:
        self.address = address
        self.directory = directory
        self.port = port
        self.version = version
        self._server: NodeServer | None = None

    async def start(self) -> None:
        """Boot: listen, in maintenance mode as long as no configuration was applied."""
        self.directory.mkdir(parents=True, exist_ok=True)
        pair = pki.issue(
            pki.new_authority(), pki.Subject(common_name=pki.MAINTENANCE_NAME, alternative_names=[self.address])
        )
        self._server = NodeServer(self._serve)
        await self._server.listen(self.address, self.port, pki.server_context(pair))
        _log.info("STAND-IN for Talos %s listens at %s:%d in maintenance mode", self.version, self.address, self.port)

    async def stop(self) -> None:
        """Switch the machine off: nothing listens, open connections are cut."""
        if self._server:
            self._server.cut()
            self._server = None

    async def _serve(self, method: proto.Method, stream: Stream[Any, Any]) -> None:
        await stream.recv_message()
        if method.path != "/machine.MachineService/Version":
            raise GRPCError(Status.UNIMPLEMENTED, "API is not implemented in maintenance mode")
        version = proto.message("VersionInfo")(tag=self.version, os="linux", arch="arm64")
        reply = proto.message("Version")(version=version, platform=proto.message("PlatformInfo")(name="stand-in"))
        await stream.send_message(proto.message("VersionResponse")(messages=[reply]))
