# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing into the journal of sessions. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible.utils.display import Display

from ..module_utils._errors import CollectionError
from ..module_utils._text import short, shown


def write_or_warn(write: Callable[[], Iterable[str]]) -> None:
    """Print the warnings that it returns, or its error: neither a build nor a removal fails because of its journal."""
    try:
        warnings = write()
    except CollectionError as error:
        warnings = [str(error)]
    except Exception as error:
        cause = short(shown(str(error))) if str(error) else ""
        warnings = [f"Failed to write into the journal of sessions: {' '.join((type(error).__name__, cause)).strip()}"]
    for warning in warnings:
        Display().warning(warning)
