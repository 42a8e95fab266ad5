#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply configurations to Talos nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_apply
version_added: 0.1.0
short_description: Apply configurations to Talos nodes
description:
  - Sends machine configurations to many nodes in parallel, in maintenance mode or configured already.
  - A dry run on the node shows whether the configuration differs from the current one. If not, nothing is sent.
  - If a running node applies a configuration without a reboot, the module verifies that the node has it.
  - If the connection is lost after the configuration was sent, the module queries the node until the result is known.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.talos
  - urmanac.talos.attributes
attributes:
  check_mode:
    details:
      - Uses the node's dry run. Talos reverts a pending configuration of mode C(try) on any other call, including a
        dry run.
  diff_mode:
    details:
      - Returns the node's diff, without secrets.
options:
  config:
    description: Configuration of all O(nodes) as YAML text, with all its documents.
    type: str
  configs:
    description: Configurations by node, for nodes with different configurations; overrides O(config).
    type: dict
    default: {}
  mode:
    description:
      - V(auto) lets the node choose. Up to Talos v1.13 it reboots if necessary.
      - V(no_reboot) fails if a reboot is needed.
      - V(staged) keeps the configuration for the next boot.
    type: str
    choices: [auto, no_reboot, staged]
    default: auto
  fingerprints:
    description:
      - Required fingerprints of the public keys of nodes in maintenance mode, by node.
      - See RV(urmanac.talos.talos_info#module:nodes).
    type: dict
    default: {}
  settle_timeout:
    description: Seconds to wait until a node has the configuration that was sent to it.
    type: float
    default: 120
  wait_timeout:
    description:
      - Seconds to retry a node that does not answer, because it may be rebooting after an interrupted run.
      - Check mode does not wait.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Configure the nodes
  urmanac.talos.talos_apply:
    nodes:
      - 192.0.2.101
      - 192.0.2.102
    configs:
      192.0.2.101: "{{ lookup('ansible.builtin.file', 'secrets/gateway.yaml') }}"
      192.0.2.102: "{{ lookup('ansible.builtin.file', 'secrets/compute-2.yaml') }}"
    talosconfig: secrets/talosconfig
"""

RETURN = r"""
nodes:
  description: The result of each node, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    node:
      description: Address as given.
      type: str
      sample: 192.0.2.101
    changed:
      description: Whether its configuration was, or would be, changed.
      type: bool
      sample: true
    was:
      description: Stage of the node before, V(maintenance) or V(running).
      type: str
      sample: maintenance
    mode:
      description: Mode that the node chose; V(reboot) when it reboots.
      type: str
      sample: no_reboot
    warnings:
      description: Warnings of the node.
      type: list
      elements: str
      sample: []
    error:
      description: Why it failed; empty if it did not.
      type: str
      sample: ""
    code:
      description: The code of the error, as docs/codes.md explains it; empty if it did not fail.
      type: str
      sample: ""
"""

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

from ansible.module_utils.common.yaml import yaml_load_all

from ..module_utils._errors import CollectionError, InputError, TalosError, failure_of
from ..module_utils._findings import Finding
from ..module_utils._talos.api.errors import Cause, NodeError
from ..module_utils._talos.api.module import (
    all_of,
    cluster_way,
    maintenance_way,
    node_module,
)
from ..module_utils._talos.config.redact import is_secret_name, redact
from ..module_utils._text import received

MISSING: ImportError | None = None
try:
    import yaml

    from ..module_utils._talos.api import client, machine
except ImportError as error:
    MISSING = error


_CONFIRM_PAUSE = 0.2
_DOWN_PAUSE = 1
# How a node that leaves maintenance mode refuses a client that found it there: the call, the connection with a client
# certificate, or the one without, depending on when the node's API changes.
_LEAVES_MAINTENANCE = (Cause.PERMISSION_DENIED, Cause.MAINTENANCE, Cause.CONFIGURED)


class Node(Protocol):
    """The methods of a node that are needed; both detect maintenance mode themselves."""

    async def show(self, config: bytes, mode: str) -> Observed:
        """Return the node's dry run of the configuration."""

    async def apply(self, config: bytes, mode: str) -> machine.Applied:
        """Apply the configuration to the node."""


class Observed(NamedTuple):
    """A node's dry run of a configuration."""

    was: str
    changes: bool
    mode: str
    diff: str


class Outcome(NamedTuple):
    """The result of one node."""

    node: str
    changed: bool = False
    was: str = ""
    mode: str = ""
    warnings: tuple[str, ...] = ()
    diff: str = ""
    error: str = ""
    problems: tuple[Finding, ...] = ()


class Request(NamedTuple):
    """The wanted configuration of a node, and how to apply it."""

    config: bytes
    mode: str
    settle_timeout: float
    wait_timeout: float
    check_mode: bool
    shows_diff: bool = True


class RealNode:
    """A node at an address, called with credentials if it is configured, without in maintenance mode.

    One connection serves all calls until it fails.
    """

    def __init__(
        self, address: str, ways: Iterable[Any], slots: asyncio.Semaphore | None = None, *, connected: Any = None
    ) -> None:
        self._address = address
        self._connected = connected or client.connected
        self._ways = list(ways)
        self._slots = slots
        self._open = AsyncExitStack()
        self._connection: client.NodeClient | None = None
        self._was = ""

    async def __aenter__(self) -> RealNode:
        """Store the address; the first call opens the connection."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close the connection."""
        self._connection = None
        await self._open.aclose()

    async def _do(self, work: Any) -> Any:
        if self._connection is None:
            await self._connect()
        try:
            return await work(self._connection, self._was)
        except NodeError as error:
            # Once a node has left maintenance mode, a connection of before is refused for ever.
            has_left = self._was == "maintenance" and error.cause in _LEAVES_MAINTENANCE
            if error.cause.is_down or error.cause.is_unknown or has_left:
                await self.__aexit__()
            raise

    async def _connect(self) -> None:
        # With credentials, without, and with them again: the node may leave maintenance mode after the first attempt.
        attempts = [*self._ways, *self._ways[:-1]]
        for way, expected in zip_longest(attempts, [Cause.MAINTENANCE, Cause.CONFIGURED][: len(attempts) - 1]):
            try:
                self._connection = await self._open.enter_async_context(
                    self._connected(self._address, way, slots=self._slots)
                )
            except NodeError as error:
                if error.cause is not expected:
                    raise
            else:
                self._was = "maintenance" if way.is_maintenance else "running"
                return

    async def show(self, config: bytes, mode: str) -> Observed:
        """Return the node's dry run of the configuration."""

        async def work(connection: client.NodeClient, was: str) -> Observed:
            shown = await machine.apply(connection, config, mode="auto", dry_run=True)
            if mode == "staged" and was == "running":
                kept = await machine.machine_config(connection, machine.PERSISTENT)
                return Observed(was, not same_documents(kept, config), mode, shown.details)
            return Observed(was, shown.changes, shown.mode, shown.details)

        observed: Observed = await self._do(work)
        return observed

    async def apply(self, config: bytes, mode: str) -> machine.Applied:
        """Apply the configuration; in maintenance mode, AUTO is the only mode that every release accepts."""

        async def work(connection: client.NodeClient, was: str) -> machine.Applied:
            return await machine.apply(connection, config, mode="auto" if was == "maintenance" else mode)

        applied: machine.Applied = await self._do(work)
        return applied


def same_documents(kept: str | None, config: bytes) -> bool:
    """Return whether both contain the same documents, regardless of formatting."""
    return kept is not None and list(yaml.safe_load_all(kept)) == list(yaml.safe_load_all(config))


def secrets_in(document: Any) -> set[str]:
    """Return the values of keys whose names mark secrets."""
    if isinstance(document, list):
        return set().union(*(secrets_in(item) for item in document))
    if not isinstance(document, Mapping):
        return set()
    own = {str(value) for key, value in document.items() if is_secret_name(str(key)) and isinstance(value, str)}
    return own.union(*(secrets_in(value) for value in document.values()))


def secrets_of(config: bytes) -> set[str]:
    """Return the secret values of the configuration."""
    return secrets_in(list(yaml_load_all(config)))


def shown_diff(details: str, config: bytes) -> str:
    """Return the node's diff without secrets and without the surrounding text."""
    diff = re.sub(r"(\bcrt: *)\S+", r"\1(redacted)", details.partition("Config diff:\n\n")[2] or details)
    # Redact first, because secrets are recognised by their characters.
    return str(received(redact(diff, known=secrets_of(config))))


async def ensure_config(address: str, node: Node, request: Request) -> Outcome:
    """Apply the configuration to the node and return the result."""
    observed = await show_with_retry(node, request)
    outcome = Outcome(address, observed.changes, observed.was, observed.mode)
    if not observed.changes:
        return outcome
    if request.shows_diff:
        outcome = outcome._replace(diff=shown_diff(observed.diff, request.config))
    if request.check_mode:
        return outcome
    applied = await apply_with_retry(node, request)
    if applied and (observed.was, applied.mode) == ("running", "no_reboot"):
        await confirm(address, node, request)
    return outcome._replace(mode=applied.mode, warnings=tuple(applied.warnings)) if applied else outcome


async def show_with_retry(node: Node, request: Request) -> Observed:
    """Return the dry run; retry while the node is down, because it may be rebooting."""
    end = time.monotonic() + (0 if request.check_mode else request.wait_timeout)
    cuts = 0
    while True:
        try:
            return await node.show(request.config, request.mode)
        except NodeError as error:
            cuts += error.cause is Cause.CUT
            waits = error.cause.is_down and time.monotonic() < end
            if not waits and (error.cause is not Cause.CUT or cuts > 1):
                raise
        await asyncio.sleep(_DOWN_PAUSE if waits else 0)


async def apply_with_retry(node: Node, request: Request) -> machine.Applied | None:
    """Apply the configuration; after a lost connection, query the node until the result is known."""
    end = time.monotonic() + request.settle_timeout
    was_cut = False
    while True:
        try:
            return await node.apply(request.config, request.mode)
        except NodeError as error:
            in_progress = error.cause is Cause.FAILED_PRECONDITION and "in progress" in error.detail
            # It answered a moment ago: if it is down now, it may be rebooting into the configuration.
            unsettled = error.cause.is_unknown or error.cause.is_down
            # A node that got the configuration before the connection was lost leaves maintenance mode.
            unsettled = unsettled or (was_cut and error.cause in _LEAVES_MAINTENANCE)
            was_cut = was_cut or unsettled
            if time.monotonic() > end or not (unsettled or in_progress):
                raise
            if unsettled and await has_config(node, request, end):
                return None
        await asyncio.sleep(1)


async def confirm(address: str, node: Node, request: Request) -> None:
    """Query the node over the same connection until it has the configuration that it accepted."""
    end = time.monotonic() + request.settle_timeout
    while not await has_config(node, request, end):
        if time.monotonic() > end:
            raise TalosError(
                f"Failed to configure {address}: it accepted the configuration and still has another one after "
                f"{request.settle_timeout:g} s. Find the other program that applies configurations to it."
            )
        await asyncio.sleep(_CONFIRM_PAUSE)


async def has_config(node: Node, request: Request, end: float) -> bool:
    """Return whether the node has the configuration; retry while it is rebooting."""
    while True:
        try:
            return not (await node.show(request.config, request.mode)).changes
        except NodeError:
            # A rebooting node may fail in any way, so errors count only at the timeout.
            if time.monotonic() > end:
                raise
        await asyncio.sleep(1)


def known_secrets(config: bytes) -> set[str]:
    """Return the secret values of a configuration that may be invalid YAML."""
    try:
        return secrets_of(config)
    except yaml.YAMLError:
        return set()


def configs_of(params: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the configuration of every node; raise for all nodes without one."""
    texts = {node: params["configs"].get(node) or params["config"] for node in params["nodes"]}
    missing = [node for node, text in texts.items() if not text]
    if missing:
        names = ", ".join(missing)
        raise InputError(
            f"Failed to apply: no configuration is set for {names}. Set the option config or configs.",
            code="INPUT_MISSING",
        )
    return {node: str(text).encode() for node, text in texts.items()}


async def apply_to_all(params: Mapping[str, Any], *, check_mode: bool, shows_diff: bool = True) -> list[Outcome]:
    """Apply the configurations to all nodes in parallel."""
    known = [cluster_way(params)] if params["talosconfig"] else []
    without_credentials = maintenance_way(params)
    slots = asyncio.Semaphore(client.CONNECTS_AT_ONCE)

    async def one(address: str, config: bytes) -> Outcome:
        # All nodes share the TLS settings: creating them takes longer than a handshake.
        ways = [*known, without_credentials._replace(fingerprint=params["fingerprints"].get(address))]
        request = Request(
            config, params["mode"], params["settle_timeout"], params["wait_timeout"], check_mode, shows_diff
        )
        try:
            async with RealNode(address, ways, slots) as node:
                return await ensure_config(address, node, request)
        except CollectionError as error:
            secrets = known_secrets(config)
            problems = tuple(
                replace(one, message=redact(one.message, known=secrets), subject=redact(one.subject, known=secrets))
                for one in error.problems
            )
            return Outcome(address, error=redact(str(error), known=secrets), problems=problems)

    return list(await asyncio.gather(*(one(*pair) for pair in configs_of(params).items())))


def result_of(outcomes: list[Outcome], *, with_diff: bool) -> dict[str, Any]:
    """Return the module's result."""
    shown = [name for name in Outcome._fields if name not in ("diff", "problems")]
    nodes = [
        {**{name: getattr(one, name) for name in shown}, "code": one.problems[0].code if one.problems else ""}
        for one in outcomes
    ]
    result: dict[str, Any] = {"changed": any(one.changed for one in outcomes), "nodes": nodes}
    if with_diff:
        result["diff"] = [{"prepared": f"# {one.node}\n{one.diff}"} for one in outcomes if one.diff]
    return result


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "config": {"type": "str", "no_log": True},
        "configs": {"type": "dict", "default": {}, "no_log": True},
        "mode": {"type": "str", "choices": ["auto", "no_reboot", "staged"], "default": "auto"},
        "fingerprints": {"type": "dict", "default": {}},
        "settle_timeout": {"type": "float", "default": 120},
        "wait_timeout": {"type": "float", "default": 60},
    }
    module = node_module(MISSING, **options)
    try:
        work = apply_to_all(module.params, check_mode=module.check_mode, shows_diff=module._diff)
        outcomes = asyncio.run(work)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    result = result_of(outcomes, with_diff=module._diff)
    errors = [TalosError(one.error, problems=one.problems) for one in outcomes if one.error]
    if errors:
        module.fail_json(**failure_of(all_of(errors)), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
