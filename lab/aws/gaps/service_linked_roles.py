# SPDX-License-Identifier: GPL-3.0-or-later
"""AutoScaling: the first group of an account needs no permission, and does not make AWSServiceRoleForAutoScaling."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import AutoScalingBackend
from moto.iam.models import iam_backends

from lab.aws.account import STATE
from lab.aws.patches import ACCOUNT, Function, wraps

SERVICE, ROLE = "autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"


@wraps(AutoScalingBackend, "create_auto_scaling_group")
def _with_the_role_of_the_service(original: Function, self: Any, *args: Any, **options: Any) -> Any:
    iam = iam_backends[ACCOUNT]["global"]
    if ROLE not in [role.name for role in iam.get_roles()]:
        if not STATE.may_link_roles:
            why = (
                f"arn:aws:iam::{ACCOUNT}:user/lab is not authorized to perform: iam:CreateServiceLinkedRole on resource"
            )
            message = f"The default Service-Linked Role for Auto Scaling could not be created. User: {why} {ROLE}"
            raise AutoscalingClientError("AccessDenied", message)
        iam.create_service_linked_role(SERVICE, "", "")
    return original(self, *args, **options)
