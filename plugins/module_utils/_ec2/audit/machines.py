# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check instances, their launch templates and their permissions. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._findings import Finding, finding
from ..identity import tagging_command
from ..values import plain_policy
from .allowed import Allowed, foreign_instances
from .facts import Account, Machine, ProfileFact, RoleFact
from .machine_facts import listed

# Only AWS creates parameters with this path.
_PUBLIC_PARAMETERS = "/aws/service/"
# Differences that count in a version that is no longer launched, but that an instance was launched from.
_LASTING = ("key pair", "the disks")
_AGAIN = "or delete this version: `aws ec2 delete-launch-template-versions --launch-template-id"


def machine_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    """Yield every deviation of instances and their permissions."""
    yield from _instance_deviations(account, allowed)
    for machine in account.machines:
        resource = _resource(machine)
        yield from _secret_deviations(machine, resource)
        if machine.used:
            yield from _profile_of_machine(machine, allowed, resource)
            yield from _template_deviations(machine, allowed, resource)
            yield from _imds_deviations(machine, resource)
            yield from _version_deviations(machine, account, allowed, resource)
        yield from _outside_interface_deviations(machine, allowed, resource)
    yield from _outside_instance_deviations(account, allowed)
    yield from _iam_deviations(account, allowed)


def _resource(machine: Machine) -> str:
    version = f", version {machine.version}" if machine.version else ""
    return f"{machine.kind} {machine.known.name} ({machine.known.id}){version}"


def _instance_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    foreign = foreign_instances(account, allowed)
    for machine in account.machines:
        if machine.known.id in foreign:
            remedy = f"Run `aws ec2 terminate-instances --instance-ids {machine.known.id}` if it is not needed."
            message = foreign[machine.known.id]
            yield finding("INSTANCE_NOT_DESCRIBED", _resource(machine), message, remedy)
        elif machine.kind == "instance" and machine.known.name in allowed.types:
            for message in _other_launch(machine, account, allowed):
                yield finding("INSTANCE_NOT_AS_DESCRIBED", _resource(machine), message)


def _other_launch(machine: Machine, account: Account, allowed: Allowed) -> Iterator[str]:
    """Yield differences from the described launch settings."""
    if machine.instance_type != (wanted := allowed.types[machine.known.name]):
        yield f"its instance type is {machine.instance_type}, but {wanted} is described"
    if machine.key_name and allowed.node_key_name not in (None, machine.key_name):
        described = allowed.node_key_name or "none"
        yield f"it was launched with the key pair {machine.key_name}, but {described} is described"
    # Without the tag an older version of this collection launched it.
    if machine.launched_with not in ("", machine.user_data_sha256):
        yield "its user-data is not that with which it was launched"
    # Amazon replaces its images every few weeks, so the owner is compared. A private parameter may name any image.
    image = next((image for image in account.images if image.id == machine.image), None)
    if image and not image.is_amazons and allowed.node_ami_parameter.startswith(_PUBLIC_PARAMETERS):
        yield f"it was launched from the image {image.id} of account {image.account}, but one of Amazon is described"


def _profile_of_machine(machine: Machine, allowed: Allowed, resource: str) -> Iterator[Finding]:
    described = {allowed.profile_of[machine.known.name]} if machine.known.name in allowed.profile_of else set()
    fits = described | (allowed.profiles - set(allowed.profile_of.values())) or allowed.profiles
    if machine.profile and machine.profile not in fits:
        yield finding("INSTANCE_PROFILE_NOT_DESCRIBED", resource, fact=machine.profile)


def _template_deviations(machine: Machine, allowed: Allowed, resource: str) -> Iterator[Finding]:
    remedy = f"Run playbooks/site.yml to create a version as described, {_AGAIN} {machine.known.id}`."
    if machine.public_ipv4 and machine.known.name not in allowed.public_ipv4:
        yield finding("TEMPLATE_GIVES_PUBLIC_IPV4", resource, remedy=remedy)
    if machine.unencrypted:
        yield finding("TEMPLATE_DISK_NOT_ENCRYPTED", resource, fact=", ".join(machine.unencrypted), remedy=remedy)


def _version_deviations(machine: Machine, account: Account, allowed: Allowed, resource: str) -> Iterator[Finding]:
    """Yield a deviation if a version of the described template that is used differs from the description.

    Running instances may use an older version of ours: for that one only differences that grant access count.
    """
    if machine.known.name not in allowed.templates or not machine.known.owned:
        return
    wanted = {(machine.known.id, name) for name in machine.names}
    launched = any(wanted & set(group.templates) for group in account.scaling_groups)
    others = dict(_other_properties(machine, account, allowed))
    counted = others if launched else {name: others[name] for name in _LASTING if name in others and machine.made}
    if counted:
        who = "the group launches its next instance from it" if launched else "an instance was launched from it"
        message = f"{who}, with {', '.join(f'{what} {text}' for what, text in counted.items())}"
        yield finding("TEMPLATE_NOT_AS_DESCRIBED", resource, message)


def _other_properties(machine: Machine, account: Account, allowed: Allowed) -> Iterator[tuple[str, str]]:
    if machine.image != allowed.template["image"]:
        yield "the image", f"{machine.image} (described: {allowed.template['image']})"
    if (machine.key_name or None) != allowed.template["ssh_key_name"]:
        described = allowed.template["ssh_key_name"] or "none"
        yield "key pair", f"{machine.key_name or 'none'} (described: {described})"
    ours = {face.known.id for face in account.interfaces if face.known.name == allowed.template["network_interface"]}
    others = [face for face in machine.interfaces if face not in ours]
    if others or not machine.interfaces:
        yield "the network interface", f"{', '.join(others) or 'in the default network'}, which is not the bastion's"
    if len(machine.disks) > 1 or any(machine.disks):
        # The described disk comes from the image.
        extra = ", ".join(filter(None, machine.disks)) or f"{len(machine.disks)} of them"
        yield "the disks", f"{extra} (described: one, from the image)"
    for what, has, key in (
        ("the type", machine.instance_type, "type"),
        ("CPU credits", machine.cpu_credits, "cpu_credits"),
    ):
        if has != allowed.template.get(key, has):
            yield what, f"{has} (described: {allowed.template[key]})"
    if allowed.user_data_sha256 and machine.user_data_sha256 != allowed.user_data_sha256:
        yield "user-data", "that is not the described user-data"


def _outside_interface_deviations(machine: Machine, allowed: Allowed, resource: str) -> Iterator[Finding]:
    for face in machine.outside_interfaces:
        public = f" and the public IPv4 address {face.public}" if face.public else ""
        message = f"its network interface {face.id} is in {face.vpc}{public}, so it connects both VPCs"
        severity = "critical" if face.public and machine.known.name not in allowed.public_ipv4 else "high"
        yield finding("INTERFACE_ACROSS_VPCS", resource, message, severity=severity)


def _outside_instance_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    for instance in account.outside_instances:
        if instance.profile in allowed.policies:
            fact = f"{instance.profile} in {instance.vpc}"
            yield finding("PROFILE_USED_OUTSIDE_CLUSTER", f"instance {instance.id}", fact=fact)


def _imds_deviations(machine: Machine, resource: str) -> Iterator[Finding]:
    change = f"`aws ec2 modify-instance-metadata-options --instance-id {machine.known.id}"
    if machine.kind != "instance":
        change = "a version of it with `MetadataOptions"
    if machine.imds_enabled and machine.imds_tokens != "required":
        yield finding("IMDS_V1", resource, remedy=f"Run {change} --http-tokens required`.")
    if machine.imds_enabled and machine.imds_more:
        yield finding("IMDS_NOT_DESCRIBED", resource, fact=" and ".join(machine.imds_more))
    if machine.imds_enabled and machine.imds_hops > 1:
        remedy = f"Run {change} --http-put-response-hop-limit 1`."
        yield finding("IMDS_HOP_LIMIT", resource, fact=f"{machine.imds_hops} hops", remedy=remedy)


def _secret_deviations(machine: Machine, resource: str) -> Iterator[Finding]:
    for secret in machine.secrets:
        place = f"line {secret.line}" + (f" of {secret.where}" if secret.where else "")
        message = f"its user-data contains a secret ({secret.kind}) in {place}, which every process on it can read"
        yield finding("USER_DATA_SECRET", resource, message)


def _iam_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    roles = {role.name: role for role in account.roles}
    for profile in account.profiles:
        foreign = [name for name in profile.roles if name != profile.name]
        if profile.name in allowed.policies and foreign:
            yield _exchanged_role(profile, [roles[name] for name in foreign if name in roles])
    for role in account.roles:
        # The permissions of an undescribed role are reported with the profile or the instance that has it.
        if role.name in allowed.policies:
            yield from _role_deviations(role, allowed)


def _exchanged_role(profile: ProfileFact, roles: list[RoleFact]) -> Finding:
    actions = [action for role in roles for _policy, statement in role.statements for action in _actions(statement)]
    policies = [arn for role in roles for arn in role.attached]
    allowed = [*actions, *policies]
    may = f"; it allows {', '.join(allowed)}" if allowed else ""
    message = f"it contains the role {', '.join(profile.roles)} instead of {profile.name}{may}"
    remedy = (
        f"Run `aws iam remove-role-from-instance-profile --instance-profile-name {profile.name} --role-name "
        f"{', '.join(profile.roles)}`, then playbooks/site.yml, which adds the described role."
    )
    severity = "critical" if policies or any(_is_wild(action) for action in actions) else "high"
    return finding("PROFILE_ROLE_NOT_DESCRIBED", f"instance profile {profile.name}", message, remedy, severity=severity)


def _role_deviations(role: RoleFact, allowed: Allowed) -> Iterator[Finding]:
    resource = f"IAM role {role.name}"
    if role.missing:
        tags = ", ".join(f"{key}={value}" for key, value in sorted(role.missing))
        message = f"it lacks the tags {tags}, but schedules of the cluster name it"
        commands = " and ".join(f"`{tagging_command('iam_role', role.name, *tag)}`" for tag in sorted(role.missing))
        remedy = f"Check its policies. If it belongs to the cluster, run {commands}; otherwise delete it."
        yield finding("IAM_ROLE_TAG_MISSING", resource, message, remedy)
    known = [_effect_of(statement) for statement in allowed.policies[role.name]]
    for policy, statement in role.statements:
        if _effect_of(statement) not in known and statement.get("Effect") != "Deny":
            yield _statement_deviation(role, policy, statement, _repair(role, allowed))
    yield from _hindrances(role, allowed)
    yield from _attachments(role, allowed)
    if _effect_of(role.trust) != _effect_of(allowed.trust[role.name]):
        yield finding("IAM_TRUST_NOT_ALLOWED", resource, remedy=f"{_repair(role, allowed)}.")


def _attachments(role: RoleFact, allowed: Allowed) -> Iterator[Finding]:
    """Yield managed policies and instance profiles that a role should not have."""
    resource = f"IAM role {role.name}"
    for arn in role.attached:
        remedy = f"Run `aws iam detach-role-policy --role-name {role.name} --policy-arn {arn}`."
        message = f"the managed policy {arn} is attached but not described"
        severity = "critical" if arn.endswith("/AdministratorAccess") else "high"
        yield finding("IAM_POLICY_ATTACHED", resource, message, remedy, severity=severity)
    for profile in role.profiles:
        if profile not in allowed.policies:
            remedy = (
                f"Run `aws iam remove-role-from-instance-profile --instance-profile-name {profile} --role-name "
                f"{role.name}`."
            )
            yield finding("ROLE_IN_OTHER_PROFILE", resource, fact=profile, remedy=remedy)


def _hindrances(role: RoleFact, allowed: Allowed) -> Iterator[Finding]:
    """Yield what keeps schedules with a role from stopping a cluster or closing access: what it lacks or is denied."""
    if role.name not in allowed.schedule_roles:
        return
    have = [_effect_of(statement) for _policy, statement in role.statements]
    for statement in allowed.policies[role.name]:
        if _effect_of(statement) not in have:
            message = f"it lacks the statement that allows {', '.join(_actions(statement))}, which its schedules need"
            yield finding("IAM_STATEMENT_MISSING", f"IAM role {role.name}", message, f"{_repair(role, allowed)}.")
    for policy, statement in role.statements:
        if statement.get("Effect") == "Deny":
            message = f"a statement denies {', '.join(_actions(statement)) or 'all but a few actions'} to its schedules"
            delete = f"Run `aws iam delete-role-policy --role-name {role.name} --policy-name {policy}`."
            remedy = f"{_repair(role, allowed)}." if policy == role.name else delete
            yield finding("IAM_STATEMENT_MISSING", f"IAM role {role.name}, policy {policy}", message, remedy)


def _repair(role: RoleFact, allowed: Allowed) -> str:
    if role.name == allowed.closing_role:
        return "Run playbooks/remove_home_access.yml, which deletes the role, and open home access again if you need it"
    return "Run playbooks/site.yml, which sets the described policies"


def _statement_deviation(role: RoleFact, policy: str, statement: Mapping[str, Any], repair: str) -> Finding:
    actions = _actions(statement)
    resource = f"IAM role {role.name}, policy {policy}"
    remedy = f"{repair}, or `aws iam delete-role-policy --role-name {role.name} --policy-name {policy}`."
    if "NotAction" in statement or any(_is_wild(action) for action in actions):
        message = f"a statement allows {', '.join(actions) or 'all but a few actions'}"
        return finding("IAM_WILDCARD", resource, message, remedy)
    return finding("IAM_STATEMENT_NOT_ALLOWED", resource, fact=f"it allows {', '.join(actions)}", remedy=remedy)


def _actions(statement: Mapping[str, Any]) -> list[str]:
    return [str(action) for action in listed(statement.get("Action", []))]


def _is_wild(action: str) -> bool:
    return action == "*" or action.endswith(":*")


def _effect_of(policy: Any) -> Any:
    """Return the normalized statements of a policy, without the Sid, which is only a label."""
    return plain_policy(policy, without=("Sid",))
