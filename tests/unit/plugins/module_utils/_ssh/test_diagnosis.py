# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the diagnosis of a failed login to the bastion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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
UNMANAGED = "An error occurred (TargetNotConnected) when calling the StartSession operation: i-0a is not connected."
NO_PLUGIN = (
    "SessionManagerPlugin is not found. Please refer to SessionManager Documentation here: http://docs.aws.amazon.com"
)
SSO = "The SSO session associated with this profile has expired or is otherwise invalid."
TIMED_OUT = "ssh: connect to host 2001:db8::100 port 22: Connection timed out"


@pytest.mark.parametrize(
    ("said", "changes", "cause", "remedy"),
    [
        pytest.param(CHANGED, {}, "differs from the one in /moon/known_hosts", "terminate-instances", id="changed key"),
        pytest.param(UNKNOWN, {}, "has no host key of the bastion", "playbooks/site.yml writes", id="unknown key"),
        pytest.param(
            CHANGED, {"is_own": True}, "differs from the one in your known_hosts", "ssh-keygen -R", id="own, changed"
        ),
        pytest.param(
            UNKNOWN, {"is_own": True}, "known_hosts has no host key of bastion.", "compare the key", id="own, unknown"
        ),
        pytest.param(DENIED, {}, "none of the keys", "--private-key", id="wrong key"),
        pytest.param(
            DENIED, {"has_key": False}, "has no authorized key", "cluster_bastion_ssh_public_key", id="no key"
        ),
        pytest.param(
            TIMED_OUT,
            {"instances_wanted": 0, "ttl_hours": 8},
            "by its hours (18:00 to 23:00 Etc/UTC), cluster_ttl_hours (8 hours after a run), playbooks/stop.yml or",
            "start.yml starts",
            id="hours",
        ),
        pytest.param(
            TIMED_OUT,
            {"instances_wanted": 0, "hours": "", "ttl_hours": 2.5},
            "It was stopped by cluster_ttl_hours (2.5 hours after a run), playbooks/stop.yml or someone in AWS",
            "start.yml starts",
            id="time to live",
        ),
        pytest.param(
            TIMED_OUT,
            {"instances_wanted": 0, "hours": ""},
            "It was stopped by playbooks/stop.yml or someone in AWS, and the group moon-bastion",
            "start.yml starts",
            id="no hours",
        ),
        pytest.param(TIMED_OUT, {"instances": ()}, "has no running instance", "scaling-activities", id="no machine"),
        pytest.param(
            TIMED_OUT, {"security_group": "moon-bastion"}, "its security group moon-bastion", "access_ipv6", id="closed"
        ),
        pytest.param(TIMED_OUT, {"is_own": True}, "does not answer", "Check that it runs", id="own, silent"),
        pytest.param("Network is unreachable", {}, "no IPv6 route", "cluster_bastion_connection", id="no IPv6"),
        pytest.param("Connection refused", {}, "does not answer yet", "console", id="starting"),
        pytest.param("TargetNotConnected", {"connection": "ssm"}, "3.3.3270.0", "Run the playbook again", id="agent"),
        pytest.param("sh: aws: not found", {"connection": "ssm"}, "session-manager-plugin", "Install", id="no aws"),
        pytest.param(
            "Connection closed by UNKNOWN port 65535",
            {"connection": "ssm"},
            "ssh does not say why",
            "aws ssm start-session --region eu-west-1 --target i-0a",
            id="ssm, ended before ssh began",
        ),
        pytest.param("timed out", {"connection": "ssm"}, "Session Manager does not know", "console", id="ssm, silent"),
    ],
)
def test_each_cause_is_named_with_its_remedy(said: str, changes: dict[str, Any], cause: str, remedy: str) -> None:
    text = diagnose(said, RUNNING._replace(**changes))

    assert cause in text
    assert remedy in text


# As OpenSSH 9.2 to 10, botocore and shells write them, with what ssh or Ansible adds behind.
@pytest.mark.parametrize(
    ("said", "cause", "remedy"),
    [
        pytest.param(OPEN, "other users may read", "chmod 600 /keys/moon", id="readable key"),
        pytest.param(REFUSED, "agent has the key and does not sign", "ssh-add -X", id="agent refuses"),
        pytest.param(
            f'Load key "/keys/moon": error in libcrypto {DENIED}', "cannot read", "ssh-keygen -y", id="damaged key"
        ),
        pytest.param(
            "vdollar_percent_expand: unknown key %/", "percent sign", "cluster_bastion_ssh_identity_file", id="percent"
        ),
        pytest.param(TOO_MANY, "more keys than the server accepts", "--private-key", id="too many keys"),
        pytest.param(
            f'Please login as the user "ec2-user" rather than the user "root". {DENIED}',
            "another user",
            "cluster_bastion_user",
            id="user",
        ),
        pytest.param(
            "kex_exchange_identification: read: Connection reset by peer Connection reset by 2001:db8::100 port 22",
            "ends it before the login",
            "get-console-output",
            id="reset",
        ),
        pytest.param(
            "kex_exchange_identification: Connection closed by remote host",
            "ends it before the login",
            "Run the playbook again",
            id="closed by remote host",
        ),
        pytest.param(
            "Connection timed out during banner exchange",
            "ends it before the login",
            "Run the playbook again",
            id="silent after connecting",
        ),
        pytest.param(
            '"System is booting up. Unprivileged users are not permitted to log in yet. Please come back later." '
            "Connection closed by 2001:db8::100 port 22",
            "does not answer yet",
            "Run the playbook again",
            id="booting",
        ),
        pytest.param(NO_NAME, "IPv6 address", "AddressFamily", id="no name"),
        pytest.param(
            f"Unable to negotiate with 2001:db8::100 port 22: no matching host key type found. {OFFER}",
            "no algorithm in common",
            "HostKeyAlgorithms",
            id="host key type",
        ),
        pytest.param(
            f"Unable to negotiate with 2001:db8::100 port 22: no matching key exchange method found. {OFFER}",
            "no algorithm in common",
            "KexAlgorithms",
            id="key exchange",
        ),
        pytest.param("Bad owner or permissions on /home/ada/.ssh/config", "own configuration", "chmod 600", id="owner"),
        pytest.param(
            "/home/ada/.ssh/config: line 3: Bad configuration option: usekeychain",
            "own configuration",
            "this version of ssh",
            id="option",
        ),
        pytest.param(
            "ssh: connect to host 2001:db8::100 port 22: No route to host", "rejects", "to port 22", id="no route"
        ),
    ],
)
def test_each_message_of_ssh_has_its_own_cause_and_remedy(said: str, cause: str, remedy: str) -> None:
    text = diagnose(said, RUNNING._replace(identity_file="/keys/moon"))

    assert cause in text
    assert remedy in text
    assert "terminate-instances" not in text


@pytest.mark.parametrize(
    ("said", "cause", "remedy"),
    [
        pytest.param(DENIED_SESSION, "does not allow", "ssm:StartSession", id="access denied"),
        pytest.param(DENIED_CHANNEL, "does not allow", "ssmmessages:OpenDataChannel on", id="channel denied"),
        pytest.param(EXPIRED, "no valid credentials", "AWS_PROFILE", id="expired token"),
        pytest.param("Unable to locate credentials", "no valid credentials", "aws sts", id="no credentials"),
        pytest.param(SSO, "no valid credentials", "aws sso login", id="sso"),
        pytest.param(
            "The config profile (moon) could not be found", "no valid credentials", "AWS_PROFILE", id="profile"
        ),
        pytest.param(
            'Could not connect to the endpoint URL: "https://ssm.eu-west-1.amazonaws.com/"',
            "cannot reach AWS",
            "proxy",
            id="net",
        ),
        pytest.param(UNMANAGED, "does not know the instance", "3.3.3270.0", id="not connected"),
        pytest.param(NO_PLUGIN, "session-manager-plugin", "Install", id="no plugin"),
        pytest.param("sh: 1: exec: aws: not found", "programs aws", "Install", id="dash"),
        pytest.param("zsh:1: command not found: aws", "programs aws", "Install", id="zsh"),
        pytest.param("bash: line 1: exec: aws: not found", "programs aws", "Install", id="bash"),
    ],
)
def test_each_message_of_session_manager_has_its_own_cause_and_remedy(said: str, cause: str, remedy: str) -> None:
    # What ssh says when its ProxyCommand ends.
    closed = "kex_exchange_identification: Connection closed by remote host Connection closed by UNKNOWN port 65535"

    text = diagnose(f"{said} {closed}", RUNNING._replace(connection="ssm"))

    assert cause in text
    assert remedy in text


def test_a_refused_key_is_first_a_matter_of_the_private_key() -> None:
    text = diagnose(DENIED, RUNNING._replace(identity_file="/keys/moon"))

    assert "/keys/moon" in text
    assert text.index("--private-key") < text.index("terminate-instances")


@pytest.mark.parametrize("said", [DENIED, OPEN, TOO_MANY, NO_NAME, "Connection refused", "Connection reset by peer"])
def test_a_host_of_ones_own_is_not_ended_and_has_no_console_of_ours(said: str) -> None:
    text = diagnose(said, RUNNING._replace(is_own=True))

    assert "aws ec2" not in text


@pytest.mark.parametrize("said", [CHANGED, UNKNOWN])
@pytest.mark.parametrize("is_own", [True, False])
def test_no_remedy_switches_the_check_off(said: str, is_own: bool) -> None:
    text = diagnose(said, RUNNING._replace(is_own=is_own)).lower()

    assert "stricthostkeychecking" not in text
    assert "host_key_checking" not in text


NOT_SENT = 'Data could not be sent to remote host "::1". Make sure this host can be reached over ssh: '
NOT_REACHED = "timed out waiting for ping module test: Failed to connect to the host via ssh: "


@pytest.mark.parametrize("said", ["", NOT_REACHED, NOT_SENT])
def test_silence_is_a_matter_of_the_security_group(said: str) -> None:
    assert "security group" in diagnose(said, RUNNING)
    assert "security group" in diagnose(f"{said}ssh: connect to host moon port 22: Operation timed out", RUNNING)


@pytest.mark.parametrize("said", ["Something new", "timed out waiting for ping module test: Something new"])
@pytest.mark.parametrize("is_own", [True, False])
def test_words_that_are_not_known_are_not_explained(said: str, is_own: bool) -> None:
    text = diagnose(said, RUNNING._replace(is_own=is_own, login="ssh -vvv -p 2222 me@moon"))

    assert "The cause is unknown" in text
    assert text.endswith("ssh -vvv -p 2222 me@moon")
    assert "security group" not in text


def test_a_key_that_this_user_may_not_read_is_not_damaged() -> None:
    text = diagnose(f'Load key "/keys/moon": Permission denied {DENIED}', RUNNING._replace(identity_file="/keys/moon"))

    assert "You may not read the private key /keys/moon" in text
    assert "damaged" not in text


@pytest.mark.parametrize("said", [OPEN, f'Load key "/keys/moon": error in libcrypto {DENIED}'])
def test_a_public_key_in_the_place_of_a_private_one_is_called_so(tmp_path: Path, said: str) -> None:
    (tmp_path / "moon").write_text(make_host_key("").public)
    wanted = {"start": "", "ssh_public_key": "a key", "ssh_key_name": "", "connection": "ssh"}
    facts = facts_of(
        {"name": "moon", "bastion": wanted, "region": "eu-west-1", "hours": {"ttl": 8}},
        {"group": "moon-bastion", "instances_wanted": 1, "instances": ["i-0a"]},
        host="bastion",
        known_hosts="/moon/known_hosts",
        is_own=False,
        identity_file=str(tmp_path / "moon"),
        security_group="moon-bastion",
        variables={"ansible_host": "2001:db8::100", "ansible_user": "ec2-user"},
    )

    text = diagnose(said, facts)

    assert f"{tmp_path / 'moon'} is a public key, and no SSH agent has its private key" in text
    assert "chmod" not in text
    assert (facts.security_group, facts.ttl_hours) == ("moon-bastion", 8)
    assert facts.login == "ssh -vvv -o StrictHostKeyChecking=yes ec2-user@2001:db8::100"
