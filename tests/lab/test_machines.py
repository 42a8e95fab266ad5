# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines: they execute the very user-data of RunInstances, isolated from the host, and become Talos."""

from __future__ import annotations

import asyncio
import base64
import gzip
import itertools
import json
import socket
import ssl
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import client
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.machine import disks
from lab.registry.images import AMD64_ONLY, ARM64_ONLY
from lab.sandbox import namespaces_work
from tests.lab.labs import AMI_PARAMETER, Lab, boot_bastion, eventually, running_lab
from tests.talos_nodes import maintenance

_numbers = itertools.count(101)
KINDS = [
    pytest.param(
        "namespace",
        id="namespaces",
        marks=pytest.mark.skipif(not namespaces_work(), reason="the host allows no user namespaces"),
    ),
    pytest.param("path", id="short PATH"),
]
INDEX = "urmanac/talos-cozystack-spin-only/talos:latest"
NO_AND_YES = r"printf 'no\nno\nno\nyes\n' | ./boot-to-talos -mode install"
VARIABLE = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
SECURE_BOOT_ON = rf'printf "\6\0\0\0\1" >"$LAB_ROOT/{VARIABLE}"'
HEADER = "#!/bin/sh\n# Made by urmanac.talos\n"


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a lab for each kind of sandbox."""
    with running_lab(tmp_path_factory.mktemp("lab"), LAB_SANDBOX=request.param) as lab:
        yield lab


@pytest.fixture(scope="module")
def subnet(place: Lab) -> str:
    """Give a subnet on loopback."""
    return make_subnet(place)


def make_subnet(place: Lab) -> str:
    """Return the id of a new subnet."""
    ec2 = place.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=f"{place.network}/16")["Vpc"]["VpcId"]
    name: str = ec2.create_subnet(VpcId=vpc, CidrBlock=f"{place.network}/24")["Subnet"]["SubnetId"]
    return name


@pytest.fixture(scope="module")
def bastion(place: Lab, subnet: str) -> str:
    """Give the machine at the bastion's address, on which asset server and cache answer."""
    return boot_bastion(place, subnet)


class Machine:
    """An instance that runs a script."""

    def __init__(self, place: Lab, subnet: str, user_data: str | bytes, **options: Any) -> None:
        self.lab, self.ec2 = place, place.client("ec2")
        image = place.client("ssm").get_parameter(Name=AMI_PARAMETER)["Parameter"]["Value"]
        self.address = place.address(next(_numbers))
        answer = self.ec2.run_instances(
            ImageId=image,
            InstanceType="t4g.medium",
            SubnetId=subnet,
            PrivateIpAddress=self.address,
            UserData=user_data,
            MinCount=1,
            MaxCount=1,
            **options,
        )
        self.id: str = answer["Instances"][0]["InstanceId"]
        self.directory: Path = place.directory / "machines" / self.id

    def console(self) -> str:
        """Return the serial log as EC2 gives it."""
        text: str = self.ec2.get_console_output(InstanceId=self.id).get("Output", "")
        return text

    def wait_for(self, text: str) -> str:
        """Return the console once it holds a text."""
        found: str = eventually(self.console, lambda console: text in console)
        return found

    def state(self) -> str:
        """Return the lab's status of the machine."""
        machines = {machine["id"]: machine for machine in self.lab.ask("/lab/status")["machines"]}
        return str(machines.get(self.id, {}).get("state"))


def script(text: str) -> str:
    """Return a script of the collection's with these lines."""
    return HEADER + textwrap.dedent(text)


def image(place: Lab) -> str:
    """Return an image of the lab's registry that a Graviton can run."""
    return f"{place.address(100)}:5054/{ARM64_ONLY}:latest"


def install(place: Lab) -> str:
    """Return user-data that fetches boot-to-talos and installs."""
    return script(f"""
        cd "$(mktemp -d)"
        curl --fail --silent --show-error --location --output b.tar.gz \\
          http://{place.address(100)}:8081/boot-to-talos/boot-to-talos-linux-arm64.tar.gz || exit 1
        curl -fsSo sums http://{place.address(100)}:8081/releases/v0.7.1/boot-to-talos-checksums.txt || exit 1
        [ "$(sha256sum b.tar.gz | cut -d ' ' -f 1)" = "$(awk '{{ print $1 }}' sums)" ] || exit 2
        tar -xzf b.tar.gz boot-to-talos
        disk=/dev/$(lsblk --noheadings --nodeps --output PKNAME "$(findmnt --noheadings --output SOURCE /)")
        printf 'no\\nno\\nno\\nyes\\n' | ./boot-to-talos -mode install -image {image(place)} -disk "$disk"
        """)


def maintenance_certificate(address: str) -> bytes:
    """Return the certificate that answers at a node's port."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((address, 50000), timeout=5) as connection,
        context.wrap_socket(connection) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def is_open(address: str) -> bool:
    """Return whether anything answers at a node's port."""
    with socket.socket() as probe:
        return probe.connect_ex((address, 50000)) == 0


def test_the_user_data_runs_on_a_graviton_and_speaks_on_the_console(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, script("uname -m; findmnt -no SOURCE /; echo to stderr >&2; exit 7"))

    console = machine.wait_for("exit code 7")

    assert "aarch64\n/dev/nvme0n1p1\nto stderr\n" in console


def test_compressed_user_data_runs_too(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, gzip.compress(script("echo unpacked").encode()))

    assert "unpacked\n" in machine.wait_for("exit code 0")


def test_user_data_that_is_not_a_script_is_ignored_as_the_console_says(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, "#cloud-config\nruncmd: [reboot]\n")

    assert machine.wait_for("ignores user-data that is not a script")


def test_what_would_change_the_computer_is_only_noted_down(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, script("ip route replace default via 127.0.0.9; modprobe loop"))

    machine.wait_for("exit code 0")

    noted = (machine.directory / "root/run/lab/commands.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in noted] == [
        ["ip", "route", "replace", "default", "via", "127.0.0.9"],
        ["modprobe", "loop"],
    ]


@pytest.mark.usefixtures("bastion")
def test_a_machine_reaches_nothing_but_loopback(place: Lab, subnet: str) -> None:
    lines = "curl -sS http://example.com/; echo $?; curl -sS http://192.0.2.1/; echo $?"
    refused = f"curl -fsS http://{place.address(100)}:8081/nothing; echo $?; curl -s http://127.0.0.1:9/; echo $?"

    console = Machine(place, subnet, script(f"{lines}\n{refused}\n")).wait_for("exit code 0")

    codes = [line for line in console.splitlines() if line.isdigit()]
    assert codes == ["6", "7", "22", "7"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_that_never_ends_is_ended(kind: str, tmp_path: Path) -> None:
    with running_lab(tmp_path, LAB_SANDBOX=kind, LAB_SCRIPT_SECONDS="1") as place:
        machine = Machine(place, make_subnet(place), script("sleep 600"))

        assert machine.wait_for("was killed by the lab")


def test_a_background_process_outlives_the_script_but_not_the_instance(place: Lab, subnet: str) -> None:
    lines = 'setsid sh -c "while true; do date > \\"$HOME/alive\\"; sleep 0.1; done" & echo started'
    machine = Machine(place, subnet, script(lines))
    machine.wait_for("exit code 0")
    alive = machine.directory / "root/root/alive"
    eventually(alive.exists, bool)

    machine.ec2.terminate_instances(InstanceIds=[machine.id])

    eventually(machine.state, lambda state: state == "terminated")
    last = alive.stat().st_mtime_ns
    time.sleep(0.5)
    assert alive.stat().st_mtime_ns == last


@pytest.mark.usefixtures("bastion")
def test_boot_to_talos_turns_the_machine_into_talos(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, install(place))

    console = machine.wait_for("the Simulated Talos answers")

    order = ["created temporary directory", "creating raw disk", "starting Talos installer", "rebooting system"]
    positions = [console.index(text) for text in order]
    assert positions == sorted(positions)
    assert "user-data ended" not in console
    assert b"maintenance-service.talos.dev" in maintenance_certificate(machine.address)


@pytest.mark.usefixtures("bastion")
def test_talos_sees_the_volumes_of_its_instance_by_their_ids(place: Lab, subnet: str) -> None:
    data = {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}
    machine = Machine(place, subnet, install(place), BlockDeviceMappings=[data])
    eventually(machine.state, lambda state: state == "talos")

    seen = asyncio.run(disks_of(machine.address))

    (attached,) = machine.ec2.describe_instances(InstanceIds=[machine.id])["Reservations"][0]["Instances"]
    ids = {one["DeviceName"]: one["Ebs"]["VolumeId"] for one in attached["BlockDeviceMappings"]}
    assert [disk["serial"] for disk in seen] == [ids[name].replace("-", "") for name in ("/dev/xvda", "/dev/sdb")]
    assert [(disk["dev_path"], disk["size"] // 2**30, disk["system_disk"]) for disk in seen] == [
        ("/dev/nvme0n1", 8, True),
        ("/dev/nvme1n1", 20, False),
    ]


async def disks_of(address: str) -> list[dict[str, Any]]:
    """Return the disks that a node in maintenance mode sees."""
    async with client.connected(address, maintenance()) as connection:
        found = await disks(connection)
    # Closed connections end in the loop.
    await asyncio.sleep(0.2)
    return found


@pytest.mark.usefixtures("bastion")
def test_talos_survives_stop_and_start_and_ends_with_the_instance(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, install(place))
    machine.wait_for("the Simulated Talos answers")

    def instance_state() -> str:
        found = machine.ec2.describe_instances(InstanceIds=[machine.id])
        return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])

    machine.ec2.stop_instances(InstanceIds=[machine.id])
    eventually(instance_state, lambda state: state == "stopped")
    eventually(machine.state, lambda state: state == "off")
    with pytest.raises(OSError, match="refused"):
        maintenance_certificate(machine.address)
    machine.ec2.start_instances(InstanceIds=[machine.id])
    eventually(machine.state, lambda state: state == "talos")
    again = maintenance_certificate(machine.address)
    machine.ec2.terminate_instances(InstanceIds=[machine.id])

    assert again
    eventually(lambda: is_open(machine.address), lambda answer: not answer)


def test_the_console_is_base64_on_the_wire(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, script("echo plain"))
    machine.wait_for("exit code 0")

    raw: list[bytes] = []
    machine.ec2.meta.events.register(
        "before-parse.ec2.GetConsoleOutput", lambda response_dict, **_: raw.append(response_dict["body"])
    )
    machine.console()

    text = raw[0].decode().partition("<output>")[2].partition("</output>")[0]
    assert "plain\n" in base64.b64decode(text).decode()


def boot_to_talos(place: Lab, subnet: str, line: str, says: str) -> str:
    """Return the console of a machine that runs one command line with boot-to-talos, once it says that or has ended."""
    lines = f"""
        cd "$(mktemp -d)"
        curl -fsS http://{place.address(100)}:8081/boot-to-talos-linux-arm64.tar.gz | tar -xz
        {line}
        """
    machine = Machine(place, subnet, script(lines))
    console: str = eventually(machine.console, lambda text: says in text or "user-data ended" in text)
    return console


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param(
            "./boot-to-talos -yes -image IMAGE -disk /dev/nvme0n1",
            "error loading kernel for kexec",
            id="-yes means kexec",
        ),
        pytest.param("./boot-to-talos --mode=fly", "invalid mode: fly", id="unknown mode"),
        pytest.param("./boot-to-talos --config x", "flag provided but not defined: -config", id="unknown flag"),
        pytest.param("./boot-to-talos -disk", "flag needs an argument: -disk", id="no value"),
        pytest.param(
            f"{NO_AND_YES} -image IMAGE -disk /dev/xvda",
            "open dst: open /dev/xvda: no such file or directory",
            id="no such disk",
        ),
        pytest.param(
            r"printf 'no\nno\nno\nno\n' | ./boot-to-talos -mode install -image IMAGE -disk /dev/nvme0n1",
            "aborted by user",
            id="the option confirm is not true",
        ),
        pytest.param(
            r"printf 'no\nno\nno\n' | ./boot-to-talos -mode install -image IMAGE -disk /dev/nvme0n1",
            "rebooting system",
            id="the end of its input means the default, which is yes",
        ),
        pytest.param(
            f"{NO_AND_YES} -image REGISTRY/{INDEX} -disk /dev/nvme0n1",
            "forkexec: exec format error",
            id="amd64 is taken from an index",
        ),
        pytest.param(
            f"{NO_AND_YES} -image REGISTRY/{AMD64_ONLY} -disk /dev/nvme0n1",
            "forkexec: exec format error",
            id="amd64 only",
        ),
        pytest.param(
            f"{NO_AND_YES} -image REGISTRY/{ARM64_ONLY}:v0 -disk /dev/nvme0n1",
            "MANIFEST_UNKNOWN",
            id="no such image",
        ),
        pytest.param(
            f"{NO_AND_YES} -image ghcr.io/{ARM64_ONLY} -disk /dev/nvme0n1",
            "dial tcp: lookup ghcr.io",
            id="no network",
        ),
        pytest.param(
            f'echo 10 >"$LAB_ROOT/run/lab/tmpfs-bytes"; {NO_AND_YES} -image IMAGE -disk /dev/nvme0n1',
            "SIMULATED: no space left on device",
            id="full tmpfs",
        ),
        pytest.param(
            f'rm "$LAB_ROOT/dev/loop-control"; {NO_AND_YES} -image IMAGE -disk /dev/nvme0n1',
            "open loop-control: open /dev/loop-control: no such file or directory",
            id="no loop devices",
        ),
        pytest.param(
            f'echo >"$LAB_ROOT/run/lab/no-default-route"; {NO_AND_YES} -image IMAGE -disk /dev/nvme0n1',
            "aborted by user",
            id="without a route it asks once less",
        ),
        pytest.param(
            f"{SECURE_BOOT_ON}; {NO_AND_YES} -image IMAGE -disk /dev/nvme0n1",
            "rebooting system",
            id="the yes meant for the disk is taken for Secure Boot",
        ),
    ],
)
@pytest.mark.usefixtures("bastion")
def test_boot_to_talos_ends_as_the_real_one_does(place: Lab, subnet: str, line: str, says: str) -> None:
    registry = f"{place.address(100)}:5054"
    line = line.replace("IMAGE", image(place)).replace("REGISTRY", registry)

    assert says in boot_to_talos(place, subnet, line, says)


@pytest.mark.usefixtures("bastion")
def test_two_noes_are_needed_to_keep_the_network_out_of_the_kernel_arguments(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, install(place).replace("no\\nno\\nno\\nyes", "no\\nyes\\n\\n\\n\\n\\n\\nno\\nyes"))

    assert "Extra kernel args: ip=" in machine.wait_for("the Simulated Talos answers")


def test_scripts_that_are_not_ours_run_only_isolated(place: Lab, subnet: str) -> None:
    machine = Machine(place, subnet, "#!/bin/sh\necho stranger\n")

    if place.environment["LAB_SANDBOX"] == "namespace":
        assert "stranger\n" in machine.wait_for("exit code 0")
    else:
        assert "stranger\n" not in machine.wait_for("user-data is not run")


@pytest.mark.skipif(not namespaces_work(), reason="the host allows no user namespaces")
def test_behind_walls_the_computer_cannot_be_changed(place: Lab, subnet: str) -> None:
    if place.environment["LAB_SANDBOX"] == "path":
        pytest.skip("this is about namespaces")
    lines = """
        echo x > /usr/lab-was-here || echo usr is read-only
        echo x > /etc/lab-was-here && echo etc is its own
        echo 1 > /proc/sys/kernel/panic || echo sysctls are read-only
        [ ! -e /proc/sysrq-trigger ] || [ -c /proc/sysrq-trigger ] && echo no sysrq
        mount -o remount,bind,rw /usr 2>/dev/null || echo no remount
        """
    console = Machine(place, subnet, script(lines)).wait_for("exit code 0")

    for said in ("usr is read-only", "etc is its own", "sysctls are read-only", "no sysrq", "no remount"):
        assert said in console
    assert not Path("/etc/lab-was-here").exists()
