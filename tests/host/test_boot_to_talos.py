# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated ARM64 machine starts a small Linux, executes a node's user-data, and comes back as another system."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.host import image, machine, network, programs, systems, user_data
from tests.host.packages import EMULATOR

NODE, MAC = "10.10.0.101", "52:54:00:10:00:65"
REGISTRY, ASSETS = f"{network.BASTION}:5054", f"http://{network.BASTION}:8081"
# Two emulated cores on two busy ones take long; nobody waits that long for a machine of its own.
SECONDS = 1200

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


def script(folder: Path, reference: str) -> bytes:
    """Return the user-data for a node that has this bastion, compressed as EC2 gets it."""
    variables = {
        "nodes_cluster": {"bastion_ipv4": network.BASTION},
        "__nodes_node": {"name": "gateway", "role": "gateway", "ipv4": NODE},
        "nodes_images": {"gateway": reference},
        "nodes_boot_to_talos_url": f"{ASSETS}/boot-to-talos",
    }
    return gzip.compress(user_data.render(folder, variables))


def test_a_machine_turns_itself_into_talos(tmp_path: Path, bastion: ExitStack, note: Callable[[str], None]) -> None:
    program = programs.choose()
    programs.publish(program, tmp_path / "assets" / "boot-to-talos")
    reference = image.push(REGISTRY, "urmanac/talos", installer())
    bastion.enter_context(network.web(network.METADATA, 80, network.metadata(script(tmp_path, reference))))
    tap = bastion.enter_context(network.tap("node"))

    with machine.running(tmp_path, tap=tap, mac=MAC, disk=systems.paths().linux) as node:
        linux = node.wait("small Linux: executing", seconds=SECONDS)
        written = node.wait("installation image copied to /dev/nvme0n1", seconds=SECONDS)
        talos = node.wait("answering on port 50000", seconds=SECONDS)
        answer = network.read(f"http://{NODE}:50000/", seconds=60)
        console = node.console

    note(f"boot-to-talos: {program.about}")
    note(f"seconds since power-on: user-data {linux:.0f}, disk written {written:.0f}, answer on 50000 {talos:.0f}")
    note(answer)
    assert f"urmanac.talos: installing {reference} to /dev/nvme0n1" in console
    assert "system: stand-in for Talos" in answer
    if program.real:
        assert "EFI boot entry" in console
        assert "Talos Linux UKI" in answer
