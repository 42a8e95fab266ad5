# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the tool that reads packages and requests from a checkout of CozyStack."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog import v1_5, v1_6, v1_7
from tools import cozystack_data as tool

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def container(cpu: str = "0", memory: str = "0", **more: Any) -> dict[str, Any]:
    """Return a container with requests."""
    return {"name": "one", "resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}


@pytest.mark.parametrize(("text", "millicores"), [("100m", 100), ("2", 2000), ("0.5", 500), (1, 1000)])
def test_processor_time_is_read_as_kubernetes_writes_it(text: object, millicores: int) -> None:
    assert tool.cpu(text) == millicores


@pytest.mark.parametrize(
    ("text", "mebibytes"),
    [("64Mi", 64), ("1Gi", 1024), ("1024Ki", 1), ("100M", 96), ("1G", 954), ("1048577", 2), (0, 0)],
)
def test_memory_is_read_as_kubernetes_writes_it_and_rounded_up(text: object, mebibytes: int) -> None:
    assert tool.memory(text) == mebibytes


def test_a_pod_requests_what_all_its_containers_do() -> None:
    assert tool.requests({"containers": [container("100m", "64Mi"), container("50m", "32Mi")]}) == (150, 96)


def test_the_greediest_container_before_the_others_counts_where_it_is_more() -> None:
    pod = {"containers": [container("100m", "64Mi")], "initContainers": [container("10m", "512Mi")]}

    assert tool.requests(pod) == (100, 512)


def test_a_sidecar_that_stays_is_added() -> None:
    pod = {
        "containers": [container("100m", "64Mi")],
        "initContainers": [container("10m", "16Mi", restartPolicy="Always")],
    }

    assert tool.requests(pod) == (110, 80)


def test_a_limit_without_a_request_is_the_request() -> None:
    assert tool.requests({"containers": [{"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}) == (1000, 1024)


@pytest.mark.parametrize(
    ("pod", "found"),
    [
        pytest.param({}, {}, id="anywhere"),
        pytest.param({"nodeSelector": {CONTROL_PLANE: ""}}, {"control_plane": True}, id="node selector"),
        pytest.param({"tolerations": [{"operator": "Exists"}]}, {"tolerates": True}, id="tolerates everything"),
        pytest.param(
            {"tolerations": [{"key": CONTROL_PLANE, "effect": "NoSchedule"}]},
            {"tolerates": True},
            id="tolerates the taint",
        ),
        pytest.param(
            {"tolerations": [{"key": CONTROL_PLANE, "effect": "NoExecute"}]}, {}, id="tolerates another effect"
        ),
        pytest.param({"tolerations": [{"key": "other", "operator": "Exists"}]}, {}, id="tolerates something else"),
    ],
)
def test_where_a_pod_may_run_is_read(pod: dict[str, Any], found: dict[str, Any]) -> None:
    assert tool.constraints({"containers": [], **pod}) == found


def test_pods_that_must_not_share_a_node_are_known_and_ports_too() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    ports = [container(ports=[{"containerPort": 1, "hostPort": 80}, {"containerPort": 2}])]

    assert tool.constraints({"containers": ports, "affinity": apart}) == {"spread": True, "ports": [80]}


def test_replicas_that_follow_the_control_planes_are_distinguished() -> None:
    def deployment(replicas: int) -> list[dict[str, Any]]:
        spec = {"replicas": replicas, "template": {"spec": {"containers": [container("10m", "8Mi")]}}}
        return [
            {"kind": "Deployment", "metadata": {"name": "central"}, "spec": spec},
            {"kind": "Service", "metadata": {"name": "x"}},
        ]

    found = tool.workloads(deployment(1), deployment(3))

    assert found == [{"name": "central", "kind": "Deployment", "replicas": "control planes", "cpu": 10, "memory": 8}]


def test_what_an_operator_makes_is_seen_where_a_resource_names_its_containers() -> None:
    spec = {"controller": {"podTemplate": {"spec": {"containers": [container("250m", "700Mi")]}}}}

    found = tool.workload({"kind": "LinstorCluster", "metadata": {"name": "linstor"}, "spec": spec})

    assert found == {"name": "linstor (LinstorCluster)", "kind": "Deployment", "replicas": 1, "cpu": 250, "memory": 700}


def test_only_the_projects_own_images_are_named() -> None:
    found = tool.images({"a": [f"{tool.REGISTRY}operator:v1@sha256:0", "docker.io/library/nginx:1"]})

    assert list(found) == ["operator"]


def test_an_image_that_no_pod_runs_is_not_named() -> None:
    found = tool.images({"data": {"image": f"{tool.REGISTRY}vpc-nat-gateway:v1.15.10"}})

    assert list(found) == []


@pytest.mark.parametrize("data", [v1_5, v1_6, v1_7])
def test_the_shipped_data_name_no_image_that_no_pod_runs(data: Any) -> None:
    named = {image for package in data.PACKAGES for image in package["images"]}
    of_releases = {image for package in data.PACKAGES for one in package["releases"] for image in one["images"]}

    assert (named | of_releases) & tool.NEVER_RUN == set()


@pytest.mark.parametrize("data", [v1_5, v1_6, v1_7])
def test_the_shipped_file_is_as_the_tool_writes_it(data: Any) -> None:
    ref = data.SOURCE.partition(" at ")[2].partition(", variant")[0]

    text = tool.module(data.VERSION, {"bundles": data.BUNDLES, "packages": data.PACKAGES}, ref=ref)

    assert text == Path(str(data.__file__)).read_text(encoding="utf-8")


def test_pods_that_an_operator_makes_have_a_source_of_their_figures() -> None:
    found = tool.workloads_of({"kind": "VMAgent", "metadata": {"name": "vmagent"}, "spec": {"resources": {}}})

    assert [(one["name"], one["cpu"], one["memory"]) for one in found] == [("vmagent", 50, 200)]
    assert found[0]["source"].startswith("VictoriaMetrics/operator")


def test_requests_that_a_resource_patches_into_what_its_operator_makes_are_read() -> None:
    containers = [{"name": "virt-handler", "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}}]
    patch = yaml.safe_dump({"spec": {"template": {"spec": {"containers": containers}}}})
    parts = {"patches": [{"resourceName": "virt-handler", "patch": patch}]}

    found = tool.workloads_of(
        {"kind": "KubeVirt", "metadata": {"name": "kubevirt"}, "spec": {"customizeComponents": parts}}
    )

    (handler,) = (one for one in found if one["name"] == "virt-handler")
    assert (handler["cpu"], handler["memory"], "KubeVirt resource" in handler["source"]) == (100, 128, True)
    assert sum(one["memory"] for one in found) == 500 + 275 + 150 + 128


def test_requests_of_linstors_satellites_are_those_of_all_their_configurations() -> None:
    satellites = [tool.made("linstor-satellite", "upstream", "DaemonSet")]
    parts = [{"podTemplate": {"spec": {"containers": [container("10m", size)]}}} for size in ("128Mi", "32Mi")]
    documents = [{"kind": "LinstorSatelliteConfiguration", "spec": part} for part in parts]

    (found,) = tool.with_satellites(satellites, documents)

    assert (found["cpu"], found["memory"]) == (20, 160)


def test_a_chart_is_rendered_with_the_operators_order_of_values(tmp_path: Path) -> None:
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not installed")
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.0.1\n", encoding="utf-8")
    (chart / "values.yaml").write_text("a: 1\nb: 1\nc: 1\n", encoding="utf-8")
    (chart / "more.yaml").write_text("b: 2\nc: 2\n", encoding="utf-8")
    (chart / "templates/all.yaml").write_text("kind: X\nvalues: {{ toJson .Values }}\n", encoding="utf-8")
    release = tool.Release("p", "r", "n", chart, values_files=("more.yaml",), values={"c": 3})

    made = tool.render(release, helm=helm, scratch=tmp_path, cluster_values={"d": 4}, masters="")

    assert made[0]["values"] == {"a": 1, "b": 2, "c": 3, "d": 4}
