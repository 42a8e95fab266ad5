# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack as site.yml installs it: blocked where it was predicted, by the same causes, and ready where it fits.

The nodes are of the newest Talos, v1.14; other playbooks build those of the images that are the default.
Nodes and Kubernetes are talked to from another host, as from a bastion: secrets end up here and nowhere else.
"""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import TENANT
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.client import connect
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.transport import Access
from lab.kubernetes.kinds import definition
from lab.registry.images import AMD64_ONLY
from tests.lab.labs import Lab
from tests.playbooks.runs import Run, play

SITE = "playbooks/site.yml"
ENABLED = ("-e", "cluster_cozystack_enabled=true")
HOST = "{ansible_connection: local, ansible_python_interpreter: '{{ ansible_playbook_python }}'}"
VERSION = "v1.14.0"
REPOSITORIES = {
    "gateway": "urmanac/cozystack-assets/talos/cozystack-spin-tailscale/talos",
    "compute": "urmanac/cozystack-assets/talos/cozystack-spin-only/talos",
}
IMAGES = {role: f"ghcr.io/{repository}:{VERSION}" for role, repository in REPOSITORIES.items()}
OWN = {
    "cluster_cozystack_enabled": True,
    "cluster_cozystack_profile": "slim",
    # According to what was measured, such small nodes run out of memory; those of the lab do not.
    "cluster_cozystack_expect": "any",
    "cluster_cozystack_images_arm64": True,
    "cluster_cozystack_operator_image": "registry.example.com/cozystack/cozystack-operator:v1.6.2-arm64",
    "cluster_cozystack_platform_source_url": "oci://registry.example.com/cozystack/cozystack-packages",
    "cluster_cozystack_platform_source_ref": "tag=v1.6.2-arm64",
    "cozystack_tenant_ingress": True,
}
# The user's own kubeconfig, in which another cluster is the current one.
WORK = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "work", "cluster": {"server": "https://192.0.2.50:6443"}}],
    "users": [{"name": "ada", "user": {"token": "7e5"}}],
    "contexts": [{"name": "work", "context": {"cluster": "work", "user": "ada"}}],
    "current-context": "work",
}


def spin_kind(kind: str) -> dict[str, Any]:
    """Return the definition of one of SpinKube's kinds, as spin-operator.crds.yaml has it, without its schema."""
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return head | definition("core.spinkube.dev", "v1alpha1", f"{kind.lower()}s", kind, "Namespaced")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the cluster's folder, with an inventory that knows the other host, and a folder for temporary files."""
    made = tmp_path_factory.mktemp("cluster")
    (made / "hosts.yml").write_text(f"all: {{hosts: {{localhost: {HOST}, bastion: {HOST}}}}}", encoding="utf-8")
    (made / "tmp").mkdir()
    (made / "dotfiles").write_text(json.dumps(WORK), encoding="utf-8")
    (made / "dotfiles").chmod(0o600)
    (made / "kubeconfig").symlink_to(made / "dotfiles")
    return made


def play_elsewhere(lab: Lab, folder: Path, playbook: str, *options: str) -> Run:
    """Run a playbook whose modules run on the host `bastion`, with temporary files in a folder of the test's own."""
    places = {"cluster_directory": str(folder), "cluster_kubeconfig": str(folder / "kubeconfig")}
    values = {**places, "cluster_api_via": "bastion", "cluster_images": IMAGES}
    more = ("-i", str(folder / "hosts.yml"), "-e", json.dumps(values))
    return play(lab, playbook, *more, *options, environment=(f"TMPDIR={folder / 'tmp'}",))


@pytest.fixture(scope="module")
def built(lab: Lab, folder: Path) -> Run:
    """Give the run with the defaults: three t4g.medium, the released images of CozyStack, all of the platform."""
    for repository in REPOSITORIES.values():
        lab.registry("images", repository=repository, tag=VERSION, version=VERSION)
    return play_elsewhere(lab, folder, SITE, *ENABLED)


def kept(folder: Path, *path: str) -> Any:
    """Return what the run has left in a file of the cluster's."""
    return json.loads(folder.joinpath(*path).read_text())


def test_small_machines_end_blocked_from_what_was_predicted(built: Run, folder: Path) -> None:
    assert built.code == 0, built.output
    result = kept(folder, "cozystack", "result.json")
    predicted = set(re.findall(r"^[!?] ([A-Z0-9]+(?:_[A-Z0-9]+)+):", built.output, flags=re.MULTILINE))
    assert (result["outcome"], result["account"]["phase"]) == ("blocked", "operator")
    assert kept(folder, "talos.json") == {"contract": "v1.14"}
    assert {"ARCH_UNSUPPORTED_IMAGES", "INSUFFICIENT_MEMORY", "KVM_MISSING"} <= predicted
    assert set(result["account"]["codes"]) == predicted
    assert result["account"]["verdicts"][0]["code"] == "ARCH_UNSUPPORTED_IMAGES"
    # The words are in the log alone, as on real nodes.
    assert "exec format error" in result["account"]["verdicts"][0]["message"]
    assert result["smoke_tests"]["virtual_machine"]["code"] == "KVM_MISSING"
    [kvm] = [one for one in result["account"]["outlook"] if one["code"] == "KVM_MISSING"]
    assert kvm["evidence"]["instance_types"] == ["t4g.medium"]
    assert kept(folder, "report", "report.json")["cozystack"]["outcome"] == "blocked"


def test_a_second_run_of_all_that_asks_nodes_and_kubernetes_changes_nothing(lab: Lab, built: Run, folder: Path) -> None:
    run = play_elsewhere(lab, folder, SITE, *ENABLED, "--tags", "talos,cozystack,report")

    assert run.code == 0, run.output
    assert run.changed == 0, run.output
    # It is still stuck, which the first reading shows.
    assert "unchanged since the last run" in run.output
    result = kept(folder, "cozystack", "result.json")
    assert (result["outcome"], result["account"]["phase"]) == ("blocked", "operator")


def test_a_tag_of_site_refuses_what_the_phase_of_that_name_refuses(lab: Lab, built: Run, folder: Path) -> None:
    # With ready expected, images of another architecture are refused before the installation, unless they are allowed.
    allowed = ("-e", "cozystack_allow_unsupported_architecture=true")
    expected = (*ENABLED, "-e", "cozystack_expect=ready", *allowed)

    tagged = play_elsewhere(lab, folder, SITE, *expected, "--tags", "cozystack")
    alone = play_elsewhere(lab, folder, "playbooks/cozystack.yml", *expected)
    tolerated = play_elsewhere(
        lab, folder, SITE, *expected, "--tags", "cozystack", "-e", "cozystack_expect_enforced=false"
    )

    assert (tagged.code, alone.code, tolerated.code) == (2, 2, 0), tagged.output
    problem = kept(folder, "cozystack", "result.json")["problem"].split(".")[0]
    assert problem
    assert problem in " ".join(tagged.output.split())


def test_a_failed_ingress_is_not_called_ready(lab: Lab, built: Run, folder: Path) -> None:
    soon = {"cozystack_ingress_timeout": 10, "cozystack_interval": 1, "cozystack_smoke_tests": []}
    lab.ask("/lab/kubernetes/faults", method="POST", body={"stuck": ["tenant-root/ingress"]})

    try:
        run = play_elsewhere(lab, folder, "playbooks/cozystack.yml", "-e", json.dumps(OWN | soon))
    finally:
        lab.ask("/lab/kubernetes/faults", method="DELETE")

    assert run.code == 0, run.output
    result = kept(folder, "cozystack", "result.json")
    assert (result["outcome"], result["account"]["phase"], result["dashboard"]["url"]) == ("blocked", "tenant", "")
    assert [one["subject"] for one in result["account"]["verdicts"] if one["severity"] == "error"] == [
        "tenant-root/ingress"
    ]


def test_an_own_build_of_a_smaller_profile_ends_ready(lab: Lab, built: Run, folder: Path) -> None:
    definitions = folder / "spin-operator.crds.yaml"
    definitions.write_text(yaml.safe_dump_all(spin_kind(one) for one in ("SpinApp", "SpinAppExecutor")), "utf-8")
    spin = {"cozystack_spin_operator": True, "cozystack_spin_operator_crds": str(definitions)}

    run = play_elsewhere(lab, folder, "playbooks/cozystack.yml", "-e", json.dumps(OWN | spin))

    assert run.code == 0, run.output
    result, looks = kept(folder, "cozystack", "result.json"), kept(folder, "cozystack", "releases.json")["looks"]
    releases = result["account"]["releases"]
    assert (result["outcome"], releases["ready"]) == ("ready", releases["expected"])
    assert [look["ready"] for look in looks] == sorted(look["ready"] for look in looks)
    assert looks[-1]["ready"] == releases["expected"]
    tried = result["smoke_tests"]
    assert (tried["spin"]["outcome"], tried["spin_app"]["outcome"]) == ("passed", "passed"), tried
    api = connect(Access(str(folder / "kubeconfig"), "admin@lab"))
    assert (api.get(TENANT, "root", namespace="tenant-root") or {})["spec"] == {"ingress": True}
    assert result["dashboard"]["url"].startswith("https://dashboard.")


def test_an_operator_of_another_architecture_is_refused_before_its_first_pod(
    lab: Lab, built: Run, folder: Path
) -> None:
    image = f"ghcr.io/{AMD64_ONLY}:latest"
    foreign = OWN | {"cluster_cozystack_operator_image": image, "cluster_cozystack_expect": "ready"}

    run = play_elsewhere(lab, folder, "playbooks/cozystack.yml", "-e", json.dumps(foreign))

    assert run.code == 2
    refusal = " ".join(run.output.split())
    assert f"ARCH_UNSUPPORTED_IMAGES: ghcr.io/{AMD64_ONLY}:latest: it does not support linux/arm64" in refusal


def test_the_users_kubeconfig_keeps_its_link_its_other_cluster_and_its_current_context(
    built: Run, folder: Path
) -> None:
    assert built.code == 0, built.output
    assert (folder / "kubeconfig").is_symlink()
    assert stat.S_IMODE((folder / "dotfiles").stat().st_mode) == 0o600
    shared = yaml.safe_load((folder / "dotfiles").read_text(encoding="utf-8"))
    assert shared["current-context"] == "work"
    assert {kind: shared[kind][0] for kind in ("clusters", "users", "contexts")} == {
        kind: items[0] for kind, items in WORK.items() if isinstance(items, list)
    }
    assert [item["name"] for item in shared["contexts"]] == ["work", "admin@lab"]


def test_a_bastion_keeps_neither_kubeconfig_nor_snapshot(lab: Lab, built: Run, folder: Path) -> None:
    snapshot = play_elsewhere(lab, folder, "playbooks/etcd_snapshot.yml")
    names = {role: f"ghcr.io/urmanac/cozystack-assets/talos/{role}/talos:latest" for role in ("gateway", "compute")}
    vague = play_elsewhere(lab, folder, "playbooks/upgrade.yml", "-e", json.dumps({"cluster_images": names}))

    assert snapshot.code == 0, snapshot.output
    files = list((folder / "snapshots").glob("*.snapshot"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600]
    assert list((folder / "tmp").glob("urmanac-talos-*")) == []
    assert vague.code == 2
    assert "latest: The Talos version of the image is unknown" in " ".join(vague.output.split())
