# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read instances, their launch templates and disks, and their permissions. Private: may change at any time."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

from ..bastion.current import checksum
from ..client import AwsError, is_not_found
from ..desired import ALIVE, desired, is_of
from ..identity import owner_filters, owner_tags
from ..plan.current import root_volume_of
from ..spec import ClusterSpec
from .facts import (
    CopyFact,
    DocumentFact,
    Elsewhere,
    Known,
    Machine,
    Outsider,
    ProfileFact,
    Reader,
    Record,
    RoleFact,
    ScalingGroup,
    VolumeFact,
    tags_of,
    text_secrets,
)
from .user_data import find_secrets

# An Auto Scaling group or a user may use these versions at any time.
_ALWAYS_USED = ("$Latest", "$Default")
_IMDS_OFF = ("HttpProtocolIpv6", "InstanceMetadataTags")
Versions = set[tuple[str, str]]
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
# A filter accepts 200 values.
_ENDED_MAX = 120


def read_instances(reader: Reader, vpc: Record, pool: Executor) -> tuple[tuple[Machine, ...], Versions]:
    """Return the instances of a VPC, and the launch template versions that they were launched from."""
    filters = {"instance-state-name": [*ALIVE], "vpc-id": [vpc["VpcId"]]}
    reservations = reader.ec2("describe_instances", "Reservations", filters)
    records = [record for reservation in reservations for record in reservation["Instances"]]
    machines = [pool.submit(_instance, reader, record) for record in records]
    tags = [tags_of(record) for record in records]
    versions = {(tag.get("aws:ec2launchtemplate:id", ""), tag.get("aws:ec2launchtemplate:version", "")) for tag in tags}
    return tuple(machine.result() for machine in machines), versions - {("", "")}


def _instance(reader: Reader, record: Record) -> Machine:
    known = reader.known(record, "InstanceId")
    answer = reader.api.call("ec2", "describe_instance_attribute", InstanceId=known.id, Attribute="userData")
    profile = (record.get("IamInstanceProfile") or {}).get("Arn")
    machine = _machine("instance", known, record, (answer.get("UserData") or {}).get("Value"), profile)
    elsewhere = [
        face for face in record.get("NetworkInterfaces") or () if face.get("VpcId") not in (None, record["VpcId"])
    ]
    return machine._replace(
        elsewhere=tuple(map(_elsewhere, elsewhere)),
        root_volume=root_volume_of(record),
    )


def _elsewhere(record: Record) -> Elsewhere:
    public = (record.get("Association") or {}).get("PublicIp", "")
    return Elsewhere(record["NetworkInterfaceId"], record["VpcId"], public)


def read_profile_users(reader: Reader) -> dict[str, str]:
    """Return the profile of every instance in account and region: EC2 cannot filter by profile."""
    answer = reader.api.call("ec2", "describe_iam_instance_profile_associations")
    used = [item for item in answer["IamInstanceProfileAssociations"] if item["State"] in ("associating", "associated")]
    return {item["InstanceId"]: item["IamInstanceProfile"]["Arn"].rpartition("/")[2] for item in used}


def read_outsiders(reader: Reader, ids: Iterable[str], users: Mapping[str, str]) -> tuple[Outsider, ...]:
    """Return the instances outside of the cluster's VPC, except those that are being terminated."""
    wanted = sorted(ids)
    if not wanted:
        return ()
    filters = {"instance-state-name": [*ALIVE], "instance-id": wanted}
    reservations = reader.ec2("describe_instances", "Reservations", filters)
    records = [record for reservation in reservations for record in reservation["Instances"]]
    return tuple(
        Outsider(item["InstanceId"], item.get("VpcId", "another network"), users.get(item["InstanceId"]))
        for item in records
    )


def _machine(kind: str, known: Known, record: Record, user_data: str | None, profile: str | None) -> Machine:
    metadata = record.get("MetadataOptions") or {}
    return Machine(
        known=known,
        kind=kind,
        imds_tokens=metadata.get("HttpTokens", "optional"),
        imds_hops=metadata.get("HttpPutResponseHopLimit", 1),
        imds_enabled=metadata.get("HttpEndpoint") != "disabled",
        profile=profile.rpartition("/")[2] if profile else None,
        secrets=tuple(find_secrets(base64.b64decode(user_data))) if user_data else (),
        user_data_sha256=checksum(user_data),
        instance_type=record.get("InstanceType"),
        imds_more=tuple(name for name in _IMDS_OFF if metadata.get(name) == "enabled"),
    )


def read_scaling_groups(reader: Reader, pool: Executor) -> tuple[tuple[ScalingGroup, ...], Versions]:
    """Return the Auto Scaling groups of the cluster, and the template versions of their instances."""
    answer = reader.api.call("autoscaling", "describe_auto_scaling_groups", Filters=owner_filters(reader.spec))
    records = [{**record, "GroupName": record["AutoScalingGroupName"]} for record in answer["AutoScalingGroups"]]
    made_of = {_specified(item.get("LaunchTemplate")) for record in records for item in record.get("Instances") or ()}
    more = [
        (
            pool.submit(_read_schedules, reader, record["GroupName"]),
            pool.submit(_read_ended, reader, record["GroupName"]),
        )
        for record in records
    ]
    groups = (
        _scaling_group(reader, record)._replace(schedules=schedules.result(), ended=ended.result())
        for record, (schedules, ended) in zip(records, more, strict=True)
    )
    return tuple(groups), made_of - {("", "")}


def _scaling_group(reader: Reader, record: Record) -> ScalingGroup:
    return ScalingGroup(
        reader.known(record, "GroupName"),
        tuple(_templates_of(record)),
        max_size=max(record["MaxSize"], record["DesiredCapacity"]),
        suspended=tuple(sorted(item["ProcessName"] for item in record.get("SuspendedProcesses") or ())),
    )


def _read_schedules(reader: Reader, group: str) -> tuple[tuple[str, int | None], ...]:
    answer = reader.api.call("autoscaling", "describe_scheduled_actions", AutoScalingGroupName=group)
    actions = answer["ScheduledUpdateGroupActions"]
    # One without a desired capacity changes the limits only.
    asked = (
        (item["ScheduledActionName"], item.get("DesiredCapacity", item.get("MaxSize", item.get("MinSize"))))
        for item in actions
    )
    return tuple(sorted(asked, key=str))


def _read_ended(reader: Reader, group: str) -> tuple[str, ...]:
    """Return the instances that the group's history names; AWS keeps it for six weeks."""
    answer = reader.api.call("autoscaling", "describe_scaling_activities", AutoScalingGroupName=group)
    texts = " ".join(activity.get("Description", "") for activity in answer["Activities"])
    return tuple(sorted(set(_INSTANCE.findall(texts)))[:_ENDED_MAX])


def _templates_of(record: Record) -> Iterator[tuple[str, str]]:
    mixed = (record.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    overrides = [item.get("LaunchTemplateSpecification") for item in mixed.get("Overrides") or ()]
    given = [record.get("LaunchTemplate"), mixed.get("LaunchTemplateSpecification"), *overrides]
    yield from (_specified(item) for item in given if item)
    if record.get("LaunchConfigurationName"):
        yield f"launch configuration {record['LaunchConfigurationName']}", ""


def _specified(template: Record | None) -> tuple[str, str]:
    template = template or {}
    return template.get("LaunchTemplateId", ""), template.get("Version", "$Default" if template else "")


def read_templates(reader: Reader, used: Versions) -> tuple[Machine, ...]:
    """Return all versions of each template that belongs to the cluster or that its instances were launched from.

    Everyone who may read templates can read every version, including those that are no longer used.
    """
    owned = [record["LaunchTemplateId"] for record in reader.owned("describe_launch_templates", "LaunchTemplates")]
    named = {template for template, _version in used if template.startswith("lt-")}
    records = [record for name in sorted({*owned, *named}) for record in _read_template(reader, name)]
    return tuple(machine for record in records for machine in _template(reader, record, used))


def _read_template(reader: Reader, template_id: str) -> list[Record]:
    """Return the template, or nothing if it was deleted after an instance was launched from it."""
    try:
        answer = reader.api.call("ec2", "describe_launch_templates", LaunchTemplateIds=[template_id])
    except AwsError as error:
        if is_not_found(error):
            return []
        raise
    return list(answer["LaunchTemplates"])


def with_lost_versions(group: ScalingGroup, templates: Iterable[Machine]) -> ScalingGroup:
    """Return the group with the versions that it names but that do not exist, except those of unknown templates."""
    versions: dict[str, set[str]] = {}
    for template in templates:
        versions.setdefault(template.known.id, {*_ALWAYS_USED}).add(template.version)
    lost = [item for item in group.templates if item[0] in versions and item[1] not in versions[item[0]]]
    return group._replace(lost=tuple(lost))


def _template(reader: Reader, record: Record, used: Versions) -> Iterator[Machine]:
    template_id = record["LaunchTemplateId"]
    answer = reader.api.call("ec2", "describe_launch_template_versions", LaunchTemplateId=template_id)
    latest, default = str(record["LatestVersionNumber"]), str(record["DefaultVersionNumber"])
    aliases = dict(zip(_ALWAYS_USED, (latest, default), strict=True))
    numbers = {latest, default, *(aliases.get(version, version) for of, version in used if of == template_id)}
    known = reader.known({**record, "GroupName": record["LaunchTemplateName"]}, "LaunchTemplateId")
    for version in answer["LaunchTemplateVersions"]:
        number = str(version["VersionNumber"])
        given = version["LaunchTemplateData"].get("TagSpecifications") or ()
        texts = (secret for item in (version, *given) for secret in text_secrets(item))
        described = known._replace(text_secrets=(*known.text_secrets, *texts))
        yield _version(described, version["LaunchTemplateData"], number)._replace(
            used=number in numbers,
            names=(number, *(alias for alias, of in aliases.items() if of == number)),
            made=(template_id, number) in used,
        )


def _version(known: Known, data: Record, number: str) -> Machine:
    profile = data.get("IamInstanceProfile") or {}
    name = profile.get("Arn") or profile.get("Name")
    disks = [item for item in data.get("BlockDeviceMappings") or () if item.get("Ebs")]
    return _machine("launch template", known, data, data.get("UserData"), name)._replace(
        public_ipv4=any(item.get("AssociatePublicIpAddress") for item in data.get("NetworkInterfaces") or ()),
        unencrypted=tuple(str(item.get("DeviceName")) for item in disks if not item["Ebs"].get("Encrypted")),
        version=number,
        image=data.get("ImageId"),
        key_name=data.get("KeyName"),
        interfaces=tuple(item.get("NetworkInterfaceId", "a new one") for item in data.get("NetworkInterfaces") or ()),
    )


def read_volumes(reader: Reader, instances: list[str]) -> tuple[VolumeFact, ...]:
    """Return the volumes of the cluster, and those attached to the instances."""
    attached = reader.ec2("describe_volumes", "Volumes", {"attachment.instance-id": instances}) if instances else []
    records = {record["VolumeId"]: record for record in (*reader.owned("describe_volumes", "Volumes"), *attached)}
    return tuple(_volume(reader, records[volume]) for volume in sorted(records))


def _volume(reader: Reader, record: Record) -> VolumeFact:
    attachment: Record = next(iter(record.get("Attachments") or ()), {})
    return VolumeFact(reader.known(record, "VolumeId"), record["Encrypted"], attachment.get("InstanceId"))


def read_copies(reader: Reader, volumes: list[str], instances: list[str], pool: Executor) -> tuple[CopyFact, ...]:
    """Return the snapshots and images of the cluster's disks.

    They have its tags or were created from its volumes and instances. Those of terminated instances are found by the
    ids in the Auto Scaling history, and by instance names in their own name or description.
    """
    names = [*(item.name for item in desired(reader.spec).values() if item.kind in ("instance", "launch_template"))]
    names += [reader.spec.names.bastion]
    ours = {f"tag:{key}": [value] for key, value in owner_tags(reader.spec).items()}
    called = [f"*{name}*" for name in names]
    searches = {
        "snapshot": (
            ours,
            {"volume-id": volumes},
            {"description": [*called, *(f"*{instance}*" for instance in instances)]},
            {"tag:Name": called},
        ),
        "image": (
            ours,
            {"source-instance-id": instances},
            {"name": called},
            {"description": called},
            {"tag:Name": called},
        ),
    }
    found = [
        (kind, pool.submit(_search, reader, kind, search))
        for kind, every in searches.items()
        for search in every
        if all(search.values())
    ]
    records = {(kind, _id_of(record)): record for kind, future in found for record in future.result()}
    known = {*volumes, *instances}
    copies = [
        pool.submit(_snapshot if kind == "snapshot" else _image, reader, records[kind, name])
        for kind, name in sorted(records)
        if _is_copy(reader, records[kind, name], known, names)
    ]
    return tuple(copy.result() for copy in copies)


def _search(reader: Reader, kind: str, search: Mapping[str, list[str]]) -> list[Record]:
    """Return the records of this account only: other accounts can create images with any name and tags."""
    filters = [{"Name": name, "Values": values} for name, values in search.items()]
    if kind == "snapshot":
        answer = reader.api.call("ec2", "describe_snapshots", Filters=filters, OwnerIds=["self"])
        return list(answer["Snapshots"])
    return list(reader.api.call("ec2", "describe_images", Filters=filters, Owners=["self"])["Images"])


def _id_of(record: Record) -> str:
    return str(record.get("SnapshotId") or record["ImageId"])


def _is_copy(reader: Reader, record: Record, known: set[str], names: Iterable[str]) -> bool:
    """Return whether a record is a copy of the cluster's disks; one with the tags of another cluster is not."""
    tags, ours = tags_of(record), owner_tags(reader.spec)
    if ours.items() <= tags.items() or {record.get("VolumeId"), record.get("SourceInstanceId")} & known:
        return True
    text = " ".join((record.get("Name") or "", record.get("Description") or "", tags.get("Name", "")))
    words = [*map(re.escape, (*names, *known))]
    is_named = re.search(rf"(?<![\w-])(?:{'|'.join(words)})(?!\w)", text) is not None
    return is_named and all(tags.get(key, value) == value for key, value in ours.items())


def _snapshot(reader: Reader, record: Record) -> CopyFact:
    answer = reader.api.call(
        "ec2", "describe_snapshot_attribute", SnapshotId=record["SnapshotId"], Attribute="createVolumePermission"
    )
    shared = _shared_with(answer.get("CreateVolumePermissions"))
    return CopyFact(reader.known(record, "SnapshotId"), "snapshot", bool(record.get("Encrypted")), shared)


def _image(reader: Reader, record: Record) -> CopyFact:
    answer = reader.api.call("ec2", "describe_image_attribute", ImageId=record["ImageId"], Attribute="launchPermission")
    disks = [item["Ebs"] for item in record.get("BlockDeviceMappings") or () if item.get("Ebs")]
    snapshots = tuple(disk["SnapshotId"] for disk in disks if disk.get("SnapshotId"))
    shared = _shared_with(answer.get("LaunchPermissions"))
    # The disks of an image are snapshots, whose encryption is checked there.
    return CopyFact(reader.known(record, "ImageId"), "image", True, shared, snapshots)


def _shared_with(permissions: Iterable[Record] | None) -> tuple[str, ...]:
    keys = ("Group", "UserId", "OrganizationArn", "OrganizationalUnitArn")
    return tuple(sorted(item[key] for item in permissions or () for key in keys if item.get(key)))


def read_documents(reader: Reader) -> tuple[DocumentFact, ...]:
    """Return the SSM documents with the cluster's tags, and the accounts that may read them."""
    owner = {f"tag:{key}": value for key, value in owner_tags(reader.spec).items()}
    filters = [{"Key": key, "Values": [value]} for key, value in {"Owner": "Self", **owner}.items()]
    answer = reader.api.call("ssm", "list_documents", Filters=filters)
    return tuple(_document(reader, item["Name"]) for item in answer["DocumentIdentifiers"])


def _document(reader: Reader, name: str) -> DocumentFact:
    answer = reader.api.call("ssm", "describe_document_permission", Name=name, PermissionType="Share")
    return DocumentFact(name, tuple(sorted(account.lower() for account in answer.get("AccountIds") or ())))


def read_iam(
    reader: Reader, profiles: Iterable[str], pool: Executor
) -> tuple[tuple[ProfileFact, ...], tuple[RoleFact, ...]]:
    """Return the described instance profiles, those given, and every role in them or described."""
    described = profiles_of(reader.spec)
    names = sorted({*profiles, *described})
    found = {name: pool.submit(_iam, reader, "get_instance_profile", InstanceProfileName=name) for name in names}
    facts = tuple(
        ProfileFact(name, tuple(role["RoleName"] for role in future.result()["InstanceProfile"].get("Roles", ())))
        for name, future in found.items()
        if future.result()
    )
    # The role that closes home access is in no profile.
    closing = reader.spec.schedule_role_name
    wanted = sorted({*described, closing, *(role for fact in facts for role in fact.roles)})
    roles = [pool.submit(_read_role, reader, name) for name in wanted]
    return facts, tuple(role for future in roles if (role := future.result()))


def profiles_of(spec: ClusterSpec) -> set[str]:
    """Return the names of the described instance profiles; the role in each has the same name."""
    return {item.name for item in desired(spec).values() if item.kind == "instance_profile"}


def _read_role(reader: Reader, name: str) -> RoleFact | None:
    role = _iam(reader, "get_role", RoleName=name)
    if not role or (name == reader.spec.schedule_role_name and not is_of(reader.spec, tags_of(role["Role"]))):
        # A role with that name but without our tags is not used; the plan reports it as a conflict.
        return None
    policies = _iam(reader, "list_role_policies", RoleName=name).get("PolicyNames", ())
    documents = {policy: _iam(reader, "get_role_policy", RoleName=name, PolicyName=policy) for policy in policies}
    attached = _iam(reader, "list_attached_role_policies", RoleName=name).get("AttachedPolicies", ())
    profiles = _iam(reader, "list_instance_profiles_for_role", RoleName=name).get("InstanceProfiles", ())
    return RoleFact(
        name=name,
        trust=role["Role"]["AssumeRolePolicyDocument"],
        statements=tuple(
            (policy, statement)
            for policy, answer in documents.items()
            for statement in listed(answer.get("PolicyDocument", {}).get("Statement", []))
        ),
        attached=tuple(policy["PolicyArn"] for policy in attached),
        profiles=tuple(sorted(profile["InstanceProfileName"] for profile in profiles)),
        text_secrets=text_secrets(role["Role"]),
    )


def listed(value: Any) -> list[Any]:
    """Return the items of a policy's element: IAM accepts a single item with or without a list around it."""
    return value if isinstance(value, list) else [value]


def _iam(reader: Reader, operation: str, **parameters: str) -> dict[str, Any]:
    """Return a response of IAM, or nothing if the resource was deleted after it was listed."""
    try:
        return reader.api.call("iam", operation, **parameters)
    except AwsError as error:
        if is_not_found(error):
            return {}
        raise
