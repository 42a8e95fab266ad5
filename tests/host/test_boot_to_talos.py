# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated ARM64 machine starts a small Linux, executes a node's user-data, and comes back as another system.

It has no way out but the bastion, which is one that its own user-data made: boot-to-talos comes from its asset server,
the installer image through its cache, a disk image through its NAT.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot import upstream
from tests.host import image, programs, servers, surroundings, systems, user_data
from tests.host.bastion.network import BASTION, ROUTER, SUBNET, Network
from tests.host.conftest import Note
from tests.host.machine import Machine, running
from tests.host.packages import EMULATOR
from tests.host.surroundings import FILES, REGISTRY
from tests.http_servers import serving

NODE, MAC = f"{SUBNET}.102", "52:54:00:10:00:66"
DISK_IMAGE = "metal-arm64.raw.gz"
ASK = ("curl", "-sS", "--max-time", "20", "--retry", "5", "--retry-connrefused")
QUESTIONS = (
    upstream.NETWORK_QUESTION,
    upstream.NETWORK_QUESTION,
    upstream.CONSOLE_QUESTION,
    upstream.CONTINUE_QUESTION,
)
# Two emulated cores on two busy ones are much slower than a real machine.
SECONDS = 1200

pytestmark = pytest.mark.needs(*EMULATOR, *surroundings.NEEDED)


@pytest.fixture(scope="module")
def program() -> programs.Program:
    """Give the boot-to-talos that machines are to execute."""
    return programs.choose()


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory, program: programs.Program) -> Iterator[Network]:
    """Give a VPC's network: a router with DHCP, and the bastion."""
    folder = tmp_path_factory.mktemp("around")
    with ExitStack() as stack:
        made = stack.enter_context(surroundings.network())
        files = stack.enter_context(surroundings.internet(made, folder))
        programs.publish(program, files / "release")
        shutil.copy(systems.paths().talos, files / DISK_IMAGE)
        dhcp = servers.dhcp({MAC: NODE}, interface="lan", router=ROUTER)
        stack.enter_context(servers.serving(made.within("router", *dhcp), folder / "dhcp.log"))
        made.run("router", "ip", "address", "add", f"{servers.METADATA}/32", "dev", "lan")
        release = {"version": upstream.VERSION_MIN, "url": f"{FILES}/release"}
        stack.enter_context(surroundings.bastion(made, folder, boot_to_talos=release))
        yield made


def container(around: Network, architecture: str = "arm64") -> str:
    """Publish an installer image, the installer a simulation that writes the simulation of Talos; return its name."""
    made = systems.paths()
    files = {"bin/busybox": made.busybox, "usr/bin/installer": systems.GUEST / "installer.sh"}
    blobs = image.blobs({**files, "usr/install/disk.raw.gz": made.talos}, architecture)
    reference = around.inside("internet", lambda: image.push(REGISTRY, "urmanac/talos", blobs))
    return reference.replace(REGISTRY, "ghcr.io")


def through_bastion(reference: str) -> str:
    """Return the name under which the bastion's cache has an image."""
    return reference.replace("ghcr.io", f"{BASTION}:5054")


def script(folder: Path, reference: str) -> bytes:
    """Return the user-data for a node that has this bastion, compressed as EC2 gets it."""
    variables = {
        "nodes_cluster": {"bastion_ipv4": BASTION},
        "__nodes_node": {"name": "compute-1", "role": "compute", "ipv4": NODE},
        "cluster_images": {"compute": reference},
    }
    return gzip.compress(user_data.render(folder, variables))


@contextmanager
def started(around: Network, folder: Path, reference: str) -> Iterator[Machine]:
    """Start a machine whose user-data is that of a node with this image."""
    metadata = serving(servers.metadata(script(folder, reference)), (servers.METADATA, 80))
    with ExitStack() as stack:
        around.inside("router", lambda: stack.enter_context(metadata))
        tap = stack.enter_context(around.tap())
        within = around.within("switch")
        yield stack.enter_context(running(folder, tap=tap, mac=MAC, disk=systems.paths().linux, within=within))


@pytest.mark.parametrize("source", ["container", "disk image"])
def test_a_machine_turns_itself_into_talos(
    source: str, tmp_path: Path, around: Network, program: programs.Program, note: Note
) -> None:
    reference = container(around) if source == "container" else f"{FILES}/{DISK_IMAGE}"

    with started(around, tmp_path, reference) as node:
        linux = node.wait("small Linux: executing", seconds=SECONDS)
        written = node.wait("image copied to /dev/nvme0n1", seconds=SECONDS)
        talos = node.wait("answering on port 50000", seconds=SECONDS)
        answer = around.run("node", *ASK, f"http://{NODE}:50000/")
        console = node.console

    note(f"From a {source}, {reference}; boot-to-talos: {program.about}")
    note(f"seconds since power-on: user-data {linux:.0f}, disk written {written:.0f}, answer on 50000 {talos:.0f}")
    note(answer)
    assert "system: simulation of Talos" in answer
    lines = upstream.PROGRESS_CONTAINER if source == "container" else upstream.PROGRESS_RAW
    # The simulation makes no entry.
    expected = [*QUESTIONS, *(line for line in lines if program.real or "EFI" not in line)]
    assert unsaid(console, expected) == []
    if source == "container":
        assert f"Image: {through_bastion(reference)}" in console
        assert not program.real or "Talos Linux UKI" in answer, "the firmware did not start boot-to-talos' own entry"


def unsaid(console: str, lines: Sequence[str]) -> list[str]:
    """Return which of the lines, format strings of Go, the console does not show behind those before it."""
    place, missing = 0, []
    for line in lines:
        texts = [re.escape(text) for text in re.split(r"%[0-9]*[a-zA-Z]", line)]
        found = re.compile(".+".join(texts)).search(console, place)
        if found:
            place = found.end()
        else:
            missing.append(line)
    return missing


def test_a_machine_keeps_its_system_if_the_image_is_for_another_architecture(tmp_path: Path, around: Network) -> None:
    reference = container(around, "amd64")

    with started(around, tmp_path, reference) as node:
        node.wait("this is still the small Linux", seconds=SECONDS, hopeless="Kernel panic|answering on port")
        console = node.console

    cause = "is for amd64, this machine is arm64"
    assert f"urmanac.talos: FAILED: the image {through_bastion(reference)} {cause}" in console
    assert upstream.NETWORK_QUESTION not in console
