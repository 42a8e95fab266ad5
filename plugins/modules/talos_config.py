#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the machine configurations of a cluster's nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_config
version_added: 0.1.0
short_description: Write the machine configurations of a cluster's nodes
description:
  - Generates one file per node from the cluster's secrets bundle, common settings, settings of the node, and
    strategic-merge patches, with the same result as C(talosctl gen config) and C(talosctl machineconfig patch).
  - The same input gives the same bytes, so a file changes only when its content changes.
  - Secrets are not returned, shown in a diff or logged.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes
attributes:
  diff_mode:
    details:
      - Values whose name or form marks them as secrets are replaced.
options:
  bundle:
    description: File of the secrets bundle, created by M(urmanac.talos.talos_secrets) or C(talosctl gen secrets).
    type: path
    required: true
  bundle_content:
    description:
      - The decrypted bundle, for a file with an encryption that the module does not support.
      - A file that is encrypted with Ansible Vault is decrypted with the vault passwords of the run, one that is
        encrypted with SOPS by the program C(sops), if that is installed. The file stays encrypted.
    type: str
  directory:
    description: Directory of the files C(<node>.yaml), with mode C(0600).
    type: path
    required: true
  validate_only:
    description:
      - Whether to write nothing, and to return in RV(problems) what Talos would reject, instead of failing.
      - If the file O(bundle) does not exist, the configurations are made with secrets that are not kept.
    type: bool
    default: false
    version_added: 0.1.0
  cluster:
    description: Settings that all nodes share.
    type: dict
    required: true
    suboptions:
      name:
        description: Name of the cluster.
        type: str
        required: true
      endpoint:
        description: URL of the Kubernetes API for nodes and clients, such as V(https://192.0.2.101:6443).
        type: str
        required: true
      kubernetes_version:
        description: Version of Kubernetes, such as V(1.35.0).
        type: str
        required: true
      contract:
        description:
          - Version of Talos that the configurations are generated for.
          - With V(v1.14), most of C(machine) and C(cluster) are separate documents, such as C(KubeletConfig), and
            patches use these instead of the old fields.
        type: str
        choices: [v1.10, v1.11, v1.12, v1.13, v1.14]
        default: v1.13
      talos_version:
        description:
          - Version of Talos that the nodes run, such as V(v1.14). Its rules merge the patches and check the result, so
            patches may contain documents that are newer than O(cluster.contract).
          - By default, the version of O(cluster.contract).
        type: str
        default: ""
      dns_domain:
        description: Domain of services. V(cozy.local) with O(preset=cozystack), otherwise V(cluster.local).
        type: str
      pod_subnets:
        description: Networks of pods.
        type: list
        elements: str
        default: [10.244.0.0/16]
      service_subnets:
        description: Networks of services. V(10.96.0.0/16) with O(preset=cozystack), otherwise V(10.96.0.0/12).
        type: list
        elements: str
      cert_sans:
        description: More names and addresses for the certificates, in addition to those of all O(nodes).
        type: list
        elements: str
        default: []
      install_disk:
        description:
          - Disk that Talos is installed on, such as V(/dev/nvme0n1).
          - A node rejects a configuration without it, unless a patch selects the disk.
        type: str
        default: ""
      install_image:
        description: Image of the installer.
        type: str
        default: ""
      sysctls:
        description: Kernel settings of all nodes.
        type: dict
        default: {}
      registry_mirrors:
        description:
          - >-
            For each registry, the addresses from which images are pulled instead, such as
            V(http://192.0.2.100:5050) for C(docker.io).
          - A plain V(http) address needs no TLS settings.
        type: dict
        default: {}
      registry_caches:
        description:
          - For each registry, the port of its cache at O(network.gateway_ipv4), such as V(5050) for C(docker.io).
          - Caches are used over plain C(http). O(cluster.registry_mirrors) takes precedence for the same registry.
        type: dict
        default: {}
      schedules_on_control_planes:
        description: Whether pods may run on control planes; always with O(preset=cozystack).
        type: bool
        default: false
  network:
    description:
      - The subnet of the nodes. With it, the addresses of nodes are fixed; without it, nodes use DHCP.
      - The default name and time servers are EC2's own, which are reachable without internet access.
    type: dict
    suboptions:
      subnet_ipv4_cidr:
        description: IPv4 network of the subnet.
        type: str
        required: true
      gateway_ipv4:
        description: Next hop of the default route, such as a bastion with NAT. By default, the subnet's router.
        type: str
        default: ""
      ipv6_gateway:
        description:
          - Next hop of the IPv6 default route that is used if router advertisements are not accepted.
          - By default, the address that EC2 reserves for the subnet's router.
        type: str
        default: ""
      nameservers:
        description: Addresses of name servers.
        type: list
        elements: str
        default: [169.254.169.253]
      time_servers:
        description: Addresses of time servers.
        type: list
        elements: str
        default: [169.254.169.123]
  nodes:
    description: The nodes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the node and of its file, and its host name unless O(nodes[].hostname) is set.
        type: str
        required: true
      machine_type:
        description: Whether the node is part of the control plane.
        type: str
        choices: [controlplane, worker]
        required: true
      hostname:
        description: Host name.
        type: str
      ipv4:
        description: Fixed IPv4 address.
        type: str
        default: ""
      ipv6:
        description: Fixed IPv6 address, with the prefix length V(/64).
        type: str
        default: ""
      mac:
        description: MAC address of the network interface with the fixed addresses.
        type: str
        default: ""
      link:
        description: Name of the link with the fixed addresses; overrides O(nodes[].mac).
        type: str
        default: ""
      install_image:
        description: Image of the installer for this node; overrides O(cluster.install_image).
        type: str
        default: ""
      cert_sans:
        description: More names and addresses for the certificates of this node.
        type: list
        elements: str
        default: []
      extensions:
        description:
          - Configuration of extension services, each with the fields of an C(ExtensionServiceConfig) document.
          - Not logged or returned, because it contains keys such as that of Tailscale.
        type: list
        elements: dict
        default: []
      patches:
        description: Strategic-merge patches for this node, after all others; YAML text or dictionaries.
        type: list
        elements: raw
        default: []
  preset:
    description: Settings that a platform needs.
    type: str
    choices: [none, cozystack]
    default: none
  patches:
    description: Strategic-merge patches for all nodes; YAML text (of any number of documents) or dictionaries.
    type: list
    elements: raw
    default: []
  controlplane_patches:
    description: Patches for control planes, after O(patches).
    type: list
    elements: raw
    default: []
  worker_patches:
    description: Patches for workers, after O(patches).
    type: list
    elements: raw
    default: []
requirements:
  - cryptography
  - PyYAML
notes:
  - >-
    Patches are merged as Talos merges them. Lists are appended, but C(podSubnets), C(serviceSubnets), C(auditPolicy)
    and the ingress rules of a firewall are replaced; network interfaces, VLANs, admission plug-ins and files of
    extensions are merged by name. C($patch: delete) deletes the section that contains it.
  - >-
    The rules are those of O(cluster.talos_version). Since v1.14, a patch may contain a document several times, and
    C($patch: delete) does nothing in a document that does not exist; older versions reject both. Since v1.12, C(0)
    replaces numbers for which Talos distinguishes 0 from absent, such as C(maxPoolPercent) of C(ZswapConfig).
  - >-
    A configuration that Talos rejects is not written. Of expressions in CEL, such as C(match) of a disk selector,
    brackets, quotes and the order of operands and operators are checked: only a node reports wrong names and types.
seealso:
  - module: urmanac.talos.talos_secrets
"""

EXAMPLES = r"""
- name: Write the configurations of a control plane and a worker
  urmanac.talos.talos_config:
    bundle: ~/clusters/example/secrets.yaml
    directory: ~/clusters/example/nodes
    preset: cozystack
    cluster:
      name: example
      endpoint: https://192.0.2.101:6443
      kubernetes_version: 1.35.0
      install_disk: /dev/nvme0n1
      registry_mirrors:
        docker.io:
          - http://192.0.2.100:5050
    network:
      subnet_ipv4_cidr: 192.0.2.0/24
      gateway_ipv4: 192.0.2.100
    nodes:
      - name: gateway
        machine_type: controlplane
        ipv4: 192.0.2.101
        ipv6: 2001:db8::101
        mac: 02:00:00:00:00:01
      - name: compute
        machine_type: worker
        ipv4: 192.0.2.102
        mac: 02:00:00:00:00:02
        patches:
          - machine:
              nodeLabels:
                example.com/zone: a
"""

RETURN = r"""
problems:
  description:
    - After a failure or with O(validate_only), what is wrong with the configurations, for programs.
    - A problem of several nodes is returned once.
    - L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md) explains each code.
  type: list
  elements: dict
  returned: failure, or success with O(validate_only)
  sample: []
nodes:
  description: The files, in the order of O(nodes).
  type: list
  elements: dict
  returned: success without O(validate_only)
  contains:
    name:
      description: Name of the node.
      type: str
      sample: gateway
    machine_type:
      description: Machine type of the node.
      type: str
      sample: controlplane
    path:
      description: File of its configuration.
      type: str
      sample: /home/me/clusters/example/nodes/gateway.yaml
    changed:
      description: Whether the file changed.
      type: bool
      sample: true
  sample:
    - name: gateway
      machine_type: controlplane
      path: /home/me/clusters/example/nodes/gateway.yaml
      changed: true
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._findings import Finding
from ..module_utils._libraries import require
from ..module_utils._machine_types import MACHINE_TYPES
from ..module_utils._networks import NAME_SERVER, PODS, SERVICES, SERVICES_OF_COZYSTACK, TIME_SERVER
from ..module_utils._talos.config import options
from ..module_utils._talos.config.contract import CONTRACTS, DEFAULT
from ..module_utils._talos.config.redact import redact
from ..module_utils._talos.files import secret_files as files

MISSING: ImportError | None = None
try:
    from ..module_utils._talos.config import cozystack, merge
    from ..module_utils._talos.config import node as node_config
    from ..module_utils._talos.config.bundle import Bundle, read_bundle, secret_values
    from ..module_utils._talos.config.cluster import ClusterConfig
    from ..module_utils._talos.config.secrets import new_bundle
except ImportError as error:
    MISSING = error

_TEXT: dict[str, Any] = {"type": "str", "default": ""}
_TEXTS: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
_PATCHES: dict[str, Any] = {"type": "list", "elements": "raw", "default": [], "no_log": True}
CLUSTER_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "endpoint": {"type": "str", "required": True},
    "kubernetes_version": {"type": "str", "required": True},
    "contract": {"type": "str", "choices": [*CONTRACTS], "default": DEFAULT},
    "talos_version": _TEXT,
    "dns_domain": {"type": "str"},
    "pod_subnets": {"type": "list", "elements": "str", "default": [PODS]},
    "service_subnets": {"type": "list", "elements": "str"},
    "cert_sans": _TEXTS,
    "install_disk": _TEXT,
    "install_image": _TEXT,
    "sysctls": {"type": "dict", "default": {}},
    "registry_mirrors": {"type": "dict", "default": {}},
    "registry_caches": {"type": "dict", "default": {}},
    "schedules_on_control_planes": {"type": "bool", "default": False},
}
NETWORK_SPEC: dict[str, Any] = {
    "subnet_ipv4_cidr": {"type": "str", "required": True},
    "gateway_ipv4": _TEXT,
    "ipv6_gateway": _TEXT,
    "nameservers": {"type": "list", "elements": "str", "default": [NAME_SERVER]},
    "time_servers": {"type": "list", "elements": "str", "default": [TIME_SERVER]},
}
NODE_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "machine_type": {"type": "str", "choices": [*MACHINE_TYPES], "required": True},
    "hostname": {"type": "str"},
    "ipv4": _TEXT,
    "ipv6": _TEXT,
    "mac": _TEXT,
    "link": _TEXT,
    "install_image": _TEXT,
    "cert_sans": _TEXTS,
    "extensions": {"type": "list", "elements": "dict", "default": [], "no_log": True},
    "patches": _PATCHES,
}
ARGUMENT_SPEC: dict[str, Any] = {
    "bundle": {"type": "path", "required": True},
    "bundle_content": {"type": "str", "no_log": True},
    "directory": {"type": "path", "required": True},
    "validate_only": {"type": "bool", "default": False},
    "cluster": {"type": "dict", "required": True, "options": CLUSTER_SPEC},
    "network": {"type": "dict", "options": NETWORK_SPEC},
    "nodes": {"type": "list", "elements": "dict", "required": True, "options": NODE_SPEC},
    "preset": {"type": "str", "choices": ["none", "cozystack"], "default": "none"},
    "patches": _PATCHES,
    "controlplane_patches": _PATCHES,
    "worker_patches": _PATCHES,
}


class File(NamedTuple):
    """A node's file: current and wanted content."""

    node: dict[str, Any]
    path: Path
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Return whether content or permissions have to change."""
        return self.before != self.after or (self.path.exists() and not files.is_private(self.path))


def bundle_of(params: dict[str, Any]) -> Bundle:
    """Return the secrets for the configurations; a validation needs none of the cluster's own."""
    path = Path(params["bundle"])
    is_needed = not params["validate_only"] or path.exists() or params["bundle_content"]
    return read_bundle(path, params["bundle_content"]) if is_needed else new_bundle()


def validate(params: dict[str, Any], bundle: Bundle) -> list[Finding]:
    """Return what Talos would reject, each problem once, with the nodes that have it if not all do."""
    options.check(params)
    check_names(params["nodes"])
    found: dict[Finding, list[str]] = {}
    for node in params["nodes"]:
        try:
            node_config.node_documents(node_of(node), plan_of(params, node), bundle)
        except InputError as error:
            for problem in dict.fromkeys(error.problems):
                found.setdefault(problem, []).append(node["name"])
    return [
        problem if len(names) == len(params["nodes"]) else problem.about(f"{', '.join(names)}: {problem.subject}")
        for problem, names in found.items()
    ]


def plan_files(params: dict[str, Any], bundle: Bundle) -> list[File]:
    """Return every node's file with current and wanted content."""
    options.check(params)
    check_names(params["nodes"])
    return [plan_file(params, node, bundle) for node in params["nodes"]]


def plan_file(params: dict[str, Any], node: dict[str, Any], bundle: Bundle) -> File:
    """Return one node's file with current and wanted content."""
    path = Path(params["directory"]) / f"{node['name']}.yaml"
    before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return File(node, path, before, node_config.node_config(node_of(node), plan_of(params, node), bundle))


def plan_of(params: dict[str, Any], node: dict[str, Any]) -> node_config.Plan:
    """Return the settings that a node shares with others of its type."""
    kind = f"{node['machine_type']}_patches"
    patches = (*patches_of("patches", params["patches"]), *patches_of(kind, params[kind]))
    network = params["network"]
    preset = None
    if params["preset"] == "cozystack":
        subnets = (network["subnet_ipv4_cidr"],) if network else ()
        preset = cozystack.Preset(subnets, tuple(params["cluster"]["pod_subnets"]))
    return node_config.Plan(cluster_of(params), network_of(network), preset, patches)


def cluster_of(params: dict[str, Any]) -> ClusterConfig:
    """Return the cluster with the names and addresses of all its nodes."""
    given, for_cozystack = params["cluster"], params["preset"] == "cozystack"
    domain, services = ("cozy.local", SERVICES_OF_COZYSTACK) if for_cozystack else ("cluster.local", SERVICES)
    return ClusterConfig(
        name=given["name"],
        endpoint=given["endpoint"],
        kubernetes_version=given["kubernetes_version"],
        contract=given["contract"],
        talos_version=given["talos_version"],
        dns_domain=given["dns_domain"] or domain,
        pod_subnets=tuple(given["pod_subnets"]),
        service_subnets=tuple(given["service_subnets"] or [services]),
        cert_sans=(*given["cert_sans"], *(name for node in params["nodes"] for name in node_of(node).names)),
        install_disk=given["install_disk"],
        install_image=given["install_image"],
        sysctls={key: str(value) for key, value in given["sysctls"].items()},
        registry_mirrors=mirrors_of(given["registry_mirrors"], caches_of(given["registry_caches"], params["network"])),
        schedules_on_control_planes=given["schedules_on_control_planes"],
    )


def mirrors_of(given: dict[str, Any], caches: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the mirrors of each registry; a single address needs no list."""
    return {host: (urls,) if isinstance(urls, str) else tuple(urls) for host, urls in {**caches, **given}.items()}


def caches_of(ports: dict[str, Any], network: dict[str, Any] | None) -> dict[str, str]:
    """Return the addresses of caches, with plain http, because they are used inside the subnet only."""
    gateway = (network or {}).get("gateway_ipv4")
    if ports and not gateway:
        raise InputError(
            "Failed to configure the registry caches: cluster.registry_caches requires network.gateway_ipv4.",
            code="INPUT_MISSING",
        )
    return {registry: f"http://{gateway}:{port}" for registry, port in ports.items()}


def network_of(given: dict[str, Any] | None) -> node_config.Network:
    """Return the network, if it is set."""
    if given is None:
        return node_config.Network()
    return node_config.Network(
        subnet_ipv4=given["subnet_ipv4_cidr"],
        gateway_ipv4=given["gateway_ipv4"],
        ipv6_gateway=given["ipv6_gateway"],
        nameservers=tuple(given["nameservers"]),
        time_servers=tuple(given["time_servers"]),
    )


def node_of(given: dict[str, Any]) -> node_config.NodeConfig:
    """Return one node."""
    return node_config.NodeConfig(
        name=given["name"],
        machine_type=given["machine_type"],
        ipv4=given["ipv4"],
        ipv6=given["ipv6"],
        mac=given["mac"],
        link=given["link"],
        hostname=given["hostname"] or given["name"],
        install_image=given["install_image"],
        cert_sans=tuple(given["cert_sans"]),
        extensions=tuple(given["extensions"]),
        patches=patches_of(f"nodes[{given['name']}].patches", given["patches"]),
    )


def patches_of(option: str, given: Iterable[Any]) -> tuple[merge.Patch, ...]:
    """Return patches named after their option, so that messages can identify one."""
    return tuple(merge.Patch(f"{option}[{position}]", content) for position, content in enumerate(given))


def check_names(nodes: Iterable[dict[str, Any]]) -> None:
    """Raise for names that are not file names, and for duplicates."""
    seen: set[str] = set()
    for node in nodes:
        name = node["name"]
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", name):
            raise InputError(
                f"Failed to configure the node {name!r}: the name is not a host name. Use letters, digits and hyphens."
            )
        if name in seen:
            raise InputError(
                f"Failed to configure the node {name}: its name is not unique. Use a unique name for each node."
            )
        seen.add(name)


def ensure_configs(params: dict[str, Any], bundle: Bundle, *, check_mode: bool) -> dict[str, Any]:
    """Write every node's file and return the changes, without secrets."""
    planned = plan_files(params, bundle)
    for folder in {file.path.parent for file in planned}:
        files.sweep_private(folder / "any", check_mode=check_mode)
    changes = {file.path: file.changed for file in planned}
    for file in planned:
        if changes[file.path] and not check_mode:
            files.write_private(file.path, file.after)
    nodes = [
        {
            **{key: file.node[key] for key in ("name", "machine_type")},
            "path": str(file.path),
            "changed": changes[file.path],
        }
        for file in planned
    ]
    return {"changed": any(changes.values()), "nodes": nodes, "diff": [diff(file, bundle) for file in planned]}


def diff(file: File, bundle: Bundle) -> dict[str, str]:
    """Return the difference without secrets; a line says if only secrets changed."""
    before, after = (redact(text, known=secret_values(bundle)) for text in (file.before, file.after))
    if before == after and file.before != file.after:
        after += "# secrets differ\n"
    return {"before_header": str(file.path), "after_header": str(file.path), "before": before, "after": after}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require(module, MISSING)
    # Patches are excluded from log and result, but their values are not no_log: that would censor every "1" and "true".
    module.no_log_values.clear()
    shown = {"module_args": {key: module.params[key] for key in ("bundle", "directory", "preset")}}
    try:
        bundle = bundle_of(module.params)
        module.no_log_values.update(secret_values(bundle))
        if module.params["validate_only"]:
            problems = [problem.as_dict() for problem in validate(module.params, bundle)]
            module.exit_json(changed=False, problems=problems, invocation=shown)
        result = ensure_configs(module.params, bundle, check_mode=module.check_mode)
    except (CollectionError, OSError) as error:
        module.fail_json(**failure_of(error), invocation=shown)
    if not module._diff:
        # Without the patches: one may contain a secret that is not marked as such.
        del result["diff"]
    module.exit_json(**result, invocation=shown)


if __name__ == "__main__":
    main()
