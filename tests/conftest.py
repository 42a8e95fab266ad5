# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have Ansible import the collections as it does in a play, and Hypothesis make the same examples in every run."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader
from hypothesis import HealthCheck, settings

# Here, because it has no effect on a collection that some test file has imported by other means before.
init_plugin_loader([str(Path(__file__).parents[1] / "playbooks" / "collections")])

# A build passes or fails for good: neither chance nor the load of the machine decides.
settings.register_profile(
    "build",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.load_profile("build")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what was imported out of later garbage collections, and collect less often.

    boto's models and Ansible are some hundred thousand objects, and every full collection went through all of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
