# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a cluster's exposure with what its description allows. Private to urmanac.talos: may change at any time.

Every deviation has a remedy, a command or a playbook. A tag exempts nothing: a rule of home access is allowed only if
it is exactly one that home access creates and has not expired.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ..._codes import CRITICAL, HIGH, LOW, MEDIUM
from ..._findings import Finding, finding
from ..._findings import lines as finding_lines
from ..._text import counted
from ..home.access import rule_line
from .allowed import Allowed
from .disks import disk_deviations
from .facts import Account, DocumentFact, GroupRule, Known, ParameterFact, ProfileFact, RoleFact, TextSecret
from .hours import hours_deviations
from .machines import machine_deviations
from .network import acl_line, facts_of, network_deviations
from .parameters import parameter_deviations
from .reachability import Exposure, reachable
from .scaling import scaling_deviations

# The severities, the most severe first.
GRADES = (CRITICAL, HIGH, MEDIUM, LOW)


# Resources without an id.
_NAMED = (RoleFact, ProfileFact, DocumentFact, ParameterFact)
_KIND_OF = dict(zip(_NAMED, ("IAM role", "instance profile", "SSM document", "SSM parameter"), strict=True))


class Report(NamedTuple):
    """The results of an audit; exposures include those that are allowed."""

    deviations: tuple[Finding, ...]
    exposures: tuple[Exposure, ...]

    def summary(self) -> dict[str, int]:
        """Return the number of deviations of each severity, and the total."""
        severities = [deviation.severity for deviation in self.deviations]
        return {
            "deviations": len(severities),
            **{severity: severities.count(severity) for severity in GRADES},
            "exposures": len(self.exposures),
        }


def audit(account: Account, allowed: Allowed, now: datetime) -> Report:
    """Return every deviation of the account, the most severe first, and every exposure."""
    found = {
        *network_deviations(account, allowed, now),
        *machine_deviations(account, allowed),
        *scaling_deviations(account, allowed, now),
        *disk_deviations(account, allowed),
        *parameter_deviations(account, allowed),
        *hours_deviations(account, allowed, now),
        *text_deviations(account),
    }
    ordered = sorted(found, key=_order)
    return Report(tuple(ordered), tuple(reachable(facts_of(account))))


def text_deviations(account: Account) -> Iterator[Finding]:
    """Yield the secrets in texts; the same tag on many resources is one deviation."""
    holders: dict[TextSecret, dict[str, None]] = {}
    for resource, secrets in _texts_of(account):
        for secret in secrets:
            holders.setdefault(secret, {})[resource] = None
    for secret, resources in holders.items():
        first, *others = resources
        many = f" and of {len(others)} other resources" if others else ""
        message = (
            f"its {secret.place}{many} contains a secret ({secret.kind}), which is visible to everyone who may list "
            "these resources"
        )
        yield finding("TEXT_SECRET", first, message)


def _texts_of(account: Account) -> Iterator[tuple[str, tuple[TextSecret, ...]]]:
    """Yield the name of each resource with the secrets in its texts."""
    for item in (item for items in account for item in items):
        known = item if isinstance(item, Known) else getattr(item, "known", None)
        if known is not None:
            yield f"{known.name} ({known.id})", known.text_secrets
        elif isinstance(item, GroupRule):
            yield f"security group rule {item.id}", item.text_secrets
        elif isinstance(item, _NAMED):
            yield f"{_KIND_OF[type(item)]} {item.name}", item.text_secrets


def _order(deviation: Finding) -> tuple[int, str, str, str, str]:
    grade = GRADES.index(deviation.severity)
    return grade, deviation.code, deviation.subject, deviation.message, deviation.remedy


def home_rules_of(account: Account) -> list[GroupRule]:
    """Return the rules that have the tags of home access."""
    return [rule for rule in account.rules if rule.home.ours]


def report_lines(name: str, account: Account, report: Report) -> list[str]:
    """Return the lines of the report: deviations first, then the open home access."""
    count = len(report.deviations)
    verdict = counted(count, "deviation") if count else "closed as described"
    read = (
        f"{len(account.rules)} rules of {len(account.groups)} security groups, {len(account.interfaces)} network "
        f"interfaces, {len(account.machines)} instances and templates, {len(account.volumes)} volumes, "
        f"{len(account.copies)} snapshots and images, {len(account.roles)} IAM roles"
    )
    lines = [f"Audit of {name}: {verdict}" if account.vpcs else f"Audit of {name}: it has no VPC", f"  read: {read}"]
    lines += acl_line(account)
    lines += finding_lines(report.deviations, "graded", "subject")
    return [*lines, *(f"= home access: {rule_line(rule.home)}" for rule in home_rules_of(account))]
