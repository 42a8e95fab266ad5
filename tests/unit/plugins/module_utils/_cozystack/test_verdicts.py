# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verdicts."""

from __future__ import annotations

import json

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.verdicts import is_blocked, outcome
from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding

MEMORY = finding("INSUFFICIENT_MEMORY", "node gateway", "Full.", "Take a larger one.", evidence={"need": 2, "have": 1})
KVM = finding("KVM_MISSING", "cluster", "No /dev/kvm.", "Take a metal type.")


def test_a_verdict_survives_a_file() -> None:
    written = json.loads(json.dumps(MEMORY.as_dict()))

    assert written == {
        **{"code": "INSUFFICIENT_MEMORY", "subject": "node gateway", "message": "Full."},
        **{"remedy": "Take a larger one.", "evidence": {"need": 2, "have": 1}, "severity": "error"},
    }


def test_what_only_limits_does_not_block() -> None:
    assert not KVM.blocks
    assert outcome([KVM]) == "ready"
    assert is_blocked([KVM, MEMORY])
    assert outcome([KVM, MEMORY]) == "blocked"
