# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes API in memory, as the modules see one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import PACKAGE, PACKAGE_SOURCE
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import Kind

Object = dict[str, Any]
SERVER = "https://192.0.2.101:6443"
_BUILT_IN = (
    *(kinds.NAMESPACE, kinds.SERVICE_ACCOUNT, kinds.CLUSTER_ROLE_BINDING, kinds.DEPLOYMENT, kinds.CONFIG_MAP),
    *(kinds.CRD, kinds.POD, kinds.NODE, kinds.RUNTIME_CLASS),
)
_OF_PACKAGES = (PACKAGE, PACKAGE_SOURCE)


class FakeApi:
    """A cluster in memory: what is applied is kept with its manager, and Packages are known once they are defined."""

    def __init__(self, *, architecture: str = "amd64", knows_packages: bool = False) -> None:
        self.server = SERVER
        self.objects: dict[tuple[Kind, str, str], Object] = {}
        self.writes: list[str] = []
        self.refusal: ApiError | None = None
        self.knows_packages = knows_packages
        self.put(kinds.NODE, {"metadata": {"name": "a"}, "status": {"nodeInfo": {"architecture": architecture}}})

    def put(self, kind: Kind, content: Object) -> None:
        """Keep an object that another client has created."""
        where = (kind, content["metadata"].get("namespace", ""), content["metadata"]["name"])
        self.objects[where] = {"apiVersion": kind.api_version, "kind": kind.kind, **content}

    def version(self) -> str:
        """Return the server's version."""
        return "v1.33.12"

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Return the object, or nothing."""
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    def items(self, kind: Kind, *, namespace: str = "", fields: str = "") -> Iterator[Object]:
        """Yield the objects of a kind."""
        for (of, where, _), content in sorted(self.objects.items(), key=lambda item: item[0][1:]):
            if of == kind and namespace in ("", where):
                yield copy.deepcopy(content)

    def kind_of(self, content: Mapping[str, Any]) -> Kind:
        """Return where objects with this apiVersion and kind are kept."""
        known = (*_BUILT_IN, *(_OF_PACKAGES if self.knows_packages else ()))
        for kind in known:
            if (kind.api_version, kind.kind) == (content["apiVersion"], content["kind"]):
                return kind
        raise ApiError(SERVER, f"find the kind {content['kind']}", Cause.NO_KIND, "it is not known")

    def apply(self, content: Object, *, dry_run: bool = False, force: bool = False) -> Object:
        """Apply the object; fields of other managers stay."""
        kind = self.kind_of(content)
        if self.refusal and not force:
            raise self.refusal
        metadata = content["metadata"]
        where = (kind, metadata.get("namespace", ""), metadata["name"])
        before = self.objects.get(where) or {"metadata": {}}
        managers = [{"manager": "urmanac.talos", "operation": "Apply"}]
        own = {"uid": metadata["name"], "managedFields": managers}
        after = {**before, **copy.deepcopy(content), "metadata": {**before["metadata"], **metadata, **own}}
        if not dry_run:
            self.writes.append(f"{kind.kind} {metadata['name']}")
            self.objects[where] = after
            self.knows_packages |= kind is kinds.CRD
        return copy.deepcopy(after)

    def delete(self, kind: Kind, name: str, *, namespace: str = "", dry_run: bool = False) -> bool:
        """Delete the object and return whether there was one."""
        found = (kind, namespace, name) in self.objects
        if found and not dry_run:
            self.writes.append(f"delete {kind.kind} {name}")
            del self.objects[kind, namespace, name]
        return found
