# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the next steps after a run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible import constants, context

from ..module_utils._ec2.home.commands import Credentials
from ..module_utils._ec2.home.ways import Places
from ..module_utils._ec2.spec import is_loopback_endpoint
from ..module_utils._text import all_shown
from ..plugin_utils._report import next_steps as steps
from ..plugin_utils._report.command_line import CommandLine, Place, command_line
from ..plugin_utils._report.connections import Access

Record = Mapping[str, Any]


class Given(NamedTuple):
    """The inputs of the steps besides the cluster and the reading of its resources."""

    kubeconfig: str
    talosconfig: str
    context: str
    known_hosts: str
    user: str
    identity_file: str = ""
    observed: Sequence[Record] = ()
    asked_from_here: bool = False
    home: Sequence[Record] = ()
    own_bastion: Record | None = None
    tailscale_routes: Sequence[str] = ()
    report: str = ""
    dashboard: Record | None = None

    def access(self) -> Access:
        """Return the known facts about the connections, with the paths of existing credentials."""
        return Access(
            Credentials(existing(self.talosconfig), existing(self.kubeconfig), self.context),
            Places(self.known_hosts, self.user, self.identity_file),
            self.observed,
            self.asked_from_here,
            self.home,
            self.own_bastion or {},
            self.tailscale_routes,
        )


def next_steps(cluster: Record, reading: Record, **options: Any) -> list[dict[str, Any]]:
    """Return the next steps as data."""
    given = Given(**options)
    run = this_run(lab=is_loopback_endpoint(reading["endpoint"]))
    results = steps.Results(given.report, given.dashboard or {})
    found = steps.next_steps(cluster, reading, given.access(), run, results)
    shown: list[dict[str, Any]] = all_shown([step.as_dict() for step in found])
    return shown


def existing(path: str) -> str:
    """Return the path, or nothing if there is no such file."""
    return path if Path(path).expanduser().is_file() else ""


def this_run(*, lab: bool) -> CommandLine:
    """Return the command lines for other playbooks, with the options of this run of ansible-playbook."""
    place = Place(
        Path.cwd(),
        Path(sys.executable),
        lab,
        constants.DEFAULT_HOST_LIST,
        str(constants.DEFAULT_PRIVATE_KEY_FILE or ""),
    )
    return command_line(context.CLIARGS, place)


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"next_steps": next_steps}
