# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real kube-apiserver takes CozyStack's installation; the lab's simulation answers the modules' client as it does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.install import steps
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.install.installed import Refusal
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import PACKAGE
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.client import KubernetesApi, connect
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import Kind
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.transport import Access, Call
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import machine
from ansible_collections.urmanac.talos.plugins.modules.cozystack_info import look
from ansible_collections.urmanac.talos.plugins.modules.cozystack_install import ARGUMENT_SPEC
from lab.kubernetes.manifests import definitions, operator_manifest
from tests.peers.kubernetes import ControlPlane
from tests.talos_nodes import Cluster, bootstrapped, machines, on, own_address
from tests.talos_run import with_defaults

ADDRESS = own_address(1)
PLATFORM = "cozystack.cozystack-platform"
POLICIES = Kind("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", False)
NODE_INFO = (
    *("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion"),
    *("kubeletVersion", "kubeProxyVersion", "operatingSystem"),
)
OFFER = {"cpu": "2", "memory": "3400Mi", "pods": "110"}
LARGE_POD = {
    **{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large", "namespace": "cozy-system"}},
    "spec": {
        "containers": [
            {"name": "main", "image": "example.com/none", "resources": {"requests": {"cpu": "1", "memory": "8Gi"}}}
        ]
    },
}
BINDINGS = POLICIES._replace(plural="validatingadmissionpolicybindings", kind="ValidatingAdmissionPolicyBinding")
HOOKS = POLICIES._replace(plural="validatingwebhookconfigurations", kind="ValidatingWebhookConfiguration")


@pytest.fixture
def api(kubernetes: ControlPlane) -> Iterator[KubernetesApi]:
    """Return the modules' client; afterwards nothing of an installation is left."""
    found = connect(Access(str(kubernetes.kubeconfig)))
    yield found
    remove_all(found)


def remove_all(api: KubernetesApi) -> None:
    """Remove what an installation and these tests make. No controller runs that would empty a namespace."""
    for kind in (BINDINGS, POLICIES, HOOKS):
        api.delete(kind, "guard.example.com")
    for one in [
        *operator_manifest(),
        {"apiVersion": "cozystack.io/v1alpha1", "kind": "Package", "metadata": {"name": PLATFORM}},
    ]:
        if one["kind"] == "Namespace":
            continue
        try:
            kind = api.kind_of(one)
        except ApiError:
            continue
        api.delete(kind, one["metadata"]["name"], namespace=one["metadata"].get("namespace", ""))
    api.delete(kinds.NODE, "arm")


@pytest.fixture(scope="module", autouse=True)
def definitions_gone_at_the_end(kubernetes: ControlPlane) -> Iterator[None]:
    """Remove the definitions after the last test: the server takes its time, in which it is neither there nor gone."""
    yield
    for one in definitions():
        connect(Access(str(kubernetes.kubeconfig))).delete(kinds.CRD, one["metadata"]["name"])


@pytest.fixture
def run(api: KubernetesApi, tmp_path: Path) -> Callable[..., steps.Outcome]:
    """Return what installs CozyStack as the module does."""
    operator, crds = tmp_path / "operator.yaml", tmp_path / "crds.yaml"
    operator.write_text(yaml.safe_dump_all(operator_manifest()))
    crds.write_text(yaml.safe_dump_all(definitions()))
    place = {"manifest": str(operator), "crds_manifest": str(crds)}

    def installed(*, check_mode: bool = False, **options: Any) -> steps.Outcome:
        plan = steps.plan_of(with_defaults({**place, "wait_timeout": 20, **options}, ARGUMENT_SPEC), lambda _: b"")
        return steps.ensure_present(api, plan, check_mode=check_mode)

    return installed


def names(outcome: steps.Outcome) -> list[str]:
    """Return what was changed."""
    return [one.name for one in outcome.changes if one.changed]


def test_an_installation_is_taken_once_and_a_second_run_changes_nothing(
    api: KubernetesApi, run: Callable[..., steps.Outcome]
) -> None:
    options: dict[str, Any] = {"profile": "slim", "host": "example.com", "external_ips": ["192.0.2.101"]}

    foreseen = run(check_mode=True, **options)
    assert api.get(kinds.DEPLOYMENT, "cozystack-operator", namespace="cozy-system") is None
    first, second = run(**options), run(**options)
    drift = run(check_mode=True, **(options | {"host": "example.org"}))

    assert names(foreseen)[-1] == PLATFORM
    assert names(first) == [one.name for one in first.changes]
    assert names(second) == []
    assert names(drift) == [PLATFORM]
    assert ("host: example.com" in drift.changes[-1].before, "host: example.org" in drift.changes[-1].after) == (
        True,
        True,
    )
    package = api.get(PACKAGE, PLATFORM)
    assert package
    assert package["spec"]["components"]["platform"]["values"]["publishing"]["host"] == "example.com"


def test_values_that_are_no_longer_wanted_go(api: KubernetesApi, run: Callable[..., steps.Outcome]) -> None:
    run(host="example.com", values={"gateway": {"enabled": True}})

    outcome = run(host="example.com")

    package = api.get(PACKAGE, PLATFORM)
    assert package
    assert names(outcome) == [PLATFORM]
    assert "gateway" not in package["spec"]["components"]["platform"]["values"]


def test_released_images_are_refused_for_a_real_node_object_of_arm64(
    api: KubernetesApi, run: Callable[..., steps.Outcome]
) -> None:
    join(api, {})

    with pytest.raises(Refusal, match="the nodes arm are arm64"):
        run()


def join(api: KubernetesApi, status: dict[str, Any]) -> None:
    """Have the cluster know a node of arm64, as its kubelet would describe it."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "arm"}}
    api.apply(node)
    reported = {"nodeInfo": {**dict.fromkeys(NODE_INFO, ""), "architecture": "arm64"}}
    change(api, f"{kinds.NODE.path('arm')}/status", {**node, "status": reported | status})


def test_the_diagnosis_follows_an_installation_and_names_what_the_scheduler_refused(
    api: KubernetesApi, run: Callable[..., steps.Outcome]
) -> None:
    before = look(api, settled=True)
    join(api, {"allocatable": OFFER, "capacity": OFFER, "conditions": [{"type": "Ready", "status": "True"}]})
    run(allow_unsupported_architecture=True)
    installed = look(api, settled=True)
    api.apply(LARGE_POD)
    try:
        refused = account_with(api, unschedulable=1)
    finally:
        api.delete(kinds.POD, "large", namespace="cozy-system")

    assert (before["phase"], before["codes"], before["blocked"]) == ("absent", ["NOT_INSTALLED"], True)
    assert (installed["phase"], installed["codes"]) == ("operator", ["OPERATOR_NOT_READY"])
    assert installed["nodes"][0]["free"] == {"cpu_m": 2000, "memory_mib": 3400, "pods": 110}
    # No release waits for a pod without an owner, so it comes after the operator.
    assert refused["codes"] == ["OPERATOR_NOT_READY", "INSUFFICIENT_MEMORY"]
    assert refused["pods"]["unschedulable"][0]["lacking"] == {"memory": 1}
    assert refused["deficit"] == {"cpu_m": 0, "memory_mib": 8192 - 3400, "pods": 0}


def account_with(api: KubernetesApi, *, unschedulable: int) -> dict[str, Any]:
    """Return the diagnosis once the scheduler has refused that many pods."""
    for _ in range(100):
        found = look(api, settled=True)
        if found["pods"]["unschedulable_total"] == unschedulable:
            return found
        time.sleep(0.2)
    raise AssertionError(f"the scheduler has refused {found['pods']}")


def test_what_a_policy_denies_and_a_webhook_that_is_away_are_distinguished(
    api: KubernetesApi, run: Callable[..., steps.Outcome]
) -> None:
    run()
    rules = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
    service = {"name": "guard", "namespace": "cozy-system", "path": "/", "port": 443}
    hook = {"name": "guard.example.com", "rules": [rules], "clientConfig": {"service": service}, "timeoutSeconds": 2}
    hook |= {"sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail"}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "guard.example.com"}}
    api.apply({**head, "kind": HOOKS.kind, "webhooks": [hook]})

    away = failure(lambda: run(telemetry_enabled=False), until=Cause.WEBHOOK_AWAY)
    api.delete(HOOKS, "guard.example.com")
    constraints = {"matchConstraints": {"resourceRules": [rules]}}
    denial = {**constraints, "validations": [{"expression": "false", "message": "not today"}]}
    api.apply({**head, "kind": POLICIES.kind, "spec": denial})
    bound = {"policyName": "guard.example.com", "validationActions": ["Deny"]}
    api.apply({**head, "kind": BINDINGS.kind, "spec": bound})
    denied = failure(lambda: run(telemetry_enabled=False), until=Cause.WEBHOOK)

    assert 'failed calling webhook "guard.example.com"' in str(away)
    assert "denied request: not today" in str(denied)


def failure(work: Callable[[], object], *, until: Cause) -> ApiError:
    """Return how the work fails; the server takes a moment to know a new rule."""
    for _ in range(50):
        try:
            work()
        except ApiError as error:
            if error.cause is until:
                return error
        time.sleep(0.2)
    raise AssertionError("it did not fail")


def test_the_end_leaves_the_package(api: KubernetesApi, run: Callable[..., steps.Outcome]) -> None:
    run()
    plan = steps.plan_of(with_defaults({"state": "absent"}, ARGUMENT_SPEC), lambda _: b"")

    foreseen = steps.ensure_absent(api, plan, check_mode=True)
    assert api.get(kinds.DEPLOYMENT, "cozystack-operator", namespace="cozy-system")
    outcome = steps.ensure_absent(api, plan, check_mode=False)

    assert names(foreseen) == names(outcome) == ["cozystack-operator", "cozystack", "cozystack"]
    assert names(steps.ensure_absent(api, plan, check_mode=False)) == []
    assert api.get(PACKAGE, PLATFORM)


def talk(api: KubernetesApi) -> list[str]:
    """Return a server's answers to valid and invalid requests, without its times and versions."""
    said: list[str] = []
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "talk"}}
    config: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "talk"}}
    changed = {**config, "data": {"y": "4", "z": "5"}}
    role = {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}
    binding: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding"}
    binding |= {"metadata": {"name": "talk"}, "roleRef": role}
    other = {**binding, "roleRef": {**role, "name": "edit"}}
    steps: list[Callable[[], object]] = [
        lambda: api.apply({**config, "data": {"x": "1"}}),
        lambda: api.apply(space)["metadata"]["name"],
        lambda: api.apply({**config, "data": {"x": "1"}}, dry_run=True)["data"],
        lambda: api.get(kinds.CONFIG_MAP, "a", namespace="talk"),
        lambda: api.apply({**config, "data": {"x": "1", "y": "2"}})["data"],
        lambda: api.apply({**config, "data": {"y": "2"}})["data"],
        lambda: fields_of(api.apply({**config, "data": {"y": "3"}})),
        lambda: api.apply({**config, "data": {"y": "3"}, "metadata": {**config["metadata"], "labels": {"a": "b"}}})[
            "data"
        ],
        lambda: [one["metadata"]["name"] for one in api.items(kinds.CONFIG_MAP, fields="metadata.name=a")],
        lambda: change(api, kinds.CONFIG_MAP.path("a", namespace="talk"), changed)["data"],
        lambda: api.apply({**config, "data": {"y": "6"}}),
        lambda: api.apply({**config, "data": {"y": "6", "z": "6"}}),
        lambda: fields_of(api.apply({**config, "data": {"y": "6"}}, force=True)),
        lambda: api.apply(binding)["roleRef"],
        lambda: api.apply(other),
        lambda: api.kind_of({"apiVersion": "nothing.example.com/v1", "kind": "Thing"}),
        lambda: api.get(PACKAGE, "a"),
        lambda: api.delete(kinds.CONFIG_MAP, "a", namespace="talk", dry_run=True),
        lambda: api.delete(kinds.CONFIG_MAP, "a", namespace="talk"),
        lambda: api.delete(kinds.CONFIG_MAP, "a", namespace="talk"),
        lambda: api.delete(kinds.CLUSTER_ROLE_BINDING, "talk"),
    ]
    for step in steps:
        try:
            said.append(json.dumps(step(), sort_keys=True))
        except ApiError as error:
            said.append(f"{error.cause}: {error.detail}")
    return said


def change(api: KubernetesApi, path: str, content: dict[str, Any]) -> dict[str, Any]:
    """Change an object as another tool that applies would."""
    query, body = {"fieldManager": "another-tool", "force": "true"}, json.dumps(content).encode()
    return api._send(Call("PATCH", path, "edit", query, body, "application/apply-patch+yaml"))


def fields_of(content: dict[str, Any]) -> Any:
    """Return who manages what."""
    return [(one["manager"], one["operation"], one["fieldsV1"]) for one in content["metadata"]["managedFields"]]


def test_the_simulated_says_what_the_real_server_says(kubernetes: ControlPlane, tmp_path: Path) -> None:
    async def simulated() -> list[str]:
        cluster = Cluster(f"https://{ADDRESS}:6443")
        async with machines(tmp_path, [ADDRESS]) as (node,):
            await bootstrapped([node], cluster)
            path = tmp_path / "kubeconfig"
            path.write_text(await on(node, cluster.access(), machine.kubeconfig))
            return await asyncio.to_thread(lambda: talk(connect(Access(str(path)), patience=5)))

    real = talk(connect(Access(str(kubernetes.kubeconfig))))

    assert asyncio.run(simulated()) == real
