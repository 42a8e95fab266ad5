# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch Debian packages for ARM64 with apt, and leave the machine's own packages, sources and architectures alone."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.host.packages import program

RELEASE = "trixie"
MIRROR = os.environ.get("URMANAC_DEBIAN_MIRROR", "http://deb.debian.org/debian")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SECONDS = 900


class Apt:
    """An apt with lists, packages and settings of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        for name in ("lists/partial", "cache/archives/partial", "none"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        source = f"deb [signed-by={KEYRING}] {MIRROR} {RELEASE} main\n"
        (self.folder / "sources.list").write_text(source, encoding="utf-8")

    def options(self) -> list[str]:
        """Return the settings that keep apt inside its folder."""
        settings = {
            "APT::Architecture": "arm64",
            "APT::Architectures::": "arm64",
            "APT::Install-Recommends": "false",
            # The user _apt, as whom apt fetches otherwise, may not be let into the folder.
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::preferencesparts": self.folder / "none",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": self.folder / "none",
            "Dir::State::lists": self.folder / "lists",
            "Dir::State::status": self.folder / "status",
        }
        return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]

    def run(self, tool: str, *arguments: str, cwd: Path | None = None) -> str:
        """Run an apt tool and return what it printed."""
        command = [tool, *self.options(), *arguments]
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        if done.returncode:
            raise RuntimeError(
                f"Failed to run {tool} {' '.join(arguments)} against {MIRROR}: {(done.stderr or done.stdout).strip()}. "
                "The first run needs a Debian mirror; URMANAC_DEBIAN_MIRROR names another one."
            )
        return done.stdout

    def update(self) -> None:
        """Read what the mirror has."""
        self.run("apt-get", "update")

    def closure(self, packages: Sequence[str]) -> list[Path]:
        """Fetch the packages with all that they depend on."""
        self.run("apt-get", "install", "--download-only", "--yes", *packages)
        return sorted((self.folder / "cache" / "archives").glob("*.deb"))

    def kernel(self, package: str) -> Path:
        """Fetch the kernel that the package stands for, alone: its dependencies would only make an initramfs."""
        found = re.search(r"Depends: (linux-image-\S+)", self.run("apt-cache", "depends", package))
        if found is None:
            raise RuntimeError(f"Failed to read {package} of Debian {RELEASE}: it depends on no linux-image")
        folder = self.folder / "kernel"
        folder.mkdir(exist_ok=True)
        self.run("apt-get", "download", found[1], cwd=folder)
        return next(folder.glob(f"{found[1]}_*.deb"))


def unpack(packages: Sequence[Path], root: Path) -> None:
    """Unpack the packages without executing anything of them."""
    root.mkdir(parents=True, exist_ok=True)
    for package in packages:
        subprocess.run([program("dpkg-deb"), "--extract", str(package), str(root)], check=True, timeout=SECONDS)
