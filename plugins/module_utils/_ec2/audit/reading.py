# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read everything in an account that determines a cluster's exposure. Private: may change at any time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ..._findings import finding
from ..client import Api, AwsError
from ..spec import ClusterSpec
from .facts import Account, Reader
from .hours import read_hours
from .machine_facts import (
    profiles_of,
    read_copies,
    read_iam,
    read_images,
    read_instances,
    read_outsiders,
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


def read_account(api: Api, spec: ClusterSpec) -> Account:
    """Return the facts, or raise AwsError: what cannot be read is not closed."""
    try:
        return _read_account(Reader(api, spec))
    except (LookupError, AttributeError, TypeError, ValueError) as error:
        cause = f"a response lacks a field or has an unexpected value ({type(error).__name__}: {error})"
        raise AwsError(finding("ANSWER_INVALID", f"read what cluster {spec.name} is exposed by", cause)) from error


def _read_account(reader: Reader) -> Account:
    """Return the facts, read in waves of parallel calls: each wave needs ids from the previous one."""
    # Readers that make parallel calls themselves must not wait in the pool that runs these calls.
    with ThreadPoolExecutor(_WORKERS) as pool, ThreadPoolExecutor(_WORKERS) as outer:
        named = dict(zip(_NAMED, outer.map(reader.named, _NAMED), strict=True))
        vpcs = named["vpc"].ours
        scaling = outer.submit(read_scaling_groups, reader, named["autoscaling_group"].ours, pool)
        users = outer.submit(read_profile_users, reader)
        documents = outer.submit(read_documents, reader)
        parameters = outer.submit(read_parameters, reader)
        hours = outer.submit(read_hours, reader)
        network = [outer.submit(read_network, reader, vpc, pool) for vpc in vpcs]
        instances = [outer.submit(read_instances, reader, vpc, pool) for vpc in vpcs]
        machines = tuple(machine for part in instances for machine in part.result()[0])
        ids = [machine.known.id for machine in machines]
        images = outer.submit(read_images, reader, {machine.image for machine in machines if machine.image})
        volumes = outer.submit(read_volumes, reader, named["volume"].ours, ids)
        groups, made_of = scaling.result()
        ended = [instance for group in groups for instance in group.ended]
        copies = outer.submit(
            read_copies, reader, [volume.known.id for volume in volumes.result()], [*ids, *ended], pool
        )
        used = {*made_of, *(item for group in groups for item in group.templates)}
        used = used.union(*(part.result()[1] for part in instances))
        templates = read_templates(reader, named["launch_template"].ours, used)
        profiles = {machine.profile for machine in (*machines, *templates) if machine.profile}
        iam = outer.submit(read_iam, reader, profiles, pool)
        parts = _merged([part.result() for part in network])
        elsewhere = {face.instance for face in parts.interfaces if face.instance}
        described = profiles_of(reader.spec)
        elsewhere |= {instance for instance, profile in users.result().items() if profile in described}
        elsewhere |= {instance for volume in volumes.result() for instance in volume.instances}
        return parts._replace(
            unmanaged=tuple(thing for found in named.values() for thing in found.unmanaged),
            # The described policies name the account, also where roles are left without a VPC.
            owners=parts.owners or (reader.api.call("sts", "get_caller_identity")["Account"],),
            machines=(*machines, *templates),
            outsiders=read_outsiders(reader, elsewhere - set(ids), users.result()),
            scaling_groups=tuple(with_lost_versions(group, templates) for group in groups),
            volumes=volumes.result(),
            copies=copies.result(),
            documents=documents.result(),
            parameters=parameters.result(),
            images=images.result(),
            addresses=addresses_of(reader, named["address"].ours),
            profiles=iam.result()[0],
            roles=iam.result()[1],
            hours=hours.result(),
        )


def _merged(parts: list[Account]) -> Account:
    """Return one account: several VPCs with the same tags are one cluster, and a deviation."""
    fields = {name: tuple(item for part in parts for item in getattr(part, name)) for name in Account._fields}
    return Account(**fields)
