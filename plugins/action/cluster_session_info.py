# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the journal of sessions, and write actual costs into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail

from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._options import check_numbers
from ..module_utils._sessions.account import account, projection, shares, totals
from ..module_utils._sessions.journal import Journal, read, with_actual, write
from ..module_utils._sessions.record import Forecast
from ..module_utils._sessions.text import chosen, compare_lines, compared, list_lines, summary, table
from ..module_utils._text import all_shown
from ..plugin_utils._local_action import LocalAction


class ActionModule(LocalAction):
    """Compute everything on the controller, without a call to a service."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "directory": {"type": "path", "required": True},
        "compare": {"type": "list", "elements": "str", "default": []},
        "home_lab_power_per_month": {"type": "float", "default": 40.0},
        "per_hour": {"type": "float"},
        "actual": {"type": "dict", "default": {}},
    }

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the sessions and their sums."""
        now = datetime.now(UTC)
        try:
            check_numbers(arguments)
            journal = read(Path(arguments["directory"]))
            if arguments["actual"].get("total"):
                journal = priced(journal, arguments["actual"], now, check_mode=self._task.check_mode)
            return answer(journal, arguments, now)
        except CollectionError as error:
            raise AnsibleActionFail(str(error), result=failure_of(error)) from error


def priced(journal: Journal, actual: Mapping[str, Any], now: datetime, *, check_mode: bool) -> Journal:
    """Return the journal with actual costs and write them; a bill of zero means that the tags are not activated."""
    changed = with_actual(journal.sessions, shares(journal.sessions, actual, now))
    for session in () if check_mode else changed:
        write(journal.directory, session)
    by_id = {session.id: session for session in changed}
    return journal._replace(sessions=tuple(by_id.get(one.id, one) for one in journal.sessions))


def answer(journal: Journal, arguments: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return what the module returns."""
    usual = Forecast(arguments["per_hour"], None, None)
    known = account((one if one.forecast else replace(one, forecast=usual) for one in journal.sessions), now)
    power = arguments["home_lab_power_per_month"]
    pair = chosen(known, arguments["compare"])
    rows = compared(pair) if pair else []
    found, whole = projection(known, power), totals(known)
    said = summary(whole, found)
    ahead = {**found._asdict(), "hours_a_day": found.hours_a_day} if found else None
    values: dict[str, Any] = {
        "sessions": table(known),
        "totals": whole._asdict(),
        "projection": ahead,
        "comparison": rows,
        "problems": [problem.as_dict() for problem in journal.problems],
        "summary": said,
        "lines": [*list_lines(known), *said, *compare_lines(rows)],
    }
    # A file may have been edited.
    return {name: all_shown(value) for name, value in values.items()}
