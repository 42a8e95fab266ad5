# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS charges, in dollars: the only place that holds a price. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping

PRICES_REGION = "eu-west-1"
PRICES_SOURCE = "AWS, on demand, Linux, as in github.com/skypilot-org/skypilot-catalog at 00148f2af367"
PRICES_DATE = "2026-11-22"

# An instance for an hour.
INSTANCES: Mapping[str, float] = {
    "t4g.nano": 0.0046,
    "t4g.micro": 0.0092,
    "t4g.small": 0.0184,
    "t4g.medium": 0.0368,
    "t4g.large": 0.0736,
    "t4g.xlarge": 0.1472,
    "t4g.2xlarge": 0.2944,
    "a1.metal": 0.461,
}
# One vCPU for an hour of CPU credits beyond those that a T4g earns.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode-concepts.html
SURPLUS_CREDITS = 0.04
# A GiB of a gp3 volume for a month. https://aws.amazon.com/ebs/pricing/
GP3_GIB_MONTH = 0.088
# A public IPv4 address for an hour, the same in use and idle, in every region. https://aws.amazon.com/vpc/pricing/
PUBLIC_IPV4 = 0.005
HOURS_A_MONTH = 730
