# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive why the login to a bastion fails. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .._files import shell_word
from .arguments import PERCENT_REMEDY, jump_of
from .keys import public_key_of, public_key_problem


class Facts(NamedTuple):
    """The known facts besides the output of ssh."""

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
    identity_file: str = ""
    has_public_file: bool = False
    login: str = "ssh -vvv <user>@<address>"
    ttl_hours: float = 0
    security_group: str = ""


def facts_of(
    cluster: Mapping[str, Any],
    bastion: Mapping[str, Any],
    *,
    host: str,
    known_hosts: str,
    is_own: bool,
    identity_file: str,
    security_group: str,
    variables: Mapping[str, Any],
) -> Facts:
    """Return the facts from the description of a cluster and the state of its bastion in EC2."""
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
        # The inventory decides which connection was tried.
        connection=variables.get("ec2_bastion_connection") or wanted["connection"],
        identity_file=identity_file,
        has_public_file=public_key_problem(public_key_of(identity_file)) is None,
        login=_login(variables) if variables else Facts._field_defaults["login"],
        ttl_hours=float((cluster.get("hours") or {}).get("ttl") or 0),
        security_group=security_group,
    )


def _login(variables: Mapping[str, Any]) -> str:
    """Return the command that logs in like Ansible and prints every step."""
    jump = jump_of(variables)
    return f"ssh -vvv {jump.arguments} {jump.destination}"


def diagnose(said: str, facts: Facts) -> str:
    """Return cause and remedy: from the output of ssh or, without output, from the state of the bastion."""
    heard = _OF_ANSIBLE.sub("", said).strip().lower()
    for words, cause in _CAUSES.items():
        if words.lower() in heard:
            return cause(facts)
    return _unknown(facts) if heard else _no_answer(facts)


def _changed_key(facts: Facts) -> str:
    if facts.is_own:
        return (
            f"The host key of {facts.host} differs from the one in your known_hosts. If you have replaced the machine, "
            "remove the old key (ssh-keygen -R <address>) and log in once by hand; if you have not, do not connect."
        )
    return (
        f"The bastion's host key differs from the one in {facts.known_hosts}. A replaced instance is not the reason, "
        "because every instance of the group has the same key. The check of host keys stays on. An instance that could "
        "not read its key, or that is older than the key, reports this on its console "
        f"({_console(facts)}). In this case terminate it, and the group starts another one: "
        f"aws ec2 terminate-instances --region {facts.region} --instance-ids {_instance(facts)}"
    )


def _unknown_key(facts: Facts) -> str:
    if facts.is_own:
        return f"known_hosts has no host key of {facts.host}. Log in once by hand and compare the key, or add it."
    return (
        f"{facts.known_hosts} has no host key of the bastion. playbooks/site.yml writes this file. An inventory of "
        "ec2_nodes needs its path in the option known_hosts."
    )


def _refused_key(facts: Facts) -> str:
    if facts.is_own:
        return (
            f"The host {facts.host} of your inventory accepts none of the keys that ssh offered. Set "
            "the private key with --private-key or ansible_ssh_private_key_file, and the user with ansible_user."
        )
    if not facts.has_key:
        return f"The bastion has no authorized key. {_new_key(facts)}"
    offered = f" ssh used {facts.identity_file}." if facts.identity_file else ""
    return (
        f"The bastion accepts none of the keys that ssh offered.{offered} Set the private key of "
        "cluster_bastion_ssh_public_key with --private-key <file>. A key with a passphrase must be in an agent "
        "(ssh-add <file>; ssh-add -l lists the keys). If the private key is lost, or the instance is older than "
        f"this public key: {_new_key(facts)}"
    )


def _new_key(facts: Facts) -> str:
    return (
        "Set cluster_bastion_ssh_public_key to a public key whose private key you have, run playbooks/site.yml, and "
        f"terminate the instance, because only new instances get the key: aws ec2 terminate-instances "
        f"--region {facts.region} --instance-ids {_instance(facts)}"
    )


def _too_many_keys(facts: Facts) -> str:
    return (
        "ssh offered more keys than the server accepts, which is six, before the right one. Set the private key "
        "with --private-key <file>, or remove the other keys from the agent (ssh-add -D, then ssh-add <file>)."
    )


def _open_key_file(facts: Facts) -> str:
    if facts.has_public_file:
        return _only_public_key(facts)
    return (
        "ssh does not use a private key that other users may read. Make it readable by you alone: chmod 600 "
        f"{shell_word(facts.identity_file) if facts.identity_file else '<private key>'}"
    )


def _only_public_key(facts: Facts) -> str:
    return (
        f"{facts.identity_file} is a public key, and no SSH agent has its private key. Load the private key into an "
        "agent (ssh-add <file>; ssh-add -l lists the keys), or set it with --private-key <file>."
    )


def _unreadable_key_file(facts: Facts) -> str:
    return (
        f"You may not read the private key {facts.identity_file or 'of ssh'}. Check its owner (ls -l) "
        "and change it, or set another key with --private-key <file>."
    )


def _unusable_key_file(facts: Facts) -> str:
    if facts.has_public_file:
        return _only_public_key(facts)
    return (
        f"ssh cannot read the private key {facts.identity_file or 'that it should use'}: the file has another format "
        "or is damaged, or its passphrase is wrong. Test it with ssh-keygen -y -f <file>, or set another key with "
        "--private-key <file>."
    )


def _agent_refused(facts: Facts) -> str:
    return (
        "The SSH agent has the key and does not sign with it: it waits for a confirmation or a passphrase, a hardware "
        "key is missing, or the agent is locked. Confirm, unlock the agent (ssh-add -X), load the key again (ssh-add "
        "<file>), or do not use the agent: SSH_AUTH_SOCK= and --private-key <file>."
    )


def _other_user(facts: Facts) -> str:
    remedy = "Set cluster_bastion_user, or ansible_user of the host, to ec2-user."
    return f"The bastion accepts the key, but for another user. {remedy}"


def _no_name(facts: Facts) -> str:
    if facts.is_own:
        return (
            f"The name of {facts.host} cannot be resolved. Set ansible_host to its address, or correct "
            "the name there and in ~/.ssh/config."
        )
    return (
        "ssh connects to the bastion's IPv6 address, so either ~/.ssh/config sets another host for it (Host, HostName "
        "or ProxyJump) or restricts ssh to IPv4 (AddressFamily inet). `ssh -G <address>` shows the settings; remove "
        "them."
    )


def _own_settings(facts: Facts) -> str:
    return (
        "ssh refuses your own configuration before it connects. Correct the file that it names: it must belong to "
        "you, be writable only by you (chmod 600 ~/.ssh/config), and contain only options of this version of ssh."
    )


def _percent_sign(facts: Facts) -> str:
    return f"A percent sign in a path begins a token of ssh, and Ansible passes a path as it is. {PERCENT_REMEDY}"


def _no_common_algorithm(facts: Facts) -> str:
    return (
        "ssh and the server have no algorithm in common. The bastion has an Ed25519 host key: remove "
        "HostKeyAlgorithms, KexAlgorithms, Ciphers and MACs from ~/.ssh/config, or update OpenSSH on the controller."
    )


def _no_route(facts: Facts) -> str:
    return (
        "The controller has no IPv6 route to the bastion. Set cluster_bastion_connection to ssm to log in through "
        f"Session Manager, or give the host {facts.host} of your inventory another address."
    )


def _rejected(facts: Facts) -> str:
    return (
        "A router or firewall on the path rejects the connection; a security group of AWS would drop it without an "
        "answer. Allow outgoing IPv6 to port 22 there, or set cluster_bastion_connection to ssm to log in through "
        "Session Manager."
    )


def _no_session(facts: Facts) -> str:
    # With ControlPersist ssh discards the output of its ProxyCommand.
    return (
        "Session Manager ended the connection before SSH began, and ssh does not say why. Show its message: aws ssm "
        f"start-session --region {facts.region} --target {_instance(facts)} --document-name AWS-StartSSHSession "
        "--parameters portNumber=22. TargetNotConnected: the agent registers a minute after the start, and over IPv6 "
        "alone it must be version 3.3.3270.0 or newer. It needs the programs aws and session-manager-plugin on the "
        f"controller, and an SSH server on the bastion, whose console shows more: {_console(facts)}"
    )


def _starting(facts: Facts) -> str:
    if facts.connection == "ssm" and not facts.is_own:
        return _no_session(facts)
    return f"The bastion runs, and its SSH server does not answer yet. Run the playbook again{_or_console(facts)}"


def _ended_early(facts: Facts) -> str:
    if facts.connection == "ssm" and not facts.is_own:
        return _no_session(facts)
    return (
        "The connection is accepted, and something ends it before the login: the SSH server is starting, stopping or "
        "has too many logins at once, or a firewall on the path blocks SSH. Run the playbook again, from another "
        f"network if this does not help{_or_console(facts)}"
    )


def _or_console(facts: Facts) -> str:
    return "." if facts.is_own else f", or read its console: {_console(facts)}"


def _not_managed(facts: Facts) -> str:
    return (
        "Session Manager does not know the instance. Its agent registers a minute after the start; over IPv6 alone it "
        f"must be version 3.3.3270.0 or newer. Run the playbook again, or read its console: {_console(facts)}"
    )


def _no_program(facts: Facts) -> str:
    return (
        "Session Manager needs the programs aws and session-manager-plugin on the controller. Install both, or set "
        "cluster_bastion_connection to ssh."
    )


def _no_permission(facts: Facts) -> str:
    return (
        "AWS does not allow these credentials to start a session. Allow them ssm:StartSession on the instance "
        f"{_instance(facts)} and on the document AWS-StartSSHSession, and ssmmessages:OpenDataChannel on their own "
        "sessions, as examples/operator_policy.json does, or use other credentials."
    )


def _no_credentials(facts: Facts) -> str:
    return (
        "The program aws has no valid credentials, although Ansible's modules may have some. Log in again (aws sso "
        "login, or new keys), set the profile in AWS_PROFILE, and try: aws sts get-caller-identity"
    )


def _no_endpoint(facts: Facts) -> str:
    return (
        "The program aws cannot reach AWS. Check the network, the proxy (HTTPS_PROXY) and the region, and "
        f"try: aws sts get-caller-identity --region {facts.region}"
    )


def _no_answer(facts: Facts) -> str:
    if facts.is_own:
        return (
            f"The host {facts.host} of your inventory does not answer. Check that it runs, its address and its "
            "connection settings."
        )
    if missing := _no_machine(facts):
        return missing
    if facts.connection == "ssm":
        return _not_managed(facts)
    return (
        f"The instance {_instance(facts)} runs and does not answer, so its security group {facts.security_group} most "
        "likely does not allow your network. Allow it with -e access_ipv6=<your IPv6 network>; playbooks/audit.yml "
        "lists what is open. Without IPv6 at home set cluster_bastion_connection to ssm. If the controller can reach "
        "the nodes itself, set cluster_api_via to localhost."
    )


def _unknown(facts: Facts) -> str:
    missing = "" if facts.is_own else _no_machine(facts)
    return missing or (
        "The cause is unknown; the output of ssh may contain it. Log in by hand, where ssh prints every step: "
        f"{facts.login}"
    )


def _no_machine(facts: Facts) -> str:
    """Return why no instance runs, or an empty text if one does."""
    if facts.instances_wanted == 0:
        return f"{_stopped(facts)}, and the group {facts.group} runs no instance. playbooks/start.yml starts one."
    if not facts.instances:
        return (
            f"The group {facts.group} has no running instance. Show its attempts: aws autoscaling "
            f"describe-scaling-activities --region {facts.region} --auto-scaling-group-name {facts.group}"
        )
    return ""


def _stopped(facts: Facts) -> str:
    """Return what may have stopped it: AWS does not say which of them did."""
    hours = [f"its hours ({facts.hours})"] if facts.hours else []
    ttl = [f"cluster_ttl_hours ({facts.ttl_hours:g} hours after a run)"] if facts.ttl_hours else []
    return f"It was stopped by {', '.join([*hours, *ttl, 'playbooks/stop.yml'])} or someone in AWS"


def _instance(facts: Facts) -> str:
    return facts.instances[0] if facts.instances else "<instance>"


def _console(facts: Facts) -> str:
    return f"aws ec2 get-console-output --latest --region {facts.region} --instance-id {_instance(facts)}"


# The text of Ansible before the output of ssh, which may be empty.
_OF_ANSIBLE = re.compile(
    r"timed out waiting for [\w ]+:?|Failed to connect to the host via ssh:?"
    r"|Data could not be sent to remote host \S+ Make sure this host can be reached over ssh:?",
    re.IGNORECASE,
)
# Messages of OpenSSH (authfile.c, kex.c, packet.c, readconf.c, ssh.c, ssherr.c, sshconnect.c, sshconnect2.c), of aws,
# of botocore, of shells and of Amazon Linux. ssh continues after some of them, so causes come before consequences.
_CAUSES: Mapping[str, Callable[[Facts], str]] = {
    "REMOTE HOST IDENTIFICATION HAS CHANGED": _changed_key,
    "key is known for": _unknown_key,
    "Host key verification failed": _changed_key,
    "Too many authentication failures": _too_many_keys,
    "UNPROTECTED PRIVATE KEY FILE": _open_key_file,
    "bad permissions": _open_key_file,
    "agent refused operation": _agent_refused,
    "communication with agent failed": _agent_refused,
    '": Permission denied': _unreadable_key_file,
    "Load key": _unusable_key_file,
    "Please login as the user": _other_user,
    "Permission denied (": _refused_key,
    "AccessDenied": _no_permission,
    "Unable to locate credentials": _no_credentials,
    "ExpiredToken": _no_credentials,
    "Token has expired": _no_credentials,
    "session has expired": _no_credentials,
    "session associated with this profile has expired": _no_credentials,
    "Error loading SSO Token": _no_credentials,
    "UnrecognizedClientException": _no_credentials,
    "InvalidSignatureException": _no_credentials,
    "InvalidClientTokenId": _no_credentials,
    "The config profile (": _no_credentials,
    "Could not connect to the endpoint URL": _no_endpoint,
    "TargetNotConnected": _not_managed,
    "SessionManagerPlugin is not found": _no_program,
    "aws: not found": _no_program,
    "aws: command not found": _no_program,
    "command not found: aws": _no_program,
    "Unknown command: aws": _no_program,
    "Bad owner or permissions on": _own_settings,
    "Bad configuration option": _own_settings,
    "percent_expand": _percent_sign,
    "Could not resolve hostname": _no_name,
    "no matching": _no_common_algorithm,
    "Network is unreachable": _no_route,
    "Address family not supported": _no_route,
    "No route to host": _rejected,
    "System is booting up": _starting,
    "Connection refused": _starting,
    "during banner exchange": _ended_early,
    "kex_exchange_identification": _ended_early,
    "Connection reset by": _ended_early,
    "Connection closed": _ended_early,
    "timed out": _no_answer,
}
