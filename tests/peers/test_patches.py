# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches by chance, merged by our modules and by Talos' own configpatcher: the same outcome, and the same refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._machine_types import CONTROL_PLANE
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from tests import verdicts
from tests.peers import judges
from tests.peers.patch_strategies import patches, shown
from tests.peers.test_judges import by_label, first_difference
from tests.talos_corpus import Case, base_documents

# Talos leaves these out of what it writes, and reads them as what is not there.
_ABSENT: tuple[Any, ...] = (None, "", 0, [], {}, "0s", "0m")
# A patch that changes nothing: without one, the judge writes nothing.
_NOTHING = "machine: {}\n"
# Refused by us alone: a deletion below what does not exist (see merge.py), and an endpoint that no client can use.
_STRICTER = ("there is nothing to delete", "invalid controlplane endpoint")
# Refused by Talos alone: what only the machine can say, and a patch that loses the selector in CEL (see merge.py).
_LEFT_TO_TALOS = (
    "no disks matched the expression",
    "UnattendedInstallConfig: provisioning.volumeSelector.match is required",
)


def comparable(value: Any) -> Any:
    """Return a value without what is the same as nothing."""
    if isinstance(value, dict):
        inner = {key: comparable(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item is False or item not in _ABSENT}
    return [comparable(item) for item in value] if isinstance(value, list) else value


def differences(version: judges.Version, chosen: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each list of patches of which Talos and our modules do not make the same."""
    release = (1, version.minor)
    base = "---\n".join(map(yaml_text.dump_plain, base_documents(version.name, CONTROL_PLANE)))
    cases = [Case(str(at), base, tuple(some)) for at, some in enumerate(chosen)]
    reported = judges.verdicts(version, cases)
    refusals = [line for case in cases if (line := refusal(case, reported[case.name], release))]
    return refusals + outcomes(version, [case for case in cases if not reported[case.name].error], reported)


def refusal(case: Case, theirs: judges.Verdict, release: tuple[int, int]) -> str:
    """Return how Talos and our modules differ in what they refuse, nothing if they agree."""
    ours = verdicts.product(case, release)
    is_meant = any(words in ours for words in _STRICTER) or any(words in theirs.error for words in _LEFT_TO_TALOS)
    if is_meant or bool(ours) == bool(theirs.error):
        return ""
    return f"{shown_all(case)}\n  Talos: {theirs.error}\n  talos_config: {ours}"


def outcomes(version: judges.Version, cases: Sequence[Case], reported: Mapping[str, judges.Verdict]) -> list[str]:
    """Return a line for each case of which something else comes out."""
    release = (1, version.minor)
    ours = {case.name: verdicts.patched(case, release) for case in cases if not verdicts.product(case, release)}
    theirs = {name: yaml_text.load_all(reported[name].outcome) for name in ours}
    # Talos does not write a false that it reads as an absent value, so it writes ours too before they are compared.
    unlike = [case for case in cases if case.name in ours and differing(theirs[case.name], ours[case.name])]
    written = [
        Case(case.name, "---\n".join(map(yaml_text.dump_plain, ours[case.name])), (_NOTHING,)) for case in unlike
    ]
    again = judges.verdicts(version, written) if written else {}
    places = {case: differing(theirs[case.name], yaml_text.load_all(again[case.name].outcome)) for case in unlike}
    return [f"{shown_all(case)}\n  Talos makes something else at {place}" for case, place in places.items() if place]


def differing(theirs: list[Any], ours: list[Any]) -> str:
    """Return the path of the first difference, or an empty text."""
    return first_difference(*(comparable(by_label(documents)) for documents in (theirs, ours)))


def shown_all(case: Case) -> str:
    return "; ".join(map(shown, case.patches))


@pytest.mark.parametrize("version", judges.VERSIONS, ids=lambda version: version.name)
def test_patches_by_chance_are_merged_and_refused_as_talos_does(version: judges.Version) -> None:
    try:
        judges.find_judge(version)
    except judges.CannotBuildError as error:
        pytest.skip(str(error))

    # Each of the 25 is short enough to read, and to shrink them takes minutes.
    @settings(max_examples=4, phases=[Phase.generate])
    @given(chosen=st.lists(st.lists(patches((1, version.minor)), min_size=1, max_size=2), min_size=25, max_size=25))
    def holds(chosen: list[list[str]]) -> None:
        found = differences(version, chosen)
        assert not found, "\n".join(found)

    holds()
