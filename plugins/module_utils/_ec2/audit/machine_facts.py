# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read instances, their launch templates and disks, and their permissions. Private: may change at any time."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from ..bastion.current import checksum
from ..client import existing
from ..desired import ALIVE, RUNNING, desired, role_tags
from ..hours.schedules import NODES_TAG
from ..identity import USER_DATA_TAG, owner_tags
from ..plan.current import root_volume_of
from ..spec import ClusterSpec
from .facts import (
    CopyFact,
    ImageFact,
    Known,
    Machine,
    OutsideInstance,
    OutsideInterface,
    ProfileFact,
    Reader,
    Record,
    RoleFact,
    VolumeFact,
    tags_of,
    text_secrets,
)
from .scaling_facts import ALWAYS_USED, Versions
from .secrets import find_secrets

_IMDS_OFF = ("HttpProtocolIpv6", "InstanceMetadataTags")


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
    outside = [
        face for face in record.get("NetworkInterfaces") or () if face.get("VpcId") not in (None, record["VpcId"])
    ]
    tags = tags_of(record)
    return machine._replace(
        outside_interfaces=tuple(map(_outside_interface, outside)),
        root_volume=root_volume_of(record),
        scaling_group=tags.get("aws:autoscaling:groupName", ""),
        launched_with=tags.get(USER_DATA_TAG, ""),
        nodes_of=tags.get(NODES_TAG, ""),
        running=(record.get("State") or {}).get("Name") in RUNNING,
    )


def _outside_interface(record: Record) -> OutsideInterface:
    public = (record.get("Association") or {}).get("PublicIp", "")
    return OutsideInterface(record["NetworkInterfaceId"], record["VpcId"], public)


def read_profile_users(reader: Reader) -> dict[str, str]:
    """Return the profile of every instance in account and region: EC2 cannot filter by profile."""
    answer = reader.api.call("ec2", "describe_iam_instance_profile_associations")
    used = [item for item in answer["IamInstanceProfileAssociations"] if item["State"] in ("associating", "associated")]
    return {item["InstanceId"]: item["IamInstanceProfile"]["Arn"].rpartition("/")[2] for item in used}


def read_outside_instances(reader: Reader, ids: Iterable[str], users: Mapping[str, str]) -> tuple[OutsideInstance, ...]:
    """Return the instances outside of the cluster's VPC, except those that are being terminated."""
    wanted = sorted(ids)
    if not wanted:
        return ()
    filters = {"instance-state-name": [*ALIVE], "instance-id": wanted}
    reservations = reader.ec2("describe_instances", "Reservations", filters)
    records = [record for reservation in reservations for record in reservation["Instances"]]
    return tuple(
        OutsideInstance(item["InstanceId"], item.get("VpcId", "another network"), users.get(item["InstanceId"]))
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
        image=record.get("ImageId"),
        key_name=record.get("KeyName") or None,
        imds_more=tuple(name for name in _IMDS_OFF if metadata.get(name) == "enabled"),
    )


def read_templates(reader: Reader, ours: Iterable[Record], used: Versions) -> tuple[Machine, ...]:
    """Return all versions of each template that belongs to the cluster or that its instances were launched from.

    Everyone who may read templates can read every version, including those that are no longer used.
    """
    owned = {item["LaunchTemplateId"]: item for item in ours}
    named = {template for template, _version in used if template.startswith("lt-")} - owned.keys()
    records = [*owned.values(), *(record for name in sorted(named) for record in _read_template(reader, name))]
    return tuple(machine for record in records for machine in _template(reader, record, used))


def _read_template(reader: Reader, template_id: str) -> list[Record]:
    """Return the template, or nothing if it was deleted after an instance was launched from it."""
    answer = existing(reader.api, "ec2", "describe_launch_templates", LaunchTemplateIds=[template_id])
    return list(answer["LaunchTemplates"]) if answer else []


def _template(reader: Reader, record: Record, used: Versions) -> Iterator[Machine]:
    template_id = record["LaunchTemplateId"]
    answer = reader.api.call("ec2", "describe_launch_template_versions", LaunchTemplateId=template_id)
    latest, default = str(record["LatestVersionNumber"]), str(record["DefaultVersionNumber"])
    aliases = dict(zip(ALWAYS_USED, (latest, default), strict=True))
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
    faces = [item.get("NetworkInterfaceId", "a new one") for item in data.get("NetworkInterfaces") or ()]
    return _machine("launch template", known, data, data.get("UserData"), name)._replace(
        public_ipv4=any(item.get("AssociatePublicIpAddress") for item in data.get("NetworkInterfaces") or ()),
        unencrypted=tuple(str(item.get("DeviceName")) for item in disks if not item["Ebs"].get("Encrypted")),
        version=number,
        interfaces=(*faces, *("a secondary one" for _face in data.get("SecondaryInterfaces") or ())),
        disks=tuple(_disk_text(item) for item in disks),
        cpu_credits=(data.get("CreditSpecification") or {}).get("CpuCredits"),
    )


def _disk_text(mapping: Record) -> str:
    snapshot = mapping["Ebs"].get("SnapshotId")
    return f"{mapping.get('DeviceName')} from {snapshot}" if snapshot else ""


def read_volumes(reader: Reader, ours: Iterable[Record], instances: list[str]) -> tuple[VolumeFact, ...]:
    """Return the volumes of the cluster, and those attached to the instances."""
    attached = reader.ec2("describe_volumes", "Volumes", {"attachment.instance-id": instances}) if instances else []
    records = {record["VolumeId"]: record for record in (*ours, *attached)}
    return tuple(_volume(reader, records[volume]) for volume in sorted(records))


def _volume(reader: Reader, record: Record) -> VolumeFact:
    users = tuple(item["InstanceId"] for item in record.get("Attachments") or () if item.get("InstanceId"))
    key = str(record.get("KmsKeyId") or "").split(":")
    account = key[4] if len(key) > 5 else None
    known = reader.known(record, "VolumeId")
    return VolumeFact(known, record["Encrypted"], users, record.get("SnapshotId") or None, account)


def read_images(reader: Reader, images: Iterable[str]) -> tuple[ImageFact, ...]:
    """Return the images that still exist. A filter, because an id that does not exist any more would be an error."""
    wanted = [{"Name": "image-id", "Values": sorted(images)}]
    if not wanted[0]["Values"]:
        return ()
    records = reader.api.call("ec2", "describe_images", Filters=wanted, IncludeDeprecated=True)["Images"]
    return tuple(
        ImageFact(item["ImageId"], item["OwnerId"], item.get("ImageOwnerAlias") == "amazon") for item in records
    )


def read_copies(reader: Reader, volumes: list[str], instances: list[str], pool: Executor) -> tuple[CopyFact, ...]:
    """Return the snapshots and images of the cluster's disks.

    They have its tags or were created from its volumes and instances. Those of terminated instances are found by the
    ids in the Auto Scaling history, and by instance names in their own name or description.
    """
    names = [*(item.name for item in desired(reader.spec).values() if item.kind in ("instance", "launch_template"))]
    names += [reader.spec.names.bastion]
    found = [
        (kind, pool.submit(_search, reader, kind, search))
        for kind, search in _searches(reader, volumes, instances, names)
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


def _searches(
    reader: Reader, volumes: list[str], instances: list[str], names: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, list[str]]]]:
    """Yield what to search for, with the kind of copy."""
    ours = {f"tag:{key}": [value] for key, value in owner_tags(reader.spec).items()}
    called = [f"*{name}*" for name in names]
    for kind in ("snapshot", "image"):
        yield from ((kind, ours), (kind, {"tag:Name": called}))
    yield "snapshot", {"volume-id": volumes}
    yield "snapshot", {"description": [*called, *(f"*{instance}*" for instance in instances)]}
    yield "image", {"source-instance-id": instances}
    yield from (("image", {field: called}) for field in ("name", "description"))


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
    source = record["VolumeId"] if "SnapshotId" in record else record.get("SourceInstanceId")
    if ours.items() <= tags.items() or source in known:
        return True
    text = " ".join((record.get("Name") or "", record.get("Description") or "", tags.get("Name", "")))
    words = [*map(re.escape, (*names, *known))]
    is_named = re.search(rf"(?<![\w-])(?:{'|'.join(words)})(?!\w)", text) is not None
    return is_named and all(tags.get(key, value) == value for key, value in ours.items())


def _snapshot(reader: Reader, record: Record) -> CopyFact:
    answer = reader.api.call(
        "ec2", "describe_snapshot_attribute", SnapshotId=record["SnapshotId"], Attribute="createVolumePermission"
    )
    shared = _shared_with(answer["CreateVolumePermissions"])
    return CopyFact(reader.known(record, "SnapshotId"), "snapshot", bool(record.get("Encrypted")), shared)


def _image(reader: Reader, record: Record) -> CopyFact:
    answer = reader.api.call("ec2", "describe_image_attribute", ImageId=record["ImageId"], Attribute="launchPermission")
    disks = [item["Ebs"] for item in record.get("BlockDeviceMappings") or () if item.get("Ebs")]
    snapshots = tuple(disk["SnapshotId"] for disk in disks if disk.get("SnapshotId"))
    shared = _shared_with(answer["LaunchPermissions"])
    # The disks of an image are snapshots, whose encryption is checked there.
    return CopyFact(reader.known(record, "ImageId"), "image", True, shared, snapshots)


def _shared_with(permissions: Iterable[Record]) -> tuple[str, ...]:
    keys = ("Group", "UserId", "OrganizationArn", "OrganizationalUnitArn")
    named = ([item[key] for key in keys if item.get(key)] for item in permissions)
    return tuple(sorted(name for names in named for name in names or ["an unknown account"]))


def read_iam(
    reader: Reader, profiles: Iterable[str], pool: Executor
) -> tuple[tuple[ProfileFact, ...], tuple[RoleFact, ...]]:
    """Return the described instance profiles, those given, and every role in them or described."""
    described = profiles_of(reader.spec)
    names = sorted({*profiles, *described})
    found = {name: pool.submit(_iam, reader, "get_instance_profile", InstanceProfileName=name) for name in names}
    answers = {name: future.result() for name, future in found.items()}
    facts = tuple(_profile(name, answer["InstanceProfile"]) for name, answer in answers.items() if answer is not None)
    # The roles of schedules are in no profile.
    wanted = sorted({*described, *_schedule_roles(reader.spec), *(role for fact in facts for role in fact.roles)})
    roles = [pool.submit(_read_role, reader, name) for name in wanted]
    return facts, tuple(role for future in roles if (role := future.result()))


def _profile(name: str, record: Record) -> ProfileFact:
    return ProfileFact(name, tuple(role["RoleName"] for role in record["Roles"]), text_secrets(record))


def profiles_of(spec: ClusterSpec) -> set[str]:
    """Return the names of the described instance profiles; the role in each has the same name."""
    return {item.name for item in desired(spec).values() if item.kind == "instance_profile"}


def _schedule_roles(spec: ClusterSpec) -> tuple[str, str]:
    return spec.schedule_role_name, spec.hours_name


def _read_role(reader: Reader, name: str) -> RoleFact | None:
    role = _iam(reader, "get_role", RoleName=name)
    if role is None:
        return None
    # The schedules name their roles by ARN, whatever tags these have.
    wanted = role_tags(reader.spec) if name in _schedule_roles(reader.spec) else {}
    policies = _listing(reader, "list_role_policies", "PolicyNames", name)
    documents = {policy: _iam(reader, "get_role_policy", RoleName=name, PolicyName=policy) for policy in policies}
    attached = _listing(reader, "list_attached_role_policies", "AttachedPolicies", name)
    profiles = _listing(reader, "list_instance_profiles_for_role", "InstanceProfiles", name)
    return RoleFact(
        name=name,
        trust=role["Role"]["AssumeRolePolicyDocument"],
        statements=tuple(
            (policy, statement)
            for policy, answer in documents.items()
            for statement in (() if answer is None else listed(answer["PolicyDocument"]["Statement"]))
        ),
        attached=tuple(policy["PolicyArn"] for policy in attached),
        profiles=tuple(sorted(profile["InstanceProfileName"] for profile in profiles)),
        text_secrets=text_secrets(role["Role"]),
        missing=tuple(wanted.items() - tags_of(role["Role"]).items()),
    )


def _listing(reader: Reader, operation: str, key: str, role: str) -> list[Any]:
    answer = _iam(reader, operation, RoleName=role)
    return [] if answer is None else list(answer[key])


def listed(value: Any) -> list[Any]:
    """Return the items of a policy's element: IAM accepts a single item with or without a list around it."""
    return value if isinstance(value, list) else [value]


def _iam(reader: Reader, operation: str, **parameters: str) -> dict[str, Any] | None:
    """Return a response of IAM, or None if the resource was deleted after it was listed."""
    return existing(reader.api, "iam", operation, **parameters)
