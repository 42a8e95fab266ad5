# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM policies of the cluster's roles. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy of these statements."""
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}


def policy_text(document: Mapping[str, Any]) -> str:
    """Return a policy as IAM takes it, without white space, which its limits do not count."""
    return json.dumps(document, separators=(",", ":"))


def allow(
    action: str | list[str], resource: str | list[str], equals: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a statement that allows calls if all conditions hold."""
    condition = {"Condition": {"StringEquals": dict(equals)}} if equals else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


def trust(service: str | list[str], account: str | None = None) -> dict[str, Any]:
    """Return the policy that lets services assume a role, with an account for resources of that account only.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": account}}} if account else {}
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **condition})
