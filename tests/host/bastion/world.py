# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bastion that its user-data has configured, and the hosts around it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.bastion import bastion_settings
from tests.host.bastion import internet
from tests.host.bastion.machine import Machine
from tests.host.bastion.network import INTERNET, Network, answer, run
from tests.host.packages import find

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ("busybox", "curl", "dnsmasq", "docker-registry", "ip", "nft", "nginx", "ssh", "sshd", "wget")
FILES = f"http://{INTERNET}:8000"
MATCHBOX = os.environ.get("URMANAC_MATCHBOX", "")


def settings(**changes: Any) -> dict[str, Any]:
    """Return the settings of a bastion whose internet is the one of these tests."""
    caches = {"ghcr.io": 5054, "docker.io": 5050}
    manifest = f"{internet.IMAGE}/manifests/latest"
    found = bastion_settings(
        caches=caches,
        upstreams=dict.fromkeys(caches, f"http://{INTERNET}:5000"),
        boot_to_talos={"url": FILES},
        dns_enabled=True,
        netboot_enabled=True,
        netboot={
            "image": f"ghcr.io/{internet.IMAGE}:latest",
            "ipxe": {name: {"url": f"{FILES}/{name}"} for name in ("undionly.kpxe", "ipxe.efi", "ipxe-arm64.efi")},
        },
        health={"ntp_server": INTERNET, "manifests": dict.fromkeys(caches, manifest), "disk_free_percent": 1},
    )
    return {**found, **changes}


class World(NamedTuple):
    """The namespaces, the bastion and the internet."""

    network: Network
    bastion: Machine
    folder: Path
    described: dict[str, Any]

    def get(self, where: str, url: str, *options: str) -> str | None:
        """Return what a URL answers in a namespace, None when it answers nothing."""
        return answer(self.network, where, ["curl", "-sfL", "--max-time", "5", *options, url])

    def health(self) -> dict[str, bool]:
        """Return the results of the bastion's health checks."""
        command = self.bastion.within("/usr/local/sbin/talos-bastion-health", "--json")
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        said = json.loads(done.stdout)
        assert (done.returncode == 0) == said["healthy"], done.stderr
        return {item["check"]: item["healthy"] for item in said["checks"]}


def wait_for(ready: Callable[[], Any], seconds: float = 30) -> Any:
    """Return a result as soon as there is one."""
    deadline = time.monotonic() + seconds
    while not (found := ready()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@contextmanager
def internet_at_work(title: str, folder: Path) -> Iterator[Network]:
    """Make the namespaces, with an internet that works."""
    folder.chmod(0o755)
    made = Network(title)
    made.up()
    command = made.within("internet", sys.executable, "-m", "tests.host.bastion.internet", INTERNET, str(folder))
    path = f"{Path(str(find('docker-registry'))).parent}:{os.environ['PATH']}:/usr/sbin"
    with (folder / "log").open("w") as log:
        serving = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        assert wait_for(lambda: answer(made, "internet", ["curl", "-sf", f"{FILES}/whoami"]))
        yield made
    finally:
        serving.kill()
        serving.wait()
        if (folder / "registry.pid").exists():
            subprocess.run(["kill", (folder / "registry.pid").read_text()], check=False, capture_output=True)
        made.down()


@contextmanager
def booted(
    made: Network, folder: Path, described: dict[str, Any], programs: dict[str, str], *, real_containers: bool = False
) -> Iterator[World]:
    """Boot a bastion with its user-data, and with what else its system brings."""
    bastion = Machine(made, "bastion", folder / "root")
    try:
        for name, text in programs.items():
            (bastion.root / "usr-local" / "bin" / name).write_text(text)
            (bastion.root / "usr-local" / "bin" / name).chmod(0o755)
        if real_containers:
            (bastion.root / "usr-local" / "bin" / "docker").unlink()
            (bastion.root / "etc" / "real-containers").touch()
        matchbox = bastion.root / "usr-local" / "bin" / "matchbox"
        shutil.copy(MATCHBOX or Path(__file__).with_name("matchbox.py"), matchbox)
        matchbox.chmod(0o755)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"))
        bastion.listen_for_ssh(folder / "key")
        bastion.boot(described["user_data"])
        yield World(made, bastion, folder, described)
    finally:
        bastion.off()
