# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulation's server-side apply does with fields and their managers."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kubernetes import fields
from lab.kubernetes.ownership import applied
from lab.kubernetes.status import ApiError


def thing(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec}


def test_what_a_manager_no_longer_wants_goes_and_what_others_want_stays() -> None:
    first = applied(None, thing(size=1, colour="red"), "one", force=False)
    both = applied(first, thing(shape="round"), "two", force=False)

    after = applied(both, thing(size=1), "one", force=False)

    assert after["spec"] == {"size": 1, "shape": "round"}


def test_a_field_of_another_manager_is_a_conflict_unless_it_is_taken_by_force() -> None:
    live = applied(None, thing(size=1, colour="red"), "one", force=False)

    with pytest.raises(ApiError) as caught:
        applied(live, thing(size=2), "two", force=False)
    forced = applied(live, thing(size=2), "two", force=True)
    again = applied(forced, thing(size=3), "two", force=False)

    assert str(caught.value) == 'Apply failed with 1 conflict: conflict with "one": .spec.size'
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    assert again["spec"] == {"size": 3, "colour": "red"}


def test_the_same_value_is_shared_and_stays_until_both_let_go() -> None:
    live = applied(None, thing(size=1), "one", force=False)
    both = applied(live, thing(size=1), "two", force=False)

    one_left = applied(both, thing(), "one", force=False)
    no_one = applied(one_left, thing(), "two", force=False)

    assert (one_left["spec"], fields.value_at(no_one, ("f:spec", "f:size"))) == ({"size": 1}, None)


def test_applying_the_same_again_changes_nothing_at_all() -> None:
    live = applied(None, thing(size=1, env=[{"name": "A", "value": "1"}]), "one", force=False)

    assert applied(live, thing(size=1, env=[{"name": "A", "value": "1"}]), "one", force=False) == live


def test_items_with_a_key_are_fields_of_their_own() -> None:
    live = applied(None, thing(env=[{"name": "A", "value": "1"}]), "one", force=False)
    both = applied(live, thing(env=[{"name": "B", "value": "2"}]), "two", force=False)

    after = applied(both, thing(env=[{"name": "A", "value": "3"}]), "one", force=False)
    without = applied(after, thing(), "two", force=False)

    assert both["spec"]["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert without["spec"]["env"] == [{"name": "A", "value": "3"}]


def test_a_list_without_keys_is_of_one_piece() -> None:
    live = applied(None, thing(args=["a", "b"]), "one", force=False)

    assert applied(live, thing(args=["c"]), "one", force=False)["spec"]["args"] == ["c"]


def test_fields_survive_the_form_in_which_objects_hold_them() -> None:
    paths = fields.paths_of(thing(env=[{"name": "A", "value": "1"}], args=["a"], size=1))

    assert fields.flat(fields.nested(paths)) == paths
    assert fields.spelled(("f:spec", "f:env", 'k:{"name":"A"}', "f:value")) == '.spec.env[name="A"].value'
