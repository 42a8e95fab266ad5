# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record a cluster's existing resources in the journal of sessions, and how its session ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from ..module_utils._ec2.spec import argument_spec, parse_spec
from ..module_utils._sessions.acts import Observed, end, record_observation
from ..module_utils._sessions.record import ENDS
from ..plugin_utils._journal import write_or_warn
from ..plugin_utils._local_action import LocalAction
from ..plugin_utils._run_lock import current_playbooks


class ActionModule(LocalAction):
    """Write one file, and never fail: neither a build nor a removal ends because of its journal."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "directory": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["observed", *ENDS], "default": "observed"},
        "cluster": {**argument_spec(), "required": False},
        **{name: {"type": "dict", "default": {}} for name in ("reading", "images", "images_record", "report")},
    }

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write the state of the cluster, unless in check mode."""
        if not self._task.check_mode:
            write_or_warn(lambda: written(arguments, datetime.now(UTC)))
        return {}


def written(arguments: Mapping[str, Any], now: datetime) -> list[str]:
    """Write the arguments into the journal, and return warnings."""
    directory = Path(arguments["directory"])
    if arguments["state"] in ENDS:
        return end(directory, arguments["state"], current_playbooks(), now)
    if "resources" not in arguments["reading"]:
        return []
    known = {name: arguments[name] for name in ("reading", "images", "images_record", "report")}
    return record_observation(directory, Observed(parse_spec(arguments["cluster"]), **known), now)
