# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which nodes are upgraded, to what and in which order. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._findings import Finding, finding
from .._machine_types import WORKER
from .._oci.reference import digest_of
from .versions import is_same_version, parse, parsed_image, tag_version, upgrade_problem

Record = Mapping[str, Any]


class Wanted(NamedTuple):
    """The user's request: images by role, their version if the tags do not name it, and names of nodes.

    resolved has the digests of the images by role: with refresh the current ones, otherwise the recorded ones of tags
    that were looked up before. It is empty before the images are resolved. known has what was looked up of each image,
    by role, with the version of its label.
    """

    images: Mapping[str, str]
    version: str = ""
    names: Sequence[str] = ()
    refresh: bool = False
    resolved: Mapping[str, str] = {}
    known: Mapping[str, Record] = {}


class Upgrades(NamedTuple):
    """Nodes in the order of their upgrades, and why they cannot be upgraded.

    Before the images are resolved, the version of a tag that names none is unknown; afterwards also that of a digest
    without a label.
    """

    nodes: list[dict[str, Any]]
    problems: list[Finding]


def upgrades(nodes: Sequence[Record], record: Record, wanted: Wanted) -> Upgrades:
    """Return the upgrades: workers first, because etcd tolerates the loss of one member of three, not of two."""
    names = _names(wanted.names) or [node["name"] for node in nodes]
    chosen = sorted((node for node in nodes if node["name"] in names), key=lambda node: node["machine_type"] != WORKER)
    given: Mapping[str, str] = record.get("nodes") or {}
    existing = [node["name"] for node in nodes]
    problems = [_unknown_version(image) for image in _vague_images(chosen, given, wanted)]
    problems += [_unknown_name(name, existing) for name in names if name not in existing]
    problems += _other_versions(chosen, wanted)
    return Upgrades([_upgrade(node, given, wanted) for node in chosen], problems)


def _unknown_name(name: str, existing: Sequence[str]) -> Finding:
    remedy = f"Set talos_upgrade_nodes to names among {', '.join(existing)}."
    return finding("UNKNOWN_NODE_NAME", name, remedy=remedy)


def _unknown_version(image: str) -> Finding:
    return finding("TALOS_VERSION_UNKNOWN", image, "The Talos version of the image is unknown.")


def _names(given: Sequence[str]) -> list[str]:
    """Return the names in a list or in comma-separated words."""
    words = [given] if isinstance(given, str) else given
    return list(dict.fromkeys(name for word in words for name in word.split(",") if name))


def _upgrade(node: Record, given: Mapping[str, str], wanted: Wanted) -> dict[str, Any]:
    role = node["role"]
    reference = wanted.images[role]
    image = wanted.resolved.get(role, "" if wanted.refresh else reference)
    before = given.get(node["name"], image)
    return {
        **{key: node[key] for key in ("name", "role", "ipv4")},
        "image": image,
        "version": wanted.version or _label(role, wanted) or tag_version(reference),
        # Force only nodes whose recorded image differs: the version may be the same.
        "force": before != image if wanted.refresh else _is_other(before, image, reference),
    }


def _label(role: str, wanted: Wanted) -> str:
    """Return the version in the label of the image, empty if the image was not looked up or its label has none."""
    entry = wanted.known.get(role) or {}
    is_current = entry.get("reference") == wanted.images[role] and (role in wanted.resolved or not wanted.refresh)
    label = str(entry.get("version") or "") if is_current else ""
    return label if parse(label) else ""


def _other_versions(chosen: Iterable[Record], wanted: Wanted) -> list[Finding]:
    """Return the images with another version than the user says, which the check of the path would compare."""
    labels = {wanted.images[role]: _label(role, wanted) for role in dict.fromkeys(node["role"] for node in chosen)}
    return [
        finding("IMAGE_OF_OTHER_VERSION", image, f"It contains {label}, but talos_image_version is {wanted.version}.")
        for image, label in labels.items()
        if wanted.version and label and not is_same_version(label, wanted.version)
    ]


def _is_other(before: str, image: str, reference: str) -> bool:
    """Return whether the recorded image of a node differs from the wanted one, which has this reference."""
    if before in (image, reference):
        return False
    was, wanted = parsed_image(before), parsed_image(image)
    if was and wanted and was.digest and not wanted.digest:
        # The digest of a tag is unknown before it is looked up.
        return was.name != wanted.name
    return True


def _vague_images(chosen: Iterable[Record], given: Mapping[str, str], wanted: Wanted) -> list[str]:
    """Return the images whose version is unknown, of nodes without a recorded image."""
    known = given if wanted.refresh else {}
    roles = dict.fromkeys(node["role"] for node in chosen if node["name"] not in known)
    return list(dict.fromkeys(wanted.images[role] for role in roles if not _is_clear(role, wanted)))


def _is_clear(role: str, wanted: Wanted) -> bool:
    image = wanted.images[role]
    if wanted.version:
        return bool(digest_of(image)) or wanted.refresh
    # A digest names one image for ever, so its label gives the version once the image is looked up.
    is_labelled = role not in wanted.resolved or bool(_label(role, wanted))
    return bool(tag_version(image)) or (bool(digest_of(image)) and is_labelled)


class Known(NamedTuple):
    """Known images and versions of the cluster.

    Images by role as looked up; by node name, the recorded image and the running version; and the recorded images by
    role, which contain the versions of the nodes' images.
    """

    images: Mapping[str, Record] = {}
    given: Mapping[str, str] = {}
    running: Mapping[str, str] = {}
    recorded: Mapping[str, Record] = {}


def outdated(nodes: Iterable[Record], wanted: Mapping[str, str], known: Known) -> list[Finding]:
    """Return a finding for each node that does not run the image of its role, with the way to upgrade it."""
    found = (_difference(node, str(wanted.get(node["role"]) or ""), known) for node in nodes)
    return [one for one in found if one]


def _difference(node: Record, image: str, known: Known) -> Finding | None:
    entry = known.images.get(node["role"]) or {}
    resolved, version = _held(image, entry if entry.get("reference") == image else {})
    running, given = known.running.get(node["name"], ""), known.given.get(node["name"], "")
    way = _way(image, running or _version_of(given, known), version, is_on_record=bool(given))
    if running and version and not is_same_version(running, version):
        message = f"It runs Talos {running}, but its image in cluster_images contains {version}."
        return finding("NODE_IMAGE_OUTDATED", node["name"], message, way)
    if image and given and given not in (image, resolved):
        message = f"It was created from {given}, but cluster_images is {image}."
        return finding("NODE_IMAGE_OUTDATED", node["name"], message, way)
    return None


def _way(image: str, before: str, after: str, *, is_on_record: bool) -> str:
    """Return how to upgrade a node to its image, or why playbooks/upgrade.yml refuses to."""
    if before and after and (problem := upgrade_problem(before, after)):
        return f"{problem}."
    if not (tag_version(image) or (after and digest_of(image))):
        way = "upgrades it only with -e cluster_images_refresh=true" if is_on_record else "refuses it"
        return f"playbooks/upgrade.yml {way}, because no tag names a version."
    if before:
        return "playbooks/upgrade.yml upgrades it."
    return "playbooks/upgrade.yml upgrades it, unless that is a downgrade or skips a minor version."


def _version_of(given: str, known: Known) -> str:
    """Return the version of a node's image, from its tag or from the recorded images."""
    every = (*known.recorded.values(), *known.images.values())
    entries = [entry for entry in every if given and given in (entry.get("resolved"), entry.get("reference"))]
    labels = [str(entry.get("version") or "") for entry in entries]
    tags = [tag_version(name) for name in (given, *(entry["reference"] for entry in entries))]
    return next(filter(None, labels + tags), "")


def _held(image: str, entry: Record) -> tuple[str, str]:
    """Return the known digest and version of an image, from its look-up or its tag."""
    return str(entry.get("resolved") or ""), str(entry.get("version") or tag_version(image))
