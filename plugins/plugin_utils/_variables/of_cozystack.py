# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the variables of CozyStack. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...module_utils._cozystack.catalog.built import read_built
from ...module_utils._cozystack.catalog.packages import PREFIX, VERSION, all_packages
from ...module_utils._cozystack.catalog.releases import has_data
from ...module_utils._cozystack.install.manifests import Source, deployment_of, read_manifest
from ...module_utils._cozystack.install.platform import BROKEN, BROKEN_REMEDY, is_broken
from ...module_utils._ec2.spec import address_of
from ...module_utils._ec2.texts import fits
from ...module_utils._errors import InputError
from ...module_utils._findings import Finding
from ...module_utils._spelling import did_you_mean
from .checks import Surroundings, fitting, matching, unusable, wrong

SMOKE_TESTS = ("spin", "spin_app", "virtual_machine")
# What the charts of v1.0.0 to v1.7 look for in publishing.exposedServices; linstor-gui since v1.5.
SERVICES = ("api", "cdi-uploadproxy", "dashboard", "linstor-gui", "vm-exportproxy")
# The packages of v1.5.4 to v1.7 that are installed only if bundles.enabledPackages has them.
OPTIONAL = (
    *("bootbox", "external-dns", "external-dns-application", "external-secrets-operator", "gpu-operator", "hami"),
    *("hetzner-robotlb", "kuberture", "linstor-gui", "nfs-driver", "telepresence", "vm-default-images"),
)
# Kubernetes has the rules of DNS for the names of objects and labels.
object_name = fitting("domain_name", "the name of a Kubernetes object", "my-name")
handler = fitting("host_label", "the name of a runtime in containerd", "spin")
service = fitting("host_label", "the name of a service", "dashboard")
# It becomes the name of a ZFS pool, of a LINSTOR pool and of an object of Kubernetes.
pool = matching(
    "(?!(mirror|raidz|draid|spare|log))[a-z][a-z0-9-]{1,46}[a-z0-9]",
    "a name that ZFS, LINSTOR and Kubernetes accept",
    "data",
)
checksum = matching("sha256:[0-9A-Fa-f]{64}", "a checksum", "sha256: and 64 hexadecimal digits")
operator_version = matching(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?", "a release of the Spin operator", "0.6.1")


def package(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the full name of a package, which is how the platform compares it."""
    text = str(value)
    if not text.startswith(PREFIX) or not fits("host_label", text.removeprefix(PREFIX)):
        right = f"{PREFIX}{text}" if fits("host_label", text) else f"{PREFIX}goldpinger"
        yield wrong(name, f"{text!r} is not the name of a package.", f"Write it as {right}.")


def external_ip(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not an address at which an IPv4 service can be published."""
    address = address_of(str(value))
    if address is None:
        message = f"{str(value)!r} is not an IPv4 address, and CozyStack's services have no others."
        yield wrong(name, message, "Write it as 10.10.0.101.")
    elif address.is_unspecified or address.is_multicast or address.is_link_local or address.is_reserved:
        yield wrong(name, f"{address} is not the address of a host.", "Set it to an address of a node.")


def platform_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the names that the release of CozyStack does not have."""
    yield from _package_problems(values)
    yield from _service_problems(values)
    for name in ("cluster_cozystack_images_arm64", "cozystack_images_arm64", "preflight_cozystack_images_arm64"):
        try:
            read_built(values.get(name, False), _version(name, values))
        except InputError as error:
            yield wrong(name, f"{error}", "Set it to true, to false, or to a mapping of images to true or false.")
    yield from _variant_problems(values)
    yield from _manifest_problems(values)
    yield from _local_manifest_problems(values)


def _version(name: str, values: Mapping[str, Any]) -> str:
    """Return the version that goes with a variable, that of its own role before the shared one."""
    own = values.get(f"{name.partition('cozystack')[0]}cozystack_version")
    return str(own or values.get("cluster_cozystack_version") or VERSION)


def _variant_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("cluster_cozystack_variant", "cozystack_variant"):
        version = _version(name, values)
        if is_broken(str(values.get(name)), version):
            yield wrong(name, f"{BROKEN.format(version)}.", BROKEN_REMEDY)


def _package_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    for prefix in ("cluster_cozystack", "cozystack", "preflight_cozystack"):
        yield from _unknown(f"{prefix}_disabled_packages", values)
    if not _has_own_source(values):
        yield from _unknown("cozystack_enabled_packages", values, OPTIONAL)


def _unknown(name: str, values: Mapping[str, Any], more: Iterable[str] = ()) -> Iterator[Finding]:
    version = _version(name, values)
    names = [PREFIX + one for one in (*all_packages(version), *more)] if has_data(version) else []
    for number, package_name in enumerate(values.get(name) or ()):
        if names and str(package_name).startswith(PREFIX) and package_name not in names:
            message = f"CozyStack {version} has no package {str(package_name)!r}."
            remedy = did_you_mean(str(package_name), names) or "Correct or remove it."
            yield wrong(f"{name}[{number}]", message, remedy)


def _service_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    name = "cozystack_exposed_services"
    for number, one in enumerate(values.get(name) or () if not _has_own_source(values) else ()):
        if one not in SERVICES:
            near = did_you_mean(str(one), SERVICES)
            message = f"CozyStack publishes no service {str(one)!r}."
            yield wrong(f"{name}[{number}]", message, f"{near} Use some of: {', '.join(SERVICES)}.".lstrip())


def _has_own_source(values: Mapping[str, Any]) -> bool:
    """Return whether the packages are not the released ones, and so may have other names."""
    names = ("cluster_cozystack_platform_source_url", "cozystack_platform_source_url", "cozystack_manifest")
    return any(values.get(name) for name in names)


def _manifest_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("cozystack_manifest", "cozystack_crds_manifest"):
        place = values.get(name)
        if str(place or "").startswith("http://") and not values.get(f"{name}_checksum"):
            message = f"{place} is fetched with plain http, which does not protect it from changes."
            yield wrong(name, message, f"Set {name}_checksum, or use https.")


def _local_manifest_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the manifests on the controller that cannot be applied; those on another host are read there."""
    hosts = ("cozystack_api_host", "cozystack_api_via", "cluster_api_via")
    if next((values[name] for name in hosts if values.get(name)), "") != "localhost":
        return
    for name, is_operator in (("cozystack_manifest", True), ("cozystack_crds_manifest", False)):
        place, checksum = str(values.get(name) or ""), values.get(f"{name}_checksum")
        if place.startswith(("/", "~")):
            yield from _local_problems(name, Source(place, checksum or None), is_operator=is_operator)


def _local_problems(name: str, source: Source, *, is_operator: bool) -> Iterator[Finding]:
    try:
        objects = read_manifest(source, _no_request)
        if is_operator:
            deployment_of(objects)
    except InputError as error:
        yield from unusable(name, source.place, error)


def _no_request(place: str) -> bytes:
    raise InputError(f"Failed to read the manifest {place}: it is not a file.")
