# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of cozystack_info for clusters in all states."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import (
    HELM_RELEASE,
    OCI_REPOSITORY,
    PACKAGE,
)
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.modules.cozystack_info import look
from tests.cozystack_cluster import (
    FakeApi,
    condition,
    deployment,
    failure,
    installed,
    node,
    package,
    pod,
    release,
    status_of,
    waiting_pod,
)

NOT_READY = ("cozy-cilium", "cilium")
NO_MEMORY = (
    "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No preemption victims."
)
NO_PLATFORM = "failed to pull and unpack image: no match for platform in manifest: not found"


def seen(objects: dict[Any, Any] | None = None, *, settled: bool = False, **failures: ApiError) -> dict[str, Any]:
    """Return the account of a cluster."""
    return look(FakeApi(objects or {kinds.NODE: [node("gateway")]}, failures=failures), settled=settled)


def test_a_cluster_without_cozystack_is_reported_as_such() -> None:
    found = seen()

    assert (found["phase"], found["ready"], found["codes"]) == ("absent", False, ["NOT_INSTALLED"])
    assert found["releases"] == {"expected": None, "present": 0, "ready": 0, "not_ready": [], "others": []}
    assert found["nodes"][0]["free"] == {"cpu_m": 1950, "memory_mib": 3288, "pods": 512}


def test_an_api_that_does_not_answer_is_reported_and_asked_once() -> None:
    api = FakeApi({}, failures={"version": failure(Cause.UNREACHABLE, "connection refused")})

    found = look(api, settled=False)

    assert (found["phase"], found["codes"]) == ("unreachable", ["API_UNREACHABLE"])
    assert found["api"] == {
        "server": api.server,
        "reachable": False,
        "version": "",
        "missing": {"version": "connection refused"},
    }
    assert api.asked == ["version"]


def test_after_a_timeout_no_further_kinds_are_requested() -> None:
    silence = failure(Cause.TIMEOUT, "no answer within 30 s")
    api = FakeApi(installed(), failures={"helmreleases": silence, "nodes": silence})

    found = look(api, settled=False)

    assert (found["phase"], found["ready"], found["codes"]) == ("unreachable", False, ["API_UNREACHABLE"])
    assert found["api"]["missing"]["releases"] == "no answer within 30 s"
    assert found["api"]["missing"]["pods"].startswith("not asked")
    assert "pods" not in api.asked


def test_a_forbidden_kind_does_not_hide_other_kinds() -> None:
    found = seen(installed(), storageclasses=failure(Cause.FORBIDDEN, "storageclasses is forbidden"))

    assert found["ready"]
    assert found["api"]["missing"] == {"storage classes": "storageclasses is forbidden"}


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.is_lasting])
def test_what_only_the_user_can_fix_fails(cause: Cause) -> None:
    with pytest.raises(ApiError) as raised:
        seen(installed(), version=failure(cause, "no way in"))

    assert raised.value.cause is cause


def test_a_definition_that_is_missing_is_an_installation_that_waits_for_flux() -> None:
    objects = installed() | {kinds.CRD: [], HELM_RELEASE: [], PACKAGE: []}
    objects[kinds.DEPLOYMENT] = [deployment("cozy-system", "cozystack-operator")]

    found = seen(objects)

    assert (found["phase"], found["codes"]) == ("flux", [])
    assert found["root_blockers"][0]["name"] == "flux"
    assert (
        found["summary"]
        == "0 of an unknown number of releases ready (flux); waits for Deployment cozy-fluxcd/flux (NotFound)"
    )


def test_an_operator_of_another_architecture_is_the_images_fault() -> None:
    image = "ghcr.io/cozystack/cozystack/cozystack-operator:v1.6.2"
    away = condition(
        "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    )
    late = condition("Progressing", "False", "ProgressDeadlineExceeded", "has timed out progressing.")
    back_off = status_of(image, waiting={"reason": "ImagePullBackOff", "message": NO_PLATFORM})
    objects = {
        kinds.DEPLOYMENT: [deployment("cozy-system", "cozystack-operator", away, late)],
        kinds.NODE: [node("gateway")],
        kinds.POD: [pod("cozystack-operator", "cozy-system", node="gateway", containers=[back_off])],
    }

    found = seen(objects)

    assert (found["phase"], found["codes"], found["blocked"]) == ("operator", ["ARCH_UNSUPPORTED_IMAGES"], True)
    assert found["images"] == [{"image": image, "cause": "no_matching_manifest", "pods": 1, "message": NO_PLATFORM}]
    where = "cozy-system/cozystack-operator-5d7b8f-x2x4z"
    assert found["verdicts"][0]["message"] == f"1 image is not built for arm64: {image}; {where}: {NO_PLATFORM}"
    assert found["verdicts"][0]["evidence"] == {
        **{"images": [image], "architectures": ["arm64"]},
        **{"pod": where, "waits": "cozy-system/cozystack-operator"},
    }


def test_an_operator_that_has_just_begun_is_not_a_verdict_until_it_is_settled() -> None:
    away = condition("Available", "False", "MinimumReplicasUnavailable", "not yet")
    objects = {kinds.DEPLOYMENT: [deployment("cozy-system", "cozystack-operator", away)], kinds.NODE: [node("gateway")]}

    assert seen(objects)["codes"] == []
    assert seen(objects, settled=True)["codes"] == ["OPERATOR_NOT_READY"]


def test_a_source_that_cannot_be_read_is_the_blocker() -> None:
    objects = installed()
    refused = condition("Ready", "False", "OCIArtifactPullFailed", "denied")
    objects[OCI_REPOSITORY][0]["status"]["conditions"] = [refused]
    objects |= {HELM_RELEASE: [], PACKAGE: []}

    found = seen(objects)

    assert (found["phase"], found["codes"]) == ("source", ["SOURCE_NOT_READY"])
    assert "OCIArtifactPullFailed" in found["verdicts"][0]["message"]


def test_one_release_blocks_all_that_wait_for_it() -> None:
    cilium = release(
        "cilium", "cozy-cilium", ready=False, reason="InstallFailed", message="context deadline exceeded", failures=2
    )
    others = [
        release("kubeovn", "cozy-kubeovn", ready=False, depends_on=[NOT_READY]),
        release("multus", "cozy-multus", ready=False, depends_on=[("cozy-kubeovn", "kubeovn"), NOT_READY]),
    ]

    found = seen(installed(releases=[cilium, *others], packages=[package("cozystack.networking", releases=3)]))

    assert [(one["name"], one["holds_back"], one["fails"]) for one in found["root_blockers"]] == [("cilium", 2, True)]
    assert found["codes"] == ["RELEASE_NOT_READY"]
    assert [one["blocked_by"] for one in found["releases"]["not_ready"]] == [
        [],
        ["cozy-cilium/cilium"],
        ["cozy-kubeovn/kubeovn", "cozy-cilium/cilium"],
    ]
    assert "2 releases wait for it" in found["verdicts"][0]["message"]


def test_one_release_that_waits_is_singular() -> None:
    cilium = release("cilium", "cozy-cilium", ready=False, reason="InstallFailed", message="x509: expired", failures=2)
    other = release("kubeovn", "cozy-kubeovn", ready=False, depends_on=[NOT_READY])

    found = seen(installed(releases=[cilium, other]))

    assert "; 1 release waits for it" in found["verdicts"][0]["message"]


def test_a_release_that_waits_for_one_that_does_not_exist_is_a_root() -> None:
    lost = release("velero", "cozy-velero", ready=False, depends_on=[("cozy-monitoring", "monitoring-agents")])

    found = seen(installed(releases=[lost]))

    assert found["root_blockers"][0]["reason"] == "DependencyMissing"
    words = "cozy-monitoring/monitoring-agents of package cozystack.monitoring-agents, which does not exist"
    assert words in found["verdicts"][0]["message"]


def test_a_dependency_of_no_known_package_is_named_alone() -> None:
    lost = release("velero", "cozy-velero", ready=False, depends_on=[("own", "database")])

    found = seen(installed(releases=[lost]))

    verdict = found["verdicts"][0]
    assert "it depends on own/database, which does not exist" in verdict["message"]
    # No package that could be enabled creates it.
    assert verdict["code"] == "RELEASE_NOT_READY"


@pytest.mark.parametrize(
    ("values", "phase"),
    [
        pytest.param({"ingress": True}, "tenant", id="enabled"),
        pytest.param({"ingress": False}, "ready", id="disabled"),
        pytest.param({}, "ready", id="not named"),
    ],
)
def test_without_a_release_that_the_root_tenant_enables_the_installation_is_not_ready(
    values: dict[str, Any], phase: str
) -> None:
    tenant = release("tenant-root", "tenant-root")
    tenant["spec"]["values"] = values
    other = release("tenant-other", "tenant-root")
    other["spec"]["values"] = {"ingress": True}

    found = seen(installed(releases=[tenant, other]))

    assert (found["phase"], found["ready"]) == (phase, phase == "ready")
    # The release may come any moment, so it is no problem yet.
    assert found["codes"] == []


def test_releases_that_wait_for_each_other_are_all_roots() -> None:
    one = release("one", ready=False, depends_on=[("cozy-system", "two")])
    two = release("two", ready=False, depends_on=[("cozy-system", "one")])

    found = seen(installed(releases=[one, two]))

    assert [(root["name"], root["reason"]) for root in found["root_blockers"]] == [
        ("one", "DependencyCycle"),
        ("two", "DependencyCycle"),
    ]


def test_a_release_at_work_is_not_a_verdict() -> None:
    busy = release(
        "cilium", "cozy-cilium", ready=False, status="Unknown", reason="Progressing", message="Running install"
    )

    found = seen(installed(releases=[busy]))

    assert (found["phase"], found["codes"], found["blocked"]) == ("releases", [], False)
    assert "waits for HelmRelease cozy-cilium/cilium (Progressing)" in found["summary"]
    assert seen(installed(releases=[busy]), settled=True)["codes"] == ["RELEASE_NOT_READY"]


@pytest.mark.parametrize(
    ("message", "code", "remedy"),
    [
        pytest.param(
            'failed calling webhook "lineage.cozystack.io": dial tcp 10.96.0.9:443: connect: operation not permitted',
            "WEBHOOK_REFUSED",
            "webhook's own pod",
            id="webhook away",
        ),
        pytest.param(
            'admission webhook "validate.kyverno.svc" denied the request: no', "WEBHOOK_REFUSED", "webhook", id="denied"
        ),
        pytest.param('pods "x" is forbidden: exceeded quota: compute', "QUOTA_EXCEEDED", "ResourceQuota", id="quota"),
        pytest.param(
            'ClusterRole "cilium" in namespace "" exists and cannot be imported into the current release',
            "NAME_CLASH",
            "another CNI",
            id="name clash",
        ),
        pytest.param("context deadline exceeded", "RELEASE_NOT_READY", "describe helmrelease cilium", id="stuck"),
    ],
)
def test_the_failure_of_a_release_has_a_code_and_a_remedy(message: str, code: str, remedy: str) -> None:
    broken = release("cilium", "cozy-cilium", ready=False, reason="InstallFailed", message=message, failures=1)

    found = seen(installed(releases=[broken]))

    assert found["codes"] == [code]
    assert message in found["verdicts"][0]["message"]
    assert remedy in found["verdicts"][0]["remedy"]


def test_pods_that_a_quota_forbids_are_reported_though_they_do_not_exist() -> None:
    message = 'Error creating: pods "x" is forbidden: exceeded quota: compute, requested: memory=1Gi'
    about = {"kind": "StatefulSet", "name": "etcd"}
    event = {"metadata": {"namespace": "tenant-root"}, "involvedObject": about, "message": message}
    event["reason"] = "FailedCreate"

    found = seen(installed(events=[event]))

    assert found["codes"] == ["QUOTA_EXCEEDED"]
    assert found["verdicts"][0]["subject"] == "tenant-root/etcd"


def test_a_shortage_of_memory_is_the_verdict_and_not_the_release_that_suffers() -> None:
    late = "context deadline exceeded"
    stuck = release("linstor", "cozy-linstor", ready=False, reason="InstallFailed", message=late, failures=3)
    taken = [pod(f"p{number}", node="gateway", requests={"cpu": "100m", "memory": "1Gi"}) for number in range(3)]
    waiting = waiting_pod("controller", NO_MEMORY, release="linstor", requests={"cpu": "250m", "memory": "700Mi"})

    found = seen(installed(releases=[stuck], pods=[*taken, waiting], nodes=[node("gateway")]))

    assert found["codes"] == ["INSUFFICIENT_MEMORY"]
    assert found["nodes"][0]["free"] == {"cpu_m": 1650, "memory_mib": 216, "pods": 509}
    assert found["deficit"] == {"cpu_m": 0, "memory_mib": 484, "pods": 0}
    assert found["pods"]["unschedulable"][0] == {
        "namespace": "cozy-linstor",
        "pod": "controller-5d7b8f-x2x4z",
        "owner": "Deployment/controller",
        "release": "linstor",
        "requests": {"cpu_m": 250, "memory_mib": 700},
        "message": NO_MEMORY,
        "lacking": {"memory": 3},
    }
    assert "blocker: INSUFFICIENT_MEMORY: 1 pod waits for memory" in found["summary"]


def test_pods_that_wait_for_the_container_network_are_not_a_verdict() -> None:
    text = "container runtime network not ready: cni plugin not initialized"
    waits = [node("gateway", conditions=[condition("Ready", "False", "KubeletNotReady", text)])]
    message = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }."

    found = seen(installed(nodes=waits, pods=[waiting_pod("webhook", message)]))

    assert found["codes"] == []
    assert found["pods"]["unschedulable"][0]["lacking"] == {"taint node.kubernetes.io/not-ready": 1}
    assert not found["ready"]


def test_a_node_that_is_gone_is_a_verdict() -> None:
    gone = node(
        "compute-2", conditions=[condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting.")]
    )

    found = seen(installed(nodes=[node("gateway"), gone]))

    assert found["codes"] == ["NODE_NOT_READY"]
    assert found["verdicts"][0]["message"] == "compute-2 is not ready: Kubelet stopped posting."


def test_containers_killed_for_their_memory_are_reported_and_do_not_block() -> None:
    killed = status_of("vpa:1", last={"reason": "OOMKilled", "exitCode": 137}, restarts=4)

    found = seen(installed(pods=[pod("vpa", node="gateway", containers=[killed])]))

    assert (found["codes"], found["blocked"], found["ready"]) == (["OUT_OF_MEMORY_KILLED"], False, True)
    assert found["oom"][0]["restarts"] == 4


def test_nodes_without_kvm_are_reported_when_the_device_plugin_has_looked() -> None:
    without = [node("gateway", allocatable={"devices.kubevirt.io/kvm": "0"})]

    assert seen(installed())["virtualization"]["kvm"] is None
    found = seen(installed(nodes=without))

    assert (found["codes"], found["virtualization"]) == (["KVM_MISSING"], {"kvm": False, "nodes": {"gateway": 0}})


def test_linstor_without_a_disk_is_reported_until_there_is_a_class_or_a_pool() -> None:
    packages = [package("cozystack.linstor", releases=0)]
    classes = [{"metadata": {"name": "local"}, "provisioner": "linstor.csi.linbit.com"}]

    assert seen(installed(packages=packages))["codes"] == ["DATA_DISK_MISSING"]
    assert seen(installed(packages=packages, storage_classes=classes))["codes"] == []


def test_packages_that_wait_for_disabled_ones_are_reported() -> None:
    waits = package("cozystack.velero", ready=False, waits_for=["cozystack.monitoring-agents"])

    found = seen(installed(packages=[waits]))

    assert found["codes"] == ["PACKAGES_NOT_CLOSED"]
    assert found["verdicts"][0]["evidence"] == {"packages": {"cozystack.velero": ["cozystack.monitoring-agents"]}}


def test_it_is_ready_when_all_releases_that_packages_announce_are_there_and_ready() -> None:
    packages = [package("cozystack.networking", releases=2), package("cozystack.cozystack-basics")]
    releases = [release(name, package="cozystack.networking") for name in ("cilium", "kubeovn")]
    basics = release("cozystack-basics", package="cozystack.cozystack-basics")
    tenant = release("tenant-root", "tenant-root")

    early = seen(installed(packages=packages, releases=releases))
    nearly = seen(installed(packages=packages, releases=[*releases, basics]))
    done = seen(installed(packages=packages, releases=[*releases, basics, tenant]))

    assert [
        (one["phase"], one["releases"]["present"], one["releases"]["expected"]) for one in (early, nearly, done)
    ] == [
        ("tenant", 3, 5),
        ("tenant", 4, 5),
        ("ready", 5, 5),
    ]
    assert (done["ready"], done["summary"], done["verdicts"]) == (True, "5 of 5 releases ready", [])


def test_releases_of_users_are_listed_apart_and_count_for_nothing() -> None:
    tenant = release("tenant-root", "tenant-root")
    busy = release("podinfo", "default", ready=False, reason="Progressing", status="Unknown")
    failed = release("postgres-foo", "tenant-root", ready=False, reason="InstallFailed", message="no", failures=3)
    own = [busy, failed, release("done", "default")]

    found, without = (seen(installed(releases=[tenant, *more])) for more in (own, []))

    assert (found["ready"], found["blocked"], found["phase"]) == (True, False, "ready")
    assert [(one["namespace"], one["name"]) for one in found["releases"]["others"]] == [
        ("default", "podinfo"),
        ("tenant-root", "postgres-foo"),
    ]
    assert found["releases"] | {"others": []} == without["releases"]
    # One that is still in progress is no problem.
    assert [(one["code"], one["severity"], one["subject"]) for one in found["verdicts"]] == [
        ("OTHER_RELEASE_NOT_READY", "warning", "tenant-root/postgres-foo")
    ]


def test_of_many_failed_releases_of_users_the_first_are_named() -> None:
    failed = [
        release(f"app-{number}", "default", ready=False, reason="InstallFailed", message="no", failures=1)
        for number in range(9)
    ]

    (verdict,) = seen(installed(releases=failed))["verdicts"]

    assert verdict["message"].endswith("(and 8 more: default/app-1, default/app-2, default/app-3)")


def test_thousands_of_pods_leave_sums_and_the_first_fifty() -> None:
    pods = [waiting_pod(f"p{number}", NO_MEMORY, requests={"memory": "100Mi"}) for number in range(3000)]

    found = seen(installed(pods=pods))

    assert (len(found["pods"]["unschedulable"]), found["pods"]["unschedulable_total"]) == (50, 3000)
    assert found["verdicts"][0]["evidence"]["requested"] == {"cpu_m": 0, "memory_mib": 300000}


def test_a_legacy_installation_is_read_by_its_releases_alone() -> None:
    objects = {
        kinds.DEPLOYMENT: [deployment("cozy-system", "cozystack")],
        HELM_RELEASE: [release("cilium", "cozy-cilium"), release("tenant-root", "tenant-root")],
        kinds.NODE: [node("gateway")],
    }

    found = seen(objects)

    assert (found["phase"], found["releases"]["expected"], found["releases"]["ready"]) == ("ready", None, 2)


PLAN = {
    **{"profile": "full", "disabled_packages": [], "images_arm64": True, "data_disk": True, "instance_types": {}},
    "version": "v1.6.2",
}


def outlook(objects: dict[Any, Any], **changes: Any) -> list[str]:
    """Return the codes of what is predicted."""
    found = look(FakeApi(objects), settled=False, plan=PLAN | changes)
    assert {one["code"] for one in found["outlook"]} <= set(found["codes"])
    return [one["code"] for one in found["outlook"]]


def test_what_is_ahead_is_predicted_for_the_nodes_as_they_are() -> None:
    small = {kinds.NODE: [node(name) for name in ("gateway", "compute-2", "compute-3")]}
    large = {kinds.NODE: [node(name, cpu="3950m", memory="14500Mi") for name in ("gateway", "compute-2", "compute-3")]}

    assert "INSUFFICIENT_MEMORY" in outlook(small)
    assert outlook(large) == []


def test_virtual_machines_are_predicted_only_where_it_is_said_what_the_machines_are() -> None:
    large = {kinds.NODE: [node("gateway", cpu="15950m", memory="60000Mi")]}

    assert "KVM_MISSING" not in outlook(large)
    assert "KVM_MISSING" in outlook(large, instance_types={"gateway": "t4g.2xlarge"})
    assert "KVM_MISSING" not in outlook(large, instance_types={"gateway": "a1.metal"})


def test_what_is_seen_is_not_predicted_again() -> None:
    waiting = waiting_pod("controller", NO_MEMORY, requests={"memory": "700Mi"})
    stuck = release("linstor", "cozy-linstor", ready=False)

    assert "INSUFFICIENT_MEMORY" not in outlook(installed(releases=[stuck], pods=[waiting]))


def test_only_limits_are_reported_for_a_ready_installation() -> None:
    types = {name: "t4g.medium" for name in ("gateway", "compute-2", "compute-3")}

    assert outlook(installed(), instance_types=types, images_arm64=False) == ["KVM_MISSING", "BELOW_DOCUMENTED_USE"]
