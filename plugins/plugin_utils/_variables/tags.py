# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find tags of a run that select no task. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from ...module_utils._findings import Finding, finding
from ...module_utils._spelling import did_you_mean

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
COLLECTION = "urmanac.talos."
PHASES = ("preflight", "network", "bastion", "nodes", "talos", "access", "cozystack", "report")
_OF_ANSIBLE = {"all", "always", "tagged", "untagged", "never"}


def unknown_tags(tags: Iterable[str], playbooks: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for each tag that no task of the collection's playbooks has.

    Runs of other playbooks, which may import these and have their own tags, are not checked.
    """
    known = _known(playbooks)
    if known is None:
        return
    for tag in tags:
        if tag not in known | _OF_ANSIBLE:
            remedy = _remedy("--tags", tag, known)
            yield finding("TAG_SELECTS_NOTHING", f"--tags {tag}", f"{tag} selects no task.", remedy)


def unknown_skipped_tags(tags: Iterable[str], playbooks: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for each tag to skip that is not a phase of the collection's playbooks.

    What was to be left out would run. The tags of Ansible leave out everything, or the check of the variables alone.
    """
    known = _known(playbooks)
    if known is None:
        return
    for tag in tags:
        if tag not in known | {"never"}:
            message = f"{tag} would leave out checks." if tag in _OF_ANSIBLE else f"{tag} is the tag of no task."
            remedy = _remedy("--skip-tags", tag, known)
            yield finding("TAG_SELECTS_NOTHING", f"--skip-tags {tag}", message, remedy)


def nothing_selected(run: Collection[str], skip: Collection[str], playbooks: Iterable[str]) -> str:
    """Return why the tags of a run leave nothing of the collection's playbooks to do, with the remedy, or "".

    Tags that no task has are refused with the variables, with the nearest name.
    """
    named = list(playbooks)
    known = _known(named)
    if known is None:
        return ""
    is_foreign = any(tag not in known | _OF_ANSIBLE for tag in run)
    for playbook in map(_own_name, named):
        phases = _tags_of(str(playbook))
        if not any(_is_selected(phase, {"all"} if is_foreign else {*run}, {*skip}) for phase in phases or ("",)):
            return f"{_written(run, skip)} selects nothing of {playbook}.yml. {_remaining(phases)}"
    return ""


def _is_selected(phase: str, run: set[str], skip: set[str]) -> bool:
    """Return whether the tasks of a phase run, as Ansible decides it; those of other playbooks have no tags."""
    own = {"all", phase, "tagged"} if phase else {"all", "untagged"}
    return bool(own & run) and not own & skip


def _written(run: Collection[str], skip: Collection[str]) -> str:
    given = {"--tags": [tag for tag in run if tag != "all"], "--skip-tags": list(skip)}
    return " ".join(f"{option} {','.join(sorted(tags))}" for option, tags in given.items() if tags)


def _remaining(phases: Collection[str]) -> str:
    if len(phases) > 1:
        return f"Use --tags with some of: {', '.join(phases)}."
    return "Run it without tags."


def _known(playbooks: Iterable[str]) -> set[str] | None:
    """Return the tags of the playbooks, None if one of them is not of the collection."""
    names = [_own_name(playbook) for playbook in playbooks]
    if not names or None in names:
        return None
    return {tag for name in names if name for tag in _tags_of(name)}


def are_own(playbooks: Iterable[str]) -> bool:
    """Return whether a run is of the collection's playbooks alone."""
    return _known(playbooks) is not None


def _own_name(playbook: str) -> str | None:
    if playbook.startswith(COLLECTION):
        return playbook.removeprefix(COLLECTION)
    path = Path(playbook).resolve()
    return path.stem if path.parent == PLAYBOOKS else None


def _tags_of(name: str) -> tuple[str, ...]:
    return PHASES if name == "site" else (name,) if name in PHASES else ()


def _remedy(option: str, tag: str, known: Iterable[str]) -> str:
    names = [phase for phase in PHASES if phase in set(known)]
    if not names:
        return f"The playbook has no tags: remove {option}."
    return f"{did_you_mean(tag, names)} Use some of: {', '.join(names)}.".lstrip()
