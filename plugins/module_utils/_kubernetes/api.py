# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of a cluster's API that callers need. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from .kinds import Kind

Object = dict[str, Any]
# The field manager of every write of this collection: it owns only the fields that it applied.
MANAGER: Final = "urmanac.talos"


class Api(Protocol):
    """The methods of a cluster's API that are needed."""

    server: str

    def version(self) -> str:
        """Return the server's version."""

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Return the object, or None."""

    def items(self, kind: Kind, *, namespace: str = "", fields: str = "") -> Iterator[Object]:
        """Yield the objects of a kind, page by page; none if the server does not know the kind."""

    def kind_of(self, content: Mapping[str, Any]) -> Kind:
        """Return the kind with its API path for this apiVersion and kind."""

    def apply(self, content: Object, *, dry_run: bool = False, force: bool = False) -> Object:
        """Apply the object on the server and return the resulting object, or that of a dry run."""

    def delete(self, kind: Kind, name: str, *, namespace: str = "", dry_run: bool = False) -> bool:
        """Delete the object and return whether it existed."""
