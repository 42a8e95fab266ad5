# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the storage classes of LINSTOR."""

from __future__ import annotations

from typing import Any

from ansible_collections.urmanac.talos.plugins.filter.storage_classes import FilterModule

storage_classes = FilterModule().filters()["storage_classes"]


def classes(*existing: dict[str, Any], default_class: str = "replicated") -> dict[str, dict[str, Any]]:
    """Return the classes by name."""
    made = storage_classes(existing, pool="data", replicas=2, default_class=default_class)
    return {one["metadata"]["name"]: one for one in made}


def is_default(definition: dict[str, Any]) -> Any:
    return definition["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"]


def test_a_replicated_volume_is_on_as_many_nodes_as_asked_for() -> None:
    parameters = classes()["replicated"]["parameters"]

    assert parameters["linstor.csi.linbit.com/autoPlace"] == "2"
    assert parameters["linstor.csi.linbit.com/layerList"] == "drbd storage"


def test_every_parameter_is_a_text_because_kubernetes_takes_no_others() -> None:
    values = [value for one in classes().values() for value in one["parameters"].values()]

    assert {type(value) for value in values} == {str}


def test_one_class_is_the_default() -> None:
    assert {name: is_default(one) for name, one in classes(default_class="local").items()} == {
        "local": "true",
        "replicated": "false",
    }


def test_a_class_that_exists_keeps_its_parameters() -> None:
    kept = {"linstor.csi.linbit.com/autoPlace": "3"}

    made = classes({"metadata": {"name": "replicated"}, "parameters": kept}, {"metadata": {"name": "local"}})

    assert made["replicated"]["parameters"] == kept
    assert made["local"]["parameters"]["linstor.csi.linbit.com/storagePool"] == "data"
