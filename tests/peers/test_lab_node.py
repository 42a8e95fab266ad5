# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real talosctl drives the lab's simulated Talos and fails where the simulation is wrong."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import client, machine
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.errors import NodeError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files.kubeconfig import entry_of
from lab.talos import pki
from lab.talos.node import TalosNode
from tests.talos_nodes import Cluster, bootstrapped, configured, machines, own_address

ADDRESSES = (own_address(1), own_address(2))
NODE = ADDRESSES[0]
IMAGE = "registry.example.com/installer-tailscale:v1.13.6"
NEWER = "registry.example.com/installer-tailscale:v1.13.7"

Work = Callable[[client.NodeClient], Coroutine[Any, Any, Any]]


class Background:
    """An event loop in a thread, so that the nodes answer while a test waits for talosctl."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what the work gives."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


class Lab(NamedTuple):
    """Two simulated nodes, the secrets of their cluster, and the real talosctl to drive them."""

    background: Background
    nodes: list[TalosNode]
    cluster: Cluster
    directory: Path
    run: Callable[..., Any]

    def talosctl(self, *arguments: str | Path, role: str = "os:admin", of: Cluster | None = None) -> Any:
        """Run talosctl on the first node with the credentials of a cluster."""
        path = self.directory / "talosconfig"
        document = (of or self.cluster).talosconfig(role)
        document["contexts"]["test"] |= {"endpoints": [NODE], "nodes": [NODE]}
        path.write_text(yaml.safe_dump(document))
        return self.run("--talosconfig", path, *arguments)

    def reported(self, *arguments: str | Path) -> str:
        """Return what talosctl printed; it must not fail."""
        done = self.talosctl(*arguments)
        assert done.code == 0, f"talosctl {' '.join(map(str, arguments))}:\n{done.output}{done.errors}"
        return str(done.output)

    def maintenance(self, *arguments: str | Path) -> Any:
        """Run talosctl on the first node in maintenance mode."""
        command, *rest = arguments
        return self.run(command, "--insecure", "--nodes", NODE, *rest)

    def specs(self, kind: str) -> dict[str, Any]:
        """Return the resources as talosctl reads them: specifications by id."""
        decoder, text, found = json.JSONDecoder(), self.reported("get", kind, "--output", "json").strip(), {}
        while text:
            document, end = decoder.raw_decode(text)
            found[document["metadata"]["id"]] = document["spec"]
            text = text[end:].strip()
        return found

    def ours(self, work: Work) -> Any:
        """Return what our own client reads from the first node."""
        return self.background.do(self._connected(work))

    async def _connected(self, work: Work) -> Any:
        async with client.connected(NODE, self.cluster.access()) as connection:
            return await work(connection)

    def configure(self, **machine_keys: Any) -> None:
        """Bring the nodes into the cluster, as far as its bootstrap."""
        self.background.do(configured(self.nodes, self.cluster, **machine_keys))

    def form(self) -> None:
        """Bring the nodes into the cluster, with etcd and container network running."""
        self.background.do(bootstrapped(self.nodes, self.cluster))
        self.nodes[0].registry.set_networked(self.nodes[0].identity)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds."""
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, [(node.address, node.stage) for node in self.nodes]
            time.sleep(0.02)


@pytest.fixture
def lab(run_talosctl: Callable[..., Any], tmp_path: Path) -> Iterator[Lab]:
    background = Background()
    opened = machines(tmp_path / "nodes", ADDRESSES, image=IMAGE)
    try:
        nodes = background.do(opened.__aenter__())
        yield Lab(background, nodes, Cluster(f"https://{NODE}:6443"), tmp_path, run_talosctl)
        background.do(opened.__aexit__(None, None, None))
    finally:
        background.stop()


def written(lab: Lab, config: bytes) -> Path:
    path = lab.directory / "config.yaml"
    path.write_bytes(config)
    return path


# A node in maintenance mode.


def test_maintenance_shows_the_version_and_the_stage(lab: Lab) -> None:
    version = lab.maintenance("version")
    status = lab.maintenance("get", "machinestatus", "machine", "--output", "yaml")

    assert "Tag:         v1.13.6" in version.output.partition("Server:")[2]
    assert yaml.safe_load(status.output)["spec"] == {
        "stage": "maintenance",
        "status": {"ready": True, "unmetConditions": []},
    }


def test_maintenance_keeps_the_configuration_to_itself(lab: Lab) -> None:
    refused = lab.maintenance("get", "machineconfig")

    assert refused.code == 1
    assert "code = PermissionDenied desc = not authorized" in refused.errors


def test_an_old_release_in_maintenance_reports_less(run_talosctl: Callable[..., Any], tmp_path: Path) -> None:
    background = Background()
    opened = machines(tmp_path / "nodes", [NODE], version="v1.12.0")
    try:
        background.do(opened.__aenter__())
        version = run_talosctl("version", "--insecure", "--nodes", NODE)
        status = run_talosctl("get", "machinestatus", "--insecure", "--nodes", NODE)
        background.do(opened.__aexit__(None, None, None))
    finally:
        background.stop()

    assert version.code == 1
    assert "API is not implemented in maintenance mode" in version.errors
    assert "maintenance" in status.output


def test_the_first_configuration_is_shown_and_then_taken(lab: Lab) -> None:
    path = written(lab, lab.cluster.config())

    dry = lab.maintenance("apply-config", "--file", path, "--dry-run")
    stage_after_dry_run = lab.nodes[0].stage
    applied = lab.maintenance("apply-config", "--file", path)
    lab.wait(lambda: lab.nodes[0].is_booted)

    assert (dry.code, applied.code) == (0, 0), dry.errors + applied.errors
    assert "Dry run summary:" in dry.errors
    assert "+    type: controlplane" in dry.errors
    assert stage_after_dry_run == "maintenance"
    assert lab.specs("machineconfig")["v1alpha1"] == path.read_text()


# A running node.


def test_talosctl_and_our_client_read_the_same(lab: Lab) -> None:
    lab.form()

    version = lab.ours(machine.version)
    config = lab.ours(machine.machine_config)
    stage = lab.ours(machine.stage)

    reported = lab.reported("version").partition("Server:")[2]
    assert f"Tag:         {version}" in reported
    assert "OS/Arch:     linux/arm64" in reported
    assert lab.specs("mc")["v1alpha1"] == config
    assert lab.reported("get", "mc", "v1alpha1", "--output", "jsonpath={.spec}").strip() == config.strip()
    assert lab.specs("machinestatus")["machine"] == {
        "stage": stage.stage,
        "status": {"ready": stage.ready, "unmetConditions": []},
    }
    assert (stage.stage, stage.ready) == ("running", True)


def test_talosctl_and_our_client_read_the_same_resources(lab: Lab) -> None:
    lab.form()

    members = {member["id"]: member for member in lab.ours(machine.members)}
    extensions = lab.ours(machine.extensions)
    disks = {disk["name"]: disk for disk in lab.ours(machine.disks)}

    reported = lab.specs("members")
    assert {name: spec["addresses"] for name, spec in reported.items()} == {
        name: member["addresses"] for name, member in members.items()
    }
    assert len(members) == len(ADDRESSES)
    metadata = [spec["metadata"] for spec in lab.specs("extensions").values()]
    assert {one["name"]: one["version"] for one in metadata} == extensions == {"tailscale": "simulated"}
    assert lab.specs("nodeaddress")["current"]["addresses"] == lab.ours(machine.addresses)
    assert {spec["address"] for spec in lab.specs("addresses").values()} >= set(lab.ours(machine.addresses))
    assert lab.specs("hostname")["hostname"]["hostname"] == lab.ours(machine.hostname)
    assert lab.specs("cmdline")["cmdline"]["cmdline"] == lab.ours(machine.cmdline)
    assert {name: spec["size"] for name, spec in lab.specs("disks").items()} == {
        name: disk["size"] for name, disk in disks.items()
    }
    assert lab.specs("systemdisk")["system-disk"]["diskID"] in {
        name for name, disk in disks.items() if disk["system_disk"]
    }


def test_every_kind_of_resource_has_the_names_that_talosctl_uses(lab: Lab) -> None:
    lab.configure()

    kinds = lab.specs("rd")
    # Members go by two kinds' names in Talos too, so only full names and short ones are certain.
    for spec in kinds.values():
        assert lab.talosctl("get", spec["type"]).code == 0
    assert len(kinds) > 15


def test_services_are_reported_as_our_client_reads_them(lab: Lab) -> None:
    lab.configure()

    ours = {service["id"]: service for service in lab.ours(machine.services)}
    lines = [line.split() for line in lab.reported("services").splitlines()[1:]]
    etcd = lab.reported("service", "etcd")
    nothing = lab.talosctl("service", "nothing")

    health = {True: "OK", False: "Fail", None: "?"}
    assert {line[1]: (line[2], line[3]) for line in lines} == {
        name: (service["state"], health[service["healthy"]]) for name, service in ours.items()
    }
    assert "STATE    Preparing" in etcd
    assert 'service "nothing" is not registered' in nothing.errors


def test_logs_come_line_by_line(lab: Lab) -> None:
    lab.configure()

    assert lab.reported("logs", "kubelet").startswith(f"{NODE}: ")
    assert 'log "nothing" was not registered' in lab.talosctl("logs", "nothing").errors


def test_a_call_that_the_simulated_lacks_is_called_unimplemented(lab: Lab) -> None:
    lab.configure()

    refused = lab.talosctl("containers")

    assert refused.code == 1
    assert "code = Unimplemented" in refused.errors


# Configurations.


def test_a_change_is_shown_taken_and_then_no_change_any_more(lab: Lab) -> None:
    lab.configure()
    path = written(lab, lab.cluster.config(sysctls={"vm.max_map_count": "262144"}))

    dry = lab.talosctl("apply-config", "--file", path, "--dry-run")
    kept = lab.ours(machine.machine_config)
    applied = lab.talosctl("apply-config", "--file", path)
    again = lab.talosctl("apply-config", "--file", path, "--dry-run")

    added = [line for line in dry.errors.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert added == ["+    sysctls:", "+        vm.max_map_count: '262144'"]
    assert "Applied configuration without a reboot (skipped in dry-run)." in dry.errors
    assert "sysctls" not in kept
    assert "Applied configuration without a reboot" in applied.errors
    assert again.errors.rstrip().endswith("No changes.")
    assert lab.ours(machine.machine_config) == path.read_text()


def test_what_talosctl_patched_is_what_our_patch_would_have_made(lab: Lab) -> None:
    lab.configure()

    patched = lab.talosctl("patch", "mc", "--patch", '{"machine": {"sysctls": {"vm.max_map_count": "262144"}}}')
    same = lab.cluster.config(sysctls={"vm.max_map_count": "262144"})
    dry = lab.ours(lambda connection: machine.apply(connection, same, dry_run=True))

    assert "Applied configuration without a reboot" in patched.errors
    # talosctl rewrites the document with empty fields and in another order, which makes no difference to a node.
    assert lab.ours(machine.machine_config) != same.decode()
    assert not dry.changes, dry.details


HOSTNAME = {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "hostname": "a"}
BROKEN: dict[str, Callable[[dict[str, Any]], list[dict[str, Any]]]] = {
    "unknown key": lambda base: [with_key(base, {"sysctl": {}}, "machine")],
    "unknown key of the cluster": lambda base: [with_key(base, {"cni": "none"}, "cluster")],
    "unknown key of the document": lambda base: [with_key(base, {"machines": {}})],
    "no installation": lambda base: [with_key(base, {"install": None}, "machine")],
    "no disk": lambda base: [with_key(base, {"install": {"wipe": False}}, "machine")],
    "no authority": lambda base: [with_key(base, {"ca": None}, "machine")],
    "endpoint without a scheme": lambda base: [with_key(base, {"endpoint": "a"}, "cluster", "controlPlane")],
    "unknown type": lambda base: [with_key(base, {"type": "gateway"}, "machine")],
    "unknown kind": lambda base: [base, HOSTNAME | {"kind": "HostConfig"}],
    "no kind": lambda base: [base, {"apiVersion": "v1alpha1", "hostname": "a"}],
    "document twice": lambda base: [base, HOSTNAME, HOSTNAME],
    "name and automatic name": lambda base: [base, HOSTNAME | {"auto": "stable"}],
}


def with_key(base: dict[str, Any], keys: dict[str, Any], *path: str) -> dict[str, Any]:
    section = base
    for name in path:
        section = section[name]
    section.update(keys)
    return base


@pytest.mark.parametrize("name", BROKEN)
def test_the_simulated_refuses_what_talosctl_finds_invalid(lab: Lab, name: str) -> None:
    lab.configure()
    path = written(lab, yaml.safe_dump_all(BROKEN[name](lab.cluster.document())).encode())

    validated = lab.run("validate", "--config", path, "--mode", "metal")
    with pytest.raises(NodeError) as refused:
        lab.ours(lambda connection: machine.apply(connection, path.read_bytes(), dry_run=True))

    assert validated.code == 1, "talosctl finds nothing wrong with it"
    assert "Usage:" not in validated.errors
    assert refused.value.cause.name == "INVALID_ARGUMENT", refused.value


def test_talosctl_finds_nothing_wrong_with_what_the_simulated_takes(lab: Lab) -> None:
    lab.configure()
    path = written(lab, lab.cluster.config())

    validated = lab.run("validate", "--config", path, "--mode", "metal")

    assert validated.code == 0, validated.errors
    assert lab.talosctl("apply-config", "--file", path, "--dry-run").code == 0


# The cluster.


def test_bootstrap_happens_once(lab: Lab) -> None:
    lab.configure()

    first = lab.talosctl("bootstrap")
    second = lab.talosctl("bootstrap")
    lab.wait(lambda: all(node.stage == "running" for node in lab.nodes))
    ours = lab.ours(machine.etcd_members)

    assert first.code == 0, first.errors
    assert "code = AlreadyExists desc = etcd data directory is not empty" in second.errors
    lines = [line.split() for line in lab.reported("etcd", "members").splitlines()[1:]]
    assert [line[:4] for line in lines] == [
        [member["id"], member["hostname"], *member["peer_urls"], *member["client_urls"]] for member in ours
    ]


def test_the_kubeconfig_is_the_one_that_our_module_takes(lab: Lab) -> None:
    lab.form()
    path = lab.directory / "kubeconfig"

    lab.reported("kubeconfig", path, "--merge=false")
    theirs = entry_of(yaml.safe_load(path.read_text()))
    ours = entry_of(yaml.safe_load(lab.ours(machine.kubeconfig)))

    assert theirs and ours
    assert theirs.name == ours.name
    assert theirs.context == ours.context
    assert theirs.cluster == ours.cluster
    # Every call makes another client certificate.
    assert theirs.user.keys() == ours.user.keys()


def test_etcds_own_tools_find_the_snapshot_whole(lab: Lab) -> None:
    lab.form()
    path = lab.directory / "etcd.snapshot"

    reported = lab.reported("etcd", "snapshot", path)

    content = path.read_bytes()
    assert "revision 2, total keys 1" in reported
    assert hashlib.sha256(content[:-32]).digest() == content[-32:]
    assert b"".join(lab.ours(snapshot_of)) == content


async def snapshot_of(connection: client.NodeClient) -> list[bytes]:
    return [piece async for piece in machine.etcd_snapshot(connection)]


# Reboots. The simulation streams no events, so talosctl does not wait for them.


def test_talosctl_reboots_a_node(lab: Lab) -> None:
    lab.form()
    before = lab.nodes[0].boot_time

    done = lab.talosctl("reboot", "--wait=false", "--drain=false")

    assert done.code == 0, done.errors
    lab.wait(lambda: lab.nodes[0].boot_time != before and lab.nodes[0].stage == "running")


def test_an_upgrade_brings_the_version_of_the_image(lab: Lab) -> None:
    lab.form()

    done = lab.talosctl("upgrade", "--image", NEWER, "--drain=false", "--wait=false")

    assert done.code == 0, done.errors
    lab.wait(lambda: lab.nodes[0].state.version == "v1.13.7" and lab.nodes[0].is_up)
    assert lab.ours(machine.version) == "v1.13.7"
    assert "Tag:         v1.13.7" in lab.reported("version").partition("Server:")[2]


def test_the_old_way_to_upgrade_works_too(lab: Lab) -> None:
    lab.form()

    done = lab.talosctl("upgrade", "--image", NEWER, "--legacy", "--drain=false", "--wait=false")

    assert done.code == 0, done.errors
    lab.wait(lambda: lab.nodes[0].state.version == "v1.13.7" and lab.nodes[0].is_up)
    assert lab.ours(machine.version) == "v1.13.7"


def test_a_reset_of_the_state_leads_back_to_maintenance(lab: Lab) -> None:
    lab.form()
    labels = ["--system-labels-to-wipe", "STATE", "--system-labels-to-wipe", "EPHEMERAL"]

    done = lab.talosctl("reset", "--graceful=false", "--reboot", "--wait=false", *labels)
    lab.wait(lambda: lab.nodes[0].stage == "maintenance")

    assert done.code == 0, done.errors
    assert lab.maintenance("version").code == 0
    assert lab.talosctl("version").code == 1


def test_a_reset_of_everything_leaves_nothing_that_boots(lab: Lab) -> None:
    lab.form()

    done = lab.talosctl("reset", "--graceful=false", "--wait=false")
    lab.wait(lambda: lab.nodes[0].stage == "off")

    assert done.code == 0, done.errors
    assert lab.nodes[0].state.is_wiped


# Who is let in.


def test_a_client_of_another_cluster_is_turned_away(lab: Lab) -> None:
    lab.configure()

    refused = lab.talosctl("version", of=Cluster())

    assert refused.code == 1
    # The client looks first: the node's authority is not its own.
    assert "x509: certificate signed by unknown authority" in refused.errors


def test_a_certificate_that_another_authority_signed_is_turned_away(lab: Lab) -> None:
    lab.configure()
    stranger = Cluster()
    # It knows the node's authority, but its own certificate is of another one.
    stranger.authority = pki.Pair(lab.cluster.authority.certificate, stranger.authority.key)

    refused = lab.talosctl("version", of=stranger)

    assert refused.code == 1
    assert "remote error: tls: unknown certificate authority" in refused.errors


def test_a_reader_may_look_and_not_touch(lab: Lab) -> None:
    lab.configure()

    looked = lab.talosctl("services", role="os:reader")
    config = lab.talosctl("get", "mc", role="os:reader")
    rebooted = lab.talosctl("reboot", "--wait=false", "--drain=false", role="os:reader")

    assert looked.code == 0, looked.errors
    assert "code = PermissionDenied" in config.errors
    assert "code = PermissionDenied" in rebooted.errors
