# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Kubernetes control plane on loopback, without nodes: etcd, kube-apiserver and kube-scheduler.

No controller runs and no kubelet: objects are what they were made to be, and a scheduled pod is bound and nothing more.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lab.talos.pki import Pair, Subject, issue, new_authority
from tests.go_programs import build, is_built

ROOT = Path(__file__).resolve().parents[2]
MODULE = Path(__file__).parent / "kubernetes_programs"
CACHED = ROOT / ".cache" / "peers" / "kubernetes"
VERSION = "v1.33.13"
# The name of the program and the package that it is built from.
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
}
ADDRESS = "127.0.0.1"
SERVICES = "10.96.0.0/16"
PATIENCE = 60.0


class ControlPlane(NamedTuple):
    """A control plane that runs, and how to reach it as its administrator."""

    folder: Path
    kubeconfig: Path
    port: int

    @property
    def server(self) -> str:
        """Return the API server's address."""
        return f"https://{ADDRESS}:{self.port}"


def find_programs() -> Path:
    """Return the folder with the programs: the one that is named, or built before from the same versions, or now."""
    named = os.environ.get("URMANAC_KUBERNETES")
    if named:
        return Path(named)
    if all(is_built(CACHED / name, MODULE / "go.sum") for name in PACKAGES):
        return CACHED
    go = shutil.which("go")
    if go is None:
        pytest.skip(
            "Go is not installed, so a real Kubernetes cannot be built; URMANAC_KUBERNETES names a folder with one"
        )
    return build_all(go)


def build_all(go: str) -> Path:
    """Return the folder with the programs, which takes ten minutes."""
    major, minor, _patch = VERSION.removeprefix("v").split(".")
    values = {"gitVersion": VERSION, "gitMajor": major, "gitMinor": minor}
    stamp = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in values.items())
    for name, package in PACKAGES.items():
        build(go, package, CACHED / name, module=MODULE, flags=(f"-ldflags=-s -w {stamp}",))
    return CACHED


@contextlib.contextmanager
def control_plane(folder: Path, *, scheduler: bool = True) -> Iterator[ControlPlane]:
    """Run a control plane whose files are in a folder, and end it."""
    programs = find_programs()
    folder.mkdir(parents=True, exist_ok=True)
    etcd, peer, port = free_ports(3)
    plane = ControlPlane(folder, folder / "kubeconfig", port)
    write_credentials(plane)
    with contextlib.ExitStack() as running:
        running.enter_context(started(programs / "etcd", *etcd_flags(folder, etcd, peer), log=folder / "etcd.log"))
        server = started(programs / "kube-apiserver", *server_flags(plane, etcd), log=folder / "kube-apiserver.log")
        running.enter_context(server)
        wait_until_ready(plane)
        if scheduler:
            flags = (f"--kubeconfig={plane.kubeconfig}", "--leader-elect=false", "--secure-port=0")
            running.enter_context(started(programs / "kube-scheduler", *flags, log=folder / "kube-scheduler.log"))
        yield plane


def etcd_flags(folder: Path, client: int, peer: int) -> list[str]:
    """Return the flags of an etcd that only its own machine reaches, and that does not wait for the disk."""
    clients, peers = f"http://{ADDRESS}:{client}", f"http://{ADDRESS}:{peer}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--logger=zap",
    ]


def server_flags(plane: ControlPlane, etcd: int) -> list[str]:
    """Return the flags of the API server; the plugins that are off count on controllers that do not run."""
    folder = plane.folder
    return [
        f"--etcd-servers=http://{ADDRESS}:{etcd}",
        f"--bind-address={ADDRESS}",
        f"--secure-port={plane.port}",
        f"--cert-dir={folder}",
        f"--tls-cert-file={folder / 'server.crt'}",
        f"--tls-private-key-file={folder / 'server.key'}",
        f"--client-ca-file={folder / 'ca.crt'}",
        f"--service-account-key-file={folder / 'ca.key'}",
        f"--service-account-signing-key-file={folder / 'ca.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={SERVICES}",
        "--endpoint-reconciler-type=none",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
        # A test makes thousands of objects as one client.
        "--enable-priority-and-fairness=false",
        "--profiling=false",
    ]


def write_credentials(plane: ControlPlane) -> None:
    """Write the authority, the server's certificate, and an administrator's kubeconfig."""
    authority = new_authority("kubernetes", key=ec.generate_private_key(ec.SECP256R1()))
    server = issue(
        authority, Subject("kube-apiserver", alternative_names=[ADDRESS, "localhost", "kubernetes.default.svc"])
    )
    admin = issue(authority, Subject("admin", organizations=["system:masters"]), client=True)
    for name, pair in (("ca", authority), ("server", server), ("admin", admin)):
        write_pair(plane.folder, name, pair)
    plane.kubeconfig.write_text(yaml.safe_dump(kubeconfig(plane)), encoding="utf-8")
    plane.kubeconfig.chmod(0o600)


def write_pair(folder: Path, name: str, pair: Pair) -> None:
    """Write a certificate and its key, in the form in which all of Kubernetes reads it."""
    (folder / f"{name}.crt").write_bytes(pair.certificate_pem)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    (folder / f"{name}.key").write_bytes(pair.key.private_bytes(*form))


def kubeconfig(plane: ControlPlane) -> dict[str, object]:
    """Return an administrator's kubeconfig."""
    folder = plane.folder
    user = {"client-certificate": str(folder / "admin.crt"), "client-key": str(folder / "admin.key")}
    cluster = {"server": plane.server, "certificate-authority": str(folder / "ca.crt")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "peer", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "admin@peer", "context": {"cluster": "peer", "user": "admin"}}],
        "current-context": "admin@peer",
    }


@contextlib.contextmanager
def started(program: Path, *flags: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen([str(program), *flags], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_ready(plane: ControlPlane) -> None:
    """Wait until the API server says that it is ready."""
    context = ssl.create_default_context(cafile=str(plane.folder / "ca.crt"))
    context.load_cert_chain(plane.folder / "admin.crt", plane.folder / "admin.key")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        connection = http.client.HTTPSConnection(ADDRESS, plane.port, context=context, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    log = (plane.folder / "kube-apiserver.log").read_text(encoding="utf-8", errors="replace")
    raise AssertionError(f"kube-apiserver is not ready after {PATIENCE:.0f} s:\n{log[-3000:]}")


def free_ports(count: int) -> list[int]:
    """Return unused ports."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _index in range(count)]
        for each in sockets:
            each.bind((ADDRESS, 0))
        return [int(each.getsockname()[1]) for each in sockets]
