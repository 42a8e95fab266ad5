# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have Ansible import the collections, as it does in a play."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader

# Here, because it has no effect on a collection that some test file has imported by other means before.
init_plugin_loader([str(Path(__file__).parents[1] / "playbooks" / "collections")])


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what was imported out of later garbage collections, and collect less often.

    boto's models and Ansible are some hundred thousand objects, and every full collection went through all of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
