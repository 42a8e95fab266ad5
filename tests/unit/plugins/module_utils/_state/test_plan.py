# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what happens to a file that differs between a controller and the bucket."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._state.address import Address, parse_address
from ansible_collections.urmanac.talos.plugins.module_utils._state.files import PENDING, SECRETS, is_state
from ansible_collections.urmanac.talos.plugins.module_utils._state.plan import Plan, plan_state

NOTHING = Plan((), (), ())
RECORD = "images.json"


@pytest.mark.parametrize(
    ("here", "there", "before", "expected"),
    [
        pytest.param("a", "a", None, NOTHING, id="the same, met for the first time"),
        pytest.param(None, "a", None, Plan((RECORD,), (), ()), id="never here"),
        pytest.param(None, "a", "a", Plan((RECORD,), (), ()), id="lost here"),
        pytest.param("a", None, None, Plan((), (RECORD,), ()), id="new here"),
        pytest.param("a", None, "a", Plan((), (RECORD,), ()), id="lost in the bucket"),
        pytest.param("b", "a", "a", Plan((), (RECORD,), ()), id="changed here"),
        pytest.param("a", "b", "a", Plan((RECORD,), (), ()), id="changed there"),
        pytest.param("b", "c", "a", Plan((), (), (RECORD,)), id="changed on both sides"),
        pytest.param("b", "c", None, Plan((), (), (RECORD,)), id="different, met for the first time"),
    ],
)
def test_a_file_goes_to_the_side_that_has_not_changed(
    here: str | None, there: str | None, before: str | None, expected: Plan
) -> None:
    local, remote, known = ({RECORD: digest} if digest else {} for digest in (here, there, before))

    assert plan_state(local, remote, known) == expected


@pytest.mark.parametrize(
    ("local", "remote", "expected"),
    [
        pytest.param({SECRETS: "b"}, {SECRETS: "a"}, Plan((), (), (SECRETS,)), id="two bundles"),
        pytest.param({PENDING: "b"}, {PENDING: "a"}, Plan((), (), (PENDING,)), id="two pending ones"),
        pytest.param({SECRETS: "b"}, {PENDING: "a"}, Plan((), (), (SECRETS,)), id="another one is pending"),
        pytest.param({PENDING: "b"}, {SECRETS: "a"}, Plan((SECRETS,), (), ()), id="a pending one was never used"),
        pytest.param({SECRETS: "a"}, {PENDING: "a"}, Plan((), (SECRETS,), ()), id="used since"),
        pytest.param({PENDING: "a"}, {SECRETS: "a"}, Plan((SECRETS,), (), ()), id="used by another controller"),
        pytest.param({SECRETS: "a"}, {SECRETS: "a", PENDING: "a"}, NOTHING, id="the pending one is outdated"),
    ],
)
def test_secrets_are_never_replaced(local: dict[str, str], remote: dict[str, str], expected: Plan) -> None:
    # Known versions change nothing for them.
    assert plan_state(local, remote, {}) == plan_state(local, remote, {SECRETS: "a", PENDING: "a"}) == expected


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        pytest.param("encrypted", "plain", Plan((), (SECRETS,), ()), id="encrypted here"),
        pytest.param("plain", "encrypted", Plan((SECRETS,), (), ()), id="encrypted by another controller"),
        pytest.param("other", "plain", Plan((), (), (SECRETS,)), id="another one"),
    ],
)
def test_secrets_may_be_encrypted_in_their_place(here: str, there: str, expected: Plan) -> None:
    local, remote, known = {SECRETS: here}, {SECRETS: there}, {SECRETS: "plain"}

    assert plan_state(local, remote, known, encrypted={"encrypted"}) == expected
    assert plan_state(local, remote, {}, encrypted={"encrypted"}).conflicts == (SECRETS,)


def test_a_session_that_changed_on_both_sides_blocks_no_run() -> None:
    session = "sessions/first.json"

    assert plan_state({session: "b"}, {session: "c"}, {session: "a"}) == Plan(aside=(session,))


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "sessions/../../x.json",
        "sessions/.x.json",
        "secrets/kubeconfig",
        "secrets/talosconfig",
        "known_hosts",
        "secrets/../images.json",
        "report/x",
    ],
)
def test_other_names_in_the_bucket_are_ignored(name: str) -> None:
    assert not is_state(name)


def test_an_address_names_a_bucket_and_a_folder() -> None:
    assert parse_address("s3://my-bucket/clusters/moon/") == Address("my-bucket", "clusters/moon")


@pytest.mark.parametrize(
    "text", ["s3://my-bucket", "s3://My_Bucket/moon", "my-bucket/moon", "s3://my.bucket/moon", "s3://my-bucket/../moon"]
)
def test_another_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="such as s3://my-bucket/clusters"):
        parse_address(text)
