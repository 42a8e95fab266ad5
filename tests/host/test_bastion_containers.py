# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unchanged units of the bastion under a real dockerd: pulled by digest, read-only, without privileges."""

from __future__ import annotations

import contextlib
import functools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.bastion_files import bastion_files
from tests.host.bastion.network import BASTION, INTERNET, Network
from tests.host.bastion.world import MATCHBOX, PROGRAMS, ROOT, World, booted, internet_at_work, settings, wait_for

REGISTRY = f"{INTERNET}:5000"
PUSH = "import sys; from tests.host.bastion import tools; print(tools.push(*sys.argv[1:]))"
pytestmark = pytest.mark.needs(*PROGRAMS, "dockerd")


@pytest.fixture(autouse=True)
def control_groups() -> Iterator[None]:
    """Remove the control groups that a daemon leaves behind, unless they hold other containers."""
    yield
    for folder in Path("/sys/fs/cgroup").glob("*/docker"):
        with contextlib.suppress(OSError):
            folder.rmdir()


def described(network: Network) -> dict[str, Any]:
    """Push the image, and return a bastion whose containers are of it."""
    digest = network.run("internet", sys.executable, "-c", PUSH, f"http://{REGISTRY}", "tools", MATCHBOX).strip()
    images = dict.fromkeys(("registry", "dnsmasq", "matchbox", "nginx"), f"{REGISTRY}/tools@{digest}")
    options = {"bridge": "none", "iptables": False, "ip6tables": False, "insecure-registries": [REGISTRY]}
    # The kernel gives no larger file to this process.
    limits = {"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 4096, "Soft": 4096}}}
    return bastion_files(settings(images=images, docker_options={**options, **limits}))


def test_the_containers_run_as_the_units_say(
    tmp_path: Path, note: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with internet_at_work("c", tmp_path) as network:
        found = described(network)
        with booted(network, tmp_path, found, {}, real_containers=True) as world:
            again = functools.partial(world.bastion.run, "systemctl", "start", *found["units"])
            # Docker asks for the first time after half a minute.
            wait_for(lambda: again() or well(world), 120)
            containers = json.loads(world.bastion.run("/usr/bin/docker", "inspect", *names(found)))
            try:
                assert [check for check, healthy in world.health().items() if not healthy] == unwell()
                for item in containers:
                    held_tight(item)
                assert world.get("node", f"http://{BASTION}:8081/healthz") == "ok\n"
            finally:
                world.bastion.run("systemctl", "stop", *reversed(found["units"]), "docker.service")
    note(f"the bastion's units ran {len(containers)} containers under a real dockerd, healthy by docker's own checks")


def names(found: dict[str, Any]) -> list[str]:
    """Return the containers that can run here."""
    units = [unit.removesuffix(".service") for unit in found["units"] if not unit.startswith("talos-bastion-")]
    return [name for name in units if MATCHBOX or name != "talos-matchbox"]


def well(world: World) -> bool:
    """Return whether all services that can run here are healthy."""
    return [check for check, healthy in world.health().items() if not healthy] == unwell()


def unwell() -> list[str]:
    """Return the checks that fail without a matchbox."""
    missing = [
        "unit talos-matchbox.service",
        "container talos-matchbox",
        "boot script",
        "boot profile",
        "tcp port 8080",
    ]
    return [] if MATCHBOX else missing


def held_tight(container: dict[str, Any]) -> None:
    """Check that a container has only the permissions that it needs."""
    config = container["HostConfig"]
    assert container["State"]["Health"]["Status"] == "healthy"
    assert config["ReadonlyRootfs"], config
    assert config["NetworkMode"] == "host"
    assert config["CapDrop"] == ["ALL"]
    assert bool(config["CapAdd"]) == (container["Name"] == "/talos-dhcp")
    assert config["Memory"] > 0, config
    assert config["PidsLimit"] == 100
    assert "@sha256:" in container["Config"]["Image"]
    assert container["Config"]["User"] == ("0:0" if container["Name"] == "/talos-dhcp" else "65534:65534")
