# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A missing library is named as it is installed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._libraries import require


class Failed(Exception):
    """The module ended as failed."""


class Module:
    """A module that notes with what it fails."""

    def __init__(self) -> None:
        self.failure: dict[str, Any] = {}

    def fail_json(self, **result: Any) -> None:
        self.failure = result
        raise Failed


@pytest.mark.parametrize(
    ("name", "package"),
    [
        pytest.param("google.protobuf", "protobuf", id="another name"),
        pytest.param("yaml", "PyYAML", id="another spelling"),
        pytest.param("kubernetes.dynamic", "kubernetes", id="a part of it"),
    ],
)
def test_a_missing_library_fails_the_module_with_its_package(name: str, package: str) -> None:
    module = Module()

    with pytest.raises(Failed):
        require(module, ModuleNotFoundError(f"No module named '{name}'", name=name))

    assert f"the required Python library ({package})" in module.failure["msg"]
    assert "ModuleNotFoundError" in module.failure["exception"]


def test_a_module_with_its_libraries_goes_on() -> None:
    require(Module(), None)
