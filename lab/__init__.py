# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: a simulation of AWS, of EC2 machines and of Talos nodes on loopback. Nothing in it is the real thing."""

from __future__ import annotations

import sys
from pathlib import Path

# Some simulations use the collection's own data and messages; a checkout has it here, under any name.
_COLLECTIONS = str(Path(__file__).resolve().parents[1] / "playbooks" / "collections")
if _COLLECTIONS not in sys.path:
    sys.path.insert(0, _COLLECTIONS)
