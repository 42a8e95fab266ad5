# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of AWS that the product calls, and the calls that its code names together with their service.

A client is made by connect() of plugins/module_utils/_ec2/client.py, or by the inventory's session. What names the
services of a client in another way than those below is returned as it stands, and so fails a comparison.
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from botocore import xform_name
from botocore.session import Session

from lab.settings import REPOSITORY

CONNECTING = ("connect", "connect_checked")
CLIENTS = ("client", "create_client")
# A variable of either name has its services where it is assigned, which is read as well.
VARIABLES = ("SERVICES", "services")
# The one function that makes the clients of connect().
MAKER = "session.client(service"
# Several questions go through the same code.
parsed = cache(ast.parse)


@cache
def services_called() -> frozenset[str]:
    """Return the services that plugins, the modules of amazon.aws in playbooks and scripts on machines call."""
    return frozenset({*services_of(_plugins()), *_of_modules(_tasks()), *_of_scripts()})


@cache
def calls_named() -> frozenset[tuple[str, str]]:
    """Return service and operation of each call that the plugins' code names in one place."""
    return frozenset(call for text in _plugins() for call in _named(parsed(text)))


def services_of(code: Iterable[str]) -> set[str]:
    """Return the services of all clients in Python code."""
    return {service for text in code for node in ast.walk(parsed(text)) for service in _of_node(node)}


def _of_node(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Assign) and any(ast.unparse(target) in VARIABLES for target in node.targets):
        yield from _texts(node.value)
    if not isinstance(node, ast.Call) or not node.args:
        return
    name = ast.unparse(node.func).rpartition(".")[2]
    if name in CONNECTING and len(node.args) > 1:
        yield from _given(node.args[1])
    elif name in CLIENTS and not ast.unparse(node).startswith(MAKER):
        yield from _given(node.args[0])


def _given(services: ast.expr) -> list[str]:
    """Return what is given as services: none for a variable that is read elsewhere, the code if it is not known."""
    if ast.unparse(services).rpartition(".")[2] in VARIABLES:
        return []
    return list(_texts(services)) or [ast.unparse(services)]


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in _services():
            yield str(node.value)


def _named(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each call whose service and operation are arguments that stand next to each other."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            words = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args]
            for service, name in itertools.pairwise(words):
                if operation := _operations_of(str(service)).get(str(name)):
                    yield str(service), operation


@cache
def _services() -> frozenset[str]:
    return frozenset(Session().get_available_services())


@cache
def _operations_of(service: str) -> dict[str, str]:
    """Return the operations of a service by the name of their method; nothing if there is no such service."""
    if service not in _services():
        return {}
    return {xform_name(name): name for name in Session().get_service_model(service).operation_names}


def _of_modules(tasks: Iterable[str]) -> set[str]:
    modules = {name for text in tasks for name in re.findall(r"\b(?:amazon|community)\.aws\.(\w+):", text)}
    return services_of(_source(name) for name in modules)


def _source(module: str) -> str:
    for collection in ("amazon.aws", "community.aws"):
        found = importlib.util.find_spec(f"ansible_collections.{collection}.plugins.modules")
        for folder in found.submodule_search_locations or () if found else ():
            if (path := Path(folder) / f"{module}.py").is_file():
                return path.read_text(encoding="utf-8")
    raise AssertionError(f"neither amazon.aws nor community.aws has a module {module}")


def _of_scripts() -> set[str]:
    scripts = (path for part in ("templates", "files") for path in (REPOSITORY / "roles").glob(f"*/{part}/*"))
    texts = (path.read_text(encoding="utf-8") for path in scripts if path.is_file())
    return {service for text in texts for service in re.findall(r"\baws ([a-z0-9-]+) [a-z]+-", text)}


def _plugins() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in (REPOSITORY / "plugins").rglob("*.py")]


def _tasks() -> list[str]:
    """Return the texts of all roles and playbooks but those that test them."""
    paths = (path for folder in ("roles", "playbooks") for path in (REPOSITORY / folder).rglob("*.yml"))
    return [path.read_text(encoding="utf-8") for path in paths if {"molecule", "collections"}.isdisjoint(path.parts)]
