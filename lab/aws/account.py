# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated account may have: quotas, the plan, and when EC2 knows new instance profiles.

POST /lab/account takes any of these as JSON:
  {"quotas": {"L-1216C47A": 5}}      the account's value of a quota; AWS's default of this one is 5
  {"plan": "FREE"}                   PAID, or the plan that launches instance types of the free tier alone
  {"may_link_roles": false}          whether the caller may make the service-linked role that Auto Scaling needs
  {"unknown_profile_uses": 0}        how often EC2 and Scheduler do not know a profile or a role that was just created
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VCPUS, VPCS = "L-1216C47A", "L-F678F1CE"


@dataclass
class Account:
    """What the lab's account may have; its quotas were raised for the default build and for tests."""

    quotas: dict[str, float] = field(default_factory=lambda: {VCPUS: 64.0, VPCS: 50.0})
    plan: str = "PAID"
    may_link_roles: bool = True
    unknown_profile_uses: int = 1
    unknown_profiles: dict[str, int] = field(default_factory=dict)

    def order(self, body: dict[str, Any]) -> None:
        known = {"quotas": dict, "plan": str, "may_link_roles": bool, "unknown_profile_uses": int}
        if set(body) - set(known) or body.get("plan", "PAID") not in ("PAID", "FREE"):
            raise ValueError(f"an account has {', '.join(known)}; its plan is PAID or FREE")
        quotas = {code: float(value) for code, value in body.get("quotas", {}).items()}
        for name, value in {**body, "quotas": self.quotas | quotas}.items():
            setattr(self, name, known[name](value))

    def is_unknown_yet(self, name: str) -> bool:
        """Return whether what was just created is not known to this use of it."""
        left = self.unknown_profiles.get(name, 0)
        self.unknown_profiles[name] = max(left - 1, 0)
        return left > 0


STATE = Account()
