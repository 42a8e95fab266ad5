# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return what a run would change on a bastion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._ec2.bastion.work import removal, work


def bastion_work(
    reading: Mapping[str, Any],
    state: str,
    *,
    user_data: str,
    started: bool | str = True,
    remove_duplicates: bool | str = False,
) -> dict[str, Any]:
    """Return whether anything would change, lines about it, and the time to which the next stop is postponed."""
    if state == "absent":
        return removal(reading)._asdict()
    made = work(reading, user_data=user_data, started=boolean(started), remove_duplicates=boolean(remove_duplicates))
    return made._asdict()


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"bastion_work": bastion_work}
