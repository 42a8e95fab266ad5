# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated ARM64 machine with UEFI, an NVMe disk and one network interface, as EC2's Graviton machines are."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.host.packages import FIRMWARE, VARIABLES, program

# What a t4g.medium has.
CORES, MEMORY = 2, 4096


class Machine:
    """A machine that runs, and its serial console."""

    def __init__(self, process: subprocess.Popen[bytes], console: Path) -> None:
        self.process, self.path = process, console
        self.started = time.monotonic()

    @property
    def console(self) -> str:
        """Return what the machine has written to its serial console."""
        text = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        # Without the firmware's escape sequences for colours and places.
        return re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][0-9A-B]|\r", "", text)

    def wait(self, pattern: str, *, seconds: float, hopeless: str = r"FAILED|Kernel panic") -> float:
        """Wait until the console shows the pattern, and return the seconds since power-on."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            console = self.console
            if re.search(pattern, console):
                return time.monotonic() - self.started
            if re.search(hopeless, console) or self.process.poll() is not None:
                raise AssertionError(f"The machine got no further before {pattern!r}:\n{console[-4000:]}")
            time.sleep(0.3)
        raise AssertionError(f"{pattern!r} did not show in {seconds:g} s on the console:\n{self.console[-4000:]}")


def uefi(folder: Path) -> list[str]:
    """Return the options of qemu for the firmware that EC2's machines have, with its variables in the folder."""
    variables = folder / "variables.fd"
    shutil.copy(VARIABLES, variables)
    return [
        *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE}"),
        *("-drive", f"if=pflash,unit=1,format=raw,file={variables}"),
    ]


@contextmanager
def running(
    folder: Path,
    *,
    tap: str,
    mac: str,
    disk: Path | None = None,
    within: Sequence[str] = (),
    firmware: Sequence[str] = (),
) -> Iterator[Machine]:
    """Start a machine on the network interface; its disk forgets what was written when the machine ends."""
    console = folder / "console.log"
    command = [
        *(*within, program("qemu-system-aarch64"), "-nodefaults", "-no-user-config", "-display", "none"),
        *("-machine", "virt", "-cpu", "neoverse-n1", "-smp", str(CORES), "-m", str(MEMORY)),
        *("-serial", f"file:{console}"),
        *(firmware or uefi(folder)),
        *("-netdev", f"tap,id=net,ifname={tap},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,netdev=net,mac={mac},romfile="),
        *("-device", "virtio-rng-pci"),
    ]
    if disk:
        # Most of what an installer writes is empty, and need not be kept on this machine's disk.
        options = "format=raw,snapshot=on,cache=unsafe,detect-zeroes=unmap,discard=unmap"
        command += ["-drive", f"if=none,id=disk,{options},file={disk}"]
        command += ["-device", "nvme,drive=disk,serial=vol0"]
    with (folder / "qemu.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield Machine(process, console)
    finally:
        process.kill()
        process.wait()
