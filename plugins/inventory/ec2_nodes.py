# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory of a cluster's instances on EC2."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ec2_nodes
short_description: Read the hosts of an inventory from a cluster's EC2 instances
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
description:
  - Adds a host for every running instance, including the bastion, whose tags are C(ManagedBy=urmanac.talos) and
    C(Cluster) with the value of O(cluster).
  - The name of a host is its C(Node) tag, otherwise its instance id. If several instances have the same name, their
    names are their instance ids, and the plugin prints a warning.
  - The inventory file's name must end in C(ec2_nodes.yml) or C(ec2_nodes.yaml).
  - Without a matching instance the inventory is empty, with a warning that names the clusters with instances there.
  - An unknown option is an error, even if P(amazon.aws.aws_ec2#inventory) has it. Otherwise it would be ignored
    silently.
  - The options that select what to read may be templates, such as O(cluster), O(project), O(regions), O(filters),
    O(profile) and O(endpoint_url).
extends_documentation_fragment:
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
requirements:
  - boto3 (not needed if the response is in the cache)
options:
  plugin:
    description: Selects this plugin for the file.
    type: str
    required: true
    choices: [urmanac.talos.ec2_nodes]
  cluster:
    description: Only instances whose tag C(Cluster) has this value become hosts.
    type: str
    required: true
  project:
    description: If set, the tag C(Project) must have this value too.
    type: str
  regions:
    description: The regions to read, in parallel. If empty, only O(region) or the profile's region is read.
    type: list
    elements: str
    default: []
  states:
    description: The states of instances that become hosts.
    type: list
    elements: str
    choices: [pending, running, shutting-down, stopping, stopped, terminated]
    default: [running]
  filters:
    description:
      - Additional filters of DescribeInstances, each with a value or a list of values, any of which may match.
      - A filter replaces the plugin's own one with the same name, such as C(tag:ManagedBy).
    type: dict
    default: {}
  connect_with:
    description:
      - The address that becomes C(ansible_host). A host that lacks it stays in the inventory without C(ansible_host).
      - V(private_ipv4) reaches the nodes from inside the VPC.
      - V(public_ipv4) reaches the bastion, the only instance that may have a public address.
      - V(ipv6) is the primary interface's IPv6 address, which works from networks with home access.
      - V(tailscale) is for controllers in the tailnet. It is the instance's C(Tailscale) tag, if there is one.
        Otherwise it is the node's name in Tailscale for the role C(gateway), and for all other nodes the private IPv4
        address, which the gateway advertises.
    type: str
    choices: [private_ipv4, public_ipv4, ipv6, tailscale]
    default: private_ipv4
  known_hosts:
    description:
      - The C(known_hosts) file of the cluster's directory, with the bastion's host key. The bastion then gets
        C(ansible_ssh_common_args) and C(ansible_host_key_checking), with which SSH checks the key against that file.
      - Without it the file of that name in the cluster's default directory is taken if it exists, otherwise SSH checks
        the key against your own files. The host key is checked in every case.
    type: path
  identity_file:
    description:
      - The key to log in to the bastion with, a private key, or a public one whose private key an agent has.
      - SSH tries this key, that of C(--private-key) and those in your own SSH configuration, but not the other keys of
        an agent.
      - Without it SSH chooses among its default files and the keys of an agent.
    type: path
  bastion_connection:
    description:
      - How SSH reaches the bastion, as in C(cluster_bastion_connection).
      - V(ssh) connects to C(ansible_host).
      - V(ssm) goes through Session Manager, with a C(ProxyCommand) for the instance in
        C(ansible_ssh_common_args). It needs the programs C(aws) and C(session-manager-plugin), and no open port.
    type: str
    choices: [ssh, ssm]
    default: ssh
  hostnames:
    description:
      - The sources of a host's name. The first source with a usable name is taken; the instance id is always usable.
      - A source is C(tag:) with a tag's key, V(instance-id), V(private-dns-name), V(private-ipv4),
        V(public-dns-name) or V(public-ipv4).
    type: list
    elements: raw
    default: ["tag:Node", instance-id]
  group_by:
    description: >-
      Creates groups named after property and value, such as C(role_gateway) and
      C(machine_type_controlplane).
    type: list
    elements: str
    choices: [architecture, availability_zone, cluster, instance_type, machine_type, project, region, role, state]
    default: [role, machine_type]
  group_by_tags:
    description: Creates groups of the tags with these keys, such as C(tag_Environment_staging) for V(Environment).
    type: list
    elements: str
    default: []
notes:
  - Host variables are C(ec2_architecture), C(ec2_availability_zone), C(ec2_cluster), C(ec2_image_id),
    C(ec2_instance_id), C(ec2_instance_type), C(ec2_ipv6), C(ec2_ipv6_addresses), C(ec2_launch_time),
    C(ec2_machine_type), C(ec2_network_interface_ids), C(ec2_node), C(ec2_private_dns_name), C(ec2_private_ipv4),
    C(ec2_project), C(ec2_public_dns_name), C(ec2_public_ipv4), C(ec2_region), C(ec2_role),
    C(ec2_security_group_ids), C(ec2_state), C(ec2_subnet_id), C(ec2_tags) and C(ec2_vpc_id).
    All hosts have all of these variables. A value that an instance lacks is null or an empty list.
  - A bastion for which O(known_hosts), O(identity_file) or V(ssm) is set also has C(ec2_bastion_connection), the value
    of O(bastion_connection). If it differs from C(cluster_bastion_connection), C(site.yml) is refused.
  - For every bastion C(ansible_host_key_checking) is on and C(ansible_ssh_args) is set, so that neither
    C(ANSIBLE_HOST_KEY_CHECKING) nor arguments of your own switch the check of its host key off. Without those options
    your C(ansible_ssh_common_args) apply behind the check.
  - With O(cache) the response of AWS is cached, so that another O(connect_with), group or composed variable takes
    effect
    at once. A cached response is used without a network call, without boto3 and without credentials.
    The argument C(--flush-cache) reads the instances again.
"""

EXAMPLES = r"""
# inventory.ec2_nodes.yml: the nodes of the cluster "talos", reached from inside the VPC.
---
plugin: urmanac.talos.ec2_nodes
cluster: talos
regions: [eu-west-1]

# home.ec2_nodes.yml: over IPv6 from a network with home access, with a cache for ten minutes.
---
plugin: urmanac.talos.ec2_nodes
cluster: talos
project: talos-arm64
regions: [eu-west-1]
connect_with: ipv6
known_hosts: ~/.local/share/urmanac.talos/talos-arm64/eu-west-1/talos/known_hosts
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/urmanac.talos
cache_timeout: 600

# session.ec2_nodes.yml: the bastion through Session Manager, from a network without IPv6.
---
plugin: urmanac.talos.ec2_nodes
cluster: talos
project: talos-arm64
regions: [eu-west-1]
known_hosts: ~/.local/share/urmanac.talos/talos-arm64/eu-west-1/talos/known_hosts
bastion_connection: ssm
identity_file: ~/.ssh/id_ed25519

# tailnet.ec2_nodes.yml: control planes only, with additional groups and variables.
---
plugin: urmanac.talos.ec2_nodes
cluster: talos
regions: [eu-west-1]
connect_with: tailscale
filters:
  tag:MachineType: controlplane
group_by: [role, availability_zone]
group_by_tags: [Environment]
compose:
  talos_endpoint: ansible_host ~ ":50000"
groups:
  burstable: ec2_instance_type.startswith("t4g.")
keyed_groups:
  - key: ec2_architecture
    prefix: arch
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ..module_utils._errors import CollectionError, InputError
from ..plugin_utils._ec2_nodes import (
    Host,
    Query,
    Way,
    cache_suffix,
    check_paths,
    checked_names,
    empty_warning,
    filters_of,
    groups_of,
    hosts_of,
    query_of_all,
    ssh_variables,
)
from ..plugin_utils._ec2_options import check_options

Answers = Mapping[str, list[dict[str, Any]]]


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Create hosts from a cluster's instances."""

    NAME = "urmanac.talos.ec2_nodes"

    def verify_file(self, path: str) -> bool:
        """Return whether the file is for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(("ec2_nodes.yml", "ec2_nodes.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add hosts for the instances that the file selects."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            check_options(config, self._definitions())
            options = {
                "connect_with": self.get_option("connect_with"),
                "hostnames": checked_names(self.get_option("hostnames")),
            }
            check_paths(self._way())
            # The response is not bound to a name, so that its memory can be freed.
            hosts, shared = hosts_of(self._answers(path, use_cache=cache), **options)
        except CollectionError as error:
            # ansible-core appends the messages of causes, which ours already contains.
            raise AnsibleParserError(str(error)) from None
        for name in shared:
            self.display.warning(
                f"Several instances have the name {name}: the inventory has them by their instance ids."
            )
        self._populate(hosts)

    def _definitions(self) -> dict[str, Mapping[str, Any]]:
        """Return the definitions of the options by each name that an option of this plugin has."""
        named = (
            (alias, option) for option in self.option_definitions.values() for alias in option.get("aliases") or ()
        )
        return {**self.option_definitions, **dict(named)}

    def _query(self) -> Query:
        """Return what to read, without botocore: the cache must work if that is not installed."""
        cluster = self._templated("cluster")
        if not str(cluster).strip():
            raise InputError("Failed to read the option cluster: it is empty. Set it to the name of the cluster.")
        filters = filters_of(
            cluster,
            project=self._templated("project"),
            states=self.get_option("states"),
            extra=self._templated("filters"),
        )
        endpoint = self._templated("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL_EC2")
        return Query(
            regions=tuple(self._templated("regions") or [self._templated("region") or ""]),
            filters=filters,
            profile=self._templated("profile") or "",
            endpoint=endpoint or os.environ.get("AWS_ENDPOINT_URL", ""),
        )

    def _templated(self, option: str) -> Any:
        return self.templar.template(self.get_option(option))

    def _answers(self, path: str, *, use_cache: bool) -> Answers:
        """Return the raw responses by region, from the cache if they are in it and may be used."""
        query = self._query()
        if not self.get_option("cache"):
            return self._read(query)
        key = f"{self.get_cache_key(path)}_{cache_suffix(query)}"
        if use_cache and key in self._cache:
            return self._cache[key]
        answers = self._read(query)
        self._cache[key] = answers
        return answers

    def _read(self, query: Query) -> Answers:
        # Imported here, because importing botocore takes longer than creating the hosts of a cached response.
        from ..plugin_utils import _ec2_source as source

        if not source.HAS_BOTOCORE:
            raise AnsibleParserError(missing_required_lib("boto3"))
        access = source.Access(**{name: self._templated(name) for name in source.Access._fields})
        answers = source.read_instances(query, access)
        if not any(answers.values()):
            cluster, where = self._templated("cluster"), " and ".join(answers)
            cause = why_empty(lambda: source.read_instances(query_of_all(query), access), str(cluster))
            self.display.warning(f"The inventory has no instance of the cluster {cluster} in {where}. {cause}".strip())
        return answers

    def _populate(self, hosts: list[Host]) -> None:
        """Add the hosts with variables and groups."""
        options = {name: self.get_option(name) for name in ("group_by", "group_by_tags")}
        constructed = any(self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        # Removed from the list, because the inventory keeps its own copy.
        hosts.reverse()
        while hosts:
            host = hosts.pop()
            self._add(host)
            for group in groups_of(host, **options):
                self.inventory.add_child(self.inventory.add_group(group), host.name)
            if constructed:
                self._construct(host)

    def _add(self, host: Host) -> None:
        self.inventory.add_host(host.name)
        variables = shielded(host.variables)
        for key, value in variables.items():
            self.inventory.set_variable(host.name, key, value)
        for key, value in ssh_variables(host, self._way()).items():
            self.inventory.set_variable(host.name, key, value)
        if host.address:
            self.inventory.set_variable(host.name, "ansible_host", host.address)
        else:
            self.display.v(
                f"{host.name} has no address of the kind {self.get_option('connect_with')}: it has no ansible_host."
            )

    def _way(self) -> Way:
        return Way(
            self.get_option("known_hosts") or "",
            self.get_option("identity_file") or "",
            session_manager=self.get_option("bastion_connection") == "ssm",
            profile=self._templated("profile") or "",
        )

    def _construct(self, host: Host) -> None:
        """Apply the options that need Jinja."""
        strict = self.get_option("strict")
        variables = {**host.variables, **({"ansible_host": host.address} if host.address else {})}
        self._set_composite_vars(self.get_option("compose"), variables, host.name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host.name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host.name, strict=strict)


def why_empty(read: Callable[[], Answers], cluster: str) -> str:
    """Return why an inventory may have no hosts; an empty text if the other clusters cannot be read."""
    try:
        return empty_warning(cluster, read())
    except CollectionError:
        return ""


def shielded(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the variables so that ansible-core before 2.19 does not treat tags as templates either."""
    suspicious = any("{" in value for value in variables["ec2_tags"].values())
    return wrap_var(variables) if suspicious else variables
