# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to runs that are killed, cut off or kept waiting: the next one makes the cluster, and only one of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import TalosError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import access, machine
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.errors import Cause
from ansible_collections.urmanac.talos.plugins.modules import talos_apply, talos_upgrade
from lab.talos.node import TalosNode
from tests.talos_config import bundle_text
from tests.talos_nodes import Cluster, bootstrapped, configured, error_on, machines, own_address, until
from tests.talos_run import started

THREE = [own_address(number) for number in (1, 2, 3)]


class Calls:
    """Every call that the nodes carried out, in order; kills the run after one of them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.kill: Callable[[], None] | None = None
        self.kill_after = 0

    def note(self, name: str) -> None:
        """Take down a call that was carried out and is not answered yet."""
        self.names.append(name)
        if self.kill and len(self.names) == self.kill_after:
            self.kill()


async def run_once(directory: Path, calls: Calls, *, kill_after: int = 0) -> int:
    """Run to the end, or until the call after which it is killed; return the exit code."""
    process = started(directory, THREE)
    assert process.pid
    calls.kill_after = kill_after
    calls.kill = lambda: os.kill(process.pid or 0, signal.SIGKILL)
    await asyncio.to_thread(process.join, 40)
    calls.kill = None
    return -99 if process.exitcode is None else process.exitcode


async def killed_then_repeated(directory: Path, kill_after: int) -> tuple[list[int], Calls, list[TalosNode]]:
    """Run twice, the first time killed, on nodes that are new."""
    calls = Calls()
    directory.mkdir()
    (directory / "secrets.yaml").write_text(bundle_text(), encoding="utf-8")
    (directory / "secrets.yaml").chmod(0o600)
    async with machines(directory / "machines", THREE) as nodes:
        for node in nodes:
            node.faults.on_call = calls.note
        codes = [await run_once(directory, calls, kill_after=kill_after)]
        await until(lambda: all(node.is_up for node in nodes))
        if codes[0]:
            codes.append(await run_once(directory, calls))
        await until(lambda: all(node.stage == "running" for node in nodes))
        return codes, calls, nodes


def test_a_run_killed_after_any_call_converges_on_the_next_with_one_bootstrap(tmp_path: Path) -> None:
    killed_after = 0
    codes = [-signal.SIGKILL]

    while codes[0] == -signal.SIGKILL:
        killed_after += 1
        work = killed_then_repeated(tmp_path / str(killed_after), killed_after)
        codes, calls, nodes = asyncio.run(work)
        where = f"killed after call {killed_after}, {calls.names[:killed_after]}, then {calls.names[killed_after:]}"
        assert codes in ([-signal.SIGKILL, 0], [0]), where
        assert calls.names.count("Bootstrap") == 1, where
        assert [node.state.etcd_began_from for node in nodes].count("nothing") == 1, where
        assert (tmp_path / str(killed_after) / "kubeconfig").exists(), where

    # Three dry runs, three configurations, three looks for etcd, its beginning, a look at it, and the kubeconfig.
    assert killed_after > 10


def applied(cluster: Cluster, address: str, **more: Any) -> Any:
    """Return the coroutine of one application."""
    params: dict[str, Any] = {
        **{"nodes": [address], "port": 50000, "timeout": 10, "talosconfig_context": None, "fingerprints": {}},
        **{"talosconfig": cluster.talosconfig(), "config": cluster.config().decode(), "configs": {}},
        **{"mode": "auto", "settle_timeout": 40, "wait_timeout": 0, **more},
    }
    return talos_apply.apply_to_all(params, check_mode=False)


def with_nodes(tmp_path: Path, scenario: Callable[[Sequence[TalosNode]], Any], count: int = 1) -> Any:
    async def work() -> Any:
        async with machines(tmp_path, THREE[:count]) as nodes:
            return await scenario(nodes)

    return asyncio.run(work())


def test_a_connection_cut_after_the_configuration_was_taken_is_settled_by_asking(tmp_path: Path) -> None:
    async def scenario(nodes: Sequence[TalosNode]) -> Any:
        cluster, calls = Cluster(), Calls()
        nodes[0].faults.cut_after_apply = True
        nodes[0].faults.on_call = calls.note
        outcomes = await applied(cluster, THREE[0])
        return outcomes[0], calls.names.count("ApplyConfiguration"), nodes[0].state.boots

    outcome, count, boots = with_nodes(tmp_path, scenario)

    assert (outcome.changed, outcome.error) == (True, "")
    # A dry run, the application, and one or more dry runs to read the result; never a second application.
    assert count >= 3
    assert boots == 2


def test_a_slow_node_is_a_deadline_and_not_a_node_that_is_down(tmp_path: Path) -> None:
    async def scenario(nodes: Sequence[TalosNode]) -> Any:
        nodes[0].faults.delay = 5
        return (await applied(Cluster(), THREE[0], timeout=1))[0]

    outcome = with_nodes(tmp_path, scenario)

    assert "no reply within 1 s" in outcome.error
    assert not outcome.changed


def test_a_slow_node_that_answers_in_time_is_configured(tmp_path: Path) -> None:
    async def scenario(nodes: Sequence[TalosNode]) -> Any:
        nodes[0].faults.delay = 0.3
        return (await applied(Cluster(), THREE[0]))[0]

    assert with_nodes(tmp_path, scenario).changed


def test_a_node_whose_clock_is_ahead_shows_a_certificate_that_is_not_valid_yet(tmp_path: Path) -> None:
    async def scenario(nodes: Sequence[TalosNode]) -> Any:
        cluster = Cluster()
        nodes[0].faults.clock_offset = 7200
        await configured(nodes, cluster)
        return await error_on(nodes[0], cluster.access(), machine.version)

    error = with_nodes(tmp_path, scenario)

    assert error.cause is Cause.OTHER_DATE
    assert "not valid yet. Compare the clocks" in str(error)


def test_a_node_whose_clock_is_behind_rejects_a_certificate_of_its_future(tmp_path: Path) -> None:
    """The simulation's TLS knows no clock but this machine's, so here the certificate is from the future."""

    async def scenario(nodes: Sequence[TalosNode]) -> Any:
        cluster = Cluster()
        await configured(nodes, cluster)
        way = access.cluster_access(cluster.credentials(begins=timedelta(hours=2)))
        return await error_on(nodes[0], way, machine.version)

    error = with_nodes(tmp_path, scenario)

    assert error.cause is Cause.CERTIFICATE_REJECTED
    assert "compare the clocks" in str(error)


def test_a_node_that_never_comes_back_is_reported_with_what_was_last_seen(tmp_path: Path) -> None:
    async def scenario(nodes: Sequence[TalosNode]) -> Any:
        cluster = Cluster()
        await bootstrapped(nodes, cluster)
        nodes[0].faults.never_returns = True
        way = cluster.access()._replace(connect_timeout=1)
        node = talos_upgrade.RealNode(THREE[0], way, 5)
        desired = talos_upgrade.Desired("registry.example.com/talos:v1.13.7", "v1.13.7", None, frozenset())
        await talos_upgrade.ensure_image(THREE[0], node, desired, timeout=2, check_mode=False)

    with pytest.raises(TalosError, match=rf"{THREE[0]}: it did not become ready\. Last state: .*refused.*ttyS0"):
        with_nodes(tmp_path, scenario, 3)


def test_a_configuration_whose_fate_stays_unknown_is_reported_as_such(tmp_path: Path) -> None:
    async def scenario(nodes: Sequence[TalosNode]) -> Any:
        calls, ended = Calls(), []

        def die(name: str) -> None:
            # The second one is the application: a node that still answered behind it would settle the question.
            calls.note(name)
            if calls.names.count("ApplyConfiguration") == 2:
                ended.append(asyncio.ensure_future(nodes[0].stop()))

        nodes[0].faults.cut_after_apply = True
        nodes[0].faults.on_call = die
        outcome = (await applied(Cluster(), THREE[0], settle_timeout=3))[0]
        await asyncio.gather(*ended)
        return outcome

    outcome = with_nodes(tmp_path, scenario)

    assert THREE[0] in outcome.error
    assert "refused" in outcome.error
