# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let tests run only where they harm nothing, and print at the end what ran and what did not."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.host.packages import missing, remedy

Note = Callable[[str], None]
ISOLATED = "URMANAC_HOST_ISOLATED"
NOTES: pytest.StashKey[list[str]] = pytest.StashKey[list[str]]()
MISSING: pytest.StashKey[set[str]] = pytest.StashKey[set[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run in the machine's own network."""
    config.addinivalue_line(
        "markers", "needs(*names): programs and files of Debian packages, see tests/host/packages.py"
    )
    config.stash[NOTES] = []
    config.stash[MISSING] = set()
    if not os.environ.get(ISOLATED):
        raise pytest.UsageError("These tests run in a network namespace of their own: make test-host")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out a test whose packages are missing, and remember them."""
    needed = [name for mark in item.iter_markers("needs") for name in mark.args]
    packages = missing(needed)
    if packages:
        item.config.stash[MISSING].update(packages)
        pytest.skip(f"NOT RUN, missing Debian packages: {' '.join(packages)}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Have a run that left tests out end as one that did not pass."""
    if session.config.stash[MISSING] and exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what ran, and what to install for what did not."""
    notes, packages = config.stash[NOTES], config.stash[MISSING]
    if notes:
        terminalreporter.section("what ran")
        terminalreporter.write_line("\n".join(notes))
    if packages:
        terminalreporter.section("NOT RUN for missing packages")
        terminalreporter.write_line(f"Install them: {remedy(packages)}")


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Give the means to say something at the end of the run."""
    return request.config.stash[NOTES].append
