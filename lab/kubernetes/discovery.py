# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds the server knows, and how clients find out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from lab.kubernetes.store import Kind

VERBS = ["get", "list", "patch", "delete"]


class Resource(NamedTuple):
    """A kind as one version of its group shows it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()

    @property
    def stored_as(self) -> Kind:
        return Kind(self.group, self.plural)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


class Target(NamedTuple):
    """What a path under /api or /apis means: an object, or a list of them."""

    resource: Resource
    namespace: str
    name: str


def version_info(version: str) -> dict[str, Any]:
    major, minor, *_ = version.removeprefix("v").split(".")
    return {
        **{"major": major, "minor": minor, "gitVersion": version, "gitCommit": "simulated", "gitTreeState": "clean"},
        **{"buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "gc", "platform": "linux/arm64"},
    }


def core_versions(address: str) -> dict[str, Any]:
    servers = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": servers}


def group_list(resources: Iterable[Resource]) -> dict[str, Any]:
    versions: dict[str, list[str]] = {}
    for resource in resources:
        known = versions.setdefault(resource.group, [])
        if resource.version not in known:
            known.append(resource.version)
    groups = [_group(name, found) for name, found in sorted(versions.items()) if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    reported = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": reported, "preferredVersion": reported[0]}


def resource_list(group: str, version: str, resources: Iterable[Resource]) -> dict[str, Any] | None:
    """Return the answer of /api/v1 or /apis/<group>/<version>; empty if the group does not exist."""
    found = [resource for resource in resources if (resource.group, resource.version) == (group, version)]
    if not found:
        return None
    group_version = found[0].api_version
    return {
        **{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version},
        "resources": [_entry(resource) for resource in found],
    }


def _entry(resource: Resource) -> dict[str, Any]:
    reported: dict[str, Any] = {"name": resource.plural, "singularName": resource.kind.lower(), "kind": resource.kind}
    reported |= {"namespaced": resource.namespaced, "verbs": VERBS}
    return reported | ({"shortNames": list(resource.short_names)} if resource.short_names else {})
