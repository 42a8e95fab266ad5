# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image with everything that the bastion's containers run, made of the host's programs and their libraries."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from tests import bastion_image as oci
from tests.host.bastion.network import run
from tests.host.packages import program

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
APPLETS = ("pidof", "sh", "sleep", "wget")


def files(matchbox: str) -> dict[str, bytes]:
    """Return the programs by the names that the units call them by, and what they need."""
    programs = {f"bin/{name}": program("busybox") for name in APPLETS}
    programs |= {
        "bin/registry": program("docker-registry"),
        "bin/dnsmasq": program("dnsmasq"),
        "bin/nginx": program("nginx"),
    }
    programs |= {"matchbox": matchbox} if matchbox else {}
    libraries = {path.lstrip("/"): path for source in programs.values() for path in needed(source)}
    found = {name: Path(path).read_bytes() for name, path in (programs | libraries).items()}
    users = b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:no one:/:/bin/sh\n"
    return {**found, "etc/passwd": users, "etc/group": b"root:x:0:\nnogroup:x:65534:\n"}


def needed(path: str) -> list[str]:
    """Return the libraries of a program; one that is linked statically has none."""
    try:
        return re.findall(r"(/\S+) \(0x", run("ldd", path))
    except RuntimeError:
        return []


def push(registry: str, name: str, matchbox: str) -> str:
    """Push the image for the host's architecture and return the digest of its manifest's index."""
    return oci.push(registry, name, "latest", {ARCHITECTURES[platform.machine()]: [oci.layer(files(matchbox))]})
