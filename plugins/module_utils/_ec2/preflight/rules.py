# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the rules of a cluster's security groups as their quota does. Private: may change at any time.

The quota is of one group, separately for each direction and for IPv4 and IPv6. A rule that names another group counts
in both families, one that names a prefix list as often as the list may have entries.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from ..client import Api
from ..desired import desired
from ..home.access import read_groups
from ..home.input import Refusal, parse_home_network
from ..identity import Identity, group_name
from ..spec import ClusterSpec
from ..traffic import Rule, peer_of, tcp

DIRECTIONS = {"in": "inbound", "out": "outbound"}
FAMILIES = ("IPv4", "IPv6")
# By the end of a name; AWS reports no size of its own lists.
# https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html
_WEIGHTS = {
    **{"cloudfront.origin-facing": 55, "dynamodb": 1, "ec2-instance-connect": 2, "groundstation": 5},
    **{"route53-healthchecks": 25, "s3": 1, "s3express": 6, "vpc-lattice": 10},
}


class PrefixList(NamedTuple):
    """A prefix list that a rule names: its family, and as how many rules that rule counts."""

    family: str
    weight: int


class Groups(NamedTuple):
    """The rules of each existing group of the cluster, by name and id, and the prefix lists that they name."""

    rules: Mapping[tuple[str, str], frozenset[Rule]]
    prefix_lists: Mapping[str, PrefixList]


class Share(NamedTuple):
    """The rules of one group that one quota counts: those that are missing, and those that exist."""

    what: str
    needed: int
    used: int


def read_group_rules(api: Api, spec: ClusterSpec) -> Groups:
    """Return the rules of the cluster's groups, with the names of these groups for their ids."""
    names = {group.id: group_name(spec, group.purpose) for group in read_groups(api, Identity(spec.name, spec.project))}
    filters = [{"Name": "group-id", "Values": sorted(names)}]
    asked = api.call("ec2", "describe_security_group_rules", Filters=filters)["SecurityGroupRules"] if names else []
    rules = [(record["GroupId"], _rule(record, names)) for record in asked]
    of = {(name, id_): frozenset(rule for group, rule in rules if group == id_) for id_, name in names.items()}
    return Groups(of, _prefix_lists(api, sorted({str(rule.peer) for _id, rule in rules if _is_list(rule)})))


def _rule(record: Mapping[str, Any], names: Mapping[str, str]) -> Rule:
    peer, ports = peer_of(record), (record.get("FromPort", -1), record.get("ToPort", -1))
    return Rule("out" if record["IsEgress"] else "in", names.get(peer, peer), record["IpProtocol"], *ports)


def _prefix_lists(api: Api, ids: list[str]) -> dict[str, PrefixList]:
    found = api.call("ec2", "describe_managed_prefix_lists", PrefixListIds=ids)["PrefixLists"] if ids else []
    return {record["PrefixListId"]: _prefix_list(record) for record in found}


def _prefix_list(record: Mapping[str, Any]) -> PrefixList:
    ends = (weight for end, weight in _WEIGHTS.items() if record["PrefixListName"].endswith(f".{end}"))
    return PrefixList(record["AddressFamily"], record.get("MaxEntries") or next(ends, 1))


def _is_list(rule: Rule) -> bool:
    return rule.peer.startswith("pl-")


def rule_shares(spec: ClusterSpec, groups: Groups, home_ipv6: str) -> Iterator[Share]:
    """Yield the need and use of each group, direction and family; nothing is removed before the new rules are there."""
    for name, wanted in _wanted(spec, home_ipv6).items():
        existing = [rules for (group, _id), rules in groups.rules.items() if group == name] or [frozenset()]
        for have, (direction, word), family in product(existing, DIRECTIONS.items(), FAMILIES):
            counted = (_weight(rules, direction, family, groups) for rules in (wanted - have, have))
            yield Share(f"{word} {family} rules of the security group {name}", *counted)


def _wanted(spec: ClusterSpec, home_ipv6: str) -> dict[str, frozenset[Rule]]:
    """Return the rules that a run adds to each group, those of home access for the network that it opens included."""
    described = [item for item in desired(spec).values() if item.kind == "security_group"]
    rules = {item.name: {rule.unique for rule in item.want["rules"]} for item in described}
    for opening in spec.access_openings if (network := _home_network(home_ipv6)) else ():
        rules[group_name(spec, opening.group)].add(tcp(network, opening.port, ""))
    return {name: frozenset(of) for name, of in rules.items()}


def _home_network(text: str) -> str:
    """Return the network as AWS stores it, or "" if it would be refused."""
    try:
        return str(parse_home_network(text)) if text else ""
    except Refusal:
        return ""


def _weight(rules: Iterable[Rule], direction: str, family: str, groups: Groups) -> int:
    return sum(_counted(rule, family, groups.prefix_lists) for rule in rules if rule.direction == direction)


def _counted(rule: Rule, family: str, lists: Mapping[str, PrefixList]) -> int:
    if _is_list(rule):
        # A list that does not exist any more has no family and no size.
        found = lists.get(rule.peer, PrefixList(family, 1))
        return found.weight if found.family == family else 0
    if "/" in rule.peer:
        return int((":" in rule.peer) == (family == "IPv6"))
    return 1
