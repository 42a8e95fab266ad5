# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user-data that turns a Linux into a bastion. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from typing import Any

from .._ec2.texts import USER_DATA_MAX
from .._errors import InputError
from .._findings import Finding, finding
from . import files
from .files import HostFile, Render

END = "END_OF_FILE_OF_URMANAC_TALOS"


def script(settings: Mapping[str, Any], laid: Sequence[HostFile], render: Render) -> str:
    """Return the script, which cloud-init runs; it decompresses compressed user-data first."""
    for file in laid:
        if not file.content.endswith("\n") or END in file.content:
            raise InputError(f"Failed to put {file.path} into user-data: it has no line break at its end. Add one.")
    packages = {name: files.packages(settings, name) for name in ("RedHat", "Debian")}
    return render("user_data.sh.j2", files=laid, end=END, packages=packages, units=files.units(settings))


def compressed(text: str) -> bytes:
    """Return the script as EC2 takes it; equal scripts have equal results."""
    return gzip.compress(text.encode(), mtime=0)


def encoded(packed: bytes) -> str:
    """Return compressed user-data as it is sent to EC2."""
    return base64.b64encode(packed).decode()


def problems(packed: bytes) -> list[Finding]:
    """Return that the user-data is too long, which matters to a bastion in EC2 only."""
    if len(packed) <= USER_DATA_MAX:
        return []
    message = f"it has {len(packed)} bytes, compressed, and EC2 accepts {USER_DATA_MAX}"
    remedy = "Cache fewer registries on the bastion (cluster_registry_caches)."
    return [finding("USER_DATA_TOO_LONG", "user-data of the bastion", message, remedy)]
