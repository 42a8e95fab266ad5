# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our modules and the lab's node refuse, beside the recorded verdicts of Talos itself."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._findings import sentences
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import contract, decoding, validation
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import node as node_config
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.merge import Patch
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from tests import verdicts
from tests.talos_config import CLUSTER, test_bundle
from tests.talos_corpus import base_documents, cases

ALL = list(cases())
PLAIN = base_documents("v1.13", "controlplane")[:1]
V1_11, V1_13, V1_14 = (1, 11), (1, 13), (1, 14)
# What stays of the machine configuration in v1.14, beside documents of Kubernetes.
BARE = base_documents("v1.14", "controlplane")[:1]


def judged(release: verdicts.Release, *, by: Any, of: list[Any]) -> dict[str, str]:
    return {case.name: verdicts.REFUSED if by(case, release) else verdicts.TAKEN for case in of}


@pytest.mark.parametrize("release", verdicts.recorded(), ids=lambda release: f"v1.{release[1]}")
def test_the_labs_node_judges_as_talos_does(release: verdicts.Release) -> None:
    of = [case for case in ALL if not case.patches]
    recorded = verdicts.recorded()[release]

    assert judged(release, by=verdicts.lab, of=of) == {case.name: recorded[case.name] for case in of}


@pytest.mark.parametrize("release", verdicts.recorded(), ids=lambda release: f"v1.{release[1]}")
def test_our_modules_judge_as_talos_does(release: verdicts.Release) -> None:
    # Reading YAML as Talos does takes its time: all patches, and a fifth of what the lab's node judged.
    of = [case for at, case in enumerate(ALL) if case.patches or at % 5 == 0]
    recorded = verdicts.recorded()[release]

    assert judged(release, by=verdicts.product, of=of) == {case.name: recorded[case.name] for case in of}


def test_the_record_has_a_verdict_of_every_version_on_every_case() -> None:
    recorded = verdicts.recorded()

    assert list(recorded) == [(1, 11), (1, 12), (1, 13), (1, 14)]
    assert all(list(of) == [case.name for case in ALL] for of in recorded.values())


# --- messages


def made(patch: Any, *, contract: str = "v1.13") -> str:
    """Return the configuration of a control plane with the network's own documents, and one patch."""
    node = node_config.NodeConfig("gateway", "controlplane", hostname="gateway")
    network = node_config.Network("", "", "", ("192.0.2.53",), ("192.0.2.123",))
    plan = node_config.Plan(CLUSTER._replace(contract=contract), network, None, (Patch("patches[0]", patch),))
    return node_config.node_config(node, plan, test_bundle())


def test_permissions_that_are_not_a_number_are_refused_with_their_path() -> None:
    file = {"path": "/var/x", "op": "create", "content": "a", "permissions": "rw-r--r--"}

    with pytest.raises(
        InputError, match=r"at machine\.files\.\[0\]\.permissions: it is not the mode of a file\. Write"
    ):
        made({"machine": {"files": [file]}})


def test_a_worker_does_not_become_a_control_plane_by_a_patch() -> None:
    node = node_config.NodeConfig("compute", "worker")
    plan = node_config.Plan(CLUSTER, patches=(Patch("patches[0]", {"machine": {"type": "controlplane"}}),))

    with pytest.raises(InputError) as caught:
        node_config.node_config(node, plan, test_bundle())

    assert "from worker to controlplane. Remove machine.type from the patches, and set machine_type" in str(
        caught.value
    )
    assert "Add the key" not in str(caught.value)


@pytest.mark.parametrize("filesystem", [{"type": "ext4", "projectQuotaSupport": "yes"}, {"type": "swap"}])
def test_a_filesystem_that_a_volume_cannot_have_is_refused(filesystem: dict[str, Any]) -> None:
    provisioning = {"diskSelector": {"match": "!system_disk"}, "minSize": "1GB"}
    volume = {"kind": "UserVolumeConfig", "name": "data", "filesystem": filesystem, "provisioning": provisioning}
    problems = validation.problems([*PLAIN, {"apiVersion": "v1alpha1", **volume}], V1_13)

    assert [problem.subject.partition(" at ")[2].partition(".")[0] for problem in problems] == ["filesystem"]


def test_another_machine_type_is_listed_beside_all_other_problems() -> None:
    with pytest.raises(InputError) as caught:
        made({"machine": {"type": "worker", "network": {"hostname": "cp-1"}}})

    assert "patches change the machine type from controlplane to worker" in str(caught.value)
    assert "static hostname is already set" in str(caught.value)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        pytest.param(
            {"machine": {"network": {"hostname": "cp-1"}}},
            "HostnameConfig: static hostname is already set in v1alpha1 config. Remove machine.network.hostname",
            id="host name",
        ),
        pytest.param(
            {"machine": {"network": {"nameservers": ["1.1.1.1"]}}},
            "ResolverConfig: .machine.network.nameservers is already set in v1alpha1 config. Remove",
            id="name servers",
        ),
        pytest.param(
            {"machine": {"time": {"servers": ["time.example"]}}},
            "TimeSyncConfig: time servers cannot be specified in both v1alpha1 and new-style configuration. Remove",
            id="time servers",
        ),
        pytest.param(
            {"machine": {"type": "worker"}},
            "patches change the machine type from controlplane to worker. Remove machine.type from the patches, and "
            "set machine_type of the node in cluster_nodes.",
            id="type",
        ),
        pytest.param(
            {"apiVersion": "v1alpha1", "kind": "VLANConfig", "name": "eth0.5", "vlanid": 5, "parent": "eth0"},
            "VLANConfig eth0.5 at vlanid: this version of Talos does not have this field. Did you mean vlanID?",
            id="unknown field",
        ),
        pytest.param(
            {"apiVersion": "v1alpha1", "kind": "HostnamConfig", "hostname": "a"},
            '"HostnamConfig" "v1alpha1": not registered. Did you mean HostnameConfig?',
            id="unknown kind",
        ),
        pytest.param(
            {"machine": {"install": {"wipe": "perhaps"}}},
            "the machine configuration at machine.install.wipe: expected true or false",
            id="wrong type",
        ),
    ],
)
def test_a_refusal_names_document_path_and_remedy(patch: Any, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        made(patch)

    assert expected in str(caught.value)
    assert str(caught.value).startswith("Failed to configure the node gateway: Talos v1.13 rejects it.")


@pytest.mark.parametrize(
    ("machine", "remedy"),
    [
        ({"network": {"hostname": "cp-1"}}, "set it in the document HostnameConfig"),
        ({"network": {"nameservers": ["1.1.1.1"]}}, "set it in the document ResolverConfig"),
        ({"time": {"servers": ["time.example"]}}, "set it in the document TimeSyncConfig"),
        ({"type": "worker"}, "Remove machine.type from the patches"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_case_21_legacy_beside_document(machine: dict[str, Any], remedy: str) -> None:
    with pytest.raises(InputError, match=rf"Talos v1\.13 rejects it(.|\n)*{remedy}"):
        made({"machine": machine})


@pytest.mark.parametrize(
    "patch",
    [
        {"cluster": {"discovery": {"registries": {"service": {"endpoint": "https://[::1"}}}}},
        {"machine": {"logging": {"destinations": [{"endpoint": "tcp://[::1", "format": "json_lines"}]}}},
        "{apiVersion: v1alpha1, kind: KmsgLogConfig, name: a, url: 'tcp://[::1'}",
        "{apiVersion: v1alpha1, kind: SideroLinkConfig, apiUrl: 'https://[::1'}",
        "{apiVersion: v1alpha1, kind: RegistryMirrorConfig, name: a, endpoints: [{url: 'https://[::1'}]}",
    ],
    ids=["discovery", "logging", "kernel log", "SideroLink", "mirror"],
)
def test_a_url_without_its_second_bracket_is_refused(patch: Any) -> None:
    with pytest.raises(InputError, match=r"Talos v1\.13 rejects it|Failed to apply the patch"):
        made(patch)


# Kinds whose own checks in Talos v1.13 tests/peers/test_patches.py has found, each beside what is sound.
WIREGUARD = "kind: WireguardConfig, name: wg0"
KEY = "privateKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
RAW = "kind: RawVolumeConfig, name: data"
PLACE = "diskSelector: {match: '!system_disk'}, minSize: 10GiB"
SPAN = "kind: KubeSpanConfig"
RULE = "kind: NetworkRuleConfig, name: a, ingress: [{subnet: 192.0.2.0/24}]"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("kind: BlackholeRouteConfig, name: 192.0.2.0/24", ""),
        ("kind: BlackholeRouteConfig, name: 192.0.2.0", "name must be a valid address prefix"),
        ("kind: HCloudVIPConfig, name: 192.0.2.9, link: eth0, apiToken: a", ""),
        ("kind: HCloudVIPConfig, name: here, link: eth0, apiToken: a", "name must be a valid IP address"),
        ("kind: DHCPv4Config, name: eth0, clientIdentifier: duid, duidRaw: '02:00:00:00:00:07'", ""),
        ("kind: DHCPv4Config, name: eth0, duidRaw: '02:00:00:00:00:07'", "duidRaw can only be set"),
        ("kind: DHCPv6Config, name: eth0, clientIdentifier: duid", "duidRaw must be set"),
        (f"{WIREGUARD}, {KEY}", ""),
        (WIREGUARD, "privateKey must be specified"),
        (f"{WIREGUARD}, privateKey: abc", "not a key of WireGuard"),
        (f"{WIREGUARD}, {KEY}, peers: [{{}}]", "publicKey must be specified"),
        (f"{WIREGUARD}, {KEY}, listenPort: 70000", "between 0 and 65535"),
        (f"{RAW}, provisioning: {{{PLACE}}}", ""),
        (f"{RAW}, provisioning: {{minSize: 10GiB}}", "disk selector is required"),
        (f"{RAW}, provisioning: {{diskSelector: {{match: 'true'}}}}", "min size or max size is required"),
        (f"kind: SwapVolumeConfig, name: a_b, provisioning: {{{PLACE}}}", "letters, digits, and hyphens"),
        (f"kind: UserVolumeConfig, name: {'a' * 35}, provisioning: {{{PLACE}}}", "up to 34"),
        ("kind: UserVolumeConfig, name: data, volumeType: directory", ""),
        ("kind: ExistingVolumeConfig, name: data, discovery: {volumeSelector: {}}", "match must be specified"),
        ("kind: TCPProbeConfig, name: a, endpoint: '192.0.2.1:80'", ""),
        ("kind: TCPProbeConfig, name: a", "endpoint must be specified"),
        ("kind: ZswapConfig, maxPoolPercent: 101", "between 0 and 100"),
        (f"{SPAN}, mtu: 1279", "at least 1280"),
        ("kind: RegistryTLSConfig, name: a, ca: b", "PEM block with a CERTIFICATE"),
        ("kind: RoutingRuleConfig, name: 1000, table: 100", ""),
        ("kind: RoutingRuleConfig, name: a, table: 100", "it must be a priority"),
        ("kind: RoutingRuleConfig, name: 1000", "either table or a non-unicast action"),
        ("kind: RoutingRuleConfig, name: 1000, action: drop", "expected a value of type RoutingRuleAction"),
        ("kind: RoutingRuleConfig, name: 1000, table: 100, fwMask: 1", "fwMask requires fwMark"),
        ("kind: SideroLinkConfig, apiUrl: 'grpc://192.0.2.1:8081?jointoken=a'", ""),
        ("kind: SideroLinkConfig, apiUrl: 'https://example.com/a'", "and no path"),
        ("kind: VRFConfig, name: vrf0, table: main", "the table is reserved"),
        ("kind: WatchdogTimerConfig, device: /dev/watchdog0, timeout: 0s", ""),
        ("kind: WatchdogTimerConfig, device: /dev/watchdog0, timeout: 9s", "minimum value is 10s"),
        (f"{SPAN}, filters: {{endpoints: [here]}}", "endpoint filter is not valid"),
        (f"{SPAN}, mtu: 1280, filters: {{endpoints: ['!192.0.2.0/24']}}", ""),
        (f"{RULE}, portSelector: {{ports: [80], protocol: tcp}}", ""),
        (f"{RULE}, portSelector: {{ports: ['80-81'], protocol: tcp}}", ""),
        (f"{RULE}, portSelector: {{ports: ['80'], protocol: tcp}}", "expected a port without quotation marks"),
    ],
)
def test_a_document_that_talos_finds_incomplete_is_refused(fields: str, expected: str) -> None:
    document = yaml_text.load_all(f"{{apiVersion: v1alpha1, {fields}}}")[0]

    found = [sentences(one, "subject") for one in validation.problems([*PLAIN, document], V1_13)]

    assert len(found) == bool(expected), found
    assert not expected or expected in found[0]


NETWORK = "kind: KubeNetworkConfig, podSubnets: [{}], serviceSubnets: [{}]"
IMAGE = "image: 'registry.k8s.io/a:v1.34.0'"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("kind: KubeAggregatorCAConfig", "issuing CA is not set"),
        ("kind: KubeAggregatorCAConfig, issuingCA: {cert: a, key: b}, acceptedCAs: [c]", "not a certificate in PEM"),
        ("kind: KubeAPIServerCAConfig, acceptedCAs: [c]", "not a certificate in PEM"),
        ("kind: KubeAPIServerCAConfig", ""),
        ("kind: KubeServiceAccountConfig", "not a private key in PEM"),
        ("kind: KubeAuthorizerConfig, name: a, type: Webhook, webhook: {a: b}", ""),
        ("kind: KubeAuthorizerConfig, name: a, type: Webhook", "webhook configuration is required"),
        ("kind: KubeAuthorizerConfig, name: a, type: ABAC", "authorizer type ABAC is not allowed"),
        (f"kind: KubeAPIServerConfig, {IMAGE}, extraArgs: {{v: '2'}}", ""),
        (f"kind: KubeAPIServerConfig, {IMAGE}, extraArgs: {{oidc-issuer-url: a}}", "Use KubeAuthenticationConfig"),
        (f"kind: KubeSchedulerConfig, {IMAGE}, resources: {{limits: {{disk: 1}}}}", "unsupported pod resource"),
        ("kind: KubeSchedulerConfig", "scheduler image cannot be empty"),
        ("kind: KubeSchedulerConfig, enabled: false", ""),
        ("kind: KubeControllerManagerConfig, image: 'a:v1.31.0'", "supports Kubernetes v1.32 to v1.37"),
        (f"kind: KubeProxyConfig, {IMAGE}, mode: userspace", "invalid proxy mode"),
        (f"kind: KubeletConfig, {IMAGE}, config: {{port: 1}}", "can't be overridden"),
        ("kind: KubeClusterConfig, clusterName: a, endpoint: 'tcp://192.0.2.1'", "cluster endpoint is invalid"),
        (NETWORK.format("10.244.0.0/16", "10.96.0.0/12"), ""),
        (NETWORK.format("10.244.0.0/25", "10.96.0.0/12"), "does not fit nodeCIDRMaskSizeIPv4 24"),
        (NETWORK.format("10.244.0.0/16", "10.0.0.0/8"), "too large"),
        (NETWORK.format("10.244.0.0/16", "10.96.0.0/30"), "too small"),
        (NETWORK.format("10.244.0.0/16, 10.245.0.0/16", "10.96.0.0/12, fc00::/112"), "at most one IPv4"),
        (NETWORK.format("10.244.0.0/16", "10.96.0.0/12, fc00::/112"), "must match the number of service subnets"),
        (NETWORK.format("10.244.0.0/16", "10.96.0.0/12") + ", nodeCIDRMaskSizeIPv4: 33", "between 1 and 32"),
        ("kind: KubeFlannelCNIConfig", "backend type must be specified"),
        ("kind: KubePrismConfig, port: 0", "between 1 and 65535"),
        ("kind: KubeTalosAPIAccessConfig, allowedRoles: [os:root]", 'invalid role "os:root"'),
        ("kind: KubeStaticPodConfig, name: A_b, pod: {a: b}", "not a name for an object"),
        ("kind: KubeExternalManifestConfig, name: a, url: 'ftp://a/b'", "scheme must be http or https"),
    ],
)
def test_a_document_of_kubernetes_is_judged_as_its_validate_method_does(fields: str, expected: str) -> None:
    document = yaml_text.load_all(f"{{apiVersion: v1alpha1, {fields}}}")[0]

    # Talos wants encryption in etcd beside an authority of Kubernetes.
    encryption = {"apiVersion": "v1alpha1", "kind": "KubeEtcdEncryptionConfig", "config": {"resources": []}}
    beside = [] if document["kind"] == encryption["kind"] else [encryption]

    found = [sentences(one, "subject") for one in validation.problems([*BARE, *beside, document], V1_14)]

    assert bool(found) == bool(expected), found
    assert not expected or any(expected in one for one in found)


@pytest.mark.parametrize(
    ("base", "kind"),
    [
        ({"cluster": {"allowSchedulingOnControlPlanes": False}}, "KubeNodeConfig"),
        ({"machine": {"kubelet": {"nodeIP": {}}}}, "KubeNodeConfig"),
        ({"machine": {"features": {"kubernetesTalosAPIAccess": {}}}}, "KubeTalosAPIAccessConfig"),
    ],
    ids=["false", "empty address", "empty access"],
)
def test_a_field_that_talos_keeps_as_a_pointer_excludes_a_document_whatever_it_is(
    base: dict[str, Any], kind: str
) -> None:
    [section] = base
    machine = {**BARE[0], section: {**BARE[0][section], **base[section]}}

    found = validation.problems([machine, {"apiVersion": "v1alpha1", "kind": kind}], V1_14)

    assert any(one.message.startswith("the same is already set") for one in found), found


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"authorizationConfig": [{"type": "RBAC", "name": "a"}]}, ""),
        ({"authorizationConfig": [{"type": "RBAC"}]}, "authorizer name must be set"),
        ({"authorizationConfig": [{"type": "ABAC", "name": "a"}]}, "authorizer type ABAC is not allowed"),
        ({"authorizationConfig": [], "extraArgs": {"authorization-mode": "RBAC"}}, "cannot be used in conjunction"),
    ],
    ids=["sound", "name", "type", "argument"],
)
def test_authorizers_of_the_machine_configuration_are_judged_in_every_version(
    server: dict[str, Any], expected: str
) -> None:
    cluster = {**PLAIN[0]["cluster"], "apiServer": {**PLAIN[0]["cluster"]["apiServer"], **server}}

    found = [sentences(one, "subject") for one in validation.problems([{**PLAIN[0], "cluster": cluster}], V1_13)]

    assert len(found) == bool(expected), found
    assert not expected or expected in found[0]


def test_a_document_of_a_later_version_is_refused_with_the_version_that_brought_it() -> None:
    patch = {"apiVersion": "v1alpha1", "kind": "ResolverConfig", "nameservers": [{"address": "192.0.2.53"}]}

    with pytest.raises(InputError, match=r"Talos v1\.11 does not support it: it was added in v1\.12"):
        made(patch, contract="v1.11")


def test_a_field_that_left_or_came_is_known_to_its_own_versions_only() -> None:
    documents = base_documents("v1.12", "controlplane")[:1]

    problems = [sentences(problem, "subject") for problem in validation.problems(documents, V1_11)]

    assert any(
        "machine.install.grubUseUKICmdline: this version of Talos does not have this field" in line for line in problems
    )
    assert not validation.problems(documents, V1_13)


@pytest.mark.parametrize("patch", ["", "# nothing but a comment\n", None, {}], ids=["text", "comment", "none", "map"])
def test_case_22_empty_patch(patch: Any) -> None:
    assert made(patch) == made({"machine": {}})


def test_case_02_disk_encryption_node_id() -> None:
    keys = [{"nodeID": {}, "slot": 0}]
    patch = {"machine": {"systemDiskEncryption": {"state": {"provider": "luks2", "keys": keys}}}}

    written = yaml_text.load_all(made(patch))[0]

    assert written["machine"]["systemDiskEncryption"]["state"]["keys"][0]["nodeID"] == {}


def of_v1_10() -> list[dict[str, Any]]:
    """Return the documents of a control plane with a Kubernetes that Talos v1.10 supports."""
    node = node_config.NodeConfig("gateway", "controlplane", hostname="gateway")
    network = node_config.Network("", "", "", (), ())
    cluster = CLUSTER._replace(contract="v1.10", kubernetes_version="1.33.12")
    return node_config.node_documents(node, node_config.Plan(cluster, network, None, ()), test_bundle())


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param({"kind": "SwapVolumeConfig", "name": "a"}, "CONFIG_KIND_UNKNOWN", id="kind"),
        pytest.param({"kind": "VolumeConfig", "name": "STATE", "encryption": {}}, "CONFIG_FIELD_UNKNOWN", id="field"),
    ],
)
def test_what_v1_11_has_added_is_refused_for_v1_10(document: dict[str, Any], code: str) -> None:
    documents = [*of_v1_10(), {"apiVersion": "v1alpha1", **document}]

    codes = {release: [found.code for found in validation.problems(documents, (1, release))] for release in (10, 11)}

    assert codes[10] == [code]
    assert code not in codes[11]


def test_each_contract_is_judged_by_the_rules_of_its_version() -> None:
    assert [decoding.known_release(contract.release(name) or (0, 0)) for name in contract.CONTRACTS] == [
        contract.release(name) for name in contract.CONTRACTS
    ]
    assert validation.problems(of_v1_10(), (1, 10)) == []
