# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster's description allows. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..desired import Desired, desired
from ..hours.schedules import NODES_TAG, nodes_tag
from ..hours.spec import HoursSpec
from ..identity import claim_name
from ..openings import Opening
from ..ownership.run_lock import lock_name
from ..spec import ClusterSpec
from .facts import Account
from .parameter_facts import secret_parameters


class Allowed(NamedTuple):
    """What the variables allow: resources by their tag Name, rules and routes as lines of the report."""

    rules: Mapping[str, frozenset[str]]
    routes: frozenset[str]
    subnets: frozenset[str]
    tables: frozenset[str]
    nodes: Mapping[str, str]
    machines: frozenset[str]
    profiles: frozenset[str]
    policies: Mapping[str, tuple[Any, ...]]
    # The principals that may assume a role, by its name.
    trust: Mapping[str, Any]
    vpc_ipv4: str = ""
    interfaces: Mapping[str, str] = {}
    profile_of: Mapping[str, str] = {}
    templates: frozenset[str] = frozenset()
    public_ipv4: frozenset[str] = frozenset()
    openings: tuple[Opening, ...] = ()
    # The role with which AWS closes home access.
    closing_role: str = ""
    # The described roles of schedules, which have to be able to do what they are for.
    schedule_roles: frozenset[str] = frozenset()
    dhcp: Mapping[str, Any] = {}
    # The described launch template and group of the bastion; None without a bastion.
    template: Mapping[str, Any] = {}
    # The described scheduled actions of each described group.
    schedules: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}
    # The described schedules that stop and start the cluster, and their hours.
    hours: Mapping[str, Mapping[str, Any]] = {}
    times: HoursSpec = HoursSpec()
    # The role of these schedules, and the value of the tag by which they find a node.
    hours_role: str = ""
    nodes_of: str = ""
    user_data_sha256: str = ""
    # The described instance type of each node, by the name of the instance.
    types: Mapping[str, str] = {}
    # What nodes are launched with: a key pair, and the SSM parameter that names the image. None is not compared.
    node_key_name: str | None = None
    node_ami_parameter: str = ""
    # SSM parameters that must be encrypted, and those of the cluster that need not be.
    secret_parameters: frozenset[str] = frozenset()
    plain_parameters: frozenset[str] = frozenset()


def allowed_by(spec: ClusterSpec, extra: Mapping[str, Any] | None = None, account: str | None = None) -> Allowed:
    """Return what the description allows, plus what extra lists: rules, routes, and the other suboptions of the module.

    The roles of schedules are allowed until a run removes them, even if they are not described any more.
    """
    extra = extra or {}
    hours = spec.hours if spec.hours.is_needed else HoursSpec(ttl=1)
    wanted = desired(replace(spec, home_schedule_enabled=True, hours=hours), account=account)
    return Allowed(
        **_network(spec, wanted, extra),
        **_machines(spec, wanted),
        **_permissions(spec, wanted, extra.get("statements") or {}),
        **_schedules(spec, wanted),
        public_ipv4=frozenset(
            {*(item.want["network_interface"] for item in _of(wanted, "address")), *(extra.get("public_ipv4") or ())}
        ),
        user_data_sha256=str(extra.get("user_data_sha256") or ""),
        node_key_name=extra.get("node_ssh_key_name"),
        node_ami_parameter=str(extra.get("node_ami_parameter") or ""),
        secret_parameters=frozenset(secret_parameters(spec)),
        plain_parameters=frozenset({claim_name(spec.project, spec.name), lock_name(spec.project, spec.name)}),
    )


def _of(wanted: Mapping[str, Desired], kind: str) -> list[Desired]:
    return [item for item in wanted.values() if item.kind == kind]


def _network(spec: ClusterSpec, wanted: Mapping[str, Desired], extra: Mapping[str, Any]) -> dict[str, Any]:
    rules = {group.name: map(str, group.want["rules"]) for group in _of(wanted, "security_group")}
    more = extra.get("rules") or {}
    table = wanted["route_table"]
    return {
        "rules": {name: frozenset((*own, *more.get(name, ()))) for name, own in rules.items()},
        "routes": frozenset((*map(str, table.want["routes"]), *(extra.get("routes") or ()))),
        "subnets": frozenset({wanted["subnet"].name}),
        "tables": frozenset({table.name}),
        "dhcp": wanted["dhcp_options"].want,
        "vpc_ipv4": spec.vpc_ipv4_cidr,
        "openings": spec.access_openings,
    }


def _machines(spec: ClusterSpec, wanted: Mapping[str, Desired]) -> dict[str, Any]:
    bastion = spec.names.bastion
    instances, template = _of(wanted, "instance"), next(iter(_of(wanted, "launch_template")), None)
    profiles = {item.name: item.want["instance_profile"] for item in (*instances, *([template] if template else []))}
    return {
        "nodes": {spec.machine_name(node): node.name for node in spec.nodes},
        "machines": frozenset({bastion}),
        "types": {item.name: item.want["type"] for item in instances},
        "interfaces": {item.name: item.want["ipv4"] for item in _of(wanted, "eni")} | {bastion: spec.bastion_ipv4},
        "profile_of": profiles | ({bastion: template.want["instance_profile"]} if template else {}),
        "template": template.want if template else {},
        "templates": frozenset({template.name} if template else ()),
    }


def _permissions(spec: ClusterSpec, wanted: Mapping[str, Desired], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what roles may do and who may assume them; more has the statements of further roles like the nodes'."""
    roles = {item.name: item.want for item in _of(wanted, "iam_role")}
    trusted = {name: role["trust_policy"] for name, role in roles.items()}
    return {
        "profiles": frozenset({*(item.name for item in _of(wanted, "instance_profile")), *more}),
        "policies": {name: tuple(role["policy"]["Statement"]) for name, role in roles.items()}
        | {name: tuple(statements) for name, statements in more.items()},
        "trust": dict.fromkeys(more, trusted[spec.iam_name]) | trusted,
        "closing_role": spec.schedule_role_name,
    }


def _schedules(spec: ClusterSpec, wanted: Mapping[str, Desired]) -> dict[str, Any]:
    roles = {spec.hours_name: spec.hours.is_needed, spec.schedule_role_name: spec.home_schedule_enabled}
    return {
        "schedule_roles": frozenset(name for name, is_described in roles.items() if is_described),
        "schedules": {item.name: item.want["schedules"] for item in _of(wanted, "autoscaling_group")},
        "hours": wanted["schedule_group/hours"].want["schedules"] if spec.hours.is_needed else {},
        "times": spec.hours,
        "hours_role": spec.hours_name,
        "nodes_of": nodes_tag(spec.project, spec.name)[NODES_TAG],
    }


def foreign_instances(account: Account, allowed: Allowed) -> dict[str, str]:
    """Return why each undescribed instance is not a described one, by id."""
    instances = sorted(machine.known for machine in account.machines if machine.kind == "instance")
    groups = {machine.known.id: machine.scaling_group for machine in account.machines}
    found: dict[str, str] = {}
    seen: set[str] = set()
    for known in instances:
        if not (known.owned and known.name in {*allowed.nodes, *allowed.machines}):
            found[known.id] = "it runs in the cluster's VPC but is not described"
        elif known.name in allowed.machines and allowed.schedules and groups[known.id] not in allowed.schedules:
            found[known.id] = "it has the name of the bastion, but the bastion's Auto Scaling group did not launch it"
        elif known.name in seen:
            found[known.id] = f"another instance already has the name {known.name}"
        seen.add(known.name if known.owned else "")
    return found
