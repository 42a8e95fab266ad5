# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run of the role talos without Ansible, for tests that kill it: what the modules do, in the role's order."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import probe
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.secrets import read_bundle
from ansible_collections.urmanac.talos.plugins.modules import (
    talos_apply,
    talos_bootstrap,
    talos_config,
    talos_kubeconfig,
    talos_secrets,
)


def with_defaults(given: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Return options as Ansible hands them over."""
    filled = {name: given.get(name, option.get("default")) for name, option in spec.items()}
    for name, option in spec.items():
        inner, value = option.get("options"), filled[name]
        if inner and value is not None:
            many = isinstance(value, list)
            filled[name] = [with_defaults(one, inner) for one in value] if many else with_defaults(value, inner)
    return filled


def run(directory: Path, addresses: Sequence[str]) -> None:
    """Make the nodes a cluster, or converge it."""
    bundle, talosconfig = directory / "secrets.yaml", directory / "talosconfig"
    secrets = {"path": str(bundle), "talosconfig": str(talosconfig), "context": "test"}
    talos_secrets.ensure_secrets(with_defaults(secrets, talos_secrets.ARGUMENT_SPEC), check_mode=False)
    texts = configs(directory, addresses)
    nodes = {"nodes": list(addresses), "port": 50000, "talosconfig": str(talosconfig), "talosconfig_context": None}
    common = {**nodes, "timeout": 5}
    apply: dict[str, Any] = {"config": None, "configs": texts, "mode": "auto", "fingerprints": {}}
    apply |= {"settle_timeout": 20, "wait_timeout": 20}
    outcomes = asyncio.run(talos_apply.apply_to_all({**common, **apply}, check_mode=False))
    errors = [one.error for one in outcomes if one.error]
    assert not errors, errors
    wait(addresses)
    talos_bootstrap.run({**common, "snapshot": None, "wait_timeout": 20}, check_mode=False)
    fresh = asyncio.run(talos_kubeconfig.fetch(common))
    kept = {"path": str(directory / "kubeconfig"), "context": None, "server": None, "renew_before": 30}
    talos_kubeconfig.ensure_kubeconfig(fresh, kept, check_mode=False)


def configs(directory: Path, addresses: Sequence[str]) -> dict[str, str]:
    """Write the configurations of the nodes and return them by address."""
    nodes = [
        {"name": f"node-{address.rpartition('.')[2]}", "machine_type": "controlplane", "ipv4": address}
        for address in addresses
    ]
    cluster = {"name": "test", "endpoint": f"https://{addresses[0]}:6443", "kubernetes_version": "1.35.0"}
    cluster["install_disk"] = "/dev/nvme0n1"
    given = {"bundle": "", "directory": str(directory / "nodes"), "cluster": cluster, "nodes": nodes}
    options = with_defaults(given, talos_config.ARGUMENT_SPEC)
    talos_config.ensure_configs(options, read_bundle(directory / "secrets.yaml"), check_mode=False)
    paths = [directory / "nodes" / f"{node['name']}.yaml" for node in nodes]
    return {address: path.read_text(encoding="utf-8") for address, path in zip(addresses, paths, strict=True)}


def wait(addresses: Sequence[str]) -> None:
    """Wait until the nodes are back from the reboot that their first configuration brings."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        seen = asyncio.run(probe.probe_all(addresses, port=50000, timeout=1))
        if all(one.stage == "running" for one in seen):
            return
        time.sleep(0.05)
    raise TimeoutError(f"last seen: {seen}")


@cache
def _nursery() -> Any:
    """Return what starts processes that have everything imported, so that a test can afford many of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    before = os.environ.get("PYTHONPATH")
    # The server of Python 3.11 gets neither sys.path nor an error to report when the import fails.
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context


def started(directory: Path, addresses: Sequence[str]) -> BaseProcess:
    """Start a run in a process of its own."""
    process: BaseProcess = _nursery().Process(target=run, args=(directory, addresses))
    process.start()
    return process
