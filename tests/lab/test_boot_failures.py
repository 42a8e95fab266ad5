# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role nodes reports of machines whose user-data ran in the lab and could not turn them into Talos."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from ansible_collections.urmanac.talos.plugins.filter.boot_diagnosis import boot_diagnosis
from lab.registry.images import AMD64_ONLY, ARM64_ONLY
from tests.boot_script import render
from tests.lab.labs import AMI_PARAMETER, Lab, boot_bastion, eventually

HEADER = "# Made by urmanac.talos\n"
INDEX = "urmanac/talos-cozystack-spin-only/talos"


class Case(NamedTuple):
    """A failure, and the expected text of the report."""

    image: str
    says: str
    first: str = ""
    sha256: str = ""
    # The script finds most by itself; only where it does not ask the registry does boot-to-talos get to say it.
    asks_registry: bool = True


CASES = [
    pytest.param(
        Case(ARM64_ONLY, "FAILED: SHA-256 of boot-to-talos-linux-arm64.tar.gz is ", sha256="0" * 64),
        id="broken checksum",
    ),
    pytest.param(Case(f"{ARM64_ONLY}:v0", "does not exist. Correct its name, tag or digest."), id="missing image"),
    pytest.param(Case(AMD64_ONLY, "is for amd64, this machine is arm64. Name the digest"), id="amd64 only"),
    pytest.param(Case(INDEX, "is an index of several platforms: name the digest"), id="index"),
    pytest.param(
        Case(f"{ARM64_ONLY}:v0", "boot-to-talos: The registry does not have the image. Check", asks_registry=False),
        id="missing image, found by boot-to-talos",
    ),
    pytest.param(
        Case(AMD64_ONLY, "boot-to-talos: the image is for another architecture: from an index", asks_registry=False),
        id="amd64 only, found by boot-to-talos",
    ),
    pytest.param(
        Case(
            ARM64_ONLY,
            "boot-to-talos: the tmpfs with the unpacked image is full. Use a larger instance type",
            first='echo 10 >"$LAB_ROOT/run/lab/tmpfs-bytes"',
        ),
        id="full tmpfs",
    ),
]


@pytest.fixture(scope="module")
def boot(lab: Lab) -> Callable[[Case], list[str]]:
    """Return a function that boots a machine in the lab and returns what the role reports of it."""
    ec2 = lab.client("ec2")
    ami = lab.client("ssm").get_parameter(Name=AMI_PARAMETER)["Parameter"]["Value"]
    vpc = ec2.create_vpc(CidrBlock=f"{lab.network}/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"{lab.network}/24")["Subnet"]["SubnetId"]
    boot_bastion(lab, subnet)
    free = iter(range(111, 200))

    def run(case: Case) -> list[str]:
        address, where = lab.address(next(free)), {"ImageId": ami, "InstanceType": "t4g.medium", "SubnetId": subnet}
        made = ec2.run_instances(
            **where, PrivateIpAddress=address, UserData=user_data(lab, case), MinCount=1, MaxCount=1
        )
        identifier = made["Instances"][0]["InstanceId"]

        def console() -> str:
            return str(ec2.get_console_output(InstanceId=identifier).get("Output", ""))

        lines = eventually(console, lambda text: "user-data ended" in text).splitlines()
        have = {"id": identifier, "have": {"state": "running", "console": lines}}
        refused = {"node": address, "reachable": False, "error": "connection refused"}
        return boot_diagnosis([{"name": "gateway", "ipv4": address}], {"instance/gateway": have}, [refused])

    return run


def user_data(lab: Lab, case: Case) -> str:
    """Return the role's own user-data, with a line before it that makes something go wrong."""
    bastion = lab.address(100)
    script = render(
        f"ghcr.io/{case.image}",
        caches={"ghcr.io": f"{bastion}:5054"},
        plan={} if case.asks_registry else {"repository_url": ""},
        nodes_cluster={"bastion_ipv4": bastion},
        nodes_boot_to_talos_url=f"http://{bastion}:8081/boot-to-talos",
        nodes_boot_to_talos_sha256=case.sha256,
    )
    return script.replace(HEADER, f"{HEADER}{case.first}\n", 1)


@pytest.mark.parametrize("case", CASES)
def test_the_report_says_what_went_wrong_and_what_to_do(boot: Callable[[Case], list[str]], case: Case) -> None:
    reported = boot(case)

    assert any(case.says in line for line in reported), "\n".join(reported)
    assert reported[-1].startswith(
        "    Remedy: fix the problem in the console output, then aws ec2 terminate-instances"
    )
