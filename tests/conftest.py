# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have Ansible import the collections, as it does in a play."""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

# Here, because it has no effect on a collection that some test file has imported by other means before.
init_plugin_loader([str(Path(__file__).parents[1] / "playbooks" / "collections")])
