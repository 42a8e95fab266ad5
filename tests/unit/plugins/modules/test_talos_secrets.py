# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import secret_values
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
    with pytest.raises(InputError, match=r"renewal_days \(30\) is not below certificate_days \(30\). Make it smaller"):
        ensure_secrets({**params, "certificate_days": 30}, check_mode=False)
