# SPDX-License-Identifier: GPL-3.0-or-later
"""The object or list that a request is about."""

from __future__ import annotations

from typing import NamedTuple

from lab.kubernetes.discovery import Resource


class Target(NamedTuple):
    """What a path under /api or /apis means."""

    resource: Resource
    namespace: str
    name: str
    is_status: bool = False
