# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of applying objects: new, again, drifted, in check mode, with a conflict, and its diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.apply import is_complete
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import CONFIG_MAP, NAMESPACE
from ansible_collections.urmanac.talos.plugins.modules.kubernetes_apply import ensure_objects
from tests.kubernetes_api import SERVER, FakeApi

SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "moon"}}
SETTINGS = {
    **{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "moon"}},
    "data": {"phase": "full", "password": "tides"},
}


def apply(api: FakeApi, *objects: dict[str, Any], force: bool = False, check_mode: bool = False) -> dict[str, Any]:
    return ensure_objects(api, objects or (SPACE, SETTINGS), force=force, check_mode=check_mode)


def test_objects_are_applied_in_their_order_and_a_second_run_changes_nothing() -> None:
    api = FakeApi()

    first, second = apply(api), apply(api)

    assert api.writes == ["Namespace moon", "ConfigMap settings"]
    assert [(item["kind"], item["changed"]) for item in first["objects"]] == [("Namespace", True), ("ConfigMap", True)]
    assert (first["changed"], second["changed"], second["diff"]) == (True, False, [])


def test_only_an_object_that_differs_is_written() -> None:
    api = FakeApi()
    apply(api)
    api.writes.clear()

    result = apply(api, SPACE, {**SETTINGS, "data": {"phase": "new"}})

    assert api.writes == ["ConfigMap settings"]
    assert [item["changed"] for item in result["objects"]] == [False, True]


def test_check_mode_shows_the_change_without_secrets_and_writes_nothing() -> None:
    api = FakeApi()

    result = apply(api, check_mode=True)

    assert (result["changed"], api.writes, api.get(NAMESPACE, "moon")) == (True, [], None)
    assert "phase: full" in result["diff"][1]["after"]
    assert "tides" not in str(result["diff"])


@pytest.mark.parametrize("lacking", ["apiVersion", "kind", "metadata"])
def test_an_object_without_its_names_is_refused_before_anything_is_written(lacking: str) -> None:
    api = FakeApi()
    nameless = {key: value for key, value in SETTINGS.items() if key != lacking}

    with pytest.raises(InputError, match=r"object 2 of objects: it lacks apiVersion, kind or metadata\.name"):
        apply(api, SPACE, nameless)
    assert api.writes == []


def test_fields_of_another_tool_are_taken_over_by_force_only() -> None:
    api = FakeApi()
    api.put(CONFIG_MAP, {"metadata": {"name": "settings", "namespace": "moon"}, "data": {"phase": "new"}})
    api.refusal = ApiError(SERVER, "apply ConfigMap settings", Cause.CONFLICT, "conflict with helm")

    with pytest.raises(ApiError, match="conflict with helm"):
        apply(api, SETTINGS)
    assert apply(api, SETTINGS, force=True)["changed"] is True


ROLE = Path(__file__).resolve().parents[4] / "roles" / "cozystack"
STORAGE = {
    **{"cozystack_storage_pool": "data", "cozystack_storage_replicas": 3, "cozystack_storage_default_class": "local"},
    **{"__cozystack_classes_there": {"resources": []}, "cozystack_data_disk": "/dev/nvme1n1"},
    **{
        "cluster_reading": {"resources": {}},
        "__cozystack_described": {"data_sizes": {"gateway": 0}},
        "__cozystack_machines": {},
    },
}


@pytest.mark.parametrize(
    ("step", "kinds"), [("classes", ["StorageClass"] * 2), ("pool", ["LinstorSatelliteConfiguration"])]
)
def test_the_role_applies_its_storage_as_complete_objects(step: str, kinds: list[str]) -> None:
    tasks = yaml.safe_load((ROLE / "tasks" / f"{step}.yml").read_text(encoding="utf-8"))
    (options,) = (task["urmanac.talos.kubernetes_apply"] for task in tasks if "urmanac.talos.kubernetes_apply" in task)

    objects = Templar(loader=DataLoader(), variables=STORAGE).template(trust_as_template(options["objects"]))

    assert all(is_complete(wanted) for wanted in objects)
    assert [wanted["kind"] for wanted in objects] == kinds
