# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where the role looks for what is on record of a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLES = Path(__file__).resolve().parents[4] / "roles"


def read(role: str, name: str, **variables: Any) -> Any:
    """Return the value of a role's variable where these others are set."""
    loader = DataLoader()
    own = loader.load_from_file(str(ROLES / role / "vars" / "main.yml"), trusted_as_template=True)
    return Templar(loader=loader, variables={**own, **variables}).template(own[name])


@pytest.fixture
def moon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a cluster below home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "my moon"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("role", "name", "file"),
    [
        pytest.param("cluster", "cluster_images_record", "images.json", id="images"),
        pytest.param("cluster", "cluster_talos_record", "talos.json", id="contract"),
        pytest.param("cluster", "cluster_boot_to_talos_record", "boot_to_talos.json", id="checksums"),
        pytest.param(
            "bastion_host", "__bastion_host_images_recorded", "bastion_images.json", id="images of the bastion"
        ),
    ],
)
def test_a_record_below_home_is_read(moon: Path, role: str, name: str, file: str) -> None:
    (moon / file).write_text(json.dumps({"images": {"compute": {}}}), encoding="utf-8")

    assert read(role, name, cluster_directory="~/my moon") == {"images": {"compute": {}}}


def test_secrets_below_home_are_found(moon: Path) -> None:
    (moon / "secrets.yaml").touch()

    assert read("cluster", "cluster_secrets_files", cluster_secrets_directory="~/my moon") == [f"{moon}/secrets.yaml"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param([], "", id="none"),
        pytest.param(["secrets.pending.yaml"], "", id="never used"),
        pytest.param(["secrets.yaml"], "vpc-1", id="of a cluster"),
        pytest.param(["secrets.yaml", "secrets.pending.yaml"], "vpc-1", id="both"),
    ],
)
def test_only_secrets_that_were_used_claim_a_cluster_that_exists(moon: Path, files: list[str], expected: str) -> None:
    for name in files:
        (moon / name).touch()
    given = {"cluster_secrets_directory": "~/my moon", "cluster_claim_existing": "vpc-1"}

    assert read("cluster", "cluster_claim_known", **given) == expected
