# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack's packages, their dependencies, and profiles. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from ..._errors import InputError
from ..names import OPERATOR
from .releases import DEFAULT, data_of

VERSION = DEFAULT
PREFIX = "cozystack."
PROFILES = ("full", "novirt", "core", "slim")
CONTROL_PLANES = "control planes"
# One on a single node, otherwise one per ten nodes and at least two, as virt-operator computes it.
BY_NODES = "nodes"

# Each profile omits the packages of the previous one, these packages, and all that depend on them.
_VIRTUALIZATION = (
    *("kubevirt", "kubevirt-cdi", "kamaji", "capi-operator", "capi-provider-bootstrap-kubeadm"),
    *("capi-provider-core", "capi-provider-cp-kamaji", "capi-provider-infra-kubevirt"),
    *("virtualprivatecloud-application",),
)
_DISPENSABLE = ("velero", "backup-controller", "goldpinger", "metallb", "linstor")
# Its announcements have no effect in a VPC, so every profile omits it unless it is enabled.
METALLB = "metallb"


class Workload(NamedTuple):
    """Pods of one kind in a package; cpu in millicores and memory in MiB per pod."""

    package: str
    name: str
    kind: str
    cpu: int
    memory: int
    replicas: int | str = 1
    control_plane: bool = False
    spread: bool = False
    tolerates: bool = False
    ports: tuple[int, ...] = ()
    # Source of the figures for pods that an operator creates and no chart declares.
    source: str = ""


class Release(NamedTuple):
    """A release that a package installs; depends_on names releases of the same package."""

    name: str
    namespace: str
    depends_on: tuple[str, ...]
    images: tuple[str, ...] = ()


class Package(NamedTuple):
    """A package by its short name, without the prefix."""

    name: str
    variant: str
    depends_on: tuple[str, ...]
    releases: tuple[Release, ...]
    images: tuple[str, ...]
    workloads: tuple[Workload, ...]


@cache
def all_packages(version: str = VERSION) -> Mapping[str, Package]:
    """Return all packages that are installed by default, by short name, in upstream's order."""
    return {record["name"]: _package(record) for record in data_of(version).packages}


def _package(record: Mapping[str, Any]) -> Package:
    return Package(
        name=record["name"],
        variant=record["variant"],
        depends_on=tuple(record["depends_on"]),
        releases=tuple(_release(one) for one in record["releases"]),
        images=tuple(record["images"]),
        workloads=tuple(
            Workload(package=record["name"], **{**one, "ports": tuple(one.get("ports", ()))})
            for one in record["workloads"]
        ),
    )


def _release(record: Mapping[str, Any]) -> Release:
    return Release(record["name"], record["namespace"], tuple(record["depends_on"]), tuple(record.get("images", ())))


def maker_of(release: tuple[str, str], version: str = VERSION) -> str:
    """Return the full name of the package that creates a release (namespace, name), or an empty string."""
    for package in all_packages(version).values():
        if any((one.namespace, one.name) == release for one in package.releases):
            return PREFIX + package.name
    return ""


def profile_disabled(profile: str, version: str = VERSION) -> tuple[str, ...]:
    """Return the full names of the packages that a profile omits, with all their dependents."""
    if profile not in PROFILES:
        raise InputError(f"Failed to read the profile: {profile} does not exist. Use one of {', '.join(PROFILES)}.")
    return close(_left_out(profile, version), version)


def _left_out(profile: str, version: str) -> tuple[str, ...]:
    bundles = data_of(version).bundles
    every = (*bundles["iaas"], *bundles["paas"], *bundles["naas"])
    left_out = {"full": (), "novirt": _VIRTUALIZATION, "core": every, "slim": (*every, *_DISPENSABLE)}
    return left_out[profile]


class Choice(NamedTuple):
    """The selected packages of a version."""

    profile: str = "full"
    disabled: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    metallb: bool = False
    version: str = VERSION


def disabled_by(choice: Choice) -> tuple[str, ...]:
    """Return the omitted packages, by full name; explicitly enabled ones are never omitted."""
    metallb = {PREFIX + METALLB}
    kept = {*choice.enabled, *(metallb if choice.metallb else ())}
    left_out = {*profile_disabled(choice.profile, choice.version), *choice.disabled, *metallb}
    return tuple(sorted(left_out - kept))


def close(disabled: Iterable[str], version: str = VERSION) -> tuple[str, ...]:
    """Return the disabled packages and all their dependents, by full name, in upstream's order."""
    return close_over(disabled, {name: package.depends_on for name, package in all_packages(version).items()})


def close_over(disabled: Iterable[str], depends_on: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return which of these packages are disabled or depend on a disabled one, by full name, in their order."""
    needs = {short(name): {short(one) for one in needed} for name, needed in depends_on.items()}
    gone = {short(name) for name in disabled}
    while more := {name for name, needed in needs.items() if not gone.isdisjoint(needed)} - gone:
        gone |= more
    return tuple(PREFIX + name for name in needs if name in gone)


def installed(disabled: Iterable[str] = (), version: str = VERSION) -> tuple[Package, ...]:
    """Return the remaining packages when some are disabled, the operator first."""
    # The operator is the first package; it is in no bundle and cannot be disabled.
    gone = {short(name) for name in disabled} - {OPERATOR}
    return tuple(package for name, package in all_packages(version).items() if name not in gone)


def unmet(disabled: Iterable[str], version: str = VERSION) -> dict[str, tuple[str, ...]]:
    """Return the packages that would wait forever, by full name, with their disabled dependencies."""
    return unmet_of({package.name: package.depends_on for package in installed(disabled, version)})


def unmet_of(depends_on: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return which of these packages depend on one that is not among them, by full name, with the missing ones."""
    there = {short(name) for name in depends_on}
    missing = {
        PREFIX + short(name): tuple(PREFIX + short(one) for one in needed if short(one) not in there)
        for name, needed in depends_on.items()
    }
    return {name: names for name, names in missing.items() if names}


def unknown(names: Iterable[str], version: str = VERSION) -> tuple[str, ...]:
    """Return the names that are not packages of this version."""
    return tuple(name for name in names if short(name) not in all_packages(version))


def short(name: str) -> str:
    """Return a package's name without the prefix."""
    return name.removeprefix(PREFIX)
