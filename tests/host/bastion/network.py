# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network: a subnet with its router, which gives the bastion alone a public address, and an internet behind it."""

from __future__ import annotations

import ctypes
import secrets
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Done = TypeVar("Done")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SUBNET = "10.10.0"
BASTION, NODE, ROUTER = f"{SUBNET}.100", f"{SUBNET}.101", f"{SUBNET}.1"
BASTION_IPV6, OPERATOR_IPV6 = "2001:db8:10::100", "2001:db8:99::2"
INTERNET, PUBLIC = "203.0.113.1", "203.0.113.100"
# Like an internet gateway: only hosts with a public address reach the internet, and are reachable at that address.
GATEWAY_RULES = f"""
table ip gateway {{
    chain out {{
        type nat hook postrouting priority srcnat;
        oifname wan ip saddr {BASTION} snat to {PUBLIC}
    }}
    chain in {{
        type nat hook prerouting priority dstnat;
        iifname wan ip daddr {PUBLIC} dnat to {BASTION}
    }}
    chain forward {{
        type filter hook forward priority filter;
        iifname lan oifname wan ip saddr != {BASTION} drop
    }}
}}
"""


def run(*command: str, text: str | None = None) -> str:
    """Run a command and return what it prints."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Network:
    """Namespaces with names that no other run has."""

    def __init__(self, title: str = "") -> None:
        self.prefix = f"ut{secrets.token_hex(3)}{title}"
        self.made: list[str] = []

    def name(self, place: str) -> str:
        """Return the name of a namespace."""
        return f"{self.prefix}-{place}"

    def within(self, place: str, *command: str) -> list[str]:
        """Return the command that runs another one in a namespace."""
        return ["ip", "netns", "exec", self.name(place), *command]

    def run(self, place: str, *command: str, text: str | None = None) -> str:
        """Run a command in a namespace."""
        return run(*self.within(place, *command), text=text)

    def up(self) -> None:
        """Make the namespaces, the switch of the subnet and the router."""
        for place in ("switch", "router", "internet", "bastion", "node", "client"):
            run("ip", "netns", "add", self.name(place))
            self.made.append(place)
            self.run(place, "ip", "link", "set", "lo", "up")
        self.run("switch", "ip", "link", "add", "br0", "type", "bridge")
        self.run("switch", "ip", "link", "set", "br0", "up")
        for place in ("router", "bastion", "node", "client"):
            self.plug(place, "lan" if place == "router" else "eth0")
        self.wire("router", "wan", "internet", "eth0")
        self.addresses()

    def plug(self, place: str, interface: str) -> None:
        """Connect a namespace to the switch."""
        self.wire(place, interface, "switch", place)
        self.run("switch", "ip", "link", "set", place, "master", "br0")

    def wire(self, place: str, interface: str, other: str, other_interface: str) -> None:
        """Connect two namespaces."""
        peer = ["peer", "name", other_interface, "netns", self.name(other)]
        self.run(place, "ip", "link", "add", interface, "type", "veth", *peer)
        self.run(place, "ip", "link", "set", interface, "up")
        self.run(other, "ip", "link", "set", other_interface, "up")

    @contextmanager
    def tap(self, name: str = "emulated") -> Iterator[str]:
        """Connect an interface for an emulated machine to the switch, in whose namespace it has to run."""
        self.run("switch", "ip", "tuntap", "add", name, "mode", "tap")
        self.run("switch", "ip", "link", "set", name, "master", "br0", "up")
        try:
            yield name
        finally:
            self.run("switch", "ip", "link", "delete", name)

    def inside(self, place: str, work: Callable[[], Done]) -> Done:
        """Do something in a namespace: sockets that it makes belong there, and stay there."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(self._enter, place).result()
            return pool.submit(work).result()

    def _enter(self, place: str) -> None:
        with Path("/run/netns", self.name(place)).open("rb") as handle:
            if LIBC.setns(handle.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def addresses(self) -> None:
        """Give all hosts but the client addresses and routes."""
        for place, interface, addresses, routes in (
            ("router", "lan", [f"{ROUTER}/24", "2001:db8:10::1/64"], []),
            ("router", "wan", ["203.0.113.254/24", f"{PUBLIC}/32", "2001:db8:99::1/64"], []),
            ("internet", "eth0", [f"{INTERNET}/24", f"{OPERATOR_IPV6}/64"], ["2001:db8:99::1"]),
            ("bastion", "eth0", [f"{BASTION}/24", f"{BASTION_IPV6}/64"], [ROUTER, "2001:db8:10::1"]),
            ("node", "eth0", [f"{NODE}/24", "2001:db8:10::101/64"], [BASTION]),
        ):
            for address in addresses:
                self.run(
                    place, "ip", "address", "add", address, "dev", interface, *(["nodad"] if ":" in address else [])
                )
            for route in routes:
                self.run(place, "ip", "route", "add", "default", "via", route)
        for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            self.run("router", "sysctl", "-q", "-w", f"{name}=1")
        self.run("router", "nft", "-f", "-", text=GATEWAY_RULES)

    def down(self) -> None:
        """Remove the namespaces."""
        for place in self.made:
            subprocess.run(["ip", "netns", "delete", self.name(place)], check=False, capture_output=True)


def answer(place: Network, where: str, command: Sequence[str]) -> str | None:
    """Return what a command prints in a namespace, None when it fails."""
    try:
        return place.run(where, *command)
    except RuntimeError:
        return None
