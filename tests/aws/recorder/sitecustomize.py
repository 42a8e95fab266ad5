# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python imports this by itself at its start. It does nothing unless the environment names a file to record to."""

from __future__ import annotations

import os

if os.environ.get("URMANAC_RECORD_FILE"):
    from tests.aws.recorder import hooks

    hooks.install()
