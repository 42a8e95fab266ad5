# SPDX-License-Identifier: GPL-3.0-or-later
"""Put all extensions into moto. Each is a module of lab.aws.gaps."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import moto.backends
import moto.core.responses

from lab.aws import gaps, strict
from lab.aws.patches import put
from lab.machines import MachinePark


def install(park: MachinePark) -> None:
    """Extend moto in this process, where importing a gap closes it, and let instances come to life in the park."""
    strict.install()
    for name in names():
        module = importlib.import_module(f"{gaps.__name__}.{name}")
        if hasattr(module, "install"):
            module.install(park)
    # Moto looks both up at every call, which takes a fifth of it: the folders of its package, the methods of a class.
    put(moto.backends, list_of_moto_modules=[*moto.backends.list_of_moto_modules()].copy)
    put(moto.core.responses, method_names_from_class=cache(moto.core.responses.method_names_from_class))


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(gaps.__path__))
