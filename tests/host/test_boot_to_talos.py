# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated ARM64 machine starts a small Linux, executes a node's user-data, and comes back as another system."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot import upstream
from tests.host import image, machine, network, programs, systems, user_data
from tests.host.packages import EMULATOR

NODE, MAC = "10.10.0.101", "52:54:00:10:00:65"
REGISTRY, ASSETS = f"{network.BASTION}:5054", f"http://{network.BASTION}:8081"
# Two emulated cores on two busy ones take long; nobody waits that long for a machine of its own.
SECONDS = 1200

Note = Callable[[str], None]

pytestmark = pytest.mark.needs(*EMULATOR, "dnsmasq", "docker-registry")


@pytest.fixture
def bastion(tmp_path: Path, subnet: str) -> Iterator[ExitStack]:
    """Give a place for what runs on the bastion beside its registry and its asset server, which run already."""
    assert subnet
    with ExitStack() as services:
        services.enter_context(network.serving(network.registry(tmp_path, REGISTRY), tmp_path / "registry.log"))
        services.enter_context(network.serving(network.dhcp({MAC: NODE}), tmp_path / "dhcp.log"))
        services.enter_context(network.web(network.BASTION, 8081, network.files(tmp_path / "assets")))
        network.read(f"http://{REGISTRY}/v2/")
        yield services


def installer() -> list[image.Blob]:
    """Return an installer image, the installer a stand-in that writes a disk with the stand-in for Talos."""
    made = systems.paths()
    files = {
        "bin/busybox": made.busybox,
        "usr/bin/installer": systems.GUEST / "installer.sh",
        "usr/install/disk.raw.gz": made.talos,
    }
    return image.blobs(files, {})


def container() -> str:
    """Push an installer image, and return its name as the role's variables have it: the cache of ghcr.io has it too."""
    reference = image.push(REGISTRY, "urmanac/talos", installer())
    return reference.replace(REGISTRY, "ghcr.io")


def disk_image(assets: Path) -> str:
    """Lay down a packed disk image, and return its URL."""
    shutil.copy(systems.paths().talos, assets / "metal-arm64.raw.gz")
    return f"{ASSETS}/metal-arm64.raw.gz"


def script(folder: Path, reference: str) -> bytes:
    """Return the user-data for a node that has this bastion, compressed as EC2 gets it."""
    variables = {
        "nodes_cluster": {"bastion_ipv4": network.BASTION},
        "__nodes_node": {"name": "gateway", "role": "gateway", "ipv4": NODE},
        "nodes_images": {"gateway": reference},
    }
    return gzip.compress(user_data.render(folder, variables))


@pytest.mark.parametrize("source", ["container", "disk image"])
def test_a_machine_turns_itself_into_talos(source: str, tmp_path: Path, bastion: ExitStack, note: Note) -> None:
    program = programs.choose()
    programs.publish(program, tmp_path / "assets" / "boot-to-talos" / f"v{upstream.VERSION_MIN}")
    reference = container() if source == "container" else disk_image(tmp_path / "assets")
    bastion.enter_context(network.web(network.METADATA, 80, network.metadata(script(tmp_path, reference))))
    tap = bastion.enter_context(network.tap("node"))

    with machine.running(tmp_path, tap=tap, mac=MAC, disk=systems.paths().linux) as node:
        linux = node.wait("small Linux: executing", seconds=SECONDS)
        written = node.wait("image copied to /dev/nvme0n1", seconds=SECONDS)
        talos = node.wait("answering on port 50000", seconds=SECONDS)
        answer = network.read(f"http://{NODE}:50000/", seconds=60)
        console = node.console

    note(f"From a {source} {reference}, boot-to-talos: {program.about}")
    note(f"seconds since power-on: user-data {linux:.0f}, disk written {written:.0f}, answer on 50000 {talos:.0f}")
    note(answer)
    assert "urmanac.talos: installing " in console
    assert "system: stand-in for Talos" in answer
    if source == "container":
        assert f"Image: {reference.replace('ghcr.io', REGISTRY)}" in console
        assert not program.real or "Talos Linux UKI" in answer, "the firmware did not start boot-to-talos' own entry"
