# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import NAMESPACE, NODE
from ansible_collections.urmanac.talos.plugins.modules.kubernetes_nodes_info import cause_of, read_nodes
from tests.kubernetes_api import FakeApi

ROLE = Path(__file__).resolve().parents[4] / "roles" / "talos"


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


def test_a_failure_says_in_one_word_whether_a_wait_helps() -> None:
    foreign = ApiError("https://[2001:db8::1]:6443", "read nodes", Cause.OTHER_AUTHORITY, "of another authority")

    assert cause_of(foreign) == "other_authority"
    assert cause_of(InputError("Failed to read the kubeconfig.")) == ""


@pytest.mark.parametrize(
    ("result", "ends"),
    [
        ({"failed": True, "cause": "unreachable"}, False),
        ({"failed": True}, False),
        ({"resources": [{"metadata": {"name": "a"}}]}, False),
        ({"resources": [{"metadata": {"name": "b"}}, {"metadata": {"name": "a"}}]}, True),
        ({"failed": True, "cause": "unavailable"}, False),
        ({"failed": True, "cause": "other_authority"}, True),
        pytest.param(
            {"failed": True, "cause": "certificate_expired"}, False, id="not valid yet by the clock of this host"
        ),
        ({"failed": True, "cause": "certificate_rejected"}, True),
        ({"failed": True, "cause": "unauthorized"}, True),
        ({"failed": True, "cause": "not_kubernetes"}, True),
        pytest.param({"failed": True, "cause": ""}, True, id="a kubeconfig that cannot be read"),
    ],
)
def test_the_wait_for_the_nodes_in_kubernetes_ends_at_once_if_it_does_not_help(
    result: dict[str, Any], ends: bool
) -> None:
    (task,) = yaml.safe_load((ROLE / "tasks" / "registered.yml").read_text(encoding="utf-8"))
    known = {"__talos_registered": result, "__talos_names": {"10.10.0.1": "a", "10.10.0.2": "b"}}
    own = {name: trust_as_template(own) if isinstance(own, str) else own for name, own in task["vars"].items()}
    lasting = {cause for cause in Cause if cause.is_lasting}
    assert set(own["__talos_lasting_causes"]) == {"", *lasting - {Cause.CERTIFICATE_EXPIRED}}

    until = trust_as_template(f"{{{{ {task['until']} }}}}")

    assert Templar(loader=DataLoader(), variables={**known, **own}).template(until) is ends
