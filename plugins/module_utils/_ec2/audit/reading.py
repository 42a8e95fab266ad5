# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read everything in an account that determines a cluster's exposure. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import NamedTuple

from ..._findings import finding
from ..client import Api, AwsError
from ..spec import ClusterSpec
from .facts import (
    Account,
    CopyFact,
    ImageFact,
    Machine,
    Named,
    ProfileFact,
    Reader,
    RoleFact,
    ScalingGroup,
    VolumeFact,
)
from .hours import read_hours
from .machine_facts import (
    profiles_of,
    read_copies,
    read_iam,
    read_images,
    read_instances,
    read_outside_instances,
    read_profile_users,
    read_templates,
    read_volumes,
)
from .network_facts import addresses_of, read_network
from .parameter_facts import read_documents, read_parameters
from .scaling_facts import read_scaling_groups, with_lost_versions

SERVICES = ("ec2", "iam", "autoscaling", "ssm", "sts", "scheduler")
_WORKERS = 16
# The kinds that are found by their tags. All others are found by the VPC, or by their names.
_NAMED = ("vpc", "address", "launch_template", "volume", "autoscaling_group")
_BY_NAME: Sequence[Callable[[Reader], Account]] = (
    lambda reader: Account(documents=read_documents(reader)),
    lambda reader: Account(parameters=read_parameters(reader)),
    lambda reader: Account(hours=read_hours(reader)),
)


def read_account(api: Api, spec: ClusterSpec) -> Account:
    """Return the facts, or raise AwsError: what cannot be read is not closed."""
    try:
        return _read_account(Reader(api, spec))
    except (LookupError, AttributeError, TypeError, ValueError) as error:
        cause = f"a response lacks a field or has an unexpected value ({type(error).__name__}: {error})"
        raise AwsError(finding("ANSWER_INVALID", f"read what cluster {spec.name} is exposed by", cause)) from error


class _Compute(NamedTuple):
    """What the cluster runs on; a Future is still being read."""

    machines: tuple[Machine, ...]
    templates: tuple[Machine, ...]
    groups: Sequence[ScalingGroup]
    volumes: tuple[VolumeFact, ...]
    copies: Future[tuple[CopyFact, ...]]
    images: Future[tuple[ImageFact, ...]]
    iam: Future[tuple[tuple[ProfileFact, ...], tuple[RoleFact, ...]]]

    def facts(self) -> Account:
        """Return the facts when all are read."""
        profiles, roles = self.iam.result()
        return Account(
            machines=(*self.machines, *self.templates),
            scaling_groups=tuple(with_lost_versions(group, self.templates) for group in self.groups),
            volumes=self.volumes,
            copies=self.copies.result(),
            images=self.images.result(),
            profiles=profiles,
            roles=roles,
        )


def _read_account(reader: Reader) -> Account:
    """Return the facts, read in waves of parallel calls: each wave needs ids from the previous one."""
    # Readers that make parallel calls themselves must not wait in the pool that runs these calls.
    with ThreadPoolExecutor(_WORKERS) as pool, ThreadPoolExecutor(_WORKERS) as outer:
        named = dict(zip(_NAMED, outer.map(reader.named, _NAMED), strict=True))
        users = outer.submit(read_profile_users, reader)
        parts = [outer.submit(read, reader) for read in _BY_NAME]
        parts += [outer.submit(read_network, reader, vpc, pool) for vpc in named["vpc"].ours]
        compute = _read_compute(reader, named, pool, outer)
        found = _merged([part.result() for part in parts])
        outside = _instances_that_use(found, compute.volumes, users.result(), profiles_of(reader.spec))
        outside -= {machine.known.id for machine in compute.machines}
        outside_instances = read_outside_instances(reader, outside, users.result())
        return _merged([found, compute.facts()])._replace(
            unmanaged=tuple(thing for each in named.values() for thing in each.unmanaged),
            # The described policies name the account, also where roles are left without a VPC.
            owners=found.owners or (reader.api.call("sts", "get_caller_identity")["Account"],),
            outside_instances=outside_instances,
            addresses=addresses_of(reader, named["address"].ours),
        )


def _read_compute(reader: Reader, named: Mapping[str, Named], pool: Executor, outer: Executor) -> _Compute:
    """Read machines, and then what their ids lead to."""
    scaling = outer.submit(read_scaling_groups, reader, named["autoscaling_group"].ours, pool)
    instances = [outer.submit(read_instances, reader, vpc, pool) for vpc in named["vpc"].ours]
    machines = tuple(machine for part in instances for machine in part.result()[0])
    ids = [machine.known.id for machine in machines]
    images = outer.submit(read_images, reader, {machine.image for machine in machines if machine.image})
    volumes = outer.submit(read_volumes, reader, named["volume"].ours, ids)
    groups, made_of = scaling.result()
    ended = [instance for group in groups for instance in group.ended]
    disks = [volume.known.id for volume in volumes.result()]
    copies = outer.submit(read_copies, reader, disks, [*ids, *ended], pool)
    used = {*made_of, *(item for group in groups for item in group.templates)}
    used = used.union(*(part.result()[1] for part in instances))
    templates = read_templates(reader, named["launch_template"].ours, used)
    profiles = {machine.profile for machine in (*machines, *templates) if machine.profile}
    iam = outer.submit(read_iam, reader, profiles, pool)
    return _Compute(machines, templates, groups, volumes.result(), copies, images, iam)


def _instances_that_use(
    parts: Account, volumes: Iterable[VolumeFact], users: Mapping[str, str], described: Collection[str]
) -> set[str]:
    """Return the instances that use an interface, a profile or a volume of the cluster."""
    found = {face.instance for face in parts.interfaces if face.instance}
    found |= {instance for instance, profile in users.items() if profile in described}
    return found | {instance for volume in volumes for instance in volume.instances}


def _merged(parts: list[Account]) -> Account:
    """Return one account: several VPCs with the same tags are one cluster, and a deviation."""
    fields = {name: tuple(item for part in parts for item in getattr(part, name)) for name in Account._fields}
    return Account(**fields)
