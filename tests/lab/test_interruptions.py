# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed after any of its writing calls: one removal leaves nothing of it, and a second changes nothing.

Each stage is killed and removed by itself, with the stages before it in place: reset.yml removes them in reverse order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.access import read_groups, read_rules
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.schedule import read_schedules
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import read_and_compare
from tests.lab.cluster_runs import IDENTITY, SPEC, STAGES, Act, Ended, FaultyApi, Stage
from tests.lab.labs import Lab


class Scene(NamedTuple):
    """A stage in an account in which all stages before it are done."""

    api: FaultyApi
    stage: Stage


class Account(NamedTuple):
    """An account and the stages that are done in it, in their order."""

    api: FaultyApi
    done: list[Stage]

    def bring_to(self, stages: list[Stage]) -> None:
        """Make what of these first stages is not done yet, and remove what is done of later ones."""
        while len(self.done) > len(stages):
            self.done.pop().remove(self.api)
        for stage in stages[len(self.done) :]:
            stage.make(self.api)
            self.done.append(stage)


@pytest.fixture(scope="module")
def account(lab: Lab) -> Iterator[Account]:
    """Give an account in which nothing is done, and leave it so."""
    made = Account(FaultyApi(lab), [])
    yield made
    made.bring_to([])


@pytest.fixture(scope="module", params=STAGES)
def scene(account: Account, request: pytest.FixtureRequest) -> Scene:
    """Give each stage in the account; the next one finds it done."""
    account.bring_to(list(STAGES.values())[: list(STAGES).index(request.param)])
    return Scene(account.api, STAGES[request.param])


def killed(api: FaultyApi, act: Act, after: int) -> bool:
    """Kill a run after a number of writing calls; return whether it was still running."""
    api.writes_left = after
    try:
        act(api)
    except Ended:
        return True
    finally:
        api.stop_failing()
    return False


def existing(api: FaultyApi) -> set[str]:
    """Return the ids of everything of the cluster that AWS has."""
    found = {item.id for item in read_and_compare(api, SPEC).found}
    parameters = api.call("ssm", "describe_parameters")["Parameters"]
    # The others are AWS's own.
    claims = {item["Name"] for item in parameters if item["Name"].startswith("/urmanac.talos/")}
    rules = {str(rule.id) for rule in read_rules(api, IDENTITY, read_groups(api, IDENTITY)) if rule.ours}
    return {*found, *claims, *rules, *read_schedules(api, IDENTITY)}


def test_a_build_that_was_killed_anywhere_is_removed(scene: Scene) -> None:
    api, stage = scene
    kept, points = existing(api), 0
    while killed(api, stage.make, points + 1):
        points += 1
        stage.remove(api)
        api.writes.clear()
        stage.remove(api)
        assert api.writes == [], f"by the second removal, killed after call {points}"
        assert existing(api) == kept, f"killed after call {points}"
    stage.remove(api)

    assert points >= 1


def test_a_removal_that_is_killed_after_each_of_its_calls_ends(scene: Scene) -> None:
    api, stage = scene
    kept, points = existing(api), 0
    stage.make(api)
    while killed(api, stage.remove, 1):
        points += 1

    assert existing(api) == kept
    assert points >= 1
