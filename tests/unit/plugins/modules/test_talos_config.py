# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import secret_values
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from ansible_collections.urmanac.talos.plugins.modules import talos_config
from ansible_collections.urmanac.talos.plugins.modules.talos_config import ensure_configs
from tests.ec2_cluster import run_module
from tests.fake_credentials import tailscale_key
from tests.talos_config import bundle_text, test_bundle
from tests.talos_corpus import documented_patch

ROOT = Path(__file__).resolve().parents[4]
CLUSTER = {
    "install_disk": "/dev/nvme0n1",
    "name": "example",
    "endpoint": "https://192.0.2.101:6443",
    "kubernetes_version": "1.35.0",
    "registry_mirrors": {"docker.io": ["http://192.0.2.100:5050"]},
    "sysctls": {"vm.nr_hugepages": 16},
}
NETWORK = {"subnet_ipv4_cidr": "192.0.2.0/24", "gateway_ipv4": "192.0.2.100"}
GATEWAY = {
    "name": "gateway",
    "machine_type": "controlplane",
    "ipv4": "192.0.2.101",
    "ipv6": "2001:db8::101",
    "mac": "02:00:00:00:00:01",
    "extensions": [
        {"name": "tailscale", "environment": [f"TS_AUTHKEY={tailscale_key('hunter2')}", "TS_AUTH_ONCE=true"]}
    ],
}
COMPUTE = {"name": "compute", "machine_type": "worker", "ipv4": "192.0.2.102", "mac": "02:00:00:00:00:02"}


def with_defaults(given: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Return options as Ansible hands them over."""
    filled = {name: given.get(name, option.get("default")) for name, option in spec.items()}
    for name, option in spec.items():
        if "options" in option and filled[name] is not None:
            inner = option["options"]
            many = isinstance(filled[name], list)
            filled[name] = (
                [with_defaults(item, inner) for item in filled[name]] if many else with_defaults(filled[name], inner)
            )
    return filled


def options(directory: Path, **changes: Any) -> dict[str, Any]:
    given = {
        "bundle": "x",
        "directory": str(directory),
        "cluster": CLUSTER,
        "network": NETWORK,
        "nodes": [GATEWAY, COMPUTE],
    }
    return with_defaults({**given, **changes}, talos_config.ARGUMENT_SPEC)


def ensure(directory: Path, *, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    return ensure_configs(options(directory, **changes), test_bundle(), check_mode=check_mode)


def documents(path: Path) -> dict[str, Any]:
    return {
        document.get("kind", "machine"): document for document in yaml_text.load_all(path.read_text(encoding="utf-8"))
    }


def test_each_node_gets_a_file_for_its_owners_eyes_only(tmp_path: Path) -> None:
    result = ensure(tmp_path / "nodes")

    assert result["changed"]
    assert [(node["name"], node["changed"]) for node in result["nodes"]] == [("gateway", True), ("compute", True)]
    for node in result["nodes"]:
        assert stat.S_IMODE(Path(node["path"]).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "nodes").stat().st_mode) == 0o700


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    ensure(tmp_path)
    before = (tmp_path / "gateway.yaml").stat().st_mtime_ns

    result = ensure(tmp_path)

    assert not result["changed"]
    assert [node["changed"] for node in result["nodes"]] == [False, False]
    assert (tmp_path / "gateway.yaml").stat().st_mtime_ns == before


def test_only_the_file_whose_content_differs_changes(tmp_path: Path) -> None:
    ensure(tmp_path)

    result = ensure(tmp_path, worker_patches=["machine: {nodeLabels: {a: b}}"])

    assert [node["changed"] for node in result["nodes"]] == [False, True]
    assert documents(tmp_path / "compute.yaml")["machine"]["machine"]["nodeLabels"] == {"a": "b"}


def test_drift_is_put_right(tmp_path: Path) -> None:
    ensure(tmp_path)
    before = (tmp_path / "compute.yaml").read_text(encoding="utf-8")
    (tmp_path / "compute.yaml").write_text("something else", encoding="utf-8")

    assert ensure(tmp_path)["changed"]
    assert (tmp_path / "compute.yaml").read_text(encoding="utf-8") == before


def test_permissions_that_let_others_read_are_put_right(tmp_path: Path) -> None:
    ensure(tmp_path)
    (tmp_path / "compute.yaml").chmod(0o644)

    assert ensure(tmp_path)["changed"]
    assert stat.S_IMODE((tmp_path / "compute.yaml").stat().st_mode) == 0o600


def test_check_mode_reports_and_writes_nothing(tmp_path: Path) -> None:
    result = ensure(tmp_path / "nodes", check_mode=True)

    assert result["changed"]
    assert not (tmp_path / "nodes").exists()


def test_the_diff_shows_the_changed_line_and_no_secret(tmp_path: Path) -> None:
    ensure(tmp_path)

    result = ensure(tmp_path, check_mode=True, cluster={**CLUSTER, "sysctls": {"vm.nr_hugepages": 32}})

    for item in result["diff"]:
        before, after = (set(item[side].splitlines()) for side in ("before", "after"))
        assert before - after == {'        vm.nr_hugepages: "16"'}
        assert after - before == {'        vm.nr_hugepages: "32"'}
    hidden = [*secret_values(test_bundle()), "hunter2"]
    assert [value for value in hidden if value in json.dumps(result)] == []


def test_a_diff_of_secrets_alone_says_so(tmp_path: Path) -> None:
    ensure(tmp_path)
    renewed = {
        **GATEWAY,
        "extensions": [
            {"name": "tailscale", "environment": [f"TS_AUTHKEY={tailscale_key('other')}", "TS_AUTH_ONCE=true"]}
        ],
    }

    result = ensure(tmp_path, nodes=[renewed, COMPUTE])

    assert [node["changed"] for node in result["nodes"]] == [True, False]
    assert result["diff"][0]["after"].endswith("# secrets differ\n")
    assert result["diff"][1]["after"] == result["diff"][1]["before"]


def test_certificates_hold_the_names_of_all_nodes(tmp_path: Path) -> None:
    ensure(tmp_path)

    sans = documents(tmp_path / "gateway.yaml")["machine"]["cluster"]["apiServer"]["certSANs"]

    assert sans == ["192.0.2.101", "2001:db8::101", "gateway", "192.0.2.102", "compute"]


def test_cozystack_has_its_own_domain_and_services(tmp_path: Path) -> None:
    ensure(tmp_path, preset="cozystack")

    network = documents(tmp_path / "gateway.yaml")["machine"]["cluster"]["network"]
    assert (network["dnsDomain"], network["serviceSubnets"]) == ("cozy.local", ["10.96.0.0/16"])


def test_patches_are_applied_in_the_order_all_type_node(tmp_path: Path) -> None:
    def patch(name: str) -> dict[str, Any]:
        return {"machine": {"sysctls": {name: name, "last": name}}}

    node = {**COMPUTE, "patches": [patch("node")]}
    ensure(
        tmp_path,
        nodes=[node],
        patches=[patch("all")],
        worker_patches=[patch("type")],
        controlplane_patches=[patch("no")],
    )

    sysctls = documents(tmp_path / "compute.yaml")["machine"]["machine"]["sysctls"]
    assert sysctls == {"all": "all", "last": "node", "node": "node", "type": "type", "vm.nr_hugepages": "16"}


def test_patches_follow_the_version_of_the_nodes_and_not_the_contract(tmp_path: Path) -> None:
    missing = "{apiVersion: v1alpha1, kind: ZswapConfig, $patch: delete}"
    patches = [documented_patch(), missing]

    ensure(tmp_path, cluster=CLUSTER | {"contract": "v1.13", "talos_version": "v1.14.0"}, patches=patches)

    written = documents(tmp_path / "gateway.yaml")
    assert written["SecurityProfileConfig"]["workloadIsolation"] is True
    assert "grubUseUKICmdline" in written["machine"]["machine"]["install"]
    with pytest.raises(InputError, match="ZswapConfig does not exist"):
        ensure(tmp_path, patches=[missing])
    with pytest.raises(InputError, match=r"Talos v1\.13 rejects it"):
        ensure(tmp_path, patches=[documented_patch()])


def test_an_invalid_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'latest' is not a version of Talos"):
        ensure(tmp_path, cluster=CLUSTER | {"talos_version": "latest"})


def test_nothing_is_written_when_one_node_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nodes\[compute\].patches\[0\] at machine.x: Talos does not have this field"):
        ensure(tmp_path, nodes=[GATEWAY, {**COMPUTE, "patches": ["machine: {x: 1}"]}])

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param([COMPUTE, COMPUTE], "compute: its name is not unique", id="twice"),
        pytest.param([{**COMPUTE, "name": "../compute"}], "the name is not a host name", id="no file name"),
    ],
)
def test_names_that_are_not_names_are_refused(tmp_path: Path, nodes: list[Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        ensure(tmp_path, nodes=nodes)


def test_the_documented_options_are_the_real_ones() -> None:
    def names(options: dict[str, Any], inner: str) -> dict[str, Any]:
        return {name: names(option.get(inner) or {}, inner) for name, option in options.items()}

    documented = yaml.safe_load(talos_config.DOCUMENTATION)["options"]

    assert names(documented, "suboptions") == names(talos_config.ARGUMENT_SPEC, "options")


def test_ansible_shows_nothing_secret_even_when_asked_for_everything(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text(bundle_text(), encoding="utf-8")
    given = {
        "bundle": str(tmp_path / "secrets.yaml"),
        "directory": str(tmp_path / "nodes"),
        "cluster": CLUSTER,
        "nodes": [GATEWAY],
        "patches": [{"machine": {"env": {"A": "swordfish"}}}],
    }
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-i", "localhost,", "-c", "local", "-vvv"]
    command += [
        "-e",
        f"ansible_python_interpreter={sys.executable}",
        "-m",
        "urmanac.talos.talos_config",
        "-a",
        json.dumps(given),
    ]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections")}

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert "gateway.yaml" in shown
    assert [value for value in (*secret_values(test_bundle()), "hunter2", "swordfish") if value in shown] == []


def test_a_cache_is_a_mirror_at_the_gateway_unless_a_mirror_is_given(tmp_path: Path) -> None:
    caches = {"registry_caches": {"docker.io": 5051, "ghcr.io": 5054}}

    cluster = talos_config.cluster_of(options(tmp_path, cluster={**CLUSTER, **caches}))

    assert cluster.registry_mirrors == {
        "docker.io": ("http://192.0.2.100:5050",),
        "ghcr.io": ("http://192.0.2.100:5054",),
    }


def test_caches_without_a_gateway_are_refused(tmp_path: Path) -> None:
    given = options(tmp_path, cluster={**CLUSTER, "registry_caches": {"ghcr.io": 5054}}, network=None)

    with pytest.raises(InputError, match=r"requires network\.gateway_ipv4"):
        talos_config.cluster_of(given)


@pytest.fixture
def validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Give the module with a bundle that does not exist, which only validates."""
    places = {"bundle": str(tmp_path / "secrets.yaml"), "directory": str(tmp_path / "nodes"), "validate_only": True}
    given = {**places, "cluster": CLUSTER, "network": NETWORK, "nodes": [GATEWAY, COMPUTE]}
    return lambda **changes: run_module(talos_config.main, capsys, **{**given, **changes})


Validate = Callable[..., dict[str, Any]]


def test_a_validation_needs_no_bundle_and_writes_nothing(tmp_path: Path, validate: Validate) -> None:
    result = validate()

    assert (result.get("failed", False), result["changed"], result["problems"]) == (False, False, [])
    assert list(tmp_path.iterdir()) == []


def test_a_validation_returns_what_talos_would_reject_once_with_the_nodes_that_have_it(validate: Validate) -> None:
    cluster = {**CLUSTER, "kubernetes_version": "1.29.0"}
    hostname = {"machine": {"network": {"hostname": "other"}}}

    found = validate(cluster=cluster, nodes=[GATEWAY, {**COMPUTE, "patches": [hostname]}])["problems"]

    assert {one["code"] for one in found} == {"CONFIG_INVALID"}
    kubelets = [one["message"] for one in found if "machine.kubelet.image" in one["subject"]]
    assert ["supports Kubernetes v1.31" in message for message in kubelets] == [True]
    assert [one["subject"].partition(":")[0] for one in found if "hostname" in one["message"]] == ["compute"]


def test_a_validation_reports_what_cannot_be_merged(validate: Validate) -> None:
    (found,) = validate(patches=[{"machin": {}}])["problems"]

    assert "machin" in found["message"]
