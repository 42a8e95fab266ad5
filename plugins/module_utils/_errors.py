# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's exceptions. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from ._text import shown


class CollectionError(Exception):
    """An error whose message says what failed, where, why, and what to do.

    Messages quote variables and responses, so control characters are escaped.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(shown(message))


class Ec2Error(CollectionError):
    """AWS rejected a request or returned an invalid response."""


class TalosError(CollectionError):
    """A Talos node rejected a call, could not be reached, or is not in the expected state."""


class KubernetesError(CollectionError):
    """A Kubernetes API server rejected a request, could not be reached, or is not in the expected state."""


class InputError(CollectionError):
    """The user's input is not valid."""
