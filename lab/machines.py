# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 machines, simulated: an instance lives at its loopback address, first as a Linux, then as a Talos node."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import importlib
import ipaddress
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from lab.bastion import BastionServices
from lab.sandbox import Sandbox, choose_sandbox
from lab.settings import TALOS_PORT, Settings

LOG = logging.getLogger("lab.machines")
CONSOLE_BYTES = 64 * 1024  # as EC2 keeps
GZIP = b"\x1f\x8b"


class Node(Protocol):
    """What the lab needs of a simulated Talos node."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Size(NamedTuple):
    """How large a machine is: processors, MiB of memory, and GiB of its volumes by their ids, the system's first."""

    cpus: int
    memory: int
    volumes: Mapping[str, int]


class Machine:
    """One machine: its console, its scratch root and what runs in it."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop, identity: dict[str, Any]) -> None:
        self.settings, self.loop, self.identity = settings, loop, identity
        self.directory = settings.machines / identity["id"]
        self.size: Size | None = None
        self.system = "linux"
        self.state = "off"
        self.booted_before = False
        self.terminated = False
        self.process: Sandbox | None = None
        self.node: Node | None = None
        is_bastion = settings.is_bastion(identity["address"])
        self.services = BastionServices(settings, identity["address"]) if is_bastion else None
        self._lock = threading.Lock()
        self._power = 0
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "console.log").touch()
        self._write()

    @property
    def console(self) -> Path:
        return self.directory / "console.log"

    def say(self, text: str) -> None:
        with self.console.open("a", encoding="utf-8") as console:
            console.write(f"[lab, simulated] {text}\n")

    def describe(self) -> dict[str, Any]:
        state = "terminated" if self.terminated and self.state == "off" else self.state
        return self.identity | {"state": state, "system": self.system}

    def power_on(self, user_data: bytes) -> None:
        with self._lock:
            self._power += 1
            power = self._power
        threading.Thread(target=self._boot, args=(power, user_data), name=self.identity["id"], daemon=True).start()

    def power_off(self) -> None:
        with self._lock:
            self._power += 1
            process, self.process = self.process, None
            node, self.node = self.node, None
        if process:
            process.kill()
        if node:
            self._await(node.stop())
        if self.services:
            self.services.stop()
        self._set("off")

    def reboot(self) -> None:
        self.power_off()
        self.power_on(b"")

    def _boot(self, power: int, user_data: bytes) -> None:
        try:
            if self.system == "linux":
                self._boot_linux(power, user_data)
            else:
                self._boot_talos(power)
        except Exception as error:
            LOG.exception("machine %s", self.identity["id"])
            self.say(f"the machine failed: {type(error).__name__}: {error}")
            self._set("failed")

    def _boot_linux(self, power: int, user_data: bytes) -> None:
        self._set("linux")
        sandbox, address = choose_sandbox(self.settings), self.identity["address"]
        self.say(f"a plain Linux boots at {address}; user-data runs in {sandbox.kind}")
        if self.booted_before:
            self.say("cloud-init: user-data ran on the first boot, not again")
            self._serve(power)
            return
        self.booted_before = True
        if not user_data.startswith(b"#!"):
            self.say("cloud-init: the lab ignores user-data that is not a script (#!)" if user_data else "no user-data")
            return
        process = sandbox(self.directory, user_data, self.identity, seconds=self.settings.script_seconds)
        if refusal := process.refusal():
            self.say(refusal)
            return
        with self._lock:
            if power != self._power:
                return
            self.process = process
            process.start()
            self._write()
        self._attend(power, process)

    def _attend(self, power: int, process: Sandbox) -> None:
        """Wait for the end of the user-data, for its reboot, or for the timeout."""
        until = time.monotonic() + self.settings.script_seconds
        while power == self._power:
            request = process.requested_reboot()
            if process.ended_well():
                self._serve(power)
            if request:
                return self._reboot_into(power, request)
            if not process.is_running():
                if process.ended_well():
                    self._serve(power)
                return self.say("nothing of the user-data runs any more")
            if time.monotonic() > until:
                process.kill()
                return self.say(f"user-data ran for {self.settings.script_seconds:g} s and was killed by the lab")
            time.sleep(0.03)
        return None

    def _serve(self, power: int) -> None:
        """Start the simulated services if this machine is the bastion and still runs."""
        with self._lock:
            if self.services and power == self._power and not self.services.is_running:
                self.services.start()
                self.say("simulations of the bastion's services answer now")

    def _reboot_into(self, power: int, request: str) -> None:
        with self._lock:
            process, self.process = self.process, None
        if process:
            process.kill()
        self.say(f"reboot: {request}")
        system, _blank, image = request.partition(" ")
        if system == "talos":
            self.system = "talos"
            self._boot_talos(power, image or None)
        elif request == "off":
            self._set("off")
        else:
            self._boot_linux(power, b"")

    def _boot_talos(self, power: int, image: str | None = None) -> None:
        """Boot Talos; its disk remembers the image that it was installed from."""
        self._set("booting talos")
        self.say("the disk holds Talos now; its simulation starts in maintenance mode unless it was configured before")
        node = make_node(self.settings, self.identity["address"], self.directory / "talos", image, self.size)
        self._await(node.start())
        with self._lock:
            if power == self._power:
                self.node = node
        if self.node is node:
            self._set("talos")
            self.say(f"the Simulated Talos answers at {self.identity['address']}:{TALOS_PORT}")
        else:
            self._await(node.stop())

    def _await(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=30)

    def _set(self, state: str) -> None:
        self.state = state
        self._write()

    def _write(self) -> None:
        process = self.process.identity() if self.process else {}
        with contextlib.suppress(OSError):  # the directory goes away with the machine
            (self.directory / "machine.json").write_text(json.dumps(self.describe() | process), encoding="utf-8")


class MachinePark:
    """All machines of the lab, and the lock under which moto is read and changed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.machines: dict[str, Machine] = {}
        self.sandbox_kind = choose_sandbox(settings).kind
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="talos", daemon=True).start()

    def later(self, change: Callable[[], object]) -> None:
        """Make a change in a short moment, as AWS does."""

        def make() -> None:
            with self.lock:
                change()

        timer = threading.Timer(self.settings.boot_seconds, make)
        timer.daemon = True
        timer.start()

    def power_on(
        self, identifier: str, *, name: str, address: str | None, user_data: str | None, size: Size | None = None
    ) -> None:
        """Bring a machine to life, if it has an address on loopback."""
        machine = self.machines.get(identifier)
        if machine is None:
            identity = {"id": identifier, "name": name, "address": address, "endpoint": self.settings.endpoint}
            machine = self.machines[identifier] = Machine(self.settings, self.loop, identity)
        machine.size = size
        if address is None or not ipaddress.IPv4Address(address).is_loopback:
            machine.say(f"{address} is not on loopback, so nothing comes to life here")
            machine.state = "not on loopback"
            return
        machine.power_on(decode_user_data(user_data))

    def power_off(self, identifier: str) -> None:
        self._start(identifier, Machine.power_off)

    def remove(self, identifier: str) -> None:
        if machine := self.machines.get(identifier):
            machine.terminated = True
        self.power_off(identifier)

    def reboot(self, identifier: str) -> None:
        self._start(identifier, Machine.reboot)

    def _start(self, identifier: str, work: Callable[[Machine], None]) -> None:
        if machine := self.machines.get(identifier):
            threading.Thread(target=work, args=(machine,), daemon=True).start()

    def console(self, identifier: str) -> str:
        machine = self.machines.get(identifier)
        said = machine.console.read_bytes() if machine else b""
        return said[-CONSOLE_BYTES:].decode("utf-8", errors="replace")

    def describe(self) -> list[dict[str, Any]]:
        return [machine.describe() for machine in list(self.machines.values())]

    def stop(self) -> None:
        for machine in list(self.machines.values()):
            with contextlib.suppress(Exception):  # the daemon ends, even if a node fails
                machine.power_off()
        self.loop.call_soon_threadsafe(self.loop.stop)


def decode_user_data(text: str | None) -> bytes:
    """Return what cloud-init would see of an instance's user-data."""
    data = base64.b64decode(str(text or ""))  # of a class of moto
    return gzip.decompress(data) if data.startswith(GZIP) else data


def make_node(settings: Settings, address: str, directory: Path, image: str | None, size: Size | None = None) -> Node:
    from lab.talos.machine import Hardware
    from lab.talos.node import hardware_of

    hardware = hardware_of(**size._asdict()) if size else Hardware()
    module, _, name = settings.talos_node.partition(":")
    directory.mkdir(parents=True, exist_ok=True)
    made = getattr(importlib.import_module(module), name)
    return made(address, directory, port=TALOS_PORT, image=image, hardware=hardware)
