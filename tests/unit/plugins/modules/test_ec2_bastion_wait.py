# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ec2_bastion_wait with moto as AWS, whose groups report no activities; test_launch.py has the causes."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.modules import ec2_bastion_wait
from tests.ec2_cluster import cluster, empty_aws, run_module


def test_a_group_without_an_instance_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with empty_aws():
        failed = run_module(ec2_bastion_wait.main, capsys, cluster=cluster(), timeout=1)

    assert failed["failed"] is True
    assert "Failed to start the bastion with the group talos-arm64-moon-bastion in eu-west-1" in failed["msg"]
    assert "describe-scaling-activities --region eu-west-1" in failed["msg"]
