# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surroundings of an emulated machine: an internet, and a bastion that its user-data alone has configured."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.urmanac.talos.plugins.filter.bastion_files import bastion_files
from tests.bastion import bastion_settings
from tests.host import servers
from tests.host.bastion.machine import Machine
from tests.host.bastion.network import INTERNET, Network
from tests.http_servers import files, serving

REGISTRY, FILES = f"{INTERNET}:5000", f"http://{INTERNET}:8000"
MATCHBOX = os.environ.get("URMANAC_MATCHBOX", "")
FETCH = "talos-bastion-fetch.service"
SECONDS = 120
# The programs that each part needs.
NEEDED = ("curl", "dnsmasq", "docker-registry", "nft", "nginx", "ssh", "sshd", "wget")


@contextmanager
def network() -> Iterator[Network]:
    """Make the network."""
    made = Network("emulated")
    made.up()
    try:
        yield made
    finally:
        made.down()


@contextmanager
def internet(around: Network, folder: Path) -> Iterator[Path]:
    """Start an internet with a registry and a web server, and return the folder that this one serves."""
    served = folder / "files"
    served.mkdir()
    with ExitStack() as stack:
        registry = around.within("internet", *servers.registry(folder, REGISTRY))
        stack.enter_context(servers.serving(registry, folder / "registry.log"))
        web = serving(files(served), (INTERNET, 8000))
        around.inside("internet", lambda: stack.enter_context(web))
        around.inside("internet", lambda: servers.read(f"http://{REGISTRY}/v2/"))
        yield served


@contextmanager
def bastion(around: Network, folder: Path, **settings: Any) -> Iterator[Machine]:
    """Start a bastion with these settings, which has fetched what it is to offer."""
    upstreams = {"ghcr.io": f"http://{REGISTRY}"}
    described = bastion_files(bastion_settings(caches={"ghcr.io": 5054}, upstreams=upstreams, **settings))
    host = Machine(around, "bastion", folder / "root")
    try:
        matchbox = host.root / "usr-local" / "bin" / "matchbox"
        shutil.copy(MATCHBOX or Path(__file__).parent / "bastion" / "matchbox.py", matchbox)
        matchbox.chmod(0o755)
        host.boot(described["user_data"])
        settle(host, described["units"])
        yield host
    finally:
        host.off()


def settle(host: Machine, units: list[str]) -> None:
    """Start again what failed because what it needs was not up yet, as systemd does."""
    until = time.monotonic() + SECONDS
    while host.run("systemctl", "show", "--property=ActiveState", "--value", FETCH).strip() != "active":
        assert time.monotonic() < until, host.log(FETCH)
        time.sleep(0.5)
        host.run("systemctl", "start", *units)
