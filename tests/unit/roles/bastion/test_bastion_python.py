# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bastion gets a Python with the libraries of the modules that talk to nodes, and only where it lacks them."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from pathlib import Path

import pip
import pytest

from tests.checks.process import TOOLS, capture

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
        bastion_python_libraries: [{libraries}]

    - name: Say which Python the modules get
      ansible.builtin.debug:
        msg: "modules run with {{{{ hostvars.bastion.ansible_python_interpreter | default('what is there') }}}}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with an inventory, and with stand-ins for what a bastion has and this computer may not."""
    (tmp_path / "hosts.json").write_text(json.dumps(INVENTORY), encoding="utf-8")
    program(tmp_path / "bin" / "sudo", 'exec "$@"')
    program(tmp_path / "bin" / "dnf", f'echo "$@" >> {tmp_path}/installed')
    # Its pip is ours: to install one for each virtual environment takes longer than all else.
    place = f"{tmp_path}/there/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/pip"
    program(
        tmp_path / "bin" / PACKAGE, f'{sys.executable} "$@" --without-pip && ln -s {Path(pip.__file__).parent} {place}'
    )
    return tmp_path


def program(path: Path, script: str) -> None:
    """Write a program for the shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def wheel(folder: Path, version: str) -> None:
    """Make a library that pip can install."""
    about = f"lamp-{version}.dist-info"
    with zipfile.ZipFile(folder / f"lamp-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr("lamp.py", "")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: lamp\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")


def play(folder: Path, *libraries: str, options: tuple[str, ...] = ()) -> tuple[int, int, str]:
    """Run the tasks and return the exit code, how many of them changed something, and what was said."""
    text = PLAY.format(package=PACKAGE, folder=folder, libraries=", ".join(libraries))
    (folder / "play.yml").write_text(text, encoding="utf-8")
    search = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    settings = {"PATH": search, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    playbook = TOOLS / "ansible-playbook"
    code, said = capture([playbook, "-i", folder / "hosts.json", folder / "play.yml", *options], extra=settings)
    found = re.search(r"changed=(\d+)", said)
    return code, int(found[1]) if found else -1, said


def test_libraries_are_installed_once_and_again_in_another_version(folder: Path) -> None:
    wheel(folder, "1.0")
    wheel(folder, "2.0")

    planned = play(folder, "lamp==1.0", options=("--check",))
    made = [play(folder, f"lamp=={version}") for version in ("1.0", "1.0", "2.0")]

    assert planned[:2] == (0, 0), planned[2]
    assert "modules run with what is there" in planned[2]
    assert [(code, changed) for code, changed, _said in made] == [(0, 1), (0, 0), (0, 1)], made
    assert all(f"modules run with {folder}/there/bin/python" in said for _code, _changed, said in made)
    assert [path.name for path in (folder / "there").rglob("lamp-*.dist-info")] == ["lamp-2.0.dist-info"]
    assert (folder / "installed").read_text().splitlines() == [f"--assumeyes --quiet install {PACKAGE}"] * 2


def test_a_python_that_is_broken_is_no_python_without_libraries(folder: Path) -> None:
    program(folder / "there" / "bin" / "python", "echo 'Segmentation fault' >&2; exit 139")

    code, _changed, said = play(folder, "lamp==1.0")

    assert code == 2
    assert "Segmentation fault" in said
    assert not (folder / "installed").exists()
