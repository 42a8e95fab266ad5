# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checksum of a release of boot-to-talos is recorded at its first use, unless the user gives one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot.upstream import ARCHIVE, CHECKSUMS
from tests.actions import run_plays
from tests.http_servers import HERE, Answering, running

FIRST, OTHER = "ab" * 32, "cd" * 32
KEY = "arm64 0.7.1"


class Release(ThreadingHTTPServer):
    """A server with the list of checksums of a release; it counts the requests."""

    def __init__(self) -> None:
        super().__init__(HERE, _Handler)
        self.sha256 = FIRST
        self.requests: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(Answering):
    server: Release

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        body = f"{self.server.sha256}  {ARCHIVE.format(architecture='arm64')}\n".encode()
        self.answer(200 if self.server.sha256 else 404, body)


@pytest.fixture
def release() -> Iterator[Release]:
    """Give a server with a release."""
    server = Release()
    with running(server):
        yield server


def played(folder: Path, release: Release, step: str = "boot_to_talos.yml", **given: Any) -> tuple[int, str]:
    """Return exit code and output of a step of the role, which then prints what machines would expect."""
    step_of = {"name": "urmanac.talos.cluster", "tasks_from": step, "public": True, "rolespec_validate": False}
    show = {
        "msg": "EXPECTED [{{ cluster_boot_to_talos_archive_sha256 }}] {{ cluster_boot_to_talos_release | to_json }}"
    }
    variables = {
        **{"cluster_name": "moon", "cluster_directory": str(folder / "moon")},
        **{"cluster_boot_to_talos_releases": release.url, **given},
    }
    tasks = [{"ansible.builtin.include_role": step_of}, {"ansible.builtin.debug": show}]
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return run_plays(folder, [play], {"localhost": host})


def test_the_first_checksum_is_recorded_and_expected(tmp_path: Path, release: Release) -> None:
    code, output = played(tmp_path, release)

    assert code == 0, output
    assert f"EXPECTED [{FIRST}]" in output
    assert json.loads((tmp_path / "moon" / "boot_to_talos.json").read_text(encoding="utf-8")) == {KEY: FIRST}
    assert release.requests == [f"/v0.7.1/{CHECKSUMS}"]


def test_the_controller_reads_it_because_the_bastion_does_not_exist_yet(tmp_path: Path, release: Release) -> None:
    code, output = played(tmp_path, release, cluster_images_via="bastion")

    assert code == 0, output
    assert f"EXPECTED [{FIRST}]" in output


def test_each_cluster_of_a_run_has_a_record_of_its_own(tmp_path: Path, release: Release) -> None:
    step = {"name": "urmanac.talos.cluster", "tasks_from": "boot_to_talos.yml", "rolespec_validate": False}
    tasks = [
        {
            "ansible.builtin.include_role": step,
            "vars": {"cluster_name": name, "cluster_directory": f"{tmp_path}/{name}"},
        }
        for name in ("moon", "mars")
    ]
    play = {"hosts": "localhost", "vars": {"cluster_boot_to_talos_releases": release.url}, "tasks": tasks}
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

    code, output = run_plays(tmp_path, [{"gather_facts": False, **play}], {"localhost": host})

    assert code == 0, output
    for name in ("moon", "mars"):
        assert json.loads((tmp_path / name / "boot_to_talos.json").read_text(encoding="utf-8")) == {KEY: FIRST}


def test_the_recorded_checksum_is_expected_of_a_release_that_was_replaced(tmp_path: Path, release: Release) -> None:
    played(tmp_path, release)
    release.sha256 = OTHER

    code, output = played(tmp_path, release, "boot_to_talos_look_up.yml")

    assert code == 0, output
    assert f"EXPECTED [{FIRST}]" in output
    assert "ARCHIVE_REPLACED" in output


def test_a_checksum_of_the_user_is_compared_with_no_other(tmp_path: Path, release: Release) -> None:
    played(tmp_path, release)
    asked = list(release.requests)

    given = {"cluster_boot_to_talos_sha256": {"0.7.1": {"arm64": OTHER}}}
    code, output = played(tmp_path, release, "boot_to_talos_look_up.yml", **given)

    assert code == 0, output
    assert f"EXPECTED [{OTHER}]" in output
    assert release.requests == asked


def test_nothing_is_made_while_the_checksum_is_unknown(tmp_path: Path, release: Release) -> None:
    release.sha256 = ""

    code, output = played(tmp_path, release)

    message = " ".join(output.split())
    assert code != 0
    assert "Failed to record the checksum of boot-to-talos:" in message
    assert "Set cluster_boot_to_talos_sha256 to the checksum of the archive" in message
    assert not (tmp_path / "moon" / "boot_to_talos.json").exists()
