# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd and runc of Debian, started in a folder of their own, and images for them made on the spot.

What is installed is used, or else the packages are fetched with apt and unpacked beside the other programs. It needs
root, and cgroups that root may write to. Images are copied file by file: the kernel need not know overlay file systems.
"""

from __future__ import annotations

import gzip
import io
import os
import platform
import shutil
import struct
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lab.registry.server import Registry
from lab.registry.store import CONFIG, LAYER, MANIFEST, Manifest, Store, as_json, as_manifest, digest_of

CACHED = Path(__file__).resolve().parents[2] / ".cache" / "peers" / "containerd"
PACKAGES = ("containerd", "runc")
_PROGRAMS = ("containerd", "ctr", "runc")
# The machine's name in ELF, and the program exit(7) as its instructions.
_MACHINES = {
    "amd64": (62, bytes.fromhex("bf07000000b83c0000000f05")),
    "arm64": (183, bytes.fromhex("e00080d2a80b80d2010000d4")),
}
OWN = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
FOREIGN = "arm64" if OWN == "amd64" else "amd64"
_PLUGINS = ("grpc.v1.cri", *(f"snapshotter.v1.{name}" for name in ("aufs", "btrfs", "devmapper", "zfs")))


class CannotRunError(Exception):
    """No runtime can be started here, and what refused it."""


class Ended(NamedTuple):
    """How a call of ctr ended, and what it printed."""

    code: int
    output: str
    errors: str


class Runtime(NamedTuple):
    """A containerd that runs."""

    socket: Path
    environment: dict[str, str]

    def ctr(self, *arguments: str) -> Ended:
        """Call its client."""
        command = ["ctr", "--address", str(self.socket), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def pull(self, image: str) -> Ended:
        """Pull an image as a node does, for its own platform."""
        return self.ctr("image", "pull", "--plain-http", "--snapshotter", "native", image)

    def run(self, image: str, name: str) -> Ended:
        """Run an image to its end; its program prints to what is returned."""
        return self.ctr("run", "--rm", "--snapshotter", "native", "--net-host", image, name)


def find_programs() -> dict[str, str]:
    """Return an environment in which containerd, ctr and runc are found."""
    folders = f"{CACHED}/usr/bin:{CACHED}/usr/sbin"
    if all(shutil.which(name) for name in _PROGRAMS):
        folders = ""
    elif not all(shutil.which(name, path=folders) for name in _PROGRAMS):
        _fetch()
    return {"PATH": f"{folders}:{os.environ['PATH']}".lstrip(":")}


def _fetch() -> None:
    """Unpack Debian's packages; nothing of the system is changed."""
    fetch, unpack = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if not fetch or not unpack:
        raise CannotRunError("containerd and runc are not installed, and this is not Debian to fetch them from")
    CACHED.mkdir(parents=True, exist_ok=True)
    got = subprocess.run([fetch, "download", *PACKAGES], cwd=CACHED, capture_output=True, text=True, check=False)
    if got.returncode:
        raise CannotRunError(f"apt-get cannot download containerd and runc: {got.stderr.strip()[-300:]}")
    for package in CACHED.glob("*.deb"):
        subprocess.run([unpack, "--extract", str(package), str(CACHED)], check=True)


@contextmanager
def runtime(folder: Path) -> Iterator[Runtime]:
    """Start containerd with all that it keeps in a folder, and end it again."""
    if os.geteuid():
        raise CannotRunError("containerd needs root")
    environment = find_programs()
    disabled = ", ".join(f'"io.containerd.{name}"' for name in _PLUGINS)
    settings = [f'root = "{folder}/root"', f'state = "{folder}/state"', f"disabled_plugins = [{disabled}]"]
    config, socket, log = folder / "config.toml", folder / "containerd.sock", folder / "containerd.log"
    text = "\n".join(["version = 2", *settings, "[grpc]", f'address = "{socket}"', ""])
    config.write_text(text, encoding="utf-8")
    # What is mounted is seen by this process and what it starts, and goes with them.
    command = ["unshare", "--mount", "containerd", "--config", str(config)]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            _await(process, socket, log)
            yield Runtime(socket, environment)
        finally:
            process.terminate()
            process.wait(20)


def _await(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    end = time.monotonic() + 30
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > end:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise CannotRunError(f"containerd does not start: {' '.join(last)[:300]}")
        time.sleep(0.1)


# --- Images ---


def program_for(architecture: str) -> bytes:
    """Return the smallest program for Linux that ends with code 7."""
    machine, code = _MACHINES[architecture]
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    size, address = 120 + len(code), 0x400000
    head = struct.pack("<16sHHIQQQIHHHHHH", ident, 2, machine, 1, address + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, address, address, size, size, 0x1000) + code


def add_image(store: Store, name: str, architecture: str, *, entrypoint: str = "/operator") -> Manifest:
    """Add an image that is one manifest, as CozyStack's are, with one program in it."""
    program = program_for(architecture)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("operator")
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    layer = buffer.getvalue()
    config = {
        **{"architecture": architecture, "os": "linux", "config": {"Entrypoint": [entrypoint]}},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
    }
    content = {
        "mediaType": MANIFEST,
        "config": store.add_blob(name, as_json(config), CONFIG),
        "layers": [store.add_blob(name, gzip.compress(layer, mtime=0), LAYER)],
    }
    return store.add(name, "v1", as_manifest(content))


@contextmanager
def registry(store: Store) -> Iterator[str]:
    """Serve images, and return where."""
    serving = Registry("127.0.0.1", 0, store=store)
    serving.start()
    try:
        yield serving.host
    finally:
        serving.stop()
