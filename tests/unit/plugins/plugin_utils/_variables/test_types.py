# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of another type than a role has documented are found."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.types import type_problems
from tests.variables import judged, problems


def test_a_path_with_a_null_byte_is_refused() -> None:
    (found,) = judged({"cluster_kubeconfig": "/moon\0/kubeconfig"}).problems

    assert (found.code, found.subject) == ("VARIABLE_TYPE_WRONG", "cluster_kubeconfig")


@pytest.mark.parametrize("name", ["cluster_tailscale_auth_key", "bastion_host_wireguard_private_key"])
def test_a_secret_of_the_wrong_type_is_not_shown(name: str) -> None:
    assert "hush" not in str(problems(name, ["hush"]))


def test_what_ansible_refuses_is_refused_here_too() -> None:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    values: tuple[Any, ...] = (None, "", "a", "1", 1, 1.5, True, [], ["a"], {}, {"a": 1})
    kinds: list[dict[str, Any]] = [
        {"type": kind} for kind in ("str", "int", "float", "bool", "list", "dict", "path", "raw")
    ]
    kinds += [{"type": "str", "choices": ["a", "b"]}, {"type": "list", "elements": "int"}]

    laxer = [
        (option, value)
        for option in kinds
        for value in values
        if ArgumentSpecValidator({"x": option}).validate({"x": value}).error_messages
        and not list(type_problems("x", option, value))
    ]

    assert laxer == []
