# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway that does not get into the tailnet is reported with its cause, also when the time is over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checks.process import TOOLS, capture

# A local address where nothing listens.
GATEWAY = "127.254.0.101"
PLAY = """
- name: Verify that the gateway is in the tailnet
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Verify that the gateway is in the tailnet
      ansible.builtin.import_role:
        name: urmanac.talos.access
        tasks_from: tailscale.yml
"""


@pytest.mark.parametrize(
    ("talosconfig", "cause"),
    [
        pytest.param(
            {}, f"Failed to join {GATEWAY} to the tailnet: TAILSCALE_UNKNOWN: connection refused", id="nothing answers"
        ),
        pytest.param({"context": "moon"}, "Failed to read the talosconfig", id="wrong credentials"),
    ],
)
def test_what_keeps_the_gateway_out_is_reported(tmp_path: Path, talosconfig: dict[str, str], cause: str) -> None:
    (tmp_path / "talosconfig").write_text(json.dumps(talosconfig), encoding="utf-8")
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    variables = {
        "access_talosconfig": f"{tmp_path}/talosconfig",
        "access_tailscale_enabled": True,
        "access_tailscale_timeout": 5,
        "cluster_api_via": "localhost",
        "cluster_nodes": [{"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": GATEWAY}],
    }

    code, said = capture([TOOLS / "ansible-playbook", tmp_path / "play.yml", "-e", json.dumps(variables)])

    assert code == 2
    assert cause in said
