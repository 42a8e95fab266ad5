# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's EC2 through the real amazon.aws modules."""

from __future__ import annotations

from pathlib import Path

from tests.lab.labs import Lab

# By modules of Auto Scaling that write first and look for a difference afterwards.
CALLED_ANYWAY = {"UpdateAutoScalingGroup", "DisableMetricsCollection", "PutScheduledUpdateGroupAction"}
PLAYBOOK = Path(__file__).with_name("amazon_aws.yml")


def test_amazon_aws_modules_build_and_find_nothing_to_change_afterwards(lab: Lab, image: str) -> None:
    variables = f"network={lab.network}/16 image={image}"
    command = ["run", "--", "ansible-playbook", "-e", variables, str(PLAYBOOK)]

    first = lab.command(*command)
    made = lab.ask("/lab/status")["calls_total"]
    second = lab.command(*command)

    assert first.returncode == 0, first.stdout
    assert second.returncode == 0, second.stdout
    assert "changed=0 " in second.stdout, second.stdout
    again = {call["action"] for call in lab.ask(f"/lab/calls?since={made}") if call["mutating"]}
    assert again <= CALLED_ANYWAY
