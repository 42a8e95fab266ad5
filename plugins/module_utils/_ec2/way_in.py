# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check before a build that the bastion can be logged in to. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion import BastionSpec
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import Api
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home_access import Identity, read_groups, read_rules
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec, Problem

_SSH = ("tcp/22", "all")


class WayIn(NamedTuple):
    """How a build reaches the nodes: the host that asks them, the home network, whether the host is one's own."""

    api_via: str = "localhost"
    home_ipv6: str = ""
    own_host: bool = False

    def needs_ssh(self, spec: ClusterSpec) -> bool:
        """Return whether the build logs in to the bastion that it makes."""
        return self.api_via == "bastion" and spec.bastion is not None and not self.own_host


class Doors(NamedTuple):
    """What AWS knows of ways in: whether the named key pair exists, and whether SSH to the bastion is open."""

    key_pair_exists: bool | None = None
    ssh_is_open: bool | None = None


def ask_doors(api: Api, spec: ClusterSpec, way: WayIn, now: datetime) -> Doors:
    """Return what AWS says, as far as it matters for this build."""
    bastion = spec.bastion
    exists = _key_pair_exists(api, bastion.ssh_key_name) if bastion and bastion.ssh_key_name else None
    asks = way.needs_ssh(spec) and not way.home_ipv6 and bastion and bastion.connection == "ssh"
    return Doors(exists, _ssh_is_open(api, spec, now) if asks else None)


def _key_pair_exists(api: Api, name: str) -> bool:
    # A filter, because naming an unknown key pair is an error.
    answer = api.call("ec2", "describe_key_pairs", Filters=[{"Name": "key-name", "Values": [name]}])
    return any(pair["KeyName"] == name for pair in answer.get("KeyPairs", ()))


def _ssh_is_open(api: Api, spec: ClusterSpec, now: datetime) -> bool:
    identity = Identity(spec.name, spec.project)
    rules = read_rules(api, identity, read_groups(api, identity))
    return any(rule.group == "bastion" and rule.port in _SSH and not rule.is_expired(now) for rule in rules)


def way_in_problems(spec: ClusterSpec, way: WayIn, doors: Doors) -> Iterator[Problem]:
    """Yield everything that would keep a build from logging in to the bastion."""
    if spec.bastion is None:
        return
    if doors.key_pair_exists is False:
        yield _unknown_key_pair(spec.bastion, spec.region)
    if not way.needs_ssh(spec):
        return
    if not spec.bastion.ssh_key_name and not spec.bastion.ssh_public_key:
        yield Problem(
            "SSH_KEY_MISSING",
            "cluster_bastion_ssh_public_key",
            "The build logs in to the bastion, and the bastion would accept no key.",
            "Set it to a public key or its file (`ssh-keygen -t ed25519` makes ~/.ssh/id_ed25519.pub, which is the "
            "default), or set cluster_bastion_ssh_key_name to a key pair of EC2.",
        )
    if doors.ssh_is_open is False:
        yield Problem(
            "NO_WAY_TO_BASTION",
            "access_ipv6",
            "The build logs in to the bastion, and its security group lets no network in.",
            "Set access_ipv6 to the IPv6 network of this computer, such as 2001:db8:1:2::/64. Without IPv6 here set "
            "cluster_bastion_connection to ssm, or name a host bastion of your own in the inventory.",
        )


def _unknown_key_pair(bastion: BastionSpec, region: str) -> Problem:
    # A key that was pasted here is public, or somebody's secret: its text is not repeated.
    name = bastion.ssh_key_name if len(bastion.ssh_key_name) <= 64 else "this text"
    return Problem(
        "KEY_PAIR_NOT_FOUND",
        "cluster_bastion_ssh_key_name",
        f"{region} has no key pair with the name {name}." if name != "this text" else f"{name} names no key pair.",
        "Use a name that `aws ec2 describe-key-pairs` lists. A public key goes into cluster_bastion_ssh_public_key.",
    )
