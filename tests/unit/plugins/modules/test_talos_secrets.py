# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import secret_values
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.secrets import new_bundle
from ansible_collections.urmanac.talos.plugins.modules.talos_secrets import ensure_secrets
from tests.talos_config import bundle_text, test_bundle


@pytest.fixture
def params(tmp_path: Path) -> dict[str, Any]:
    """Return options for a cluster whose bundle is there, so that no test waits for a key of 4096 bits."""
    (tmp_path / "secrets.yaml").write_text(bundle_text(), encoding="utf-8")
    (tmp_path / "secrets.yaml").chmod(0o600)
    return options(tmp_path)


def options(directory: Path, **changes: Any) -> dict[str, Any]:
    return {
        "path": str(directory / "secrets.yaml"),
        "content": None,
        "pending": False,
        "talosconfig": str(directory / "talosconfig"),
        "context": "example",
        "endpoints": ["192.0.2.101"],
        "nodes": [],
        "shared_files": [],
        "certificate_days": 365,
        "renewal_days": 30,
        **changes,
    }


def test_a_new_cluster_gets_both_files(tmp_path: Path) -> None:
    directory = tmp_path / "cluster"

    result = ensure_secrets(options(directory), check_mode=False)

    assert result["changed"]
    assert result["created"]
    assert sorted(path.name for path in directory.glob("[!.]*")) == ["secrets.yaml", "talosconfig"]


def test_a_second_run_changes_nothing(params: dict[str, Any]) -> None:
    first = ensure_secrets(params, check_mode=False)

    second = ensure_secrets(params, check_mode=False)

    assert first["changed"]
    assert not first["created"]
    assert not second["changed"]
    assert second["expires"] == first["expires"]


def test_check_mode_reports_and_writes_nothing(tmp_path: Path) -> None:
    result = ensure_secrets(options(tmp_path / "cluster"), check_mode=True)

    assert result["changed"]
    assert result["created"]
    assert "expires" not in result
    assert list(tmp_path.iterdir()) == []


def test_check_mode_after_a_run_reports_no_change(params: dict[str, Any]) -> None:
    ensure_secrets(params, check_mode=False)

    assert not ensure_secrets(params, check_mode=True)["changed"]


def test_without_a_talosconfig_only_the_bundle_is_looked_at(params: dict[str, Any], tmp_path: Path) -> None:
    result = ensure_secrets({**params, "talosconfig": None}, check_mode=False)

    assert not result["changed"]
    assert not (tmp_path / "talosconfig").exists()


def test_the_diff_names_the_files_and_no_secret(params: dict[str, Any]) -> None:
    result = ensure_secrets(params, check_mode=False)

    assert [item["after"] for item in result["diff"]] == ["", "context example, with a new certificate\n"]
    assert [value for value in secret_values(test_bundle()) if value in repr(result)] == []


def test_a_certificate_that_every_run_would_renew_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"renewal_days \(30\) is not below certificate_days \(30\)"):
        ensure_secrets({**params, "certificate_days": 30}, check_mode=False)


@pytest.mark.parametrize("days", [-1, 0, 10**9])
def test_a_lifetime_that_no_certificate_can_have_is_refused(params: dict[str, Any], days: int) -> None:
    with pytest.raises(InputError, match=rf"certificate_days \({days}\) is not from 1 to 36500"):
        ensure_secrets({**params, "certificate_days": days, "renewal_days": 0}, check_mode=False)


def shared(directory: Path) -> list[dict[str, Any]]:
    """Return the files of a user in which the cluster will have its contexts."""
    return [
        {"kind": "kubeconfig", "path": str(directory / "kubeconfig"), "context": "admin@example"},
        {"kind": "talosconfig", "path": str(directory / "theirs"), "context": "example"},
    ]


def write_contexts(directory: Path, *, kubernetes: str, talos: str) -> None:
    """Write files that have the contexts of a cluster with these authorities."""
    cluster = {"server": "https://192.0.2.50:6443", "certificate-authority-data": kubernetes}
    names = {"cluster": "admin@example", "user": "admin@example"}
    document = {
        "clusters": [{"name": "admin@example", "cluster": cluster}],
        "contexts": [{"name": "admin@example", "context": names}],
    }
    (directory / "kubeconfig").write_text(yaml.safe_dump(document), encoding="utf-8")
    contexts = {"contexts": {"example": {"ca": talos, "crt": "a", "key": "b"}}}
    (directory / "theirs").write_text(yaml.safe_dump(contexts), encoding="utf-8")


def test_contexts_of_another_cluster_are_known_before_it_is_built(params: dict[str, Any], tmp_path: Path) -> None:
    other = new_bundle()
    write_contexts(tmp_path, kubernetes=other.k8s.crt, talos=other.os.crt)
    before = {path: path.read_bytes() for path in (tmp_path / "kubeconfig", tmp_path / "theirs")}
    asked = {**params, "pending": True, "talosconfig": None, "shared_files": shared(tmp_path)}

    found = ensure_secrets(asked, check_mode=True)["problems"]

    assert [one["code"] for one in found] == ["CONTEXT_TAKEN", "CONTEXT_TAKEN"]
    assert [one["subject"] for one in found] == [
        f"context admin@example in {tmp_path / 'kubeconfig'}",
        f"context example in {tmp_path / 'theirs'}",
    ]
    assert "another authority (https://192.0.2.50:6443)" in found[0]["message"]
    assert all("cluster_kubeconfig_context" in one["remedy"] or "config remove" in one["remedy"] for one in found)
    assert {path: path.read_bytes() for path in before} == before


def test_contexts_of_the_cluster_itself_and_of_other_names_are_no_problem(
    params: dict[str, Any], tmp_path: Path
) -> None:
    own = test_bundle()
    write_contexts(tmp_path, kubernetes=own.k8s.crt, talos=own.os.crt)
    asked = {**params, "talosconfig": None, "shared_files": shared(tmp_path)}

    assert ensure_secrets(asked, check_mode=True)["problems"] == []
    renamed = [{**file, "context": "moon"} for file in shared(tmp_path)]
    assert ensure_secrets({**asked, "shared_files": renamed}, check_mode=True)["problems"] == []
    # A file that cannot be read is reported with the variables.
    (tmp_path / "kubeconfig").write_text("contexts: [", encoding="utf-8")
    assert ensure_secrets(asked, check_mode=True)["problems"] == []


def test_without_secrets_every_context_belongs_to_another_cluster(tmp_path: Path) -> None:
    other = new_bundle()
    write_contexts(tmp_path, kubernetes=other.k8s.crt, talos=other.os.crt)
    new = options(tmp_path / "new", pending=True, talosconfig=None, shared_files=shared(tmp_path))

    result = ensure_secrets(new, check_mode=True)

    assert len(result["problems"]) == 2
    assert not (tmp_path / "new").exists()
