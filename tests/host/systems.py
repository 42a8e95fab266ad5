# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the two systems of an emulated ARM64 machine: the small Linux that it starts as, and the simulation of Talos.

Both consist of unchanged Debian packages and the few files of the folder guest. What is made stays in .cache/host
under a name that stands for everything it was made of, so it is made once.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.host import debian, disks, initramfs

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "host"
GUEST = HERE / "guest"
SCRIPTS = ("linux_init.sh", "talos_init.sh", "udhcpc.sh")
KERNEL = "linux-image-cloud-arm64"
MODULES = ("failover", "net_failover", "virtio_net", "loop", "efivarfs")
USERLAND = ["base-files", "busybox-static", "coreutils", "curl", "dash", "grep", "gzip", "iproute2", "mawk", "mount"]
USERLAND += ["sed", "tar", "util-linux"]
LOADER = ("systemd-boot-efi", "ipxe")
# loglevel=4 keeps what the kernel says of itself out of a console that takes a second for a page of text.
COMMAND_LINE = "console=ttyAMA0 loglevel=4 net.ifnames=0 urmanac.emulated"


class Systems(NamedTuple):
    """What emulated machines are made from."""

    linux: Path
    talos: Path
    kernel: Path
    initramfs: Path
    busybox: Path
    packages: Path


def recipe() -> str:
    """Return a short text that differs when anything does that the systems are made of."""
    sources = [HERE / f"{name}.py" for name in ("systems", "debian", "disks", "initramfs")] + [
        GUEST / name for name in SCRIPTS
    ]
    content = [path.name.encode() + path.read_bytes() for path in sources]
    return hashlib.sha256(b"".join([debian.MIRROR.encode(), *content])).hexdigest()[:16]


def folder() -> Path:
    """Return where the systems of this recipe are, or will be."""
    return CACHE / f"systems-{recipe()}"


def paths() -> Systems:
    """Return the paths of what is made."""
    here = folder()
    return Systems(
        here / "linux.raw",
        here / "talos.raw.gz",
        here / "vmlinuz",
        here / "initramfs.gz",
        here / "busybox",
        here / "packages",
    )


def is_made() -> bool:
    """Return whether everything is there."""
    return folder().exists()


def make(say: Callable[[str], None]) -> None:
    """Make both systems, unless they are there; this takes a Debian mirror and about a minute."""
    if is_made():
        return
    for old in CACHE.glob("systems-*"):
        shutil.rmtree(old)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="making-") as name:
        work = Path(name)
        say(f"fetching packages of Debian {debian.RELEASE} for ARM64")
        unpack(work)
        say("making the disks of the emulated machines")
        result = work / "systems"
        result.mkdir()
        fill(work, result)
        result.rename(folder())


def unpack(work: Path) -> None:
    """Fetch all packages, and unpack kernel and userland side by side."""
    apt = debian.Apt(CACHE / "apt")
    apt.update()
    debian.unpack([apt.kernel(KERNEL)], work / "kernel")
    debian.unpack(apt.closure([*USERLAND, *LOADER]), work / "root")


def fill(work: Path, result: Path) -> None:
    """Make the disks from what was unpacked."""
    shutil.copy(next((work / "kernel" / "boot").glob("vmlinuz-*")), result / "vmlinuz")
    shutil.copy(work / "root/usr/bin/busybox", result / "busybox")
    packages = result / "packages"
    for name in ("usr/lib/ipxe", "usr/lib/systemd/boot/efi"):
        shutil.move(work / "root" / name, packages / name)
    talos_root(work)
    initramfs.write(result / "initramfs.gz", work / "talos")
    linux_root(work)
    loader = packages / "usr/lib/systemd/boot/efi/systemd-bootaa64.efi"
    root = disks.ext4(work / "root.ext4", work / "root", size=256)
    esp = boot_partition(work, result, loader, initial=False)
    parts = [disks.Partition("EFI", disks.EFI_SYSTEM, esp), disks.Partition("root", disks.LINUX, root)]
    disks.gpt(result / "linux.raw", parts, size=8192)
    esp = boot_partition(work, result, loader, initial=True)
    disks.gpt(
        work / "talos.raw", [disks.Partition("EFI", disks.EFI_SYSTEM, esp)], size=esp.stat().st_size // disks.MIB + 2
    )
    with (work / "talos.raw").open("rb") as source, gzip.GzipFile(result / "talos.raw.gz", "wb", 6, mtime=0) as target:
        shutil.copyfileobj(source, target)


def boot_partition(work: Path, result: Path, loader: Path, *, initial: bool) -> Path:
    """Make the partition from which the firmware starts systemd-boot, and that the kernel."""
    options = COMMAND_LINE if initial else f"root=/dev/nvme0n1p2 rw init=/sbin/init {COMMAND_LINE}"
    lines = ["title system", "linux /vmlinuz", *(["initrd /initramfs.gz"] if initial else []), f"options {options}", ""]
    entry = work / "system.conf"
    entry.write_text("\n".join(lines), encoding="utf-8")
    settings = work / "loader.conf"
    settings.write_text("timeout 0\neditor no\n", encoding="utf-8")
    files = {"EFI/BOOT/BOOTAA64.EFI": loader, "loader/loader.conf": settings, "loader/entries/system.conf": entry}
    files["vmlinuz"] = result / "vmlinuz"
    if initial:
        files["initramfs.gz"] = result / "initramfs.gz"
    return disks.fat(work / "esp", files, size=64)


def modules(work: Path, target: Path) -> None:
    """Put the kernel modules there, unpacked, as busybox loads them."""
    target.mkdir(parents=True)
    for name in MODULES:
        packed = next((work / "kernel").rglob(f"{name}.ko.xz"))
        (target / f"{name}.ko").write_bytes(lzma.decompress(packed.read_bytes()))


def script(name: str, target: Path) -> None:
    """Put a script of the folder guest there, executable."""
    shutil.copy(GUEST / name, target)
    target.chmod(0o755)


def linux_root(work: Path) -> None:
    """Turn the unpacked packages into a root file system that starts."""
    root = work / "root"
    for name in ("dev", "proc", "sys", "run", "tmp", "root", "etc"):
        (root / name).mkdir(exist_ok=True)
    modules(work, root / "usr/lib/modules")
    script("linux_init.sh", root / "usr/sbin/init")
    script("udhcpc.sh", root / "etc/udhcpc.sh")
    # Debian's packages leave this link to a script that is not executed here.
    (root / "usr/bin/awk").symlink_to("mawk")
    for name in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / name, ignore_errors=True)


def talos_root(work: Path) -> None:
    """Make the files that the simulation of Talos consists of."""
    root = work / "talos"
    (root / "bin").mkdir(parents=True)
    shutil.copy(work / "root" / "usr/bin/busybox", root / "bin/busybox")
    # The DHCP client's script is for a shell that knows ip as a command.
    for name in ("sh", "ip"):
        (root / "bin" / name).symlink_to("busybox")
    modules(work, root / "modules")
    script("talos_init.sh", root / "init")
    script("udhcpc.sh", root / "udhcpc.sh")
