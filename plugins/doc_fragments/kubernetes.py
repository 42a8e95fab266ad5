# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all modules for a cluster's Kubernetes API share."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments of the modules for CozyStack."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description: Kubeconfig where the module runs; E(KUBECONFIG) or C(~/.kube/config) where this is not set.
    type: path
  context:
    description: Context of O(kubeconfig); its current one where this is not set.
    type: str
  proxy:
    description: Proxy to reach the API through, such as V(http://192.0.2.100:3128); the kubeconfig's own where this is not set.
    type: str
  timeout:
    description: Seconds that the API has for each answer.
    type: float
    default: 30
  patience:
    description: Seconds for which an API that is away is asked again. Nothing that is sent does harm when it is sent twice.
    type: float
    default: 60
requirements:
  - kubernetes >= 24.2
  - PyYAML
"""
