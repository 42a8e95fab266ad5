# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check how closed a cluster is against what its description allows. Private to urmanac.talos: may change at any time.

Every deviation comes with the command or the playbook that undoes it. Nothing is silenced by a tag: a rule of home
access counts only while it is exactly what home access opens and its end has not come.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from .._codes import CRITICAL, HIGH, LOW, MEDIUM
from .._findings import Finding, finding
from .._findings import lines as finding_lines
from .audit_allowed import Allowed
from .audit_facts import Account, GroupRule, Known, RoleFact, TextSecret
from .audit_machines import machine_deviations
from .audit_network import (
    acl_line,
    facts_of,
    network_deviations,
)
from .home_access import rule_line
from .reachability import Exposure, reachable

# How far something opens the cluster, the gravest first.
GRADES = (CRITICAL, HIGH, MEDIUM, LOW)


class Report(NamedTuple):
    """What the audit found; exposures are all, also those that are allowed."""

    deviations: tuple[Finding, ...]
    exposures: tuple[Exposure, ...]

    def summary(self) -> dict[str, int]:
        """Return how many deviations there are of each severity, and of all."""
        severities = [deviation.severity for deviation in self.deviations]
        return {
            "deviations": len(severities),
            **{severity: severities.count(severity) for severity in GRADES},
            "exposures": len(self.exposures),
        }


def audit(account: Account, allowed: Allowed, now: datetime) -> Report:
    """Return every deviation of the account, the gravest first, and who reaches what."""
    found = {
        *network_deviations(account, allowed, now),
        *machine_deviations(account, allowed),
        *text_deviations(account),
    }
    ordered = sorted(found, key=_order)
    return Report(tuple(ordered), tuple(reachable(facts_of(account))))


def text_deviations(account: Account) -> Iterator[Finding]:
    """Yield the secrets in tags and descriptions; the same tag on many things is one cause."""
    holders: dict[TextSecret, dict[str, None]] = {}
    for resource, secrets in _texts_of(account):
        for secret in secrets:
            holders.setdefault(secret, {})[resource] = None
    for secret, resources in holders.items():
        first, *others = resources
        many = f" and of {len(others)} other resources" if others else ""
        message = f"its {secret.place}{many} holds a secret ({secret.kind}), which everyone can read who may list them"
        yield finding("TEXT_SECRET", first, message)


def _texts_of(account: Account) -> Iterator[tuple[str, tuple[TextSecret, ...]]]:
    """Yield the name of each resource with the secrets in its texts."""
    for item in (item for items in account for item in items):
        known = item if isinstance(item, Known) else getattr(item, "known", None)
        if known is not None:
            yield f"{known.name} ({known.id})", known.text_secrets
        elif isinstance(item, GroupRule):
            yield f"security group rule {item.id}", item.text_secrets
        elif isinstance(item, RoleFact):
            yield f"IAM role {item.name}", item.text_secrets


def _order(deviation: Finding) -> tuple[int, str, str, str, str]:
    grade = GRADES.index(deviation.severity)
    return grade, deviation.code, deviation.subject, deviation.message, deviation.remedy


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
        f"{len(account.copies)} snapshots and images, {len(account.roles)} IAM roles"
    )
    lines = [f"Audit of {name}: {verdict}" if account.vpcs else f"Audit of {name}: it has no VPC", f"  read: {read}"]
    lines += acl_line(account)
    lines += finding_lines(report.deviations, "graded", "subject")
    return [*lines, *(f"= home access: {rule_line(rule.home)}" for rule in home_rules_of(account))]
