# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the diagnosis of a failed login to the bastion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._findings import sentences
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.diagnosis import Facts, diagnose, facts_of
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import make_host_key

RUNNING = Facts("bastion", "moon-bastion", "eu-west-1", "/moon/known_hosts", 1, ("i-0a",), "18:00 to 23:00 Etc/UTC")
CHANGED = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @ Host key verification failed."
UNKNOWN = "No ED25519 host key is known for moon and you have requested strict checking. Host key verification failed."
DENIED = "ec2-user@2001:db8::100: Permission denied (publickey,gssapi-keyex)."
PERMISSIONS = "Permissions 0644 for '/keys/moon' are too open. This private key will be ignored."
OPEN = f'@ WARNING: UNPROTECTED PRIVATE KEY FILE! @ {PERMISSIONS} Load key "/keys/moon": bad permissions {DENIED}'
REFUSED = f'sign_and_send_pubkey: signing failed for ED25519 "/keys/moon" from agent: agent refused operation {DENIED}'
TOO_MANY = "Received disconnect from 2001:db8::100 port 22:2: Too many authentication failures"
NO_NAME = "ssh: Could not resolve hostname 2001:db8::100: Address family for hostname not supported"
OFFER = "Their offer: ssh-ed25519"
DENIED_SESSION = (
    "An error occurred (AccessDeniedException) when calling the StartSession operation: User: arn:aws:iam::1:user/ada "
    "is "
    "not authorized to perform: ssm:StartSession on resource: arn:aws:ec2:eu-west-1:1:instance/i-0a"
)
DENIED_CHANNEL = (
    "AccessDeniedException: User: arn:aws:iam::1:user/ada is not authorized to perform: ssmmessages:OpenDataChannel"
)
EXPIRED = (
    "An error occurred (ExpiredTokenException) when calling the StartSession operation: The security token included "
    "in the "
    "request is expired"
)
CLUSTER = {
    "name": "moon",
    "region": "eu-west-1",
    "hours": {"ttl": 8},
    "bastion": {"start": "", "ssh_public_key": "a key", "ssh_key_name": "", "connection": "ssh"},
}
BASTION = {"group": "moon-bastion", "instances_wanted": 1, "instances": ["i-0a"], "ipv6": "2001:db8::100"}
UNMANAGED = "An error occurred (TargetNotConnected) when calling the StartSession operation: i-0a is not connected."
NO_PLUGIN = (
    "SessionManagerPlugin is not found. Please refer to SessionManager Documentation here: http://docs.aws.amazon.com"
)
SSO = "The SSO session associated with this profile has expired or is otherwise invalid."
TIMED_OUT = "ssh: connect to host 2001:db8::100 port 22: Connection timed out"


@pytest.mark.parametrize(
    ("said", "changes", "code", "cause", "remedy"),
    [
        pytest.param(
            CHANGED,
            {},
            "HOST_KEY_CHANGED",
            "differs from the one in /moon/known_hosts",
            "terminate-instances",
            id="changed key",
        ),
        pytest.param(
            UNKNOWN,
            {},
            "HOST_KEY_UNKNOWN",
            "has no host key of the bastion",
            "playbooks/site.yml, which writes",
            id="unknown key",
        ),
        pytest.param(
            CHANGED,
            {"is_own": True},
            "HOST_KEY_CHANGED",
            "differs from the one in your known_hosts",
            "ssh-keygen -R",
            id="own, changed",
        ),
        pytest.param(
            UNKNOWN,
            {"is_own": True},
            "HOST_KEY_UNKNOWN",
            "known_hosts has no host key of bastion.",
            "compare the key",
            id="own, unknown",
        ),
        pytest.param(DENIED, {}, "SSH_KEY_REFUSED", "none of the keys", "--private-key", id="wrong key"),
        pytest.param(
            DENIED,
            {"has_key": False},
            "SSH_KEY_MISSING",
            "no SSH key is set for it",
            "cluster_bastion_ssh_public_key",
            id="no key",
        ),
        pytest.param(
            TIMED_OUT,
            {"instances_wanted": 0, "ttl_hours": 8},
            "BASTION_STOPPED",
            "by its hours (18:00 to 23:00 Etc/UTC), cluster_ttl_hours (8 hours after a run), playbooks/stop.yml or",
            "start.yml, which starts",
            id="hours",
        ),
        pytest.param(
            TIMED_OUT,
            {"instances_wanted": 0, "hours": "", "ttl_hours": 2.5},
            "BASTION_STOPPED",
            "It was stopped by cluster_ttl_hours (2.5 hours after a run), playbooks/stop.yml or someone in AWS",
            "start.yml, which starts",
            id="time to live",
        ),
        pytest.param(
            TIMED_OUT,
            {"instances_wanted": 0, "hours": ""},
            "BASTION_STOPPED",
            "It was stopped by playbooks/stop.yml or someone in AWS, and the group moon-bastion",
            "start.yml, which starts",
            id="no hours",
        ),
        pytest.param(
            TIMED_OUT,
            {"instances": ()},
            "BASTION_NOT_RUNNING",
            "has no running instance",
            "scaling-activities",
            id="no machine",
        ),
        pytest.param(
            TIMED_OUT,
            {"security_group": "moon-bastion"},
            "BASTION_UNREACHABLE",
            "its security group moon-bastion",
            "access_ipv6",
            id="closed",
        ),
        pytest.param(
            TIMED_OUT,
            {"is_own": True},
            "BASTION_UNREACHABLE",
            "does not answer",
            "Check that it runs",
            id="own, silent",
        ),
        pytest.param(
            "Network is unreachable",
            {},
            "CONTROLLER_WITHOUT_IPV6",
            "no IPv6 route",
            "cluster_bastion_connection",
            id="no IPv6",
        ),
        pytest.param(
            "Connection refused", {}, "SSH_SERVER_NOT_READY", "does not accept logins yet", "console", id="starting"
        ),
        pytest.param(
            "TargetNotConnected",
            {"connection": "ssm"},
            "SSM_TARGET_NOT_CONNECTED",
            "3.3.3270.0",
            "Run the playbook again",
            id="agent",
        ),
        pytest.param(
            "sh: aws: not found",
            {"connection": "ssm"},
            "CONNECTION_PROGRAM_MISSING",
            "session-manager-plugin",
            "Install",
            id="no aws",
        ),
        pytest.param(
            "Connection closed by UNKNOWN port 65535",
            {"connection": "ssm"},
            "SSM_SESSION_ENDED",
            "ssh does not say why",
            "aws ssm start-session --region eu-west-1 --target i-0a",
            id="ssm, ended before ssh began",
        ),
        pytest.param(
            "timed out",
            {"connection": "ssm"},
            "SSM_TARGET_NOT_CONNECTED",
            "Session Manager does not know",
            "console",
            id="ssm, silent",
        ),
    ],
)
def test_each_cause_is_named_with_its_remedy(
    said: str, changes: dict[str, Any], code: str, cause: str, remedy: str
) -> None:
    found = diagnose(said, RUNNING._replace(**changes))

    assert (found.code, found.subject, found.severity) == (code, "bastion", "error")
    assert cause in found.message
    assert remedy in found.remedy


# As OpenSSH 9.2 to 10, botocore and shells write them, with what ssh or Ansible adds behind.
@pytest.mark.parametrize(
    ("said", "code", "cause", "remedy"),
    [
        pytest.param(
            OPEN, "PRIVATE_KEY_NOT_PROTECTED", "Other users may read", "chmod 600 /keys/moon", id="readable key"
        ),
        pytest.param(
            REFUSED, "SSH_AGENT_REFUSED", "agent has the key and does not sign", "ssh-add -X", id="agent refuses"
        ),
        pytest.param(
            f'Load key "/keys/moon": error in libcrypto {DENIED}',
            "PRIVATE_KEY_NOT_USABLE",
            "cannot read",
            "ssh-keygen -y",
            id="damaged key",
        ),
        pytest.param(
            "vdollar_percent_expand: unknown key %/",
            "SSH_PATH_INVALID",
            "percent sign",
            "cluster_bastion_ssh_identity_file",
            id="percent",
        ),
        pytest.param(TOO_MANY, "TOO_MANY_SSH_KEYS", "more keys than the six", "--private-key", id="too many keys"),
        pytest.param(
            f'Please login as the user "ec2-user" rather than the user "root". {DENIED}',
            "SSH_USER_WRONG",
            "another user",
            "cluster_bastion_user",
            id="user",
        ),
        pytest.param(
            "kex_exchange_identification: read: Connection reset by peer Connection reset by 2001:db8::100 port 22",
            "SSH_CONNECTION_CLOSED",
            "ends it before the login",
            "get-console-output",
            id="reset",
        ),
        pytest.param(
            "kex_exchange_identification: Connection closed by remote host",
            "SSH_CONNECTION_CLOSED",
            "ends it before the login",
            "Run the playbook again",
            id="closed by remote host",
        ),
        pytest.param(
            "Connection timed out during banner exchange",
            "SSH_CONNECTION_CLOSED",
            "ends it before the login",
            "Run the playbook again",
            id="silent after connecting",
        ),
        pytest.param(
            '"System is booting up. Unprivileged users are not permitted to log in yet. Please come back later." '
            "Connection closed by 2001:db8::100 port 22",
            "SSH_SERVER_NOT_READY",
            "does not accept logins yet",
            "Run the playbook again",
            id="booting",
        ),
        pytest.param(NO_NAME, "HOST_NAME_NOT_RESOLVED", "AddressFamily inet", "ssh -G", id="no name"),
        pytest.param(
            f"Unable to negotiate with 2001:db8::100 port 22: no matching host key type found. {OFFER}",
            "NO_COMMON_ALGORITHM",
            "no algorithm in common",
            "HostKeyAlgorithms",
            id="host key type",
        ),
        pytest.param(
            f"Unable to negotiate with 2001:db8::100 port 22: no matching key exchange method found. {OFFER}",
            "NO_COMMON_ALGORITHM",
            "no algorithm in common",
            "KexAlgorithms",
            id="key exchange",
        ),
        pytest.param(
            "Bad owner or permissions on /home/ada/.ssh/config",
            "SSH_CONFIG_INVALID",
            "own configuration",
            "chmod 600",
            id="owner",
        ),
        pytest.param(
            "/home/ada/.ssh/config: line 3: Bad configuration option: usekeychain",
            "SSH_CONFIG_INVALID",
            "own configuration",
            "this version of ssh",
            id="option",
        ),
        pytest.param(
            "ssh: connect to host 2001:db8::100 port 22: No route to host",
            "CONNECTION_REJECTED",
            "rejects",
            "to port 22",
            id="no route",
        ),
    ],
)
def test_each_message_of_ssh_has_its_own_cause_and_remedy(said: str, code: str, cause: str, remedy: str) -> None:
    found = diagnose(said, RUNNING._replace(identity_file="/keys/moon"))

    assert (found.code, found.subject, found.severity) == (code, "bastion", "error")
    assert cause in found.message
    assert remedy in found.remedy
    assert "terminate-instances" not in found.remedy


@pytest.mark.parametrize(
    ("said", "code", "cause", "remedy"),
    [
        pytest.param(DENIED_SESSION, "NOT_AUTHORIZED", "does not allow", "ssm:StartSession", id="access denied"),
        pytest.param(
            DENIED_CHANNEL, "NOT_AUTHORIZED", "does not allow", "ssmmessages:OpenDataChannel on", id="channel denied"
        ),
        pytest.param(EXPIRED, "CREDENTIALS_EXPIRED", "no valid credentials", "AWS_PROFILE", id="expired token"),
        pytest.param(
            "Unable to locate credentials",
            "CREDENTIALS_MISSING",
            "no valid credentials",
            "aws sts",
            id="no credentials",
        ),
        pytest.param(SSO, "CREDENTIALS_EXPIRED", "no valid credentials", "aws sso login", id="sso"),
        pytest.param(
            "The config profile (moon) could not be found",
            "CREDENTIALS_MISSING",
            "no valid credentials",
            "AWS_PROFILE",
            id="profile",
        ),
        pytest.param(
            'Could not connect to the endpoint URL: "https://ssm.eu-west-1.amazonaws.com/"',
            "ENDPOINT_UNREACHABLE",
            "cannot reach AWS",
            "proxy",
            id="net",
        ),
        pytest.param(
            UNMANAGED,
            "SSM_TARGET_NOT_CONNECTED",
            "does not know the instance",
            "get-console-output",
            id="not connected",
        ),
        pytest.param(NO_PLUGIN, "CONNECTION_PROGRAM_MISSING", "session-manager-plugin", "Install", id="no plugin"),
        pytest.param(
            "sh: 1: exec: aws: not found",
            "CONNECTION_PROGRAM_MISSING",
            "aws or session-manager-plugin",
            "Install",
            id="dash",
        ),
        pytest.param(
            "zsh:1: command not found: aws",
            "CONNECTION_PROGRAM_MISSING",
            "aws or session-manager-plugin",
            "Install",
            id="zsh",
        ),
        pytest.param(
            "bash: line 1: exec: aws: not found",
            "CONNECTION_PROGRAM_MISSING",
            "aws or session-manager-plugin",
            "Install",
            id="bash",
        ),
    ],
)
def test_each_message_of_session_manager_has_its_own_cause_and_remedy(
    said: str, code: str, cause: str, remedy: str
) -> None:
    # What ssh says when its ProxyCommand ends.
    closed = "kex_exchange_identification: Connection closed by remote host Connection closed by UNKNOWN port 65535"

    found = diagnose(f"{said} {closed}", RUNNING._replace(connection="ssm"))

    assert (found.code, found.subject, found.severity) == (code, "bastion", "error")
    assert cause in found.message
    assert remedy in found.remedy


def test_a_refused_key_is_first_a_matter_of_the_private_key() -> None:
    found = diagnose(DENIED, RUNNING._replace(identity_file="/keys/moon"))

    assert "/keys/moon" in found.message
    assert found.remedy.index("--private-key") < found.remedy.index("terminate-instances")


@pytest.mark.parametrize("said", [DENIED, OPEN, TOO_MANY, NO_NAME, "Connection refused", "Connection reset by peer"])
def test_a_host_of_the_user_is_not_ended_and_has_no_console_in_ec2(said: str) -> None:
    found = diagnose(said, RUNNING._replace(is_own=True))

    assert "aws ec2" not in sentences(found)


@pytest.mark.parametrize("said", [CHANGED, UNKNOWN])
@pytest.mark.parametrize("is_own", [True, False])
def test_no_remedy_switches_the_check_off(said: str, is_own: bool) -> None:
    text = sentences(diagnose(said, RUNNING._replace(is_own=is_own))).lower()

    assert "stricthostkeychecking" not in text
    assert "host_key_checking" not in text


NOT_SENT = 'Data could not be sent to remote host "::1". Make sure this host can be reached over ssh: '
NOT_REACHED = "timed out waiting for ping module test: Failed to connect to the host via ssh: "


@pytest.mark.parametrize("said", ["", NOT_REACHED, NOT_SENT])
def test_silence_is_a_matter_of_the_security_group(said: str) -> None:
    timed_out = f"{said}ssh: connect to host moon port 22: Operation timed out"

    assert "security group" in diagnose(said, RUNNING).message
    assert diagnose(timed_out, RUNNING) == diagnose(said, RUNNING)


@pytest.mark.parametrize("said", ["Something new", "timed out waiting for ping module test: Something new"])
@pytest.mark.parametrize("is_own", [True, False])
def test_words_that_are_not_known_are_not_explained(said: str, is_own: bool) -> None:
    found = diagnose(said, RUNNING._replace(is_own=is_own, login="ssh -vvv -p 2222 me@moon"))

    assert found.code == "SSH_LOGIN_FAILED"
    assert "The cause is unknown" in found.message
    assert found.remedy.endswith("ssh -vvv -p 2222 me@moon")
    assert "security group" not in sentences(found)


def test_a_key_that_this_user_may_not_read_is_not_damaged() -> None:
    found = diagnose(f'Load key "/keys/moon": Permission denied {DENIED}', RUNNING._replace(identity_file="/keys/moon"))

    assert found.code == "PRIVATE_KEY_NOT_USABLE"
    assert "You may not read the private key /keys/moon" in found.message
    assert "damaged" not in sentences(found)


@pytest.mark.parametrize("said", [OPEN, f'Load key "/keys/moon": error in libcrypto {DENIED}'])
def test_a_public_key_in_the_place_of_a_private_one_is_called_so(tmp_path: Path, said: str) -> None:
    (tmp_path / "moon").write_text(make_host_key("").public)
    key = tmp_path / "moon"
    given = Facts("bastion", known_hosts="/moon/known_hosts", identity_file=str(key))
    facts = facts_of(given, CLUSTER, BASTION, {"ansible_host": "2001:db8::100", "ansible_user": "ec2-user"})

    found = diagnose(said, facts)

    assert found.code == "PRIVATE_KEY_MISSING"
    assert f"is a public key, and no SSH agent has its private key: {key}" in found.message
    assert "chmod" not in found.remedy


def test_the_facts_are_those_of_the_description_the_account_and_the_inventory() -> None:
    variables = {"ansible_host": "2001:db8::100", "ansible_user": "ec2-user", "ec2_bastion_connection": "ssm"}

    facts = facts_of(Facts("bastion", security_group="moon-bastion"), CLUSTER, BASTION, variables)

    assert (facts.security_group, facts.ttl_hours) == ("moon-bastion", 8)
    assert (facts.group, facts.region, facts.instances) == ("moon-bastion", "eu-west-1", ("i-0a",))
    assert (facts.has_key, facts.is_built, facts.connection) == (True, True, "ssm")
    assert facts.login == "ssh -vvv -o StrictHostKeyChecking=yes ec2-user@2001:db8::100"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        pytest.param({"ipv6": "", "instances_wanted": None, "instances": []}, "BASTION_MISSING", id="nothing"),
        pytest.param({"ipv6": "", "instances": []}, "BASTION_MISSING", id="no interface"),
        pytest.param({"instances_wanted": None, "instances": []}, "BASTION_MISSING", id="no group"),
        pytest.param({"ipv6": "", "instances_wanted": 0, "instances": []}, "BASTION_STOPPED", id="stopped"),
        pytest.param({"instances": []}, "BASTION_NOT_RUNNING", id="no instance"),
    ],
)
def test_a_bastion_without_an_instance_is_missing_stopped_or_does_not_run(state: dict[str, Any], code: str) -> None:
    found = diagnose("", facts_of(Facts("bastion"), CLUSTER, {**BASTION, **state}, {}))

    assert found.code == code
