# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that ends a module has findings with a code, so that a program can distinguish them."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._codes import CODES
from ansible_collections.urmanac.talos.plugins.module_utils._errors import (
    CollectionError,
    Ec2Error,
    InputError,
    KubernetesError,
    TalosError,
    failure_of,
)
from ansible_collections.urmanac.talos.plugins.module_utils._findings import FIELDS, finding
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import errors as kubernetes
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import errors as talos
from tests.checks.process import ROOT
from tests.ec2_cluster import run_module

KINDS = [CollectionError, Ec2Error, TalosError, KubernetesError, InputError]
PLUGINS = ROOT / "plugins"


def trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield the Python files of folders of plugins."""
    for folder in folders:
        for path in sorted((PLUGINS / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Yield the calls of a function or a method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            yield node


def returns_problems(call: ast.Call) -> bool:
    """Return whether a failure is made of an error, or has problems of its own."""
    return any(
        keyword.arg == "problems" or (keyword.arg is None and next(calls(keyword.value, "failure_of"), None))
        for keyword in call.keywords
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_without_findings_has_one_with_the_code_of_its_class(kind: type[CollectionError]) -> None:
    (problem,) = kind("Failed to read the snapshot /a: it is empty. Check the path.").problems

    assert (problem.code, problem.severity) == (kind.CODE, "error")
    assert (problem.subject, problem.message) == ("read the snapshot /a", "it is empty. Check the path.")
    assert problem.remedy


def test_an_error_can_have_a_code_of_its_own() -> None:
    result = failure_of(InputError("No such file: /a", code="FILE_NOT_READABLE"))

    assert result["msg"] == "No such file: /a"
    assert [(one["code"], one["message"]) for one in result["problems"]] == [("FILE_NOT_READABLE", "No such file: /a")]
    assert tuple(result["problems"][0]) == FIELDS


def test_findings_of_an_error_are_its_problems() -> None:
    known = finding("NAME_TAKEN", "create it", "The name is taken.")

    assert failure_of(CollectionError("Failed.", problems=[known]))["problems"] == [known.as_dict()]


def test_an_error_of_python_for_a_file_has_a_code() -> None:
    (problem,) = failure_of(PermissionError(13, "Permission denied", "/a"))["problems"]

    assert problem["code"] == "FILE_NOT_USABLE"


def test_a_failed_call_has_its_cause_as_evidence() -> None:
    node = talos.NodeError("192.0.2.1", "Version", talos.Cause.TIMEOUT, "no answer within 10 s")
    api = kubernetes.ApiError("https://192.0.2.1:6443", "read Node a", kubernetes.Cause.FORBIDDEN, "not allowed")

    assert str(node) == (
        "Failed to call Version on 192.0.2.1: no answer within 10 s. Wait until it has booted, or check the security "
        "groups."
    )
    assert node.problems[0].evidence == {"cause": "timeout", "node": "192.0.2.1", "call": "Version"}
    assert str(api) == (
        "Failed to read Node a on https://192.0.2.1:6443: not allowed. Use an administrator's kubeconfig."
    )
    assert api.problems[0].evidence == {"cause": "forbidden", "server": "https://192.0.2.1:6443"}


def test_every_failure_of_a_module_has_problems() -> None:
    failures = [
        (path.name, call) for path, tree in trees("modules", "module_utils") for call in calls(tree, "fail_json")
    ]

    assert len(failures) > 30
    assert [f"{name}:{call.lineno}" for name, call in failures if not returns_problems(call)] == []


def test_every_failure_of_an_action_has_problems() -> None:
    # These two pass on the failed result of a module.
    passing = {"cozystack_wait.py", "talos_wait.py"}
    failures = [(path.name, call) for path, tree in trees("action") for call in calls(tree, "AnsibleActionFail")]
    own = [(name, call) for name, call in failures if name not in passing]

    assert own
    for name, call in own:
        assert any(next(calls(keyword.value, "failure_of"), None) for keyword in call.keywords), name


def test_every_code_of_an_error_is_on_the_list() -> None:
    given = {
        keyword.value.value
        for _path, tree in trees("modules", "module_utils", "plugin_utils")
        for kind in ("CollectionError", "Ec2Error", "TalosError", "KubernetesError", "InputError", "Unclaimed")
        for call in calls(tree, kind)
        for keyword in call.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }

    assert len(given) > 10
    assert given <= set(CODES)
    assert {kind.CODE for kind in KINDS} <= set(CODES)


@pytest.mark.parametrize(
    ("module", "arguments", "code"),
    [
        pytest.param(
            "talos_bootstrap",
            {"nodes": ["192.0.2.1"], "talosconfig": "{}", "snapshot": "/does/not/exist"},
            "FILE_NOT_READABLE",
            id="a file that does not exist",
        ),
        pytest.param(
            "talos_info", {"nodes": ["192.0.2.1"], "talosconfig": "/does/not/exist"}, "FILE_NOT_READABLE", id="a path"
        ),
        pytest.param(
            "talos_reset",
            {"nodes": ["192.0.2.1"], "talosconfig": "{}", "confirm": False},
            "INPUT_MISSING",
            id="a confirmation that is missing",
        ),
        pytest.param("oci_image_info", {"images": ["a"], "platform": "what"}, "INPUT_INVALID", id="a wrong value"),
        pytest.param("cozystack_forecast", {"nodes": []}, "INPUT_MISSING", id="an empty list"),
        pytest.param("cozystack_info", {"kubeconfig": "/does/not/exist"}, "FILE_NOT_READABLE", id="a kubeconfig"),
        pytest.param(
            "write_files", {"directory": "/proc/x", "files": {"a": "b"}}, "FILE_NOT_WRITABLE", id="a directory"
        ),
    ],
)
def test_programs_can_distinguish_errors_of_input(
    module: str, arguments: dict[str, Any], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main = importlib.import_module(f"ansible_collections.urmanac.talos.plugins.modules.{module}").main

    result = run_module(main, capsys, **arguments)

    assert result["failed"]
    assert [one["code"] for one in result["problems"]] == [code], result["msg"]
