# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._machine_types import CONTROL_PLANE, WORKER
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import cozystack
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.merge import Patch
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.node import (
    Network,
    NodeConfig,
    Plan,
    node_config,
)
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from tests.talos_config import CLUSTER, test_bundle

NETWORK = Network("10.10.0.0/24", "10.10.0.100", "", ("169.254.169.253",), ("169.254.169.123",))
NODE = NodeConfig(
    "gateway", CONTROL_PLANE, ipv4="10.10.0.101", ipv6="2001:db8::101", mac="02-00-00-00-00-0A", hostname="gateway"
)
COZYSTACK = cozystack.Preset(("10.10.0.0/24",))


def made(node: NodeConfig = NODE, contract: str = "v1.13", **plan: Any) -> dict[str, Any]:
    """Return a node's documents by kind."""
    plan = {"network": NETWORK, **plan}
    text = node_config(node, Plan(CLUSTER._replace(contract=contract), **plan), test_bundle())
    return {document.get("kind", "machine"): document for document in yaml_text.load_all(text)}


# --- network


def test_the_link_is_found_by_the_mac_address_of_its_interface() -> None:
    documents = made()

    assert documents["LinkAliasConfig"]["selector"]["match"] == 'mac(link.permanent_addr) == "02:00:00:00:00:0a"'
    assert documents["LinkConfig"]["name"] == documents["LinkAliasConfig"]["name"]


def test_a_link_whose_name_is_known_needs_no_alias() -> None:
    documents = made(NODE._replace(mac="", link="eth0"))

    assert "LinkAliasConfig" not in documents
    assert documents["LinkConfig"]["name"] == "eth0"


def test_addresses_are_fixed_and_the_default_route_goes_through_the_bastion() -> None:
    link = made()["LinkConfig"]

    assert link["addresses"] == [{"address": "10.10.0.101/24"}, {"address": "2001:db8::101/64"}]
    assert link["routes"][0] == {"gateway": "10.10.0.100"}


def test_services_of_ec2_are_asked_of_the_subnets_router_and_not_of_the_bastion() -> None:
    assert {"destination": "169.254.169.0/24", "gateway": "10.10.0.1"} in made()["LinkConfig"]["routes"]


def test_without_a_bastion_the_router_is_the_only_way() -> None:
    link = made(NODE._replace(ipv6=""), network=NETWORK._replace(gateway_ipv4=""))["LinkConfig"]

    assert link["routes"] == [{"gateway": "10.10.0.1"}]


def test_the_ipv6_route_stands_behind_the_advertised_one() -> None:
    route = made()["LinkConfig"]["routes"][-1]

    assert route == {"gateway": "2001:db8::1", "metric": 2048}


def test_the_ipv6_gateway_can_be_given() -> None:
    link = made(network=NETWORK._replace(ipv6_gateway="fe80::1"))["LinkConfig"]

    assert link["routes"][-1]["gateway"] == "fe80::1"


def test_router_advertisements_are_kept_on_a_link_whose_name_is_known() -> None:
    by_name = made(NODE._replace(link="eth0"))["machine"]["machine"]["sysctls"]
    by_address = made()["machine"]["machine"].get("sysctls", {})

    assert by_name == {"net.ipv6.conf.eth0.accept_ra": "2"}
    assert by_address == {}


def test_a_link_with_a_dot_in_its_name_has_its_setting_as_a_path() -> None:
    assert "net/ipv6/conf/eth0.5/accept_ra" in made(NODE._replace(link="eth0.5"))["machine"]["machine"]["sysctls"]


def test_names_and_time_come_from_ec2() -> None:
    documents = made()

    assert documents["ResolverConfig"]["nameservers"] == [{"address": "169.254.169.253"}]
    assert documents["TimeSyncConfig"]["ntp"] == {"servers": ["169.254.169.123"]}


def test_a_host_name_takes_the_place_of_the_automatic_one() -> None:
    assert made()["HostnameConfig"] == {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "hostname": "gateway"}


def test_without_a_host_name_the_automatic_one_stays() -> None:
    assert made(NODE._replace(hostname=""))["HostnameConfig"]["auto"] == "stable"


def test_without_a_subnet_a_node_asks_dhcp() -> None:
    documents = made(network=Network())

    assert not {"LinkConfig", "LinkAliasConfig", "ResolverConfig", "TimeSyncConfig"} & documents.keys()


def test_v1_11_gets_the_same_network_inside_its_one_document() -> None:
    documents = made(NODE._replace(link="eth0"), "v1.11")

    machine = documents["machine"]["machine"]
    assert documents.keys() == {"machine"}
    assert machine["sysctls"] == {"net.ipv6.conf.eth0.accept_ra": "2"}
    assert machine["time"] == {"servers": ["169.254.169.123"]}
    assert machine["network"] == {
        "hostname": "gateway",
        "nameservers": ["169.254.169.253"],
        "interfaces": [
            {
                "interface": "eth0",
                "addresses": ["10.10.0.101/24", "2001:db8::101/64"],
                "routes": [
                    {"network": "0.0.0.0/0", "gateway": "10.10.0.100"},
                    {"network": "169.254.169.0/24", "gateway": "10.10.0.1"},
                    {"network": "::/0", "gateway": "2001:db8::1", "metric": 2048},
                ],
                "dhcp": False,
            }
        ],
    }


def test_v1_11_finds_the_link_by_a_selector() -> None:
    interface = made(contract="v1.11")["machine"]["machine"]["network"]["interfaces"][0]

    assert interface["deviceSelector"] == {"hardwareAddr": "02:00:00:00:00:0a", "physical": True}


# --- names, extensions, patches


def test_certificates_hold_ipv4_ipv6_and_name_once_each() -> None:
    documents = made(NODE._replace(cert_sans=("10.10.0.101", "extra")))

    names = ["10.10.0.101", "extra", "2001:db8::101", "gateway"]
    assert documents["machine"]["machine"]["certSANs"] == names
    assert documents["machine"]["cluster"]["apiServer"]["certSANs"] == names


def test_extensions_are_passed_on() -> None:
    extension = {"name": "tailscale", "environment": ["TS_ROUTES=10.10.0.0/24"]}

    assert made(NODE._replace(extensions=(extension,)))["ExtensionServiceConfig"] == {
        "apiVersion": "v1alpha1",
        "kind": "ExtensionServiceConfig",
        **extension,
    }


def test_patches_come_after_the_preset_and_those_of_the_node_come_last() -> None:
    def patch(value: str) -> Patch:
        return Patch(value, {"machine": {"sysctls": {"net.ipv4.tcp_fin_timeout": value}}})

    node = NODE._replace(patches=(patch("7"),))

    assert made(preset=COZYSTACK)["machine"]["machine"]["sysctls"]["net.ipv4.tcp_fin_timeout"] == "30"
    after = made(node, preset=COZYSTACK, patches=(patch("9"),))
    assert after["machine"]["machine"]["sysctls"]["net.ipv4.tcp_fin_timeout"] == "7"


# --- preset


def test_the_preset_leaves_network_and_proxy_to_cozystack() -> None:
    cluster = made(preset=COZYSTACK)["machine"]["cluster"]

    assert cluster["network"]["cni"] == {"name": "none"}
    assert cluster["proxy"]["disabled"] is True
    assert cluster["allowSchedulingOnControlPlanes"] is True
    assert cluster["discovery"]["enabled"] is False
    assert cluster["etcd"]["advertisedSubnets"] == ["10.10.0.0/24"]
    assert cluster["etcd"]["extraArgs"] == {"quota-backend-bytes": "8589934592"}
    assert cluster["controllerManager"]["extraArgs"]["cluster-cidr"] == "10.244.0.0/16"


def test_the_preset_brings_modules_files_and_limits() -> None:
    machine = made(preset=COZYSTACK)["machine"]["machine"]

    modules = ["openvswitch", "drbd", "zfs", "spl", "vfio_pci", "vfio_iommu_type1"]
    assert [module["name"] for module in machine["kernel"]["modules"]] == modules
    assert machine["kernel"]["modules"][1]["parameters"] == ["usermode_helper=disabled"]
    assert machine["kubelet"]["extraConfig"] == {"cpuManagerPolicy": "static", "maxPods": 512}
    assert machine["kubelet"]["nodeIP"] == {"validSubnets": ["10.10.0.0/24"]}
    assert [file["path"] for file in machine["files"]] == ["/etc/cri/conf.d/20-customization.part", "/etc/lvm/lvm.conf"]
    assert "r|^/dev/drbd.*|" in machine["files"][1]["content"]


def test_the_preset_lets_load_balancers_reach_control_planes() -> None:
    assert "nodeLabels" in made()["machine"]["machine"]
    assert "nodeLabels" not in made(preset=COZYSTACK)["machine"]["machine"]


def test_a_worker_gets_nothing_of_the_control_plane() -> None:
    cluster = made(NODE._replace(machine_type=WORKER), preset=COZYSTACK)["machine"]["cluster"]

    assert not {"etcd", "apiServer", "controllerManager", "scheduler", "proxy"} & cluster.keys()
    assert cluster["discovery"]["enabled"] is True


# --- refusals


@pytest.mark.parametrize(
    ("node", "plan", "expected"),
    [
        pytest.param(NODE._replace(ipv4="10.11.0.1"), {}, "10.11.0.1 is not in the subnet 10.10.0.0/24", id="subnet"),
        pytest.param(NODE._replace(mac=""), {}, "Give mac .* or link", id="no MAC address"),
        pytest.param(
            NODE,
            {"patches": (Patch("p", {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "auto": "stable"}),)},
            "HostnameConfig: 'auto' and 'hostname' cannot be set at the same time. Add auto",
            id="two host names",
        ),
        pytest.param(
            NODE,
            {"patches": (Patch("p", {"machine": {"install": {"extraKernelArgs": ["a"]}}}),)},
            "extraKernelArgs and grubUseUKICmdline can't be used together. Remove the arguments",
            id="kernel arguments",
        ),
    ],
)
def test_what_talos_would_refuse_is_refused_before(node: NodeConfig, plan: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        made(node, **plan)

    assert "gateway" in str(caught.value)


# --- the documents of v1.14


def split(node: NodeConfig = NODE, **plan: Any) -> dict[str, Any]:
    return made(node, "v1.14", **plan)


def test_the_preset_is_written_in_the_documents_of_v1_14() -> None:
    documents = split(preset=COZYSTACK)

    assert documents["KubeletConfig"]["config"] == {"cpuManagerPolicy": "static", "maxPods": 512}
    assert documents["KubeNodeConfig"] == {
        **{"apiVersion": "v1alpha1", "kind": "KubeNodeConfig"},
        "nodeIP": {"validSubnets": ["10.10.0.0/24"]},
        "labels": {"node-role.kubernetes.io/control-plane": ""},
    }
    assert documents["KubeProxyConfig"]["enabled"] is False
    assert documents["SecurityProfileConfig"]["workloadIsolation"] is False
    assert documents["KubeControllerManagerConfig"]["extraArgs"]["cluster-cidr"] == "10.244.0.0/16"
    assert documents["SysctlConfig"]["params"]["net.ipv4.tcp_fin_timeout"] == "30"
    assert {"KubeFlannelCNIConfig", "DiscoveryServiceConfig"} & documents.keys() == set()


def test_the_preset_leaves_fields_only_to_what_has_no_document() -> None:
    base = split(preset=COZYSTACK)["machine"]

    assert sorted(base["machine"]) == ["ca", "certSANs", "features", "files", "token", "type"]
    assert [item["path"] for item in base["machine"]["files"]] == ["/etc/lvm/lvm.conf"]
    assert sorted(base["cluster"]) == ["etcd", "token"]


def test_a_worker_of_v1_14_gets_nothing_of_the_control_plane() -> None:
    documents = split(NODE._replace(machine_type=WORKER), preset=COZYSTACK)

    assert {"KubeAPIServerConfig", "KubeControllerManagerConfig", "KubeProxyConfig"} & documents.keys() == set()
    assert documents["KubeletConfig"]["config"]["maxPods"] == 512


def test_name_servers_and_sysctls_join_the_documents_of_v1_14() -> None:
    documents = split(NODE._replace(mac="", link="eth0"))

    assert documents["ResolverConfig"]["hostDNS"]["enabled"] is True
    assert documents["ResolverConfig"]["nameservers"] == [{"address": "169.254.169.253"}]
    assert documents["SysctlConfig"]["params"] == {"net.ipv6.conf.eth0.accept_ra": "2"}


@pytest.mark.parametrize(
    ("contract", "kind", "path"),
    [
        pytest.param("v1.13", "machine", ("machine", "install", "image"), id="v1.13"),
        pytest.param("v1.14", "UnattendedInstallConfig", ("installer", "image"), id="v1.14"),
    ],
)
def test_a_nodes_own_image_takes_the_place_of_the_clusters(contract: str, kind: str, path: tuple[str, ...]) -> None:
    found = made(NODE._replace(install_image="registry.example.com/own:v1"), contract)[kind]

    for key in path:
        found = found[key]
    assert found == "registry.example.com/own:v1"


@pytest.mark.parametrize(
    ("patch", "document"),
    [
        pytest.param("machine: {kubelet: {extraConfig: {maxPods: 200}}}", "KubeletConfig", id="kubelet"),
        pytest.param("cluster: {proxy: {disabled: true}}", "KubeProxyConfig", id="proxy"),
        pytest.param("machine: {install: {disk: /dev/sda}}", "UnattendedInstallConfig", id="install"),
        pytest.param("machine: {nodeLabels: {a: b}}", "KubeNodeConfig", id="labels"),
        pytest.param("machine: {features: {hostDNS: {enabled: false}}}", "ResolverConfig", id="host DNS"),
        pytest.param("cluster: {allowSchedulingOnControlPlanes: true}", "KubeNodeConfig", id="scheduling"),
    ],
)
def test_a_patch_of_an_old_field_is_refused_and_the_document_named(patch: str, document: str) -> None:
    with pytest.raises(InputError, match=f"and set it in the document {document}"):
        split(patches=(Patch("a", patch),))


def test_a_patch_of_an_old_field_that_v1_14_still_takes_is_merged() -> None:
    base = split(patches=(Patch("a", "machine: {sysctls: {vm.nr_hugepages: 16}}"),))["machine"]

    assert base["machine"]["sysctls"] == {"vm.nr_hugepages": "16"}


def test_a_patch_of_a_document_of_v1_14_is_merged() -> None:
    patch = "{apiVersion: v1alpha1, kind: UnattendedInstallConfig, installer: {image: a}}"
    document = split(patches=(Patch("a", patch),))["UnattendedInstallConfig"]

    assert document["installer"]["image"] == "a"
    assert document["provisioning"]["diskSelector"]["match"] == 'disk.dev_path == "/dev/nvme0n1"'


def test_kernel_arguments_are_refused_with_v1_14() -> None:
    cluster = CLUSTER._replace(contract="v1.14", extra_kernel_args=("a=b",))

    with pytest.raises(InputError, match="Add them to the image, or choose an earlier contract"):
        node_config(NODE, Plan(cluster, NETWORK), test_bundle())
