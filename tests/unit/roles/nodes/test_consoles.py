# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for the host keys on the consoles goes on while it helps, and ends at once if it does not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.checks.process import ROOT

TASKS = ROOT / "roles" / "nodes" / "tasks" / "boot_connections.yml"
KEYS = {"gateway": {"id": "i-0a", "key": "ssh-ed25519 AAAA"}}


@pytest.mark.parametrize(
    ("result", "keys", "ends"),
    [
        pytest.param({"failed": True, "problems": [{"code": "NOT_AUTHORIZED"}]}, {}, True, id="a missing permission"),
        pytest.param({"failed": True, "problems": [{"code": "CREDENTIALS_EXPIRED"}]}, {}, True, id="expired keys"),
        pytest.param({"failed": True, "problems": [{"code": "AWS_UNAVAILABLE"}]}, {}, False, id="an error at AWS"),
        pytest.param({"failed": True, "problems": [{"code": "AWS_ERROR"}]}, {}, False, id="not found yet"),
        pytest.param({"failed": True}, {}, False, id="a failure without a code"),
        pytest.param({"resources": {}}, {}, False, id="a console without a key"),
        pytest.param({"resources": {}, "problems": [{"code": "TYPE_DIFFERS"}]}, {}, False, id="a difference"),
        pytest.param({"resources": {}}, KEYS, True, id="all keys"),
    ],
)
def test_the_wait_for_consoles_ends_if_it_does_not_help(
    result: dict[str, Any], keys: dict[str, Any], ends: bool
) -> None:
    tasks = yaml.safe_load(TASKS.read_text(encoding="utf-8"))
    (task,) = (task for task in tasks if "until" in task)
    known = {"__nodes_consoles": result, "__nodes_keys": keys, "__nodes_started": ["gateway"]}

    until = trust_as_template(f"{{{{ {task['until']} }}}}")

    assert Templar(loader=DataLoader(), variables=known).template(until) is ends
