# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM: RemoveRoleFromInstanceProfile fails where the role is not in the profile; EC2 knows a new profile at once.

IAM answers NoSuchEntity, and EC2 refuses a profile for some seconds after it was created.
"""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend

from lab.aws.account import STATE
from lab.aws.patches import Function, refuse, wraps


@wraps(IAMBackend, "remove_role_from_instance_profile")
def _only_roles_in_it(original: Function, self: Any, profile_name: str, role_name: str) -> None:
    if role_name not in [role.name for role in self.get_instance_profile(profile_name).roles]:
        raise NotFoundException(f"Role {role_name} cannot be found in Instance Profile {profile_name}.")
    original(self, profile_name, role_name)


@wraps(IAMBackend, "create_instance_profile")
def _unknown_at_first(original: Function, self: Any, *args: Any, **options: Any) -> Any:
    profile = original(self, *args, **options)
    STATE.unknown_profiles |= dict.fromkeys((profile.arn, profile.name), STATE.unknown_profile_uses)
    return profile


def check_profile(key: str, name: str) -> None:
    if STATE.is_unknown_yet(name):
        reported = f"Value ({name}) for parameter iamInstanceProfile.{key.lower()} is invalid."
        kind = "ARN" if key == "Arn" else "name"
        raise refuse("InvalidParameterValue", f"{reported} Invalid IAM Instance Profile {kind}")
