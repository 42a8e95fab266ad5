# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS prices in dollars from which costs are computed. Private to urmanac.talos: may change at any time.

Every figure has a source and a date. A price without a source is left out, so it is not known. A test compares the
prices in README.md, roles and examples with these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

HOURS_A_MONTH = 730


class Source(NamedTuple):
    """The source of a kind of price, and the day of the price or of its reading."""

    what: str
    where: str
    date: str


class Prices(NamedTuple):
    """The prices of a region for an hour of each instance type, for volumes and for transfer; None is not known."""

    region: str
    instances: Mapping[str, float]
    # A GiB of a gp3 volume for a month.
    gp3_gib_month: float | None
    # A GB sent to the internet, beyond what is free.
    transfer_gb: float | None
    sources: tuple[Source, ...]

    def volume_hour(self, gib: int) -> float | None:
        """Return what a gp3 volume of this size costs an hour."""
        return None if self.gp3_gib_month is None else self.gp3_gib_month * gib / HOURS_A_MONTH


MACHINES = Source(
    "machines",
    "AWS, on demand, Linux, as in github.com/skypilot-org/skypilot-catalog at 00148f2af367",
    "2026-11-22",
)
VOLUMES = Source(
    "volumes",
    "https://aws.amazon.com/ebs/pricing/, as in github.com/syllogismos/aws_console at 20030879bb10",
    "2021-07-14",
)
TRANSFER = Source("transfer", "https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer", "2026-08-04")
# An hour of a public IPv4 address, the same in use and idle, in every region.
PUBLIC_IPV4 = 0.005
ADDRESSES = Source("public IPv4", "https://aws.amazon.com/vpc/pricing/", "2024-02-01")
# One vCPU for an hour of CPU credits beyond those that a T4g earns, in every region.
SURPLUS_CREDITS = 0.04
CREDITS = Source(
    "CPU credits",
    "https://aws.amazon.com/ec2/pricing/on-demand/#T2.2FT3.2FT4g_Unlimited_Mode_Pricing, as quoted in "
    "gitlab.com/gitlab-org/ci-cd/docker-machine/-/merge_requests/118",
    "2026-11-29",
)
# What every account may send to the internet each month without a charge, over all services and regions.
# https://aws.amazon.com/blogs/aws/aws-free-tier-data-transfer-expansion-100-gb-from-regions-and-1-tb-from-amazon-cloudfront-per-month/
TRANSFER_FREE_GB = 100

_SIZES = ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge")


def _region(t4g: Iterable[float], gp3: float, transfer: float | None, a1_metal: float | None = None) -> Prices:
    instances = {f"t4g.{size}": price for size, price in zip(_SIZES, t4g, strict=True)}
    more = {} if a1_metal is None else {"a1.metal": a1_metal}
    sources = (MACHINES, VOLUMES, ADDRESSES, TRANSFER, CREDITS)
    return Prices("", {**instances, **more}, gp3, transfer, sources)


_AMERICA = (0.0042, 0.0084, 0.0168, 0.0336, 0.0672, 0.1344, 0.2688)
_IRELAND = (0.0046, 0.0092, 0.0184, 0.0368, 0.0736, 0.1472, 0.2944)
_FRANKFURT = (0.0048, 0.0096, 0.0192, 0.0384, 0.0768, 0.1536, 0.3072)
_LONDON = (0.0047, 0.0094, 0.0188, 0.0376, 0.0752, 0.1504, 0.3008)
_STOCKHOLM = (0.0043, 0.0086, 0.0172, 0.0344, 0.0688, 0.1376, 0.2752)
_SINGAPORE = (0.0053, 0.0106, 0.0212, 0.0424, 0.0848, 0.1696, 0.3392)
_TOKYO = (0.0054, 0.0108, 0.0216, 0.0432, 0.0864, 0.1728, 0.3456)
_MUMBAI = (0.0028, 0.0056, 0.0112, 0.0224, 0.0448, 0.0896, 0.1792)

# The source of transfer prices has none for Paris and Stockholm.
_SHIPPED: Mapping[str, Prices] = {
    "eu-west-1": _region(_IRELAND, 0.088, 0.09, 0.461),
    "eu-central-1": _region(_FRANKFURT, 0.0952, 0.09, 0.466),
    "eu-west-2": _region(_LONDON, 0.0928, 0.09),
    "eu-west-3": _region(_LONDON, 0.0928, None),
    "eu-north-1": _region(_STOCKHOLM, 0.0836, None),
    "us-east-1": _region(_AMERICA, 0.08, 0.09, 0.408),
    "us-east-2": _region(_AMERICA, 0.08, 0.09, 0.408),
    "us-west-2": _region(_AMERICA, 0.08, 0.09, 0.408),
    "ca-central-1": _region(_IRELAND, 0.088, 0.09),
    "ap-south-1": _region(_MUMBAI, 0.0912, 0.1093, 0.408),
    "ap-southeast-1": _region(_SINGAPORE, 0.096, 0.12, 0.47),
    "ap-southeast-2": _region(_SINGAPORE, 0.096, 0.114, 0.533),
    "ap-northeast-1": _region(_TOKYO, 0.096, 0.114, 0.514),
}
REGIONS = tuple(_SHIPPED)


def shipped(region: str) -> Prices:
    """Return the shipped prices of a region, which may be empty."""
    nothing = Prices(region, {}, None, None, (ADDRESSES, CREDITS))
    return _SHIPPED.get(region, nothing)._replace(region=region)


def transfer_month(prices: Prices, gb: float) -> float | None:
    """Return what it costs to send so many GB to the internet in a month; free transfer is known in every region."""
    billed = max(0.0, gb - TRANSFER_FREE_GB)
    if not billed:
        return 0.0
    return None if prices.transfer_gb is None else billed * prices.transfer_gb


# The region whose prices are used if no region is set.
PRICES_REGION = "eu-west-1"
INSTANCES: Mapping[str, float] = shipped(PRICES_REGION).instances
