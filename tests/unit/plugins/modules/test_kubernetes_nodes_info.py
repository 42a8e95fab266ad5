# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import NAMESPACE, NODE
from ansible_collections.urmanac.talos.plugins.modules.kubernetes_nodes_info import read_nodes
from tests.kubernetes_api import FakeApi


def test_all_nodes_are_returned_with_their_status_and_nothing_else() -> None:
    api = FakeApi(architecture="arm64")
    api.put(NODE, {"metadata": {"name": "b"}, "status": {"nodeInfo": {"architecture": "amd64"}}})
    api.put(NAMESPACE, {"metadata": {"name": "c"}})

    found = read_nodes(api)["resources"]

    assert {node["metadata"]["name"]: node["status"]["nodeInfo"]["architecture"] for node in found} == {
        "a": "arm64",
        "b": "amd64",
    }


def test_a_cluster_without_nodes_has_none() -> None:
    api = FakeApi()
    api.objects.clear()

    assert read_nodes(api) == {"resources": []}
