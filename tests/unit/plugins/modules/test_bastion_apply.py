# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a host to the files and units of a bastion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._bastion.host import File, LocalHost, Unit
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from ansible_collections.urmanac.talos.plugins.modules.bastion_apply import ensure_bastion

MANIFEST = "/etc/talos-bastion/files"
RULES, UNIT = "/etc/talos-bastion/firewall.nft", "/etc/systemd/system/talos-bastion-firewall.service"


@dataclass
class FakeHost:
    """A host in memory."""

    files: dict[str, File] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    enabled: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    def read(self, path: str) -> File | None:
        return self.files.get(path)

    def write(self, file: File) -> None:
        self.files[file.path] = File(file.path, file.content, file.mode)

    def delete(self, path: str) -> None:
        self.files.pop(path, None)

    def unit(self, name: str) -> Unit:
        return Unit(name, name in self.running, name in self.enabled)

    def systemctl(self, verb: str, units: Sequence[str]) -> None:
        self.calls.append(" ".join([verb, *units]))
        if "enable" in verb.split():
            self.enabled |= set(units)
        if "disable" in verb:
            self.enabled -= set(units)
            self.running -= set(units)
        if "start" in verb:
            self.running |= set(units)


def params(rules: str = "table\n", **changes: Any) -> dict[str, Any]:
    """Return options for a bastion with one service."""
    name = "talos-bastion-firewall.service"
    files = [
        {"path": RULES, "content": rules, "mode": "0644", "units": [name]},
        {"path": UNIT, "content": "[Service]\n", "mode": "0644", "units": [name]},
        {"path": "/etc/docker/daemon.json", "content": "{}\n", "mode": "0644", "units": ["docker.service"]},
        {
            "path": MANIFEST,
            "content": f"{RULES}\n{UNIT}\n{MANIFEST}\n/etc/docker/daemon.json\n",
            "mode": "0644",
            "units": [],
        },
    ]
    return {"files": files, "units": [name], "manifest": MANIFEST, **changes}


@pytest.fixture
def laid() -> FakeHost:
    """Give a host that is a bastion already."""
    host = FakeHost()
    ensure_bastion(host, params(), check_mode=False)
    host.calls.clear()
    return host


def test_a_blank_host_gets_files_and_running_units() -> None:
    host = FakeHost()

    result = ensure_bastion(host, params(), check_mode=False)

    assert result["changed"]
    assert host.files[RULES].content == "table\n"
    assert host.calls == [
        "daemon-reload",
        "enable talos-bastion-firewall.service",
        "restart --no-block docker.service",
        "start --no-block talos-bastion-firewall.service",
    ]


def test_a_second_run_changes_nothing(laid: FakeHost) -> None:
    result = ensure_bastion(laid, params(), check_mode=False)

    assert (result["changed"], laid.calls) == (False, [])


DOCKER = "/etc/docker/daemon.json"


@pytest.mark.parametrize("check_mode", [True, False], ids=["a plan", "a run"])
def test_a_file_that_another_program_wrote_is_refused_and_nothing_is_changed(check_mode: bool) -> None:
    theirs = File(DOCKER, '{"data-root": "/srv"}\n', "0644")
    host = FakeHost(files={DOCKER: theirs})

    with pytest.raises(CollectionError, match=r"/etc/docker/daemon\.json of this host was not written by") as refused:
        ensure_bastion(host, params(), check_mode=check_mode)

    assert [problem.code for problem in refused.value.problems] == ["HOST_FILE_FOREIGN"]
    assert (host.files, host.calls) == ({DOCKER: theirs}, [])


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({DOCKER: File(DOCKER, "{}\n", "0600")}, id="the same content"),
        pytest.param({RULES: File(RULES, "older\n", "0644")}, id="a file of a run that was killed"),
    ],
)
def test_what_may_be_of_an_earlier_run_is_written(files: dict[str, File]) -> None:
    host = FakeHost(files=files)

    ensure_bastion(host, params(), check_mode=False)

    assert {path: host.files[path].content for path in (DOCKER, RULES)} == {DOCKER: "{}\n", RULES: "table\n"}


def test_a_file_of_ours_is_replaced(laid: FakeHost) -> None:
    changed = params()
    changed["files"][2]["content"] = '{"bridge": "none"}\n'

    ensure_bastion(laid, changed, check_mode=False)

    assert laid.files[DOCKER].content == '{"bridge": "none"}\n'


LOGIN = "/etc/talos-bastion/registry-passwords/docker.io"


def with_login(**changes: Any) -> dict[str, Any]:
    """Return options whose manifest also lists a file that another task writes."""
    found = params(**changes)
    found["files"][-1]["content"] += f"{LOGIN}\n"
    return found


def test_a_file_that_the_manifest_lists_and_another_task_writes_stays(laid: FakeHost) -> None:
    ensure_bastion(laid, with_login(), check_mode=False)
    laid.write(File(LOGIN, "ada:hush\n", "0600"))

    again = ensure_bastion(laid, with_login(), check_mode=False)

    assert (again["changed"], laid.files[LOGIN].content) == (False, "ada:hush\n")


def test_a_login_that_is_removed_is_in_no_result(laid: FakeHost) -> None:
    ensure_bastion(laid, with_login(), check_mode=False)
    laid.write(File(LOGIN, "ada:hush\n", "0600"))

    removed = ensure_bastion(laid, params(), check_mode=False)

    assert removed["changed"]
    assert LOGIN not in laid.files
    assert "hush" not in str(removed)


def test_a_changed_file_restarts_what_reads_it_and_nothing_else(laid: FakeHost) -> None:
    result = ensure_bastion(laid, params("another table\n"), check_mode=False)

    assert (result["written"], result["restarted"]) == ([RULES], ["talos-bastion-firewall.service"])
    assert laid.calls == ["restart --no-block talos-bastion-firewall.service"]


def test_another_mode_is_a_change(laid: FakeHost) -> None:
    laid.files[RULES] = laid.files[RULES]._replace(mode="0600")

    assert ensure_bastion(laid, params(), check_mode=False)["written"] == [RULES]


def test_a_unit_that_was_stopped_or_disabled_is_started_and_enabled(laid: FakeHost) -> None:
    laid.running.clear()
    laid.enabled.clear()

    result = ensure_bastion(laid, params(), check_mode=False)

    assert result["started"] == ["talos-bastion-firewall.service"]
    assert laid.enabled == {"talos-bastion-firewall.service"}


def test_what_is_not_wanted_any_more_is_stopped_and_removed(laid: FakeHost) -> None:
    result = ensure_bastion(laid, {"files": [], "units": [], "manifest": MANIFEST}, check_mode=False)

    assert sorted(result["deleted"]) == sorted([RULES, UNIT, MANIFEST, "/etc/docker/daemon.json"])
    assert (laid.files, laid.running) == ({}, {"docker.service"})
    assert laid.calls == ["disable --now talos-bastion-firewall.service", "daemon-reload"]


def test_a_file_that_the_module_did_not_write_stays(laid: FakeHost) -> None:
    laid.files["/etc/motd"] = File("/etc/motd", "hello\n", "0644")

    ensure_bastion(laid, {"files": [], "units": [], "manifest": MANIFEST}, check_mode=False)

    assert list(laid.files) == ["/etc/motd"]


def test_check_mode_reports_and_does_nothing(laid: FakeHost) -> None:
    result = ensure_bastion(laid, params("another table\n"), check_mode=True)

    assert result["changed"]
    assert (laid.files[RULES].content, laid.calls) == ("table\n", [])


def test_the_diff_is_of_the_files_that_change(laid: FakeHost) -> None:
    result = ensure_bastion(laid, params("another table\n"), check_mode=True)

    assert result["diff"] == [
        {"before_header": RULES, "after_header": RULES, "before": "table\n", "after": "another table\n"}
    ]


def test_without_root_the_user_gets_the_cause(laid: FakeHost) -> None:
    class Closed(FakeHost):
        def write(self, file: File) -> None:
            raise PermissionError(13, "Permission denied", file.path)

    with pytest.raises(CollectionError, match=r"Permission denied.*Run the module as root"):
        ensure_bastion(Closed(), params(), check_mode=False)


def test_the_real_host_lays_files_whole_with_their_mode(tmp_path: Path) -> None:
    file = File(str(tmp_path / "a" / "b"), "text\n", "0600", ("x.service",))

    LocalHost().write(file)

    assert LocalHost().read(file.path) == file._replace(units=())
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    LocalHost().delete(file.path)
    assert LocalHost().read(file.path) is None
