# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are whole or not there, and what a killed run leaves is gone after the next one."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils import _files
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import secrets
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import user_files
from tests.checks.process import ROOT

# Says where its temporary file is when all of it is written, and then waits for its end.
WRITER = """
import sys, time
from pathlib import Path
from ansible_collections.urmanac.talos.plugins.module_utils import _files
with {how} as {name}:
    {work}
    print(Path({place}).name, flush=True)
    time.sleep(600)
"""
REPLACING = WRITER.format(
    how="_files.replacing(Path(sys.argv[1]))",
    name="file",
    work="file.write(b'secret'); file.flush()",
    place="file.name",
)
SCRATCH = WRITER.format(how="_files.scratch(b'secret')", name="path", work="pass", place="path")


class Writer:
    """A process between its write and its rename."""

    def __init__(self, program: str, path: Path) -> None:
        # The collection is found as this process found it; temporary files go where the path is.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(path.parent)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
        )
        assert self.process.stdout
        self.temporary = path.parent / self.process.stdout.readline().strip()

    def kill(self) -> None:
        """End it as the kernel ends a process that takes too much memory."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.mark.parametrize("program", [pytest.param(REPLACING, id="beside a file"), pytest.param(SCRATCH, id="scratch")])
def test_the_file_of_a_killed_run_is_removed_and_that_of_a_live_one_is_not(tmp_path: Path, program: str) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text("before", encoding="utf-8")
    killed, alive = Writer(program, path), Writer(program, path)
    try:
        killed.kill()
        assert {killed.temporary, alive.temporary} == set(tmp_path.glob(".*"))

        _files.sweep(tmp_path)

        assert list(tmp_path.glob(".*")) == [alive.temporary]
        assert alive.temporary.read_bytes() == b"secret"
        assert path.read_text(encoding="utf-8") == "before"
    finally:
        alive.kill()
    _files.write_file(path, b"after")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"after"


@pytest.mark.parametrize("is_link", [False, True], ids=["file", "link"])
def test_the_next_run_removes_the_file_even_if_it_has_nothing_to_write(tmp_path: Path, is_link: bool) -> None:
    path = target = tmp_path / "secrets.yaml"
    secrets.ensure_bundle(target)
    if is_link:
        path = tmp_path / "elsewhere" / "secrets.yaml"
        path.parent.mkdir()
        path.symlink_to(target)
    before = path.read_bytes()
    killed = Writer(REPLACING, target)
    killed.kill()

    assert secrets.ensure_bundle(path, check_mode=True)[0] is False
    assert killed.temporary.exists()
    assert secrets.ensure_bundle(path)[0] is False

    assert not killed.temporary.exists()
    assert path.read_bytes() == before


def test_a_kubeconfig_is_kept_whole_when_a_run_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    user_files.write_user_file(user_files.read_kubeconfig(path), {"kind": "Config"})
    Writer(REPLACING, path).kill()

    kept = user_files.read_kubeconfig(path)
    assert kept.document == {"kind": "Config"}
    user_files.write_user_file(kept, {"kind": "Config", "users": []})
    assert [item.name for item in tmp_path.iterdir()] == ["kubeconfig"]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_has_its_mode_from_the_beginning(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"

    with _files.replacing(path, mode=mode) as file:
        during = stat.S_IMODE(os.fstat(file.fileno()).st_mode)

    assert (during, stat.S_IMODE(path.stat().st_mode)) == (0o600, mode)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("before", encoding="utf-8")

    with pytest.raises(RuntimeError), _files.replacing(path) as file:
        file.write(b"after")
        raise RuntimeError

    assert [item.read_text(encoding="utf-8") for item in tmp_path.iterdir()] == ["before"]


def test_what_bears_the_name_and_is_not_a_file_of_ours_stays(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept", encoding="utf-8")
    link = tmp_path / ".a.urmanac-talos.1.tmp"
    link.symlink_to(other)
    os.mkfifo(tmp_path / ".b.urmanac-talos.1.tmp")
    (tmp_path / ".c.1.tmp").touch()

    _files.sweep(tmp_path)

    assert len(list(tmp_path.iterdir())) == 4
    assert other.read_text(encoding="utf-8") == "kept"


def test_a_folder_that_does_not_exist_has_nothing_to_remove(tmp_path: Path) -> None:
    _files.sweep(tmp_path / "absent")


def test_many_runs_at_once_write_and_sweep_without_taking_each_others_files(tmp_path: Path) -> None:
    # That a sweep takes a file before its writer has locked it is the rare case, and needs some hundred rounds.
    end = time.monotonic() + 1.5
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            try:
                while time.monotonic() < end:
                    _files.write_file(tmp_path / "all", str(number).encode() * 1000)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)

    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)
    assert len(set((tmp_path / "all").read_text(encoding="utf-8"))) == 1
    assert [item.name for item in tmp_path.iterdir()] == ["all"]


def test_no_plugin_makes_temporary_files_of_its_own() -> None:
    makers = ("mkstemp", "NamedTemporaryFile", "mkdtemp", '.new"', "tempfile.")
    folder = ROOT / "plugins"
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if any(maker in path.read_text(encoding="utf-8") for maker in makers)
    }

    assert found == {"module_utils/_files.py"}
