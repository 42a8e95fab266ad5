# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bastion's SSH host key in an SSM parameter. Private to urmanac.talos: may change at any time.

The public part is a tag of the parameter, so only the bastion reads the private part.
"""

from __future__ import annotations

from typing import NamedTuple

from ..._errors import Ec2Error
from ..._ssh.keys import MakeHostKey
from ..calls import Calls
from ..client import existing
from ..desired import tags_of
from ..identity import HOST_KEY_TAG, tag_list
from ..ownership.parameter import create_or_read
from ..spec import ClusterSpec
from .current import is_host_key_of
from .spec import ENCRYPTED


class Plan(NamedTuple):
    """The public key before and after; None where the parameter does not exist."""

    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        """Return whether the parameter is created or deleted."""
        return self.before != self.after


def ensure_present(calls: Calls, spec: ClusterSpec, name: str, make: MakeHostKey, *, check_mode: bool) -> Plan:
    """Create the parameter if it does not exist. An existing one is never overwritten."""
    before = read_public_key(calls, spec, name)
    if before is not None:
        return Plan(before, before)
    if check_mode:
        return Plan(None, "a new key")
    key = make(spec.names.unique)
    tags = {**tags_of(spec, spec.names.bastion), HOST_KEY_TAG: key.public}
    put = {"Name": name, "Type": ENCRYPTED, "Value": key.private, "Tags": tag_list(tags)}
    # Another run was faster, or a response was lost: the existing key is used.
    held = create_or_read(
        calls,
        lambda: calls.call("ssm", "put_parameter", **put),
        lambda: read_public_key(calls, spec, name),
    )
    if held is None:
        raise Ec2Error(
            f"Failed to create the SSM parameter {name}: SSM has not finished deleting the previous one. Run the "
            "playbook again in a minute."
        )
    if held is not True:
        return Plan(None, held)
    calls.made(name)
    # The bastion and the plan read it next, so it has to be known by then.
    return Plan(None, read_public_key(calls, spec, name))


def ensure_absent(calls: Calls, spec: ClusterSpec, name: str, *, check_mode: bool) -> Plan:
    """Delete the parameter if it belongs to this cluster."""
    before = read_public_key(calls, spec, name)
    if before is not None and not check_mode:
        calls.delete("ssm", "delete_parameter", Name=name)
    return Plan(before, None)


def read_public_key(calls: Calls, spec: ClusterSpec, name: str) -> str | None:
    """Return the public key of the parameter, None if there is no parameter."""
    tags = read_tags(calls, name)
    if tags is None:
        return None
    if not is_host_key_of(spec, tags):
        raise Ec2Error(
            f"Failed to use the SSM parameter {name}: it exists without the tags of cluster {spec.name} and its host "
            f"key. Delete it if it is not needed (`aws ssm delete-parameter --name {name}`), or set "
            "cluster_bastion_host_key_parameter to another name.",
            code="NAME_TAKEN",
        )
    return tags[HOST_KEY_TAG]


def read_tags(calls: Calls, name: str) -> dict[str, str] | None:
    """Return the tags of a parameter, None if it does not exist."""
    found = existing(calls, "ssm", "list_tags_for_resource", ResourceType="Parameter", ResourceId=name)
    return {tag["Key"]: tag["Value"] for tag in found["TagList"]} if found else None
