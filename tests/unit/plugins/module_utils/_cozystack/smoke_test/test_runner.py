# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoke tests end in passed or in a documented blocker, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.smoke_test import runner, workloads
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import Kind
from tests.cozystack_cluster import SERVER, FakeApi, condition, definitions, failure, node, pod, status_of
from tests.cozystack_situations import sandbox_fails

CLASSES = {kinds.RUNTIME_CLASS: definitions("wasmtime-spin-v2"), kinds.NODE: [node("gateway")]}
NO_PLATFORM = "no match for platform in manifest: not found"
Status = Callable[[int], dict[str, Any]]


class WorkingApi(FakeApi):
    """An API that takes objects and gives each a status, which may depend on how often it was asked."""

    def __init__(self, objects: dict[Kind, list[Any]], status: Status, *, refuses: ApiError | None = None) -> None:
        super().__init__(objects)
        self.status = status
        self.refuses = refuses
        self.applied: dict[tuple[str, str], Any] = {}
        self.looks = 0

    def apply(self, content: dict[str, Any], *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        if self.refuses and content["kind"] != "Namespace":
            raise self.refuses
        self.applied[content["kind"], content["metadata"]["name"]] = content
        return content

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> dict[str, Any] | None:
        content = self.applied.get((kind.kind, name))
        if content is None:
            return super().get(kind, name, namespace=namespace)
        self.looks += 1
        return content | {"status": self.status(self.looks)}

    def delete(self, kind: Kind, name: str, *, namespace: str = "", dry_run: bool = False) -> bool:
        found = self.applied.pop((kind.kind, name), None)
        if kind.kind == "Namespace":
            self.applied = {}
        return found is not None


class Time:
    """Passes by sleeping only."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> runner.Clock:
        return runner.Clock(lambda: self.seconds, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def spin() -> runner.Smoke:
    return workloads.spin_smoke(image="wasm:1", runtime_class="wasmtime-spin-v2", path="/hello")


def tried(api: WorkingApi, test: runner.Smoke) -> tuple[runner.Observed, float]:
    """Return what came of a test and how long it took; nothing of it may be left."""
    time = Time()
    observed = runner.run(api, test, runner.Limits(timeout=120, grace=10), clock=time.clock())
    assert api.applied == {}
    assert (observed.state == "blocked") == bool(observed.code)
    return observed, time.seconds


def test_a_program_that_answers_has_passed() -> None:
    ready = {"phase": "Running", "conditions": [condition("Ready", "True")]}
    api = WorkingApi(CLASSES, lambda looks: ready if looks > 3 else {"phase": "Pending"})

    observed, seconds = tried(api, spin())

    assert (observed, seconds) == (runner.Observed("passed"), 6)


APPS = {**CLASSES, kinds.CRD: definitions("spinapps.core.spinkube.dev")}


def spin_app() -> runner.Smoke:
    """Return the test of a SpinApp."""
    return workloads.spin_app_smoke(image="hello:1", runtime_class="wasmtime-spin-v2", path="/hello")


def test_a_spin_app_has_passed_when_a_replica_is_ready_and_names_the_executor_that_was_made_before() -> None:
    kept: list[Any] = []

    class KeepingApi(WorkingApi):
        def apply(self, content: dict[str, Any], *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
            kept.append(content)
            return super().apply(content, dry_run=dry_run, force=force)

    observed, _ = tried(KeepingApi(APPS, lambda looks: {"readyReplicas": int(looks > 2)}), spin_app())

    assert observed == runner.Observed("passed")
    assert [one["kind"] for one in kept] == ["Namespace", "SpinAppExecutor", "SpinApp"]
    assert kept[2]["spec"]["executor"] == kept[1]["metadata"]["name"]
    assert kept[1]["spec"]["deploymentConfig"]["runtimeClassName"] == "wasmtime-spin-v2"


def test_a_spin_app_needs_the_operator() -> None:
    observed, seconds = tried(WorkingApi(CLASSES, lambda _: {}), spin_app())

    assert (observed.state, observed.cause, seconds) == ("blocked", "the Spin operator is not installed", 0)


def test_what_keeps_the_pods_of_a_spin_app_from_running_is_the_result() -> None:
    waiting = {"reason": "ErrImagePull", "message": NO_PLATFORM}
    own = pod("spin-app", runner.NAMESPACE, node="gateway", containers=[status_of("hello:1", waiting=waiting)])

    observed, _ = tried(WorkingApi({**APPS, kinds.POD: [own]}, lambda _: {"readyReplicas": 0}), spin_app())

    assert (observed.state, observed.code) == ("blocked", "ARCH_UNSUPPORTED_IMAGES")


class SlowApi(WorkingApi):
    """An API whose namespace of the test before takes some looks to go."""

    def __init__(self, looks: int) -> None:
        super().__init__(CLASSES, lambda _: {"conditions": [condition("Ready", "True")]})
        self.left = looks

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> dict[str, Any] | None:
        if kind != kinds.NAMESPACE or self.left == 0:
            return super().get(kind, name, namespace=namespace)
        self.left -= 1
        return {"metadata": {"name": name, "deletionTimestamp": "2026-01-02T03:04:05Z"}}


def test_a_test_waits_until_the_namespace_of_the_one_before_is_gone() -> None:
    observed, seconds = tried(SlowApi(looks=4), spin())

    assert (observed, seconds) == (runner.Observed("passed"), 8)


def test_a_namespace_that_is_never_deleted_is_the_blocker() -> None:
    observed, seconds = tried(SlowApi(looks=1000), spin())

    assert (observed.state, observed.code, seconds) == ("blocked", "SMOKE_TEST_NOT_DELETED", 120)
    assert "of an earlier test still exists after 120 s" in observed.cause


def test_without_the_runtime_class_nothing_is_run() -> None:
    observed, seconds = tried(WorkingApi({}, lambda _: {}), spin())

    assert (observed.state, seconds) == ("blocked", 0)
    assert observed.cause == "the RuntimeClass wasmtime-spin-v2 does not exist"


def test_without_a_node_that_is_ready_nothing_is_run() -> None:
    text = "cni plugin not initialized"
    waits = {
        **CLASSES,
        kinds.NODE: [node("gateway", conditions=[condition("Ready", "False", "KubeletNotReady", text)])],
    }

    observed, seconds = tried(WorkingApi(waits, lambda _: {}), spin())

    assert (observed.state, observed.cause, seconds) == ("blocked", f"no node is ready: {text}", 0)


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        pytest.param(
            {"containerStatuses": [status_of("wasm:1", waiting={"reason": "ErrImagePull", "message": NO_PLATFORM})]},
            "ARCH_UNSUPPORTED_IMAGES",
            NO_PLATFORM,
            id="another architecture",
        ),
        pytest.param(
            {"conditions": [condition("PodScheduled", "False", "Unschedulable", "0/3 nodes: 3 Insufficient memory.")]},
            "INSUFFICIENT_MEMORY",
            "3 Insufficient memory",
            id="no room",
        ),
        pytest.param(
            {"containerStatuses": [status_of("wasm:1", waiting={"reason": "CrashLoopBackOff", "message": "back-off"})]},
            "CONTAINER_CRASHES",
            "its container does not run: back-off",
            id="crashes",
        ),
    ],
)
def test_a_blocker_is_the_result_after_a_grace_period(status: Any, code: str | None, cause: str) -> None:
    observed, seconds = tried(WorkingApi(CLASSES, lambda _: status), spin())

    assert (observed.state, observed.code, seconds) == ("blocked", code, 10)
    assert cause in observed.cause


def test_a_node_without_the_runtime_is_recognized_from_events() -> None:
    about = {"involvedObject": {"name": "spin"}, "reason": "FailedCreatePodSandBox"}
    event = {"metadata": {"namespace": runner.NAMESPACE}, "message": 'no runtime for "spin" is configured', **about}

    observed, _ = tried(WorkingApi({**CLASSES, kinds.EVENT: [event]}, lambda _: {"phase": "Pending"}), spin())

    assert observed == runner.Observed("blocked", 'no runtime for "spin" is configured', "RUNTIME_MISSING")


def test_the_cause_of_a_sandbox_is_not_hidden_by_the_next_attempts() -> None:
    events = [
        one | {"metadata": {"namespace": runner.NAMESPACE}, "involvedObject": {"name": "spin"}}
        for one in sandbox_fails('no runtime for "spin" is configured')
    ]

    observed, _ = tried(WorkingApi({**CLASSES, kinds.EVENT: events[::-1]}, lambda _: {"phase": "Pending"}), spin())

    assert observed.code == "RUNTIME_MISSING"
    assert observed.cause.endswith('no runtime for "spin" is configured')


def test_a_taint_that_the_scheduler_does_not_name_is_that_of_the_nodes() -> None:
    said = "0/1 nodes are available: 1 node(s) had untolerated taint(s)."
    status = {"conditions": [condition("PodScheduled", "False", "Unschedulable", said)]}
    tainted = node("gateway", taints=[{"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}])

    observed, _ = tried(WorkingApi({**CLASSES, kinds.NODE: [tainted]}, lambda _: status), spin())

    assert observed.code == "INSUFFICIENT_MEMORY"


def test_a_temporary_problem_is_not_a_blocker() -> None:
    trouble = {"containerStatuses": [status_of("wasm:1", waiting={"reason": "ErrImagePull", "message": "i/o timeout"})]}
    ready = {"conditions": [condition("Ready", "True")]}

    observed, _ = tried(WorkingApi(CLASSES, lambda looks: ready if looks > 4 else trouble), spin())

    assert observed.state == "passed"


def test_it_never_hangs() -> None:
    observed, seconds = tried(WorkingApi(CLASSES, lambda _: {"phase": "Pending"}), spin())

    assert (observed.state, observed.code, seconds) == ("blocked", "SMOKE_TEST_TIMED_OUT", 120)
    assert observed.cause == "not there after 120 s: its phase is Pending"


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (Cause.QUOTA, "QUOTA_EXCEEDED"),
        (Cause.WEBHOOK, "WEBHOOK_REFUSED"),
        (Cause.CUT, "API_UNREACHABLE"),
    ],
)
def test_a_server_that_refuses_is_a_blocker(cause: Cause, code: str) -> None:
    observed, _ = tried(WorkingApi(CLASSES, lambda _: {}, refuses=failure(cause, "because")), spin())

    assert observed == runner.Observed("blocked", "because", code)


def test_a_server_that_does_not_let_us_in_is_a_failure() -> None:
    with pytest.raises(ApiError, match="Failed to list things on " + SERVER):
        tried(WorkingApi(CLASSES, lambda _: {}, refuses=failure(Cause.FORBIDDEN)), spin())


def test_a_virtual_machine_is_not_tried_without_kubevirt_or_kvm() -> None:
    machine = workloads.machine_smoke(image="fedora:41")
    kubevirt = {kinds.CRD: definitions("virtualmachineinstances.kubevirt.io"), kinds.NODE: [node("gateway")]}

    absent, _ = tried(WorkingApi({}, lambda _: {}), machine)
    without, seconds = tried(WorkingApi(kubevirt, lambda _: {}), machine)

    assert absent == runner.Observed("blocked", "KubeVirt is not installed", "SMOKE_TEST_NOT_POSSIBLE")
    assert (without.code, seconds) == ("KVM_MISSING", 0)
    assert without.cause == "virtual machines cannot start: no node has /dev/kvm (1 node)"


def test_a_virtual_machine_is_not_tried_on_types_that_cannot_run_one() -> None:
    graviton = workloads.machine_smoke(image="fedora:41", instance_types=["t4g.medium", "t4g.medium"])
    metal = workloads.machine_smoke(image="fedora:41", instance_types=["t4g.medium", "a1.metal"])

    blocked, _ = tried(WorkingApi({}, lambda _: {}), graviton)
    absent, _ = tried(WorkingApi({}, lambda _: {}), metal)

    assert blocked.cause == "virtual machines cannot start: no node has /dev/kvm (t4g.medium)"
    assert absent.cause == "KubeVirt is not installed"


def test_a_virtual_machine_that_runs_has_passed_and_one_without_room_is_blocked() -> None:
    machine = workloads.machine_smoke(image="fedora:41")
    able = [node("gateway", allocatable={"devices.kubevirt.io/kvm": "1k"})]
    objects = {kinds.CRD: definitions("virtualmachineinstances.kubevirt.io"), kinds.NODE: able}
    full = condition("PodScheduled", "False", "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.")

    runs, _ = tried(WorkingApi(objects, lambda _: {"phase": "Running"}), machine)
    waits, _ = tried(WorkingApi(objects, lambda _: {"phase": "Scheduling", "conditions": [full]}), machine)

    assert runs.state == "passed"
    assert (waits.state, waits.code) == ("blocked", "INSUFFICIENT_MEMORY")


@pytest.mark.parametrize(
    ("phase", "message", "expected"),
    [
        pytest.param("Scheduled", "Guest VM is not reported as running", ("waiting", None), id="it still starts"),
        pytest.param("Failed", "virt-launcher crashed", ("blocked", "SMOKE_TEST_FAILED"), id="it has failed"),
        pytest.param(
            "Scheduling",
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
            ("waiting", None),
            id="its node is not ready yet",
        ),
    ],
)
def test_a_condition_of_a_virtual_machine_is_its_problem_only_if_it_says_one(
    phase: str, message: str, expected: tuple[str, str | None]
) -> None:
    machine = {"status": {"phase": phase, "conditions": [condition("Ready", "False", "GuestNotRunning", message)]}}

    observed = workloads.machine_state(WorkingApi({}, lambda _: {}), machine)

    assert (observed.state, observed.code) == expected
