# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab for each module of tests; other tests may take it from here: `from tests.lab.conftest import lab`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.settings import REGION
from tests.lab.labs import AMI_PARAMETER, Lab, Network, running_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a running lab to a module of tests."""
    with running_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.fixture(scope="module")
def network(lab: Lab) -> Network:
    """Give a dual-stack network on loopback."""
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=f"{lab.network}/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    block = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    ipv6 = block.replace("/56", "/64")
    subnet = ec2.create_subnet(
        VpcId=vpc, CidrBlock=f"{lab.network}/24", Ipv6CidrBlock=ipv6, AvailabilityZone=f"{REGION}a"
    )["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    return Network(vpc, subnet, group, ipv6)


@pytest.fixture(scope="module")
def image(lab: Lab) -> str:
    """Give the arm64 image that AWS's public parameter names."""
    value: str = lab.client("ssm").get_parameter(Name=AMI_PARAMETER)["Parameter"]["Value"]
    return value
