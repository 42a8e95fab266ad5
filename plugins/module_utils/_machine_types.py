# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of machines that Talos knows. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from typing import Final

CONTROL_PLANE: Final = "controlplane"
WORKER: Final = "worker"
MACHINE_TYPES: Final = (CONTROL_PLANE, WORKER)
