# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks run as users run them, against a lab of the test module's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.labs import Lab, running_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a running lab, and fail in the end if a playbook sent AWS a parameter without a rule or a review."""
    with running_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made
        unreviewed = made.ask("/lab/parameters")["unreviewed"]
        assert unreviewed == [], "Add the calls to tools/aws_rules.py, or the parameters to lab/aws/reviewed.json."
