# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that work on a bastion, over SSH, with nothing but the roles' own variables."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.bastion_files import bastion_files
from tests.host.bastion import internet
from tests.host.bastion.machine import Machine
from tests.host.bastion.network import INTERNET, Network, run
from tests.host.bastion.world import FILES, MATCHBOX, PROGRAMS, ROOT, World, booted, internet_at_work, settings

HERE = Path(__file__).parent / "bastion"
ENVIRONMENT = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
HOME, HOME_ROUTER = "192.168.10.5", "192.168.10.1"
# The packages that the role installs, and with what Ansible asks for them.
SHA256 = hashlib.sha256(internet.ARCHIVE).hexdigest()
pytestmark = pytest.mark.needs(*PROGRAMS, "dockerd", "/usr/lib/python3/dist-packages/apt/__init__.py")


def variables(folder: Path) -> dict[str, Any]:
    """Return what a user sets for the internet of these tests, the images by digest."""
    wanted = settings()
    return {
        "folder": str(folder),
        "cluster_directory": str(folder / "cluster"),
        # A user's own machine: there is no AWS to ask whose the cluster is.
        "cluster_bastion_enabled": False,
        # In a folder that is there already: the first run changes nothing but the bastion.
        "bastion_host_health_file": str(folder / "health.json"),
        "bastion_host_container_engine": "docker",
        "bastion_host_images": wanted["images"],
        "bastion_host_registry_caches": wanted["caches"],
        "cluster_registry_upstreams": wanted["upstreams"],
        "bastion_host_boot_to_talos_url": FILES,
        # Otherwise the first run would record it, which is a change.
        "cluster_boot_to_talos_sha256": {"0.7.1": {"arm64": SHA256}},
        "bastion_host_netboot_image": wanted["netboot"]["image"],
        "bastion_host_netboot_ipxe": wanted["netboot"]["ipxe"],
        "bastion_host_health_manifests": wanted["health"]["manifests"],
        "bastion_host_health_disk_free_percent": wanted["health"]["disk_free_percent"],
    }


def described_as_user_data(names: dict[str, str]) -> dict[str, Any]:
    """Return what besides makes the variables say what the bastion's user-data says."""
    wanted = settings()
    return {
        "bastion_host_docker_options": wanted["docker_options"],
        "cluster_bastion_egress": wanted["egress"],
        "bastion_host_dns_enabled": True,
        "bastion_host_dns_names": names,
        "bastion_host_netboot_enabled": True,
        "bastion_host_dhcp_dns_servers": wanted["netboot"]["dns_servers"],
        "bastion_host_dhcp_ntp_servers": wanted["netboot"]["ntp_servers"],
        "bastion_host_health_ntp_server": INTERNET,
    }


def debian(machine: Machine) -> None:
    """Let the machine know which packages the host has, because it uses the host's programs."""
    for folder in ("dpkg/info", "dpkg/updates", "dpkg/triggers", "apt/lists/partial"):
        (machine.root / "var" / "lib" / folder).mkdir(parents=True)
    (machine.root / "var" / "cache" / "apt" / "archives" / "partial").mkdir(parents=True)
    shutil.copy("/var/lib/dpkg/status", machine.root / "var" / "lib" / "dpkg" / "status")
    for name in ("os-release", "debian_version"):
        if Path("/etc", name).exists():
            shutil.copy(f"/etc/{name}", machine.root / "etc" / name)


def restart(machine: Machine) -> None:
    """Start again what ended before its turn, as systemd would by itself."""
    units = sorted(path.name for path in (machine.root / "etc" / "systemd" / "system").glob("talos-*.service"))
    if units:
        subprocess.run(machine.within("systemctl", "start", *units), capture_output=True, check=False)


@contextmanager
def restarting(machine: Machine) -> Iterator[None]:
    """Do so every second until the end."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(1):
            restart(machine)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def play(world: World, machine: Machine, playbook: str, given: dict[str, Any], *options: str) -> tuple[int, str]:
    """Run a playbook from outside and return how many tasks changed the bastion, with all that was printed."""
    command = ["ansible-playbook", "-i", str(HERE / "inventory.yml"), *options, "-e", json.dumps(given)]
    with restarting(machine):
        done = subprocess.run(
            world.network.within("internet", *command, str(ROOT / "playbooks" / playbook)),
            cwd=ROOT,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    recap = next(line for line in done.stdout.split("PLAY RECAP")[1].splitlines() if line.startswith("bastion "))
    return int(recap.split("changed=")[1].split()[0]), done.stdout


def described() -> dict[str, Any]:
    """Return the files of a bastion that knows the checksum of boot-to-talos, as those of playbooks do."""
    release = {**settings()["boot_to_talos"], "sha256": SHA256}
    return bastion_files(settings(boot_to_talos=release))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a bastion that its user-data has made."""
    folder = tmp_path_factory.mktemp("bastion")
    with internet_at_work("p", folder) as made, booted(made, folder, described(), {}) as found:
        debian(found.bastion)
        yield found


def at_home(network: Network, root: Path, key: Path) -> Machine:
    """Make a machine in a home lab, whose router is the internet's end of its wire."""
    run("ip", "netns", "add", network.name("home"))
    network.made.append("home")
    network.run("home", "ip", "link", "set", "lo", "up")
    network.wire("home", "eth0", "internet", "home")
    network.run("home", "ip", "address", "add", f"{HOME}/24", "broadcast", "+", "dev", "eth0")
    network.run("internet", "ip", "address", "add", f"{HOME_ROUTER}/24", "dev", "home")
    network.run("home", "ip", "route", "add", "default", "via", HOME_ROUTER)
    machine = Machine(network, "home", root)
    matchbox = machine.root / "usr-local" / "bin" / "matchbox"
    shutil.copy(MATCHBOX or HERE / "matchbox.py", matchbox)
    matchbox.chmod(0o755)
    debian(machine)
    machine.listen_for_ssh(key)
    return machine


@pytest.fixture
def home(world: World, tmp_path: Path) -> Iterator[Machine]:
    """Give a blank Debian in a home lab."""
    machine = at_home(world.network, tmp_path / "root", world.folder / "key")
    yield machine
    machine.off()


def test_a_bastion_converges_to_what_its_user_data_says(world: World, note: Callable[[str], None]) -> None:
    names = dict(settings()["names"])
    same, more = (
        {**variables(world.folder), **described_as_user_data(given)}
        for given in (names, {**names, "printer": "10.10.0.77"})
    )

    # What user-data has made is what the role would make of the same variables.
    counts = [play(world, world.bastion, "converge_bastion.yml", given)[0] for given in (same, more, more)]

    assert counts == [0, 1, 0]
    said = world.network.run("node", "busybox", "nslookup", "-type=a", "printer.talos.local", settings()["address"])
    assert "10.10.0.77" in said
    note(f"converge_bastion.yml over SSH, changed tasks: as user-data, with one more name, again: {counts}")


def test_a_host_of_a_home_lab_boots_machines_over_the_network(
    world: World, home: Machine, note: Callable[[str], None]
) -> None:
    example = ("-e", f"@{ROOT / 'examples' / 'netboot.yml'}")
    given = {**variables(world.folder), "bastion_address": HOME}

    first, said = play(world, home, "netboot.yml", given, *example)
    second, _ = play(world, home, "netboot.yml", given, *example)

    assert (first, second) == (1, 0)
    assert all(f"ok      {check}: " in said for check in ("DHCP offer", "boot profile", "initramfs for arm64")), said
    script = world.get("internet", f"http://{HOME}:8080/ipxe?mac=52-54-00-10-00-65&arch=arm64")
    kernel = next(line.split()[1] for line in str(script).splitlines() if line.startswith("kernel"))
    assert world.get("internet", kernel) == internet.KERNEL.decode()
    # It may serve others as well: no packet filter, docker as it is.
    assert home.run("nft", "list", "ruleset") == ""
    assert not (home.root / "etc" / "docker").exists()
    note(f"netboot.yml over SSH on a blank Debian, changed tasks: {[first, second]}")
