# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.urmanac.talos.plugins.filter.kubeconfig_context import FilterModule

kubeconfig_context = FilterModule().filters()["kubeconfig_context"]
SHARED = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "work",
    "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example.com"}} for name in ("work", "moon")],
    "users": [{"name": name, "user": {"token": f"of {name}"}} for name in ("ada@work", "admin@moon")],
    "contexts": [
        {"name": "work", "context": {"cluster": "work", "user": "ada@work"}},
        {"name": "admin@moon", "context": {"cluster": "moon", "user": "admin@moon"}},
    ],
}


def test_the_context_is_the_current_one_and_nothing_of_other_clusters_is_left() -> None:
    found = kubeconfig_context(SHARED, "admin@moon")

    assert found["current-context"] == "admin@moon"
    assert found["clusters"] == [{"name": "moon", "cluster": {"server": "https://moon.example.com"}}]
    assert found["users"] == [{"name": "admin@moon", "user": {"token": "of admin@moon"}}]
    assert "work" not in str(found)


def test_a_context_that_is_not_there_is_refused_with_a_remedy() -> None:
    with pytest.raises(AnsibleFilterError, match=r"no context admin@mars\. Set cluster_kubeconfig_context"):
        kubeconfig_context(SHARED, "admin@mars")
