# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches by chance, merged by our modules and by Talos' own configpatcher: the same outcome, and the same refusals."""

from __future__ import annotations

from collections.abc import Sequence
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
# Refused by us alone: a deletion below what does not exist (see merge.py), and an endpoint that no client can use.
_STRICTER = ("there is nothing to delete", "invalid controlplane endpoint")
# Only the machine can say this.
_OF_THE_MACHINE = "no disks matched the expression"


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
    return [line for case in cases if (line := difference(case, reported[case.name], release))]


def difference(case: Case, theirs: judges.Verdict, release: tuple[int, int]) -> str:
    """Return how Talos and our modules differ about patches, nothing if they agree."""
    if _OF_THE_MACHINE in theirs.error:
        return ""
    ours, asked = verdicts.product(case, release), "; ".join(map(shown, case.patches))
    if bool(ours) != bool(theirs.error):
        is_meant = any(words in ours for words in _STRICTER)
        return "" if is_meant else f"{asked}\n  Talos: {theirs.error}\n  talos_config: {ours}"
    if ours:
        return ""
    outcomes = (yaml_text.load_all(theirs.outcome), verdicts.patched(case, release))
    where = first_difference(*(comparable(by_label(documents)) for documents in outcomes))
    return f"{asked}\n  Talos makes something else at {where}" if where else ""


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
