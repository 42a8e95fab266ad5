# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive why the login to a bastion fails. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from .._codes import ERROR
from .._files import shell_word
from .._findings import Finding, finding, meaning_of
from .arguments import PERCENT_REMEDY, SESSION_PROGRAMS, jump_of
from .keys import public_key_of, public_key_problem


class Facts(NamedTuple):
    """The known facts besides the output of ssh."""

    host: str
    group: str = ""
    region: str = ""
    known_hosts: str = ""
    instances_wanted: int | None = None
    instances: tuple[str, ...] = ()
    hours: str = ""
    has_key: bool = True
    is_own: bool = False
    is_built: bool = True
    connection: str = "ssh"
    identity_file: str = ""
    has_public_file: bool = False
    login: str = "ssh -vvv USER@ADDRESS"
    ttl_hours: float = 0
    security_group: str = ""


def facts_of(
    given: Facts, cluster: Mapping[str, Any], bastion: Mapping[str, Any], variables: Mapping[str, Any]
) -> Facts:
    """Add to the given facts the description of the cluster, the state of its bastion in EC2, and the inventory."""
    wanted = cluster["bastion"]
    return given._replace(
        group=bastion["group"],
        region=cluster["region"],
        instances_wanted=bastion["instances_wanted"],
        instances=tuple(bastion["instances"]),
        hours=f"{wanted['start']} to {wanted['stop']} {wanted['time_zone']}" if wanted["start"] else "",
        has_key=bool(wanted["ssh_public_key"] or wanted["ssh_key_name"]),
        is_built=bool(bastion["ipv6"]) and bastion["instances_wanted"] is not None,
        # The inventory decides which connection was tried.
        connection=variables.get("ec2_bastion_connection") or wanted["connection"],
        has_public_file=public_key_problem(public_key_of(given.identity_file)) is None,
        login=_login(variables) if variables else given.login,
        ttl_hours=float((cluster.get("hours") or {}).get("ttl") or 0),
    )


def _login(variables: Mapping[str, Any]) -> str:
    """Return the command that logs in like Ansible and prints every step."""
    jump = jump_of(variables)
    return f"ssh -vvv {jump.arguments} {jump.destination}"


def diagnose(said: str, facts: Facts) -> Finding:
    """Return cause and remedy: from the output of ssh or, without output, from the state of the bastion."""
    heard = _OF_ANSIBLE.sub("", said).strip().lower()
    for words, cause in _CAUSES.items():
        if words.lower() in heard:
            return cause(facts)
    return _unknown(facts) if heard else _no_answer(facts)


def _changed_key(facts: Facts) -> Finding:
    if facts.is_own:
        message = f"The host key of {facts.host} differs from the one in your known_hosts."
        remedy = (
            "If you have replaced the machine, remove the old key (ssh-keygen -R ADDRESS) and log in once by hand; "
            "if you have not, do not connect."
        )
        return finding("HOST_KEY_CHANGED", facts.host, message, remedy)
    message = (
        f"The bastion's host key differs from the one in {facts.known_hosts}. A replaced instance is not the reason, "
        "because every instance of the group has the same key."
    )
    remedy = (
        "The check of host keys stays on. An instance that could not read its key, or that is older than the key, "
        f"reports this on its console ({_console(facts)}). In this case terminate it, and the group starts another "
        f"one: {_terminate(facts)}"
    )
    return finding("HOST_KEY_CHANGED", facts.host, message, remedy)


def _unknown_key(facts: Facts) -> Finding:
    if facts.is_own:
        message, remedy = (
            f"known_hosts has no host key of {facts.host}.",
            "Log in once by hand and compare the key, or add it.",
        )
    else:
        message = f"{facts.known_hosts} has no host key of the bastion."
        remedy = (
            "Run playbooks/site.yml, which writes this file. An inventory of ec2_nodes needs its path in the option "
            "known_hosts."
        )
    return finding("HOST_KEY_UNKNOWN", facts.host, message, remedy)


def _refused_key(facts: Facts) -> Finding:
    if facts.is_own:
        remedy = (
            "Set the private key with --private-key or ansible_ssh_private_key_file, and the user with ansible_user."
        )
        return finding("SSH_KEY_REFUSED", facts.host, remedy=remedy)
    if not facts.has_key:
        return finding("SSH_KEY_MISSING", facts.host, remedy=_new_key(facts))
    remedy = (
        "Set the private key of cluster_bastion_ssh_public_key with --private-key FILE. A key with a passphrase must "
        "be in an agent (ssh-add FILE; ssh-add -l lists the keys). If the private key is lost, or the instance is "
        f"older than this public key: {_new_key(facts)}"
    )
    used = f"ssh used {facts.identity_file}" if facts.identity_file else ""
    return finding("SSH_KEY_REFUSED", facts.host, fact=used, remedy=remedy)


def _new_key(facts: Facts) -> str:
    return (
        "Set cluster_bastion_ssh_public_key to a public key whose private key you have, run playbooks/site.yml, and "
        f"terminate the instance, because only new instances get the key: {_terminate(facts)}"
    )


def _too_many_keys(facts: Facts) -> Finding:
    return finding("TOO_MANY_SSH_KEYS", facts.host)


def _open_key_file(facts: Facts) -> Finding:
    if facts.has_public_file:
        return _only_public_key(facts)
    path = shell_word(facts.identity_file) if facts.identity_file else "FILE"
    return finding("PRIVATE_KEY_NOT_PROTECTED", facts.host, remedy=f"Make it readable by you alone: chmod 600 {path}")


def _only_public_key(facts: Facts) -> Finding:
    return finding("PRIVATE_KEY_MISSING", facts.host, fact=facts.identity_file)


def _unreadable_key_file(facts: Facts) -> Finding:
    message = f"You may not read the private key {facts.identity_file or 'of ssh'}."
    remedy = "Check its owner (ls -l) and change it, or set another key with --private-key FILE."
    return finding("PRIVATE_KEY_NOT_USABLE", facts.host, message, remedy)


def _unusable_key_file(facts: Facts) -> Finding:
    if facts.has_public_file:
        return _only_public_key(facts)
    message = (
        f"ssh cannot read the private key {facts.identity_file or 'that it should use'}: the file has another format "
        "or is damaged, or its passphrase is wrong."
    )
    remedy = "Test it with ssh-keygen -y -f FILE, or set another key with --private-key FILE."
    return finding("PRIVATE_KEY_NOT_USABLE", facts.host, message, remedy)


def _agent_refused(facts: Facts) -> Finding:
    message = (
        "The SSH agent has the key and does not sign with it: it waits for a confirmation or a passphrase, a hardware "
        "key is missing, or the agent is locked."
    )
    return finding("SSH_AGENT_REFUSED", facts.host, message)


def _other_user(facts: Facts) -> Finding:
    return finding("SSH_USER_WRONG", facts.host)


def _no_name(facts: Facts) -> Finding:
    if facts.is_own:
        message = f"The name of {facts.host} cannot be resolved."
        remedy = "Set ansible_host to its address, or correct the name there and in ~/.ssh/config."
    else:
        message = (
            "ssh connects to the bastion's IPv6 address, so either ~/.ssh/config sets another host for it (Host, "
            "HostName or ProxyJump) or restricts ssh to IPv4 (AddressFamily inet)."
        )
        remedy = "Remove these settings; `ssh -G ADDRESS` shows them."
    return finding("HOST_NAME_NOT_RESOLVED", facts.host, message, remedy)


def _own_settings(facts: Facts) -> Finding:
    return finding("SSH_CONFIG_INVALID", facts.host)


def _percent_sign(facts: Facts) -> Finding:
    message = "A percent sign in a path begins a token of ssh, and Ansible passes a path as it is."
    return finding("SSH_PATH_INVALID", facts.host, message, PERCENT_REMEDY)


def _no_common_algorithm(facts: Facts) -> Finding:
    return finding("NO_COMMON_ALGORITHM", facts.host)


def _no_route(facts: Facts) -> Finding:
    message = "The controller has no IPv6 route to the bastion."
    remedy = (
        "Set cluster_bastion_connection to ssm to log in through Session Manager, or give the host "
        f"{facts.host} of your inventory another address."
    )
    return finding("CONTROLLER_WITHOUT_IPV6", facts.host, message, remedy, severity=ERROR)


def _rejected(facts: Facts) -> Finding:
    message = (
        "A router or firewall on the path rejects the connection; a security group of AWS would drop it without an "
        "answer."
    )
    return finding("CONNECTION_REJECTED", facts.host, message)


def _no_session(facts: Facts) -> Finding:
    # With ControlPersist ssh discards the output of its ProxyCommand.
    message = "Session Manager ended the connection before SSH began, and ssh does not say why."
    remedy = (
        f"Show its message: aws ssm start-session --region {facts.region} --target {_instance(facts)} "
        "--document-name AWS-StartSSHSession --parameters portNumber=22. TargetNotConnected: the agent registers a "
        "minute after the start, and over IPv6 alone it must be version 3.3.3270.0 or newer. It needs the programs aws "
        "and session-manager-plugin on the controller, and an SSH server on the bastion, whose console shows more: "
        f"{_console(facts)}"
    )
    return finding("SSM_SESSION_ENDED", facts.host, message, remedy)


def _starting(facts: Facts) -> Finding:
    if facts.connection == "ssm" and not facts.is_own:
        return _no_session(facts)
    return finding("SSH_SERVER_NOT_READY", facts.host, remedy=f"Run the playbook again{_or_console(facts)}")


def _ended_early(facts: Facts) -> Finding:
    if facts.connection == "ssm" and not facts.is_own:
        return _no_session(facts)
    message = (
        "The connection is accepted, and something ends it before the login: the SSH server is starting, stopping or "
        "has too many logins at once, or a firewall on the path blocks SSH."
    )
    remedy = f"Run the playbook again, from another network if this does not help{_or_console(facts)}"
    return finding("SSH_CONNECTION_CLOSED", facts.host, message, remedy)


def _or_console(facts: Facts) -> str:
    return "." if facts.is_own else f", or read its console: {_console(facts)}"


def _not_managed(facts: Facts) -> Finding:
    message = (
        "Session Manager does not know the instance. Its agent registers a minute after the start; over IPv6 alone it "
        "must be version 3.3.3270.0 or newer."
    )
    remedy = f"Run the playbook again, or read its console: {_console(facts)}"
    return finding("SSM_TARGET_NOT_CONNECTED", facts.host, message, remedy)


def _no_program(facts: Facts) -> Finding:
    return finding("CONNECTION_PROGRAM_MISSING", facts.host, fact=" or ".join(SESSION_PROGRAMS))


def _no_permission(facts: Facts) -> Finding:
    message = "AWS does not allow these credentials to start a session."
    remedy = (
        f"Allow them ssm:StartSession on the instance {_instance(facts)} and on the document AWS-StartSSHSession, and "
        "ssmmessages:OpenDataChannel on their own sessions, as examples/operator_policy.json does, or use other "
        "credentials."
    )
    return finding("NOT_AUTHORIZED", facts.host, message, remedy)


def _no_credentials(code: str, facts: Facts) -> Finding:
    message = f"The program aws has no valid credentials, although Ansible's modules may have some. {meaning_of(code)}"
    remedy = (
        "Log in again (aws sso login, or new keys), set the profile in AWS_PROFILE, and try: aws sts "
        "get-caller-identity"
    )
    return finding(code, facts.host, message, remedy)


def _no_endpoint(facts: Facts) -> Finding:
    remedy = (
        "Check the network, the proxy (HTTPS_PROXY) and the region, and try: aws sts get-caller-identity --region "
        f"{facts.region}"
    )
    return finding("ENDPOINT_UNREACHABLE", facts.host, "The program aws cannot reach AWS.", remedy)


def _no_answer(facts: Facts) -> Finding:
    if facts.is_own:
        message = f"The host {facts.host} of your inventory does not answer."
        return finding(
            "BASTION_UNREACHABLE", facts.host, message, "Check that it runs, its address and its connection settings."
        )
    if missing := _no_machine(facts):
        return missing
    if facts.connection == "ssm":
        return _not_managed(facts)
    message = (
        f"The instance {_instance(facts)} runs and does not answer, so its security group {facts.security_group} most "
        "likely does not allow your network."
    )
    return finding("BASTION_UNREACHABLE", facts.host, message)


def _unknown(facts: Facts) -> Finding:
    missing = None if facts.is_own else _no_machine(facts)
    remedy = f"Log in by hand, where ssh prints every step: {facts.login}"
    message = "The cause is unknown; the output of ssh may contain it."
    return missing or finding("SSH_LOGIN_FAILED", facts.host, message, remedy)


def _no_machine(facts: Facts) -> Finding | None:
    """Return why no instance runs, if none does."""
    if facts.instances_wanted == 0:
        message = f"{_stopped(facts)}, and the group {facts.group} runs no instance."
        return finding("BASTION_STOPPED", facts.host, message)
    if not facts.is_built:
        return finding("BASTION_MISSING", facts.host)
    if not facts.instances:
        remedy = (
            "Show its attempts: aws autoscaling describe-scaling-activities "
            f"--region {facts.region} --auto-scaling-group-name {facts.group}"
        )
        message = f"The group {facts.group} has no running instance."
        return finding("BASTION_NOT_RUNNING", facts.host, message, remedy)
    return None


def _stopped(facts: Facts) -> str:
    """Return what may have stopped it: AWS does not say which of them did."""
    hours = [f"its hours ({facts.hours})"] if facts.hours else []
    ttl = [f"cluster_ttl_hours ({facts.ttl_hours:g} hours after a run)"] if facts.ttl_hours else []
    return f"It was stopped by {', '.join([*hours, *ttl, 'playbooks/stop.yml'])} or someone in AWS"


def _terminate(facts: Facts) -> str:
    return f"aws ec2 terminate-instances --region {facts.region} --instance-ids {_instance(facts)}"


def _instance(facts: Facts) -> str:
    return facts.instances[0] if facts.instances else "INSTANCE"


def _console(facts: Facts) -> str:
    return f"aws ec2 get-console-output --latest --region {facts.region} --instance-id {_instance(facts)}"


# The text of Ansible before the output of ssh, which may be empty.
_OF_ANSIBLE = re.compile(
    r"timed out waiting for [\w ]+:?|Failed to connect to the host via ssh:?"
    r"|Data could not be sent to remote host \S+ Make sure this host can be reached over ssh:?",
    re.IGNORECASE,
)
_MISSING, _EXPIRED, _INVALID = (
    partial(_no_credentials, code) for code in ("CREDENTIALS_MISSING", "CREDENTIALS_EXPIRED", "CREDENTIALS_INVALID")
)
# Messages of OpenSSH (authfile.c, kex.c, packet.c, readconf.c, ssh.c, ssherr.c, sshconnect.c, sshconnect2.c), of aws,
# of botocore, of shells and of Amazon Linux. ssh continues after some of them, so causes come before consequences.
_CAUSES: Mapping[str, Callable[[Facts], Finding]] = {
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
    "Unable to locate credentials": _MISSING,
    "ExpiredToken": _EXPIRED,
    "Token has expired": _EXPIRED,
    "session has expired": _EXPIRED,
    "session associated with this profile has expired": _EXPIRED,
    "Error loading SSO Token": _EXPIRED,
    "UnrecognizedClientException": _INVALID,
    "InvalidSignatureException": _INVALID,
    "InvalidClientTokenId": _INVALID,
    "The config profile (": _MISSING,
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
