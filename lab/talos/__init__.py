# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for Talos nodes: the real machine API over real TLS, and nothing of an operating system behind it."""

from __future__ import annotations

import sys
from pathlib import Path

# The messages are the collection's own; a plain checkout has it here, under whatever name it was cloned.
_COLLECTIONS = str(Path(__file__).resolve().parents[2] / "playbooks" / "collections")
if _COLLECTIONS not in sys.path:
    sys.path.insert(0, _COLLECTIONS)
