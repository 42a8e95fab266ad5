# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the hosts of a play that the options of a run select, or fail if they select none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import split_host_pattern

from ..plugin_utils._variables.tags import are_own, nothing_selected

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def within_limit(hosts: str | list[str], limit: str, groups: Mapping[str, Sequence[str]]) -> str | list[str]:
    """Return the hosts that the limit selects, or fail if it excludes all, or other options leave out the checks.

    One host is returned as one, a list as a list.
    """
    if cause := _left_out(context.CLIARGS):
        raise AnsibleFilterError(f"Nothing was done: {cause}")
    names = [hosts] if isinstance(hosts, str) else hosts
    selected = [host for host in names if not limit or _selects(split_host_pattern(limit), host, groups)]
    if names and not selected:
        raise AnsibleFilterError(
            f"Nothing was done: --limit {limit} excludes {', '.join(names)}, on which the playbook works. Run it "
            f"without --limit, or with --limit {','.join(names)},{limit}."
        )
    return hosts if isinstance(hosts, str) else selected


def _left_out(options: Mapping[str, Any]) -> str:
    """Return why a run of the collection's playbooks would leave out all tasks, or the first ones, or ""."""
    playbooks = options.get("args") or ()
    if options.get("start_at_task") and are_own(playbooks):
        return (
            "--start-at-task leaves out the check of the variables and the lock against concurrent runs. Run the "
            "whole playbook, which changes nothing that is as it should be, or a phase of site.yml with --tags."
        )
    return nothing_selected(options.get("tags") or ("all",), options.get("skip_tags") or (), playbooks)


def _selects(patterns: Sequence[str], host: str, groups: Mapping[str, Sequence[str]]) -> bool:
    """Return whether Ansible would select the host; a pattern that only Ansible can evaluate counts as selected."""
    wanted = [pattern for pattern in patterns if pattern[:1] not in "!&"] or ["all"]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    required = [pattern[1:] for pattern in patterns if pattern.startswith("&")]
    return (
        any(_matches(pattern, host, groups) for pattern in wanted)
        and all(_matches(pattern, host, groups) for pattern in required)
        and not any(_matches(pattern, host, groups, unknown=False) for pattern in unwanted)
    )


def _matches(pattern: str, host: str, groups: Mapping[str, Sequence[str]], *, unknown: bool = True) -> bool:
    if pattern[:1] in "~@" or "[" in pattern:
        return unknown
    # Without an entry in the inventory, a host is in no group, and its name alone selects it.
    if host not in groups.get("all", ()):
        return pattern in (_THIS_MACHINE if host in _THIS_MACHINE else (host,))
    return fnmatchcase(host, pattern) or any(
        host in hosts for group, hosts in groups.items() if fnmatchcase(group, pattern)
    )


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"within_limit": within_limit}
