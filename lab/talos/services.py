# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that the simulation answers, with the words and the status codes of a real node."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import tarfile
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import yaml
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import proto
from lab.talos import cosi, etcd, logs, pki, tailscale
from lab.talos.apply import apply_configuration
from lab.talos.definitions import SENSITIVE
from lab.talos.machine import Node
from lab.talos.registry import contents_of
from lab.talos.state import CONFIG, SNAPSHOT

Handler = Callable[[Node, Any], Awaitable[Any]]


_ADMIN_ONLY = {"ApplyConfiguration", "Bootstrap", "EtcdRecover", "Kubeconfig", "Reset", "Upgrade"}
_OPERATOR = {"EtcdSnapshot", "Pull", "Reboot"}
_OLD_MAINTENANCE = {"ApplyConfiguration", "Get", "List"}
_SINCE = {"machine.LifecycleService": (1, 13), "machine.ImageService": (1, 13)}
# Announced by upstream for the calls that it calls deprecated.
_UNTIL = {"/machine.MachineService/Upgrade": (1, 18)}


async def serve(node: Node, method: proto.Method, stream: Stream[Any, Any]) -> None:
    requests = [request async for request in stream] if method.request_streams else [await stream.recv_message()]
    await asyncio.sleep(node.faults.delay)
    handler = _handler(node, method)
    roles = _roles(stream)
    _authorize(node, method, roles)
    answer = await handler(node, requests if method.request_streams else requests[0])
    if method.path.startswith("/cosi.") and requests[0].type in SENSITIVE and "os:admin" not in roles:
        raise GRPCError(Status.PERMISSION_DENIED, "not authorized")
    if node.faults.cuts_reply(method.name, is_dry_run=getattr(requests[0], "dry_run", False)):
        node.cut_connections()
        await asyncio.sleep(60)
    for reply in answer if method.reply_streams else [answer]:
        await stream.send_message(reply)


def _handler(node: Node, method: proto.Method) -> Handler:
    service = method.path.split("/")[1]
    if node.release < _SINCE.get(service, (0, 0)):
        raise GRPCError(Status.UNIMPLEMENTED, f"unknown service {service}")
    if method.path not in _HANDLERS or node.release >= _UNTIL.get(method.path, (99, 0)):
        raise GRPCError(Status.UNIMPLEMENTED, f"method {method.name} not implemented")
    return _HANDLERS[method.path]


def _roles(stream: Stream[Any, Any]) -> set[str]:
    certificate = stream.peer.cert() or {}
    subject = certificate.get("subject", ())
    return {value for names in subject for key, value in names if key == "organizationName"}


def _authorize(node: Node, method: proto.Method, roles: set[str]) -> None:
    if not node.active:
        _authorize_in_maintenance(node, method)
        return
    allowed = {"os:admin"}
    if method.name not in _ADMIN_ONLY:
        allowed |= {"os:operator"} if method.name in _OPERATOR else {"os:operator", "os:reader"}
    if method.name.startswith("Etcd") and method.name not in _ADMIN_ONLY:
        allowed.add("os:etcd:backup")
    if not roles & allowed:
        raise GRPCError(Status.PERMISSION_DENIED, "not authorized")


def _authorize_in_maintenance(node: Node, method: proto.Method) -> None:
    if node.release < (1, 13):
        if method.name not in _OLD_MAINTENANCE:
            raise GRPCError(Status.UNIMPLEMENTED, "API is not implemented in maintenance mode")
    elif method.name != "ApplyConfiguration" and method.name in _ADMIN_ONLY | _OPERATOR:
        raise GRPCError(Status.PERMISSION_DENIED, "not authorized")


def _reply(name: str, **fields: Any) -> Any:
    return proto.message(f"{name}Response")(messages=[proto.message(name)(**fields)])


def _need_control_plane(node: Node, what: str) -> None:
    if not node.config.is_control_plane:
        raise GRPCError(Status.UNIMPLEMENTED, f"{what} is only available on control plane nodes")


# The machine itself.


async def version(node: Node, _: Any) -> Any:
    return _reply(
        "Version",
        version=proto.message("VersionInfo")(
            **{"tag": node.state.version, "sha": "simulated", "os": "linux", "arch": node.hardware.architecture}
        ),
        platform=proto.message("PlatformInfo")(name="metal", mode="metal"),
        features=proto.message("FeaturesInfo")(rbac=True),
    )


async def system_stat(node: Node, _: Any) -> Any:
    return _reply("SystemStat", boot_time=node.boot_time)


async def service_list(node: Node, _: Any) -> Any:
    found = [_service(node, name, *condition) for name, condition in node.services().items()]
    return _reply("ServiceList", services=found)


def _service(node: Node, name: str, state: str, healthy: bool | None) -> Any:
    """Return what is reported of a service; a real one has an event for every state that it went through."""
    since = proto.message("Timestamp")(seconds=node.boot_time)
    event = proto.message("ServiceEvent")(msg=f"SIMULATED: {state}", state=state, ts=since)
    health = proto.message("ServiceHealth")(unknown=healthy is None, healthy=bool(healthy), last_change=since)
    events = proto.message("ServiceEvents")(events=[event])
    return proto.message("ServiceInfo")(id=name, state=state, events=events, health=health)


def running_services(node: Node) -> Mapping[str, tuple[str, bool | None]]:
    always = dict.fromkeys(("apid", "containerd", "machined", "udevd"), ("Running", True))
    if not node.active:
        return always
    after = ("Running", True) if node.is_booted else ("Waiting", None)
    found: dict[str, tuple[str, bool | None]] = {**always, "auditd": ("Running", True), "cri": after, "kubelet": after}
    if node.active.is_control_plane:
        found["etcd"] = after if node.state.etcd_member else ("Preparing", None)
        found["trustd"] = after
    if "tailscale" in node.state.extensions:
        is_configured = tailscale.environment(node) is not None
        found[tailscale.SERVICE] = ("Running" if is_configured and node.is_booted else "Waiting", None)
    return dict(sorted(found.items()))


async def reboot(node: Node, _: Any) -> Any:
    node.reboot_soon()
    return _reply("Reboot", actor_id=str(uuid.uuid4()))


async def reset(node: Node, request: Any) -> Any:
    """Answer Reset: without partitions the whole disk goes, operating system included."""
    labels = {spec.label for spec in request.system_partitions_to_wipe if spec.wipe}
    unknown = labels - {"STATE", "EPHEMERAL", "META"}
    if unknown:
        raise GRPCError(Status.UNKNOWN, f'failed to get volume status with label "{min(unknown)}": not found')
    wipes_disk = not labels and request.mode != 2
    if wipes_disk or "EPHEMERAL" in labels:
        node.state.etcd_member = node.state.etcd_began_from = None
        node.disk.wipe(SNAPSHOT)
    if wipes_disk or "STATE" in labels:
        node.disk.wipe(CONFIG)
    node.state.is_wiped = wipes_disk
    node.save()
    if request.reboot:
        node.reboot_soon(stage="resetting")
    else:
        node.power_off_soon()
    return _reply("Reset", actor_id=str(uuid.uuid4()))


# Upgrades.


def _switch_image(node: Node, image: str) -> None:
    contents = contents_of(image)
    node.state.image = image
    node.state.next_version = contents.version
    node.state.extensions = contents.extensions
    node.save()


async def upgrade(node: Node, request: Any) -> Any:
    """Answer the old Upgrade, after which the node reboots by itself."""
    _switch_image(node, request.image)
    node.reboot_soon(stage="upgrading")
    return _reply("Upgrade", ack="Upgrade request received", actor_id=str(uuid.uuid4()))


async def pull(_: Node, request: Any) -> Iterable[Any]:
    return [proto.message("ImageServicePullResponse")(name=request.image_ref)]


async def lifecycle_upgrade(node: Node, request: Any) -> Iterable[Any]:
    """Answer the new Upgrade, which leaves the reboot to the client."""
    _switch_image(node, request.source.image_name)
    progress, reply = proto.message("LifecycleServiceInstallProgress"), proto.message("LifecycleServiceUpgradeResponse")
    return [reply(progress=progress(message="SIMULATED installs\n")), reply(progress=progress(exit_code=0))]


# Etcd and Kubernetes.


async def bootstrap(node: Node, request: Any) -> Any:
    if not node.is_booted:
        raise GRPCError(Status.FAILED_PRECONDITION, "bootstrap is not available yet")
    _need_control_plane(node, "bootstrap")
    if not node.config.pem("cluster", "etcd", "ca", "crt"):
        raise GRPCError(Status.INVALID_ARGUMENT, "etcd is not configured, bootstrap is not possible")
    if not node.time_is_synced:
        raise GRPCError(Status.FAILED_PRECONDITION, "time is not in sync yet")
    if node.state.etcd_member:
        raise GRPCError(Status.ALREADY_EXISTS, "etcd data directory is not empty")
    node.begin_etcd(_origin(node, request))
    return _reply("Bootstrap")


def _origin(node: Node, request: Any) -> str:
    """Return what etcd begins from; a snapshot must be there and whole."""
    if not request.recover_etcd:
        return "nothing"
    snapshot = node.disk.read(SNAPSHOT)
    if snapshot is None:
        raise GRPCError(Status.UNKNOWN, "error stat snapshot file: no such file or directory")
    body, digest = snapshot[:-32], snapshot[-32:]
    if not request.recover_skip_hash_check and hashlib.sha256(body).digest() != digest:
        raise GRPCError(Status.UNKNOWN, "error recovering etcd snapshot: expected sha256 does not match")
    return hashlib.sha256(snapshot).hexdigest()


def _running_members(node: Node) -> Sequence[Node]:
    _need_control_plane(node, "etcd")
    if not node.state.etcd_member or not node.is_booted:
        raise GRPCError(Status.UNKNOWN, "failed to create etcd client: context deadline exceeded")
    return node.registry.etcd_members(node.identity)


async def etcd_member_list(node: Node, _: Any) -> Any:
    member = proto.message("EtcdMember")
    found = [
        member(
            id=one.state.etcd_member,
            hostname=one.hostname,
            peer_urls=[f"https://{one.address}:2380"],
            client_urls=[f"https://{one.address}:2379"],
        )
        for one in _running_members(node)
    ]
    return proto.message("EtcdMemberListResponse")(messages=[proto.message("EtcdMembers")(members=found)])


async def etcd_snapshot(node: Node, _: Any) -> Iterable[Any]:
    """Answer EtcdSnapshot, with the checksum that etcd puts at a snapshot's end."""
    _running_members(node)
    digest = hashlib.sha256(node.identity.encode()).hexdigest()
    content = etcd.snapshot({"/SIMULATED": digest}, version="3.6.0")
    data = proto.message("Data")
    return [data(bytes=content[at : at + 4096]) for at in range(0, len(content), 4096)]


async def etcd_recover(node: Node, requests: list[Any]) -> Any:
    """Answer EtcdRecover: keep the uploaded snapshot for a bootstrap."""
    if not node.is_booted:
        raise GRPCError(Status.FAILED_PRECONDITION, "etcd service is not ready for recovery yet")
    _need_control_plane(node, "etcd recover")
    node.disk.write(SNAPSHOT, b"".join(request.bytes for request in requests))
    return _reply("EtcdRecover")


async def kubeconfig(node: Node, _: Any) -> Iterable[Any]:
    """Answer Kubeconfig, in an archive that is not closed: a real node does not close it either."""
    _need_control_plane(node, "kubeconfig")
    authority = pki.load_pair(node.config.pem("cluster", "ca", "crt"), node.config.pem("cluster", "ca", "key"))
    subject = pki.Subject("admin", organizations=["system:masters"], lifetime=timedelta(days=365))
    text = yaml.safe_dump(_kubeconfig(node, pki.issue(authority, subject, client=True))).encode()
    packed = io.BytesIO()
    entry = tarfile.TarInfo("kubeconfig")
    entry.size, entry.mode = len(text), 0o600
    packed.write(entry.tobuf() + text)
    return [proto.message("Data")(bytes=gzip.compress(packed.getvalue()))]


def _kubeconfig(node: Node, client: pki.Pair) -> dict[str, Any]:
    cluster = node.config.cluster
    name = str(cluster.get("clusterName") or "talos")
    admin = f"admin@{name}"
    keys = {
        "client-certificate-data": pki.encoded(client.certificate_pem),
        "client-key-data": pki.encoded(client.key_pem),
    }
    server = {"server": node.config.endpoint, "certificate-authority-data": cluster["ca"]["crt"]}
    return {
        **{"apiVersion": "v1", "kind": "Config", "current-context": admin},
        "clusters": [{"name": name, "cluster": server}],
        "users": [{"name": admin, "user": keys}],
        "contexts": [{"name": admin, "context": {"cluster": name, "namespace": "default", "user": admin}}],
    }


# Of the machine API, whose functions have the names of its calls, and of other services.
_MACHINE: tuple[Any, ...] = (
    *(apply_configuration, bootstrap, etcd_member_list, etcd_recover, etcd_snapshot, kubeconfig, logs.logs),
    *(reboot, reset, service_list, system_stat, upgrade, version),
)
_NAMED: dict[str, Handler] = {
    **{one.__name__.title().replace("_", ""): one for one in _MACHINE},
    **{"cosi.resource.State/Get": cosi.get, "cosi.resource.State/List": cosi.list_},
    **{"machine.ImageService/Pull": pull, "machine.LifecycleService/Upgrade": lifecycle_upgrade},
}
_HANDLERS = {proto.method(name).path: handler for name, handler in _NAMED.items()}
