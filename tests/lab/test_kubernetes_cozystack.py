# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack on the stand-in for Kubernetes: the modules' own client and installation, releases in waves, and faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack import install, kinds, packages
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.client import Access, KubernetesApi, connect
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.module_utils._talos import machine
from ansible_collections.urmanac.talos.plugins.modules.cozystack_install import ARGUMENT_SPEC
from lab.kubernetes.cluster import KubernetesCluster, Pace
from lab.kubernetes.manifests import operator_manifest
from lab.talos.node import Hardware
from tests.talos_nodes import Cluster, bootstrapped, machines, on, until
from tests.talos_run import with_defaults

ADDRESSES = ["127.41.9.1", "127.41.9.2", "127.41.9.3"]
OWN = {
    "operator_image": "registry.example.com/operator:1",
    "platform_source_url": "oci://registry.example.com/packages",
}
LARGE = Hardware(cpus=4, memory=16 * 2**30)


class Schedulable(Cluster):
    """A cluster whose control planes run other pods too, as the collection configures it."""

    def document(self, kind: str = "controlplane", **machine_keys: Any) -> dict[str, Any]:
        """Return the base document for a machine of the kind."""
        document = super().document(kind, **machine_keys)
        document["cluster"]["allowSchedulingOnControlPlanes"] = True
        return document


class Way:
    """A way into the API with the modules' client, and behind it."""

    def __init__(self, server: KubernetesCluster, kubeconfig: Path, manifest: Path) -> None:
        self.server, self.kubeconfig, self.manifest = server, kubeconfig, manifest

    def api(self, *, patience: float = 0) -> KubernetesApi:
        """Return the modules' client."""
        return connect(Access(str(self.kubeconfig), timeout=5), patience=patience)

    def install(self, *, check_mode: bool = False, patience: float = 0, **options: Any) -> install.Outcome:
        """Install CozyStack as the module does."""
        given = with_defaults({"manifest": str(self.manifest), **options}, ARGUMENT_SPEC)

        def fetch(url: str) -> bytes:
            raise AssertionError(url)

        plan = install.plan_of(given, fetch)
        return install.ensure_present(self.api(patience=patience), plan, check_mode=check_mode)

    def releases(self) -> dict[str, dict[str, Any]]:
        """Return the condition Ready of every release."""
        found = self.api().items(kinds.HELM_RELEASE)
        return {one["metadata"]["name"]: (one.get("status") or {"conditions": [{}]})["conditions"][0] for one in found}

    def settled(self, *, seconds: float = 40) -> dict[str, dict[str, Any]]:
        """Wait until no release changes any more, and return them."""
        end, seen, since = time.monotonic() + seconds, {}, time.monotonic()
        while time.monotonic() < end:
            now = {name: one.get("status", "") + one.get("reason", "") for name, one in self.releases().items()}
            if now != seen:
                seen, since = now, time.monotonic()
            moving = any("Progressing" in one for one in now.values())
            if time.monotonic() - since > (3 if moving else 1.5):
                break
            time.sleep(0.2)
        return self.releases()


def in_a_cluster(
    directory: Path, work: Callable[[Way], Any], *, nodes: int = 1, hardware: Hardware | None = None
) -> Any:
    """Return what the work gives, done in a thread while a cluster runs."""

    async def run() -> Any:
        cluster = Schedulable(f"https://{ADDRESSES[0]}:6443")
        async with machines(directory, ADDRESSES[:nodes]) as made:
            for node in made:
                node.hardware = hardware or Hardware()
            await bootstrapped(made, cluster)
            await asyncio.sleep(0.2)
            text = await on(made[0], cluster.access(), machine.kubeconfig)
            kubeconfig, manifest = directory / "kubeconfig", directory / "operator.yaml"
            kubeconfig.write_text(text)
            manifest.write_text(yaml.safe_dump_all(operator_manifest()))
            server = made[0].registry.kubernetes.of(made[0].identity)
            server.pace = Pace(pod=0, release=0, timeout=0.5, tick=0.02, rest=3)
            return await asyncio.to_thread(work, Way(server, kubeconfig, manifest))

    return asyncio.run(run())


def test_small(tmp_path: Path) -> None:
    def work(way: Way) -> Any:
        began = time.monotonic()
        out = way.install(profile="slim", wait_timeout=4, **OWN)
        print(out.result())
        found = way.settled()
        print(time.monotonic() - began)
        for name, one in found.items():
            print(name, one)
        for pod in way.api().items(kinds.POD):
            print(
                pod["metadata"]["name"],
                pod["spec"].get("nodeName"),
                pod["status"]["phase"],
                pod["status"].get("conditions", [{}])[0].get("message"),
            )
        return found

    in_a_cluster(tmp_path, work, nodes=1, hardware=LARGE)
