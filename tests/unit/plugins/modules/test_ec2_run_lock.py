# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lock of a run that other directories and machines see, with moto as SSM."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import Clock
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsApi
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.ownership import run_lock
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from ansible_collections.urmanac.talos.plugins.module_utils._runs import Run, is_alive, this_run
from ansible_collections.urmanac.talos.plugins.modules import ec2_run_lock
from tests.ec2_cluster import OWNER, REGION, empty_aws, run_module, tag_list
from tests.ec2_failures import Deleting

NAME = "/urmanac.talos/talos-arm64/moon/run"
NOW = datetime(2026, 11, 28, 21, tzinfo=UTC)
OURS = Run(100, "5000", "laptop", "site.yml", "me", "/home/me/moon", "aa", "boot-1 pid:[1]")
# The same secrets in another directory of the machine, on another one, and in a container of the machine.
BESIDE = OURS._replace(pid=200, started="6000", directory="/srv/moon")
ELSEWHERE = Run(100, "5000", "desktop", "reset.yml", "you", "/home/me/moon", "bb", "boot-2 pid:[1]")
CONTAINER = OURS._replace(host="f00", kernel="boot-1 pid:[2]")


def dead(_pid: int, _started: str) -> bool:
    return False


def alive(_pid: int, _started: str) -> bool:
    return True


class Ssm(AwsApi):
    """SSM, in which another client acts right after a call of ours."""

    def __init__(self) -> None:
        self.client = boto3.client("ssm", region_name=REGION)
        self.calls: list[str] = []
        self.then: dict[str, Callable[[], Any]] = {}
        super().__init__({"ssm": self.client}, REGION)

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self.calls.append(operation)
        try:
            return super().call(service, operation, **parameters)
        finally:
            self.then.pop(operation, lambda: None)()


@pytest.fixture
def ssm() -> Iterator[Ssm]:
    with empty_aws():
        yield Ssm()


def client(ssm: AwsApi) -> run_lock.LockClient:
    """Return the client of the lock, whose pauses take no time."""
    made = run_lock.LockClient(ssm, Identity("moon", "talos-arm64"))
    now = itertools.count()
    made.clock = Clock(lambda: float(next(now)), lambda _seconds: None)
    return made


def hold(
    ssm: Ssm,
    run: Run,
    *,
    now: datetime = NOW,
    takeover: bool = False,
    alive: run_lock.Alive = alive,
) -> bool:
    return run_lock.ensure_held(client(ssm), run, now, takeover=takeover, alive=alive)


def renew(ssm: Ssm, run: Run, *, after: timedelta) -> bool:
    return run_lock.ensure_renewed(client(ssm), run, NOW + after)


def holder(ssm: AwsApi) -> Run | None:
    found = client(ssm).read()
    lock = run_lock.parse_lock(found.text) if found else None
    return lock.run if lock else None


@pytest.mark.parametrize("letter", ["a", "ü", "🌙"])
def test_texts_of_any_length_leave_room_for_each_other_in_the_value(ssm: Ssm, letter: str) -> None:
    long = letter * 4000
    run = OURS._replace(what=f"site.yml {long}", user=long, host=long, directory=f"/home/{long}/moon")

    assert hold(ssm, run) is True
    assert len(ssm.client.get_parameter(Name=NAME)["Parameter"]["Value"].encode()) <= 4096
    held = holder(ssm)
    assert held and held.directory.startswith("/home/") and held.directory.endswith("/moon")
    assert hold(ssm, run) is False, "it is the same run"
    assert run_lock.ensure_left(client(ssm), run) is True


def test_a_run_costs_one_call_at_its_beginning_and_leaves_nothing_at_its_end(ssm: Ssm) -> None:
    assert hold(ssm, OURS) is True
    assert ssm.calls == ["put_parameter"]
    tags = ssm.client.list_tags_for_resource(ResourceType="Parameter", ResourceId=NAME)["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "Project": "talos-arm64",
        "Cluster": "moon",
        "ManagedBy": "urmanac.talos",
    }

    assert run_lock.ensure_left(client(ssm), OURS) is True
    assert ssm.client.describe_parameters()["Parameters"] == []
    assert run_lock.ensure_left(client(ssm), OURS) is False


@pytest.mark.parametrize(
    ("other", "seen"),
    [
        pytest.param(BESIDE, alive, id="another directory of this machine"),
        pytest.param(ELSEWHERE, dead, id="another machine, whose processes are not seen"),
        pytest.param(CONTAINER, dead, id="a container of this machine, whose processes are not seen"),
        pytest.param(OURS._replace(machine="cc", kernel="x"), dead, id="a machine of the same name and directory"),
        pytest.param(OURS._replace(kernel="", machine="bb"), dead, id="a system that reports no kernel"),
        pytest.param(OURS._replace(kernel="boot-0 pid:[1]"), dead, id="this machine before a restart, or its clone"),
    ],
)
def test_a_run_with_the_same_secrets_is_refused_with_who_works_and_since_when(
    ssm: Ssm, other: Run, seen: run_lock.Alive
) -> None:
    hold(ssm, other)

    with pytest.raises(Ec2Error) as refused:
        hold(ssm, OURS, now=NOW + timedelta(hours=1), alive=seen)

    who = f"{other.what}, process {other.pid} of {other.user} on {other.host} in {other.directory}"
    assert f"another run ({who}, since 2026-11-28T21:00:00+00:00) is active on this cluster" in str(refused.value)
    assert "after 2026-11-29T00:00:00+00:00 any controller may start a run" in str(refused.value)
    assert "-e cluster_run_takeover=true" in str(refused.value)
    assert holder(ssm) == other
    assert run_lock.ensure_left(client(ssm), OURS) is False


@pytest.mark.parametrize(
    ("other", "hours"),
    [
        pytest.param(OURS._replace(pid=90), 0, id="in the same directory"),
        pytest.param(BESIDE, 0, id="in another directory of this machine"),
        pytest.param(ELSEWHERE, 3, id="on another machine, three hours ago"),
        pytest.param(OURS._replace(kernel="boot-0 pid:[1]"), 3, id="before this machine was started again"),
    ],
)
def test_what_a_killed_run_left_behind_is_taken_over(ssm: Ssm, other: Run, hours: int) -> None:
    hold(ssm, other)

    assert hold(ssm, OURS, now=NOW + timedelta(hours=hours), alive=dead) is True

    assert holder(ssm) == OURS
    assert run_lock.ensure_left(client(ssm), other) is False
    assert run_lock.ensure_left(client(ssm), OURS) is True


def test_a_run_that_renews_its_lock_keeps_it_for_longer_than_a_killed_one(ssm: Ssm) -> None:
    hold(ssm, ELSEWHERE)
    renewed = [renew(ssm, ELSEWHERE, after=timedelta(hours=hours)) for hours in (2, 4, 6)]

    with pytest.raises(Ec2Error, match=r"since 2026-11-28T21:00:00\+00:00\) is active on this cluster"):
        hold(ssm, OURS, now=NOW + timedelta(hours=8))

    assert renewed == [True] * 3
    assert hold(ssm, OURS, now=NOW + timedelta(hours=9)) is True


def test_a_lock_that_is_a_few_minutes_old_is_renewed_by_no_call_but_a_reading(ssm: Ssm) -> None:
    hold(ssm, OURS)
    ssm.calls.clear()

    assert renew(ssm, OURS, after=timedelta(minutes=9)) is False

    assert ssm.calls == ["get_parameter"]


def test_a_run_that_was_assumed_ended_stops(ssm: Ssm) -> None:
    hold(ssm, OURS)
    hold(ssm, ELSEWHERE, now=NOW + timedelta(hours=3), alive=dead)

    with pytest.raises(Ec2Error, match=r"Failed to continue: another run \(reset.yml, process 100 of you on desktop"):
        renew(ssm, OURS, after=timedelta(hours=4))
    assert holder(ssm) == ELSEWHERE

    run_lock.ensure_left(client(ssm), ELSEWHERE)
    with pytest.raises(Ec2Error, match=f"Failed to continue: its lock {NAME} in SSM was deleted"):
        renew(ssm, OURS, after=timedelta(hours=4))
    assert holder(ssm) is None


def test_a_run_that_is_taken_over_while_it_renews_its_lock_goes_no_further(ssm: Ssm) -> None:
    hold(ssm, OURS)
    ssm.then["get_parameter"] = lambda: hold(Ssm(), ELSEWHERE, takeover=True)

    with pytest.raises(Ec2Error, match="process 100 of you on desktop"):
        renew(ssm, OURS, after=timedelta(hours=1))

    assert holder(ssm) == ELSEWHERE


# Its time alone says nothing of a run whose process is seen.
def test_a_run_that_is_observed_working_is_never_assumed_ended(ssm: Ssm) -> None:
    hold(ssm, BESIDE)

    with pytest.raises(Ec2Error, match="is active on this cluster"):
        hold(ssm, OURS, now=NOW + timedelta(days=2))


def test_another_run_is_taken_over_on_request(ssm: Ssm) -> None:
    hold(ssm, ELSEWHERE)

    assert hold(ssm, OURS, takeover=True) is True
    assert holder(ssm) == OURS


GARBAGE = ["something else", "[]", "null", '{"pid": "x"}', '{"pid": 1, "expires": "soon"}', "[" * 4000]
# Values of their types that no calculation can use: times outside of the years in UTC, and ids of no process.
IMPOSSIBLE: list[dict[str, Any]] = [
    {"expires": "0001-01-01T00:00:00+14:00"},
    {"expires": "9999-12-31T23:59:59-14:00"},
    {"pid": 10**30},
    {"pid": -1},
    {"pid": float("inf")},
]
GARBAGE += [json.dumps({**OURS._asdict(), "since": "", "expires": str(NOW), **wrong}) for wrong in IMPOSSIBLE]


@pytest.mark.parametrize("value", GARBAGE)
def test_a_value_made_by_hand_stops_a_run_unless_it_takes_over(ssm: Ssm, value: str) -> None:
    ssm.client.put_parameter(Name=NAME, Value=value, Type="String", Tags=tag_list(OWNER))

    with pytest.raises(
        Ec2Error, match=f"{NAME} in SSM says that another run is active on this cluster, but not which one"
    ):
        hold(ssm, OURS)

    assert ssm.client.get_parameter(Name=NAME)["Parameter"]["Value"] == value
    assert hold(ssm, OURS, takeover=True) is True


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("run", [None, OURS._replace(pid=90)], ids=["another value", "a run that has ended"])
def test_a_parameter_of_another_owner_is_refused_with_its_owner_and_kept(
    ssm: Ssm, run: Run | None, takeover: bool
) -> None:
    value = run_lock.dumped(run_lock.lock_of(run, NOW)) if run else "theirs"
    ssm.client.put_parameter(Name=NAME, Value=value, Type="String", Tags=tag_list({"Owner": "Bob"}))

    with pytest.raises(Ec2Error, match=r"without the tags of the cluster moon \(Owner=Bob\)"):
        hold(ssm, OURS, takeover=takeover, alive=dead)

    assert run_lock.ensure_left(client(ssm), OURS) is False
    kept = ssm.client.get_parameter(Name=NAME)["Parameter"]
    assert (kept["Value"], kept["Version"]) == (value, 1)


def test_a_run_whose_answer_was_lost_has_its_own_lock(ssm: Ssm) -> None:
    hold(ssm, OURS)

    assert hold(ssm, OURS) is False
    assert holder(ssm) == OURS


def test_the_first_of_two_concurrent_takeovers_works(ssm: Ssm) -> None:
    hold(ssm, OURS._replace(pid=90))
    ssm.then["get_parameter"] = lambda: hold(Ssm(), BESIDE, alive=dead)

    with pytest.raises(Ec2Error, match=r"process 200 of me on laptop in /srv/moon"):
        hold(ssm, OURS, alive=dead)

    assert holder(ssm) == BESIDE


def test_a_run_whose_answer_was_lost_when_it_took_over_has_the_lock(ssm: Ssm) -> None:
    hold(ssm, OURS._replace(pid=90))
    ours = run_lock.dumped(run_lock.lock_of(OURS, NOW))
    # The first call had its effect; the retry writes the same again.
    ssm.then["get_parameter"] = lambda: client(Ssm()).replace(ours)

    assert hold(ssm, OURS, alive=dead) is True
    assert holder(ssm) == OURS


def test_a_run_whose_lost_answer_was_the_first_one_has_the_lock_also_if_another_wrote_since(ssm: Ssm) -> None:
    hold(ssm, OURS._replace(pid=90))
    ours, theirs = (run_lock.dumped(run_lock.lock_of(run, NOW)) for run in (OURS, BESIDE))
    ssm.then["get_parameter"] = lambda: [client(Ssm()).replace(text) for text in (ours, theirs)]

    assert hold(ssm, OURS, alive=dead) is True
    assert holder(ssm) == OURS


def test_the_first_of_three_concurrent_takeovers_works(ssm: Ssm) -> None:
    hold(ssm, OURS._replace(pid=90))
    # All of them have judged the old one before the first of them writes.
    judged = client(ssm).read()
    assert judged
    first, last = (run_lock.lock_of(run, NOW) for run in (BESIDE, ELSEWHERE))
    client(ssm).replace(run_lock.dumped(first))
    client(ssm).replace(run_lock.dumped(run_lock.lock_of(OURS, NOW)))

    with pytest.raises(Ec2Error, match="in /srv/moon"):
        run_lock._take_over(client(ssm), judged, last)

    assert holder(ssm) == BESIDE


def test_a_run_that_ends_while_it_is_looked_at_lets_the_next_one_begin(ssm: Ssm) -> None:
    hold(ssm, ELSEWHERE)
    ssm.then["put_parameter"] = lambda: run_lock.ensure_left(client(Ssm()), ELSEWHERE)

    assert hold(ssm, OURS) is True
    assert holder(ssm) == OURS


def hold_after_deletion(ssm: Deleting) -> bool:
    deleting = client(ssm)
    deleting.clock = ssm.clock()
    return run_lock.ensure_held(deleting, OURS, NOW, takeover=False, alive=alive)


def test_a_run_right_after_another_one_waits_until_ssm_has_deleted_its_lock() -> None:
    with empty_aws():
        ssm = Deleting(free=30)

        assert hold_after_deletion(ssm) is True

        assert 30 <= ssm.time < 40
        assert ssm.calls.count("put_parameter") < 10
        assert holder(ssm) == OURS


def test_a_lock_that_can_be_neither_created_nor_read_ends_a_run_within_a_minute() -> None:
    with empty_aws():
        ssm = Deleting(free=1000)

        with pytest.raises(Ec2Error, match="other runs are starting and ending at the same time"):
            hold_after_deletion(ssm)

        assert 45 <= ssm.time < 60


def test_a_run_may_renew_a_lock_whose_time_is_the_first_one_there_is(ssm: Ssm) -> None:
    hold(ssm, OURS)
    first = run_lock.lock_of(OURS, NOW)._replace(expires="0001-01-01T00:00:00+00:00")
    client(ssm).replace(run_lock.dumped(first))

    assert renew(ssm, OURS, after=timedelta(0)) is True


def test_an_id_that_no_process_can_have_is_of_none() -> None:
    assert is_alive(10**30, "") is False


def test_the_module_holds_and_leaves_the_cluster_and_reports_no_change(
    ssm: Ssm, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mine = this_run(os.getpid(), "site.yml", tmp_path)
    options = {"name": "moon", "project": "talos-arm64", "region": REGION, "directory": str(tmp_path)}

    planned = run_module(ec2_run_lock.main, capsys, **options, run=mine._asdict(), _ansible_check_mode=True)
    assert (planned["changed"], holder(ssm)) == (False, None)

    held = run_module(ec2_run_lock.main, capsys, **options, run=mine._asdict())
    assert (held["changed"], holder(ssm)) == (False, mine)
    beside = json.loads(json.dumps(mine._replace(directory="/srv/moon", started="1")._asdict()))
    assert "is active on this cluster" in run_module(ec2_run_lock.main, capsys, **options, run=beside)["msg"]

    renewed = run_module(ec2_run_lock.main, capsys, **options, run=mine._asdict(), state="renewed")
    assert (renewed["changed"], holder(ssm)) == (False, mine)

    left = run_module(ec2_run_lock.main, capsys, **options, run=mine._asdict(), state="absent")
    assert (left["changed"], holder(ssm)) == (False, None)


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_name_that_ssm_would_refuse_is_refused_before_it_is_asked(
    ssm: Ssm, capsys: pytest.CaptureFixture[str], tmp_path: Path, check_mode: bool
) -> None:
    options = {"name": "the moon", "project": "talos-arm64", "region": REGION, "directory": str(tmp_path)}
    mine = this_run(os.getpid(), "site.yml", tmp_path)

    result = run_module(ec2_run_lock.main, capsys, **options, run=mine._asdict(), _ansible_check_mode=check_mode)

    assert "Failed to begin the run: parameter of name and project: " in result["msg"]
    assert "/urmanac.talos/talos-arm64/the moon/run" in result["msg"]


def test_the_module_refuses_to_guess_the_run(ssm: Ssm, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_module(
        ec2_run_lock.main, capsys, name="moon", project="talos-arm64", region=REGION, directory="/home/me/moon"
    )

    assert "as a task of ansible-playbook" in result["msg"]
