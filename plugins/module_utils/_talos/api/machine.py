# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of the Talos API with plain data. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import yaml

from ..._text import received
from .. import tailscale as _tailscale
from . import proto
from .client import NodeClient
from .errors import Cause, NodeError

ACTIVE: Final = "v1alpha1"
PERSISTENT: Final = "persistent"
LONG_TIMEOUT: Final = 600.0
_CHUNK: Final = 1024 * 1024
_RUNTIME: Final = "runtime"
_DISK_KEYS: Final = ("dev_path", "size", "model", "serial", "transport", "readonly", "rotational")


class Stage(NamedTuple):
    """The stage of a node, and Talos' own conditions that it does not meet."""

    stage: str
    ready: bool
    unmet: Mapping[str, str]


class Applied(NamedTuple):
    """The node's reply to a configuration, applied or in a dry run."""

    mode: str
    details: str
    warnings: Sequence[str]

    @property
    def changes(self) -> bool:
        """Return whether a dry run found differences."""
        return not self.details.rstrip().endswith("No changes.")


async def version(client: NodeClient) -> str:
    """Return the version of Talos; before v1.13, only the resource is readable in maintenance mode."""
    found = await resource(client, _RUNTIME, "Versions.runtime.talos.dev", "version")
    if found and found.get("version"):
        return str(found["version"])
    tag: str = received((await client.element("Version")).version.tag)
    return tag


async def resource(client: NodeClient, namespace: str, kind: str, name: str) -> Any:
    """Return the specification of a COSI resource, or None if it does not exist."""
    return received(await _exact_resource(client, namespace, kind, name))


async def _exact_resource(client: NodeClient, namespace: str, kind: str, name: str) -> Any:
    request = proto.message("GetRequest")(namespace=namespace, type=kind, id=name)
    try:
        reply = await client.call("cosi.resource.State/Get", request)
    except NodeError as error:
        if error.cause is Cause.NOT_FOUND:
            return None
        raise
    return _specification(client, reply.resource)


def _specification(client: NodeClient, resource: Any) -> Any:
    try:
        return yaml.safe_load(resource.spec.yaml_spec)
    except yaml.YAMLError as error:
        detail = f"the specification of {received(resource.metadata.id) or 'a resource'} is not YAML"
        raise NodeError(client.node, "cosi.resource.State", Cause.OTHER, detail) from error


async def resources(client: NodeClient, namespace: str, kind: str) -> dict[str, Any]:
    """Return the specifications of all COSI resources of a kind, by their ids."""
    request = proto.message("ListRequest")(namespace=namespace, type=kind)
    replies = client.stream("cosi.resource.State/List", request)
    return {
        received(reply.resource.metadata.id): received(_specification(client, reply.resource))
        async for reply in replies
        if reply.HasField("resource")
    }


async def machine_config(client: NodeClient, name: str = ACTIVE) -> str | None:
    """Return the node's configuration as the original YAML: the active one, or that of the next boot."""
    found = await _exact_resource(client, "config", "MachineConfigs.config.talos.dev", name)
    # Talos returns the configuration as one YAML string; earlier releases returned a mapping.
    return found if found is None or isinstance(found, str) else yaml.safe_dump(found, sort_keys=False)


async def stage(client: NodeClient) -> Stage:
    """Return the node's stage and unmet conditions."""
    found = await resource(client, _RUNTIME, "MachineStatuses.runtime.talos.dev", "machine") or {}
    status = found.get("status") or {}
    unmet = {str(one["name"]): str(one.get("reason", "")) for one in status.get("unmetConditions") or []}
    return Stage(str(found.get("stage", "unknown")), bool(status.get("ready")), unmet)


async def services(client: NodeClient) -> list[dict[str, Any]]:
    """Return the node's services; healthy is None for services without a health check."""
    element = await client.element("ServiceList")
    return [
        {
            "id": received(service.id),
            "state": received(service.state),
            "healthy": None if service.health.unknown else service.health.healthy,
            "message": received(service.health.last_message),
        }
        for service in element.services
    ]


async def members(client: NodeClient) -> list[dict[str, Any]]:
    """Return the cluster's members in the node's discovery."""
    found = await resources(client, "cluster", "Members.cluster.talos.dev")
    return [
        {
            "id": name,
            "hostname": spec.get("hostname"),
            "machine_type": spec.get("machineType"),
            "addresses": spec.get("addresses") or [],
            "operating_system": spec.get("operatingSystem"),
        }
        for name, spec in sorted(found.items())
    ]


async def extensions(client: NodeClient) -> dict[str, str]:
    """Return the system extensions in the node's image: versions by names."""
    found = await resources(client, _RUNTIME, "ExtensionStatuses.runtime.talos.dev")
    metadata = [spec.get("metadata") or {} for spec in found.values()]
    return {str(one.get("name")): str(one.get("version", "")) for one in metadata}


async def cmdline(client: NodeClient) -> str | None:
    """Return the kernel arguments of the running kernel."""
    found = await resource(client, _RUNTIME, "KernelCmdlines.runtime.talos.dev", "cmdline")
    return found if found is None or isinstance(found, str) else str(found.get("cmdline", ""))


async def disks(client: NodeClient) -> list[dict[str, Any]]:
    """Return the node's disks; system_disk marks the Talos disk."""
    found = await resources(client, _RUNTIME, "Disks.block.talos.dev")
    system = await resource(client, _RUNTIME, "SystemDisks.block.talos.dev", "system-disk") or {}
    return [
        {
            "name": name,
            "system_disk": name == system.get("diskID"),
            **{key: spec.get(key) for key in _DISK_KEYS},
        }
        for name, spec in sorted(found.items())
    ]


async def oom_kills(client: NodeClient) -> list[dict[str, Any]]:
    """Return the processes that Talos killed because memory ran out, without their arguments.

    The OOM handler exists since v1.12 and keeps the last 50 kills. Arguments may contain secrets.
    """
    found = await resources(client, _RUNTIME, "OOMActions.talos.dev")
    return [
        {
            "id": name,
            "score": spec.get("score"),
            "programs": [str(one).partition(" ")[0] for one in spec.get("processes") or []],
        }
        for name, spec in sorted(found.items(), key=lambda one: (len(one[0]), one[0]))
    ]


async def addresses(client: NodeClient) -> list[str]:
    """Return the addresses that the node has now, with their prefix lengths."""
    found = await resource(client, "network", "NodeAddresses.net.talos.dev", "current") or {}
    return [str(address) for address in found.get("addresses") or []]


async def link_addresses(client: NodeClient, link: str) -> list[str]:
    """Return the addresses of a link, with their prefix lengths; empty if the link does not exist."""
    found = await resources(client, "network", "AddressStatuses.net.talos.dev")
    return sorted(str(spec.get("address")) for spec in found.values() if spec.get("linkName") == link)


async def log(client: NodeClient, service: str, *, lines: int = 500) -> list[str]:
    """Return the last log lines of a Talos service."""
    request = proto.message("LogsRequest")(namespace="system", id=service, driver=0, follow=False, tail_lines=lines)
    pieces = [reply.bytes async for reply in client.stream("Logs", request)]
    return [received(line) for line in b"".join(pieces).decode(errors="replace").splitlines()]


async def tailscale(client: NodeClient) -> dict[str, Any]:
    """Return whether the node is in the tailnet, or the cause if not."""
    states = {str(service["id"]): str(service["state"]) for service in await services(client)}
    state = states.get(_tailscale.SERVICE)
    seen = _tailscale.Observed(
        has_extension=_tailscale.EXTENSION in await extensions(client),
        state=state,
        addresses=await link_addresses(client, _tailscale.LINK),
        log=await log(client, _tailscale.SERVICE) if state == "Running" else (),
    )
    problem = _tailscale.missing_because(seen)
    return {
        "state": _tailscale.state_of(problem),
        "problem": problem.as_dict() if problem else None,
        "service": state,
        "addresses": list(seen.addresses),
    }


async def hostname(client: NodeClient) -> str | None:
    """Return the node's name."""
    found = await resource(client, "network", "HostnameStatuses.net.talos.dev", "hostname")
    return None if found is None else str(found.get("hostname"))


async def boot_time(client: NodeClient) -> int:
    """Return the boot time of the node; a changed value means that it rebooted."""
    return int((await client.element("SystemStat")).boot_time)


async def apply(client: NodeClient, config: bytes, *, mode: str = "auto", dry_run: bool = False) -> Applied:
    """Apply a configuration to the node, or make a dry run."""
    # Always send the mode: 0 means REBOOT, which v1.14 does not support.
    request = proto.message("ApplyConfigurationRequest")(data=config, mode=proto.APPLY_MODES[mode], dry_run=dry_run)
    element = await client.element("ApplyConfiguration", request)
    names = {number: name for name, number in proto.APPLY_MODES.items()}
    return Applied(names.get(element.mode, str(element.mode)), element.mode_details, received(list(element.warnings)))


async def bootstrap(client: NodeClient, *, recover: bool = False) -> None:
    """Bootstrap etcd on the node, from the uploaded snapshot if recover is set."""
    await client.call("Bootstrap", proto.message("BootstrapRequest")(recover_etcd=recover))


async def kubeconfig(client: NodeClient) -> str:
    """Return a new administrator's kubeconfig; each call issues another client certificate."""
    data = b"".join([chunk async for chunk in _chunks(client, "Kubeconfig")])
    try:
        return _first_file(data).decode()
    except (OSError, EOFError, tarfile.TarError, UnicodeDecodeError) as error:
        detail = f"the archive with the kubeconfig cannot be read ({error})"
        raise NodeError(client.node, "Kubeconfig", Cause.OTHER, detail) from error


def _first_file(archive: bytes) -> bytes:
    """Return the first file of the archive, which Talos does not terminate, so that listing it fails."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive)), mode="r:") as tar:
        entry = tar.next()
        file = tar.extractfile(entry) if entry else None
        if file is None:
            raise tarfile.ReadError("it is empty")
        return file.read()


async def _chunks(client: NodeClient, name: str, *, timeout: float | None = None) -> AsyncIterator[bytes]:
    async for data in client.stream(name, timeout=timeout):
        if data.metadata.error:
            raise NodeError(client.node, name, Cause.OTHER, received(data.metadata.error))
        yield data.bytes


async def upgrade(client: NodeClient, image: str, *, timeout: float = LONG_TIMEOUT) -> bool:
    """Install another image; return whether the node itself drains, reboots and uncordons.

    MachineService.Upgrade does, in the releases that have it. LifecycleService.Upgrade (since v1.13) only installs, and
    the reboot after it stops the pods without draining, so it is the second choice.
    """
    request = proto.message("UpgradeRequest")(image=image, preserve=True)
    try:
        await client.call("Upgrade", request, timeout=timeout)
    except NodeError as error:
        if error.cause is not Cause.UNIMPLEMENTED:
            raise
        await _pull(client, image, timeout)
        await _install(client, image, timeout)
        return False
    return True


async def _pull(client: NodeClient, image: str, timeout: float) -> None:
    request = proto.message("ImageServicePullRequest")(containerd=_system_containerd(), image_ref=image)
    async for _progress in client.stream("machine.ImageService/Pull", request, timeout=timeout):
        pass


async def _install(client: NodeClient, image: str, timeout: float) -> None:
    source = proto.message("InstallArtifactsSource")(image_name=image)
    request = proto.message("LifecycleServiceUpgradeRequest")(containerd=_system_containerd(), source=source)
    last, exit_code = "", None
    async for reply in client.stream("machine.LifecycleService/Upgrade", request, timeout=timeout):
        if reply.progress.WhichOneof("response") == "exit_code":
            exit_code = reply.progress.exit_code
        else:
            last = received(reply.progress.message)
    if exit_code != 0:
        detail = f"the installer exited with {exit_code}; its last output: {last.strip() or '(none)'}"
        raise NodeError(client.node, "Upgrade", Cause.OTHER, detail)


def _system_containerd() -> Any:
    """Return the image store of installers: driver containerd, namespace system."""
    return proto.message("ContainerdInstance")(driver=0, namespace=1)


async def reset(
    client: NodeClient, *, graceful: bool = True, partitions: Sequence[str] = (), timeout: float = 60
) -> None:
    """Wipe these partitions of the node, or its whole disk if the list is empty, and reboot it."""
    spec = proto.message("ResetPartitionSpec")
    request = proto.message("ResetRequest")(
        graceful=graceful,
        reboot=True,
        system_partitions_to_wipe=[spec(label=label, wipe=True) for label in partitions],
    )
    await client.call("Reset", request, timeout=timeout)


async def reboot(client: NodeClient) -> None:
    """Reboot the node."""
    await client.call("Reboot")


async def etcd_members(client: NodeClient) -> list[dict[str, Any]]:
    """Return the members of etcd."""
    element = await client.element("EtcdMemberList")
    return [
        {
            "id": f"{member.id:x}",
            "hostname": received(member.hostname),
            "peer_urls": received(list(member.peer_urls)),
            "client_urls": received(list(member.client_urls)),
            "is_learner": member.is_learner,
        }
        for member in element.members
    ]


def etcd_snapshot(client: NodeClient, *, timeout: float = LONG_TIMEOUT) -> AsyncIterator[bytes]:
    """Return a snapshot of etcd, piece by piece."""
    return _chunks(client, "EtcdSnapshot", timeout=timeout)


async def etcd_recover(client: NodeClient, snapshot: bytes, *, timeout: float = LONG_TIMEOUT) -> None:
    """Upload a snapshot for a bootstrap with recover."""
    data = proto.message("Data")
    pieces: Iterable[Any] = (data(bytes=snapshot[at : at + _CHUNK]) for at in range(0, len(snapshot), _CHUNK))
    await client.upload("EtcdRecover", pieces, timeout=timeout)
