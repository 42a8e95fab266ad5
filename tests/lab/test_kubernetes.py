# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulation of Kubernetes, asked by the real client with the kubeconfig that Talos hands out."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import machine
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.server import ApiServer
from lab.kubernetes.store import Kind, Store
from lab.talos import pki
from lab.talos.node import TalosNode
from lab.talos.state import CONFIG
from tests.talos_nodes import Cluster, bootstrapped, configured, machines, on, own_address, until

kubernetes = pytest.importorskip("kubernetes")

ADDRESSES = [own_address(number) for number in (1, 2, 3)]
NAMES = [f"talos-{address.replace('.', '-')}" for address in ADDRESSES]
THINGS = Kind("", "things")


class Way:
    """A way into the API, with the client that people use and with plain requests."""

    def __init__(self, nodes: list[TalosNode], cluster: Cluster, kubeconfig: dict[str, Any], directory: Path) -> None:
        self.nodes, self.cluster, self.kubeconfig, self.directory = nodes, cluster, kubeconfig, directory
        self.loop = asyncio.get_running_loop()
        self.server: KubernetesCluster = nodes[0].registry.kubernetes.of(nodes[0].identity)

    @property
    def core(self) -> Any:
        """Return the client's core API."""
        configuration = kubernetes.client.Configuration()
        configuration.retries = 0
        kubernetes.config.load_kube_config_from_dict(self.kubeconfig, client_configuration=configuration)
        return kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(configuration))

    def context(self, client: pki.Pair | None) -> ssl.SSLContext:
        """Return TLS settings that trust the cluster, with a certificate or without."""
        context = ssl.create_default_context(cadata=self.cluster.kubernetes.certificate_pem.decode())
        if client:
            path = self.directory / "client.pem"
            path.write_bytes(client.certificate_pem + client.key_pem)
            context.load_cert_chain(path)
        return context

    def ask(self, path: str, client: pki.Pair | None = None, *, method: str = "GET", **headers: str) -> tuple[int, Any]:
        """Return code and content of the answer to a plain request."""
        url = f"https://{self.nodes[0].address}:6443{path}"
        request = urllib.request.Request(url, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5, context=self.context(client)) as response:  # noqa: S310
                code, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            code, text = error.code, error.read().decode()
        return code, json.loads(text) if text.startswith("{") else text

    def client(self, group: str, *, authority: pki.Pair | None = None) -> pki.Pair:
        """Return a client certificate of the cluster's authority, or of another one."""
        subject = pki.Subject("guest", organizations=[group])
        return pki.issue(authority or self.cluster.kubernetes, subject, client=True)


def in_a_cluster(directory: Path, work: Callable[[Way], Any], *, nodes: int = 1) -> Any:
    """Return what the work gives, done in a thread while a cluster runs."""

    async def run() -> Any:
        cluster = Cluster(f"https://{ADDRESSES[0]}:6443")
        async with machines(directory, ADDRESSES[:nodes]) as made:
            await bootstrapped(made, cluster)
            await until(lambda: all(answers(node) for node in made))
            text = await on(made[0], cluster.access(), machine.kubeconfig)
            return await asyncio.to_thread(work, Way(made, cluster, yaml.safe_load(text), directory))

    return asyncio.run(run())


def answers(node: TalosNode) -> bool:
    """Return whether something listens where the node's Kubernetes API belongs."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((node.address, 6443)) == 0


def ready(node: Any) -> Any:
    """Return the node's condition Ready."""
    return next(condition for condition in node.status.conditions if condition.type == "Ready")


def test_the_kubeconfig_of_talos_lists_the_nodes_at_every_control_plane(tmp_path: Path) -> None:
    def work(way: Way) -> list[list[str]]:
        found = []
        for node in way.nodes:
            way.kubeconfig["clusters"][0]["cluster"]["server"] = f"https://{node.address}:6443"
            found.append([item.metadata.name for item in way.core.list_node().items])
        return found

    assert in_a_cluster(tmp_path, work, nodes=3) == [NAMES] * 3


def test_a_node_reports_its_properties_and_that_it_waits_for_a_network(tmp_path: Path) -> None:
    node = in_a_cluster(tmp_path, lambda way: way.core.read_node(NAMES[0]))

    assert node.metadata.labels["kubernetes.io/arch"] == "arm64"
    assert node.metadata.labels["node-role.kubernetes.io/control-plane"] == ""
    assert [(item.type, item.address) for item in node.status.addresses] == [
        ("InternalIP", ADDRESSES[0]),
        ("Hostname", NAMES[0]),
    ]
    assert (node.status.capacity["cpu"], node.status.capacity["memory"]) == ("2", f"{4096 * 1024}Ki")
    assert (node.status.allocatable["cpu"], node.status.allocatable["memory"]) == ("1950m", f"{3484 * 1024}Ki")
    assert (ready(node).status, ready(node).reason) == ("False", "KubeletNotReady")
    assert ready(node).message.endswith("cni plugin not initialized")


def test_a_node_that_does_not_exist_is_reported_in_a_status(tmp_path: Path) -> None:
    def work(way: Way) -> Any:
        with pytest.raises(kubernetes.client.ApiException) as caught:
            way.core.read_node("no one")
        return caught.value

    error = in_a_cluster(tmp_path, work)

    assert error.status == 404
    reported = json.loads(error.body)
    assert (reported["kind"], reported["reason"]) == ("Status", "NotFound")
    assert reported["message"] == 'nodes "no one" not found'
    assert reported["details"] == {"name": "no one", "kind": "nodes"}


def test_only_administrators_of_the_cluster_see_nodes(tmp_path: Path) -> None:
    def work(way: Way) -> list[tuple[int, Any]]:
        with pytest.raises((urllib.error.URLError, OSError)):
            way.ask("/api/v1/nodes", way.client("system:masters", authority=pki.new_authority("kubernetes")))
        clients = [None, way.client("people"), way.client("system:masters")]
        return [way.ask("/api/v1/nodes", client) for client in clients]

    (no_code, no_one), (code, guest), (admin_code, _) = in_a_cluster(tmp_path, work)

    assert (no_code, no_one["reason"], no_one["message"]) == (401, "Unauthorized", "Unauthorized")
    assert (code, guest["reason"]) == (403, "Forbidden")
    assert guest["message"] == (
        'nodes is forbidden: User "guest" cannot list resource "nodes" in API group "" at the cluster scope'
    )
    assert admin_code == 200


def test_a_list_comes_in_pages(tmp_path: Path) -> None:
    def work(way: Way) -> list[Any]:
        pages = [way.core.list_node(limit=2)]
        pages.append(way.core.list_node(limit=2, _continue=pages[0].metadata._continue))
        return pages

    first, second = in_a_cluster(tmp_path, work, nodes=3)

    assert [item.metadata.name for item in first.items] == NAMES[:2]
    assert first.metadata.remaining_item_count == 1
    assert [item.metadata.name for item in second.items] == NAMES[2:]
    assert not second.metadata._continue


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param(f"metadata.name={NAMES[0]}", 1, id="a field"),
        pytest.param("metadata.name!=" + NAMES[0], 0, id="another value"),
        pytest.param(f"metadata.name={NAMES[0]},spec.podCIDR=10.9.9.0/24", 0, id="two fields"),
    ],
)
def test_a_field_selector_selects_nodes(tmp_path: Path, fields: str, found: int) -> None:
    def work(way: Way) -> int:
        return len(way.core.list_node(field_selector=fields).items)

    assert in_a_cluster(tmp_path, work) == found


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        pytest.param("GET", "/api/v1/nodes?watch=1", 405, id="a watch"),
        pytest.param("POST", "/api/v1/namespaces", 405, id="a creation without server-side apply"),
        pytest.param("PATCH", f"/api/v1/nodes/{NAMES[0]}", 415, id="a patch that is not a server-side apply"),
        pytest.param("GET", "/api/v1/nodes?labelSelector=a", 400, id="a label selector"),
    ],
)
def test_requests_that_the_collection_does_not_make_are_refused(
    tmp_path: Path, method: str, path: str, code: int
) -> None:
    def work(way: Way) -> tuple[int, Any]:
        return way.ask(path, way.client("system:masters"), method=method)

    assert in_a_cluster(tmp_path, work)[0] == code


def test_a_node_that_is_off_is_unknown(tmp_path: Path) -> None:
    def work(way: Way) -> Any:
        way.core.read_node(NAMES[2])
        asyncio.run_coroutine_threadsafe(way.nodes[2].stop(), way.loop).result(5)
        return way.core.read_node(NAMES[2])

    node = in_a_cluster(tmp_path, work, nodes=3)

    assert (ready(node).status, ready(node).reason) == ("Unknown", "NodeStatusUnknown")
    assert "node.kubernetes.io/unreachable" in [taint.key for taint in node.spec.taints]


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health_is_reported_in_a_word(tmp_path: Path, path: str) -> None:
    assert in_a_cluster(tmp_path, lambda way: way.ask(path, way.client("people"))) == (200, "ok")


def test_what_the_server_does_not_know_is_not_found(tmp_path: Path) -> None:
    paths = ["/apis/nothing.example.com/v1/things", "/api/v1/things", "/", "/api/v2/nodes"]

    def work(way: Way) -> list[tuple[int, Any]]:
        return [way.ask(path, way.client("system:masters")) for path in paths]

    (_, group), (code, thing), (root, _), (version, _) = in_a_cluster(tmp_path, work)

    assert (code, root, version) == (404, 404, 404)
    assert group == "404 page not found\n"
    assert thing["message"] == "the server could not find the requested resource"


def test_a_table_is_answered_with_a_plain_list(tmp_path: Path) -> None:
    table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

    def work(way: Way) -> tuple[int, Any]:
        return way.ask("/api/v1/nodes?limit=500", way.client("system:masters"), Accept=table)

    code, reported = in_a_cluster(tmp_path, work)

    assert (code, reported["kind"], reported["items"][0]["kind"]) == (200, "NodeList", "Node")


def test_faults_of_the_api_can_be_switched_on(tmp_path: Path) -> None:
    def work(way: Way) -> tuple[int, float]:
        admin = way.client("system:masters")
        way.server.faults.refuse = True
        code, _ = way.ask("/api/v1/nodes", admin)
        way.server.faults.refuse, way.server.faults.cut = False, 1
        with pytest.raises(OSError):
            way.ask("/api/v1/nodes", admin)
        way.server.faults.delay = 0.3
        began = time.monotonic()
        assert way.ask("/api/v1/nodes", admin)[0] == 200
        return code, time.monotonic() - began

    code, seconds = in_a_cluster(tmp_path, work)

    assert code == 503
    assert seconds >= 0.3


def test_nothing_answers_before_the_bootstrap_and_after_the_end(tmp_path: Path) -> None:
    async def work() -> list[bool]:
        cluster = Cluster(f"https://{ADDRESSES[0]}:6443")
        async with machines(tmp_path, ADDRESSES[:1]) as (node,):
            await configured([node], cluster)
            seen = [answers(node)]
            node.begin_etcd("nothing")
            await until(lambda: answers(node))
            await node.stop()
            return [*seen, answers(node)]

    assert asyncio.run(work()) == [False, False]


def test_a_node_that_is_switched_off_while_the_api_starts_leaves_nothing_open(tmp_path: Path) -> None:
    async def work() -> list[bool]:
        seen = []
        async with machines(tmp_path, ADDRESSES[:1]) as (node,):
            await configured([node], Cluster(f"https://{ADDRESSES[0]}:6443"))
            for steps in range(8):
                server = ApiServer(node, node.registry.kubernetes)
                starting = asyncio.ensure_future(server.start())
                for _ in range(steps):
                    await asyncio.sleep(0)
                starting.cancel()
                server.stop()
                await asyncio.gather(starting, return_exceptions=True)
                seen.append(answers(node))
        return seen

    assert asyncio.run(work()) == [False] * 8


def test_a_taken_port_leaves_the_node_running(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> str:
        with socket.create_server((ADDRESSES[0], 6443)):
            async with machines(tmp_path, ADDRESSES[:1]) as (node,):
                await bootstrapped([node], Cluster())
                await until(lambda: "does not answer" in caplog.text)
                return node.stage

    assert asyncio.run(work()) == "running"
    assert f"{ADDRESSES[0]}:6443" in caplog.text


def test_a_cluster_that_is_reset_and_made_again_begins_with_nothing(tmp_path: Path) -> None:
    async def work() -> tuple[str, str]:
        cluster = Cluster(f"https://{ADDRESSES[0]}:6443")
        async with machines(tmp_path, ADDRESSES[:1]) as (node,):
            await bootstrapped([node], cluster)
            clusters = node.registry.kubernetes
            await until(lambda: answers(node))
            before = identity_of_node(clusters.of(node.identity))
            node.state.etcd_member = None
            node.disk.wipe(CONFIG)
            node.reboot_soon()
            await until(lambda: node.stage == "maintenance" and node.is_up)
            await bootstrapped([node], cluster)
            await until(lambda: answers(node))
            return before, identity_of_node(clusters.of(node.identity))

    before, after = asyncio.run(work())

    assert before != after


def identity_of_node(cluster: KubernetesCluster) -> str:
    """Return the uid of the first node."""
    cluster.reconcile()
    uid: str = cluster.store.get(Kind("", "nodes"), NAMES[0])["metadata"]["uid"]  # type: ignore[index]
    return uid


def test_an_object_that_stays_as_it_was_keeps_its_version() -> None:
    store = Store()
    thing = {"metadata": {"name": "thing"}, "spec": {"size": 1}}

    first, again = store.put(THINGS, thing), store.put(THINGS, thing)
    third = store.put(THINGS, thing | {"spec": {"size": 2}})

    assert first["metadata"] == again["metadata"]
    assert third["metadata"]["uid"] == first["metadata"]["uid"]
    assert int(third["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
