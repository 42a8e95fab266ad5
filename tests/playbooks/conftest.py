# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks run as users run them, against a lab of the test module's own."""

from __future__ import annotations

from tests.lab.conftest import lab

__all__ = ["lab"]
