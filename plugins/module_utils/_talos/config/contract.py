# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Talos version contract of configurations. Private to urmanac.talos: may change at any time.

A release rejects configurations of later releases and accepts those of earlier ones. So the contract is at most the
version of the images and at most the newest supported one. It is recorded, so that newer images or a newer
collection do not change the configurations of an existing cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._findings import Finding, finding
from ..versions import NEWEST, OLDEST, is_same_version

# Upstream writes the same for v1.10 and v1.11.
CONTRACTS = tuple(f"v{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1))
# What every supported release from v1.13 on takes.
DEFAULT = "v1.13"
_VERSION = re.compile(r"v?(?P<major>[0-9]+)\.(?P<minor>[0-9]+)(?:\..*)?")
_SUBJECT = "cluster_talos_contract"
_RECORDED = "recorded for this cluster"


class Contract(NamedTuple):
    """The contract, its reason, its problems, and the oldest Talos version of the nodes, if known."""

    contract: str
    reason: str
    problems: tuple[Finding, ...] = ()
    oldest: str = ""


def release(version: str) -> tuple[int, int] | None:
    """Return major and minor of a version, or None if the text is not one."""
    found = _VERSION.fullmatch(version)
    return (int(found["major"]), int(found["minor"])) if found else None


def decide(versions: Mapping[str, str], *, recorded: str = "", wanted: str = "") -> Contract:
    """Return the contract for images or nodes with these versions by name; unknown versions are ignored.

    The user's choice takes precedence over the recorded contract, and that over the versions.
    """
    known = {name: found for name, version in versions.items() if (found := release(version))}
    oldest = min(known.values(), default=None)
    if wanted:
        chosen = Contract(wanted, "set by cluster_talos_contract")
    elif recorded:
        chosen = Contract(recorded, _RECORDED)
    elif oldest is None:
        chosen = Contract(DEFAULT, "the default, because no version is known")
    else:
        chosen = Contract(_newest_up_to(oldest), f"for Talos {_text(oldest)}")
    return chosen._replace(problems=tuple(_problems(chosen, known)), oldest=_text(oldest) if oldest else "")


def _newest_up_to(version: tuple[int, int]) -> str:
    usable = [contract for contract in CONTRACTS if (release(contract) or (0, 0)) <= version]
    return usable[-1] if usable else CONTRACTS[0]


def _problems(chosen: Contract, known: Mapping[str, tuple[int, int]]) -> Iterable[Finding]:
    wanted = release(chosen.contract)
    if chosen.contract not in CONTRACTS or wanted is None:
        message = f"The contract {chosen.contract!r} does not exist."
        yield finding("UNKNOWN_CONTRACT", _SUBJECT, message, f"Use one of {', '.join(CONTRACTS)}, or leave it empty.")
        return
    if len(set(known.values())) > 1:
        which = ", ".join(f"{name} {_text(version)}" for name, version in sorted(known.items()))
        yield finding("TALOS_VERSIONS_DIFFER", "cluster_images", f"They contain different versions of Talos: {which}.")
    for name, version in sorted(known.items()):
        if version < (release(CONTRACTS[0]) or version):
            message = f"{name} is Talos {_text(version)}, and the oldest supported is {CONTRACTS[0]}."
            yield finding("TALOS_TOO_OLD", "cluster_images", message)
        elif version < wanted:
            message = (
                f"{name} is Talos {_text(version)}, which refuses a configuration for {chosen.contract} "
                f"({chosen.reason})."
            )
            yield finding("CONTRACT_NEWER_THAN_TALOS", _SUBJECT, message, _remedy(chosen, _newest_up_to(version)))


def _remedy(chosen: Contract, usable: str) -> str:
    if chosen.reason == _RECORDED:
        return (
            f"While cluster_talos_contract is empty, the record decides: set cluster_images to images of Talos "
            f"{chosen.contract} or later."
        )
    return f"Set cluster_talos_contract to {usable}, or set cluster_images to images of {chosen.contract} or later."


def _text(version: tuple[int, int]) -> str:
    return f"v{version[0]}.{version[1]}"


def running_versions(nodes: Iterable[Mapping[str, str]], answers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the versions that nodes report, by their names."""
    names = {node["ipv4"]: node["name"] for node in nodes}
    return {names[answer["node"]]: answer["version"] for answer in answers if answer.get("version")}


def unexpected(seen: Mapping[str, str], nodes: Iterable[Mapping[str, str]], images: Mapping[str, str]) -> list[Finding]:
    """Return a finding for each node that does not run the version of its image; unknown versions are ignored."""
    pairs = ((node["name"], seen.get(node["name"]), images.get(node["role"])) for node in nodes)
    return [
        finding("NODE_VERSION_UNEXPECTED", name, f"It runs Talos {version}, but its image contains {held}.")
        for name, version, held in pairs
        if version and held and not is_same_version(version, held)
    ]
