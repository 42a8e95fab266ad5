# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients that the bench compares: python -m bench.kubernetes_client ours|bare KUBECONFIG.

`ours` is all the work of cozystack_info, options and result as the module handles them. `bare` reads the same pages of
the releases and of the pods with the standard library alone, and forgets them.
"""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

_PATHS = {"helmreleases": "/apis/helm.toolkit.fluxcd.io/v2/helmreleases", "pods": "/api/v1/pods"}


def options(kubeconfig: str) -> dict[str, Any]:
    """Return the options of the module."""
    return {"kubeconfig": kubeconfig, "context": None, "proxy": None, "timeout": 60, "patience": 0}


def ours(kubeconfig: str) -> dict[str, Any]:
    """Return the account of the installation."""
    from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import module
    from ansible_collections.urmanac.talos.plugins.modules import cozystack_info

    return cozystack_info.look(module.api_of(options(kubeconfig)), settled=True)


def bare(kubeconfig: str) -> dict[str, Any]:
    """Return how many objects there are."""
    server = urlsplit(json.loads(Path(kubeconfig).read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"])
    connection = http.client.HTTPConnection(server.netloc, timeout=60)
    return {name: count(connection, path) for name, path in _PATHS.items()}


def count(connection: http.client.HTTPConnection, path: str) -> int:
    """Return how many objects the pages of a list hold."""
    total, query = 0, {"limit": "250"}
    while True:
        connection.request("GET", f"{path}?{urlencode(query)}")
        page = json.loads(connection.getresponse().read())
        total += len(page["items"])
        if not page["metadata"].get("continue"):
            return total
        query["continue"] = page["metadata"]["continue"]


def main() -> None:
    """Run the command line."""
    print(json.dumps({"ours": ours, "bare": bare}[sys.argv[1]](sys.argv[2])))


if __name__ == "__main__":
    main()
