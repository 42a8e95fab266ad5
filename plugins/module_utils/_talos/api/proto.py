# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages and methods of the Talos API, built at run time. Private to urmanac.talos: may change at any time.

Generated modules pin the protobuf runtime that made them; these classes work with any. Only what the collection and its
simulation use is described; protobuf keeps unknown fields, so a newer node is no trouble. Enums are written as int32,
which is the same on the wire.
"""

from __future__ import annotations

import functools
from typing import Any, Final, NamedTuple

# `Name: field=number:type`; `*type` is repeated, `?type` belongs to the message's one oneof.
# A name with `>` is the element of a reply: it gets `metadata` as field 1, and
# NameResponse { repeated Name messages = 1 } is added.
_MESSAGES: Final = """
Empty:
Duration: seconds=1:int64 nanos=2:int32
Timestamp: seconds=1:int64 nanos=2:int32
Any: type_url=1:string value=2:bytes
Status: code=1:int32 message=2:string details=3:*Any
Metadata: hostname=1:string error=2:string status=3:Status
Data: metadata=1:Metadata bytes=2:bytes
ContainerdInstance: driver=1:int32 namespace=2:int32

ApplyConfigurationRequest: data=1:bytes mode=4:int32 dry_run=5:bool try_mode_timeout=6:Duration
>ApplyConfiguration: warnings=2:*string mode=3:int32 mode_details=4:string
BootstrapRequest: recover_etcd=1:bool recover_skip_hash_check=2:bool
>Bootstrap:
VersionInfo: tag=1:string sha=2:string built=3:string go_version=4:string os=5:string arch=6:string
PlatformInfo: name=1:string mode=2:string
FeaturesInfo: rbac=1:bool
>Version: version=2:VersionInfo platform=3:PlatformInfo features=4:FeaturesInfo
ServiceEvent: msg=1:string state=2:string ts=3:Timestamp
ServiceEvents: events=1:*ServiceEvent
ServiceHealth: unknown=1:bool healthy=2:bool last_message=3:string last_change=4:Timestamp
ServiceInfo: id=1:string state=2:string events=3:ServiceEvents health=4:ServiceHealth
>ServiceList: services=2:*ServiceInfo
RebootRequest: mode=1:int32
>Reboot: actor_id=2:string
ResetPartitionSpec: label=1:string wipe=2:bool
ResetRequest: graceful=1:bool reboot=2:bool system_partitions_to_wipe=3:*ResetPartitionSpec \
user_disks_to_wipe=4:*string mode=5:int32
>Reset: actor_id=2:string
UpgradeRequest: image=1:string preserve=2:bool stage=3:bool force=4:bool reboot_mode=5:int32
>Upgrade: ack=2:string actor_id=3:string
>SystemStat: boot_time=2:uint64
LogsRequest: namespace=1:string id=2:string driver=3:int32 follow=4:bool tail_lines=5:int32

EtcdMemberListRequest: query_local=1:bool
EtcdMember: id=2:uint64 hostname=3:string peer_urls=4:*string client_urls=5:*string is_learner=6:bool
EtcdMembers: metadata=1:Metadata legacy_members=2:*string members=3:*EtcdMember
EtcdMemberListResponse: messages=1:*EtcdMembers
EtcdSnapshotRequest:
>EtcdRecover:

InstallArtifactsSource: image_name=1:string
LifecycleServiceInstallProgress: message=1:?string exit_code=2:?int32
LifecycleServiceUpgradeRequest: containerd=1:ContainerdInstance source=2:InstallArtifactsSource
LifecycleServiceUpgradeResponse: progress=1:LifecycleServiceInstallProgress
ImageServicePullRequest: containerd=1:ContainerdInstance image_ref=3:string
ImageServicePullLayerProgress: status=1:int32 elapsed=2:Duration offset=3:int64 total=4:int64
ImageServicePullProgress: layer_id=1:string progress=2:ImageServicePullLayerProgress
ImageServicePullResponse: name=1:?string pull_progress=2:?ImageServicePullProgress


Label: key=1:string value=2:string
ResourceMetadata: namespace=1:string type=2:string id=3:string version=4:string owner=5:string phase=6:string \
created=7:Timestamp updated=8:Timestamp finalizers=9:*string labels=10:*Label annotations=11:*Label
ResourceSpec: proto_spec=1:bytes yaml_spec=2:string
Resource: metadata=1:ResourceMetadata spec=2:ResourceSpec
GetOptions:
GetRequest: namespace=1:string type=2:string id=3:string options=4:GetOptions
GetResponse: resource=1:Resource
IdQuery: regexp=1:string
ListOptions: id_query=2:IdQuery
ListRequest: namespace=1:string type=2:string options=3:ListOptions
ListResponse: resource=1:Resource
PrintColumn: name=1:string json_path=2:string
ResourceDefinitionSpec: resource_type=1:string display_type=2:string default_namespace=3:string aliases=4:*string \
all_aliases=5:*string print_columns=6:*PrintColumn sensitivity=7:int32
NodenameSpec: nodename=1:string hostname_version=2:string skip_node_registration=3:bool
"""

# `Method: Request -> Reply`; `*` marks a stream. A reply of `=` is MethodResponse, a request of `-` is Empty,
# a request of `=` is MethodRequest.
_METHODS: Final = {
    "machine.MachineService": """
ApplyConfiguration: = -> =
Bootstrap: = -> =
EtcdMemberList: = -> =
EtcdRecover: *Data -> =
EtcdSnapshot: = -> *Data
Kubeconfig: - -> *Data
Logs: = -> *Data
Reboot: = -> =
Reset: = -> =
ServiceList: - -> =
SystemStat: - -> =
Upgrade: = -> =
Version: - -> =
""",
    "machine.LifecycleService": "Upgrade: LifecycleServiceUpgradeRequest -> *LifecycleServiceUpgradeResponse",
    "machine.ImageService": "Pull: ImageServicePullRequest -> *ImageServicePullResponse",
    "cosi.resource.State": """
Get: = -> =
List: = -> *ListResponse
""",
}

# FieldDescriptorProto.Type; anything else is a message.
_SCALARS: Final = {"double": 1, "int64": 3, "uint64": 4, "int32": 5, "bool": 8, "string": 9, "bytes": 12, "uint32": 13}
_TYPE_MESSAGE: Final = 11
_LABEL_OPTIONAL: Final = 1
_LABEL_REPEATED: Final = 3
_PACKAGE: Final = "urmanac.talos"

MAXIMUM_MESSAGE_SIZE: Final = 32 * 1024 * 1024
APPLY_MODES: Final = {"reboot": 0, "auto": 1, "no_reboot": 2, "staged": 3, "try": 4}


class Method(NamedTuple):
    """One remote call: its path, the names of its messages, and which side streams."""

    path: str
    request: str
    reply: str
    request_streams: bool
    reply_streams: bool

    @property
    def name(self) -> str:
        """Return the short name, for error messages."""
        return self.path.rsplit("/", 1)[1]


def _described_messages() -> dict[str, list[str]]:
    """Return the fields of every message of the table, replies' wrappers included."""
    messages: dict[str, list[str]] = {}
    for line in filter(None, _MESSAGES.splitlines()):
        name, _colon, fields = line.partition(":")
        if not name.startswith(">"):
            messages[name] = fields.split()
            continue
        name = name.removeprefix(">")
        messages[name] = ["metadata=1:Metadata", *fields.split()]
        messages[f"{name}Response"] = [f"messages=1:*{name}"]
    return messages


def _add_field(descriptor: Any, field: str) -> None:
    name, _equals, rest = field.partition("=")
    number, _colon, kind = rest.partition(":")
    bare = kind.lstrip("*?")
    added = descriptor.field.add(name=name, number=int(number))
    added.label = _LABEL_REPEATED if kind.startswith("*") else _LABEL_OPTIONAL
    added.type = _SCALARS.get(bare, _TYPE_MESSAGE)
    if bare not in _SCALARS:
        added.type_name = f".{_PACKAGE}.{bare}"
    if not kind.startswith("?"):
        return
    if not descriptor.oneof_decl:
        descriptor.oneof_decl.add(name="response")
    added.oneof_index = 0


@functools.cache
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool

    file = descriptor_pb2.FileDescriptorProto(name="urmanac_talos.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _described_messages().items():
        descriptor = file.message_type.add(name=name)
        for field in fields:
            _add_field(descriptor, field)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


@functools.cache
def message(name: str) -> Any:
    """Return the class of the message."""
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@functools.cache
def methods() -> dict[str, Method]:
    """Return every described method by its path, such as /machine.MachineService/Version."""
    found = {}
    for service, lines in _METHODS.items():
        for line in lines.split("\n"):
            if line:
                method = _method(service, line)
                found[method.path] = method
    return found


def _method(service: str, line: str) -> Method:
    name, _colon, signature = line.partition(":")
    request, reply = signature.split("->")
    request_name = {"=": f"{name}Request", "-": "Empty"}.get(request.strip(), request.strip())
    reply_name = {"=": f"{name}Response"}.get(reply.strip(), reply.strip())
    return Method(
        path=f"/{service}/{name}",
        request=request_name.lstrip("*"),
        reply=reply_name.lstrip("*"),
        request_streams=request_name.startswith("*"),
        reply_streams=reply_name.startswith("*"),
    )


def method(name: str) -> Method:
    """Return the method; a bare name means the machine service, package.Service/Name any other one."""
    service, _slash, short = name.rpartition("/")
    return methods()[f"/{service or 'machine.MachineService'}/{short}"]
