# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other modules for Talos nodes, against nodes in memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError, TalosError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.errors import Cause, NodeError
from ansible_collections.urmanac.talos.plugins.modules import (
    talos_bootstrap,
    talos_etcd_snapshot,
    talos_info,
    talos_reset,
    talos_upgrade,
)
from tests.talos_nodes import Cluster, bootstrapped, machines, own_address, until


def error(cause: Cause) -> NodeError:
    return NodeError("a", "Call", cause, "some reason")


# talos_bootstrap


class FakeNodes:
    """Control planes in memory."""

    def __init__(self, etcd: Mapping[str, bool | Exception], *, fails: list[NodeError] | None = None) -> None:
        self.states = dict(etcd)
        self.fails = fails or []
        self.bootstraps = 0

    async def etcd(self) -> Mapping[str, bool | Exception]:
        return self.states

    async def bootstrap(self, node: str, snapshot: bytes | None) -> None:
        self.bootstraps += 1
        failure = self.fails.pop(0) if self.fails else None
        if failure is None or failure.cause is Cause.CUT or failure.cause is Cause.ALREADY_EXISTS:
            self.states[node] = True
        if failure:
            raise failure


def bootstrap(nodes: FakeNodes, **options: Any) -> talos_bootstrap.Done:
    wanted: dict[str, Any] = {"timeout": 5, "check_mode": False, **options}
    return asyncio.run(talos_bootstrap.ensure_bootstrapped(nodes, "a", None, **wanted))


def test_etcd_begins_on_the_first_node() -> None:
    nodes = FakeNodes({"a": False, "b": False})

    assert bootstrap(nodes) == (True, "a")
    assert nodes.bootstraps == 1


def test_a_cluster_that_has_etcd_is_left_alone() -> None:
    nodes = FakeNodes({"a": False, "b": True})

    assert bootstrap(nodes) == (False, "b")
    assert nodes.bootstraps == 0


def test_a_node_that_does_not_answer_stops_the_bootstrap() -> None:
    nodes = FakeNodes({"a": False, "b": error(Cause.REFUSED)})

    with pytest.raises(TalosError, match="nodes did not report whether they have etcd"):
        bootstrap(nodes)
    assert nodes.bootstraps == 0


def test_check_mode_begins_nothing() -> None:
    nodes = FakeNodes({"a": False})

    assert bootstrap(nodes, check_mode=True).changed
    assert nodes.bootstraps == 0


@pytest.mark.parametrize(
    ("fails", "changed", "calls"),
    [
        pytest.param([Cause.FAILED_PRECONDITION], True, 2, id="clock not set yet"),
        pytest.param([Cause.ALREADY_EXISTS], False, 1, id="another controller was first"),
        pytest.param([Cause.CUT, Cause.ALREADY_EXISTS], True, 2, id="carried out, and the reply lost"),
    ],
)
def test_a_bootstrap_is_settled(fails: list[Cause], changed: bool, calls: int) -> None:
    nodes = FakeNodes({"a": False}, fails=[error(cause) for cause in fails])

    assert bootstrap(nodes).changed is changed
    assert nodes.bootstraps == calls


def test_a_node_that_turns_out_to_belong_to_another_cluster_ends_the_wait_for_etcd_at_once() -> None:
    class Swapped(FakeNodes):
        async def bootstrap(self, node: str, snapshot: bytes | None) -> None:
            self.states[node] = error(Cause.OTHER_AUTHORITY)

    with pytest.raises(NodeError) as raised:
        asyncio.run(asyncio.wait_for(_began(Swapped({"a": False})), timeout=5))

    assert raised.value.cause is Cause.OTHER_AUTHORITY


async def _began(nodes: FakeNodes) -> talos_bootstrap.Done:
    return await talos_bootstrap.ensure_bootstrapped(nodes, "a", None, timeout=60, check_mode=False)


# talos_upgrade


class FakeNode:
    """A node in memory that takes an image's version."""

    def __init__(
        self,
        version: str = "v1.13.6",
        *,
        unmet: Sequence[str] = (),
        after: str = "v1.13.7",
        unmet_after: Sequence[str] = (),
        looks: int = 0,
    ) -> None:
        self.seen = talos_upgrade.Observed(version, {"spin": "1"}, "running", frozenset(unmet), 1)
        self.after = after
        self.unmet_after = frozenset(unmet_after)
        self.looks = looks
        self.installs = 0

    async def look(self) -> talos_upgrade.Observed:
        if self.installs:
            self.looks -= 1
            unmet = self.unmet_after if self.looks >= 0 else frozenset()
            self.seen = self.seen._replace(unmet=unmet)
        return self.seen

    async def install(self, image: str) -> bool:
        self.installs += 1
        self.seen = self.seen._replace(version=self.after, boot_time=2)
        return True


DESIRED = talos_upgrade.Desired("r.example.com/talos:v1.13.7", "v1.13.7", None, frozenset({"spin"}))


def upgrade(
    node: FakeNode, *, check_mode: bool = False, timeout: float = 5, desired: talos_upgrade.Desired = DESIRED
) -> dict[str, Any]:
    return asyncio.run(talos_upgrade.ensure_image("a", node, desired, timeout=timeout, check_mode=check_mode))


@pytest.mark.parametrize(
    ("version", "check_mode", "changed", "installs"),
    [
        pytest.param("v1.13.6", False, True, 1, id="older"),
        pytest.param("v1.13.7", False, False, 0, id="second run"),
        pytest.param("v1.13.6", True, True, 0, id="check mode"),
    ],
)
def test_an_image_is_installed_where_it_is_missing(
    version: str, check_mode: bool, changed: bool, installs: int
) -> None:
    node = FakeNode(version)

    assert upgrade(node, check_mode=check_mode)["changed"] is changed
    assert node.installs == installs


@pytest.mark.parametrize("version", [pytest.param("v1.13.7", id="same version"), pytest.param(None, id="no version")])
def test_force_installs_an_image_that_does_not_differ(version: str | None) -> None:
    node = FakeNode("v1.13.7")

    assert upgrade(node, desired=DESIRED._replace(version=version, force=True))["changed"]
    assert node.installs == 1


@pytest.mark.parametrize("check_mode", [False, True])
def test_no_node_is_upgraded_where_one_would_skip_a_minor_version(check_mode: bool) -> None:
    nodes = {"a": FakeNode("v1.13.6"), "b": FakeNode("v1.11.5")}

    with pytest.raises(
        InputError, match=r"no node was changed\. b: v1\.11\.5 -> v1\.13\.7: upgrade to v1\.12\.x first"
    ):
        asyncio.run(talos_upgrade.upgrade_all(nodes, DESIRED, 5, check_mode=check_mode))
    assert [node.installs for node in nodes.values()] == [0, 0]


def test_nodes_are_upgraded_in_the_order_given() -> None:
    nodes = {"b": FakeNode("v1.12.6"), "a": FakeNode("v1.13.7")}

    done = asyncio.run(talos_upgrade.upgrade_all(nodes, DESIRED, 5, check_mode=False))

    assert [(one["node"], one["changed"]) for one in done] == [("b", True), ("a", False)]


def test_a_node_that_is_not_healthy_is_not_upgraded() -> None:
    with pytest.raises(TalosError, match="it is not healthy"):
        upgrade(FakeNode(unmet=["services"]))


def test_a_node_that_waits_for_its_container_network_is_upgraded() -> None:
    node = FakeNode(unmet=["nodeReady"], unmet_after=["nodeReady"], looks=100)

    assert upgrade(node)["changed"]


def test_a_node_that_was_ready_is_waited_for_until_it_is_ready_again() -> None:
    node = FakeNode(unmet_after=["nodeReady"], looks=1)

    assert upgrade(node)["drained"]
    assert node.looks < 0


def test_a_node_that_does_not_get_ready_again_fails_with_what_was_last_seen() -> None:
    with pytest.raises(TalosError, match=r"Last state: running, version v1\.13\.7, rebooted, waits for nodeReady"):
        upgrade(FakeNode(unmet_after=["nodeReady"], looks=100), timeout=0.5)


def test_a_node_of_another_cluster_at_its_address_ends_the_wait_for_an_upgrade_at_once() -> None:
    class Swapped(FakeNode):
        async def look(self) -> talos_upgrade.Observed:
            if self.installs:
                raise error(Cause.OTHER_AUTHORITY)
            return self.seen

    async def upgraded() -> None:
        await asyncio.wait_for(
            talos_upgrade.ensure_image("a", Swapped(), DESIRED, timeout=60, check_mode=False), timeout=5
        )

    with pytest.raises(NodeError) as raised:
        asyncio.run(upgraded())

    assert raised.value.cause is Cause.OTHER_AUTHORITY


def test_an_image_with_another_version_in_it_is_reported() -> None:
    with pytest.raises(TalosError, match=r"came back with v1\.13\.5"):
        upgrade(FakeNode(after="v1.13.5"))


def test_a_missing_extension_counts_as_a_difference() -> None:
    seen = talos_upgrade.Observed("v1.13.7", {}, "running", frozenset(), 1)

    assert not talos_upgrade.is_there(seen, DESIRED)


@pytest.mark.parametrize("name", ["@sha256:" + "0" * 64, ":vanilla", ":latest", ""])
def test_an_image_whose_tag_names_no_version_needs_the_version_given(name: str) -> None:
    params: dict[str, Any] = {
        "image": f"r.example.com:5000/talos{name}",
        "version": None,
        "schematic": None,
        "extensions": [],
        "force": False,
    }

    with pytest.raises(InputError, match="Set the option version"):
        talos_upgrade.desired_of(params)
    assert talos_upgrade.desired_of({**params, "force": True}).version is None


# talos_reset


class FakeVictim:
    """A node in memory that can be wiped."""

    def __init__(self, *, configured: bool, arguments: str | None = None, returns: bool = True) -> None:
        self.configured = configured
        self.arguments = arguments
        self.returns = returns

    async def is_in_maintenance(self) -> bool:
        return not self.configured

    async def kernel_arguments(self) -> str | None:
        return self.arguments

    async def reset(self) -> None:
        self.configured = not self.returns


@pytest.mark.parametrize(
    ("configured", "check_mode", "changed", "after"),
    [
        pytest.param(True, False, True, False, id="configured"),
        pytest.param(False, False, False, False, id="second run"),
        pytest.param(True, True, True, True, id="check mode"),
    ],
)
def test_a_reset_wipes_once(configured: bool, check_mode: bool, changed: bool, after: bool) -> None:
    node = FakeVictim(configured=configured)

    assert asyncio.run(talos_reset.ensure_reset("a", node, wait_timeout=5, check_mode=check_mode)) is changed
    assert node.configured is after


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        pytest.param(
            "talos.platform=metal console=ttyAMA0 console=tty0",
            r"does not show the cause: Talos writes to ttyAMA0 and tty0, and EC2 shows ttyS0 only.*terminate",
            id="no serial console",
        ),
        pytest.param(
            "talos.platform=metal console=ttyS0",
            r"See its console for the cause: aws ec2 get-console-output",
            id="a serial one",
        ),
        pytest.param(None, r"only if the image was made with customization.*console=ttyS0", id="not known"),
    ],
)
def test_a_node_that_a_reset_does_not_bring_back_names_what_its_console_can_show(
    arguments: str | None, remedy: str
) -> None:
    node = FakeVictim(configured=True, arguments=arguments, returns=False)

    with pytest.raises(TalosError, match=rf"Failed to reset a: it is not in maintenance mode.*{remedy}"):
        asyncio.run(talos_reset.ensure_reset("a", node, wait_timeout=0.1, check_mode=False))


def test_a_reset_must_be_confirmed() -> None:
    with pytest.raises(InputError, match="the option confirm is not true"):
        talos_reset.check({"confirm": False})


# talos_etcd_snapshot


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content[:100]
    yield content[100:]


def test_a_whole_snapshot_is_kept(tmp_path: Path) -> None:
    body = b"x" * 1024

    asyncio.run(talos_etcd_snapshot.keep(_pieces(body + hashlib.sha256(body).digest()), tmp_path / "s"))

    assert (tmp_path / "s").stat().st_size == 1056
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"x" * 500, id="cut short"), pytest.param(b"x" * 1056, id="damaged"), pytest.param(b"", id="empty")],
)
def test_a_broken_snapshot_does_not_replace_a_good_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s").write_text("good")

    with pytest.raises(TalosError, match="its checksum does not match"):
        asyncio.run(talos_etcd_snapshot.keep(_pieces(content), tmp_path / "s"))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["good"]


# talos_info


def test_nodes_in_every_condition_are_reported(tmp_path: Path) -> None:
    async def scenario() -> list[dict[str, Any]]:
        cluster, places = Cluster(), [own_address(number) for number in (1, 2, 3)]
        async with machines(tmp_path, places[:2]) as nodes:
            await bootstrapped(nodes[:1], cluster)
            await until(lambda: nodes[0].stage == "running")
            params = {
                "nodes": places,
                "port": 50000,
                "timeout": 2,
                "talosconfig": cluster.talosconfig(),
                "talosconfig_context": None,
                "gather": list(talos_info.GATHERED),
            }
            return await talos_info.look(params)

    running, waiting, down = asyncio.run(scenario())

    assert (running["stage"], running["ready"], list(running["unmet_conditions"])) == ("running", False, ["nodeReady"])
    assert (running["version"], len(running["etcd_members"]), running["missing"]) == ("v1.13.6", 1, {})
    assert (waiting["stage"], waiting["disks"][0]["name"]) == ("maintenance", "nvme0n1")
    assert (running["oom_kills"], list(waiting["missing"])) == ([], ["etcd_members", "oom_kills"])
    assert (down["reachable"], down["stage"], down["error"]) == (False, None, "connection refused")
