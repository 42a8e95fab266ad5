# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return one context of a kubeconfig."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

Record = Mapping[str, Any]
_PARTS = {"clusters": "cluster", "users": "user"}


def kubeconfig_context(kubeconfig: Record, name: str) -> dict[str, Any]:
    """Return a kubeconfig with this context, its cluster and its user alone."""
    context = _named(kubeconfig, "contexts", name)
    if context is None:
        raise AnsibleFilterError(
            f"Failed to use the kubeconfig: it has no context {name}. Set cluster_kubeconfig_context to the one of the "
            "cluster, or let playbooks/talos.yml write it."
        )
    used = {kind: _named(kubeconfig, kind, str(context["context"].get(part))) for kind, part in _PARTS.items()}
    parts = {kind: [entry] if entry else [] for kind, entry in used.items()}
    return {"apiVersion": "v1", "kind": "Config", **parts, "contexts": [context], "current-context": name}


def _named(kubeconfig: Record, kind: str, name: str) -> dict[str, Any] | None:
    return next((dict(item) for item in kubeconfig.get(kind) or () if str(item.get("name")) == name), None)


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"kubeconfig_context": kubeconfig_context}
