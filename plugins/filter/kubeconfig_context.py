# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return one context of a kubeconfig."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._talos.files.kubeconfig import entry_of, merged


def kubeconfig_context(kubeconfig: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a kubeconfig with this context, its cluster and its user alone."""
    entry = entry_of(kubeconfig, name)
    if not entry.context:
        raise AnsibleFilterError(
            f"Failed to use the kubeconfig: it has no context {name}. Set cluster_kubeconfig_context to the one of the "
            "cluster, or let playbooks/talos.yml write it."
        )
    return merged({}, entry, entry)


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"kubeconfig_context": kubeconfig_context}
