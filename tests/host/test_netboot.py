# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated ARM64 machine without a disk boots over the network from what the role bastion_host laid down."""

from __future__ import annotations

import gzip
import lzma
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.filter.bastion_files import bastion_files
from tests import bastion_image as oci
from tests.bastion import bastion_settings
from tests.host import machine, network, systems
from tests.host.bastion.machine import Machine
from tests.host.bastion.network import BASTION, INTERNET, Network
from tests.host.packages import EMULATOR

MAC = "52:54:00:10:00:65"
IMAGE = "urmanac/talos"
IPXE = ("undionly.kpxe", "ipxe.efi", "ipxe-arm64.efi")
MATCHBOX = os.environ.get("URMANAC_MATCHBOX", "")
ARGUMENTS = ("talos.platform=metal", "init_on_alloc=1", "slab_nomerge", "pti=on", "console=tty0", "console=ttyAMA0")
ASK = ("curl", "-sS", "--max-time", "20", "--retry", "5", "--retry-connrefused")
SECONDS = 900
Note = Callable[[str], None]

pytestmark = pytest.mark.needs(*EMULATOR, "curl", "dnsmasq", "docker-registry", "nft", "nginx", "ssh", "sshd", "wget")


@pytest.fixture
def everybody() -> Iterator[Network]:
    """Give the network."""
    made = Network()
    made.up()
    yield made
    made.down()


@pytest.fixture
def internet(everybody: Network, tmp_path: Path) -> Iterator[str]:
    """Give an internet with a registry, which has an image of Talos, and with the builds of iPXE; return their URL."""
    folder = tmp_path / "files"
    shutil.copytree(systems.paths().packages / "usr/lib/ipxe", folder)
    with ExitStack() as stack:
        command = network.registry(tmp_path, f"{INTERNET}:5000")
        stack.enter_context(network.serving(everybody.within("internet", *command), tmp_path / "registry.log"))
        everybody.inside("internet", lambda: stack.enter_context(network.web(INTERNET, 8000, network.files(folder))))
        everybody.inside("internet", lambda: publish(f"http://{INTERNET}:5000"))
        yield f"http://{INTERNET}:8000"


def publish(registry: str) -> None:
    """Push an image that has kernel and initramfs in one file, as Talos' image for ARM64 has it."""
    network.read(f"{registry}/v2/")
    made = systems.paths()
    initramfs = lzma.compress(gzip.decompress(made.initramfs.read_bytes()), check=lzma.CHECK_CRC32, preset=1)
    unified = oci.unified_kernel_image(linux=made.kernel.read_bytes(), initrd=initramfs, cmdline=b"")
    oci.push(registry, IMAGE, "latest", {"arm64": [oci.layer({"usr/install/arm64/vmlinuz.efi": unified})]})


@pytest.fixture
def bastion(everybody: Network, internet: str, tmp_path: Path) -> Iterator[Machine]:
    """Give a bastion that only its user-data has touched."""
    settings = bastion_settings(
        caches={"ghcr.io": 5054},
        upstreams={"ghcr.io": f"http://{INTERNET}:5000"},
        boot_to_talos={"version": ""},
        netboot_enabled=True,
        netboot={"image": f"ghcr.io/{IMAGE}:latest", "ipxe": {name: {"url": f"{internet}/{name}"} for name in IPXE}},
    )
    described = bastion_files(settings)
    host = Machine(everybody, "bastion", tmp_path / "root")
    matchbox = host.root / "usr-local" / "bin" / "matchbox"
    shutil.copy(MATCHBOX or Path(__file__).parent / "bastion" / "matchbox.py", matchbox)
    matchbox.chmod(0o755)
    host.boot(described["user_data"])
    # As systemd does with what failed, because what it needs was not up yet.
    host.run("systemctl", "start", *described["units"])
    yield host
    host.off()


def test_a_machine_without_a_disk_boots_a_kernel(
    tmp_path: Path, everybody: Network, bastion: Machine, note: Note
) -> None:
    tap = everybody.tap("pxe")

    with machine.running(tmp_path, tap=tap, mac=MAC, within=everybody.within("switch")) as node:
        ipxe = node.wait("iPXE initialising devices", seconds=SECONDS)
        kernel = node.wait("EFI stub: Booting Linux Kernel", seconds=SECONDS)
        talos = node.wait("answering on port 50000", seconds=SECONDS)
        lease = re.search(r"lease of (\S+) obtained from (\S+),", node.console)
        assert lease, node.console
        answer = everybody.run("node", *ASK, f"http://{lease[1]}:50000/")

    note(f"Booted over the network; matchbox: {MATCHBOX or 'a stand-in'}")
    note(f"seconds since power-on: iPXE {ipxe:.0f}, kernel {kernel:.0f}, answer on 50000 {talos:.0f}")
    note(answer)
    assert lease[2] == BASTION
    assert 200 <= int(lease[1].rpartition(".")[2]) <= 250
    line = next(line for line in answer.splitlines() if line.startswith("command line: "))
    assert [word for word in line.split() if word in ARGUMENTS] == list(ARGUMENTS)
