# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The claim on a cluster: one owner at a time. Private to urmanac.talos: may change at any time.

A claim is a parameter in SSM, whose name is unique in account and region and which is created but never overwritten,
so of two controllers that begin at the same moment exactly one gets it. It holds the fingerprint of the cluster's
certificate authority, which only the owner's secrets bundle has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .._errors import Ec2Error
from .client import Api
from .desired import ALIVE
from .home_access import Identity
from .parameter import ClusterParameter

Now = Callable[[], datetime]
# What exists of the cluster, as texts; asked for only where the claim is missing.
Existing = Callable[[], Sequence[str]]
_SHOWN = 6
_WORK_OR_RESET = (
    "Work from the controller that has the secrets, or copy its cluster_secrets_directory to this one. If that is "
    "lost, remove the cluster with playbooks/reset.yml and -e reset_claim=force. For a cluster of your own choose "
    "another cluster_name."
)


class Claim(NamedTuple):
    """Who owns a cluster: the fingerprint of its authority, who claimed it, and when (ISO 8601, UTC)."""

    authority: str
    holder: str
    since: str


class Plan(NamedTuple):
    """What is to be done about a claim."""

    changed: bool
    before: Claim | None
    after: Claim | None


def claim_name(project: str, name: str) -> str:
    """Return the name of the parameter, another one for each project and cluster."""
    return f"/urmanac.talos/{project}/{name}/claim"


class ClaimClient(ClusterParameter):
    """Calls about the claim on one cluster."""

    def __init__(self, api: Api, cluster: Identity) -> None:
        super().__init__(
            api,
            cluster,
            name=claim_name(cluster.project, cluster.name),
            purpose="claim",
            description="Owner of a Talos cluster, made by urmanac.talos",
        )

    def read_claim(self) -> Claim | None:
        """Return the claim, or None if the cluster is not claimed; refuse a parameter without the cluster's tags."""
        held = self.read_own()
        return parse_claim(self.name, held.text) if held else None


def parse_claim(name: str, text: str) -> Claim:
    """Return the claim in a parameter's value."""
    try:
        value = json.loads(text)
        return Claim(*(str(value[field]) for field in Claim._fields))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Ec2Error(
            f"Failed to read the claim {name}: its value is not a claim of urmanac.talos. Look at who changed it and "
            f"what it was before (aws ssm get-parameter-history --name {name}), and have the owner write that again. "
            "Do not delete it: it protects the cluster."
        ) from error


def existing_things(api: Api, cluster: Identity) -> list[str]:
    """Return the machines and networks of the cluster, with since when a machine exists; AWS tells no more of a VPC."""
    filters = [
        {"Name": "tag:Project", "Values": [cluster.project]},
        {"Name": "tag:Cluster", "Values": [cluster.name]},
    ]
    return [*_machines(api, filters), *(f"VPC {vpc['VpcId']}" for vpc in _vpcs(api, filters))]


def _machines(api: Api, filters: Sequence[dict[str, Any]]) -> Iterator[str]:
    states = {"Name": "instance-state-name", "Values": [*ALIVE]}
    answer = api.call("ec2", "describe_instances", Filters=[*filters, states])
    machines = [machine for reservation in answer["Reservations"] for machine in reservation["Instances"]]
    for machine in sorted(machines, key=lambda machine: (machine["LaunchTime"], machine["InstanceId"])):
        since = machine["LaunchTime"].astimezone(UTC).isoformat(timespec="seconds")
        yield f"instance {machine['InstanceId']} since {since}"


def _vpcs(api: Api, filters: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    vpcs: list[dict[str, Any]] = api.call("ec2", "describe_vpcs", Filters=[*filters])["Vpcs"]
    return vpcs


def ensure_claimed(
    client: ClaimClient,
    authority: str,
    holder: str,
    *,
    now: Now,
    existing: Existing,
    unclaimed: bool = False,
    check_mode: bool,
) -> Plan:
    """Claim the cluster for this authority, or refuse one that belongs to another.

    A cluster that exists without a claim may be anybody's, so it is claimed with unclaimed alone.
    An existing claim is read again after a refused creation: it is ours if the answer to our own creation was lost.
    """
    current = client.read_claim()
    if current is None and not (authority and unclaimed):
        _refuse_unclaimed(client.name, existing())
    wanted = Claim(authority, holder, now().astimezone(UTC).isoformat(timespec="seconds"))
    if current is None and (check_mode or client.create(json.dumps(wanted._asdict()))):
        return Plan(changed=True, before=None, after=wanted)
    current = current or client.read_claim()
    if current is None:
        raise Ec2Error(f"Failed to claim {client.name}: it was created and deleted by somebody else. Run it again.")
    _refuse_other(client.name, current, authority)
    return Plan(changed=False, before=current, after=current)


def ensure_released(
    client: ClaimClient, authority: str, *, existing: Existing, unclaimed: bool = False, force: bool, check_mode: bool
) -> Plan:
    """Delete the claim if it is this authority's; force deletes another's as well, and one that cannot be read."""
    held = client.read_own()
    if held is None:
        if not (force or (authority and unclaimed)):
            _refuse_unclaimed(client.name, existing())
        return Plan(changed=False, before=None, after=None)
    current = _parsed_or_shown(client.name, held.text) if force else parse_claim(client.name, held.text)
    if not force:
        _refuse_other(client.name, current, authority)
    if not check_mode:
        client.delete()
    return Plan(changed=True, before=current, after=None)


def _parsed_or_shown(name: str, text: str) -> Claim:
    try:
        return parse_claim(name, text)
    except Ec2Error:
        return Claim("", f"not known: {text[:100]}", "")


def _refuse_other(name: str, claim: Claim, authority: str) -> None:
    if claim.authority == authority:
        return
    raise Ec2Error(
        f"Failed to own the cluster of {name}: it belongs to another controller, {claim.holder}, since {claim.since}. "
        f"{_WORK_OR_RESET}"
    )


def _refuse_unclaimed(name: str, existing: Sequence[str]) -> None:
    """Refuse a cluster that exists without its claim: nothing proves that the secrets of this controller are of it."""
    if not existing:
        return
    more = f" and {len(existing) - _SHOWN} more" if len(existing) > _SHOWN else ""
    raise Ec2Error(
        f"Failed to own the cluster of {name}: it exists already ({', '.join(existing[:_SHOWN])}{more}), its claim is "
        "missing, and so nothing shows whose it is. If it is yours, and the secrets of this controller are of it, add "
        "-e cluster_claim_policy=force once to claim it again; to remove it with playbooks/reset.yml add "
        "-e reset_claim=force. Otherwise work from the controller that has the secrets, copy its "
        "cluster_secrets_directory to this one, or choose another cluster_name."
    )
