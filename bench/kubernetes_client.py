# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients that the bench compares: python -m bench.kubernetes_client ours|bare KUBECONFIG.

`ours` is all the work of cozystack_info, options and result as the module handles them. `bare` reads the pages of the
releases and of the pods with the same library, and forgets them.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import HELM_RELEASE
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds, module


def options(kubeconfig: str) -> dict[str, Any]:
    """Return the options of the module."""
    return {"kubeconfig": kubeconfig, "context": None, "proxy": None, "timeout": 60, "patience": 0}


def ours(kubeconfig: str) -> dict[str, Any]:
    """Return the account of the installation."""
    from ansible_collections.urmanac.talos.plugins.modules import cozystack_info

    return cozystack_info.look(module.api_of(options(kubeconfig)), settled=True)


def bare(kubeconfig: str) -> dict[str, Any]:
    """Return how many objects there are."""
    api = module.api_of(options(kubeconfig))
    return {kind.plural: sum(1 for _ in api.items(kind)) for kind in (HELM_RELEASE, kinds.POD)}


def main() -> None:
    """Do what the command line says."""
    print(json.dumps({"ours": ours, "bare": bare}[sys.argv[1]](sys.argv[2])))


if __name__ == "__main__":
    main()
