# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bastion gets a Python with the locked libraries of the modules that talk to nodes, only where it lacks them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import zipfile
from pathlib import Path

import pip
import pytest

from tests.checks.process import TOOLS, capture
from tests.shell_programs import program

PACKAGE = "python-of-bastion"
HOST = {"ansible_connection": "local"}
INVENTORY = {"all": {"hosts": {"localhost": HOST, "bastion": HOST}}}
PLAY = """
- name: Give the bastion its Python
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Give the bastion its Python
      ansible.builtin.import_role:
        name: urmanac.talos.bastion
        tasks_from: python.yml
      vars:
        bastion_api_host: bastion
        bastion_python_package: {package}
        bastion_python_directory: {folder}/there
        bastion_python_requirements: {folder}/lock.txt

    - name: Say which Python the modules get
      ansible.builtin.debug:
        msg: "modules run with {{{{ hostvars.bastion.ansible_python_interpreter | default('what is there') }}}}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with an inventory, and with fakes of what a bastion has and the host may lack."""
    (tmp_path / "hosts.json").write_text(json.dumps(INVENTORY), encoding="utf-8")
    program(tmp_path / "bin" / "sudo", 'exec "$@"')
    program(tmp_path / "bin" / "dnf", f'echo "$@" >> {tmp_path}/installed')
    # Its pip is ours: to install one for each virtual environment takes longer than all else.
    place = f"{tmp_path}/there/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/pip"
    program(
        tmp_path / "bin" / PACKAGE, f'{sys.executable} "$@" --without-pip && ln -s {Path(pip.__file__).parent} {place}'
    )
    return tmp_path


def wheel(folder: Path, version: str, *, name: str = "lamp", needs: str = "") -> str:
    """Make a library that pip can install, and return the line that locks it."""
    about = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{about}/METADATA", metadata + (f"Requires-Dist: {needs}\n" if needs else ""))
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def play(folder: Path, *lock: str, options: tuple[str, ...] = ()) -> tuple[int, int, str]:
    """Run the tasks with the lines of a lock; return the exit code, how many tasks changed, and the output."""
    (folder / "lock.txt").write_text("\n".join(lock) + "\n", encoding="utf-8")
    (folder / "play.yml").write_text(PLAY.format(package=PACKAGE, folder=folder), encoding="utf-8")
    search = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    settings = {"PATH": search, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    playbook = TOOLS / "ansible-playbook"
    code, said = capture([playbook, "-i", folder / "hosts.json", folder / "play.yml", *options], extra=settings)
    found = re.search(r"changed=(\d+)", said)
    return code, int(found[1]) if found else -1, said


def installed(folder: Path) -> list[str]:
    """Return which libraries of ours the virtual environment holds."""
    return sorted(path.name for path in (folder / "there").glob("lib/*/site-packages/*-*.dist-info"))


def test_libraries_are_installed_once_and_again_in_another_version(folder: Path) -> None:
    first, second = (wheel(folder, version) for version in ("1.0", "2.0"))

    planned = play(folder, first, options=("--check",))
    made = [play(folder, lock) for lock in (first, first, second)]

    assert planned[:2] == (0, 0), planned[2]
    assert "modules run with what is there" in planned[2]
    assert [(code, changed) for code, changed, _said in made] == [(0, 2), (0, 0), (0, 2)], made
    assert all(f"modules run with {folder}/there/bin/python" in said for _code, _changed, said in made)
    assert installed(folder) == ["lamp-2.0.dist-info"]
    assert (folder / "installed").read_text().splitlines() == [f"--assumeyes --quiet install {PACKAGE}"] * 2


def test_a_python_that_is_broken_is_not_one_without_libraries(folder: Path) -> None:
    program(folder / "there" / "bin" / "python", "echo 'Segmentation fault' >&2; exit 139")

    code, _changed, said = play(folder, wheel(folder, "1.0"))

    assert code == 2
    assert "Segmentation fault" in said
    assert not (folder / "installed").exists()


def test_a_library_that_is_not_the_locked_one_is_refused(folder: Path) -> None:
    lock = wheel(folder, "1.0")
    wheel(folder, "1.0", needs="another>=1")

    code, _changed, said = play(folder, lock)

    assert code == 2
    assert "DO NOT MATCH THE HASHES" in said
    assert installed(folder) == []


@pytest.mark.parametrize("locked", [pytest.param(False, id="no line"), pytest.param(True, id="no hash")])
def test_a_dependency_without_a_hash_is_refused(locked: bool, folder: Path) -> None:
    wheel(folder, "3.0", name="oil")
    lock = [wheel(folder, "1.0", needs="oil"), *(["oil==3.0"] if locked else [])]

    code, _changed, said = play(folder, *lock)

    assert code == 2
    assert "Hashes are required in --require-hashes mode" in said or "must have their versions pinned" in said
    assert installed(folder) == []


def test_a_library_that_would_have_to_be_built_is_refused(folder: Path) -> None:
    source = folder / "lamp-1.0.tar.gz"
    source.write_bytes(b"never opened")

    code, _changed, said = play(folder, f"lamp==1.0 --hash=sha256:{hashlib.sha256(source.read_bytes()).hexdigest()}")

    assert code == 2
    assert "No matching distribution found for lamp==1.0" in said
    assert installed(folder) == []


def test_the_shipped_lock_is_found_by_its_name(folder: Path) -> None:
    program(folder / "there" / "bin" / "python", 'for lock; do :; done; grep -c sha256: "$lock" >&2; exit 139')

    code, _changed, said = play(folder, options=("-e", "bastion_python_requirements=requirements.txt"))

    assert code == 2
    assert re.search(r"\b[1-9]\d{2,}\b", said), said


def test_a_lock_without_any_hash_is_refused(folder: Path) -> None:
    wheel(folder, "1.0")

    code, _changed, said = play(folder, "lamp==1.0")

    assert code == 2
    assert "Hashes are required in --require-hashes mode" in said
    assert installed(folder) == []
