# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containerd and runc report of images that a node cannot run, and what our diagnosis makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ansible_collections.urmanac.talos.plugins.modules.cozystack_info import look
from lab.registry.store import Store
from tests.cozystack_cluster import FakeApi, installed, pod, status_of
from tests.peers.containers import FOREIGN, OWN, CannotRunError, Runtime, add_image, registry, runtime

BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}


class Node(NamedTuple):
    """A runtime, and the registry that it pulls from."""

    runtime: Runtime
    registry: str


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Give a node with images of one manifest for its own and for another architecture, and an index of the latter."""
    store = Store()
    add_image(store, "own", OWN)
    add_image(store, "foreign", FOREIGN)
    add_image(store, "lost", OWN, entrypoint="/missing")
    store.add_index("index", "v1", {f"linux/{FOREIGN}": add_image(store, "index", FOREIGN)})
    try:
        with runtime(tmp_path_factory.mktemp("containerd")) as started, registry(store) as host:
            yield Node(started, host)
    except CannotRunError as refused:
        pytest.skip(str(refused))


def diagnosed(image: str, end: dict[str, Any], log: str) -> dict[str, Any]:
    """Return the account of a cluster in which a container ended so: its log is what its program printed."""
    status = status_of(image, waiting=BACK_OFF, last=end, restarts=4) | {"ready": False}
    item = pod("operator", "cozy-system", node="gateway", containers=[status])
    return look(FakeApi(installed(pods=[item]), logs={item["metadata"]["name"]: log}), settled=True)


def test_an_image_of_its_own_architecture_runs(node: Node) -> None:
    image = f"{node.registry}/own:v1"

    assert node.runtime.pull(image).code == 0
    assert node.runtime.run(image, "own").code == 7


def test_a_single_manifest_of_another_architecture_is_pulled_and_says_why_in_its_log_alone(node: Node) -> None:
    image = f"{node.registry}/foreign:v1"

    pulled, ended = node.runtime.pull(image), node.runtime.run(image, "foreign")

    assert pulled.code == 0, pulled.errors
    assert ended.errors.splitlines()[-1] == "exec /operator: exec format error"
    # runc ends with 1 up to version 1.1 and with 255 since; the kubelet shows that, and no message.
    assert ended.code in (1, 255)
    found = diagnosed(image, {"reason": "Error", "exitCode": ended.code}, ended.errors)
    assert found["codes"] == ["ARCH_UNSUPPORTED_IMAGES"]
    assert found["images"][0]["image"] == image


def test_an_index_without_the_platform_is_refused_when_it_is_pulled(node: Node) -> None:
    image = f"{node.registry}/index:v1"

    pulled = node.runtime.pull(image)

    assert pulled.code == 1
    assert "no match for platform in manifest" in pulled.errors
    waiting = {"reason": "ErrImagePull", "message": pulled.errors}
    item = pod("operator", node="gateway", containers=[status_of(image, waiting=waiting)])
    assert look(FakeApi(installed(pods=[item])), settled=True)["codes"] == ["ARCH_UNSUPPORTED_IMAGES"]


def test_a_program_that_is_not_there_is_refused_by_the_runtime(node: Node) -> None:
    image = f"{node.registry}/lost:v1"
    node.runtime.pull(image)

    ended = node.runtime.run(image, "lost")

    assert "no such file or directory" in ended.errors
    found = diagnosed(image, {"reason": "StartError", "exitCode": 128, "message": ended.errors}, "")
    assert found["codes"] == ["CONTAINER_NOT_CREATED"]
