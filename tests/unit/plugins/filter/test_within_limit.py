# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit that leaves out the host of a playbook is refused."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

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
