# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is said of a bastion that cannot be logged in to."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.diagnosis import Facts, diagnose

RUNNING = Facts("bastion", "moon-bastion", "eu-west-1", "/moon/known_hosts", 1, ("i-0a",), "18:00 to 23:00 Etc/UTC")
CHANGED = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @ Host key verification failed."
UNKNOWN = "No ED25519 host key is known for moon and you have requested strict checking. Host key verification failed."
DENIED = "ec2-user@2001:db8::100: Permission denied (publickey,gssapi-keyex)."
TIMED_OUT = "ssh: connect to host 2001:db8::100 port 22: Connection timed out"


@pytest.mark.parametrize(
    ("said", "changes", "cause", "remedy"),
    [
        pytest.param(CHANGED, {}, "another host key than /moon/known_hosts", "terminate-instances", id="changed key"),
        pytest.param(UNKNOWN, {}, "has no host key for it", "playbooks/site.yml writes", id="unknown key"),
        pytest.param(
            CHANGED, {"is_own": True}, "not the one that your known_hosts", "ssh-keygen -R", id="own, changed"
        ),
        pytest.param(UNKNOWN, {"is_own": True}, "is not known here", "compare it", id="own, unknown"),
        pytest.param(DENIED, {}, "none of this computer's SSH keys", "cluster_bastion_ssh_public_key", id="wrong key"),
        pytest.param(
            DENIED, {"has_key": False}, "has no authorized key", "cluster_bastion_ssh_public_key", id="no key"
        ),
        pytest.param(TIMED_OUT, {"instances_wanted": 0}, "hours are over (18:00", "site.yml starts", id="hours"),
        pytest.param(TIMED_OUT, {"instances": ()}, "has no running machine", "scaling-activities", id="no machine"),
        pytest.param(TIMED_OUT, {}, "security group", "access_ipv6", id="closed"),
        pytest.param(TIMED_OUT, {"is_own": True}, "does not answer", "Check its address", id="own, silent"),
        pytest.param("Network is unreachable", {}, "no IPv6 route", "cluster_bastion_connection", id="no IPv6"),
        pytest.param("Connection refused", {}, "does not answer yet", "console", id="starting"),
        pytest.param("TargetNotConnected", {"connection": "ssm"}, "3.3.3270.0", "Run it again", id="agent"),
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


@pytest.mark.parametrize("said", [CHANGED, UNKNOWN])
@pytest.mark.parametrize("is_own", [True, False])
def test_no_remedy_switches_the_check_off(said: str, is_own: bool) -> None:
    text = diagnose(said, RUNNING._replace(is_own=is_own)).lower()

    assert "stricthostkeychecking" not in text
    assert "host_key_checking" not in text
