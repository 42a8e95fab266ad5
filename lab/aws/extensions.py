# SPDX-License-Identifier: GPL-3.0-or-later
"""Put all extensions into moto. Each is a module of lab.aws.gaps."""

from __future__ import annotations

import importlib
import pkgutil

from lab.aws import gaps, strict
from lab.machines import MachinePark

# They let machines come to life or look at them, so they are given the park.
LIVING = ("auto_scaling_groups", "instance_life", "sessions")


def install(park: MachinePark) -> None:
    """Extend moto in this process and let instances come to life in the park."""
    strict.install()
    for name in names():
        module = importlib.import_module(f"{gaps.__name__}.{name}")
        module.install(*((park,) if name in LIVING else ()))


def names() -> list[str]:
    """Return the names of all gaps."""
    return sorted(module.name for module in pkgutil.iter_modules(gaps.__path__))
