# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real pip installs on a bastion, from PyPI, the libraries that the role bastion locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

ROLE = Path(__file__).resolve().parents[2] / "roles" / "bastion"
LOCK = ROLE / "files" / "requirements.txt"
# Amazon Linux 2023 on Graviton has glibc 2.34.
GLIBC = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")


def read(name: str) -> dict[str, str]:
    """Return the variables of a file of the role."""
    found: dict[str, str] = yaml.safe_load((ROLE / name / "main.yml").read_text(encoding="utf-8"))
    return found


def pip(python: Path | str, command: str, *options: object) -> int:
    """Run pip with the options of the role and its lock, and return its exit code."""
    given = read("vars")["__bastion_python_options"].split()
    words = [str(python), "-m", "pip", command, *map(str, options), *given, str(LOCK)]
    return subprocess.run(words, check=False).returncode


def test_every_locked_library_is_built_for_the_python_and_the_processor_of_the_bastion(tmp_path: Path) -> None:
    version = read("defaults")["bastion_python_package"].removeprefix("python")
    platforms = [part for name in GLIBC for part in ("--platform", f"{name}_aarch64")]
    abis = [part for name in (f"cp{version.replace('.', '')}", "abi3", "none") for part in ("--abi", name)]
    target = ("--python-version", version, "--implementation", "cp", *abis, *platforms, "--dest", tmp_path)

    assert pip(sys.executable, "download", *target) == 0
    names = [path.name for path in tmp_path.iterdir()]
    assert {"aarch64", "any"} == {name.removesuffix(".whl").rpartition("_")[2].rpartition("-")[2] for name in names}


def test_what_was_installed_is_found_without_asking_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    python = tmp_path / "bin" / "python"
    check = ("--isolated", "--no-index", "--dry-run")

    codes = [pip(python, "install", *check), pip(python, "install"), pip(python, "install", *check)]

    assert codes == [1, 0, 0]
