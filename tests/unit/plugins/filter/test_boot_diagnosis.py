# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.urmanac.talos.plugins.filter.boot_diagnosis import FilterModule

boot_diagnosis = FilterModule().filters()["boot_diagnosis"]
GATEWAY = {"name": "gateway", "ipv4": "192.0.2.101"}
REFUSED = {"node": "192.0.2.101", "reachable": False, "error": "connection refused"}


def resources(state: str = "running", console: list[str] | None = None) -> dict[str, Any]:
    return {"instance/gateway": {"id": "i-1", "have": {"state": state, "console": console or []}}}


def test_a_node_that_answers_is_not_mentioned() -> None:
    assert boot_diagnosis([GATEWAY], resources(), [{**REFUSED, "reachable": True}]) == []


def test_state_address_port_and_what_was_seen_come_first() -> None:
    first, *_ = boot_diagnosis([GATEWAY], resources(), [REFUSED])

    assert first == "gateway (i-1, running): Talos at 192.0.2.101 port 50000: connection refused"


def test_the_line_that_names_the_failure_leads_the_console() -> None:
    console = ["urmanac.talos: FAILED: SHA-256 of x is 1, expected 2\n", *(f"later {number}" for number in range(9))]

    lines = boot_diagnosis([GATEWAY], resources(console=console), [REFUSED])

    assert lines[1] == "    console: urmanac.talos: FAILED: SHA-256 of x is 1, expected 2"
    assert "    console: later 8" in lines
    assert lines[-1].startswith(
        "    Remedy: fix the problem in the console output, then aws ec2 terminate-instances --instance-ids i-1"
    )


def test_a_failure_of_boot_to_talos_is_explained_before_its_line() -> None:
    console = [
        "2026/11/22 10:00:00 starting Talos installer\n",
        "2026/11/22 10:00:01 forkexec: exec format error\n",
        "urmanac.talos: FAILED: boot-to-talos ended with exit status 1\n",
        *(f"later {number}" for number in range(9)),
    ]

    lines = boot_diagnosis([GATEWAY], resources(console=console), [REFUSED])

    assert lines[1].startswith("    boot-to-talos: the image is for another architecture")
    assert lines[2:4] == [
        "    console: 2026/11/22 10:00:01 forkexec: exec format error",
        "    console: urmanac.talos: FAILED: boot-to-talos ended with exit status 1",
    ]


def test_a_machine_that_is_still_at_it_may_need_longer() -> None:
    lines = boot_diagnosis([GATEWAY], resources(console=["urmanac.talos: installing"]), [REFUSED])

    assert "raise nodes_wait_timeout" in lines[-1]
    assert "Talos writes to it only if its image has console=ttyS0" in lines[-1]


def test_a_stopped_machine_is_started_by_the_next_run() -> None:
    assert boot_diagnosis([GATEWAY], resources("stopped"), [REFUSED])[-1].startswith(
        "    Remedy: run the playbook again"
    )


def test_a_machine_that_is_gone_is_reported_as_missing() -> None:
    gone = {"instance/gateway": {"id": None, "have": None}}

    first, *_others, remedy = boot_diagnosis([GATEWAY], gone, [])

    assert first.startswith("gateway (no instance, missing): ")
    # What EC2 says of it is all that is known.
    assert "describe-instances --filters Name=tag:Node,Values=gateway " in remedy
    assert "kms:CreateGrant" in remedy
