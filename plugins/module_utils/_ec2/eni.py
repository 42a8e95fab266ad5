# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring one network interface to its description. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from ipaddress import ip_address
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import Api
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error

# A new interface is not visible everywhere at once.
RETRY_ON = ("InvalidNetworkInterfaceID.NotFound",)
_OWNER_TAGS = ("Project", "Cluster")


@dataclass(frozen=True)
class Wanted:
    """A network interface as the user describes it. Without ipv6 any one address will do."""

    name: str
    subnet_id: str
    ipv4: str
    ipv6_enabled: bool = True
    ipv6: str | None = None
    security_group_ids: tuple[str, ...] = ()
    source_dest_check: bool = True
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Eni:
    """A network interface as it is, or as it would be; without an id it does not exist yet."""

    subnet_id: str
    ipv4: str
    ipv6: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    source_dest_check: bool
    description: str
    tags: Mapping[str, str]
    id: str | None = None
    mac: str | None = None
    attachment_id: str | None = None
    instance_id: str | None = None


class Plan(NamedTuple):
    """What is, what should be, and whether something has to be done; None stands for no interface at all."""

    changed: bool
    before: Eni | None
    after: Eni | None


class EniClient:
    """The calls about one network interface, as plain data."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def find(self, name: str, tags: Mapping[str, str]) -> Eni | None:
        """Return the interface with this name; of equal names, the one of the same project and cluster."""
        owner = {key: tags[key] for key in _OWNER_TAGS if key in tags}
        found = self._describe({f"tag:{key}": value for key, value in {"Name": name, **owner}.items()})
        if len(found) > 1:
            ids = ", ".join(sorted(str(eni.id) for eni in found))
            cause = f"{len(found)} of them have this name ({ids})"
            raise Ec2Error(f"Failed to find network interface {name}: {cause}. Delete or rename all but one.")
        return found[0] if found else None

    def holder_of(self, ipv4: str, subnet_id: str) -> Eni | None:
        """Return the interface that has this address already."""
        found = self._describe({"subnet-id": subnet_id, "addresses.private-ip-address": ipv4})
        return found[0] if found else None

    def create(self, eni: Eni, wanted: Wanted) -> Eni:
        """Create the interface and return it with its id and addresses."""
        parameters: dict[str, Any] = {
            "SubnetId": eni.subnet_id,
            "PrivateIpAddress": eni.ipv4,
            "Groups": list(eni.security_group_ids),
            "Description": eni.description,
            "TagSpecifications": [{"ResourceType": "network-interface", "Tags": _tag_list(eni.tags)}],
        }
        if wanted.ipv6:
            parameters["Ipv6Addresses"] = [{"Ipv6Address": wanted.ipv6}]
        elif wanted.ipv6_enabled:
            parameters["Ipv6AddressCount"] = 1
        answer = self._api.call("ec2", "create_network_interface", **parameters)["NetworkInterface"]
        return replace(_eni(answer), tags=eni.tags)

    def modify(self, before: Eni, after: Eni) -> None:
        """Bring description, security groups, source/dest check and tags from before to after, each if it differs."""
        # AWS takes one attribute a call.
        if before.description != after.description:
            self._modify(before, Description={"Value": after.description})
        if set(before.security_group_ids) != set(after.security_group_ids):
            self._modify(before, Groups=list(after.security_group_ids))
        if before.source_dest_check != after.source_dest_check:
            self._modify(before, SourceDestCheck={"Value": after.source_dest_check})
        changed = {key: value for key, value in after.tags.items() if before.tags.get(key) != value}
        if changed:
            self._api.call("ec2", "create_tags", Resources=[before.id], Tags=_tag_list(changed))

    def change_ipv6(self, before: Eni, wanted: Wanted) -> tuple[str, ...]:
        """Bring the IPv6 addresses to what is wanted and return them."""
        keep, drop = split_ipv6(before.ipv6, wanted)
        # The new one first: if AWS refuses it, the interface keeps what it had.
        if not keep and wanted.ipv6_enabled:
            which = {"Ipv6Addresses": [wanted.ipv6]} if wanted.ipv6 else {"Ipv6AddressCount": 1}
            answer = self._api.call("ec2", "assign_ipv6_addresses", NetworkInterfaceId=before.id, **which)
            keep = tuple(answer["AssignedIpv6Addresses"])
        if drop:
            self._api.call("ec2", "unassign_ipv6_addresses", NetworkInterfaceId=before.id, Ipv6Addresses=list(drop))
        return keep

    def delete(self, eni: Eni) -> None:
        """Delete the interface."""
        self._api.call("ec2", "delete_network_interface", NetworkInterfaceId=eni.id)

    def _describe(self, filters: Mapping[str, str]) -> list[Eni]:
        wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
        answer = self._api.call("ec2", "describe_network_interfaces", Filters=wanted)
        return [_eni(record) for record in answer["NetworkInterfaces"]]

    def _modify(self, eni: Eni, **attribute: Any) -> None:
        self._api.call("ec2", "modify_network_interface_attribute", NetworkInterfaceId=eni.id, **attribute)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _eni(record: Mapping[str, Any]) -> Eni:
    attachment = record.get("Attachment") or {}
    return Eni(
        subnet_id=record["SubnetId"],
        ipv4=record["PrivateIpAddress"],
        ipv6=tuple(item["Ipv6Address"] for item in record.get("Ipv6Addresses") or ()),
        security_group_ids=tuple(sorted(group["GroupId"] for group in record["Groups"])),
        source_dest_check=record["SourceDestCheck"],
        description=record.get("Description", ""),
        tags={tag["Key"]: tag["Value"] for tag in record.get("TagSet") or ()},
        id=record["NetworkInterfaceId"],
        mac=record["MacAddress"],
        attachment_id=attachment.get("AttachmentId"),
        instance_id=attachment.get("InstanceId"),
    )


def split_ipv6(have: tuple[str, ...], wanted: Wanted) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the addresses to keep, one at most, and those to drop."""
    if not wanted.ipv6_enabled:
        return (), have
    explicit = ip_address(wanted.ipv6) if wanted.ipv6 else None
    keep = tuple(address for address in have if explicit in (None, ip_address(address)))[:1]
    return keep, tuple(address for address in have if address not in keep)


def plan_present(current: Eni | None, wanted: Wanted) -> Plan:
    """Return what has to be done; an IPv6 that AWS has yet to choose is left out of after."""
    if current is None:
        return Plan(changed=True, before=None, after=_described(None, wanted))
    for what, have, want in (("subnet", current.subnet_id, wanted.subnet_id), ("IPv4", current.ipv4, wanted.ipv4)):
        if have != want:
            raise Ec2Error(
                f"Failed to change the {what} of network interface {wanted.name}: it is {have}, not {want}, and "
                "AWS fixes it for good. Terminate its instance, delete it with state: absent, and run again."
            )
    after = _described(current, wanted)
    missing = wanted.ipv6_enabled and not after.ipv6
    return Plan(changed=missing or after != current, before=current, after=after)


def _described(current: Eni | None, wanted: Wanted) -> Eni:
    ipv6 = split_ipv6(current.ipv6 if current else (), wanted)[0]
    explicit = (wanted.ipv6,) if wanted.ipv6 and wanted.ipv6_enabled else ()
    described = Eni(
        subnet_id=wanted.subnet_id,
        ipv4=wanted.ipv4,
        ipv6=ipv6 or explicit,
        security_group_ids=tuple(sorted(wanted.security_group_ids)),
        source_dest_check=wanted.source_dest_check,
        description=wanted.description,
        tags={**(current.tags if current else {}), **wanted.tags, "Name": wanted.name},
    )
    if current is None:
        return described
    fixed = {name: getattr(current, name) for name in ("id", "mac", "attachment_id", "instance_id")}
    return replace(described, **fixed)


def ensure_present(client: EniClient, wanted: Wanted, *, check_mode: bool) -> Plan:
    """Bring the interface to its description and tell what changed."""
    plan = plan_present(client.find(wanted.name, wanted.tags), wanted)
    if plan.before is None:
        _refuse_taken_address(client, wanted)
    if not plan.changed or check_mode or plan.after is None:
        return plan
    existing = plan.before or client.create(plan.after, wanted)
    described = _described(existing, wanted)
    client.modify(existing, described)
    return plan._replace(after=replace(described, ipv6=client.change_ipv6(existing, wanted)))


def _refuse_taken_address(client: EniClient, wanted: Wanted) -> None:
    holder = client.holder_of(wanted.ipv4, wanted.subnet_id)
    if holder:
        name = holder.tags.get("Name", "without a name")
        raise Ec2Error(
            f"Failed to create network interface {wanted.name}: {wanted.ipv4} belongs to {holder.id} ({name}). "
            "Choose another address, or delete that interface if nobody needs it."
        )


def ensure_absent(client: EniClient, name: str, tags: Mapping[str, str], *, check_mode: bool) -> Plan:
    """Delete the interface if it exists and nothing uses it, and tell what changed."""
    current = client.find(name, tags)
    if current and current.attachment_id:
        raise Ec2Error(
            f"Failed to delete network interface {name}: it is attached to {current.instance_id or 'an AWS service'}. "
            "Terminate that instance first; its addresses would be lost otherwise."
        )
    if current and not check_mode:
        client.delete(current)
    return Plan(changed=current is not None, before=current, after=None)


def as_result(eni: Eni | None) -> dict[str, Any] | None:
    """Return an interface as users see it."""
    if eni is None:
        return None
    shown = {name: getattr(eni, name) for name in ("id", "mac", "ipv4", "attachment_id", "instance_id")}
    return {**shown, "ipv6": eni.ipv6[0] if eni.ipv6 else None}


def as_diff(eni: Eni | None) -> dict[str, Any]:
    """Return the part of an interface that a user describes."""
    hidden = ("id", "mac", "attachment_id", "instance_id")
    return {name: value for name, value in asdict(eni).items() if name not in hidden} if eni else {}
