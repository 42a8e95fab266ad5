# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the host keys that machines say on their consoles."""

from __future__ import annotations

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.console import SAID, host_keys
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import make_host_key

OLD, NEW = make_host_key("").public, make_host_key("").public


def test_the_last_key_of_a_type_counts_because_the_instance_may_have_been_replaced() -> None:
    assert host_keys(f"[ 1.0] Linux\n{SAID}{OLD}\r\nlogin:\n{SAID}{NEW}\r\n") == [NEW]


def test_damaged_and_other_lines_are_not_keys() -> None:
    assert host_keys(f"{SAID}{OLD[:40]}\nsshd: Invalid user {SAID}{OLD}\n{SAID}\n") == []


def test_nodes_whose_consoles_have_no_key_are_left_out() -> None:
    resources = {
        "instance/gateway": {"id": "i-0a", "have": {"host_keys": [NEW, OLD]}},
        "instance/compute-2": {"id": "i-0b", "have": {"host_keys": []}},
        "instance/compute-3": {"id": "", "have": None},
    }
    text = "{{ ['gateway', 'compute-2', 'compute-3', 'lost'] | urmanac.talos.node_host_keys(resources) }}"

    found = Templar(loader=DataLoader(), variables={"resources": resources}).template(trust_as_template(text))

    assert found == {"gateway": {"id": "i-0a", "key": NEW}}
