# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying configurations: new, second run, drift, check mode, diff and failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError, TalosError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.errors import Cause, NodeError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.machine import Applied
from ansible_collections.urmanac.talos.plugins.modules import talos_apply
from ansible_collections.urmanac.talos.plugins.modules.talos_apply import Observed, Outcome, Request, ensure_config

NEW = b"machine:\n    token: abcdef.0123456789abcdef\n    sysctls:\n        a: '2'\n"
REQUEST = Request(NEW, "auto", settle_timeout=0.0, wait_timeout=0.0, check_mode=False)


class FakeNode:
    """A node in memory, whose calls can be made to fail one by one."""

    def __init__(
        self,
        config: bytes | None = None,
        *,
        fails: list[Exception | None] | None = None,
        hides: list[Exception] | None = None,
    ) -> None:
        self.config = config
        self.applies = 0
        self._fails = fails or []
        self._hides = hides or []

    async def show(self, config: bytes, mode: str) -> Observed:
        if self._hides:
            raise self._hides.pop(0)
        changes = self.config != config
        text = "Dry run summary:\nok\nConfig diff:\n\n" + (
            "+    token: abcdef.0123456789abcdef" if changes else "No changes."
        )
        return Observed("running" if self.config else "maintenance", changes, "no_reboot", text)

    async def apply(self, config: bytes, mode: str) -> Applied:
        self.applies += 1
        error = self._fails.pop(0) if self._fails else None
        if error is None or getattr(error, "cause", None) is Cause.CUT:
            self.config = config
        if error:
            raise error
        return Applied("no_reboot", "", ["old field"])


def error(cause: Cause, detail: str = "") -> NodeError:
    return NodeError("n", "ApplyConfiguration", cause, detail)


def ensured(node: FakeNode, wanted: Request = REQUEST) -> Outcome:
    return asyncio.run(ensure_config("192.0.2.1", node, wanted))


def test_a_new_node_gets_its_configuration() -> None:
    node = FakeNode()

    outcome = ensured(node)

    assert (outcome.changed, outcome.was, outcome.mode) == (True, "maintenance", "no_reboot")
    assert outcome.warnings == ("old field",)
    assert node.config == NEW


def test_a_second_run_changes_nothing() -> None:
    node = FakeNode(NEW)

    outcome = ensured(node)

    assert (outcome.changed, outcome.diff, node.applies) == (False, "", 0)


def test_drift_is_put_right() -> None:
    assert ensured(FakeNode(b"machine: {}")).changed


def test_check_mode_sends_nothing() -> None:
    node = FakeNode()

    outcome = ensured(node, REQUEST._replace(check_mode=True))

    assert (outcome.changed, node.applies, node.config) == (True, 0, None)


def test_the_diff_holds_no_secret() -> None:
    outcome = ensured(FakeNode())

    assert "token: (redacted)" in outcome.diff
    assert "0123456789abcdef" not in outcome.diff


def test_certificates_are_left_out_of_a_diff() -> None:
    diff = talos_apply.shown_diff("Config diff:\n\n-    crt: b2xk\n+    crt: bmV3\n+    a: b\n", NEW)

    assert diff == "-    crt: (redacted)\n+    crt: (redacted)\n+    a: b\n"


def test_a_cut_connection_is_settled_by_asking() -> None:
    node = FakeNode(fails=[error(Cause.CUT)])

    assert ensured(node, REQUEST._replace(settle_timeout=60)).changed
    assert node.applies == 1


class LateNode(FakeNode):
    """A node that leaves maintenance mode only after it was asked whether it has the configuration."""

    def __init__(self, refusal: Cause) -> None:
        super().__init__()
        self._refusal = refusal

    async def apply(self, config: bytes, mode: str) -> Applied:
        self.applies += 1
        if self.applies == 1:
            raise error(Cause.CUT)
        self.config = config
        raise error(self._refusal)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(Cause.PERMISSION_DENIED, id="the connection of maintenance mode is still open"),
        pytest.param(Cause.MAINTENANCE, id="its API does not know the cluster yet"),
        pytest.param(Cause.CONFIGURED, id="it wants a client certificate"),
    ],
)
def test_a_node_that_leaves_maintenance_mode_after_a_cut_is_asked_again(refusal: Cause) -> None:
    node = LateNode(refusal)

    assert ensured(node, REQUEST._replace(settle_timeout=60)).changed
    assert (node.applies, node.config) == (2, NEW)


class Connections:
    """The answers to attempts to connect, each an error or None; keeps whether each had no credentials."""

    def __init__(self, *answers: Cause | None) -> None:
        self.answers = list(answers)
        self.attempts: list[bool] = []

    @asynccontextmanager
    async def __call__(self, address: str, way: Any, *, slots: Any = None) -> AsyncIterator[str]:
        self.attempts.append(way.is_maintenance)
        if cause := self.answers.pop(0):
            raise error(cause)
        yield "connection"


def connected_by(connections: Connections) -> str:
    """Connect with credentials and without, and return the state in which the node was found."""
    ways = [SimpleNamespace(is_maintenance=False), SimpleNamespace(is_maintenance=True)]

    async def work() -> str:
        async with talos_apply.RealNode("n", ways, connected=connections) as node:
            return str(await node._do(asked))

    async def asked(_connection: Any, was: str) -> str:
        return was

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("answers", "was"),
    [
        pytest.param((None,), "running", id="configured"),
        pytest.param((Cause.MAINTENANCE, None), "maintenance", id="in maintenance mode"),
        pytest.param((Cause.MAINTENANCE, Cause.CONFIGURED, None), "running", id="configured between two attempts"),
    ],
)
def test_a_node_is_connected_to_as_it_is(answers: tuple[Cause | None, ...], was: str) -> None:
    connections = Connections(*answers)

    assert connected_by(connections) == was
    assert connections.attempts == [False, True, False][: len(answers)]


def test_a_node_that_leaves_maintenance_mode_is_connected_to_again() -> None:
    connections = Connections(Cause.MAINTENANCE, None, None)
    ways = [SimpleNamespace(is_maintenance=False), SimpleNamespace(is_maintenance=True)]

    async def asked(_connection: Any, was: str) -> str:
        if was == "maintenance":
            raise error(Cause.PERMISSION_DENIED)
        return was

    async def work() -> str:
        async with talos_apply.RealNode("n", ways, connected=connections) as node:
            with pytest.raises(NodeError):
                await node._do(asked)
            return str(await node._do(asked))

    assert asyncio.run(work()) == "running"
    assert connections.attempts == [False, True, False]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param((Cause.OTHER_AUTHORITY,), id="of another cluster"),
        pytest.param((Cause.MAINTENANCE, Cause.OTHER_PIN), id="another key"),
        pytest.param((Cause.MAINTENANCE, Cause.CONFIGURED, Cause.MAINTENANCE), id="back in maintenance mode"),
    ],
)
def test_a_node_that_accepts_no_way_of_access_is_reported_with_its_last_answer(answers: tuple[Cause, ...]) -> None:
    connections = Connections(*answers)

    with pytest.raises(NodeError) as caught:
        connected_by(connections)

    assert (caught.value.cause, connections.answers) == (answers[-1], [])


def test_a_node_that_permits_nothing_from_the_beginning_is_an_error_at_once() -> None:
    node = FakeNode(fails=[error(Cause.PERMISSION_DENIED)])

    with pytest.raises(NodeError, match="ApplyConfiguration"):
        ensured(node, REQUEST._replace(settle_timeout=60))
    assert node.applies == 1


def test_a_node_that_goes_away_before_it_gets_the_configuration_gets_it_when_it_is_back() -> None:
    node = FakeNode(fails=[error(Cause.CLOSED)])

    assert ensured(node, REQUEST._replace(settle_timeout=60)).changed
    assert (node.applies, node.config) == (2, NEW)


def test_a_node_that_is_rebooting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talos_apply, "_DOWN_PAUSE", 0)
    node = FakeNode(hides=[error(Cause.REFUSED), error(Cause.CLOSED), error(Cause.TIMEOUT)])

    assert ensured(node, REQUEST._replace(wait_timeout=60)).changed
    assert node.config == NEW


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        pytest.param(REQUEST, Cause.REFUSED, id="no patience"),
        pytest.param(REQUEST._replace(wait_timeout=60, check_mode=True), Cause.REFUSED, id="check mode"),
        pytest.param(REQUEST._replace(wait_timeout=60), Cause.OTHER_AUTHORITY, id="another cluster's node"),
    ],
)
def test_a_node_that_does_not_answer_is_reported_at_once(wanted: Request, cause: Cause) -> None:
    with pytest.raises(NodeError):
        ensured(FakeNode(hides=[error(cause)]), wanted)


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(Cause.INVALID_ARGUMENT, id="invalid configuration"),
        pytest.param(Cause.PERMISSION_DENIED, id="not an administrator"),
    ],
)
def test_a_refusal_is_not_tried_again(cause: Cause) -> None:
    node = FakeNode(fails=[error(cause)])

    with pytest.raises(NodeError):
        ensured(node, REQUEST._replace(settle_timeout=60))
    assert node.applies == 1


def test_a_node_that_accepts_a_configuration_and_keeps_its_own_is_reported() -> None:
    class Forgetful(FakeNode):
        async def apply(self, config: bytes, mode: str) -> Applied:
            self.applies += 1
            return Applied("no_reboot", "", [])

    with pytest.raises(TalosError, match=r"Failed to configure 192.0.2.1: it accepted .* still has another one"):
        ensured(Forgetful(b"machine: {}"))


def test_another_apply_in_progress_is_waited_for() -> None:
    busy = error(Cause.FAILED_PRECONDITION, "another apply configuration is already in progress")
    node = FakeNode(fails=[busy])

    ensured(node, REQUEST._replace(settle_timeout=60))

    assert node.applies == 2


def test_nodes_without_a_configuration_are_all_reported() -> None:
    params: dict[str, Any] = {"nodes": ["a", "b", "c"], "config": None, "configs": {"b": "x"}}

    with pytest.raises(InputError, match="for a, c"):
        talos_apply.configs_of(params)


def test_staged_documents_are_compared_by_content() -> None:
    assert talos_apply.same_documents("machine: {token: abcdef.0123456789abcdef, sysctls: {a: '2'}}", NEW)
    assert not talos_apply.same_documents(None, NEW)
