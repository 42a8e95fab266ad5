# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Talos node, which the lab and the tests use."""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
import time
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import memory_of_system
from lab.kubernetes.clusters import Clusters
from lab.kubernetes.server import ApiServer
from lab.talos import pki, services
from lab.talos.config import Config, parse
from lab.talos.faults import Faults
from lab.talos.kernel import command_line
from lab.talos.machine import Hardware, Timing
from lab.talos.registry import Registry, contents_of
from lab.talos.server import NodeServer
from lab.talos.state import CONFIG, Disk, State

_log = logging.getLogger(__name__)
_ETCD_MEMBER = 0x1000_0000_0000_0000


def hardware_of(*, cpus: int, memory: int, volumes: Mapping[str, int]) -> Hardware:
    """Return the machine that an instance type is: of the MiB that EC2 sells firmware and kernel keep some."""
    disks = {name.replace("-", ""): size * 2**30 for name, size in volumes.items()}
    return Hardware(cpus=cpus, memory=memory_of_system(memory) * 2**20, disks=disks)


_SHARED = Registry()


def clusters() -> Clusters:
    return _SHARED.kubernetes


class TalosNode:
    """Simulation of a Talos node: real API, real TLS, no operating system.

    It listens at address:port and keeps what a node would keep on its disk in directory. Nodes that share a registry
    find each other as the members of a cluster do.
    """

    def __init__(
        self,
        address: str,
        directory: Path,
        *,
        port: int = 50000,
        version: str = "v1.13.6",
        image: str | None = None,
        registry: Registry | None = None,
        hardware: Hardware | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.address = address
        self.port = port
        self.hardware = hardware or Hardware()
        self.timing = timing or Timing()
        self.registry = registry or _SHARED
        self.faults = Faults()
        self.disk = Disk(directory)
        self.state = self.disk.load(_fresh(version, image))
        self.active: Config | None = None
        self.stage = "off"
        self.boot_time = 0
        self._server: NodeServer | None = None
        self._kubernetes = ApiServer(self, self.registry.kubernetes)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_booted = False
        self._is_joining = False
        self._is_listening = False

    # What it is, for the others and for the calls.

    @property
    def release(self) -> tuple[int, int]:
        major, minor = self.state.version.removeprefix("v").split(".")[:2]
        return int(major), int(minor)

    @property
    def cmdline(self) -> str:
        extra = contents_of(self.state.image or "").cmdline
        return command_line(self.release, extra, self.hardware.architecture)

    @property
    def identity(self) -> str:
        return self.active.identity if self.active else ""

    @property
    def config(self) -> Config:
        if not self.active:
            raise LookupError("the node has no configuration")
        return self.active

    @property
    def has_key(self) -> bool:
        """Return whether it holds the key of its machine authority, as control planes do."""
        return bool(self.active and self.active.pem("machine", "ca", "key"))

    @property
    def machine_type(self) -> str:
        return str(self.active.machine.get("type")) if self.active else "unknown"

    @property
    def hostname(self) -> str:
        """Return the configured name, or one made of the address."""
        automatic = "talos-" + self.address.replace(".", "-").replace(":", "-")
        if not self.active:
            return automatic
        documents = self.active.documents_of("HostnameConfig")
        old = (self.active.machine.get("network") or {}).get("hostname")
        return str((documents[0].get("hostname") if documents else None) or old or automatic)

    @property
    def persistent_text(self) -> str | None:
        text = self.disk.read(CONFIG)
        return text.decode() if text else None

    @property
    def is_up(self) -> bool:
        return self._server is not None

    @property
    def is_booted(self) -> bool:
        """Return whether the boot got so far that etcd waits for its bootstrap."""
        return self._is_booted

    @property
    def time_is_synced(self) -> bool:
        return not self.faults.time_unsynced and not self.faults.clock_offset

    @property
    def is_networked(self) -> bool:
        """Return whether the Kubernetes node is ready: without Talos' own CNI it waits for another CNI."""
        cni = ((self.config.cluster.get("network") or {}).get("cni") or {}).get("name", "flannel")
        return self.stage == "running" and (cni != "none" or self.identity in self.registry.networked)

    def services(self) -> Mapping[str, tuple[str, bool | None]]:
        return services.running_services(self)

    # Power.

    async def start(self) -> None:
        """Switch the machine on; it is in maintenance mode as long as no configuration was applied."""
        self.registry.add(self)
        if self.state.is_wiped:
            self.stage = "no operating system"
            _log.info("Simulation of Talos at %s: its disk is wiped, nothing boots", self.address)
            return
        await self._boot()

    async def stop(self) -> None:
        """Switch the machine off: nothing listens, open connections are cut."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        self._power_down("off")
        await asyncio.gather(*tasks, return_exceptions=True)

    def reboot_soon(self, *, stage: str = "rebooting") -> None:
        self._spawn(self._reboot(stage))

    async def _reboot(self, stage: str) -> None:
        # Reported while connections are open, like a real node that stops its services.
        self.stage = stage
        await asyncio.sleep(self.timing.answer)
        self._power_down(stage)
        await asyncio.sleep(self.timing.reboot)
        if self.faults.never_returns or self.state.is_wiped:
            self.stage = "off"
            _log.info("Simulation of Talos at %s does not come back", self.address)
            return
        await self._boot()

    def power_off_soon(self) -> None:
        self._spawn(self._power_off())

    async def _power_off(self) -> None:
        await asyncio.sleep(self.timing.answer)
        self._power_down("off")

    def _power_down(self, stage: str) -> None:
        self.stage = stage
        self._is_booted = self._is_joining = self._is_listening = False
        self._kubernetes.stop()
        if self._server:
            self._server.cut()
            self._server = None

    def cut_connections(self) -> None:
        if self._server:
            self._server.cut_connections()

    # Boot.

    async def _boot(self) -> None:
        self.boot_time = max(int(time.time()), self.boot_time + 1)
        self.state.boots += 1
        self.state.version, self.state.next_version = self.state.next_version or self.state.version, None
        self.save()
        text = self.disk.read(CONFIG)
        self.active = parse(text, self.release) if text else None
        self.stage = "booting" if self.active else "maintenance"
        if not self.active:
            await self._listen(*self._maintenance_tls())
        else:
            self._spawn(self._come_up())
        _log.info("Simulation of Talos %s at %s:%d: %s", self.state.version, self.address, self.port, self.stage)

    async def _come_up(self) -> None:
        await self._listen_as_member()
        await asyncio.sleep(self.timing.boot)
        self._is_booted = True
        self.registry.changed()

    def continue_boot(self) -> None:
        """Take the next step of the boot, if what it waits for has come."""
        if not self._is_booted or not self.active or self.stage != "booting":
            return
        if not self._is_listening:
            self._spawn(self._listen_as_member())
        elif not self.active.is_control_plane or self.state.etcd_member:
            self.stage = "running"
            if self.active.is_control_plane:
                self._spawn(self._kubernetes.start())
        elif not self._is_joining and any(node.is_up for node in self.registry.etcd_members(self.identity)):
            self._is_joining = True
            self._spawn(self._join())

    async def _join(self) -> None:
        await asyncio.sleep(self.timing.join)
        self.begin_etcd()

    def begin_etcd(self, began_from: str | None = None) -> None:
        """Have etcd data from now on: that of the cluster that it joined, or if began_from is given, new data."""
        last = self.address.rpartition(".")[2] if "." in self.address else "1"
        self.state.etcd_member = _ETCD_MEMBER + int(last)
        self.state.etcd_began_from = began_from
        self.save()
        self.registry.changed()

    def save(self) -> None:
        self.disk.save(self.state)

    # TLS.

    def _maintenance_tls(self) -> tuple[pki.Pair, bytes | None]:
        subject = pki.Subject(pki.MAINTENANCE_NAME, alternative_names=[self.address], **self._dates())
        return pki.issue(pki.new_authority(), subject), None

    async def _listen_as_member(self) -> None:
        """Listen with a certificate of the cluster's authority; a worker waits until a control plane signs it one."""
        if self._is_listening:
            return
        certificate = self.config.pem("machine", "ca", "crt")
        key = self.config.pem("machine", "ca", "key") or self.registry.authority_key(self.identity)
        if not key:
            return
        self._is_listening = True
        sans = [*map(str, self.config.machine.get("certSANs") or []), self.address, "127.0.0.1", self.hostname]
        subject = pki.Subject(self.hostname, alternative_names=sans, **self._dates())
        await self._listen(pki.issue(pki.load_pair(certificate, key), subject), certificate)
        self.registry.changed()

    def _dates(self) -> dict[str, Any]:
        return {"clock_offset": timedelta(seconds=self.faults.clock_offset)}

    async def _listen(self, pair: pki.Pair, clients_of: bytes | None) -> None:
        context: ssl.SSLContext = pki.server_context(pair, clients_of=clients_of)
        server = NodeServer(functools.partial(services.serve, self))
        await server.listen(self.address, self.port, context)
        self._server = server

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _fresh(version: str, image: str | None) -> State:
    contents = contents_of(image or "")
    return State(version=contents.version or version, image=image, extensions=contents.extensions)
