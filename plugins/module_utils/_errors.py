# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's exceptions. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from ._text import shown


class CollectionError(Exception):
    """An error whose message tells a user what failed, on whom, why, and what to do.

    Messages quote variables and answers, so what a terminal would obey is shown.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(shown(message))


class Ec2Error(CollectionError):
    """AWS refused a request or answered something that makes no sense."""


class TalosError(CollectionError):
    """A Talos node refused a call, could not be reached, or is not what was expected."""


class KubernetesError(CollectionError):
    """A Kubernetes API server refused a request, could not be reached, or is not what was expected."""


class InputError(CollectionError):
    """What the user gave cannot be used."""
