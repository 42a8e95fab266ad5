# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say why a bastion cannot be logged in to. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Facts(NamedTuple):
    """What is known besides ssh's own words."""

    host: str
    group: str
    region: str
    known_hosts: str = ""
    instances_wanted: int | None = None
    instances: tuple[str, ...] = ()
    hours: str = ""
    has_key: bool = True
    is_own: bool = False
    connection: str = "ssh"


def facts_of(
    cluster: Mapping[str, Any], bastion: Mapping[str, Any], *, host: str, known_hosts: str, is_own: bool
) -> Facts:
    """Return the facts from the description of a cluster and from what EC2 has of its bastion."""
    wanted = cluster["bastion"]
    return Facts(
        host,
        bastion["group"],
        cluster["region"],
        known_hosts=known_hosts,
        instances_wanted=bastion["instances_wanted"],
        instances=tuple(bastion["instances"]),
        hours=f"{wanted['start']} to {wanted['stop']} {wanted['time_zone']}" if wanted["start"] else "",
        has_key=bool(wanted["ssh_public_key"] or wanted["ssh_key_name"]),
        is_own=is_own,
        connection=wanted["connection"],
    )


def diagnose(said: str, facts: Facts) -> str:
    """Return cause and remedy: from what ssh said, and where it got no answer, from what runs."""
    for words, cause in _CAUSES.items():
        if words.lower() in said.lower():
            return cause(facts)
    return _no_answer(facts)


def _changed_key(facts: Facts) -> str:
    if facts.is_own:
        return (
            f"The host key of {facts.host} is not the one that your known_hosts has. If you have replaced the machine, "
            "remove the old key (ssh-keygen -R <address>) and log in once by hand; if you have not, do not connect."
        )
    return (
        f"The machine shows another host key than {facts.known_hosts} has, which no replacement by the group explains: "
        f"every machine of it shows the same key. Checking stays on. A machine that could not read its key says so on "
        f"its console ({_console(facts)}), and so does one that was made before the key was; end it, and the group "
        f"starts another: aws ec2 terminate-instances --region {facts.region} --instance-ids {_instance(facts)}"
    )


def _unknown_key(facts: Facts) -> str:
    if facts.is_own:
        return f"The host key of {facts.host} is not known here. Log in once by hand and compare it, or add it."
    return (
        f"{facts.known_hosts} has no host key for it. playbooks/site.yml writes that file; an inventory of ec2_nodes "
        "names it with the option known_hosts."
    )


def _refused_key(facts: Facts) -> str:
    which = "accepts none of this computer's SSH keys" if facts.has_key else "has no authorized key"
    return (
        f"It answers, and it {which}. Set cluster_bastion_ssh_public_key to a public key whose private key is here "
        "(ssh-add -l lists those of the agent), run playbooks/site.yml, and end the machine, because a key reaches new "
        f"machines only: "
        f"aws ec2 terminate-instances --region {facts.region} --instance-ids {_instance(facts)}"
    )


def _no_route(facts: Facts) -> str:
    return (
        "This computer has no IPv6 route to it. Set cluster_bastion_connection to ssm to log in through Session "
        f"Manager, or give the host {facts.host} of your inventory another way in."
    )


def _no_session(facts: Facts) -> str:
    # With ControlPersist ssh drops what its ProxyCommand says.
    return (
        "Session Manager ended the connection before SSH began, and ssh does not say why. See what it says: aws ssm "
        f"start-session --region {facts.region} --target {_instance(facts)} --document-name AWS-StartSSHSession "
        "--parameters portNumber=22. TargetNotConnected: the agent registers a minute after the start, and over IPv6 "
        "alone it has to be of version 3.3.3270.0 or newer. It needs the programs aws and session-manager-plugin here, "
        f"and an SSH server there, which its console tells about: {_console(facts)}"
    )


def _starting(facts: Facts) -> str:
    if facts.connection == "ssm":
        return _no_session(facts)
    return f"It runs, and its SSH server does not answer yet. Run it again, or look at its console: {_console(facts)}"


def _not_managed(facts: Facts) -> str:
    return (
        "Session Manager does not know the machine. Its agent registers a minute after the start; over IPv6 alone it "
        f"has to be of version 3.3.3270.0 or newer. Run it again, or look at its console: {_console(facts)}"
    )


def _no_program(facts: Facts) -> str:
    return (
        "Session Manager needs the programs aws and session-manager-plugin on this computer. Install both, or set "
        "cluster_bastion_connection to ssh."
    )


def _no_answer(facts: Facts) -> str:
    if facts.is_own:
        return (
            f"The host {facts.host} of your inventory does not answer. Check its address, its way in and that it runs."
        )
    if facts.instances_wanted == 0:
        hours = f" ({facts.hours})" if facts.hours else ""
        return (
            f"Its hours are over{hours}, and the group {facts.group} keeps no machine. playbooks/site.yml starts one."
        )
    if not facts.instances:
        return (
            f"The group {facts.group} has no running machine. What it tried: aws autoscaling "
            f"describe-scaling-activities --region {facts.region} --auto-scaling-group-name {facts.group}"
        )
    if facts.connection == "ssm":
        return _not_managed(facts)
    return (
        f"The machine {_instance(facts)} runs and does not answer from here, so its security group most likely does "
        "not let this network in. Open it with -e access_ipv6=<your IPv6 network>, and see what is open with "
        "playbooks/audit.yml. Without IPv6 at home set cluster_bastion_connection to ssm; where the nodes can be "
        "reached from here, cluster_api_via to localhost."
    )


def _instance(facts: Facts) -> str:
    return facts.instances[0] if facts.instances else "<instance>"


def _console(facts: Facts) -> str:
    return f"aws ec2 get-console-output --latest --region {facts.region} --instance-id {_instance(facts)}"


# Words of OpenSSH, of aws and of shells, the most telling first.
_CAUSES: Mapping[str, Callable[[Facts], str]] = {
    "REMOTE HOST IDENTIFICATION HAS CHANGED": _changed_key,
    "key is known for": _unknown_key,
    "Host key verification failed": _changed_key,
    "Permission denied (": _refused_key,
    "Too many authentication failures": _refused_key,
    "TargetNotConnected": _not_managed,
    "SessionManagerPlugin is not found": _no_program,
    "aws: not found": _no_program,
    "aws: command not found": _no_program,
    "Network is unreachable": _no_route,
    "Address family not supported": _no_route,
    "Connection refused": _starting,
    "Connection closed by": _starting,
}
