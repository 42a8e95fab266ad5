# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make file systems and disks as plain files: nothing is mounted and no loop device is needed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.host.packages import program

MIB = 1 << 20
EFI_SYSTEM = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"


class Partition(NamedTuple):
    """A partition that a file holds the content of."""

    name: str
    kind: str
    content: Path

    @property
    def size(self) -> int:
        """Return the size in MiB."""
        return -(-self.content.stat().st_size // MIB)


def run(*command: str | Path, given: str | None = None) -> None:
    """Run a program that must not fail."""
    tool, *arguments = map(str, command)
    done = subprocess.run(
        [program(tool), *arguments], input=given, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"{tool} ended with {done.returncode}: {done.stdout}{done.stderr}")


def fat(path: Path, files: Mapping[str, Path], *, size: int) -> Path:
    """Make a FAT file system of the given size in MiB with the files under their names."""
    path.unlink(missing_ok=True)
    run("mkfs.vfat", "-C", "-n", "EFI", path, str(size * 1024))
    folders = {str(parent) for name in files for parent in Path(name).parents if parent.name}
    for folder in sorted(folders):
        run("mmd", "-i", path, f"::{folder}")
    for name, source in files.items():
        run("mcopy", "-i", path, source, f"::{name}")
    return path


def ext4(path: Path, root: Path, *, size: int) -> Path:
    """Make an ext4 file system of the given size in MiB with the content of the folder."""
    path.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", "-d", root, path, f"{size}M")
    return path


def gpt(path: Path, partitions: list[Partition], *, size: int) -> Path:
    """Make a disk of the given size in MiB with consecutive partitions."""
    path.unlink(missing_ok=True)
    with path.open("wb") as disk:
        disk.truncate(size * MIB)
    starts = [1 + sum(earlier.size for earlier in partitions[:index]) for index in range(len(partitions))]
    lines = [
        f"start={start}MiB, size={partition.size}MiB, type={partition.kind}, name={partition.name}"
        for start, partition in zip(starts, partitions, strict=True)
    ]
    run("sfdisk", "--quiet", path, given="\n".join(["label: gpt", *lines, ""]))
    for start, partition in zip(starts, partitions, strict=True):
        _write(path, partition.content, at=start * MIB)
    return path


def _write(disk: Path, content: Path, *, at: int) -> None:
    """Copy the content to its place, and leave holes where it is zero."""
    zero = bytes(MIB)
    with content.open("rb") as source, disk.open("r+b") as target:
        for number, block in enumerate(iter(lambda: source.read(MIB), b"")):
            if block != zero[: len(block)]:
                target.seek(at + number * MIB)
                target.write(block)
