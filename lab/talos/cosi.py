# SPDX-License-Identifier: GPL-3.0-or-later
"""COSI, the interface to a node's resources: get, list and watch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import yaml
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import proto
from lab.talos.machine import Node
from lab.talos.resources import Specs, resources_of

# A client that finds no annotation takes the text of the configuration for the YAML of a mapping.
_ANNOTATIONS: Final = {"MachineConfigs.config.talos.dev": {"talos.dev/yaml-spec": "1"}}


async def get(node: Node, request: Any) -> Any:
    found = _found(node, request)
    if request.id not in found:
        text = f"resource {request.type}({request.namespace}/{request.id}@undefined) doesn't exist"
        raise GRPCError(Status.NOT_FOUND, text)
    return proto.message("GetResponse")(resource=_resource(node, request, request.id, found[request.id]))


async def list_(node: Node, request: Any) -> Iterable[Any]:
    found = _found(node, request)
    wanted = re.compile(request.options.id_query.regexp)
    reply = proto.message("ListResponse")
    return [reply(resource=_resource(node, request, name, found[name])) for name in found if wanted.search(name)]


def _found(node: Node, request: Any) -> Specs:
    return resources_of(node).get((request.namespace, request.type), {})


def _resource(node: Node, request: Any, name: str, spec: Any) -> Any:
    created = proto.message("Timestamp")(seconds=node.boot_time)
    label = proto.message("Label")
    labels = [label(key=key, value=value) for key, value in _ANNOTATIONS.get(request.type, {}).items()]
    fixed = {"version": "1", "owner": "simulated", "phase": "running", "created": created, "updated": created}
    metadata = proto.message("ResourceMetadata")(
        namespace=request.namespace, type=request.type, id=name, annotations=labels, **fixed
    )
    text = yaml.safe_dump(spec, sort_keys=False)
    content = proto.message("ResourceSpec")(yaml_spec=text, proto_spec=_encoded(request.type, spec))
    return proto.message("Resource")(metadata=metadata, spec=content)


def _encoded(kind: str, spec: Any) -> bytes:
    """Return the binary form of the specification, of the two kinds that talosctl reads in it."""
    if spec and kind == "ResourceDefinitions.meta.cosi.dev":
        return _encoded_definition(spec)
    if spec and kind == "Nodenames.kubernetes.talos.dev":
        return bytes(proto.message("NodenameSpec")(nodename=spec["nodename"]).SerializeToString())
    return b""


def _encoded_definition(spec: dict[str, Any]) -> bytes:
    column = proto.message("PrintColumn")
    fields = {
        **{"resource_type": spec["type"], "display_type": spec["displayType"], "aliases": spec["aliases"]},
        **{"default_namespace": spec["defaultNamespace"], "all_aliases": spec["allAliases"]},
        "print_columns": [column(name=one["name"], json_path=one["jsonPath"]) for one in spec["printColumns"]],
    }
    definition = proto.message("ResourceDefinitionSpec")(**fields, sensitivity=int("sensitivity" in spec))
    return bytes(definition.SerializeToString())
