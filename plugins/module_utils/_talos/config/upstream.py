# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that Talos' own generator writes, in fields or in documents. Private to urmanac.talos: may change at any time.

From pkg/machinery/constants and config/generate in siderolabs/talos. The role talos repeats the kubelet's repository,
and a test compares the two.
"""

from __future__ import annotations

from typing import Any, Final

# The repositories of the images of Kubernetes. All of them have one version.
KUBELET: Final = "ghcr.io/siderolabs/kubelet"
API_SERVER: Final = "registry.k8s.io/kube-apiserver"
CONTROLLER_MANAGER: Final = "registry.k8s.io/kube-controller-manager"
PROXY: Final = "registry.k8s.io/kube-proxy"
SCHEDULER: Final = "registry.k8s.io/kube-scheduler"

DISCOVERY: Final = "https://discovery.talos.dev/"


def audit_policy() -> dict[str, Any]:
    """Return the audit policy of the API server."""
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
