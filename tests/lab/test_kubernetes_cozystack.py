# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack on the simulated Kubernetes: the modules' own client and installation, releases in waves, and faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog import packages
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.built import lacking, read_built
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.fit import Machine, Request, fit
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.install import steps
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import HELM_RELEASE, PACKAGE
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import SIZES
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.client import KubernetesApi, connect
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.transport import Access
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import machine
from ansible_collections.urmanac.talos.plugins.modules import cozystack_info
from ansible_collections.urmanac.talos.plugins.modules.cozystack_install import ARGUMENT_SPEC
from lab.kubernetes import kinds as lab_kinds
from lab.kubernetes.cluster import KubernetesCluster, Pace
from lab.kubernetes.manifests import operator_manifest
from lab.kubernetes.ownership import applied
from lab.settings import REPOSITORY
from lab.talos.machine import Hardware, Node
from lab.talos.resources import resources_of
from tests.talos_nodes import Cluster, bootstrapped, machines, on, own_address
from tests.talos_run import with_defaults

ADDRESSES = [own_address(number) for number in (1, 2, 3)]
OWN: dict[str, Any] = {
    "operator_image": "registry.example.com/operator:1",
    "platform_source_url": "oci://registry.example.com/packages",
}
LARGE = Hardware(cpus=4, memory=16 * 2**30)


class Schedulable(Cluster):
    """A cluster whose control planes run other pods too, as the collection configures it."""

    def document(self, kind: str = "controlplane", **machine_keys: Any) -> dict[str, Any]:
        """Return the base document for a machine of the kind."""
        document = super().document(kind, **machine_keys)
        document["cluster"]["allowSchedulingOnControlPlanes"] = True
        return document


class Way:
    """A way into the API with the modules' client, and behind it."""

    def __init__(self, server: KubernetesCluster, kubeconfig: Path, manifest: Path) -> None:
        self.server, self.kubeconfig, self.manifest = server, kubeconfig, manifest

    def api(self, *, patience: float = 0) -> KubernetesApi:
        """Return the modules' client."""
        return connect(Access(str(self.kubeconfig), timeout=5), patience=patience)

    def install(self, *, check_mode: bool = False, patience: float = 0, **options: Any) -> steps.Outcome:
        """Install CozyStack as the module does."""
        given = with_defaults({"manifest": str(self.manifest), **options}, ARGUMENT_SPEC)

        def fetch(url: str) -> bytes:
            raise AssertionError(url)

        plan = steps.plan_of(given, fetch)
        return steps.ensure_present(self.api(patience=patience), plan, check_mode=check_mode)

    def releases(self) -> dict[str, dict[str, Any]]:
        """Return the condition with the outcome of every release: Ready, or Released during a retry."""
        found = self.api().items(HELM_RELEASE)
        return {one["metadata"]["name"]: (one.get("status") or {"conditions": [{}]})["conditions"][-1] for one in found}

    def settled(self, *, seconds: float = 60) -> dict[str, dict[str, Any]]:
        """Wait until nothing moves any more, and return the releases."""
        end = time.monotonic() + seconds
        while self.server.is_reconciling and time.monotonic() < end:
            time.sleep(0.1)
        return self.releases()


def in_a_cluster(
    directory: Path, work: Callable[[Way], Any], *, nodes: int = 1, hardware: Hardware | None = None
) -> Any:
    """Return what the work gives, done in a thread while a cluster runs."""

    async def run() -> Any:
        cluster = Schedulable(f"https://{ADDRESSES[0]}:6443")
        async with machines(directory, ADDRESSES[:nodes]) as made:
            for node in made:
                node.hardware = hardware or Hardware()
            await bootstrapped(made, cluster)
            text = await on(made[0], cluster.access(), machine.kubeconfig)
            kubeconfig, manifest = directory / "kubeconfig", directory / "operator.yaml"
            kubeconfig.write_text(text)
            manifest.write_text(yaml.safe_dump_all(operator_manifest()))
            server = made[0].registry.kubernetes.of(made[0].identity)
            server.pace = Pace(pod=0, release=0, timeout=0.3, tick=0.02, rest=0.8)
            return await asyncio.to_thread(work, Way(server, kubeconfig, manifest))

    return asyncio.run(run())


def pods(way: Way) -> dict[str, dict[str, Any]]:
    """Return all pods by name."""
    return {pod["metadata"]["name"]: pod for pod in way.api().items(kinds.POD)}


def reason_of(pod: dict[str, Any]) -> str:
    """Return what keeps the pod from running."""
    waiting = [one["state"].get("waiting", {}) for one in pod["status"].get("containerStatuses") or []]
    reported = [one.get("message", "") for one in (*waiting, *pod["status"].get("conditions", []))]
    return next((one for one in reported if one), "")


def test_a_profile_comes_up_in_waves_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    def work(way: Way) -> Any:
        empty = way.install(check_mode=True, profile="slim", **OWN)
        assert way.api().get(kinds.NAMESPACE, "cozy-system") is None
        first = way.install(profile="slim", **OWN)
        releases = way.settled()
        again = way.install(profile="slim", **OWN)
        changed = way.install(check_mode=True, profile="slim", host="example.com", **OWN)
        return (
            empty,
            first,
            again,
            changed,
            releases,
            [one["metadata"]["name"] for one in way.api().items(PACKAGE)],
        )

    empty, first, again, changed, releases, found = in_a_cluster(tmp_path, work, hardware=LARGE)

    assert [one.changed for one in empty.changes] == [True] * 5
    assert first.result()["changed"]
    assert not again.result()["changed"]
    assert [one.name for one in changed.changes if one.changed] == ["cozystack.cozystack-platform"]
    assert "host: example.com" in changed.changes[-1].after
    expected = packages.installed(packages.profile_disabled("slim"))
    assert {name for name in found if name != "cozystack.cozystack-platform"} == {
        f"cozystack.{one.name}" for one in expected if one.name != packages.OPERATOR
    }
    assert {one["reason"] for one in releases.values()} == {"InstallSucceeded"}
    assert {release.name for one in expected for release in one.releases} == set(releases) - {
        *("cozystack-platform", "tenant-root"),
    }


def test_released_images_die_on_arm64_with_their_reason_in_the_log_alone(tmp_path: Path) -> None:
    def work(way: Way) -> Any:
        with pytest.raises(ApiError) as caught:
            way.install(allow_unsupported_architecture=True, wait_timeout=1)
        api = way.api()
        pod = next(one for one in api.items(kinds.POD, namespace="cozy-system"))
        log = api.log("cozy-system", pod["metadata"]["name"], "cozystack-operator", previous=True, lines=5)
        return str(caught.value), pod, log, api.get(kinds.DEPLOYMENT, "cozystack-operator", namespace="cozy-system")

    message, pod, log, deployment = in_a_cluster(tmp_path, work, hardware=LARGE)

    assert "CrashLoopBackOff: back-off" in message
    (container,) = pod["status"]["containerStatuses"]
    assert container["lastState"]["terminated"].items() >= {"reason": "Error", "exitCode": 255}.items()
    assert "message" not in container["lastState"]["terminated"]
    assert log == "exec /cozystack-operator: exec format error\n"
    # With maxUnavailable 1 upstream's Deployment counts as available without a ready pod.
    assert deployment["status"]["conditions"][0]["status"] == "True"
    assert deployment["status"]["readyReplicas"] == 0


def test_a_partial_build_dies_where_it_was_predicted_and_what_waits_for_that_is_named(tmp_path: Path) -> None:
    example = yaml.safe_load((REPOSITORY / "examples" / "urmanac_arm64.yml").read_text(encoding="utf-8"))
    wanted = ("operator_image", "platform_source_url", "platform_source_ref", "version")
    options = {name: example[f"cluster_cozystack_{name}"] for name in wanted}

    def work(way: Way) -> Any:
        way.install(**options)
        return way.settled(), cozystack_info.look(way.api(), settled=True)

    releases, found = in_a_cluster(tmp_path, work, nodes=3, hardware=LARGE)

    built = read_built(example["cluster_cozystack_images_arm64"], options["version"])
    graph = packages.installed(packages.disabled_by(packages.Choice(version=options["version"])), options["version"])
    missing = lacking(graph, built)
    assert {name for name, one in releases.items() if one.get("status") != "True"} == set(missing.releases)
    verdict = found["verdicts"][0]
    assert verdict["code"] == "ARCH_UNSUPPORTED_IMAGES"
    assert {name for name in built.named if name in str(verdict)} == set(missing.images)


def test_an_ingress_that_was_deleted_does_not_come_back_and_is_named(tmp_path: Path) -> None:
    where = {"name": "root", "namespace": "tenant-root"}
    wanted = {
        "apiVersion": "apps.cozystack.io/v1alpha1",
        "kind": "Tenant",
        "metadata": where,
        "spec": {"ingress": True},
    }

    def work(way: Way) -> Any:
        way.install(profile="slim", **OWN)
        way.settled()
        way.api().apply(wanted, force=True)
        created = way.settled()
        way.api().delete(HELM_RELEASE, "ingress", namespace="tenant-root")
        way.settled()
        return created, cozystack_info.look(way.api(), settled=True)

    created, found = in_a_cluster(tmp_path, work, nodes=3, hardware=LARGE)

    assert created["ingress"]["status"] == "True"
    assert (found["phase"], found["ready"]) == ("tenant", False)
    assert found["verdicts"][0]["code"] == "RELEASE_NOT_CREATED"
    assert found["verdicts"][0]["subject"] == "tenant-root/ingress"


@pytest.mark.parametrize(
    ("count", "profile"), [pytest.param(1, "slim", id="too small"), pytest.param(3, "slim", id="large enough")]
)
def test_the_lab_comes_to_the_forecasts_verdict_and_pods_are_reported_what_lacks(
    tmp_path: Path, count: int, profile: str
) -> None:
    def work(way: Way) -> Any:
        way.install(profile=profile, **OWN)
        return way.settled(), pods(way)

    releases, found = in_a_cluster(tmp_path, work, nodes=count)

    members = tuple(Machine(f"node-{number}", "controlplane", "t4g.medium") for number in range(count))
    predicted = fit(Request(members, profile), SIZES)
    pending = [reason_of(pod) for pod in found.values() if not pod["spec"].get("nodeName")]
    assert bool(pending) is not predicted.schedules
    if predicted.schedules:
        assert len(found) == len(predicted.pods)
        assert {one["reason"] for one in releases.values()} == {"InstallSucceeded"}
    else:
        assert all(one.startswith("0/1 nodes are available: 1 Insufficient ") for one in pending)
        assert {"InstallFailed", "DependencyNotReady"} <= {one["reason"] for one in releases.values()}


def test_a_stuck_release_holds_back_what_depends_on_it(tmp_path: Path) -> None:
    def work(way: Way) -> Any:
        way.server.faults.update({"stuck": ["cert-manager"], "oom": ["metrics-server"]})
        way.install(profile="slim", **OWN)
        (node,) = way.server.machines.peers(way.server.identity)
        settled, found = way.settled(), pods(way)
        # What a cluster knows of its machines is the part of a node that it needs.
        kills = resources_of(cast("Node", node))["runtime", "OOMActions.talos.dev"]
        return settled, found, kills, cozystack_info.look(way.api(), settled=True)["root_blockers"]

    releases, found, kills, roots = in_a_cluster(tmp_path, work, hardware=LARGE)

    assert [one["processes"] for one in kills.values()] == [["/metrics-server --simulated"]]
    # While Flux tries again, the cause is in no other condition.
    assert releases["cert-manager"]["type"] == "Released"
    assert releases["cert-manager"]["message"] in [root["message"] for root in roots]
    waits_for = "[Deployment/cozy-cert-manager/cert-manager status: 'InProgress']"
    assert releases["cert-manager"]["message"].endswith(f"timeout waiting for: {waits_for}")
    assert releases["cert-manager-issuers"]["message"] == "dependency 'cozy-cert-manager/cert-manager' is not ready"
    assert releases["cilium"]["reason"] == "InstallSucceeded"
    killed = next(pod for name, pod in found.items() if name.startswith("metrics-server"))
    (container,) = killed["status"]["containerStatuses"]
    # Without a limit it is Talos that kills, and Kubernetes has no word for that.
    assert container["lastState"]["terminated"].items() >= {"reason": "Error", "exitCode": 137}.items()
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"


@pytest.mark.parametrize(
    ("faults", "cause", "words"),
    [
        pytest.param({"admission": {"Package": "webhook"}}, Cause.WEBHOOK, "denied the request", id="webhook refuses"),
        pytest.param(
            {"admission": {"Package": "webhook_away"}}, Cause.WEBHOOK_AWAY, "connection refused", id="no webhook"
        ),
        pytest.param({"admission": {"Deployment": "quota"}}, Cause.QUOTA, "exceeded quota: lab", id="quota"),
        pytest.param({"refuse": True}, Cause.UNAVAILABLE, "currently unable", id="unavailable"),
        pytest.param({"cut_after": 6, "cut_length": 999}, Cause.CUT, "closed the connection", id="away in the middle"),
    ],
)
def test_what_the_server_refuses_is_reported_with_its_cause(
    tmp_path: Path, faults: dict[str, Any], cause: Cause, words: str
) -> None:
    def work(way: Way) -> ApiError:
        way.server.faults.update(faults)
        with pytest.raises(ApiError) as caught:
            way.install(**OWN)
        return caught.value

    error = in_a_cluster(tmp_path, work, hardware=LARGE)

    assert (error.cause, words in str(error)) == (cause, True)


def test_an_api_that_is_away_in_the_middle_is_waited_for(tmp_path: Path) -> None:
    def work(way: Way) -> Any:
        way.server.faults.update({"cut_after": 6, "cut_length": 2})
        first = way.install(patience=20, profile="slim", **OWN)
        return first, way.install(profile="slim", **OWN)

    first, again = in_a_cluster(tmp_path, work, hardware=LARGE)

    assert (first.result()["changed"], again.result()["changed"]) == (True, False)


def test_an_object_of_the_same_name_and_fields_of_another_tool_are_not_overwritten(tmp_path: Path) -> None:
    def work(way: Way) -> tuple[ApiError, ApiError]:
        api = way.api()
        role = {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}
        other = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "roleRef": role}
        api.apply({**other, "metadata": {"name": "cozystack"}})
        with pytest.raises(ApiError) as clash:
            way.install(**OWN)
        api.delete(kinds.CLUSTER_ROLE_BINDING, "cozystack")
        way.install(**OWN)
        found = way.server.store.get(lab_kinds.DEPLOYMENTS, "cozystack-operator", namespace="cozy-system")
        assert found
        replicas = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 0}}
        edited = applied(found, replicas, "kubectl-edit", force=True)
        way.server.store.put(lab_kinds.DEPLOYMENTS, edited)
        with pytest.raises(ApiError) as conflict:
            way.install(**OWN)
        assert way.install(force=True, **OWN).result()["changed"]
        return clash.value, conflict.value

    clash, conflict = in_a_cluster(tmp_path, work, hardware=LARGE)

    assert (clash.cause, "cannot change roleRef" in str(clash)) == (Cause.EXISTS, True)
    assert conflict.cause is Cause.CONFLICT
    assert 'conflict with "kubectl-edit": .spec.replicas' in str(conflict)


def test_the_end_of_the_operator_leaves_the_releases(tmp_path: Path) -> None:
    def work(way: Way) -> Any:
        way.install(profile="slim", **OWN)
        before = way.settled()
        end = steps.plan_of(with_defaults({"state": "absent"}, ARGUMENT_SPEC), lambda _: b"")
        outcome = steps.ensure_absent(way.api(), end, check_mode=False)
        return outcome, before, way.settled(), pods(way)

    outcome, before, after, found = in_a_cluster(tmp_path, work, hardware=LARGE)

    assert outcome.result()["changed"]
    assert after == before
    assert not [name for name in found if name.startswith("cozystack-operator")]
    assert [name for name in found if name.startswith("cert-manager")]
