# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of AWS calls that the lab cannot check, because no rule exists.

reviewed.json lists those that were looked at, each with the reason why that is harmless.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable
from pathlib import Path

from lab.aws import strict

REVIEWED = Path(__file__).with_name("reviewed.json")


def unreviewed(seen: Iterable[str]) -> list[str]:
    """Return the parameters, of those that a lab has seen, that have neither a rule nor a review; also calls."""
    patterns = json.loads(REVIEWED.read_text(encoding="utf-8"))
    return sorted(text for text in seen if not _is_known(text, patterns))


def _is_known(text: str, patterns: Iterable[str]) -> bool:
    service, operation, member = text.split()
    if operation not in strict.table()["operations"].get(service, ()):
        return False
    has_rule = bool(strict.rules(service, member))
    return has_rule or any(fnmatch.fnmatchcase(f"{service} {member}", pattern) for pattern in patterns)
