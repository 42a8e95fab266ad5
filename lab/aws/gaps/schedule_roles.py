# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduler: a schedule takes any role.

Scheduler refuses a role that does not exist or does not trust it, and for some seconds each role that was just created.
"""

from __future__ import annotations

from typing import Any

from moto.iam.models import IAMBackend, iam_backends
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend

from lab.aws.account import STATE
from lab.aws.patches import ACCOUNT, Function, wraps


@wraps(IAMBackend, "create_role")
def _unknown_at_first(original: Function, self: Any, *args: Any, **options: Any) -> Any:
    role = original(self, *args, **options)
    STATE.unknown_profiles[role.arn] = STATE.unknown_profile_uses
    return role


def _trusts(arn: str) -> bool:
    is_known = not STATE.is_unknown_yet(arn)
    roles = iam_backends[ACCOUNT]["global"].get_roles()
    documents = [role.assume_role_policy_document for role in roles if role.arn == arn]
    return is_known and any('"scheduler.amazonaws.com"' in document for document in documents)


@wraps(EventBridgeSchedulerBackend, "create_schedule")
def _with_a_role_that_trusts_it(original: Function, self: Any, *args: Any, **options: Any) -> Any:
    if not _trusts(options["target"]["RoleArn"]):
        message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        raise ValidationException(message)
    return original(self, *args, **options)
