# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack's packages, what depends on what, and profiles. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from ..._errors import InputError
from . import data

VERSION = data.VERSION
SOURCE = data.SOURCE
PREFIX = "cozystack."
PROFILES = ("full", "novirt", "core", "slim")
# What the installation begins with; it is in no bundle and cannot be disabled.
OPERATOR = "cozystack-operator"
CONTROL_PLANES = "control planes"

# Each profile leaves out what the one before it leaves out, and these; what depends on them goes with them.
_VIRTUALIZATION = (
    *("kubevirt", "kubevirt-cdi", "kamaji", "capi-operator", "capi-provider-bootstrap-kubeadm"),
    *("capi-provider-core", "capi-provider-cp-kamaji", "capi-provider-infra-kubevirt"),
    *("virtualprivatecloud-application",),
)
_BUNDLES = (*data.BUNDLES["iaas"], *data.BUNDLES["paas"], *data.BUNDLES["naas"])
_DISPENSABLE = ("velero", "backup-controller", "goldpinger", "metallb", "linstor")
_LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "full": (),
    "novirt": _VIRTUALIZATION,
    "core": _BUNDLES,
    "slim": (*_BUNDLES, *_DISPENSABLE),
}


class Workload(NamedTuple):
    """Pods of one kind that a package brings; cpu in millicores, memory in MiB, of one pod."""

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


class Release(NamedTuple):
    """A release that a package installs; depends_on names releases of the same package."""

    name: str
    namespace: str
    depends_on: tuple[str, ...]


class Package(NamedTuple):
    """A package by its short name, without the prefix."""

    name: str
    variant: str
    depends_on: tuple[str, ...]
    releases: tuple[Release, ...]
    images: tuple[str, ...]
    workloads: tuple[Workload, ...]


@cache
def all_packages() -> Mapping[str, Package]:
    """Return every package that is installed unless it is disabled, by short name, in upstream's order."""
    return {record["name"]: _package(record) for record in data.PACKAGES}


def _package(record: Mapping[str, Any]) -> Package:
    return Package(
        name=record["name"],
        variant=record["variant"],
        depends_on=tuple(record["depends_on"]),
        releases=tuple(Release(one["name"], one["namespace"], tuple(one["depends_on"])) for one in record["releases"]),
        images=tuple(record["images"]),
        workloads=tuple(
            Workload(package=record["name"], **{**one, "ports": tuple(one.get("ports", ()))})
            for one in record["workloads"]
        ),
    )


def profile_disabled(profile: str) -> tuple[str, ...]:
    """Return the full names of the packages that a profile leaves out, closed under dependencies."""
    if profile not in _LEFT_OUT:
        raise InputError(f"Failed to read the profile: {profile} is none. Take one of {', '.join(PROFILES)}.")
    return close(_LEFT_OUT[profile])


def close(disabled: Iterable[str]) -> tuple[str, ...]:
    """Return the disabled packages and all that wait for one of them, by full name, in upstream's order."""
    gone = {short(name) for name in disabled}
    while more := {one.name for one in all_packages().values() if not gone.isdisjoint(one.depends_on)} - gone:
        gone |= more
    return tuple(PREFIX + name for name in all_packages() if name in gone)


def installed(disabled: Iterable[str] = ()) -> tuple[Package, ...]:
    """Return the packages that are left when some are disabled, the operator first."""
    gone = {short(name) for name in disabled} - {OPERATOR}
    return tuple(package for name, package in all_packages().items() if name not in gone)


def unmet(disabled: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the packages that would wait for ever, by full name, each with the disabled packages that it waits for."""
    left = {package.name: package for package in installed(disabled)}
    missing = {name: [PREFIX + one for one in left[name].depends_on if one not in left] for name in left}
    return {PREFIX + name: tuple(names) for name, names in missing.items() if names}


def unknown(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that no package of this version has."""
    return tuple(name for name in names if short(name) not in all_packages())


def short(name: str) -> str:
    """Return a package's name without the prefix."""
    return name.removeprefix(PREFIX)
