# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run M(urmanac.talos.ec2_budget) without a process of its own where that makes no difference."""

from __future__ import annotations

from ..modules import ec2_budget
from ..plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    """Imports the module before Ansible forks the worker of a task."""

    MODULE = ec2_budget
