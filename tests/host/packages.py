# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this folder need of Debian, and what of it is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
FIRMWARE = "/usr/share/AAVMF/AAVMF_CODE.fd"
VARIABLES = "/usr/share/AAVMF/AAVMF_VARS.fd"
U_BOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"

# A program, or a file by its path, and the package that has it.
PACKAGES = {
    "busybox": "busybox",
    "chromium": "chromium",
    "curl": "curl",
    "dnsmasq": "dnsmasq-base",
    "docker-registry": "docker-registry",
    "dockerd": "docker.io",
    "dpkg-deb": "dpkg",
    "ip": "iproute2",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "nft": "nftables",
    "nginx": "nginx-light",
    "qemu-system-aarch64": "qemu-system-arm",
    "sfdisk": "fdisk",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
    "wg": "wireguard-tools",
    "wget": "wget",
    "wireguard-go": "wireguard-go",
    "/usr/lib/python3/dist-packages/apt/__init__.py": "python3-apt",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    FIRMWARE: "qemu-efi-aarch64",
    U_BOOT: "u-boot-qemu",
}
# To make the disks of emulated machines, and to run them.
EMULATOR = ("dpkg-deb", "ip", "mcopy", "mke2fs", "mkfs.vfat", "qemu-system-aarch64", "sfdisk", FIRMWARE)


def find(name: str) -> str | None:
    """Return the path of a program or file, None where there is none."""
    return shutil.which(name, path=SEARCHED) if "/" not in name else name if Path(name).exists() else None


def missing(names: Iterable[str]) -> list[str]:
    """Return the packages of those programs and files that are not here."""
    return sorted({PACKAGES[name] for name in names if find(name) is None})


def program(name: str) -> str:
    """Return the path of a program that a test has said it needs."""
    path = find(name)
    if path is None:
        raise FileNotFoundError(f"{name} is missing: {remedy([PACKAGES[name]])}")
    return path


def remedy(packages: Iterable[str]) -> str:
    """Return the command that installs the packages."""
    return f"apt install --no-install-recommends {' '.join(sorted(packages))}"
