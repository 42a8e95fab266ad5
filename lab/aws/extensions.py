# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All extensions of moto. Each is one function in the modules beside this one, with the gap that it closes."""

from __future__ import annotations

from lab.aws import account, autoscaling, instances, interfaces, network, strict, templates, volumes
from lab.machines import MachinePark


def install(park: MachinePark) -> None:
    """Extend moto in this process and let instances come to life in the park."""
    strict.install()
    network.install()
    interfaces.install()
    volumes.install()
    instances.install(park)
    templates.install()
    autoscaling.install(park)
    account.install()
