# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget of AWS that sends e-mail about a cluster's costs. Private to urmanac.talos: may change at any time.

A budget is the cluster's if it has the name and counts the costs of exactly the cluster's tags. AWS does not change a
budget as a whole: its notifications and subscribers are objects of their own, changed one by one. A budget holds no
data but what AWS computes from the bill, so one that differs is deleted and created again. The address is compared with
the record of the last run, which also says that there is a budget to delete when it is not described any more.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..._errors import Ec2Error, InputError
from ..._files import write_file
from ..._findings import Finding, finding
from ..calls import Calls, errors_named
from ..client import Refused, existing
from ..identity import Identified, cluster_tags, owner_tags, tag_list
from .spec import NOTIFICATIONS_MAX

SERVICES = ("budgets", "sts")
_METRIC = "UnblendedCost"
_ACTIVATE = (
    "AWS counts only what is billed after the tags Project and Cluster are activated (console: Billing and Cost "
    "Management, Cost allocation tags). Until then the budget stays at $0 and sends nothing."
)


class Budget(NamedTuple):
    """A described budget: dollars a month, and the percentages of it at which AWS sends e-mail."""

    name: str
    email: str
    amount: float
    actual: tuple[float, ...]
    forecasted: tuple[float, ...]

    def __str__(self) -> str:
        when = [f"{_percent(self.actual)} spent"] if self.actual else []
        when += [f"{_percent(self.forecasted)} forecasted"] if self.forecasted else []
        return f"e-mail to {self.email} at {' and '.join(when)} of ${self.amount:.2f} a month"


class Plan(NamedTuple):
    """What is wrong in AWS or on record now, and what the run does about it, one line each."""

    lines: tuple[str, ...] = ()
    before: str = ""
    after: str = ""

    @property
    def changed(self) -> bool:
        """Return whether the budget is created, replaced or deleted."""
        return self.before != self.after


class Place(NamedTuple):
    """Where a cluster's budget is, and the file on the controller that records what was sent."""

    calls: Calls
    cluster: Identified
    account: str
    record: Path

    @property
    def name(self) -> str:
        """Return the name of the budget, which is unique in the account."""
        return f"{self.cluster.project}-{self.cluster.name}-budget"

    @property
    def named(self) -> dict[str, str]:
        """Return the parameters that name the budget in a call."""
        return {"AccountId": self.account, "BudgetName": self.name}


def described(name: str, options: Mapping[str, Any]) -> Budget:
    """Return the budget that a module's options describe, or raise for what they lack."""
    actual, forecasted = (tuple(sorted(set(options[key]))) for key in ("actual_percents", "forecasted_percents"))
    missing = [key for key in ("email", "per_month") if not options[key]]
    if not actual and not forecasted:
        missing.append("actual_percents or forecasted_percents")
    if missing:
        raise InputError(
            f"Failed to describe the budget {name}: {', '.join(missing)} is not set. Set cluster_budget_email, and "
            "cluster_budget_per_month or cluster_cost_per_month_max to an amount above 0.",
            code="INPUT_MISSING",
        )
    if len(actual) + len(forecasted) > NOTIFICATIONS_MAX:
        raise InputError(
            f"Failed to describe the budget {name}: it would have {len(actual) + len(forecasted)} notifications, and "
            f"AWS accepts {NOTIFICATIONS_MAX}. Remove percentages.",
            code="INPUT_INVALID",
        )
    return Budget(name, options["email"], float(options["per_month"]), actual, forecasted)


def ensure_present(place: Place, wanted: Budget, *, check_mode: bool) -> Plan:
    """Create the budget, or replace one that differs from the description."""
    found = _read(place)
    if found is not None and not _is_of(place.cluster, found):
        raise Refused(_taken(place))
    before = _before(place, found)
    if before == str(wanted):
        return Plan((f"budget {wanted.name}: {wanted}",), before, before)
    verb = "replace" if found else "create"
    if not check_mode:
        _replace(place, wanted, is_there=bool(found))
    done = f"would {verb}" if check_mode else f"{verb}d"
    return Plan((f"{done} budget {wanted.name}: {wanted}", _ACTIVATE), before, str(wanted))


def ensure_absent(place: Place, *, check_mode: bool) -> Plan:
    """Delete the budget if it is of the cluster, and its record."""
    found = _read(place)
    if found is not None and not _is_of(place.cluster, found):
        return Plan((f"! budget {place.name} does not count the costs of this cluster alone, and is kept",))
    before = _before(place, found)
    if not check_mode:
        if found:
            with errors_named(f"delete budget {place.name}"):
                place.calls.delete("budgets", "delete_budget", **place.named)
        place.record.unlink(missing_ok=True)
    lines = (f"{'would delete' if check_mode else 'deleted'} budget {place.name}",) if found else ()
    return Plan(lines, before if found else "", "")


def _taken(place: Place) -> Finding:
    command = f"aws budgets delete-budget --account-id {place.account} --budget-name {place.name}"
    message = f"it exists and does not count the costs of cluster {place.cluster.name} alone"
    remedy = f"Choose another cluster_name or cluster_project, or delete it if unused ({command})."
    return finding("NAME_TAKEN", f"create the budget {place.name}", message, remedy)


def _read(place: Place) -> dict[str, Any] | None:
    found = existing(place.calls, "budgets", "describe_budget", **place.named)
    return found["Budget"] if found else None


def _is_of(cluster: Identified, budget: Mapping[str, Any]) -> bool:
    """Return whether a budget counts the costs of the cluster, and no others."""
    parts = budget.get("FilterExpression", {}).get("And", [])
    tags = [part.get("Tags", {}) for part in parts]
    found = sorted((str(tag.get("Key", "")).removeprefix("user:"), tag.get("Values")) for tag in tags)
    return found == sorted((key, [value]) for key, value in cluster_tags(cluster).items())


def _before(place: Place, budget: Mapping[str, Any] | None) -> str:
    """Return what exists as a description says it, with what only the record knows; empty for nothing."""
    if budget is None:
        return ""
    found = place.calls.call("budgets", "describe_notifications_for_budget", **place.named)["Notifications"]
    limit = budget.get("BudgetLimit", {})
    usual = (budget["BudgetType"], budget["TimeUnit"], budget.get("Metrics"), limit.get("Unit"))
    have = Budget(
        place.name,
        _recorded_email(place),
        float(limit.get("Amount", 0)),
        *(_thresholds(found, kind) for kind in ("ACTUAL", "FORECASTED")),
    )
    same = usual == ("COST", "MONTHLY", [_METRIC], "USD") and len(found) == len(have.actual) + len(have.forecasted)
    return str(have) if same else f"{have}, and other settings"


def _thresholds(notifications: Sequence[Mapping[str, Any]], kind: str) -> tuple[float, ...]:
    """Return the percentages of the notifications of a kind that are like ours."""
    like = [
        float(one["Threshold"])
        for one in notifications
        if one["NotificationType"] == kind
        and one["ComparisonOperator"] == "GREATER_THAN"
        and one.get("ThresholdType", "PERCENTAGE") == "PERCENTAGE"
    ]
    return tuple(sorted(like))


def _replace(place: Place, wanted: Budget, *, is_there: bool) -> None:
    with errors_named(f"create budget {wanted.name}"):
        if is_there:
            place.calls.delete("budgets", "delete_budget", **place.named)
        place.calls.create("budgets", "create_budget", lambda: _read(place), **_request(place, wanted))
    text = json.dumps({"account": place.account, "name": place.name, "email": wanted.email}, indent=4)
    try:
        place.record.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_file(place.record, f"{text}\n".encode())
    except OSError as error:
        raise Ec2Error(f"Failed to write {place.record}: {error.strerror}", code="FILE_NOT_WRITABLE") from error


def _request(place: Place, wanted: Budget) -> dict[str, Any]:
    tags = [{"Tags": {"Key": key, "Values": [value]}} for key, value in cluster_tags(place.cluster).items()]
    subscribers = [{"SubscriptionType": "EMAIL", "Address": wanted.email}]
    kinds = {"ACTUAL": wanted.actual, "FORECASTED": wanted.forecasted}
    return {
        "AccountId": place.account,
        "Budget": {
            "BudgetName": wanted.name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": f"{wanted.amount:.2f}", "Unit": "USD"},
            "FilterExpression": {"And": tags},
            "Metrics": [_METRIC],
        },
        "NotificationsWithSubscribers": [
            {"Notification": _notification(kind, percent), "Subscribers": subscribers}
            for kind, percents in kinds.items()
            for percent in percents
        ],
        "ResourceTags": tag_list(owner_tags(place.cluster)),
    }


def _notification(kind: str, percent: float) -> dict[str, Any]:
    usual = {"ComparisonOperator": "GREATER_THAN", "ThresholdType": "PERCENTAGE"}
    return {"NotificationType": kind, "Threshold": percent, **usual}


def _recorded_email(place: Place) -> str:
    """Return to whom the last run had AWS send e-mail, if it made this budget; another controller may have made it."""
    try:
        record = json.loads(place.record.read_text(encoding="utf-8"))
        is_of_this = (record["account"], record["name"]) == (place.account, place.name)
        return str(record["email"]) if is_of_this else "unknown"
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return "unknown"


def _percent(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g} %" for value in values)
