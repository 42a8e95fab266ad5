# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot.upstream import ARCHIVE, CHECKSUMS
from ansible_collections.urmanac.talos.plugins.modules.boot_to_talos_info import result_of
from tests.http_servers import files, serving

FIRST, OTHER = "ab" * 32, "cd" * 32
KEY = "arm64 0.7.1"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Give the address of a server with the files of a release."""
    with serving(files(tmp_path)) as address:
        yield address


def look(folder: Path, url: str, listed: bytes | None, recorded: dict[str, str]) -> dict[str, Any]:
    """Return the result for a release with this list of checksums."""
    if listed is not None:
        (folder / CHECKSUMS).write_bytes(listed)
    return result_of(
        {"urls": [url], "version": "v0.7.1", "architecture": "arm64", "recorded": recorded, "rounds": 1},
    )


def listing(sha256: str, architecture: str = "arm64") -> bytes:
    """Return the list of checksums of a release."""
    return f"{sha256}  {ARCHIVE.format(architecture=architecture)}\n".encode()


def test_the_first_checksum_is_recorded_beside_those_of_other_versions(tmp_path: Path, url: str) -> None:
    found = look(tmp_path, url, listing(FIRST.upper()), {"arm64 0.8.0": OTHER})

    assert found == {"sha256": FIRST, "record": {"arm64 0.8.0": OTHER, KEY: FIRST}, "problems": [], "unknown": []}


def test_the_same_checksum_is_no_problem(tmp_path: Path, url: str) -> None:
    assert look(tmp_path, url, listing(FIRST), {KEY: FIRST})["problems"] == []


def test_a_release_that_was_replaced_is_refused_and_the_record_stays(tmp_path: Path, url: str) -> None:
    found = look(tmp_path, url, listing(OTHER), {KEY: FIRST})

    (problem,) = found["problems"]
    assert (found["sha256"], found["record"]) == (FIRST, {KEY: FIRST})
    assert (problem["code"], problem["severity"]) == ("ARCHIVE_REPLACED", "error")
    assert problem["subject"] == "boot-to-talos 0.7.1 for arm64"
    assert problem["message"] == f"Its SHA-256 is {OTHER} at {url}, and was {FIRST} when this cluster first used it."
    assert "cluster_boot_to_talos_sha256" in problem["remedy"]


@pytest.mark.parametrize(
    ("listed", "where", "code"),
    [
        pytest.param(None, "unknown", "DOWNLOAD_FAILED", id="no list"),
        pytest.param(listing(FIRST, "amd64"), "problems", "CHECKSUM_WRONG", id="another architecture"),
        pytest.param(listing("moon"), "problems", "CHECKSUM_WRONG", id="no checksum"),
        pytest.param(b"\xff\xfe\x00 \x1b[31m", "problems", "CHECKSUM_WRONG", id="no text"),
    ],
)
def test_without_an_answer_only_a_recorded_checksum_can_be_used(
    tmp_path: Path, url: str, listed: bytes | None, where: str, code: str
) -> None:
    unknown, known = look(tmp_path, url, listed, {}), look(tmp_path, url, listed, {KEY: FIRST})

    (problem,) = unknown["problems"] + unknown["unknown"]
    assert (unknown["sha256"], unknown["record"], unknown[where], problem["code"]) == ("", {}, [problem], code)
    assert problem["remedy"].startswith("Set cluster_boot_to_talos_sha256")
    assert known == {"sha256": FIRST, "record": {KEY: FIRST}, "problems": [], "unknown": []}
