# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulation of Talos does for other clients than ours; tests/peers shows it with the real talosctl."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import client, machine
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.errors import NodeError
from lab.talos import config
from lab.talos.definitions import definitions
from tests.talos_nodes import Cluster, configured, machines, own_address

ADDRESS = own_address(1)
V1_13 = (1, 13)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param("machineconfigs.config.talos.dev", "mc", id="capital letters"),
        pytest.param("machinestatuses.runtime.talos.dev", "machinestatus", id="singular"),
        pytest.param("nodeaddresses.net.talos.dev", "nodeaddress", id="singular of addresses"),
        pytest.param("services.v1alpha1.talos.dev", "svc", id="given name"),
        pytest.param("resourcedefinitions.meta.cosi.dev", "rd", id="definitions"),
        pytest.param("members.cluster.talos.dev", "members", id="plural"),
        pytest.param("disks.block.talos.dev", "disks.block", id="plural with its group"),
    ],
)
def test_a_kind_of_resource_has_its_usual_names(kind: str, name: str) -> None:
    assert name in definitions()[kind].all_aliases


async def applied(folder: Path, version: str, *modes: str) -> list[str]:
    """Return in which mode a node takes a change of its environment, for each mode that is asked for."""
    cluster = Cluster()
    async with machines(folder, [ADDRESS], version=version) as nodes:
        await configured(nodes, cluster)
        changed = cluster.config(env={"A": "b"})
        async with client.connected(ADDRESS, cluster.access()) as connection:
            return [(await machine.apply(connection, changed, mode=mode, dry_run=True)).mode for mode in modes]


@pytest.mark.parametrize(
    ("version", "mode"),
    [pytest.param("v1.13.6", "reboot", id="v1.13"), pytest.param("v1.14.0", "no_reboot", id="v1.14")],
)
def test_a_change_of_the_environment_reboots_a_node_before_v1_14(tmp_path: Path, version: str, mode: str) -> None:
    assert asyncio.run(applied(tmp_path, version, "auto")) == [mode]


def test_a_node_of_v1_14_takes_every_change_at_once_and_knows_no_reboot(tmp_path: Path) -> None:
    assert asyncio.run(applied(tmp_path / "a", "v1.14.0", "no_reboot", "staged")) == ["no_reboot", "staged"]
    with pytest.raises(NodeError, match="the REBOOT mode is not supported"):
        asyncio.run(applied(tmp_path / "b", "v1.14.0", "reboot"))


def test_a_node_that_is_switched_off_while_it_starts_leaves_nothing_open(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        seen = []
        async with machines(tmp_path, [ADDRESS]) as (node,):
            await configured([node], Cluster())
            for steps in range(8):
                await node.stop()
                await node.start()
                for _ in range(steps):
                    await asyncio.sleep(0)
                await node.stop()
                with socket.socket() as probe:
                    seen.append(probe.connect_ex((ADDRESS, 50000)))
        return seen

    assert asyncio.run(scenario()) == [errno.ECONNREFUSED] * 8


def parsed(document: dict[str, Any]) -> config.Config:
    return config.parse(yaml.safe_dump(document, sort_keys=False).encode(), V1_13)


def test_empty_fields_and_another_order_make_no_difference() -> None:
    document = Cluster().document()
    rewritten = {
        "cluster": {"externalCloudProvider": None, **document["cluster"]},
        "machine": {"token": "", "certSANs": [], **document["machine"]},
        "version": document["version"],
    }

    assert config.difference(parsed(document), parsed(rewritten)) == ""
    assert not config.needs_reboot(parsed(document), parsed(rewritten))


def test_a_difference_is_shown_in_the_order_of_the_active_configuration() -> None:
    document = Cluster().document()
    changed = {"machine": {"sysctls": {"a": "b"}, **document["machine"]}, "cluster": document["cluster"]}

    reported = config.difference(parsed(document), parsed({**changed, "version": document["version"]}))

    lines = [line for line in reported.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert lines == ["+    sysctls:", "+        a: b"]


@pytest.mark.parametrize(
    ("install", "expected"),
    [
        pytest.param(None, 'install instructions are required in "metal" mode', id="no section"),
        pytest.param({"wipe": False}, "either install disk or diskSelector should be defined", id="no disk"),
    ],
)
def test_a_configuration_without_a_disk_to_install_on_is_refused(install: Any, expected: str) -> None:
    with pytest.raises(config.ConfigError, match=expected):
        parsed(Cluster().document(install=install))
