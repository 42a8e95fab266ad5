# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage classes of LINSTOR. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..names import DEFAULT_CLASS, LINSTOR

_DRBD = f"property.{LINSTOR}/DrbdOptions"
# A volume without quorum suspends I/O instead of continuing on one replica.
_QUORUM = {
    f"{_DRBD}/auto-quorum": "suspend-io",
    f"{_DRBD}/Resource/on-no-data-accessible": "suspend-io",
    f"{_DRBD}/Resource/on-suspended-primary-outdated": "force-secondary",
    f"{_DRBD}/Net/rr-conflict": "retry-connect",
}


def storage_classes(
    existing: Iterable[Mapping[str, Any]], *, pool: str, replicas: int, default_class: str
) -> list[dict[str, Any]]:
    """Return the classes for local and for replicated volumes.

    Kubernetes does not change the parameters of an existing class, so it keeps its replica count when nodes join.
    """
    kept = {found["metadata"]["name"]: found["parameters"] for found in existing if "parameters" in found}
    wanted = {"local": _local(pool), "replicated": _replicated(pool, replicas)}
    return [
        _definition(name, kept.get(name, parameters), is_default=name == default_class)
        for name, parameters in wanted.items()
    ]


def _local(pool: str) -> dict[str, str]:
    return {
        f"{LINSTOR}/storagePool": pool,
        f"{LINSTOR}/layerList": "storage",
        f"{LINSTOR}/allowRemoteVolumeAccess": "false",
    }


def _replicated(pool: str, replicas: int) -> dict[str, str]:
    return {
        f"{LINSTOR}/storagePool": pool,
        f"{LINSTOR}/autoPlace": str(replicas),
        f"{LINSTOR}/layerList": "drbd storage",
        f"{LINSTOR}/allowRemoteVolumeAccess": "true",
        **_QUORUM,
    }


def _definition(name: str, parameters: Mapping[str, str], *, is_default: bool) -> dict[str, Any]:
    annotations = {DEFAULT_CLASS: str(is_default).lower()}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": LINSTOR,
        "parameters": dict(parameters),
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
