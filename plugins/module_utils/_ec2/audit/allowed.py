# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster's description allows. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..desired import desired
from ..hours.schedules import NODES_TAG, nodes_tag
from ..hours.spec import HoursSpec
from ..openings import Opening
from ..ownership.claim import claim_name
from ..ownership.run_marker import marker_name
from ..spec import ClusterSpec
from .facts import Account
from .parameter_facts import secret_parameters

_KINDS = ("iam_role", "instance_profile", "address", "eni", "instance", "launch_template", "autoscaling_group")


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
    of = {kind: [item for item in wanted.values() if item.kind == kind] for kind in _KINDS}
    bastion = f"{spec.name}-bastion"
    roles = {item.name: item.want for item in of["iam_role"]}
    groups = [wanted[key] for key in ("security_group/nodes", "security_group/bastion")]
    more = extra.get("rules") or {}
    statements = extra.get("statements") or {}
    templates = {item.name: item.want["instance_profile"] for item in of["launch_template"]}
    scheduled = {spec.hours_name: spec.hours.is_needed, spec.schedule_role_name: spec.home_schedule_enabled}
    return Allowed(
        rules={group.name: frozenset((*map(str, group.want["rules"]), *more.get(group.name, ()))) for group in groups},
        routes=frozenset((*map(str, wanted["route_table"].want["routes"]), *(extra.get("routes") or ()))),
        subnets=frozenset({wanted["subnet"].name}),
        tables=frozenset({wanted["route_table"].name}),
        nodes={f"{spec.name}-{node.name}": node.name for node in spec.nodes},
        machines=frozenset({bastion}),
        profiles=frozenset({*(item.name for item in of["instance_profile"]), *statements}),
        policies={
            **{name: tuple(role["policy"]["Statement"]) for name, role in roles.items()},
            **{name: tuple(of) for name, of in statements.items()},
        },
        trust={
            **dict.fromkeys(statements, roles[spec.iam_name]["trust_policy"]),
            **{name: role["trust_policy"] for name, role in roles.items()},
        },
        openings=spec.access_openings,
        closing_role=spec.schedule_role_name,
        schedule_roles=frozenset(name for name, is_described in scheduled.items() if is_described),
        dhcp=wanted["dhcp_options"].want,
        template=next((item.want for item in of["launch_template"]), {}),
        schedules={item.name: item.want["schedules"] for item in of["autoscaling_group"]},
        hours=wanted["schedule_group/hours"].want["schedules"] if spec.hours.is_needed else {},
        times=spec.hours,
        hours_role=spec.hours_name,
        nodes_of=nodes_tag(spec.project, spec.name)[NODES_TAG],
        user_data_sha256=str(extra.get("user_data_sha256") or ""),
        types={item.name: item.want["type"] for item in of["instance"]},
        node_key_name=extra.get("node_ssh_key_name"),
        node_ami_parameter=str(extra.get("node_ami_parameter") or ""),
        secret_parameters=frozenset(secret_parameters(spec)),
        plain_parameters=frozenset({claim_name(spec.project, spec.name), marker_name(spec.project, spec.name)}),
        vpc_ipv4=spec.vpc_ipv4_cidr,
        interfaces={item.name: item.want["ipv4"] for item in of["eni"]} | {bastion: spec.bastion_ipv4},
        profile_of={
            **{item.name: item.want["instance_profile"] for item in of["instance"]},
            **templates,
            **dict.fromkeys([bastion] if templates else [], next(iter(templates.values()), "")),
        },
        templates=frozenset(templates),
        public_ipv4=frozenset(
            {*(item.want["network_interface"] for item in of["address"]), *(extra.get("public_ipv4") or ())}
        ),
    )


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
