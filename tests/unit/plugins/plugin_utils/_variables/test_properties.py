# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the variables of the roles say, all of them are judged, the same in every order."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.checks import Surroundings
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.rules import CHECKS
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import (
    Given,
    read_options,
    role_names,
    validate_variables,
)
from tests.rare_values import texts, values

OPTIONS, ROLES = read_options(), role_names()
NOW = Surroundings(datetime(2026, 1, 1, tzinfo=UTC))
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**70), 2**70),
    "bool": st.booleans(),
    "list": st.lists(values(), max_size=3),
    "dict": st.dictionaries(texts(), values(), max_size=3),
}


@st.composite
def written(draw: st.DrawFn) -> dict[str, Any]:
    """Return values of variables, most of them of those that have rules, and many of the right type."""
    names = draw(st.lists(st.sampled_from(sorted(CHECKS)) | st.sampled_from(sorted(OPTIONS)), min_size=1, max_size=8))
    strangers = draw(st.lists(texts().map("cluster_{}".format), max_size=2))
    right = {name: KINDS.get(OPTIONS[name].get("type", "str"), texts()) for name in names}
    return {name: draw(right.get(name, values()) | values()) for name in dict.fromkeys([*names, *strangers])}


@settings(max_examples=80)
@given(variables=written(), random=st.randoms(use_true_random=False))
def test_variables_are_judged_the_same_in_every_order(variables: dict[str, Any], random: Random) -> None:
    only = {name: OPTIONS[name] for name in variables if name in OPTIONS}
    other = dict(random.sample(list(variables.items()), len(variables)))

    found = validate_variables(only, Given(variables, {}, variables.__getitem__), NOW, roles=ROLES)
    again = validate_variables(only, Given(other, {}, other.__getitem__), NOW, roles=ROLES)

    assert sorted(found.problems, key=repr) == sorted(again.problems, key=repr)
    assert all(one.message and one.remedy for one in found.problems)
