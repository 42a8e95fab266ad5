# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of CozyStack: the platform's Package, or the ConfigMap of 0.3x. Private: may change at any time."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import yaml

from ..._errors import InputError
from ..catalog.releases import DEFAULT, minor
from ..names import LEGACY_VARIANTS, VARIANTS
from .manifests import NAMESPACE

Object = dict[str, Any]
# The name must equal that of the PackageSource, which the operator creates.
PLATFORM: Final = "cozystack.cozystack-platform"
HOSTED: Final = "isp-hosted"
# Since this version, telemetry is a value of the platform, and the variant isp-hosted has all its packages.
REPAIRED: Final = (1, 7)
BROKEN: Final = f"{HOSTED} of {{}} never becomes ready: it installs applications without their dependencies"
BROKEN_REMEDY: Final = "Use v1.7 or newer, or another variant."


class Desired(NamedTuple):
    """The user's settings of the platform."""

    variant: str
    host: str | None = None
    api_server_endpoint: str | None = None
    exposed_services: Sequence[str] = ()
    external_ips: Sequence[str] = ()
    control_plane_ips: Sequence[str] = ()
    disabled_packages: Sequence[str] = ()
    enabled_packages: Sequence[str] = ()
    telemetry_enabled: bool = True
    version: str = DEFAULT
    values: Mapping[str, Any] = {}


def package(desired: Desired) -> Object:
    """Return the Package that defines the installation."""
    if desired.variant not in VARIANTS:
        raise InputError(_not_a_variant(desired.variant, VARIANTS))
    if is_broken(desired.variant, desired.version):
        cause = f"{BROKEN.format(desired.version)}. {BROKEN_REMEDY}"
        raise InputError(f"Failed to describe the platform: {cause}")
    values = merged(_platform_values(desired), desired.values)
    spec: Object = {"variant": desired.variant}
    if values:
        spec["components"] = {"platform": {"values": values}}
    return {"apiVersion": "cozystack.io/v1alpha1", "kind": "Package", "metadata": {"name": PLATFORM}, "spec": spec}


def is_broken(variant: str, version: str) -> bool:
    """Return whether a variant of this release never becomes ready."""
    return variant == HOSTED and minor(version) < REPAIRED


def _platform_values(desired: Desired) -> Object:
    publishing = {
        "host": desired.host,
        "apiServerEndpoint": desired.api_server_endpoint,
        "exposedServices": list(desired.exposed_services),
        "externalIPs": list(desired.external_ips),
    }
    bundles = {"disabledPackages": list(desired.disabled_packages), "enabledPackages": list(desired.enabled_packages)}
    # A new cluster may not list its control planes yet when Kube-OVN's chart looks them up.
    masters = {"MASTER_NODES": ",".join(desired.control_plane_ips)} if desired.control_plane_ips else {}
    # Earlier versions have only the operator's own option.
    has_value = minor(desired.version) >= REPAIRED
    values = {
        "publishing": _given(publishing),
        "networking": {"kubeovn": masters} if masters else {},
        "bundles": _given(bundles),
        "telemetry": {"disabled": True} if has_value and not desired.telemetry_enabled else {},
    }
    return _given(values)


def config_map(desired: Desired) -> Object:
    """Return the ConfigMap of CozyStack 0.3x."""
    if desired.variant not in LEGACY_VARIANTS:
        raise InputError(_not_a_variant(desired.variant, LEGACY_VARIANTS))
    if not desired.host or not desired.api_server_endpoint:
        text = "CozyStack 0.3x requires host and api_server_endpoint. Set both"
        raise InputError(f"Failed to describe the platform: {text}.")
    data = {
        "bundle-name": desired.variant,
        "root-host": desired.host,
        "api-server-endpoint": desired.api_server_endpoint,
        "expose-services": ",".join(desired.exposed_services),
        "expose-external-ips": ",".join(desired.external_ips),
        "bundle-disable": ",".join(_bare(desired.disabled_packages)),
        "bundle-enable": ",".join(_bare(desired.enabled_packages)),
        "telemetry-enabled": "" if desired.telemetry_enabled else "false",
    }
    own = {str(key): _text(value) for key, value in desired.values.items()}
    metadata = {"name": "cozystack", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": _given(data) | own}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Object:
    """Return the values merged with the user's: mappings are merged, other values replaced."""
    result = copy.deepcopy(dict(base))
    for key, value in over.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = merged(before, value) if both else copy.deepcopy(value)  # type: ignore[arg-type]
    return result


def _given(values: Mapping[str, Any]) -> Object:
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def _bare(names: Sequence[str]) -> list[str]:
    return [name.removeprefix("cozystack.") for name in names]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else yaml.safe_dump(value, sort_keys=False)


def _not_a_variant(variant: str, known: Sequence[str]) -> str:
    return f"Failed to describe the platform: {variant} is not a variant of this release. Choose {', '.join(known)}."
