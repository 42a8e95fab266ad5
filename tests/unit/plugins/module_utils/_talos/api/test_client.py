# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against simulated nodes: real TLS, real gRPC, and every way in which a call can fail."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import access, client, machine, proto
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.errors import Cause, NodeError
from lab.talos.node import TalosNode
from tests.talos_nodes import Cluster, bootstrapped, configured, error_on, machines, maintenance, on, own_address, until

THREE = [own_address(number) for number in (1, 2, 3)]
ADDRESS = THREE[0]
WIPE = ["STATE", "EPHEMERAL"]


@contextlib.asynccontextmanager
async def relay(address: str, node: str) -> AsyncIterator[None]:
    """Pass connections at the address on to the node."""
    pumps: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
        sink.transport.abort()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ahead = await asyncio.open_connection(node, 50000)
        for source, sink in ((reader, ahead[1]), (ahead[0], writer)):
            pumps.add(asyncio.create_task(pump(source, sink)))

    server = await asyncio.start_server(pass_on, address, 50000)
    try:
        yield
    finally:
        server.close()
        await asyncio.gather(*pumps)
        await asyncio.sleep(0)


def with_node(tmp_path: Path, scenario: Callable[[TalosNode], Any], **options: Any) -> Any:
    async def run() -> Any:
        async with machines(tmp_path, [ADDRESS], **options) as nodes:
            return await scenario(nodes[0])

    return asyncio.run(run())


def with_cluster(tmp_path: Path, scenario: Callable[[list[TalosNode], Cluster], Any], **options: Any) -> Any:
    async def run() -> Any:
        cluster = Cluster()
        async with machines(tmp_path, THREE, **options) as nodes:
            await bootstrapped(nodes, cluster)
            return await scenario(nodes, cluster)

    return asyncio.run(run())


@pytest.mark.parametrize("release", ["v1.11.5", "v1.12.6", "v1.14.0"])
def test_a_node_in_maintenance_reports_its_version_before_and_after_its_call_for_it_exists(
    tmp_path: Path, release: str
) -> None:
    async def scenario(node: TalosNode) -> Any:
        return await on(node, maintenance(), machine.version)

    assert with_node(tmp_path, scenario, version=release) == release


def test_a_node_in_maintenance_reports_its_version_and_stage(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        return await on(node, maintenance(), machine.version), await on(node, maintenance(), machine.stage)

    version, stage = with_node(tmp_path, scenario)

    assert version == "v1.13.6"
    assert stage == machine.Stage("maintenance", True, {})


def test_three_nodes_become_a_cluster(tmp_path: Path) -> None:
    async def scenario(nodes: list[TalosNode], cluster: Cluster) -> Any:
        async def work(connection: client.NodeClient) -> Any:
            return await machine.etcd_members(connection), await machine.stage(connection)

        return await client.run_on_nodes(THREE, work, cluster.access())

    results = with_cluster(tmp_path, scenario)

    for result in results:
        members, stage = result.value
        assert [member["peer_urls"][0] for member in members] == [f"https://{address}:2380" for address in THREE]
        assert stage.stage == "running"
        assert list(stage.unmet) == ["nodeReady"]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param("os:admin", None, id="administrator"),
        pytest.param("os:reader", Cause.PERMISSION_DENIED, id="reader"),
    ],
)
def test_secrets_need_the_administrators_role(tmp_path: Path, role: str, expected: Cause | None) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        await configured([node], cluster)
        results = await client.run_on_nodes([ADDRESS], machine.machine_config, cluster.access(role))
        return results[0]

    result = with_node(tmp_path, scenario)

    assert (result.error and result.error.cause) == expected


def test_another_clusters_node_is_distinguished_from_one_in_maintenance(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        before = await error_on(node, cluster.access(), machine.version)
        await configured([node], cluster)
        after = await error_on(node, Cluster().access(), machine.version)
        return before, after

    before, after = with_node(tmp_path, scenario)

    assert before.cause is Cause.MAINTENANCE
    assert after.cause is Cause.OTHER_AUTHORITY
    assert "belongs to another cluster" in str(after)


def test_a_node_that_does_not_know_our_certificate_says_so(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster, stranger = Cluster(), Cluster()
        await configured([node], cluster)
        mixed = stranger.credentials()._replace(authority=cluster.credentials().authority)
        return await error_on(node, access.cluster_access(mixed), machine.version)

    error = with_node(tmp_path, scenario)

    assert error.cause is Cause.CERTIFICATE_REJECTED
    assert "does not trust the authority of the client certificate" in str(error)


def test_a_configured_node_wants_a_certificate(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        await configured([node], Cluster())
        return await error_on(node, maintenance(), machine.version)

    assert with_node(tmp_path, scenario).cause is Cause.CONFIGURED


def test_an_address_that_is_not_in_the_certificate_is_refused(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        await configured([node], cluster)
        # As a network address translation would: another address leads to the same machine.
        other = own_address(9)
        async with relay(other, ADDRESS):
            return await client.run_on_nodes([ADDRESS, other], machine.version, cluster.access())

    results = with_node(tmp_path, scenario)

    assert results[0].value == "v1.13.6"
    assert results[1].error.cause is Cause.OTHER_ADDRESS
    assert "machine.certSANs" in str(results[1].error)


def test_a_clock_that_is_ahead_is_distinguished(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        node.faults.clock_offset = 3600
        await configured([node], cluster)
        return await error_on(node, cluster.access(), machine.version)

    error = with_node(tmp_path, scenario)

    assert error.cause is Cause.OTHER_DATE
    assert "Compare the clocks" in str(error)


@pytest.mark.parametrize(
    ("pin", "expected"),
    [
        pytest.param(None, None, id="the right pin"),
        pytest.param("Mh5lBxBYWJKjJSFnLZYjQsNfFmvBRxbuCDWHNQ2Vqts=", Cause.OTHER_PIN, id="another pin"),
    ],
)
def test_a_pinned_node_must_show_its_key(tmp_path: Path, pin: str | None, expected: Cause | None) -> None:
    from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.probe import probe

    async def scenario(node: TalosNode) -> Any:
        seen = await probe(ADDRESS, port=50000, timeout=2)
        assert seen.certificate
        way = maintenance()._replace(fingerprint=pin or seen.certificate.fingerprint)
        return (await client.run_on_nodes([ADDRESS], machine.version, way))[0]

    result = with_node(tmp_path, scenario)

    assert (result.error and result.error.cause) == expected


def test_a_node_that_is_down_is_a_refused_connection() -> None:
    no_one = own_address(200)

    results = asyncio.run(client.run_on_nodes([no_one], machine.version, maintenance()))

    error = results[0].error
    assert isinstance(error, NodeError)
    assert error.cause is Cause.REFUSED
    assert error.cause.is_down
    assert str(error).startswith(f"Failed to connect to {no_one}: connection refused.")


def test_a_cut_after_sending_is_unknown_not_failed(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        node.faults.cut_after_apply = True
        error = await error_on(node, maintenance(), lambda connection: machine.apply(connection, cluster.config()))
        await until(lambda: node.is_booted)
        return error, await on(node, cluster.access(), machine.version)

    error, version = with_node(tmp_path, scenario)

    assert error.cause is Cause.CUT
    assert error.cause.is_unknown
    assert version == "v1.13.6"


def test_a_slow_node_meets_the_deadline(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        node.faults.delay = 1
        return await error_on(node, maintenance()._replace(call_timeout=0.1), machine.version)

    error = with_node(tmp_path, scenario)

    assert error.cause is Cause.DEADLINE
    assert "no reply within 0.1 s" in str(error)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(b"machine: [", "yaml", id="no YAML"),
        pytest.param(b"machine: {typo: 1}\ncluster: {}\n", "unknown keys found", id="unknown key"),
        pytest.param(b"apiVersion: v1alpha1\nkind: LinkConfg\n", '"LinkConfg" "v1alpha1": not registered', id="kind"),
        pytest.param(b"machine: {type: worker}\ncluster: {}\n", "issuing CA or some accepted CAs", id="no authority"),
    ],
)
def test_an_invalid_configuration_is_refused_with_its_reason(tmp_path: Path, config: bytes, expected: str) -> None:
    async def scenario(node: TalosNode) -> Any:
        return await error_on(node, maintenance(), lambda connection: machine.apply(connection, config))

    error = with_node(tmp_path, scenario)

    assert error.cause is Cause.INVALID_ARGUMENT
    assert expected in str(error)


def test_a_dry_run_reports_the_difference_and_changes_nothing(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        await configured([node], cluster)
        async with client.connected(ADDRESS, cluster.access()) as connection:
            wanted = cluster.config(sysctls={"vm.nr_hugepages": "64"})
            other = await machine.apply(connection, wanted, dry_run=True)
            same = await machine.apply(connection, cluster.config(), dry_run=True)
            return other, same, await machine.machine_config(connection)

    other, same, active = with_node(tmp_path, scenario)

    assert other.changes
    assert "+        vm.nr_hugepages: '64'" in other.details
    assert not same.changes
    assert "hugepages" not in active


@pytest.mark.parametrize(
    ("version", "keys", "expected"),
    [
        pytest.param("v1.11.6", {"sysctls": {"a": "b"}}, "no_reboot", id="v1.11, quick"),
        pytest.param("v1.13.6", {"files": []}, "reboot", id="v1.13, slow"),
        pytest.param("v1.14.0", {"files": []}, "no_reboot", id="v1.14 never reboots"),
    ],
)
def test_the_node_decides_whether_it_reboots(tmp_path: Path, version: str, keys: dict[str, Any], expected: str) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        await configured([node], cluster)
        return await on(node, cluster.access(), lambda it: machine.apply(it, cluster.config(**keys), dry_run=True))

    assert with_node(tmp_path, scenario, version=version).mode == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param("v1.12.6", Cause.UNIMPLEMENTED, id="v1.12"),
        pytest.param("v1.13.6", Cause.PERMISSION_DENIED, id="v1.13"),
    ],
)
def test_maintenance_mode_refuses_a_bootstrap(tmp_path: Path, version: str, expected: Cause) -> None:
    async def scenario(node: TalosNode) -> Any:
        return await error_on(node, maintenance(), machine.bootstrap)

    assert with_node(tmp_path, scenario, version=version).cause is expected


def test_a_second_bootstrap_is_refused(tmp_path: Path) -> None:
    async def scenario(nodes: list[TalosNode], cluster: Cluster) -> Any:
        return await error_on(nodes[1], cluster.access(), machine.bootstrap)

    assert with_cluster(tmp_path, scenario).cause is Cause.ALREADY_EXISTS


def test_a_bootstrap_waits_for_the_clock(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        node.faults.time_unsynced = True
        await configured([node], cluster)
        return await error_on(node, cluster.access(), machine.bootstrap)

    error = with_node(tmp_path, scenario)

    assert error.cause is Cause.FAILED_PRECONDITION
    assert "time is not in sync" in str(error)


def test_the_kubeconfig_comes_out_of_an_archive_that_is_not_closed(tmp_path: Path) -> None:
    async def scenario(nodes: list[TalosNode], cluster: Cluster) -> Any:
        return await on(nodes[0], cluster.access(), machine.kubeconfig)

    text = with_cluster(tmp_path, scenario)

    assert "server: https://192.0.2.1:6443" in text
    assert "current-context: admin@test" in text


def test_a_snapshot_goes_from_one_cluster_into_the_next(tmp_path: Path) -> None:
    async def scenario(nodes: list[TalosNode], cluster: Cluster) -> Any:
        way = cluster.access()
        async with client.connected(nodes[0].address, way) as connection:
            snapshot = b"".join([piece async for piece in machine.etcd_snapshot(connection)])
        for node in nodes:
            await on(node, way, lambda it: machine.reset(it, partitions=WIPE))
        await until(lambda: all(node.stage == "maintenance" for node in nodes))
        await configured(nodes, cluster)
        async with client.connected(nodes[0].address, way) as connection:
            await machine.etcd_recover(connection, snapshot)
            await machine.bootstrap(connection, recover=True)
        return snapshot, nodes[0].state.etcd_began_from

    snapshot, began_from = with_cluster(tmp_path, scenario)

    assert hashlib.sha256(snapshot[:-32]).digest() == snapshot[-32:]
    assert began_from == hashlib.sha256(snapshot).hexdigest()


@pytest.mark.parametrize(
    ("version", "reboots_itself"),
    [
        pytest.param("v1.12.6", True, id="v1.12, MachineService only"),
        pytest.param("v1.13.6", True, id="v1.13, both"),
        pytest.param("v1.18.0", False, id="v1.18, LifecycleService only"),
    ],
)
def test_an_upgrade_installs_the_image(tmp_path: Path, version: str, reboots_itself: bool) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        await configured([node], cluster)
        calls: list[str] = []
        node.faults.on_call = calls.append
        async with client.connected(ADDRESS, cluster.access()) as connection:
            rebooted = await machine.upgrade(connection, "registry.example.com/talos-spin:v1.14.0")
            if not rebooted:
                await machine.reboot(connection)
            # With either reboot: the pull and the installer of LifecycleService, or the one old call.
            pulled = "Pull" in calls
        await until(lambda: node.state.boots == 3 and node.is_booted)
        assert pulled is not reboots_itself
        return rebooted, await on(node, cluster.access(), machine.version), node.state.extensions

    rebooted, now, extensions = with_node(tmp_path, scenario, version=version)

    assert rebooted is reboots_itself
    assert now == "v1.14.0"
    assert extensions == {"spin": "simulated"}


def test_the_configuration_outlives_a_restart_of_the_lab(tmp_path: Path) -> None:
    cluster = Cluster()

    async def first() -> None:
        async with machines(tmp_path, [ADDRESS]) as nodes:
            await bootstrapped(nodes, cluster)

    async def second() -> Any:
        async with machines(tmp_path, [ADDRESS]) as nodes:
            await until(lambda: nodes[0].stage == "running")
            return await on(nodes[0], cluster.access(), machine.etcd_members)

    asyncio.run(first())

    assert len(asyncio.run(second())) == 1
    assert (tmp_path / ADDRESS / "config.yaml").stat().st_mode & 0o777 == 0o600


def test_a_reset_of_the_whole_disk_leaves_nothing_that_boots(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster()
        await configured([node], cluster)
        await on(node, cluster.access(), lambda it: machine.reset(it))
        await until(lambda: node.stage == "off")
        return await error_on(node, maintenance(), machine.version)

    assert with_node(tmp_path, scenario).cause is Cause.REFUSED


def test_a_worker_gets_its_certificate_from_a_control_plane(tmp_path: Path) -> None:
    async def run() -> Any:
        cluster = Cluster()
        async with machines(tmp_path, THREE[:2]) as (control_plane, worker):
            async with client.connected(worker.address, maintenance()) as connection:
                await machine.apply(connection, cluster.config("worker"))
            await until(lambda: worker.is_booted)
            alone = await error_on(worker, cluster.access(), machine.version)
            await configured([control_plane], cluster)
            await until(lambda: worker.is_up)
            return alone, await on(worker, cluster.access(), machine.version)

    alone, version = asyncio.run(run())

    assert alone.cause is Cause.REFUSED
    assert version == "v1.13.6"


def test_hundreds_of_nodes_are_called_at_once(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        return await client.run_on_nodes([ADDRESS] * 200, machine.version, maintenance()._replace(connect_timeout=30))

    results = with_node(tmp_path, scenario)

    assert {result.value for result in results} == {"v1.13.6"}


def test_a_message_beyond_the_limit_is_not_sent(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        big = b"#" * (proto.MAXIMUM_MESSAGE_SIZE + 1)
        return await error_on(node, maintenance(), lambda connection: machine.apply(connection, big))

    assert "exceeds the maximum of" in str(with_node(tmp_path, scenario))


def test_a_talosconfig_is_read_with_its_own_key_header(tmp_path: Path) -> None:
    read = access.read_talosconfig(Cluster().talosconfig())

    assert "ED25519 PRIVATE KEY" in read.credentials.key
    assert repr(read.credentials) == "Credentials(...)"
    access.cluster_access(read.credentials)


def test_an_ecdsa_authority_works_as_well(tmp_path: Path) -> None:
    async def scenario(node: TalosNode) -> Any:
        cluster = Cluster(key=ec.generate_private_key(ec.SECP256R1()))
        await configured([node], cluster)
        stranger = Cluster(key=ec.generate_private_key(ec.SECP256R1()))
        return await on(node, cluster.access(), machine.version), await error_on(
            node, stranger.access(), machine.version
        )

    version, error = with_node(tmp_path, scenario)

    assert version == "v1.13.6"
    assert error.cause is Cause.OTHER_AUTHORITY


_PEM = base64.b64encode(b"-----BEGIN A-----").decode()
ENTRY = {"ca": _PEM, "crt": _PEM, "key": _PEM}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param({"context": "a", "contexts": {}}, "it has no context 'a'", id="no such context"),
        pytest.param({"context": "a", "contexts": {"a": {"ca": "?"}}}, "its ca is not base64 of PEM", id="no PEM"),
        pytest.param({"context": ["a"], "contexts": {"a": {}}}, "it has no context", id="a list as the context"),
        pytest.param({"context": "a", "contexts": ["a"]}, "it has no context 'a'", id="a list of contexts"),
        pytest.param(
            {"context": "a", "contexts": {"a": {**ENTRY, "endpoints": 5}}},
            "its endpoints are not a list",
            id="endpoints",
        ),
        pytest.param({"context": "a", "contexts": {"a": {**ENTRY, "nodes": "b"}}}, "its nodes are not", id="nodes"),
        pytest.param("/nonexistent/talosconfig", "No such file or directory", id="no such file"),
        ("/tmp/a\0b", "embedded null byte. Check the path"),  # noqa: S108
    ],
)
def test_a_bad_talosconfig_says_what_is_wrong_with_it(source: Any, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        access.read_talosconfig(source)
