# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers around an emulated machine. Where they listen is up to the network namespace in which they are started."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.host.packages import program
from tests.http_servers import Answering

METADATA = "169.254.169.254"


@contextmanager
def serving(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def dhcp(leases: Mapping[str, str], *, interface: str, router: str) -> list[str]:
    """Return the command of a VPC's DHCP: every interface gets its fixed address, and the VPC's router."""
    hosts = [f"--dhcp-host={mac},{address}" for mac, address in leases.items()]
    subnet = f"{router.rpartition('.')[0]}.0"
    return [
        *(program("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root"),
        *("--pid-file=", "--leasefile-ro", "--log-facility=-", "--log-dhcp", "--bind-interfaces"),
        *(f"--interface={interface}", f"--dhcp-range={subnet},static,255.255.255.0"),
        *(f"--dhcp-option=option:router,{router}", *hosts),
    ]


def registry(folder: Path, address: str) -> list[str]:
    """Return the command of an OCI registry with its data in the folder."""
    settings = folder / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {folder / 'registry'}}}}}\n"
        f"http: {{addr: '{address}'}}\n",
        encoding="utf-8",
    )
    return [program("docker-registry"), "serve", str(settings)]


class Metadata(Answering):
    """As much of the instance metadata service, version 2, as user-data comes by."""

    protocol_version = "HTTP/1.0"
    token = "simulated"  # noqa: S105  a word, no secret
    user_data = b""

    def do_PUT(self) -> None:
        """Hand out a token."""
        self.answer(200 if self.path == "/latest/api/token" else 404, self.token.encode())

    def do_GET(self) -> None:
        """Hand out the user-data to who has a token."""
        if self.headers.get("X-aws-ec2-metadata-token") != self.token:
            return self.answer(401)
        known = self.path == "/latest/user-data"
        return self.answer(200 if known else 404, self.user_data if known else b"")


def metadata(user_data: bytes) -> type[Metadata]:
    """Return a handler that serves the user-data."""
    return type("Metadata", (Metadata,), {"user_data": user_data})


def read(url: str, *, seconds: float = 10) -> str:
    """Return what is at the address, as soon as something answers there."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  addresses of this file
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
