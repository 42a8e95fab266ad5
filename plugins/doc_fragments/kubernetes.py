# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all modules for a cluster's Kubernetes API share."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment of the modules for the Kubernetes API."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description: Path of the kubeconfig on the host that runs the module. The default is E(KUBECONFIG), or C(~/.kube/config).
    type: path
  context:
    description: Context of O(kubeconfig). The default is its current context.
    type: str
  proxy:
    description: Proxy for the API, such as V(http://192.0.2.100:3128). The default is the proxy of the kubeconfig.
    type: str
  timeout:
    description: Timeout of each request in seconds.
    type: float
    default: 30
  patience:
    description: For how many seconds a request to an unavailable API is repeated. Repeating a request of this module is safe.
    type: float
    default: 60
requirements:
  - kubernetes >= 24.2
  - PyYAML
"""
