# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks run as users run them, against a lab of the test module's own.

What they ask of AWS is within the operator's permissions and within the parameters that the lab checks.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.labs import Lab, running_lab
from tests.lab.parameters import unreviewed
from tests.operator_policy import NOT_PLAYED, PLAYED, REVIEWED, allowed, operator_policy, permissions


def is_whole(request: pytest.FixtureRequest) -> bool:
    """Return whether all tests of a module run and none has failed, so that its lab has seen all of its calls."""
    config = request.config
    chosen = config.option.keyword or config.option.markexpr or any("::" in word for word in config.args)
    return not chosen and not request.session.testsfailed


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a running lab; when the tests have ended, check which calls and parameters the playbooks sent to it."""
    with running_lab(tmp_path_factory.mktemp("lab")) as made:
        yield made
        needed = permissions(made.ask("/lab/calls"))
        seen = made.ask("/lab/parameters")["seen"]
    assert needed - allowed(operator_policy()) == set(), "Add what is missing to examples/operator_policy*.json"
    assert needed & {*REVIEWED, *NOT_PLAYED} == set(), "Move what the lab sees to PLAYED in tests/operator_policy.py."
    expected = set(PLAYED.get(request.node.path.stem, "").split()) if is_whole(request) else set()
    assert expected - needed == set(), "Remove what the lab does not see from PLAYED in tests/operator_policy.py."
    # The tests themselves make other calls.
    operations = {permission.partition(":")[2] for permission in needed}
    unchecked = [text for text in unreviewed(seen) if text.split()[1] in operations]
    assert unchecked == [], "Add the calls to tools/aws_rules.py, or the parameters to tests/lab/reviewed.json."
