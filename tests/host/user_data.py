# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the user-data of a node with Ansible itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.checks.process import TOOLS, run

PLAYBOOK = Path(__file__).parent / "render.yml"


def render(folder: Path, variables: dict[str, Any]) -> bytes:
    """Return the script as role nodes sends it, from its template, its defaults and the given variables."""
    target = folder / "user-data"
    given = folder / "variables.json"
    given.write_text(json.dumps(variables | {"render_to": str(target)}), encoding="utf-8")
    done = run(TOOLS / "ansible-playbook", "-e", f"@{given}", PLAYBOOK)
    assert done.status == "passed", done.output
    return target.read_bytes()
