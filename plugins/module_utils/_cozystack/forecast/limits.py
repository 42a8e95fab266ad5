# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems on nodes of any size. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..._ec2.cost.prices import shipped
from ..._ec2.instance_types import SIZES, Size, has_kvm, is_arm64
from ..._findings import Finding, finding
from ..catalog.built import Lacking, lacking
from ..catalog.packages import (
    PREFIX,
    disabled_by,
    unmet,
)
from ..catalog.releases import DATA, data_of, has_data, is_before_release
from .caps import Caps, caps_of
from .fit import Machine, Request, fit, packages_of

# Documented use of the system's own parts on a node, for three to five nodes and up to five tenants.
# https://cozystack.io/docs/v1.6/install/resource-planning/
METAL = "a1.metal"
USED_CPU, USED_MEMORY = 2000, 6144
# Documented minimum of a host: https://cozystack.io/docs/v1.6/install/hardware-requirements/
LEAST_VCPUS, LEAST_MEMORY, LEAST_DISK, LEAST_DATA_DISK = 8, 24576, 50, 256
# What to do about nodes below the documented use.
_REMEDIES = {
    "memory": f"Use an instance type with at least {USED_MEMORY // 1024} GiB of memory, or expect containers to be "
    "killed.",
    "CPU": f"Use an instance type with at least {USED_CPU // 1000} vCPUs, or expect slow pods.",
    "disk": f"Set cluster_volume_size to at least {LEAST_DISK}, or expect pods to be evicted for lack of disk space.",
}

_RESERVE = (
    "All pods fit by their requests and measured use. For the reserve that the documentation asks for, use an instance "
    f"type with at least {USED_MEMORY // 1024} GiB of memory."
)


def limits(request: Request, sizes: Mapping[str, Size]) -> list[Finding]:
    """Return the problems, those that block everything first."""
    checks = (
        _closure,
        _other_machines,
        _architecture,
        _unknown_sizes,
        _virtualization,
        _storage,
        _documented,
        _version,
    )
    return [verdict for check in checks for verdict in check(request, sizes)]


def _closure(request: Request, _sizes: Mapping[str, Size]) -> Iterator[Finding]:
    waiting = unmet(disabled_by(request.choice), request.version)
    if waiting:
        (first, missing), *_others = waiting.items()
        count = f"{len(waiting)} packages wait" if len(waiting) > 1 else "1 package waits"
        yield finding(
            "PACKAGES_NOT_CLOSED",
            f"package {first}",
            f"{count} forever for disabled ones, {first} for {', '.join(missing)}.",
            f"Disable these as well: {', '.join(waiting)}.",
            evidence={name: list(names) for name, names in waiting.items()},
        )


def _architecture(request: Request, sizes: Mapping[str, Size]) -> Iterator[Finding]:
    other = sorted({size.architecture for machine in request.machines if (size := sizes.get(machine.instance_type))})
    packages = packages_of(request)
    missing = lacking(packages, request.built)
    if not other or other == ["amd64"] or not missing.images:
        return
    releases = sum(len(package.releases) for package in packages)
    is_partial = any(image not in missing.images for package in packages for image in package.images)
    yield finding(
        "ARCH_UNSUPPORTED_IMAGES",
        "images of CozyStack",
        _partial(request, missing) if is_partial else _released(request, missing, other),
        "Build them for arm64, name them with cluster_cozystack_operator_image and "
        "cluster_cozystack_platform_source_url, and say so in cluster_cozystack_images_arm64.",
        evidence={
            **{"architectures": other, "available": ["amd64"], "images": list(missing.images)},
            **{"releases_of": {image: list(names) for image, names in missing.images.items()}},
            **{"waiting": list(missing.releases), "releases": releases},
        },
    )


def _released(request: Request, missing: Lacking, other: Sequence[str]) -> str:
    return (
        f"CozyStack {request.version} is released for amd64 alone: {len(missing.images)} of its own images, the "
        f"operator's first, do not start on {', '.join(other)}."
    )


def _partial(request: Request, missing: Lacking) -> str:
    images = ", ".join(f"{image} ({', '.join(names)})" for image, names in missing.images.items())
    return (
        f"The build of CozyStack {request.version} is partial. Not built for arm64: {images}. "
        f"{len(missing.releases)} releases depend on them: {', '.join(missing.releases)}."
    )


def _other_machines(request: Request, sizes: Mapping[str, Size]) -> Iterator[Finding]:
    for name in sorted({machine.instance_type for machine in request.machines}):
        if not is_arm64(name, sizes.get(name)):
            message = f"{name} is not a Graviton type, and the images of Talos are for arm64."
            yield finding("ARCHITECTURE_NOT_ARM64", f"instance type {name}", message)


def _unknown_sizes(request: Request, sizes: Mapping[str, Size]) -> Iterator[Finding]:
    for name in sorted({machine.instance_type for machine in request.machines} - set(sizes)):
        yield finding(
            "SIZE_UNKNOWN",
            f"instance type {name}",
            f"The size of {name} is unknown, so a forecast for its nodes is not possible.",
            evidence={"known": sorted(SIZES)},
        )


def _virtualization(request: Request, sizes: Mapping[str, Size]) -> Iterator[Finding]:
    has_kubevirt = any(package.name == "kubevirt" for package in packages_of(request))
    if has_kubevirt and not any(has_kvm(machine.instance_type) for machine in request.machines):
        types = sorted({machine.instance_type for machine in request.machines})
        yield finding(
            "KVM_MISSING",
            f"package {PREFIX}kubevirt",
            f"Virtual machines cannot start: there is no /dev/kvm on {', '.join(types)}. KubeVirt itself installs.",
            _with_kvm(request, sizes),
            evidence={"instance_types": types},
        )


def _with_kvm(request: Request, sizes: Mapping[str, Size]) -> str:
    """Return the remedy for virtual machines; an instance type with KVM is proposed if it is offered."""
    price = shipped(request.region).instances.get(METAL)
    metal = request.machines[-1]._replace(instance_type=METAL)
    caps = _price_caps(request._replace(machines=(*request.machines[:-1], metal)), sizes, price)
    if caps.exceeds or METAL not in (request.offered or (METAL,)):
        return "Use the profile novirt: no instance type with KVM is offered within the limits."
    if caps.unchecked:
        unknown = f"The price of {METAL} in {request.region} is unknown" if price is None else "A price is unknown"
        return f"Use the profile novirt. {unknown}, so that {' and '.join(caps.unchecked)} cannot be checked for it."
    said = f"{METAL} is ${price} an hour" if price is not None else f"the price of {METAL} is unknown"
    return f"Use a .metal type ({said}), or the profile novirt."


def _price_caps(request: Request, sizes: Mapping[str, Size], metal: float | None) -> Caps:
    """Return the limits of costs that a cluster with an instance type with KVM exceeds."""
    known = sizes.get(METAL) or Size(0, 0)
    return caps_of(request._replace(nodes_max=None), {**sizes, METAL: known._replace(price=metal)})


def _storage(request: Request, _sizes: Mapping[str, Size]) -> Iterator[Finding]:
    has_linstor = any(package.name == "linstor" for package in packages_of(request))
    if has_linstor and not request.data_disk:
        yield finding(
            "DATA_DISK_MISSING",
            f"package {PREFIX}linstor",
            "The nodes have no second disk: LINSTOR is installed without a storage pool, and volumes stay pending.",
            evidence={"documented_gib": LEAST_DATA_DISK},
        )


def _documented(request: Request, sizes: Mapping[str, Size]) -> Iterator[Finding]:
    lacks = {machine.name: _lacks(machine, sizes) for machine in request.machines}
    below = {what: [name for name, less in lacks.items() if what in less] for what in _REMEDIES}
    short = {what: names for what, names in below.items() if names}
    if short:
        small = [name for name, less in lacks.items() if less]
        names = " ".join(f"Less {what}: {', '.join(names)}." for what, names in short.items())
        yield finding(
            "BELOW_DOCUMENTED_USE",
            f"node {small[0]}",
            f"By CozyStack's documentation, its own parts use {USED_CPU // 1000} cores, {USED_MEMORY // 1024} GiB of "
            f"memory and {LEAST_DISK} GiB of disk on every node. {names}",
            " ".join(_remedies(request, sizes)[what] for what in short),
            evidence={
                **{"nodes": small, "below": short},
                **{"cpu": USED_CPU, "memory": USED_MEMORY, "disk_gib": LEAST_DISK},
            },
        )


def _remedies(request: Request, sizes: Mapping[str, Size]) -> Mapping[str, str]:
    """Return what to do about less memory, CPU or disk; nodes with room for all pods may keep what they have."""
    is_enough_measured = fit(request, sizes).fits
    return _REMEDIES | {"memory": _RESERVE} if is_enough_measured else _REMEDIES


def _version(request: Request, _sizes: Mapping[str, Size]) -> Iterator[Finding]:
    if not has_data(request.version):
        taken, known = data_of(request.version).version, [data.version for data in DATA.values()]
        yield finding(
            "VERSION_WITHOUT_DATA",
            f"CozyStack {request.version}",
            f"The collection has no data of CozyStack {request.version}: this is a forecast of {taken}.",
            evidence={"taken": taken, "known": known},
        )
    elif is_before_release(request.version):
        data = data_of(request.version)
        yield finding(
            "VERSION_WITHOUT_DATA",
            f"CozyStack {request.version}",
            f"The data of CozyStack {data.version} were made from its main branch, before its release.",
            evidence={"taken": data.version, "source": data.source},
        )


def is_enough(request: Request, sizes: Mapping[str, Size]) -> bool:
    """Return whether all nodes are at least as large as the documented use."""
    return not any(_lacks(machine, sizes) for machine in request.machines)


def _lacks(machine: Machine, sizes: Mapping[str, Size]) -> tuple[str, ...]:
    """Return of what a node has less than the documented use; nothing if the size of its type is unknown."""
    size = sizes.get(machine.instance_type)
    if size is None:
        return ()
    is_less = {
        "memory": size.memory_mib < USED_MEMORY,
        "CPU": size.vcpus * 1000 < USED_CPU,
        "disk": machine.volume_size < LEAST_DISK,
    }
    return tuple(what for what, holds in is_less.items() if holds)
