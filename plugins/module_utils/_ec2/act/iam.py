# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM roles and instance profiles. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..client import existing
from ..desired import description_of, is_of
from ..identity import tag_list
from ..plan.current import Existing
from ..policies import policy_text
from .work import Work


def ensure_iam_role(work: Work, key: str) -> None:
    """Ensure a role as described, with one inline policy of the same name."""
    name, want = work.wanted[key].name, work.want(key)
    trust, policy = policy_text(want["trust_policy"]), policy_text(want["policy"])
    if key not in work.things:
        _make(
            work,
            key,
            "create_role",
            RoleName=name,
            AssumeRolePolicyDocument=trust,
            Description=description_of(work.spec, "iam_role", work.wanted[key].part),
        )
        work.things[key] = work.things[key].with_facts(trust_policy=want["trust_policy"])
    if work.differs(key, "trust_policy"):
        _iam(work, "update_assume_role_policy", RoleName=name, PolicyDocument=trust)
        work.changed(key, "trust policy")
    if work.differs(key, "policy"):
        _iam(work, "put_role_policy", RoleName=name, PolicyName=name, PolicyDocument=policy)
        work.changed(key, "policy")
    work.tag_with(key, lambda tags: _iam(work, "tag_role", RoleName=name, Tags=tags))


def ensure_instance_profile(work: Work, key: str) -> None:
    """Ensure that the profile exists with the described role."""
    name, wanted = work.wanted[key].name, work.want(key)["roles"]
    if key not in work.things:
        _make(work, key, "create_instance_profile", InstanceProfileName=name)
    have = work.things[key].have.get("roles", [])
    for role in have:
        if role not in wanted:
            # The instances would have its permissions, which are not described; the role itself is not changed.
            work.calls.delete("iam", "remove_role_from_instance_profile", InstanceProfileName=name, RoleName=role)
            work.changed(key, f"role {role} removed")
    for role in wanted:
        if role not in have:
            # A profile contains one role, and returns LimitExceeded for the same one as well.
            added = ("LimitExceeded",)
            work.calls.put("iam", "add_role_to_instance_profile", added, InstanceProfileName=name, RoleName=role)
            work.changed(key, f"role {role} added")
    work.tag_with(key, lambda tags: _iam(work, "tag_instance_profile", InstanceProfileName=name, Tags=tags))


def _make(work: Work, key: str, operation: str, **parameters: str) -> None:
    item = work.wanted[key]
    work.calls.create(
        "iam",
        operation,
        lambda: _ours(work, item.kind, item.name),
        **parameters,
        Tags=tag_list(item.want["tags"]),
    )
    tags = item.want["tags"]
    work.note(key, Existing(item.kind, item.name, item.name, tags, {"tags": tags}))


def _ours(work: Work, kind: str, name: str) -> Mapping[str, Any] | None:
    """Return the role or profile with this name if it has our tags."""
    operation, parameter, answer = _GET[kind]
    found = existing(work.calls, "iam", operation, **{parameter: name})
    if found is None:
        return None
    record: Mapping[str, Any] = found[answer]
    tags = {tag["Key"]: tag["Value"] for tag in record.get("Tags") or ()}
    return record if is_of(work.spec, tags) else None


_GET = {
    "iam_role": ("get_role", "RoleName", "Role"),
    "instance_profile": ("get_instance_profile", "InstanceProfileName", "InstanceProfile"),
}


def _iam(work: Work, operation: str, **parameters: Any) -> None:
    work.calls.call("iam", operation, **parameters)


def delete_instance_profile(work: Work, name: str) -> None:
    """Remove the roles from a profile and delete it."""
    for profile in _listed(work, "get_instance_profile", "InstanceProfile", InstanceProfileName=name):
        for role in profile["Roles"]:
            named = {"InstanceProfileName": name, "RoleName": role["RoleName"]}
            work.calls.delete("iam", "remove_role_from_instance_profile", **named)
            if role["RoleName"] not in work.own_ids:
                work.did("changed", "instance_profile", name, name, f"role {role['RoleName']} removed")
    work.calls.delete("iam", "delete_instance_profile", InstanceProfileName=name)


def delete_iam_role(work: Work, name: str) -> None:
    """Remove the policies from a role and delete it."""
    for policy in _listed(work, "list_role_policies", "PolicyNames", RoleName=name):
        work.calls.delete("iam", "delete_role_policy", RoleName=name, PolicyName=policy)
    for policy in _listed(work, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        work.calls.delete("iam", "detach_role_policy", RoleName=name, PolicyArn=policy["PolicyArn"])
    work.calls.delete("iam", "delete_role", RoleName=name)


def _listed(work: Work, operation: str, answer: str, **parameters: str) -> list[Any]:
    """Return what a call lists, or nothing if the resource does not exist."""
    found = existing(work.calls, "iam", operation, **parameters)
    listed = found[answer] if found else []
    return listed if isinstance(listed, list) else [listed]
