# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the EC2 console shows the output of Talos. Private to urmanac.talos: may change at any time.

EC2 records the output on ttyS0, on Graviton as well. A metal image of Talos for arm64 writes to ttyAMA0 and tty0
(KernelArgs in platform/metal of siderolabs/talos), so EC2 keeps the last lines of the previous Linux. On UEFI
the arguments are part of the image: neither boot-to-talos nor a machine configuration can add one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

SERIAL_PORT: Final = "ttyS0"
# In the profile of Talos' imager, and in a schematic of the Image Factory; it replaces the image's other consoles.
IMAGE_LINE: Final = f"customization: {{extraKernelArgs: [console={SERIAL_PORT}]}}"
_COMMAND: Final = "aws ec2 get-console-output --latest --instance-id with the ID of its instance"
CONSOLE_REMEDY: Final = (
    f"Look at its console ({_COMMAND}); it shows what Talos writes only if the image was made with {IMAGE_LINE}; "
    "otherwise it shows the last lines of the Linux before Talos."
)


def consoles(cmdline: str) -> list[str]:
    """Return the devices that the kernel writes to, without their settings: ttyS0 of console=ttyS0,115200n8."""
    named = (word.removeprefix("console=") for word in cmdline.split() if word.startswith("console="))
    return [value.partition(",")[0] for value in named]


def is_shown(cmdline: str) -> bool:
    """Return whether EC2's console shows the output of a node with these kernel arguments."""
    return SERIAL_PORT in consoles(cmdline)


def remedy(cmdline: str | None) -> str:
    """Return the remedy for a node that does not come back, by its kernel arguments; None if they are unknown."""
    if cmdline is None:
        return CONSOLE_REMEDY
    if is_shown(cmdline):
        return f"See its console for the cause: {_COMMAND}."
    return (
        f"Its console does not show the cause: Talos writes to {_devices(cmdline)}, and EC2 shows {SERIAL_PORT} only. "
        "Check with talos_info whether it answers. If not, terminate its instance and build it again."
    )


def silent_console_lines(seen: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[str]:
    """Return the warning about nodes without output on the EC2 console; empty if their kernel arguments are unknown.

    seen is what talos_info returns with gather: [cmdline]; names are those of the nodes by address.
    """
    silent: Sequence[Mapping[str, Any]] = [
        node for node in seen if node.get("cmdline") and not is_shown(str(node["cmdline"]))
    ]
    if not silent:
        return []
    devices = " or ".join(sorted({_devices(str(node["cmdline"])) for node in silent}))
    who = ", ".join(names.get(node["node"], node["node"]) for node in silent)
    return [
        f"? The EC2 console shows no output of Talos on {who}: its kernel writes to {devices}, not to {SERIAL_PORT}.",
        f"? Images made with this line in the profile of Talos' imager have a serial console: {IMAGE_LINE}",
    ]


def _devices(cmdline: str) -> str:
    return " and ".join(consoles(cmdline)) or "no console"
