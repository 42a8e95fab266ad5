# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.replacement_remedies import FilterModule

replacement_remedies = FilterModule().filters()["replacement_remedies"]


def resource(kind: str, *, changed: str, have: Any, want: Any, replace: bool) -> dict[str, Any]:
    difference = {"property": changed, "have": have, "want": want, "replace": replace}
    return {"kind": kind, "name": "talos-gateway", "id": "i-1", "differences": [difference]}


def test_what_can_be_repaired_in_place_is_left_to_the_role() -> None:
    stopped = resource("instance", changed="state", have="stopped", want="running", replace=False)

    assert replacement_remedies([stopped]) == []


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        pytest.param("instance", "aws ec2 terminate-instances --instance-ids i-1, then run", id="instance"),
        pytest.param("eni", "--network-interface-id i-1, then run", id="network interface"),
        pytest.param("vpc", "reset_confirmation=yes, then run", id="network"),
    ],
)
def test_what_takes_a_new_resource_is_reported_with_the_command(kind: str, command: str) -> None:
    larger = resource(kind, changed="size", have=50, want=100, replace=True)

    (line,) = replacement_remedies([larger])

    assert line.startswith("Failed to change size of talos-gateway from 50 to 100: ")
    assert command in line


def test_another_credit_mode_is_reported_with_the_command_that_needs_no_new_machine() -> None:
    standard = resource("instance", changed="cpu_credits", have="standard", want="unlimited", replace=False)

    (line,) = replacement_remedies([standard])

    assert line.endswith("--instance-credit-specification InstanceId=i-1,CpuCredits=unlimited")


def test_every_difference_of_every_resource_is_reported_at_once() -> None:
    both = [resource("instance", changed=name, have=1, want=2, replace=True) for name in ("type", "volume_size")]

    assert len(replacement_remedies(both)) == 2
