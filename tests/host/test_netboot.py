# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated ARM64 machine without a disk boots over the network with the files of the role bastion_host."""

from __future__ import annotations

import gzip
import lzma
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import bastion_image as oci
from tests.host import machine, surroundings, systems
from tests.host.bastion.network import BASTION, Network
from tests.host.conftest import Note
from tests.host.packages import EMULATOR, U_BOOT
from tests.host.surroundings import FILES, MATCHBOX, REGISTRY

MAC = "52:54:00:10:00:65"
IMAGE = "urmanac/talos"
IPXE = ("undionly.kpxe", "ipxe.efi", "ipxe-arm64.efi")
ARGUMENTS = ("talos.platform=metal", "init_on_alloc=1", "slab_nomerge", "pti=on", "console=tty0", "console=ttyAMA0")
ASK = ("curl", "-sS", "--max-time", "20", "--retry", "5", "--retry-connrefused")
SECONDS = 900

pytestmark = pytest.mark.needs(*EMULATOR, *surroundings.NEEDED)


def publish() -> None:
    """Push an image that has kernel and initramfs in one file, as Talos' image for ARM64 has it."""
    made = systems.paths()
    initramfs = lzma.compress(gzip.decompress(made.initramfs.read_bytes()), check=lzma.CHECK_CRC32, preset=1)
    unified = oci.unified_kernel_image(linux=made.kernel.read_bytes(), initrd=initramfs, cmdline=b"")
    layer = oci.layer({"usr/install/arm64/vmlinuz.efi": unified})
    oci.push(f"http://{REGISTRY}", IMAGE, "latest", {"arm64": [layer]})


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Network]:
    """Give a network with a bastion that boots machines."""
    ipxe = {name: {"url": f"{FILES}/{name}"} for name in IPXE}
    netboot = {"image": f"ghcr.io/{IMAGE}:latest", "ipxe": ipxe}
    with ExitStack() as stack:
        made = stack.enter_context(surroundings.network())
        files = stack.enter_context(surroundings.internet(made, tmp_path))
        shutil.copytree(systems.paths().packages / "usr/lib/ipxe", files, dirs_exist_ok=True)
        made.inside("internet", publish)
        settings = {"boot_to_talos": {"version": ""}, "netboot_enabled": True, "netboot": netboot}
        stack.enter_context(surroundings.bastion(made, tmp_path, **settings))
        yield made


def test_a_machine_without_a_disk_boots_a_kernel(tmp_path: Path, around: Network, note: Note) -> None:
    within = around.within("switch")

    with around.tap() as tap, machine.running(tmp_path, tap=tap, mac=MAC, within=within) as node:
        ipxe = node.wait("iPXE initialising devices", seconds=SECONDS)
        kernel = node.wait("EFI stub: Booting Linux Kernel", seconds=SECONDS)
        talos = node.wait("answering on port 50000", seconds=SECONDS)
        lease = re.search(r"lease of (\S+) obtained from (\S+),", node.console)
        assert lease, node.console
        answer = around.run("node", *ASK, f"http://{lease[1]}:50000/")

    note(f"Booted over the network; matchbox: {MATCHBOX or 'a simulation'}")
    note(f"seconds since power-on: iPXE {ipxe:.0f}, kernel {kernel:.0f}, answer on 50000 {talos:.0f}")
    note(answer)
    assert lease[2] == BASTION
    assert 200 <= int(lease[1].rpartition(".")[2]) <= 250
    line = next(line for line in answer.splitlines() if line.startswith("command line: "))
    assert [word for word in line.split() if word in ARGUMENTS] == list(ARGUMENTS)


@pytest.mark.needs(U_BOOT)
def test_a_machine_with_u_boot_is_given_the_same_programs(tmp_path: Path, around: Network, note: Note) -> None:
    capture = tmp_path / "network.pcap"
    # Without a clock and a disk, U-Boot asks the network first.
    firmware = ("-bios", U_BOOT, "-object", f"filter-dump,id=capture,netdev=net,file={capture}")
    within = around.within("switch")

    with around.tap() as tap, machine.running(tmp_path, tap=tap, mac=MAC, within=within, firmware=firmware) as node:
        ipxe = node.wait("iPXE initialising devices", seconds=SECONDS, hopeless="Kernel panic")

    note(f"U-Boot started iPXE {ipxe:.0f} seconds after power-on")
    given = boot_files(capture.read_bytes())
    note(f"programs by the client architectures that it named: {given}")
    # It calls itself 22, and 11 where it looks for an EFI program.
    assert given[22] == given[11] == {"ipxe-arm64.efi"}


def boot_files(capture: bytes) -> dict[int, set[str]]:
    """Return the programs that DHCP named to clients, by the architecture that they gave in the same transaction."""
    asked: dict[bytes, int] = {}
    given: dict[int, set[str]] = {}
    for cookie in re.finditer(rb"\x63\x82\x53\x63", capture):
        message = capture[cookie.start() - 236 :]
        transaction, options = message[4:8], dict(dhcp_options(message[240:]))
        if 93 in options:
            asked[transaction] = int.from_bytes(options[93], "big")
        elif transaction in asked:
            name = options.get(67) or message[108:236]
            given.setdefault(asked[transaction], set()).add(name.partition(b"\0")[0].decode())
    return given


def dhcp_options(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the options of a DHCP message by their numbers."""
    at = 0
    while at < len(content) and content[at] != 255:
        if content[at] == 0:
            at += 1
            continue
        yield content[at], content[at + 2 : at + 2 + content[at + 1]]
        at += 2 + content[at + 1]
