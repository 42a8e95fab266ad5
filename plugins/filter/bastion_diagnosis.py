# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return why the login to a bastion fails, and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._ec2.identity import BASTION, Identity, group_name
from ..module_utils._ssh.diagnosis import Facts, diagnose, facts_of


def bastion_diagnosis(
    said: str,
    cluster: Mapping[str, Any],
    bastion: Mapping[str, Any],
    *,
    host: str,
    known_hosts: str = "",
    is_own: bool = False,
    identity_file: str = "",
    variables: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the finding with the cause and the remedy."""
    group = group_name(Identity(cluster["name"], cluster["project"]), BASTION)
    given = Facts(host, known_hosts=known_hosts, is_own=is_own, identity_file=identity_file, security_group=group)
    return diagnose(str(said), facts_of(given, cluster, bastion, variables or {})).as_dict()


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"bastion_diagnosis": bastion_diagnosis}
