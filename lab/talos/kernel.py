# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel arguments in a metal image of Talos, as its imager puts them together.

The order and what replaces what: buildCmdline in pkg/imager of siderolabs/talos; the arguments of each version:
DefaultArgs in pkg/machinery/kernel, which tests/peers asks.
"""

from __future__ import annotations

_CONSOLES = {"arm64": ("ttyAMA0", "tty0"), "amd64": ("tty0",)}
# From which version on, and up to which, an image has them.
_ARGUMENTS = (
    *(("init_on_alloc=1", 0, 13), ("slab_nomerge", 0, 99), ("pti=on", 0, 99), ("consoleblank=0", 0, 99)),
    *(("nvme_core.io_timeout=4294967295", 0, 13), ("printk.devkmsg=on", 0, 99), ("selinux=1", 10, 99)),
    *(("module.sig_enforce=1", 12, 99), ("proc_mem.force_override=never", 13, 99)),
)


def default_arguments(release: tuple[int, int]) -> list[str]:
    return [argument for argument, first, last in _ARGUMENTS if first <= release[1] <= last]


def command_line(release: tuple[int, int], extra: str = "", architecture: str = "arm64") -> str:
    """Return the arguments of an image; extra ones come last, but a console replaces the platform's."""
    added = extra.split()
    consoles = [word for word in added if word.startswith("console=")] or [
        f"console={name}" for name in _CONSOLES[architecture]
    ]
    others = [word for word in added if word not in consoles]
    return " ".join(["talos.platform=metal", *consoles, *default_arguments(release), *others])
