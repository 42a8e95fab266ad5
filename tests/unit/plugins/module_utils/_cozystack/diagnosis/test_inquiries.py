# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests besides the lists, and their number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import Cause
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import Kind
from ansible_collections.urmanac.talos.plugins.modules.cozystack_info import look
from tests.cozystack_cluster import FakeApi, failure, installed, pod, release, status_of
from tests.cozystack_situations import LOG_POD, SITUATIONS, Situation, event

BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}


def crashing(name: str, *, code: int = 1, image: str = "a:1", **more: Any) -> dict[str, Any]:
    """Return a pod whose container ends with a code and no message."""
    last = {"exitCode": code, "reason": "Error"}
    status = status_of(image, waiting=BACK_OFF, last=last, restarts=9) | {"ready": False}
    return pod(name, node="gateway", containers=[status], **more)


def asked(*pods: dict[str, Any]) -> list[str]:
    """Return the requests besides the lists that are always read."""
    api, always = FakeApi(installed(pods=list(pods))), FakeApi(installed())
    look(api, settled=True)
    look(always, settled=True)
    return [one for one in api.asked if one not in always.asked]


def test_no_further_inquiries_are_made_if_all_pods_run() -> None:
    assert asked(pod("linstor", node="gateway", containers=[status_of("a:1") | {"ready": True}])) == []


def logs_read(*pods: dict[str, Any]) -> list[str]:
    """Return the requests for logs."""
    return [one for one in asked(*pods) if one.startswith("log of")]


def replica(name: str, of: str, **more: Any) -> dict[str, Any]:
    """Return a crashing pod of a ReplicaSet that has others."""
    item = crashing(name, **more)
    item["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": f"{of}-5d7b8f"}]
    return item


def test_one_log_is_read_for_each_program_and_never_more_than_twelve() -> None:
    replicas = [replica(f"replica-{number}", "replica") for number in range(30)]
    others = [crashing(f"other-{number}") for number in range(30)]

    assert logs_read(*replicas) == ["log of cozy-linstor/replica-0-5d7b8f-x2x4z main before"]
    assert len(logs_read(*replicas, *others)) == 12


def test_programs_of_one_image_have_each_their_own_log() -> None:
    known = situation("two programs of one image that fail for different reasons")

    found = look(FakeApi(dict(known.objects), logs=dict(known.logs)), settled=True)

    assert [one["evidence"]["log"] for one in found["verdicts"]] == [[log.strip()] for log in known.logs.values()]


def test_each_image_has_a_log_read_before_one_has_a_second() -> None:
    alike = [crashing(f"alike-{number}") for number in range(30)]

    assert "log of cozy-linstor/last-5d7b8f-x2x4z main before" in logs_read(*alike, crashing("last", image="b:1"))


def test_an_image_of_another_architecture_needs_one_log() -> None:
    pods = [crashing(f"linstor-{number}", code=255) for number in range(30)]
    api = FakeApi(installed(pods=pods), logs={"linstor-0-5d7b8f-x2x4z": "exec /linstor: exec format error\n"})

    look(api, settled=True)

    assert [one for one in api.asked if one.startswith("log of")] == [
        "log of cozy-linstor/linstor-0-5d7b8f-x2x4z main before"
    ]


def test_a_quoted_architecture_problem_further_up_in_a_log_is_not_that_of_the_program() -> None:
    log = "pod x: exec /x: exec format error\n" + "reconciled\n" * 20 + "no database\n"
    api = FakeApi(installed(pods=[crashing("operator")]), logs={"operator-5d7b8f-x2x4z": log})

    assert look(api, settled=True)["codes"] == ["CONTAINER_CRASHES"]


def test_the_words_of_a_kubelet_without_a_log_are_not_a_log() -> None:
    gone = "unable to retrieve container logs for containerd://0123456789abcdef"
    logs = {"linstor-0-5d7b8f-x2x4z": "exec /linstor: exec format error\n", "linstor-1-5d7b8f-x2x4z": gone}
    pods = [crashing("linstor-0", code=255), crashing("linstor-1", code=255)]

    assert look(FakeApi(installed(pods=pods), logs=logs), settled=True)["codes"] == ["ARCH_UNSUPPORTED_IMAGES"]
    assert "unable to retrieve" not in json.dumps(
        look(FakeApi(installed(pods=[crashing("linstor-1")]), logs=logs), settled=True)["verdicts"]
    )


def test_the_logs_of_programs_that_cannot_be_executed_are_read_first() -> None:
    pods = [*(crashing(f"p-{number}", image=f"b:{number}") for number in range(30)), crashing("last", code=255)]

    logs = [one for one in asked(*pods) if one.startswith("log of")]

    assert logs[0] == "log of cozy-linstor/last-5d7b8f-x2x4z main before"


def test_a_container_that_says_why_it_ended_has_its_log_left_alone() -> None:
    status = status_of("a:1", waiting=BACK_OFF, last={"exitCode": 1, "message": "no disk"}, restarts=2)

    assert not [one for one in asked(pod("linstor", node="gateway", containers=[status])) if one.startswith("log of")]


def test_replicas_of_a_wrong_architecture_are_one_image() -> None:
    pods = [crashing(f"linstor-{number}", code=255) for number in range(3)]
    api = FakeApi(installed(pods=pods), logs={"linstor-0-5d7b8f-x2x4z": "exec /linstor: exec format error\n"})

    found = look(api, settled=True)

    assert found["images"] == [
        {"image": "a:1", "cause": "exec_format", "pods": 3, "message": "exec /linstor: exec format error"}
    ]
    assert found["codes"] == ["ARCH_UNSUPPORTED_IMAGES"]


def test_a_server_that_goes_away_is_not_asked_for_every_log() -> None:
    pods = [crashing(f"p-{number}", image=f"b:{number}") for number in range(9)]
    api = FakeApi(installed(pods=pods))
    silence = failure(Cause.TIMEOUT)
    api.failures = {f"log of cozy-linstor/p-{number}-5d7b8f-x2x4z main before": silence for number in range(9)}

    look(api, settled=True)

    assert len([one for one in api.asked if one.startswith("log of")]) == 2


def test_a_pod_belongs_to_the_release_whose_chart_made_its_maker() -> None:
    labels = {"helm.toolkit.fluxcd.io/name": "piraeus-operator", "helm.toolkit.fluxcd.io/namespace": "cozy-linstor"}
    maker = {"metadata": {"namespace": "cozy-linstor", "name": "gencert", "labels": labels}}
    releases = [
        release(name, "cozy-linstor", ready=False, reason="Progressing") for name in ("linstor", "piraeus-operator")
    ]
    objects = installed(releases=releases, pods=[crashing("gencert")])
    objects[kinds.DEPLOYMENT].append(maker)

    found = look(FakeApi(objects, logs={"gencert-5d7b8f-x2x4z": "no certificate\n"}), settled=True)

    verdict = next(one for one in found["verdicts"] if one["code"] == "CONTAINER_CRASHES")
    assert verdict["subject"] == "cozy-linstor/piraeus-operator"
    assert verdict["message"].endswith("no certificate; HelmRelease cozy-linstor/piraeus-operator waits for it")
    assert [one["subject"] for one in found["verdicts"]] == ["cozy-linstor/piraeus-operator", "cozy-linstor/linstor"]


def made_by(kind: str, name: str, of: str) -> dict[str, Any]:
    """Return an object that the chart of a release has made."""
    labels = {"helm.toolkit.fluxcd.io/name": of, "helm.toolkit.fluxcd.io/namespace": "cozy-linstor"}
    return {"kind": kind, "metadata": {"namespace": "cozy-linstor", "name": name, "labels": labels}}


def test_a_refused_pod_belongs_to_the_release_whose_chart_made_its_maker() -> None:
    releases = [release(name, "cozy-linstor", ready=False, reason="InstallFailed") for name in ("linstor", "piraeus")]
    text = 'Error creating: pods "csi-5d7b8f-" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes'
    refused = event("FailedCreate", text, about="csi-5d7b8f", kind="ReplicaSet")
    objects = installed(releases=releases, events=[refused])
    objects[kinds.DEPLOYMENT].append(made_by("Deployment", "csi", "piraeus"))

    found = look(FakeApi(objects), settled=True)

    verdict = next(one for one in found["verdicts"] if one["code"] == "POD_SECURITY_REFUSED")
    assert verdict["subject"] == "cozy-linstor/piraeus"
    assert verdict["message"].endswith("HelmRelease cozy-linstor/piraeus waits for it")


def test_the_owners_and_logs_of_pods_that_a_release_waits_for_are_read_first() -> None:
    users = [crashing(f"user-{number}", namespace="user", image=f"b:{number}") for number in range(40)]
    waiting = [release(name, "cozy-linstor", ready=False, reason="InstallFailed") for name in ("linstor", "piraeus")]
    objects = installed(releases=waiting, pods=[*users, crashing("csi")])
    objects[kinds.DEPLOYMENT].append(made_by("Deployment", "csi", "piraeus"))

    found = look(FakeApi(objects, logs={"csi-5d7b8f-x2x4z": "no socket\n"}), settled=True)

    verdict = next(one for one in found["verdicts"] if one["code"] == "CONTAINER_CRASHES")
    assert verdict["message"].endswith("no socket; HelmRelease cozy-linstor/piraeus waits for it")


def test_a_crash_under_a_release_that_is_at_work_is_only_a_warning() -> None:
    busy = release("linstor", "cozy-linstor", ready=False, status="Unknown", reason="Progressing")
    once = crashing("linstor", release="linstor")
    once["status"]["containerStatuses"][0]["restartCount"] = 1

    found = look(FakeApi(installed(releases=[busy], pods=[once])), settled=False)

    assert [(one["code"], one["severity"]) for one in found["verdicts"]] == [("CONTAINER_CRASHES", "warning")]
    assert not found["blocked"]


def test_a_release_that_failed_is_reported_although_its_pod_is_in_a_state_that_may_pass() -> None:
    known = situation("an init container that waits for something else")

    early, late = (look(FakeApi(dict(known.objects)), settled=settled)["codes"] for settled in (False, True))

    assert (early, late) == (["RELEASE_NOT_READY"], ["INIT_NOT_FINISHED"])


def test_many_pods_that_wait_do_not_hide_the_crash_that_they_wait_for() -> None:
    known = situation("a pod that waits in an init container for one that crashes")
    waiting, crashing_pod = known.objects[kinds.POD]
    owners = ([{"kind": "DaemonSet", "name": f"waits-{number}"}] for number in range(30))
    many = [waiting | {"metadata": waiting["metadata"] | {"ownerReferences": owner}} for owner in owners]

    found = look(FakeApi({**known.objects, kinds.POD: [*many, crashing_pod]}, logs=dict(known.logs)), settled=True)

    assert found["codes"] == ["CONTAINER_CRASHES", "INIT_NOT_FINISHED"]


def situation(name: str) -> Situation:
    """Return one of the situations."""
    return next(one for one in SITUATIONS if one.name == name)


def codes_with(known: Situation, *others: dict[str, Any]) -> list[str]:
    """Return the codes of what blocks a situation in whose cluster many other events are listed first."""
    events = [*others, *known.objects[kinds.EVENT]]
    found = look(FakeApi({**known.objects, kinds.EVENT: events}), settled=True)
    return [one["code"] for one in found["verdicts"] if one["severity"] == "error"]


def test_the_event_of_a_pod_is_found_behind_those_of_many_others() -> None:
    others = [event("FailedMount", "no such Secret", about=f"user-{number}") for number in range(250)]

    assert codes_with(situation("a Secret for a volume that does not exist"), *others) == ["VOLUME_NOT_MOUNTED"]


def test_a_refusal_is_found_behind_those_of_many_others() -> None:
    refused = situation("a ServiceAccount that does not exist")
    others = [event("FailedCreate", "no", about=f"user-{number}", kind="Job") for number in range(250)]
    elsewhere = [{**one, "involvedObject": one["involvedObject"] | {"namespace": "user"}} for one in others]
    elsewhere = [{**one, "metadata": one["metadata"] | {"namespace": "user"}} for one in elsewhere]

    assert codes_with(refused, *elsewhere) == ["POD_REFUSED"]


def test_a_pod_that_is_created_is_found_behind_many_others() -> None:
    known = situation("a Secret for a volume that does not exist")
    (own,) = known.objects[kinds.POD]
    users = [own | {"metadata": own["metadata"] | {"name": f"user-{number}", "namespace": "u"}} for number in range(60)]

    crowded = known._replace(objects={**known.objects, kinds.POD: [*users, own]})

    assert own["metadata"]["name"] == LOG_POD
    assert codes_with(crowded) == ["VOLUME_NOT_MOUNTED"]


def test_of_events_about_the_same_object_the_newest_counts() -> None:
    known = situation("a ServiceAccount that does not exist")
    (event_of_it,) = known.objects[kinds.EVENT]
    later = event_of_it | {"message": 'serviceaccount "other" not found', "lastTimestamp": "2026-01-02T04:00:00Z"}

    found = look(FakeApi({**known.objects, kinds.EVENT: [later, event_of_it]}), settled=True)

    assert [one["evidence"]["message"] for one in found["verdicts"]] == ['serviceaccount "other" not found']


def test_a_finding_shows_the_last_lines_and_is_made_of_all() -> None:
    log = "one\ntwo\nthree\nfour\n"
    late = f"problem running manager: leader election lost\n{log}"

    shown, made = (
        look(FakeApi(installed(pods=[crashing("linstor")]), logs={"linstor-5d7b8f-x2x4z": text}), settled=True)
        for text in (log, late)
    )

    assert [one["evidence"]["log"] for one in (*shown["verdicts"], *made["verdicts"])] == [
        ["two", "three", "four"],
        ["problem running manager: leader election lost", "four"],
    ]
    assert (shown["codes"], made["codes"]) == (["CONTAINER_CRASHES"], ["API_OVERLOADED"])


def test_what_owns_many_owners_of_pods_is_read_once_and_their_number_is_limited() -> None:
    cluster = Kind("operator.victoriametrics.com", "v1beta1", "vmclusters", "VMCluster")
    owner = {"apiVersion": cluster.api_version, "kind": cluster.kind, "name": "longterm"}
    names = [f"vmstorage-{number}" for number in range(30)]
    pods = [crashing(name) for name in names]
    for item, name in zip(pods, names, strict=True):
        item["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name}]
    sets = [{"metadata": {"name": name, "namespace": "cozy-linstor", "ownerReferences": [owner]}} for name in names]
    api = FakeApi({**installed(pods=pods), kinds.STATEFUL_SET: sets, cluster: []})

    look(api, settled=True)

    assert api.asked.count("statefulsets") == 20
    assert api.asked.count("vmclusters") == api.asked.count(f"kinds of {cluster.api_version}") == 1


def test_the_node_of_a_static_pod_is_not_read_as_its_owner() -> None:
    item = crashing("kube-apiserver")
    item["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Node", "name": "gateway", "controller": True}]

    assert [one for one in asked(item) if not one.startswith("log of")] == []


def test_a_deployment_that_an_event_and_a_pod_name_is_read_once() -> None:
    text = 'Error creating: pods "csi-5d7b8f-" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes'
    refused = event("FailedCreate", text, about="csi-5d7b8f", kind="ReplicaSet")
    refused["involvedObject"]["apiVersion"] = "apps/v1"
    api, always = FakeApi(installed(pods=[crashing("csi")], events=[refused])), FakeApi(installed())

    look(api, settled=True)
    look(always, settled=True)

    assert api.asked.count("deployments") - always.asked.count("deployments") == 1


@pytest.mark.parametrize(
    ("created", "codes"),
    [
        pytest.param("2026-01-02T03:04:05Z", ["POD_REFUSED"], id="in the second of the refusal"),
        pytest.param("2026-01-02T03:04:06Z", [], id="after it"),
    ],
)
def test_a_time_with_microseconds_is_compared_with_one_in_seconds(created: str, codes: list[str]) -> None:
    known = situation("a ServiceAccount that does not exist")
    (refused,) = known.objects[kinds.EVENT]
    exact = refused | {"lastTimestamp": None, "eventTime": "2026-01-02T03:04:05.345678Z"}
    other = pod("linstor-controller", node="gateway", containers=[status_of("a:1") | {"ready": True}])
    other["metadata"]["creationTimestamp"] = created

    found = look(FakeApi({**known.objects, kinds.EVENT: [exact], kinds.POD: [other]}), settled=True)

    assert [one["code"] for one in found["verdicts"] if one["code"] == "POD_REFUSED"] == codes
