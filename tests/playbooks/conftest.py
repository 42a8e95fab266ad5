# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks run as users run them, against a lab of the test module's own, with the operator's permissions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.labs import Lab, running_lab
from tests.operator_policy import allowed, operator_policy, permissions


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a running lab, whose log holds only calls that the operator may make when the tests have ended."""
    with running_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made
        needed = permissions(made.ask("/lab/calls"))
    assert needed - allowed(operator_policy()) == set(), "Add what is missing to examples/operator_policy*.json"
