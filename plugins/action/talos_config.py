# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run M(urmanac.talos.talos_config) without a process of its own where that makes no difference."""

from __future__ import annotations

from ..modules import talos_config
from ..plugin_utils._vaulted_bundle import VaultedBundleAction


class ActionModule(VaultedBundleAction):
    """Imports the module before Ansible forks the worker of a task."""

    MODULE = talos_config
    FILE, CONTENT = "bundle", "bundle_content"
