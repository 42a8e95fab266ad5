# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated account may have: quotas, the plan, and when EC2 knows new instance profiles.

POST /lab/account takes any of these as JSON:
  {"quotas": {"L-1216C47A": 5}}      the account's value of a quota; AWS's default of this one is 5
  {"plan": "FREE"}                   PAID, or the plan that launches instance types of the free tier alone
  {"unknown_profile_uses": 0}        how often EC2 and Scheduler do not know a profile or a role that was just created
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.aws.patches import ACCOUNT

VCPUS, VPCS = "L-1216C47A", "L-F678F1CE"


@dataclass
class Account:
    """What the lab's account may have; its quotas were raised for the default build and for tests."""

    quotas: dict[str, float] = field(default_factory=lambda: {VCPUS: 64.0, VPCS: 50.0})
    plan: str = "PAID"
    unknown_profile_uses: int = 1
    unknown_profiles: dict[str, int] = field(default_factory=dict)

    def order(self, body: dict[str, Any]) -> None:
        if set(body) - {"quotas", "plan", "unknown_profile_uses"} or body.get("plan", "PAID") not in ("PAID", "FREE"):
            raise ValueError("an account has quotas, a plan (PAID or FREE) and unknown_profile_uses")
        self.quotas |= {code: float(value) for code, value in body.get("quotas", {}).items()}
        self.plan = body.get("plan", self.plan)
        self.unknown_profile_uses = int(body.get("unknown_profile_uses", self.unknown_profile_uses))

    def is_unknown_yet(self, name: str) -> bool:
        """Return whether what was just created is not known to this use of it."""
        left = self.unknown_profiles.get(name, 0)
        self.unknown_profiles[name] = max(left - 1, 0)
        return left > 0


STATE = Account()


def plan_state() -> dict[str, Any]:
    """Answer GetAccountPlanState. Gap: moto has no such service."""
    return {"accountId": ACCOUNT, "accountPlanType": STATE.plan, "accountPlanStatus": "ACTIVE"}
