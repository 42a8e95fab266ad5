# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError, InputError
from ansible_collections.urmanac.talos.plugins.modules.write_files import ensure_files

FILES = {"report.txt": "well\n", "report.md": "# Well ✅\n"}


def test_new_files_are_written_into_a_new_directory(tmp_path: Path) -> None:
    folder = tmp_path / "cluster" / "report"

    result = ensure_files(folder, FILES, check_mode=False)

    assert (result["changed"], result["written"]) == (True, ["report.txt", "report.md"])
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}


def test_data_is_written_as_json(tmp_path: Path) -> None:
    result = ensure_files(tmp_path, {"report.json": {"nodes": [1], "lab": True}}, check_mode=False)
    again = ensure_files(tmp_path, {"report.json": {"lab": True, "nodes": [1]}}, check_mode=False)

    assert (result["changed"], again["changed"]) == (True, False)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == {"lab": True, "nodes": [1]}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    ensure_files(tmp_path, FILES, check_mode=False)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    result = ensure_files(tmp_path, FILES, check_mode=False)

    assert result == {"changed": False, "written": [], "diff": []}
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_changed_file_is_written_again_and_its_change_shown(tmp_path: Path) -> None:
    ensure_files(tmp_path, FILES, check_mode=False)
    (tmp_path / "report.md").write_text("ill\n", encoding="utf-8")

    result = ensure_files(tmp_path, FILES, check_mode=False)

    path = str(tmp_path / "report.md")
    assert result["written"] == ["report.md"]
    assert result["diff"] == [
        {"before_header": path, "after_header": path, "before": "ill\n", "after": FILES["report.md"]}
    ]
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == FILES["report.md"]


def test_check_mode_reports_and_writes_nothing(tmp_path: Path) -> None:
    result = ensure_files(tmp_path / "report", FILES, check_mode=True)

    assert (result["changed"], result["written"]) == (True, list(FILES))
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../claim", "/etc/passwd"])
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="hold no slash"):
        ensure_files(tmp_path / "report", {"report.txt": "well", name: "ill"}, check_mode=False)

    assert not (tmp_path / "report").exists()


def test_a_directory_that_is_a_file_is_reported_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("", encoding="utf-8")

    where = tmp_path / "report"
    with pytest.raises(CollectionError, match=f"Failed to write into {where}: File exists: {where}"):
        ensure_files(tmp_path / "report", FILES, check_mode=False)
