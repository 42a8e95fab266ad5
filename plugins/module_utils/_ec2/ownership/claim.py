# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The claim on a cluster, which ensures that it has one owner at a time. Private: may change at any time.

A claim is a parameter in SSM, whose name is unique in account and region and which is created but never overwritten,
so of two controllers that begin at the same moment exactly one gets it. It holds the fingerprint of the cluster's
certificate authority, which only the owner's secrets bundle has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..._errors import Ec2Error
from ..client import Api
from ..desired import ALIVE
from ..identity import MADE_BY, Identity, claim_name, owner_filters
from .parameter import ClusterParameter, Held, short_text

Now = Callable[[], datetime]


class ExistingResource(NamedTuple):
    """An existing resource of the cluster: its id, and as text."""

    id: str
    text: str


# Returns the existing resources of the cluster; called only if the claim is missing.
ReadExisting = Callable[[], Sequence[ExistingResource]]
_SHOWN = 6
_WORK_OR_RESET = (
    "Use the controller that has the secrets, or copy its cluster_secrets_directory to this controller. If it is lost, "
    "remove the cluster with playbooks/reset.yml and -e reset_claim={claim}, which names this claim. To create another "
    "cluster, choose another cluster_name."
)


class Unclaimed(Ec2Error):
    """A cluster exists without a claim, so its owner is not known."""


class Claim(NamedTuple):
    """The owner of a cluster: the fingerprint of its authority, the holder, and the time (ISO 8601, UTC)."""

    authority: str
    holder: str
    since: str


class Plan(NamedTuple):
    """The planned change of a claim."""

    changed: bool
    before: Claim | None
    after: Claim | None


class ClaimClient(ClusterParameter):
    """API calls for the claim on one cluster."""

    def __init__(self, api: Api, cluster: Identity) -> None:
        super().__init__(
            api,
            cluster,
            name=claim_name(cluster.project, cluster.name),
            purpose="claim",
            description=f"Owner of a Talos cluster, {MADE_BY}",
        )

    def read_claim(self) -> Claim | None:
        """Return the claim, or None if the cluster is not claimed; fail for a parameter without the cluster's tags."""
        held = self.read_own()
        return parse_claim(self.name, held.text) if held else None


def parse_claim(name: str, text: str) -> Claim:
    """Return the claim in a parameter's value."""
    try:
        value = json.loads(text)
        claim = Claim(*(str(value[field]) for field in Claim._fields))
        if not claim.authority:
            raise ValueError("a claim without an authority names no owner")
        return claim
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        named = checksum_of(text)
        raise Ec2Error(
            f"Failed to read the claim {name}: its value is not a claim of urmanac.talos. Find out who changed it and "
            f"its previous value (aws ssm get-parameter-history --name {name}), and ask the owner to restore that "
            f"value. Do not delete it: it protects the cluster. If the owner's secrets are lost, remove the cluster "
            f"with playbooks/reset.yml and -e reset_claim={named}, which names this value.",
            code="CLAIM_INVALID",
        ) from error


def checksum_of(text: str) -> str:
    """Return what names a value that is not a claim; a claim is named by its authority."""
    return hashlib.sha256(text.encode()).hexdigest()


def existing_things(api: Api, cluster: Identity) -> list[ExistingResource]:
    """Return the instances and VPCs of the cluster, with the launch times of instances."""
    filters = owner_filters(cluster)
    return [
        *_machines(api, filters),
        *(ExistingResource(vpc["VpcId"], f"VPC {vpc['VpcId']}") for vpc in _vpcs(api, filters)),
    ]


def _machines(api: Api, filters: Sequence[dict[str, Any]]) -> Iterator[ExistingResource]:
    states = {"Name": "instance-state-name", "Values": [*ALIVE]}
    answer = api.call("ec2", "describe_instances", Filters=[*filters, states])
    machines = [machine for reservation in answer["Reservations"] for machine in reservation["Instances"]]
    for machine in sorted(machines, key=lambda machine: (machine["LaunchTime"], machine["InstanceId"])):
        since = machine["LaunchTime"].astimezone(UTC).isoformat(timespec="seconds")
        yield ExistingResource(machine["InstanceId"], f"instance {machine['InstanceId']} since {since}")


def _vpcs(api: Api, filters: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    vpcs: list[dict[str, Any]] = api.call("ec2", "describe_vpcs", Filters=[*filters])["Vpcs"]
    return vpcs


def ensure_claimed(
    client: ClaimClient,
    authority: str,
    holder: str,
    *,
    now: Now,
    existing: ReadExisting,
    unclaimed: str = "",
    check_mode: bool,
) -> Plan:
    """Claim the cluster for this authority, or fail if it belongs to another one.

    The owner of a cluster that exists without a claim is not known, so it is claimed only if unclaimed is the id of
    something of it. If the creation fails, the claim is read again: it is ours if our own response was lost.
    """
    current = client.read_claim()
    if current is None:
        _refuse_unclaimed(client.name, existing(), known=unclaimed if authority else "")
    wanted = Claim(authority, short_text(holder), now().astimezone(UTC).isoformat(timespec="seconds"))
    if current is None:
        held = check_mode or client.create_or_read(json.dumps(wanted._asdict()))
        if held is True:
            return Plan(changed=True, before=None, after=wanted)
        current = _claim_of_other(client.name, held or None)
    _refuse_other(client.name, current, authority)
    return Plan(changed=False, before=current, after=current)


def _claim_of_other(name: str, held: Held | None) -> Claim:
    """Return the claim that exists since another controller, or our own call without an answer, has created it."""
    if held is None:
        raise Ec2Error(
            f"Failed to claim {name}: another controller created and deleted it at the same time. Run the playbook "
            "again."
        )
    return parse_claim(name, held.text)


def ensure_released(
    client: ClaimClient, authority: str, *, existing: ReadExisting, unclaimed: str = "", override: str, check_mode: bool
) -> Plan:
    """Delete the claim if it belongs to this authority, or if override names it.

    A claim is named by its fingerprint, and a cluster without a claim by an id of it, so a value that was given for
    one cluster does not remove another one.
    """
    held = client.read_own()
    if held is None:
        _refuse_unclaimed(client.name, existing(), known=override or (unclaimed if authority else ""))
        return Plan(changed=False, before=None, after=None)
    current = _named_or_own(client.name, held.text, authority, override)
    if not check_mode:
        client.delete()
    return Plan(changed=True, before=current, after=None)


def _named_or_own(name: str, text: str, authority: str, override: str) -> Claim:
    """Return the claim that override names, or that belongs to this authority; fail for another one."""
    try:
        claim = parse_claim(name, text)
    except Ec2Error:
        if override != checksum_of(text):
            raise
        return Claim("", f"not known: {text[:100]}", "")
    if override != claim.authority:
        _refuse_other(name, claim, authority)
    return claim


def _refuse_other(name: str, claim: Claim, authority: str) -> None:
    if claim.authority == authority:
        return
    raise Ec2Error(
        f"Failed to claim the cluster of {name}: it belongs to another controller, {claim.holder}, since "
        f"{claim.since}. {_WORK_OR_RESET.format(claim=claim.authority)}",
        code="CLAIMED_BY_OTHER_CONTROLLER",
    )


def _refuse_unclaimed(name: str, existing: Sequence[ExistingResource], *, known: str) -> None:
    """Fail for a cluster that exists without a claim, unless known is an id of it: its secrets may be elsewhere.

    A value that was given once and left in a file is then of no use for any other cluster.
    """
    ids = [found.id for found in existing]
    if not ids or known in ids:
        return
    shown = ", ".join(found.text for found in existing[:_SHOWN])
    more = f" and {len(existing) - _SHOWN} more" if len(existing) > _SHOWN else ""
    raise Unclaimed(
        f"Failed to claim the cluster of {name}: it already exists ({shown}{more}) without a "
        f"claim, so its owner is not known. If it is yours and the controller has its secrets (in "
        f"secrets.yaml; those in secrets.pending.yaml were never used), add -e cluster_claim_existing={ids[-1]} to "
        f"claim it again. To remove it with playbooks/reset.yml, add -e "
        f"reset_claim={ids[-1]}. Otherwise use the controller that has the secrets, copy its cluster_secrets_directory "
        f"to this controller, or choose another cluster_name.",
        code="CLUSTER_UNCLAIMED",
    )
