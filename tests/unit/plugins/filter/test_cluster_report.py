# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.cluster_report import FilterModule
from tests.reports import BLOCKED, MEMORY

cluster_report = FilterModule().filters()["cluster_report"]
NODE = {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "192.0.2.101"}
CLUSTER = {
    **{"name": "moon", "region": "eu-west-1", "nodes": [NODE], "bastion_ipv4": "192.0.2.100"},
    **{"vpc_ipv4_cidr": "192.0.2.0/24", "subnet_ipv4_cidr": "192.0.2.0/25"},
}
ANSWER = {"node": "192.0.2.101", "reachable": True, "stage": "maintenance", "error": None}
NOTHING_MORE: dict[str, Any] = {"version": None, "cmdline": None, "addresses": None, "oom_kills": []}


def resource(kind: str, *, have: dict[str, Any] | None, want: dict[str, Any] | None = None) -> dict[str, Any]:
    present = have is not None
    return {
        **{"kind": kind, "name": "moon-gateway", "id": f"{kind}-1" if present else None},
        **{"state": "present" if present else "missing", "have": have, "want": want or {}, "differences": []},
    }


MACHINE = {"type": "t4g.large", "state": "running", "launched": "2025-11-24 13:00:00+00:00", "volume_size": 50}
BUILT = {
    "eni/gateway": resource("eni", have={"ipv6": ["2001:db8::999", "2001:db8::101"]}),
    "instance/gateway": resource("instance", have=MACHINE),
}
EMPTY = {
    "eni/gateway": resource("eni", have=None),
    "instance/gateway": resource("instance", have=None, want={"type": "t4g.medium"}),
}


def report(resources: dict[str, Any] = BUILT, endpoint: str = "", bastion: str = "", **changes: Any) -> dict[str, Any]:
    info = {
        "endpoint": endpoint,
        "resources": resources,
        "nodes": {"gateway": {"ipv6": "2001:db8::101" if resources is BUILT else ""}},
        "bastion": {"ipv6": bastion},
        "summary": {"present": 2},
        "cost": {"message": "$0.10 an hour"},
    }
    options = {"observed": [ANSWER], "phases": [], "now": 1764000000.0, **changes}
    return cluster_report(CLUSTER, info=info, **options)


def test_a_node_is_reported_with_both_addresses_its_type_and_its_stage() -> None:
    (node,) = report()["nodes"]

    assert node == {
        **NODE,
        **{"ipv6": "2001:db8::101", "instance_type": "t4g.large", "instance_id": "instance-1"},
        **{"stage": "maintenance", "error": None, **NOTHING_MORE},
    }


def test_the_way_of_the_nodes_to_their_addresses_is_a_line_of_the_results() -> None:
    known = {**ANSWER, "stage": "running", "cmdline": "talos.platform=metal", "addresses": ["192.0.2.101/25"]}
    lost = {**known, "addresses": ["192.0.2.57/25"]}

    right, wrong = (
        next(line for line in report(observed=[seen])["results"] if line["name"] == "addresses")
        for seen in (known, lost)
    )

    assert right["message"].startswith(
        "1 of 1 nodes have their fixed IPv4 address, by LinkConfig; ip= arguments are not"
    )
    assert (right["outcome"], wrong["outcome"]) == ("passed", "failed")
    assert wrong["details"] == ["gateway has 192.0.2.57/25, not 192.0.2.101"]


def test_etcd_has_the_members_that_the_best_informed_control_plane_reports() -> None:
    alone = {"node": "192.0.2.102", "etcd_members": [{"hostname": "compute-2"}]}
    informed = {"node": "192.0.2.101", "etcd_members": [{"hostname": "gateway"}, {"hostname": "compute-2"}]}

    members = report(observed=[ANSWER, alone, informed])["etcd_members"]

    assert members == ["compute-2", "gateway"]


def test_a_node_that_does_not_exist_yet_is_reported_as_described() -> None:
    (node,) = report(EMPTY, observed=[])["nodes"]

    assert (node["instance_type"], node["ipv6"], node["instance_id"], node["stage"]) == ("t4g.medium", None, None, None)


@pytest.mark.parametrize(("address", "expected"), [("2001:db8::100", "2001:db8::100"), ("", None)])
def test_the_bastion_has_the_address_of_the_reading(address: str, expected: str | None) -> None:
    assert report(bastion=address)["bastion"]["ipv6"] == expected


def test_a_phase_ends_where_the_next_begins_and_the_last_one_now() -> None:
    phases = [{"name": "network", "started": 1763999950.0}, {"name": "nodes", "started": 1763999990.04}]

    timings = report(phases=phases)["timings"]

    assert timings == [{"phase": "network", "seconds": 40.0}, {"phase": "nodes", "seconds": 10.0}]


@pytest.mark.parametrize(
    ("endpoint", "lab"),
    [
        pytest.param("", False, id="AWS itself"),
        pytest.param("https://ec2.eu-west-1.amazonaws.com", False, id="an endpoint of AWS"),
        pytest.param("http://127.0.0.1:5510", True, id="loopback"),
    ],
)
def test_only_a_local_endpoint_is_a_lab(endpoint: str, lab: bool) -> None:
    assert report(endpoint=endpoint)["lab"] is lab


def test_no_library_of_aws_is_loaded_for_it() -> None:
    # Ansible imports a filter again in each task that uses it.
    lines = f"import sys; import {cluster_report.__module__}; sys.exit('boto3' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", lines], env={"PYTHONPATH": os.pathsep.join(sys.path)}, check=False)

    assert done.returncode == 0


def test_the_time_is_given_in_utc() -> None:
    assert report()["time"] == "2025-11-24T16:00:00+00:00"


def registered(name: str, *, status: str = "False", message: str = "") -> dict[str, Any]:
    ready = {"type": "Ready", "status": status, "message": message}
    kubelet = {"nodeInfo": {"kubeletVersion": "v1.33.12"}, "conditions": [{"type": "MemoryPressure"}, ready]}
    return {"metadata": {"name": name}, "status": kubelet}


NO_NETWORK = "container runtime network not ready: Network plugin returns error: cni plugin not initialized"


def test_nodes_without_a_container_network_are_reported_as_waiting_for_it() -> None:
    answer = {"resources": [registered("gateway", message=NO_NETWORK), registered("compute-2", status="True")]}

    kubernetes = report(kubernetes=answer)["kubernetes"]

    assert (kubernetes["ready"], kubernetes["versions"], kubernetes["waits_for_network"]) == (1, ["v1.33.12"], True)
    assert kubernetes["nodes"][0] == {"name": "gateway", "version": "v1.33.12", "ready": False, "reason": NO_NETWORK}
    assert kubernetes["nodes"][1]["reason"] is None


def test_a_node_that_is_lost_does_not_wait_for_a_network() -> None:
    lost = registered("compute-2", status="Unknown", message="Kubelet stopped posting node status.")

    kubernetes = report(kubernetes={"resources": [registered("gateway", message=NO_NETWORK), lost]})["kubernetes"]

    assert kubernetes["waits_for_network"] is False


def test_nodes_that_are_all_ready_wait_for_nothing() -> None:
    kubernetes = report(kubernetes={"resources": [registered("gateway", status="True")]})["kubernetes"]

    assert (kubernetes["ready"], kubernetes["waits_for_network"]) == (1, False)


def test_why_kubernetes_does_not_answer_is_reported() -> None:
    assert (
        report(kubernetes={"failed": True, "msg": "connection refused"})["kubernetes"]["error"] == "connection refused"
    )


@pytest.mark.parametrize("answer", [pytest.param(None, id="not given"), pytest.param({"skipped": True}, id="skipped")])
def test_without_a_kubeconfig_nothing_is_reported_about_kubernetes(answer: dict[str, Any] | None) -> None:
    assert report(kubernetes=answer)["kubernetes"] is None


HOME_RULE = {"group": "nodes", "port": "tcp/6443", "network": "2001:db8:1:2::/64"}


def test_what_is_open_to_home_is_reported_with_its_end() -> None:
    rules = [{**HOME_RULE, "expires": "2026-12-24T18:00:00Z"}, {**HOME_RULE, "port": "tcp/50000", "expires": None}]

    access = report(audit={"deviations": [], "home_access": rules})["access"]

    assert access["home"] == [
        "nodes tcp/6443 from 2001:db8:1:2::/64 until 2026-12-24T18:00:00Z",
        "nodes tcp/50000 from 2001:db8:1:2::/64 without an end",
    ]


def test_every_deviation_is_reported() -> None:
    deviation = {"severity": "critical", "code": "RULE_OPEN_TO_INTERNET", "subject": "x", "message": "y"}

    access = report(audit={"deviations": [deviation], "home_access": []})["access"]

    assert access == {"deviations": [deviation], "home": []}


def test_the_line_of_a_deviation_says_what_to_do() -> None:
    deviation = {"severity": "high", "code": "IMDS_V1", "subject": "x", "message": "y", "remedy": "Do z."}

    [result] = [
        one
        for one in report(audit={"deviations": [deviation], "home_access": []})["results"]
        if one["name"] == "access"
    ]

    assert result["details"] == ["high IMDS_V1: x: y. Do z."]


@pytest.mark.parametrize("audit", [pytest.param(None, id="not given"), pytest.param({}, id="empty")])
def test_without_an_audit_nothing_is_reported_about_access(audit: dict[str, Any] | None) -> None:
    assert report(audit=audit)["access"] is None


def test_what_talos_killed_for_memory_is_a_line_of_its_own() -> None:
    killed = [{"id": str(number), "score": 1.0, "programs": ["/vpa-updater"]} for number in (0, 1)]

    lines = {one["name"]: one for one in report(observed=[{**ANSWER, "oom_kills": killed}])["results"]}
    without = {one["name"] for one in report()["results"]}

    assert lines["memory"]["message"] == "Talos has killed 2 programs because a node ran out of memory"
    assert lines["memory"]["details"] == ["gateway: /vpa-updater, 2 times"]
    assert "memory" not in without


@pytest.mark.parametrize(
    ("evidence", "is_named"),
    [
        pytest.param({"node": "gateway", "reason": "Error"}, True, id="on the node"),
        pytest.param({"node": "compute-2", "reason": "Error"}, False, id="on another node"),
        pytest.param({"node": "gateway", "reason": "OOMKilled"}, False, id="by its own limit"),
    ],
)
def test_the_pods_that_ended_where_talos_killed_are_named_with_their_release(
    evidence: dict[str, Any], is_named: bool
) -> None:
    killed = [{"id": "0", "score": 1.0, "programs": ["/vpa-updater"]}]
    place = {"pod": "cozy-vpa/vpa-updater-1", "waits": "cozy-vpa/vpa"}
    verdict = {**MEMORY, "code": "OUT_OF_MEMORY_KILLED", "evidence": place | evidence}
    blocked = {**BLOCKED, "account": {**BLOCKED["account"], "verdicts": [verdict]}}

    lines = report(observed=[{**ANSWER, "oom_kills": killed}], cozystack=blocked)["results"]

    (memory,) = (one for one in lines if one["name"] == "memory")
    named = ["gateway: pod cozy-vpa/vpa-updater-1 ended with exit code 137; cozy-vpa/vpa waits for it"]
    assert memory["details"][1:] == (named if is_named else [])
