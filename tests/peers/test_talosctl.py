# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our documents beside those of the real talosctl."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import cozystack, merge, secrets
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import node as node_config
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import Bundle, read_bundle, to_document
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.cluster import ClusterConfig
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.documents import (
    CONTRACTS,
    CONTROL_PLANE,
    WORKER,
    generate,
    is_split,
)
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text

Talosctl = Callable[..., str]
ENDPOINT = "https://10.10.0.101:6443"
MIRRORS = {"docker.io": ("http://10.10.0.100:5050",), "ghcr.io": ("http://10.10.0.100:5054",)}

# This talosctl is older than v1.14: test_judges.py compares that contract with what Talos' generator writes, and has it
# judged.
contracts = pytest.mark.parametrize("contract", [contract for contract in CONTRACTS if not is_split(contract)])
machine_types = pytest.mark.parametrize("machine_type", [CONTROL_PLANE, WORKER])


@pytest.fixture(scope="session")
def bundle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "secrets.yaml"
    secrets.ensure_bundle(path)
    return path


@pytest.fixture(scope="session")
def bundle(bundle_file: Path) -> Bundle:
    return read_bundle(bundle_file)


def generated(talosctl: Talosctl, secrets_file: Path, machine_type: str, contract: str, *more: str) -> list[Any]:
    options = ["--with-secrets", str(secrets_file), "--talos-version", contract, "--kubernetes-version", "1.34.0"]
    options += ["--with-docs=false", "--with-examples=false", "--output-types", machine_type, "--output", "-", *more]
    return yaml_text.load_all(talosctl("gen", "config", "example", ENDPOINT, *options))


@contracts
@machine_types
def test_documents_equal_those_that_talosctl_generates(
    talosctl: Talosctl, bundle_file: Path, bundle: Bundle, machine_type: str, contract: str
) -> None:
    cluster = ClusterConfig(
        "example",
        ENDPOINT,
        "1.34.0",
        contract,
        dns_domain="cozy.local",
        cert_sans=("10.10.0.102", "2001:db8::1"),
        install_disk="/dev/nvme0n1",
        install_image="ghcr.io/example/installer:v1",
        registry_mirrors=MIRRORS,
    )
    options = ["--dns-domain", "cozy.local", "--additional-sans", "10.10.0.102,2001:db8::1"]
    options += ["--install-disk", "/dev/nvme0n1", "--install-image", "ghcr.io/example/installer:v1"]
    options += [part for host, urls in MIRRORS.items() for part in ("--registry-mirror", f"{host}={urls[0]}")]

    ours = yaml_text.load_all(yaml_text.dump_all(generate(machine_type, cluster, bundle)))

    assert ours == generated(talosctl, bundle_file, machine_type, contract, *options)


def full_node(machine_type: str, *, link: str = "") -> node_config.NodeConfig:
    extension = {"name": "tailscale", "environment": ["TS_AUTHKEY=not-a-key", "TS_ROUTES=10.10.0.0/24"]}
    return node_config.NodeConfig(
        "gateway",
        machine_type,
        ipv4="10.10.0.101",
        ipv6="2001:db8::101",
        mac="02:00:00:00:00:01",
        link=link,
        hostname="gateway",
        extensions=(extension,),
    )


def full_plan(contract: str, preset: cozystack.Preset | None) -> node_config.Plan:
    cluster = ClusterConfig(
        "example", ENDPOINT, "1.33.0", contract, install_disk="/dev/nvme0n1", registry_mirrors=MIRRORS
    )
    network = node_config.Network("10.10.0.0/24", "10.10.0.100", "", ("169.254.169.253",), ("169.254.169.123",))
    patch = merge.Patch("patches[0]", {"machine": {"sysctls": {"vm.nr_hugepages": 16}}})
    return node_config.Plan(cluster, network, preset, (patch,))


@contracts
@machine_types
@pytest.mark.parametrize(
    "preset", [pytest.param(None, id="plain"), pytest.param(cozystack.Preset(("10.10.0.0/24",)), id="cozystack")]
)
@pytest.mark.parametrize("link", [pytest.param("", id="link by MAC"), pytest.param("eth0", id="link by name")])
def test_talosctl_finds_nothing_wrong_with_a_node_that_uses_every_option(
    talosctl: Talosctl,
    tmp_path: Path,
    bundle: Bundle,
    machine_type: str,
    contract: str,
    preset: cozystack.Preset | None,
    link: str,
) -> None:
    path = tmp_path / "node.yaml"
    path.write_text(node_config.node_config(full_node(machine_type, link=link), full_plan(contract, preset), bundle))

    talosctl("validate", "--config", path, "--mode", "metal", "--strict")


@contracts
@machine_types
def test_the_presets_patch_has_the_same_outcome_in_talosctl(
    talosctl: Talosctl, tmp_path: Path, bundle: Bundle, machine_type: str, contract: str
) -> None:
    documents = generate(machine_type, ClusterConfig("example", ENDPOINT, "1.34.0", contract), bundle)
    patch = cozystack.preset_patch(machine_type, cozystack.Preset(("10.10.0.0/24",)))

    assert patched_by_us(documents, yaml_text.dump_plain(patch)) == patched(
        talosctl, tmp_path, documents, yaml_text.dump_plain(patch)
    )


# Written as in the documentation of Talos: what a user would copy from there has to work here.
PATCHES = {
    "a map": "machine: {sysctls: {b: '2', a: 1}}",
    "a new list": "machine: {certSANs: [a, b]}",
    "arguments": "cluster: {apiServer: {extraArgs: {feature-gates: A=true, v: 4, profiling: false}}}",
    "a replaced list": "cluster: {network: {podSubnets: [10.1.0.0/16]}}",
    "an emptied list": "cluster: {network: {podSubnets: []}}",
    "a replaced policy": "cluster: {apiServer: {auditPolicy: {apiVersion: audit.k8s.io/v1, kind: Policy, rules: []}}}",
    "a plug-in of the same name": """
        cluster:
          apiServer:
            admissionControl: [{name: PodSecurity, configuration: {defaults: {enforce: privileged}}}]
        """,
    "another plug-in": "cluster: {apiServer: {admissionControl: [{name: Other, configuration: {a: 1, b: true}}]}}",
    "interfaces": """
        machine:
          network:
            interfaces:
              - {interface: eth0, addresses: [10.0.0.1/24]}
              - {deviceSelector: {hardwareAddr: a}, mtu: 9000}
        """,
    "files": 'machine: {files: [{content: "a\\nb\\n", permissions: 0o600, path: /var/a, op: create}]}',
    "odd texts": """
        machine:
          sysctls: {a: 'yes', b: '0x1', c: '1e3', d: 'a: b', e: ' a', f: '#', g: '1:30', h: 'null', i: '-', j: 'ä',
                    k: '2001-01-01', l: '010', m: '1_000', n: '.5', o: '@a', p: 'a #b', q: '=', r: '<<', s: '~'}
        """,
    "unquoted numbers in a map of texts": "machine: {sysctls: {a: 0o10, b: 0x10, c: 1.10, d: true, e: 010}}",
    "an empty text": "cluster: {clusterName: ''}",
    "false": "machine: {features: {diskQuotaSupport: false}}",
    "deleted field": "machine: {kubelet: {disableManifestsDirectory: {$patch: delete}}}",
    "deleted map": "machine: {features: {$patch: delete}}",
    "deleted element": "cluster: {apiServer: {admissionControl: [{name: PodSecurity, $patch: delete}]}}",
    "deleted label": """
        machine: {nodeLabels: {node.kubernetes.io/exclude-from-external-load-balancers: {$patch: delete}}}
        """,
    "deleted and set": "machine: {certSANs: {$patch: delete}}\ncluster: {clusterName: other}",
    "deleted document": "{apiVersion: v1alpha1, kind: HostnameConfig, $patch: delete}",
    "new document": "{apiVersion: v1alpha1, kind: ExtensionServiceConfig, name: a, environment: [A=b]}",
    "a document of a kind not known here": """
        {apiVersion: v1alpha1, kind: VolumeConfig, name: EPHEMERAL, provisioning: {grow: true, minSize: 10GiB}}
        """,
    "two documents": """\
machine: {type: controlplane}
---
{apiVersion: v1alpha1, kind: TimeSyncConfig, ntp: {servers: [a]}}
""",
    "mixed keys": "machine: {nodeAnnotations: {a10: x, a9: x, a-b: x, aB: x, a_b: x, a.b: x, a: x, A: x}}",
}


def patched(talosctl: Talosctl, directory: Path, documents: list[dict[str, Any]], patch: str) -> str:
    (directory / "before.yaml").write_text(yaml_text.dump_all(documents))
    (directory / "patch.yaml").write_text(patch)
    talosctl(
        "machineconfig",
        "patch",
        directory / "before.yaml",
        "--patch",
        f"@{directory / 'patch.yaml'}",
        "--output",
        directory / "after.yaml",
    )
    return (directory / "after.yaml").read_text()


def patched_by_us(documents: list[dict[str, Any]], patch: str) -> str:
    return yaml_text.dump_all(merge.apply_patches(documents, [merge.Patch("patch", patch)]))


@pytest.mark.parametrize("patch", [pytest.param(text, id=name) for name, text in PATCHES.items()])
def test_a_patch_gives_the_same_bytes_as_in_talosctl(
    talosctl: Talosctl, tmp_path: Path, bundle: Bundle, patch: str
) -> None:
    documents = generate(CONTROL_PLANE, ClusterConfig("example", ENDPOINT, "1.34.0", "v1.13", cert_sans=("x",)), bundle)

    assert patched_by_us(documents, patch) == patched(talosctl, tmp_path, documents, patch)


def test_talosctl_reads_our_talosconfig(talosctl: Talosctl, tmp_path: Path, bundle: Bundle) -> None:
    path = tmp_path / "talosconfig"
    secrets.ensure_talosconfig(path, bundle, secrets.Context("example", ("10.10.0.101",), ("10.10.0.102",)))

    reported = json.loads(talosctl("--talosconfig", path, "config", "info", "--output", "json"))

    assert reported["context"] == "example"
    assert reported["endpoints"] == ["10.10.0.101"]
    assert reported["nodes"] == ["10.10.0.102"]
    assert reported["roles"] == ["os:admin"]


def test_our_admin_certificate_differs_from_that_of_talosctl_only_in_when_it_begins(
    talosctl: Talosctl, tmp_path: Path, bundle_file: Path, bundle: Bundle
) -> None:
    theirs_file = tmp_path / "talosconfig"
    talosctl(
        "gen",
        "config",
        "example",
        ENDPOINT,
        "--with-secrets",
        bundle_file,
        "--output-types",
        "talosconfig",
        "--output",
        theirs_file,
    )
    theirs = secrets.load_certificate(yaml_text.load_all(theirs_file.read_text())[0]["contexts"]["example"]["crt"])

    ours = secrets.load_certificate(secrets.admin_pair(bundle, secrets.DEFAULT_VALIDITY).crt)

    assert ours.subject == theirs.subject
    assert ours.issuer == theirs.issuer
    assert {item.oid: item.value for item in ours.extensions} == {item.oid: item.value for item in theirs.extensions}
    assert theirs.not_valid_before_utc - ours.not_valid_before_utc > datetime.timedelta(hours=23)


def test_a_bundle_of_talosctl_is_taken_and_survives_the_way_through_ours(talosctl: Talosctl, tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    talosctl("gen", "secrets", "--output-file", path)

    bundle = read_bundle(path)
    secrets.check_pairs(bundle, str(path))

    assert to_document(bundle) == yaml_text.load_all(path.read_text())[0]


def test_talosctl_makes_the_same_of_our_bundle_as_of_its_own_text(
    talosctl: Talosctl, tmp_path: Path, bundle_file: Path
) -> None:
    theirs = generated(talosctl, bundle_file, CONTROL_PLANE, "v1.13")

    assert (
        theirs[0]["cluster"]["serviceAccount"]["key"]
        == yaml_text.load_all(bundle_file.read_text())[0]["certs"]["k8sserviceaccount"]["key"]
    )
