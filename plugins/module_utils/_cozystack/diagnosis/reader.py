# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeated readings of a cluster that may stop answering. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from ..._kubernetes.errors import ApiError
from ..._kubernetes.kinds import Kind

Object = dict[str, Any]
Value = TypeVar("Value")


class Api(Protocol):
    """The methods of a cluster's API that are needed."""

    server: str

    def version(self) -> str:
        """Return the server's version."""

    def server_time(self) -> datetime | None:
        """Return the server's time of its last answer, or None if it has none."""

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Return the object, or None."""

    def items(self, kind: Kind, *, namespace: str = "", fields: str = "") -> Iterable[Object]:
        """Yield the objects of a kind, page by page; none if the server does not know the kind."""

    def kind_of(self, content: Mapping[str, Any]) -> Kind:
        """Return the kind with its API path for this apiVersion and kind."""

    def log(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        """Return the last lines of a container's log, optionally of its previous run."""


class Reader:
    """Reads one object after the other, and continues without those that the server does not return."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.missing: dict[str, str] = {}
        self._silences = 0

    def take(self, what: str, read: Callable[[], Value], default: Value) -> Value:
        """Return the result, or the default; after two timeouts in a row the server gets no more requests."""
        if self._silences > 1:
            self.missing[what] = "not asked, because the server had stopped answering"
            return default
        try:
            value = read()
        except ApiError as error:
            if error.cause.is_lasting:
                raise
            self.missing[what] = error.detail
            self._silences = self._silences + 1 if error.cause.is_down else 0
            return default
        self._silences = 0
        return value

    def try_to(self, read: Callable[[], Value], default: Value) -> Value:
        """Return the result, or the default if the server refuses; only for optional data, such as a log."""
        if self._silences > 1:
            return default
        try:
            return read()
        except ApiError as error:
            self._silences = self._silences + 1 if error.cause.is_down else 0
            return default
