# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the image of each node role, on record or looked up. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._findings import Finding, finding, headline
from .._oci.errors import UNKNOWN
from .._oci.reference import digest_of
from .spec import NODE_ROLES

_OTHER_WAYS = (
    "If the controller cannot reach the registry, set cluster_images_via to a host or cluster_images_mirrors to caches "
    "that can; or set cluster_images to the digest of the linux/arm64 manifest."
)


class Outcome(NamedTuple):
    """The result of looking up images.

    Problems are reported before anything is created. An unknown image does not prevent a plan, but it prevents a node.
    """

    images: Mapping[str, Mapping[str, str]]
    resolved: Mapping[str, str]
    problems: Sequence[Finding]
    unknown: Sequence[Finding]
    lines: Sequence[str]


def references(nodes: Iterable[Mapping[str, Any]], images: Mapping[str, Any]) -> dict[str, str]:
    """Return the reference for each role that a node has; roles that do not exist are reported elsewhere."""
    used = [role for role in dict.fromkeys(node["role"] for node in nodes) if role in NODE_ROLES]
    return {role: str(images.get(role) or "") for role in used}


def to_look_up(wanted: Mapping[str, str], record: Mapping[str, Any], *, refresh: bool) -> list[str]:
    """Return the references that are not on record, each once; all of them for a refresh."""
    kept = {} if refresh else _kept(wanted, record)
    names = (name for role, name in wanted.items() if name and role not in kept and not is_disk_image(name))
    return list(dict.fromkeys(names))


def outcome(
    wanted: Mapping[str, str], record: Mapping[str, Any], found: Iterable[Mapping[str, Any]], *, now: str
) -> Outcome:
    """Return the image of each role, from the look-up or from the record."""
    answers = {answer["image"]: answer for answer in found}
    images = _images(wanted, _kept(wanted, record), answers, now)
    failed = {role: answers[name]["error"] for role, name in wanted.items() if answers.get(name, {}).get("error")}
    # A digest never refers to another image, so it can be used even if it cannot be looked up from here.
    pinned = {
        role: wanted[role] for role, error in failed.items() if error["code"] in UNKNOWN and digest_of(wanted[role])
    }
    disk_images = {role: reference for role, reference in wanted.items() if is_disk_image(reference)}
    problems = [_problem(role, wanted[role], error) for role, error in failed.items()]
    unknown = [problem for role, problem in zip(failed, problems, strict=True) if failed[role]["code"] in UNKNOWN]
    return Outcome(
        images=images,
        resolved={**{role: entry["resolved"] for role, entry in images.items()}, **pinned, **disk_images},
        problems=[*unnamed(wanted), *(problem for problem in problems if problem not in unknown)],
        unknown=[
            problem for role, problem in zip(failed, problems, strict=True) if problem in unknown and role not in pinned
        ],
        lines=[*_lines(images), *(f"? {headline(problem, 'subject')}" for problem in unknown)],
    )


def _images(
    wanted: Mapping[str, str], kept: Mapping[str, dict[str, str]], answers: Mapping[str, Mapping[str, Any]], now: str
) -> dict[str, dict[str, str]]:
    """Return the new record: existing entries and those looked up; the time is that of a change."""
    images = {role: entry for role, entry in kept.items() if entry["reference"] not in answers}
    for role, reference in wanted.items():
        if resolved := answers.get(reference, {}).get("resolved"):
            reported = {name: str(value) for name in ("version", "platform") if (value := answers[reference].get(name))}
            since = kept[role]["resolved_at"] if kept.get(role, {}).get("resolved") == resolved else now
            images[role] = {"reference": reference, "resolved": resolved, "resolved_at": since, **reported}
    return images


def is_disk_image(reference: str) -> bool:
    """Return whether it is the URL of a disk image, which is not in a registry."""
    return reference.startswith(("http://", "https://"))


def _kept(wanted: Mapping[str, str], record: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    entries = record.get("images") or {}
    return {role: dict(entries[role]) for role in wanted if entries.get(role, {}).get("reference") == wanted[role]}


def unnamed(wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the roles of nodes that have no image."""
    for role, reference in wanted.items():
        if not reference:
            message = f"There is a node with the role {role}, but no image for this role."
            yield finding("IMAGE_NOT_NAMED", f"image of {role}", message, f"Set it in cluster_images.{role}.")


def _problem(role: str, reference: str, error: Mapping[str, str]) -> Finding:
    message, remedy = f"{reference} cannot be used: {error['message']}.", error["remedy"]
    if error["code"] in UNKNOWN:
        message = f"{reference} could not be looked up: {error['message']}."
        remedy = f"{remedy} {_OTHER_WAYS}"
    return finding(error["code"], f"image of {role}", message, remedy, evidence={"role": role})


def _lines(images: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for role, entry in images.items():
        digest = digest_of(entry["resolved"])
        version = f"Talos {entry['version']}, " if entry.get("version") else ""
        yield f"  image of {role}: {entry['reference']} is {version}{digest} since {entry['resolved_at']}"
