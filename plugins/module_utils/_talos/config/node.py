# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node's configuration: cluster, preset, network, patches. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from ..._errors import InputError
from ..._findings import sentences
from ..._networks import EC2_SERVICES
from ..files import yaml_text
from . import cozystack, merge, validation
from .bundle import Bundle
from .contract import release
from .documents import (
    ClusterConfig,
    Document,
    document_of,
    generate,
    has_documents,
    is_split,
)

# Talos advises against alias names like those of real links, such as eth0.
LINK_ALIAS = "uplink"
# A higher metric than that of the advertised route, to which Talos gives 1024.
_IPV6_FALLBACK_METRIC = 2048


class Network(NamedTuple):
    """The network of all nodes; without subnet, nodes use DHCP."""

    subnet_ipv4: str = ""
    gateway_ipv4: str = ""
    ipv6_gateway: str = ""
    nameservers: tuple[str, ...] = ()
    time_servers: tuple[str, ...] = ()


class NodeConfig(NamedTuple):
    """One node."""

    name: str
    machine_type: str
    ipv4: str = ""
    ipv6: str = ""
    mac: str = ""
    link: str = ""
    hostname: str = ""
    # Overrides that of the cluster.
    install_image: str = ""
    cert_sans: tuple[str, ...] = ()
    extensions: tuple[Document, ...] = ()
    patches: tuple[merge.Patch, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the addresses and the name by which clients reach the node."""
        names = (self.ipv4, self.ipv6.split("/")[0], self.hostname or self.name)
        return tuple(name for name in names if name)


class Plan(NamedTuple):
    """The input for a node's configuration."""

    cluster: ClusterConfig
    network: Network = Network()
    preset: cozystack.Preset | None = None
    patches: tuple[merge.Patch, ...] = ()


def node_config(node: NodeConfig, plan: Plan, bundle: Bundle) -> str:
    """Return the configuration of a node as text."""
    return yaml_text.dump_all(node_documents(node, plan, bundle))


def node_documents(node: NodeConfig, plan: Plan, bundle: Bundle) -> list[Document]:
    """Return the documents of a node, patched in the order preset, node, user."""
    cluster = _cluster(node, plan)
    documents = generate(node.machine_type, cluster, bundle)
    patches = [*_own_patches(node, plan), *plan.patches, *node.patches]
    if node.hostname and has_documents(cluster.contract):
        # A merge would keep auto: stable next to the name, and Talos rejects the combination.
        documents = [document for document in documents if document.get("kind") != "HostnameConfig"]
    version = cluster.talos_version or cluster.contract
    documents = merge.apply_patches(documents, patches, _release(version))
    problems = validation.changed_type(documents, node.machine_type)
    problems += validation.problems(validation.with_type(documents, node.machine_type), _release(version))
    if problems:
        causes = "\n".join(f"- {sentences(problem, 'subject')}" for problem in problems)
        raise InputError(
            f"Failed to configure the node {node.name}: Talos {version} rejects it.\n{causes}", problems=problems
        )
    return documents


def _cluster(node: NodeConfig, plan: Plan) -> ClusterConfig:
    """Return the cluster settings for the node's documents."""
    image = node.install_image or plan.cluster.install_image
    cluster = plan.cluster._replace(cert_sans=cert_sans(node, plan.cluster), install_image=image)
    if not is_split(cluster.contract):
        return cluster
    if cluster.extra_kernel_args:
        raise InputError(
            f"Failed to configure the node {node.name}: a configuration for {cluster.contract} has no field for kernel "
            "arguments. Add them to the image, or choose an earlier contract."
        )
    return cluster if plan.preset is None else cozystack.preset_cluster(node.machine_type, cluster)


def _release(version: str) -> tuple[int, int]:
    found = release(version)
    if found is None:
        raise InputError(
            f"Failed to read the Talos version {version}: it is not a version. Set it to a value such as v1.13.6."
        )
    return found


def cert_sans(node: NodeConfig, cluster: ClusterConfig) -> tuple[str, ...]:
    """Return the distinct names and addresses of a node, in a stable order."""
    names = (*cluster.cert_sans, *node.cert_sans, *node.names)
    return tuple(dict.fromkeys(name for name in names if name))


def _own_patches(node: NodeConfig, plan: Plan) -> Iterator[merge.Patch]:
    if plan.preset is not None:
        preset = cozystack.preset_documents if is_split(plan.cluster.contract) else cozystack.preset_patch
        yield merge.Patch("of the CozyStack preset", preset(node.machine_type, plan.preset))
    network = _network(node, plan)
    if network:
        yield merge.Patch("of the node's network", network)
    if node.extensions:
        extensions = [{"apiVersion": "v1alpha1", "kind": "ExtensionServiceConfig", **item} for item in node.extensions]
        yield merge.Patch("of the node's extensions", extensions)


def _network(node: NodeConfig, plan: Plan) -> list[Document]:
    if not has_documents(plan.cluster.contract):
        return _legacy_network(node, plan.network)
    documents = list(_link_documents(node, plan.network))
    if node.hostname:
        documents.append(document_of("HostnameConfig", hostname=node.hostname))
    if plan.network.nameservers:
        nameservers = [{"address": address} for address in plan.network.nameservers]
        documents.append(document_of("ResolverConfig", nameservers=nameservers))
    if plan.network.time_servers:
        documents.append(document_of("TimeSyncConfig", ntp={"servers": list(plan.network.time_servers)}))
    sysctls = _sysctls(node, plan.network)
    if sysctls and is_split(plan.cluster.contract):
        return [*documents, document_of("SysctlConfig", params=sysctls)]
    return [*documents, {"machine": {"sysctls": sysctls}}] if sysctls else documents


def _link_documents(node: NodeConfig, network: Network) -> Iterator[Document]:
    addresses = _addresses(node, network)
    if not addresses:
        return
    if not node.link:
        # The link name of a Nitro instance depends on type and image; its MAC address is that of the ENI, which is
        # known before the instance exists. A link alias selects the link by its permanent address, because bridges and
        # bonds copy the current one.
        selector = {"match": f'mac(link.permanent_addr) == "{_mac(node)}"'}
        yield document_of("LinkAliasConfig", name=LINK_ALIAS, selector=selector)
    link = {"up": True, "addresses": [{"address": address} for address in addresses], "routes": _routes(node, network)}
    yield document_of("LinkConfig", name=node.link or LINK_ALIAS, **link)


def _legacy_network(node: NodeConfig, network: Network) -> list[Document]:
    section: Document = {}
    if node.hostname:
        section["hostname"] = node.hostname
    addresses = _addresses(node, network)
    if addresses:
        selected = {"interface": node.link} if node.link else _legacy_selector(node)
        routes = [_legacy_route(route) for route in _routes(node, network)]
        section["interfaces"] = [{**selected, "addresses": addresses, "routes": routes, "dhcp": False}]
    if network.nameservers:
        section["nameservers"] = list(network.nameservers)
    machine: Document = {"network": section} if section else {}
    if network.time_servers:
        machine["time"] = {"servers": list(network.time_servers)}
    if _sysctls(node, network):
        machine["sysctls"] = _sysctls(node, network)
    return [{"machine": machine}] if machine else []


def _legacy_selector(node: NodeConfig) -> Document:
    # physical: bridges and bonds of a CNI may have the same address.
    return {"deviceSelector": {"hardwareAddr": _mac(node), "physical": True}}


def _legacy_route(route: Document) -> Document:
    is_ipv6 = ":" in route["gateway"]
    destination = route.get("destination", "::/0" if is_ipv6 else "0.0.0.0/0")
    return {"network": destination, **{key: value for key, value in route.items() if key != "destination"}}


def _addresses(node: NodeConfig, network: Network) -> list[str]:
    """Return the node's fixed addresses with their prefix lengths; empty for DHCP."""
    if not (network.subnet_ipv4 and node.ipv4):
        return []
    subnet = _subnet(network)
    if ipaddress.ip_address(node.ipv4) not in subnet:
        raise InputError(
            f"Failed to configure the node {node.name}: {node.ipv4} is not in the subnet {subnet}. "
            "Set ipv4 to an address of the subnet."
        )
    return [f"{node.ipv4}/{subnet.prefixlen}", *([str(_ipv6(node))] if node.ipv6 else [])]


def _routes(node: NodeConfig, network: Network) -> list[Document]:
    router = str(_subnet(network)[1])
    gateway = network.gateway_ipv4 or router
    routes: list[Document] = [{"gateway": gateway}]
    if gateway != router:
        # With the bastion as default gateway, EC2's own services still need a route through the subnet's router.
        routes.append({"destination": EC2_SERVICES, "gateway": router})
    if node.ipv6:
        # Talos sets accept_ra=2 with forwarding, but only as the default for links that come up later, and the kernel
        # drops advertised routes from a link that came up before (siderolabs/talos#5632). This route stays. Its
        # gateway is the address that AWS reserves for the router in every subnet; its metric leaves the advertised
        # route in front while there is one.
        routes.append({"gateway": _ipv6_gateway(node, network), "metric": _IPV6_FALLBACK_METRIC})
    return routes


def _sysctls(node: NodeConfig, network: Network) -> dict[str, str]:
    """Return the sysctl that accepts router advertisements on a link; an alias has no sysctl."""
    if not (node.link and node.ipv6 and _addresses(node, network)):
        return {}
    # A link such as eth0.5 has a dot in its name; with slashes, Talos reads the key as a path.
    separator = "/" if "." in node.link else "."
    return {separator.join(("net", "ipv6", "conf", node.link, "accept_ra")): "2"}


def _subnet(network: Network) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(network.subnet_ipv4)


def _ipv6(node: NodeConfig) -> ipaddress.IPv6Interface:
    # Every subnet of a VPC is a /64.
    return ipaddress.IPv6Interface(node.ipv6 if "/" in node.ipv6 else f"{node.ipv6}/64")


def _ipv6_gateway(node: NodeConfig, network: Network) -> str:
    return network.ipv6_gateway or str(_ipv6(node).network[1])


def _mac(node: NodeConfig) -> str:
    mac = node.mac.lower().replace("-", ":")
    if not re.fullmatch(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", mac):
        raise InputError(
            f"Failed to configure the node {node.name}: a fixed address needs to know its link, and {node.mac!r} is "
            "not a MAC address. Give mac (that of the node's ENI) or link."
        )
    return mac
