# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wherever an answer comes in, its texts are made visible; what has to stay byte by byte is not touched."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.exceptions
import pytest
import yaml
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from ansible_collections.urmanac.talos.plugins.module_utils._bastion.host import LocalHost
from ansible_collections.urmanac.talos.plugins.module_utils._boot import machine as boot_machine
from ansible_collections.urmanac.talos.plugins.module_utils._boot import start
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsApi, AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import client as kubernetes
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.transport import Access
from ansible_collections.urmanac.talos.plugins.module_utils._oci.image import look_up
from ansible_collections.urmanac.talos.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.urmanac.talos.plugins.module_utils._oci.repository import Document
from ansible_collections.urmanac.talos.plugins.module_utils._oci.web import Budget, Web
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import client, machine, proto
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.errors import NodeError
from ansible_collections.urmanac.talos.plugins.module_utils._text import received
from ansible_collections.urmanac.talos.plugins.modules.talos_apply import shown_diff
from ansible_collections.urmanac.talos.plugins.plugin_utils._ec2_source import instances_of
from lab.registry.store import MANIFEST
from tests import hostile
from tests.checks.process import ROOT
from tests.http_servers import Answering, serving
from tests.shell_programs import program

RAW, SHOWN = hostile.ALL, received(hostile.ALL)
# What reads from outside, and who of those hands on bytes alone.
READERS = ("subprocess.", "urlopen", "open_url(", "build_opener", ".paginate(", "pool_manager", "yaml_spec")
OF_BYTES = {"module_utils/_boot/release.py", "module_utils/_talos/api/proto.py"}


class FakeAws:
    """A client of boto3 whose answers hold a text."""

    def can_paginate(self, operation: str) -> bool:
        return False

    def describe_vpcs(self) -> dict[str, Any]:
        return {"Vpcs": [{"VpcId": "vpc-1", "Tags": [{"Key": "Name", "Value": RAW}]}]}

    def describe_subnets(self) -> dict[str, Any]:
        answer = {"Error": {"Code": "Unknown", "Message": RAW}}
        raise botocore.exceptions.ClientError(answer, "DescribeSubnets")  # type: ignore[arg-type]

    def get_paginator(self, operation: str) -> FakeAws:
        return self

    def paginate(self, **parameters: Any) -> list[dict[str, Any]]:
        return [{"Reservations": [{"Instances": [{"Tags": [{"Key": RAW, "Value": "x"}]}]}]}]


def test_answers_and_refusals_of_aws() -> None:
    api = AwsApi({"ec2": FakeAws()}, "eu-west-1")

    assert api.call("ec2", "describe_vpcs")["Vpcs"][0]["Tags"] == [{"Key": "Name", "Value": SHOWN}]
    with pytest.raises(AwsError) as caught:
        api.call("ec2", "describe_subnets")
    assert caught.value.problem.message == f"Unknown: {SHOWN}"


def test_instances_of_the_inventory() -> None:
    (instance,) = instances_of(FakeAws(), ())  # type: ignore[arg-type]

    assert instance["Tags"] == [{"Key": SHOWN, "Value": "x"}]


def http_server(status: int, body: bytes, headers: dict[str, str]) -> contextlib.AbstractContextManager[str]:
    """Serve the same answer for every path, and yield the address."""

    class Handler(Answering):
        def do_GET(self) -> None:
            self.answer(status, body, headers)

    return serving(Handler)


def kubeconfig(folder: Path, server: str) -> str:
    """Write a kubeconfig without credentials and return its path."""
    content = {
        "clusters": [{"name": "a", "cluster": {"server": server}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        **{"users": [{"name": "a", "user": {}}], "current-context": "a"},
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def test_objects_of_kubernetes(tmp_path: Path) -> None:
    pod = {"metadata": {"name": RAW}, "status": {"message": RAW}}
    with http_server(200, json.dumps({"kind": "PodList", "items": [pod]}).encode(), {}) as address:
        (found,) = kubernetes.connect(Access(kubeconfig(tmp_path, address))).items(kinds.POD)

    assert found == {"metadata": {"name": SHOWN}, "status": {"message": SHOWN}}


@pytest.mark.parametrize("body", [json.dumps({"message": hostile.TERMINAL}).encode(), hostile.TERMINAL.encode()])
def test_refusals_of_kubernetes(tmp_path: Path, body: bytes) -> None:
    with (
        http_server(500, body, {}) as address,
        pytest.raises(CollectionError, match=r"moon\\x1b\]0;owned\\x07\\x1b\[2J\\x9b31m") as caught,
    ):
        kubernetes.connect(Access(kubeconfig(tmp_path, address))).version()

    assert hostile.hidden(str(caught.value)) == set()
    assert hostile.hidden(caught.value.detail) == set()  # type: ignore[attr-defined]


def test_headers_of_a_registry_and_its_bytes() -> None:
    body = hostile.TERMINAL.encode()
    with http_server(200, body, {"Docker-Content-Digest": "sha256:\x1b[2J"}) as address:
        answer = Web(Budget(5, 1)).get(address, {})

    assert answer.headers["docker-content-digest"] == "sha256:\\x1b[2J"
    assert answer.body == body


class FakeRepository:
    """A repository with one image, whose label is a text."""

    def __init__(self) -> None:
        labels = {RAW: RAW}
        self.configuration = json.dumps({"os": "linux", "architecture": "arm64", "config": {"Labels": labels}}).encode()

    def manifest(self, wanted: str) -> Document:
        digest = f"sha256:{hashlib.sha256(self.configuration).hexdigest()}"
        body = json.dumps({"mediaType": MANIFEST, "config": {"digest": digest, "size": 1}, "layers": []}).encode()
        return Document(body, MANIFEST, "")

    def blob(self, digest: str) -> bytes:
        return self.configuration


def test_labels_of_an_image() -> None:
    image = look_up(FakeRepository(), parse_reference("ghcr.io/a/talos:v1"), platform="linux/arm64")

    assert (image.labels, image.error) == ({SHOWN: SHOWN}, None)


class FakeNode:
    """A node that says the same text everywhere."""

    node = "192.0.2.101"

    def __init__(self, specification: str = "") -> None:
        # As the node writes YAML: what no YAML can hold is escaped in it.
        self.specification = specification or yaml.safe_dump({"hostname": RAW})

    async def call(self, name: str, request: Any = None, *, timeout: float | None = None) -> Any:
        resource = proto.message("Resource")(spec=proto.message("ResourceSpec")(yaml_spec=self.specification))
        return SimpleNamespace(resource=resource)

    async def element(self, name: str, request: Any = None, *, timeout: float | None = None) -> Any:
        health = SimpleNamespace(unknown=True, healthy=False, last_message=RAW)
        service = SimpleNamespace(id=RAW, state=RAW, health=health)
        member = SimpleNamespace(id=1, hostname=RAW, peer_urls=[RAW], client_urls=[RAW], is_learner=False)
        return SimpleNamespace(services=[service], members=[member], mode=0, mode_details=RAW, warnings=[RAW])

    def stream(self, name: str, request: Any = None, *, timeout: float | None = None) -> AsyncIterator[Any]:
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[Any]:
        yield SimpleNamespace(bytes=RAW.encode() + b"\n")


def test_what_a_node_says() -> None:
    node: Any = FakeNode()

    async def everything() -> Any:
        applied = await machine.apply(node, b"")
        said = await machine.services(node), await machine.etcd_members(node), applied.warnings
        return *said, await machine.log(node, "etcd"), await machine.hostname(node)

    services, members, warnings, log, hostname = asyncio.run(everything())

    assert services == [{"id": SHOWN, "state": SHOWN, "healthy": None, "message": SHOWN}]
    assert (members[0]["hostname"], members[0]["peer_urls"]) == (SHOWN, [SHOWN])
    assert (warnings, "".join(log), hostname) == ([SHOWN], SHOWN, SHOWN)


def test_a_configuration_of_a_node_stays_as_it_is() -> None:
    text = f"machine:\n  network:\n    hostname: {RAW!r}\n"

    assert asyncio.run(machine.machine_config(FakeNode(json.dumps(text)))) == text  # type: ignore[arg-type]


def test_a_specification_that_is_not_yaml_is_an_error_of_the_node() -> None:
    node: Any = FakeNode("hostname: \x1b[2J")

    with pytest.raises(NodeError, match="is not YAML"):
        asyncio.run(machine.hostname(node))


def test_refusals_of_a_node() -> None:
    with pytest.raises(NodeError) as caught, client._translated("192.0.2.101", "Reset", 1):
        raise GRPCError(Status.UNKNOWN, RAW)

    assert caught.value.detail == SHOWN


def test_a_secret_in_a_diff_is_recognised_before_the_diff_is_shown() -> None:
    token = "\\x1b-not-a-real-token"  # noqa: S105
    config = yaml.safe_dump({"machine": {"token": token}}).encode()

    shown = shown_diff(f"+  other: {token}\n+  name: \x1b[2J", config)

    assert "not-a-real-token" not in shown
    assert "\\x1b[2J" in shown


def test_the_log_of_boot_to_talos(tmp_path: Path) -> None:
    (tmp_path / start.LOG).write_text(hostile.TERMINAL, encoding="utf-8")

    assert start.read_run(tmp_path, lambda _process: False).lines == (received(hostile.TERMINAL),)


def test_what_a_command_says_on_a_machine() -> None:
    with pytest.raises(CollectionError) as caught:
        boot_machine.run_command(["sh", "-c", r"printf 'moon\033[2J' >&2; exit 1"])

    assert r"moon\x1b[2J." in str(caught.value)


def test_what_systemctl_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "systemctl", "printf 'moon\\033[2J' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(CollectionError) as caught:
        LocalHost().systemctl("restart", ["a"])

    assert r"moon\x1b[2J." in str(caught.value)


def test_every_file_that_reads_from_outside_receives_the_texts() -> None:
    folder = ROOT / "plugins"
    sources = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}
    reading = {name for name, source in sources.items() if any(reader in source for reader in READERS)}

    assert {name for name in reading if "received(" not in sources[name]} == OF_BYTES
