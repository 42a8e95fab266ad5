# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bastion with one user-data on a blank root and real programs, with the hosts around it in network namespaces."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.filter.bastion_files import bastion_files
from tests import bastion_image
from tests.bastion import bastion_settings
from tests.host.bastion import internet
from tests.host.bastion.machine import Machine
from tests.host.bastion.network import BASTION, BASTION_IPV6, INTERNET, OPERATOR_IPV6, PUBLIC, Network, answer, run
from tests.host.bastion.world import FILES, MATCHBOX, PROGRAMS, World, booted, internet_at_work, settings, wait_for

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TUNNEL = ("wg", "wireguard-go")
SPARE = "2001:db8:98::2"
pytestmark = pytest.mark.needs(*PROGRAMS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a bastion that its user-data alone has configured."""
    folder = tmp_path_factory.mktemp("bastion")
    with internet_at_work("", folder) as made, booted(made, folder, bastion_files(settings()), {}) as found:
        # What systemd would do by itself: what ended before its turn is started again.
        again = functools.partial(found.bastion.run, "systemctl", "start", *found.described["units"])
        wait_for(lambda: again() or found.health()["kernel for arm64"])
        yield found


def test_user_data_makes_a_blank_machine_a_healthy_bastion(world: World, note: Callable[[str], None]) -> None:
    bad = [check for check, healthy in world.health().items() if not healthy]

    assert bad == []
    note(f"A bastion made by its user-data alone; matchbox: {MATCHBOX or 'a simulation'}")


def lease(world: World, *options: str) -> dict[str, str]:
    """Return the DHCP answer to a client with these options."""
    said = world.network.run(
        "client",
        *("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "5", "-s", str(HERE / "bastion" / "lease.sh")),
        *("-O", "bootfile", "-O", "ntpsrv", "-O", "domain", *options),
    )
    line = next(line for line in said.splitlines() if line.startswith("ip="))
    return dict(word.partition("=")[::2] for word in line.split(" "))


@pytest.mark.parametrize(
    ("options", "boots"),
    [
        pytest.param(["-x", "0x5d:000b"], "ipxe-arm64.efi", id="UEFI on ARM64"),
        pytest.param(["-x", "0x5d:0007"], "ipxe.efi", id="UEFI on x86-64"),
        pytest.param(["-x", "0x5d:0009"], "ipxe.efi", id="UEFI on x86-64 by its other number"),
        pytest.param(["-x", "0x5d:0000"], "undionly.kpxe", id="BIOS"),
        pytest.param(["-x", "0x5d:000b", "-x", "0x4d:69505845"], f"http://{BASTION}:8080/boot.ipxe", id="iPXE"),
    ],
)
def test_a_machine_gets_an_address_and_what_its_firmware_can_start(
    world: World, options: list[str], boots: str
) -> None:
    given = lease(world, *options)

    assert 200 <= int(given["ip"].rpartition(".")[2]) <= 250, given
    assert given["boot_file"] == boots, given
    assert (given["router"], given["domain"], given["siaddr"]) == (BASTION, "talos.local", BASTION)


@pytest.mark.parametrize("name", ["ipxe-arm64.efi", "ipxe.efi", "undionly.kpxe"])
def test_firmware_fetches_ipxe_over_tftp(world: World, name: str) -> None:
    lease(world)
    place = world.folder / f"{name}.fetched"

    world.network.run("client", "curl", "-sf", "--max-time", "20", "-o", str(place), f"tftp://{BASTION}/{name}")

    assert place.read_bytes() == (world.folder / "files" / name).read_bytes()


@pytest.mark.parametrize("port", [8080, 8081])
def test_ipxe_is_reported_the_kernel_and_its_arguments(world: World, port: int) -> None:
    lease(world)

    script = str(world.get("client", f"http://{BASTION}:{port}/boot.ipxe"))
    if port == 8080:
        assert "chain ipxe?" in script
        script = str(world.get("client", f"http://{BASTION}:8080/ipxe?mac=52-54-00-10-00-65&arch=arm64"))

    kernel, initrd = (
        next(line for line in script.splitlines() if line.startswith(word)) for word in ("kernel", "initrd")
    )
    wanted = bastion_settings()["netboot"]["kernel_arguments"]
    assert [word for word in kernel.split() if word in wanted] == wanted
    assert world.get("client", kernel.split()[1]) == internet.KERNEL.decode()
    assert world.get("client", initrd.split()[1]) == internet.INITRAMFS.decode()


def test_a_node_reaches_the_internet_through_the_bastion_alone(world: World) -> None:
    assert world.get("node", f"{FILES}/whoami") == PUBLIC

    world.network.run("node", "ip", "route", "replace", "default", "via", "10.10.0.1")
    try:
        assert world.get("node", f"{FILES}/whoami", "--max-time", "1") is None
    finally:
        world.network.run("node", "ip", "route", "replace", "default", "via", BASTION)


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        pytest.param("gateway.talos.local", ["10.10.0.101"], id="a node"),
        pytest.param("no one.talos.local", [], id="a name that no one has"),
    ],
)
def test_the_bastion_knows_the_nodes_by_name(world: World, name: str, addresses: list[str]) -> None:
    said = answer(world.network, "node", ["busybox", "nslookup", "-type=a", name, BASTION])

    found = [
        line.split()[-1] for line in str(said).split("Name:")[1:] for line in line.splitlines() if "Address" in line
    ]
    assert found == addresses


def counter(world: World, name: str) -> int:
    """Return how many packets the packet filter has counted."""
    return int(world.bastion.run("nft", "list", "counter", "inet", "talos_bastion", name).split()[8])


def test_the_bastion_translates_what_leaves_and_nothing_inside(world: World) -> None:
    before = counter(world, "translated")

    world.get("node", f"http://{BASTION}:8081/healthz")
    assert counter(world, "translated") == before
    world.get("node", f"{FILES}/whoami")
    assert counter(world, "translated") == before + 1


def test_boot_to_talos_comes_from_the_bastion(world: World) -> None:
    url = f"http://{BASTION}:8081/boot-to-talos/v0.7.1"

    assert world.get("node", f"{url}/boot-to-talos-linux-arm64.tar.gz") == internet.ARCHIVE.decode()
    digest = hashlib.sha256(internet.ARCHIVE).hexdigest()
    assert world.get("node", f"{url}/boot-to-talos-checksums.txt") == f"{digest}  boot-to-talos-linux-arm64.tar.gz\n"


@pytest.mark.parametrize("address", [PUBLIC, BASTION_IPV6])
def test_from_outside_every_port_is_closed_but_ssh_over_ipv6(world: World, address: str) -> None:
    before = counter(world, "refused")

    said = world.network.run("internet", sys.executable, str(HERE / "bastion" / "scan.py"), address)

    assert json.loads(said) == ([22] if ":" in address else [])
    # Of UDP every packet, and of TCP every one but SSH's.
    assert counter(world, "refused") - before >= 65535 + 65534


def test_in_the_subnet_the_ports_are_open_that_are_offered(world: World) -> None:
    said = world.network.run("node", sys.executable, str(HERE / "bastion" / "scan.py"), BASTION)

    assert json.loads(said) == [22, 53, 5050, 5054, 8080, 8081]


def test_a_service_that_ends_is_reported(world: World) -> None:
    world.bastion.run("systemctl", "stop", "talos-assets.service")
    bad = {check for check, healthy in world.health().items() if not healthy}
    world.bastion.run("systemctl", "start", "talos-assets.service")

    assert {"unit talos-assets.service", "container talos-assets", "asset server", "tcp port 8081"} <= bad
    assert wait_for(lambda: world.health()["asset server"])


@pytest.fixture(scope="module")
def spare(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Give a blank machine that can be reached over SSH and has heard of no user-data."""
    made = world.network
    run("ip", "netns", "add", made.name("spare"))
    made.made.append("spare")
    made.run("spare", "ip", "link", "set", "lo", "up")
    made.wire("spare", "eth0", "internet", "spare")
    made.run("spare", "ip", "address", "add", f"{SPARE}/64", "dev", "eth0", "nodad")
    made.run("internet", "ip", "address", "add", f"{SPARE.replace('::2', '::1')}/64", "dev", "spare", "nodad")
    machine = Machine(made, "spare", tmp_path_factory.mktemp("spare") / "root")
    machine.listen_for_ssh(world.folder / "key")
    yield machine
    machine.off()


def play(world: World, *options: str) -> dict[str, dict[str, int]]:
    """Run the role against both machines over SSH from outside, and return Ansible's count of each."""
    (world.folder / "variables.json").write_text(json.dumps({"__bastion_host_settings": settings()}))
    command = ["ansible-playbook", "-i", str(HERE / "bastion" / "inventory.yml"), "-e", f"folder={world.folder}"]
    command += ["-e", f"@{world.folder / 'variables.json'}", *options, str(HERE / "bastion" / "converge.yml")]
    done = subprocess.run(
        world.network.within("internet", *command),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    recap = [line.split() for line in done.stdout.split("PLAY RECAP")[1].splitlines()[1:] if ":" in line]
    return {
        words[0]: {key: int(value) for key, _, value in (word.partition("=") for word in words[2:])} for words in recap
    }


def test_the_health_playbook_asks_over_ssh(world: World) -> None:
    report = world.folder / "health.json"
    variables = {"bastion_host_aws_enabled": False, "bastion_host_health_file": str(report), "cluster_name": "test"}
    command = ["ansible-playbook", "-i", str(HERE / "bastion" / "inventory.yml"), "-e", f"folder={world.folder}"]
    command += ["-e", json.dumps(variables), str(ROOT / "playbooks" / "health.yml")]

    done = subprocess.run(
        world.network.within("internet", *command),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    said = json.loads(report.read_text())
    assert (done.returncode, said["healthy"]) == (0, True), done.stdout + done.stderr
    assert "ok      cache of ghcr.io: " in done.stdout
    assert {item["check"]: item["healthy"] for item in said["checks"]}["DHCP offer"]


def test_the_role_over_ssh_writes_the_files_of_user_data(world: World, spare: Machine) -> None:
    first, second = play(world), play(world)

    assert spare.files() == world.bastion.files()
    assert len(spare.files()) == len(world.described["files"])
    # What user-data made needs nothing of the role, the first time already.
    assert {name: found["changed"] for name, found in first.items()} == {"bastion": 0, "spare": 1}
    assert {name: found["changed"] for name, found in second.items()} == {"bastion": 0, "spare": 0}

    play(world, "--limit=spare", "-e", "bastion_host_state=absent")
    left = [path for path in world.bastion.files() if (spare.root / path.lstrip("/")).exists()]
    assert left == []
    assert not any(spare.run("ps", "-e", "-o", "comm=").count(name) for name in ("nginx", "dnsmasq"))


# The last one of this world: it takes the internet's registry away.
def test_a_cache_serves_on_when_its_registry_is_gone(world: World) -> None:
    url = f"http://{BASTION}:5054/v2/{internet.IMAGE}/manifests/latest"
    accept = ("-H", f"Accept: {bastion_image.INDEX}")
    index = json.loads(str(world.get("node", url, *accept)))
    subprocess.run(["kill", (world.folder / "registry.pid").read_text()], check=True)
    assert wait_for(lambda: world.get("internet", f"http://{INTERNET}:5000/v2/") is None)

    assert json.loads(str(world.get("node", url, *accept))) == index
    layer = next(item["digest"] for item in index["manifests"] if item["platform"]["architecture"] == "arm64")
    manifest = json.loads(
        str(world.get("node", url.replace("latest", layer), "-H", f"Accept: {bastion_image.MANIFEST}"))
    )
    place = world.folder / "blob"
    blob = manifest["layers"][1]["digest"]
    world.network.run("node", "curl", "-sf", "-o", str(place), url.replace("manifests/latest", f"blobs/{blob}"))
    assert f"sha256:{hashlib.sha256(place.read_bytes()).hexdigest()}" == blob


@contextmanager
def far_end(network: Network, folder: Path, public_key: str) -> Iterator[str]:
    """Make the other end of a tunnel, which the bastion reaches over IPv6, and give its public key."""
    key = run("wg", "genkey")
    (folder / "far.key").write_text(key)
    serving = subprocess.Popen(network.within("internet", "wireguard-go", "-f", "far"), stderr=subprocess.DEVNULL)
    try:
        assert wait_for(lambda: answer(network, "internet", ["ip", "link", "show", "far"]))
        peer = ["peer", public_key, "allowed-ips", "172.16.0.2/32"]
        listen = ["listen-port", "51820", "private-key", str(folder / "far.key")]
        network.run("internet", "wg", "set", "far", *listen, *peer)
        network.run("internet", "ip", "address", "add", "172.16.0.1/24", "dev", "far")
        network.run("internet", "ip", "link", "set", "far", "up")
        yield run("wg", "pubkey", text=key).strip()
    finally:
        serving.kill()
        serving.wait()


@pytest.mark.needs(*TUNNEL)
def test_everything_leaves_through_the_tunnel_or_not_at_all(tmp_path: Path) -> None:
    near = run("wg", "genkey").strip()
    # A simulation of the AWS command line, which asks SSM with the instance's profile.
    aws = (
        f'#!/bin/sh\n[ "$3 $4 $5 $6 $7" = "--region eu-west-1 --name /test/key --with-decryption" ] && echo "{near}"\n'
    )
    with (
        internet_at_work("t", tmp_path) as network,
        far_end(network, tmp_path, run("wg", "pubkey", text=near).strip()) as far,
    ):
        tunnel = {"public_key": far, "endpoint": f"[{OPERATOR_IPV6}]:51820", "key_parameter": "/test/key"}
        wireguard = {**bastion_settings()["wireguard"], **tunnel}
        described = bastion_files(settings(egress="wireguard", wireguard=wireguard))
        assert near not in described["user_data"]
        with booted(network, tmp_path, described, {"aws": aws}) as world:
            whoami = functools.partial(world.get, url=f"{FILES}/whoami")
            ssh = ["busybox", "nc", "-w", "3", BASTION_IPV6, "22"]

            assert wait_for(lambda: whoami("node")) == "172.16.0.2"
            assert whoami("bastion") == "172.16.0.2"
            assert "SSH-2.0" in str(answer(network, "internet", ssh))
            assert wait_for(lambda: world.get("node", f"http://{BASTION}:8081/healthz")) == "ok\n"

            world.bastion.run("pkill", "wireguard-go")
            assert (whoami("node"), whoami("bastion")) == (None, None)
            assert counter(world, "leaked") > 0
            assert "SSH-2.0" in str(answer(network, "internet", ssh))

            world.bastion.run("systemctl", "restart", "talos-bastion-wireguard.service")
            assert wait_for(lambda: whoami("node")) == "172.16.0.2"
            world.bastion.run("systemctl", "stop", "talos-bastion-wireguard.service")
            assert (whoami("node"), whoami("bastion")) == (None, None)
            assert world.bastion.run("ls", "/run/talos-bastion") == ""
