# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot.facts import read_facts

ROUTES = "Iface Destination Gateway Flags\nens5 00000000 01000A0A 0003\nens5 00000A0A 00000000 0001\n"


def write(root: Path, name: str, content: str | bytes = "") -> None:
    """Put a file into a scratch root."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def link(root: Path, name: str, target: str) -> None:
    """Put a relative link into a scratch root, as sysfs has them."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (root / target).mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(root / target, path.parent))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the files of an Amazon Linux on Graviton, with its root on a partition of an NVMe disk."""
    write(tmp_path, "etc/os-release", 'ID="amzn"\nPRETTY_NAME="Amazon Linux 2023"\n')
    write(tmp_path, "proc/meminfo", "MemTotal:  3900000 kB\nMemFree: 5 kB\nMemAvailable:  3400000 kB\n")
    write(tmp_path, "proc/net/route", ROUTES)
    write(tmp_path, "proc/self/mountinfo", "26 1 259:1 / / rw,noatime shared:1 - xfs /dev/nvme0n1p1 rw\n")
    write(tmp_path, "proc/sysrq-trigger")
    write(tmp_path, "dev/loop-control")
    write(tmp_path, "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\6\0\0\0\0")
    disk = "sys/devices/pci0/nvme/nvme0n1"
    write(tmp_path, f"{disk}/nvme0n1p1/partition", "1\n")
    for name, target in (("nvme0n1", disk), ("nvme0n1p1", f"{disk}/nvme0n1p1")):
        link(tmp_path, f"sys/class/block/{name}", target)
    link(tmp_path, "sys/block/nvme0n1", disk)
    link(tmp_path, "sys/block/loop0", "sys/devices/virtual/block/loop0")
    link(tmp_path, "sys/dev/block/259:1", f"{disk}/nvme0n1p1")
    return tmp_path


def test_a_young_amazon_linux_can_become_talos(root: Path) -> None:
    facts = read_facts(root)

    assert facts._replace(user_id=0, machine="aarch64") == (
        *(0, "aarch64", "Amazon Linux 2023", False, 3900000 * 1024, 3400000 * 1024),
        *(False, "none", True, True, True, True, ("nvme0n1",), ("nvme0n1",)),
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("etc/os-release", "ID=talos\n", id="its name"),
        pytest.param("proc/cmdline", "talos.platform=metal console=ttyS0", id="its kernel's arguments"),
    ],
)
def test_talos_is_known_by(root: Path, name: str, content: str) -> None:
    write(root, name, content)

    assert read_facts(root).is_talos


def test_secure_boot_is_on_unless_the_firmware_is_in_setup_mode(root: Path) -> None:
    variables = "sys/firmware/efi/efivars/{}-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    write(root, variables.format("SecureBoot"), b"\6\0\0\0\1")
    before = read_facts(root).secure_boot
    write(root, variables.format("SetupMode"), b"\6\0\0\0\1")

    assert (before, read_facts(root).secure_boot) == (True, False)


def test_a_lockdown_is_read_from_the_kernel(root: Path) -> None:
    write(root, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n")

    assert read_facts(root).lockdown == "integrity"


def test_loop_devices_may_be_a_module_that_is_not_loaded(root: Path) -> None:
    (root / "dev/loop-control").unlink()
    without = read_facts(root).has_loop_devices
    write(root, f"lib/modules/{os.uname().release}/modules.dep", "kernel/drivers/block/loop.ko.xz:\n")

    assert (without, read_facts(root).has_loop_devices) == (False, True)


def test_a_machine_without_a_default_route_has_none(root: Path) -> None:
    write(root, "proc/net/route", "Iface Destination Gateway Flags\nens5 00000A0A 00000000 0001\n")

    assert not read_facts(root).has_default_route


def test_a_root_on_logical_volumes_is_on_the_disks_below(root: Path) -> None:
    write(root, "proc/self/mountinfo", "26 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n")
    link(root, "sys/dev/block/253:0", "sys/devices/virtual/block/dm-0")
    link(root, "sys/class/block/dm-0", "sys/devices/virtual/block/dm-0")
    write(root, "sys/devices/virtual/block/dm-0/slaves/nvme0n1p1/.keep")
    one = read_facts(root).root_disks
    link(root, "sys/class/block/nvme1n1", "sys/devices/pci0/nvme/nvme1n1")
    write(root, "sys/devices/virtual/block/dm-0/slaves/nvme1n1/.keep")

    assert (one, read_facts(root).root_disks) == (("nvme0n1",), ("nvme0n1", "nvme1n1"))


def test_a_file_system_with_numbers_of_its_own_is_found_by_its_device(root: Path) -> None:
    write(root, "proc/self/mountinfo", "26 1 0:31 /@ / rw - btrfs /dev/nvme0n1p1 rw\n")

    assert read_facts(root).root_disks == ("nvme0n1",)


def test_a_root_in_memory_is_on_no_disk(root: Path) -> None:
    write(root, "proc/self/mountinfo", "26 1 0:31 / / rw - overlay overlay rw\n")

    assert read_facts(root).root_disks == ()


def test_an_empty_root_is_not_a_reason_to_crash(tmp_path: Path) -> None:
    facts = read_facts(tmp_path)

    assert (facts.memory_total, facts.root_disks, facts.has_sysrq, facts.lockdown) == (0, (), False, "none")
