# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated services at the bastion's address, which start when its user-data has succeeded."""

from __future__ import annotations

import contextlib

from lab.assets import AssetServer
from lab.registry.images import shared_store
from lab.registry.server import Registry
from lab.settings import REGISTRY_PORT, Settings


class BastionServices:
    """All simulations of services of the bastion, up and down with its machine."""

    def __init__(self, settings: Settings, address: str) -> None:
        self._settings = settings
        self._address = address
        self._running: list[AssetServer | Registry] = []

    @property
    def is_running(self) -> bool:
        return bool(self._running)

    def start(self) -> None:
        cache = Registry(self._address, REGISTRY_PORT, store=shared_store())
        self._running = [AssetServer(self._settings, self._address), cache]
        for service in self._running:
            service.start()

    def stop(self) -> None:
        running, self._running = self._running, []
        for service in running:
            with contextlib.suppress(OSError):
                service.stop()
