# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the SSH host keys that a machine prints on its console. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from .keys import TYPES, public_key_problem

# The prefix that roles/nodes/templates/ssh_login.sh.j2 prints.
SAID = "urmanac.talos: host key: "


def host_keys(console: str) -> list[str]:
    """Return the last host key of each type on a console, in the order of the types, without damaged lines."""
    said = [line.strip().removeprefix(SAID) for line in console.splitlines() if line.startswith(SAID)]
    found = {key.split(" ")[0]: key for key in said if public_key_problem(key) is None}
    return [found[kind] for kind in TYPES if kind in found]
