# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit that leaves out the host of a playbook is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.urmanac.talos.plugins.filter.within_limit import within_limit

GROUPS = {"all": ["gateway", "bastion"], "role_gateway": ["gateway"]}
WITH_LOCALHOST = {"all": ["localhost", "gateway"], "mine": ["localhost"]}


@pytest.mark.parametrize("limit", ["", "localhost", "localhost,gateway", "gateway:localhost", "~.*", "@failed.txt"])
def test_a_limit_with_the_host_lets_the_play_run(limit: str) -> None:
    assert within_limit("localhost", limit, GROUPS) == "localhost"


@pytest.mark.parametrize("limit", ["mine", "local*", "all", "!gateway", "all:&mine"])
def test_a_host_of_the_inventory_is_selected_by_its_groups_too(limit: str) -> None:
    assert within_limit("localhost", limit, WITH_LOCALHOST) == "localhost"


@pytest.mark.parametrize("limit", ["gateway", "all", "!gateway", "role_gateway", "all:!localhost", "a:&localhost"])
def test_a_limit_without_the_host_is_refused_with_one_that_works(limit: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"--limit {limit} excludes localhost.*--limit localhost,"):
        within_limit("localhost", limit, GROUPS)


def test_a_host_that_a_playbook_finds_itself_is_selected_by_its_name() -> None:
    assert within_limit("bastion", "localhost,bastion", {"all": []}) == "bastion"


@pytest.fixture
def command_line() -> Iterator[None]:
    """Restore the options of the command line after a test."""
    before = context.CLIARGS
    yield
    context.CLIARGS = before


@pytest.mark.usefixtures("command_line")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"skip_tags": ("network",)}, "--skip-tags network selects nothing of network.yml", id="skipped"),
        pytest.param({"tags": ("always",)}, "--tags always selects nothing of network.yml", id="tags of Ansible"),
        pytest.param({"start_at_task": "act"}, "--start-at-task leaves out the check", id="a later task"),
    ],
)
def test_options_that_leave_out_a_play_or_its_checks_are_refused(options: dict[str, object], said: str) -> None:
    context.CLIARGS = ImmutableDict({"args": ("urmanac.talos.network",), "tags": ("all",), **options})

    with pytest.raises(AnsibleFilterError, match=f"Nothing was done: {said}"):
        within_limit("localhost", "", GROUPS)


@pytest.mark.usefixtures("command_line")
def test_a_users_playbook_may_begin_with_a_later_task() -> None:
    context.CLIARGS = ImmutableDict({"args": ("/home/ada/all.yml",), "start_at_task": "act"})

    assert within_limit("localhost", "", GROUPS) == "localhost"


@pytest.mark.parametrize(
    ("limit", "left"),
    [
        pytest.param("", ["gateway", "compute-2"], id="no limit"),
        pytest.param("localhost,compute-2", ["compute-2"], id="a name"),
        pytest.param("role_gateway", ["gateway"], id="a group"),
        pytest.param("all:!gateway", ["compute-2"], id="all but one"),
    ],
)
def test_of_a_list_the_hosts_within_the_limit_are_left(limit: str, left: list[str]) -> None:
    groups = {"all": ["gateway", "compute-2"], "role_gateway": ["gateway"]}

    assert within_limit(["gateway", "compute-2"], limit, groups) == left


@pytest.mark.parametrize("limit", ["localhost", "role_gateway:!gateway"])
def test_a_limit_that_excludes_all_hosts_of_a_list_is_refused_with_one_that_works(limit: str) -> None:
    groups = {"all": ["gateway", "compute-2"], "role_gateway": ["gateway"]}

    with pytest.raises(AnsibleFilterError, match=rf"{limit} excludes gateway, compute-2, .*--limit gateway,compute-2,"):
        within_limit(["gateway", "compute-2"], limit, groups)
