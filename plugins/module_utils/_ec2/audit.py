# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold how closed a cluster is against what its description allows. Private to urmanac.talos: may change at any time.

Every deviation is told, each with the command or the playbook that undoes it. Nothing is silenced by a tag: a rule of
home access counts only while it is exactly what home access opens and its end has not come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from ipaddress import IPv6Interface, ip_network
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit_facts import (
    Account,
    GroupRule,
    InterfaceFact,
    Known,
    Machine,
    RoleFact,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home_access import OPENINGS, Opening, rule_line
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home_input import network_problems
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.reachability import (
    EVERY_PORT,
    Exposure,
    Facts,
    Interface,
    Rule,
    Subnet,
    reachable,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec

SEVERITIES = ("critical", "high", "medium", "low")
# What every VPC starts with: security groups are what closes this cluster, and a network ACL can only close more.
_ACL_ENTRIES = frozenset(
    f"{way} {action} all {cidr}"
    for way in ("in", "out")
    for action in ("allow", "deny")
    for cidr in ("0.0.0.0/0", "::/0")
)
_EGRESS = ("out all to 0.0.0.0/0", "out all to ::/0")
_REMOVE_HOME = "Run playbooks/remove_home_access.yml, or any playbook of the cluster to close what has expired."


class Deviation(NamedTuple):
    """One thing that is not as the variables allow, and how to undo it."""

    severity: str
    code: str
    resource: str
    message: str
    remedy: str


class Allowed(NamedTuple):
    """What the variables allow: things by their tag Name, rules and routes as lines like the description's."""

    rules: Mapping[str, frozenset[str]]
    routes: frozenset[str]
    subnets: frozenset[str]
    tables: frozenset[str]
    nodes: Mapping[str, str]
    machines: frozenset[str]
    profiles: frozenset[str]
    policies: Mapping[str, tuple[Any, ...]]
    trust: Mapping[str, Any]
    public_ipv4: frozenset[str] = frozenset()
    openings: tuple[Opening, ...] = OPENINGS


class Report(NamedTuple):
    """What the audit found; exposures are all, also those that are allowed."""

    deviations: tuple[Deviation, ...]
    exposures: tuple[Exposure, ...]

    def summary(self) -> dict[str, int]:
        """Return how many deviations there are of each severity, and of all."""
        severities = [deviation.severity for deviation in self.deviations]
        return {
            "deviations": len(severities),
            **{severity: severities.count(severity) for severity in SEVERITIES},
            "exposures": len(self.exposures),
        }


def allowed_by(spec: ClusterSpec, extra: Mapping[str, Any] | None = None) -> Allowed:
    """Return what the description allows, and beyond it what extra lists: rules, routes, public_ipv4, statements."""
    extra = extra or {}
    wanted = desired(spec)
    bastion = f"{spec.name}-bastion"
    roles = {item.name: item.want for item in wanted.values() if item.kind == "iam_role"}
    addresses = {item.want["network_interface"] for item in wanted.values() if item.kind == "address"}
    groups = [wanted[key] for key in ("security_group/nodes", "security_group/bastion")]
    more = extra.get("rules") or {}
    statements = extra.get("statements") or {}
    return Allowed(
        rules={group.name: frozenset((*group.want["rules"], *more.get(group.name, ()))) for group in groups},
        routes=frozenset((*wanted["route_table"].want["routes"], *(extra.get("routes") or ()))),
        subnets=frozenset({wanted["subnet"].name}),
        tables=frozenset({wanted["route_table"].name}),
        nodes={f"{spec.name}-{node.name}": node.name for node in spec.nodes},
        machines=frozenset({bastion}),
        profiles=frozenset({*roles, *statements}),
        policies={
            **{name: tuple(role["policy"]["Statement"]) for name, role in roles.items()},
            **{name: tuple(of) for name, of in statements.items()},
        },
        trust=roles[spec.iam_name]["trust_policy"],
        public_ipv4=frozenset({*addresses, *(extra.get("public_ipv4") or ())}),
    )


def audit(account: Account, allowed: Allowed, now: datetime) -> Report:
    """Return every deviation of the account, the gravest first, and who reaches what."""
    parts = (
        _rule_deviations(account, allowed, now),
        _group_deviations(account, allowed),
        _reach_deviations(account, allowed, now),
        _acl_deviations(account),
        _route_deviations(account, allowed),
        _subnet_deviations(account, allowed),
        _interface_deviations(account, allowed),
        _address_deviations(account),
        _machine_deviations(account, allowed),
        _volume_deviations(account),
        _role_deviations(account, allowed),
    )
    found = {deviation for part in parts for deviation in part}
    ordered = sorted(found, key=lambda item: (SEVERITIES.index(item.severity), *item[1:]))
    return Report(tuple(ordered), tuple(reachable(facts_of(account))))


def facts_of(account: Account, rules: Iterable[GroupRule] | None = None) -> Facts:
    """Return what decides about packets, with all rules or only some."""
    counted = [rule for rule in (account.rules if rules is None else rules) if not rule.egress]
    groups: dict[str, list[Rule]] = {known.id: [] for known in account.groups}
    for rule in counted:
        groups.setdefault(rule.group_id, []).extend(rule.rules)
    return Facts(
        networks=account.networks,
        gateways=frozenset(known.id for known in account.gateways),
        subnets={subnet.known.id: _subnet(account, subnet.known.id) for subnet in account.subnets},
        groups={group: tuple(of) for group, of in groups.items()},
        interfaces=tuple(
            Interface(fact.known.id, fact.node, fact.subnet, fact.groups, fact.addresses, fact.public)
            for fact in account.interfaces
        ),
    )


def _subnet(account: Account, subnet_id: str) -> Subnet:
    own = [table for table in account.tables if subnet_id in table.subnets]
    table = next(iter(own or [table for table in account.tables if table.main]), None)
    entries = [entry for acl in account.acls if subnet_id in acl.subnets for entry in acl.incoming]
    networks = next(subnet.networks for subnet in account.subnets if subnet.known.id == subnet_id)
    return Subnet(subnet_id, networks, tuple(entries), table.routes if table else ())


def _group_names(account: Account) -> dict[str, str]:
    """Return the names of the groups. Only one of the cluster's own can bear each name of the description."""
    names: dict[str, str] = {}
    for known in sorted(account.groups):
        is_first = known.owned and known.name not in names.values()
        names[known.id] = known.name if is_first or _is_default(known) else known.id
    return names


def _is_default(known: Known) -> bool:
    return known.name == "default" and not known.owned


def is_active_home_rule(rule: GroupRule, allowed: Allowed, now: datetime) -> bool:
    """Return whether a rule is exactly what home access opens, and its end has not come."""
    return rule.home.ours and not rule.egress and _is_exact(rule, allowed) and not rule.home.is_expired(now)


def _is_exact(rule: GroupRule, allowed: Allowed) -> bool:
    opened = {(opening.group, f"tcp/{opening.port}") for opening in allowed.openings}
    if (rule.home.group, rule.home.port) not in opened:
        return False
    try:
        return not list(network_problems(IPv6Interface(rule.home.network)))
    except ValueError:
        return False


def _is_allowed(account: Account, rule: GroupRule, allowed: Allowed, now: datetime) -> bool:
    name = _group_names(account).get(rule.group_id, rule.group_id)
    if name in allowed.rules:
        return rule.text in allowed.rules[name] or is_active_home_rule(rule, allowed, now)
    # What every group is made with; a group that nobody described is a deviation of its own.
    return rule.text in _EGRESS or (name == "default" and rule.text == f"in all from {rule.group_id}")


def _foreign_rules(account: Account, allowed: Allowed, now: datetime) -> list[GroupRule]:
    return [rule for rule in account.rules if not _is_allowed(account, rule, allowed, now)]


def _rule_deviations(account: Account, allowed: Allowed, now: datetime) -> Iterator[Deviation]:
    names = _group_names(account)
    for rule in _foreign_rules(account, allowed, now):
        resource = f"security group {names.get(rule.group_id, rule.group_id)}, rule {rule.id}"
        if rule.home.ours and rule.home.is_expired(now) and _is_exact(rule, allowed):
            message = f"home access has expired and is still open: {rule_line(rule.home)}"
            yield Deviation("high", "HOME_ACCESS_EXPIRED", resource, message, _REMOVE_HOME)
        elif rule.home.ours:
            message = f"the rule has the tags of home access and is not what home access opens: {rule.text}"
            yield Deviation("high", "HOME_ACCESS_NOT_EXACT", resource, message, _REMOVE_HOME)
        else:
            yield _foreign_rule(rule, resource)


def _foreign_rule(rule: GroupRule, resource: str) -> Deviation:
    way = "egress" if rule.egress else "ingress"
    remedy = (
        f"Run `aws ec2 revoke-security-group-{way} --group-id {rule.group_id} --security-group-rule-ids {rule.id}`"
        " unless you know what needs it; then describe it in the variables."
    )
    everybody = any(item.network is not None and item.network.prefixlen == 0 for item in rule.rules)
    if everybody and not rule.egress:
        message = f"open to everybody: {rule.text}"
        return Deviation("critical", "RULE_OPEN_TO_EVERYBODY", resource, message, remedy)
    severity = "medium" if rule.egress else "high"
    return Deviation(severity, "RULE_NOT_ALLOWED", resource, f"nobody described the rule {rule.text}", remedy)


def _group_deviations(account: Account, allowed: Allowed) -> Iterator[Deviation]:
    names = _group_names(account)
    for known in account.groups:
        if names[known.id] not in (*allowed.rules, "default"):
            remedy = f"Run `aws ec2 delete-security-group --group-id {known.id}` if nothing needs it."
            message = f"the security group {known.name} is in the cluster's VPC and nobody described it"
            yield Deviation("low", "GROUP_NOT_DESCRIBED", f"security group {known.id}", message, remedy)


def _reach_deviations(account: Account, allowed: Allowed, now: datetime) -> Iterator[Deviation]:
    """Yield what the rules that nobody allowed let happen, from outside the VPC."""
    exposures = reachable(facts_of(account, _foreign_rules(account, allowed, now)))
    nodes: dict[tuple[str, str, str], list[str]] = {}
    for exposure in exposures:
        if exposure.source.kind in ("internet", "routed"):
            who, what = exposure.source, ports_text(exposure)
            nodes.setdefault((who.kind, who.name, what), []).append(f"{exposure.node} ({exposure.address})")
    for (kind, source, what), of in nodes.items():
        severity = "critical" if kind == "internet" and ip_network(source).prefixlen < 48 else "high"
        code = "REACHABLE_FROM_INTERNET" if kind == "internet" else "REACHABLE_FROM_OUTSIDE"
        message = f"{source} can reach {what} of {', '.join(sorted(of))}"
        yield Deviation(severity, code, "reachability", message, "Remove the rules that the audit does not allow.")


def ports_text(exposure: Exposure) -> str:
    """Return the protocol and ports of an exposure as people write them."""
    first, last = exposure.ports
    if exposure.ports == EVERY_PORT:
        return "everything" if exposure.protocol == "all" else f"all of {exposure.protocol}"
    return f"{exposure.protocol}/{first}" + ("" if first == last else f"-{last}")


def _acl_deviations(account: Account) -> Iterator[Deviation]:
    for acl in account.acls:
        for text in acl.entries if acl.subnets else ():
            if text not in _ACL_ENTRIES:
                message = f"the network ACL of {', '.join(acl.subnets)} has the entry {text}, which nobody described"
                remedy = "Run `aws ec2 delete-network-acl-entry` for it: security groups are what closes this cluster."
                yield Deviation("low", "NETWORK_ACL_CHANGED", f"network ACL {acl.known.id}", message, remedy)


def _route_deviations(account: Account, allowed: Allowed) -> Iterator[Deviation]:
    for table in account.tables:
        resource = f"route table {table.known.name} ({table.known.id})"
        foreign = [text for text in table.texts if text not in allowed.routes]
        for text in foreign:
            destination = text.split(" ", 1)[0]
            option = "--destination-ipv6-cidr-block" if ":" in destination else "--destination-cidr-block"
            remedy = f"Run `aws ec2 delete-route --route-table-id {table.known.id} {option} {destination}`."
            yield Deviation("medium", "ROUTE_NOT_ALLOWED", resource, f"nobody described the route {text}", remedy)
        described = table.known.owned and table.known.name in allowed.tables
        if table.subnets and not described:
            message = f"{', '.join(table.subnets)} uses a route table that nobody described"
            remedy = "Run playbooks/site.yml, which associates the described route table."
            yield Deviation("medium", "ROUTE_TABLE_NOT_DESCRIBED", resource, message, remedy)


def _subnet_deviations(account: Account, allowed: Allowed) -> Iterator[Deviation]:
    for subnet in account.subnets:
        resource = f"subnet {subnet.known.name} ({subnet.known.id})"
        if not (subnet.known.owned and subnet.known.name in allowed.subnets):
            message = f"the subnet {subnet.known.name} is in the cluster's VPC and nobody described it"
            remedy = f"Run `aws ec2 delete-subnet --subnet-id {subnet.known.id}` if nothing needs it."
            yield Deviation("medium", "SUBNET_NOT_DESCRIBED", resource, message, remedy)
        if subnet.public_ipv4:
            message = "every new machine in it gets a public IPv4 address"
            remedy = (
                f"Run `aws ec2 modify-subnet-attribute --subnet-id {subnet.known.id} --no-map-public-ip-on-launch`."
            )
            yield Deviation("high", "SUBNET_GIVES_PUBLIC_IPV4", resource, message, remedy)


def _interface_deviations(account: Account, allowed: Allowed) -> Iterator[Deviation]:
    names = _group_names(account)
    for interface in account.interfaces:
        resource = f"network interface {interface.known.name} ({interface.known.id})"
        if interface.public and interface.known.name not in allowed.public_ipv4:
            message = f"it has the public IPv4 address {', '.join(interface.public)}"
            remedy = "Run `aws ec2 disassociate-address`, or replace the machine if the address came with its launch."
            yield Deviation("critical", "PUBLIC_IPV4", resource, message, remedy)
        groups = [names.get(group, group) for group in interface.groups]
        foreign = [group for group in groups if group not in _groups_for(interface, allowed)]
        if foreign:
            message = f"it is in the security group {', '.join(foreign)}, which is none of those described for it"
            remedy = (
                f"Run `aws ec2 modify-network-interface-attribute --network-interface-id {interface.known.id} --groups`"
            )
            yield Deviation(
                "high", "INTERFACE_IN_FOREIGN_GROUP", resource, message, f"{remedy} with the described ones."
            )
        yield from _router_deviations(interface, allowed, resource)


def _groups_for(interface: InterfaceFact, allowed: Allowed) -> list[str]:
    """Return the groups that an interface may be in: a node in the nodes' one, the bastion in its own."""
    what = "-bastion" if interface.known.name in allowed.machines else "-nodes"
    return [name for name in allowed.rules if name.endswith(what)]


def _router_deviations(interface: InterfaceFact, allowed: Allowed, resource: str) -> Iterator[Deviation]:
    if not interface.source_dest_check and interface.known.name not in allowed.machines:
        message = "its source/destination check is off, so it can send and take packets that are not its own"
        command = f"aws ec2 modify-network-interface-attribute --network-interface-id {interface.known.id}"
        remedy = f"Run playbooks/site.yml, or `{command} --source-dest-check`."
        yield Deviation("medium", "SOURCE_DEST_CHECK_OFF", resource, message, remedy)


def _address_deviations(account: Account) -> Iterator[Deviation]:
    for address in account.addresses:
        if not address.attached:
            remedy = (
                f"Run `aws ec2 release-address --allocation-id {address.known.id}`; it costs money around the clock."
            )
            message = f"the Elastic IP {address.public_ipv4} belongs to the cluster and to no machine of it"
            yield Deviation("low", "ADDRESS_UNUSED", f"address {address.known.id}", message, remedy)


def _machine_deviations(account: Account, allowed: Allowed) -> Iterator[Deviation]:
    for machine in account.machines:
        resource = f"{machine.kind} {machine.known.name} ({machine.known.id})"
        described = machine.known.owned and machine.known.name in {*allowed.nodes, *allowed.machines}
        if machine.kind == "instance" and not described:
            remedy = f"Run `aws ec2 terminate-instances --instance-ids {machine.known.id}` if it is nobody's."
            message = "it runs in the cluster's VPC and nobody described it"
            yield Deviation("medium", "INSTANCE_NOT_DESCRIBED", resource, message, remedy)
        if machine.profile and machine.profile not in allowed.profiles:
            message = f"it has the instance profile {machine.profile}, which nobody described"
            remedy = "Run `aws ec2 replace-iam-instance-profile-association` with the described profile."
            yield Deviation("high", "INSTANCE_PROFILE_NOT_DESCRIBED", resource, message, remedy)
        if machine.public_ipv4 and machine.known.name not in allowed.public_ipv4:
            message = "machines made of it get a public IPv4 address"
            remedy = "Make a version of it with AssociatePublicIpAddress off."
            yield Deviation("high", "TEMPLATE_GIVES_PUBLIC_IPV4", resource, message, remedy)
        yield from _imds_deviations(machine, resource)
        yield from _secret_deviations(machine, resource)


def _imds_deviations(machine: Machine, resource: str) -> Iterator[Deviation]:
    change = f"`aws ec2 modify-instance-metadata-options --instance-id {machine.known.id}"
    if machine.kind != "instance":
        change = "a version of it with `MetadataOptions"
    if machine.imds_enabled and machine.imds_tokens != "required":
        message = "IMDSv1 answers, so any request that a process can be tricked into reads the role's credentials"
        yield Deviation("high", "IMDS_V1", resource, message, f"Run {change} --http-tokens required`.")
    if machine.imds_enabled and machine.imds_hops > 1:
        message = f"the metadata service answers over {machine.imds_hops} hops, so pods reach the node's credentials"
        remedy = f"Run {change} --http-put-response-hop-limit 1`."
        yield Deviation("medium", "IMDS_HOP_LIMIT", resource, message, remedy)


def _secret_deviations(machine: Machine, resource: str) -> Iterator[Deviation]:
    for secret in machine.secrets:
        place = f"line {secret.line}" + (f" of {secret.where}" if secret.where else "")
        message = f"its user-data holds a secret ({secret.kind}) in {place}, which every process of it can read"
        remedy = "Treat the secret as known: change it where it is used, then make the machine anew without it."
        yield Deviation("critical", "USER_DATA_SECRET", resource, message, remedy)


def _volume_deviations(account: Account) -> Iterator[Deviation]:
    for volume in account.volumes:
        if not volume.encrypted:
            resource = f"volume {volume.known.name} ({volume.known.id})"
            message = f"it is not encrypted; {volume.instance or 'no instance'} uses it"
            remedy = (
                "A volume cannot be encrypted in place: remove the node and run playbooks/site.yml to make it anew."
            )
            yield Deviation("high", "VOLUME_NOT_ENCRYPTED", resource, message, remedy)


def _role_deviations(account: Account, allowed: Allowed) -> Iterator[Deviation]:
    for role in account.roles:
        resource = f"IAM role {role.name}"
        known = [_plain(statement) for statement in allowed.policies.get(role.name, ())]
        for policy, statement in role.statements:
            if _plain(statement) not in known and statement.get("Effect") == "Allow":
                yield _statement_deviation(role, policy, statement)
        for arn in role.attached:
            remedy = f"Run `aws iam detach-role-policy --role-name {role.name} --policy-arn {arn}`."
            message = f"the managed policy {arn} is attached, and nobody described it"
            yield Deviation("high", "IAM_POLICY_ATTACHED", resource, message, remedy)
        if _plain(role.trust) != _plain(allowed.trust):
            message = "others than EC2 may take the role, or under other conditions than described"
            remedy = "Run playbooks/site.yml, which sets the described trust policy."
            yield Deviation("high", "IAM_TRUST_NOT_ALLOWED", resource, message, remedy)


def _statement_deviation(role: RoleFact, policy: str, statement: Mapping[str, Any]) -> Deviation:
    actions = [str(action) for action in _listed(statement.get("Action", []))]
    resource, remedy = (
        f"IAM role {role.name}, policy {policy}",
        "Run playbooks/site.yml, which sets the described policy",
    )
    remedy = f"{remedy}, or `aws iam delete-role-policy --role-name {role.name} --policy-name {policy}`."
    if "NotAction" in statement or any(action == "*" or action.endswith(":*") for action in actions):
        message = f"a statement allows {', '.join(actions) or 'all but a few actions'}"
        return Deviation("critical", "IAM_WILDCARD", resource, message, remedy)
    message = f"nobody described the statement that allows {', '.join(actions)}"
    return Deviation("high", "IAM_STATEMENT_NOT_ALLOWED", resource, message, remedy)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    """Return a policy in one spelling: IAM takes, and gives back, one item with or without a list around it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if key != "Sid"}
    if isinstance(value, list):
        items = sorted((_plain(item) for item in value), key=repr)
        return items[0] if len(items) == 1 else items
    return value


def home_rules_of(account: Account) -> list[GroupRule]:
    """Return the rules that carry the tags of home access."""
    return [rule for rule in account.rules if rule.home.ours]


def report_lines(name: str, account: Account, report: Report) -> list[str]:
    """Return the report as a person reads it: deviations first, then what is open on purpose."""
    count = len(report.deviations)
    verdict = f"{count} deviation{'' if count == 1 else 's'}" if count else "closed as described"
    read = (
        f"{len(account.rules)} rules of {len(account.groups)} security groups, {len(account.interfaces)} network "
        f"interfaces, {len(account.machines)} machines and templates, {len(account.volumes)} volumes, "
        f"{len(account.roles)} IAM roles"
    )
    lines = [f"Audit of {name}: {verdict}" if account.vpc else f"Audit of {name}: it has no VPC", f"  read: {read}"]
    for deviation in report.deviations:
        lines += [
            f"! {deviation.severity} {deviation.code}: {deviation.resource}: {deviation.message}",
            f"    {deviation.remedy}",
        ]
    return [*lines, *(f"= home access: {rule_line(rule.home)}" for rule in home_rules_of(account))]
