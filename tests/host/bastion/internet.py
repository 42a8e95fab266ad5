# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated internet: a registry with an image, files, the time, and the address of the client.

Runs in the namespace of the internet: python -m tests.host.bastion.internet ADDRESS FOLDER
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests import bastion_image as oci

KERNEL, INITRAMFS = b"the kernel of the image" * 999, b"the initramfs of the image" * 999
ARCHIVE = b"a release of boot-to-talos"
IMAGE = "urmanac/talos"
NTP_EPOCH = 2208988800
REGISTRY = """
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/registry}}}}
http: {{addr: "{address}:5000"}}
"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and reports who asks."""

    def do_GET(self) -> None:
        """Answer with a file or with the address of the client."""
        if self.path != "/whoami":
            super().do_GET()
            return
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def files(folder: Path) -> None:
    """Lay down the releases."""
    folder.mkdir()
    (folder / "boot-to-talos-linux-arm64.tar.gz").write_bytes(ARCHIVE)
    line = f"{hashlib.sha256(ARCHIVE).hexdigest()}  boot-to-talos-linux-arm64.tar.gz\n"
    (folder / "boot-to-talos-checksums.txt").write_text(line)
    for name in ("undionly.kpxe", "ipxe.efi", "ipxe-arm64.efi"):
        (folder / name).write_bytes(f"{name} of iPXE\n".encode() * 5000)


def clock(address: str) -> None:
    """Answer NTP requests with the time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 123))
        while True:
            _, client = server.recvfrom(64)
            now = time.time() + NTP_EPOCH
            server.sendto(bytes(40) + struct.pack("!II", int(now), int(now % 1 * 2**32)), client)


def publish(registry: str) -> None:
    """Push the image: an older kernel below, another architecture beside it."""
    wait(registry)
    folder = "usr/install/arm64"
    below = oci.layer({f"{folder}/vmlinuz.efi": b"an older kernel", "etc/passwd": b""})
    kernel = oci.unified_kernel_image(linux=KERNEL, initrd=INITRAMFS, cmdline=b"")
    above = oci.layer({f"./{folder}/vmlinuz.efi": kernel})
    other = oci.layer({"usr/install/amd64/vmlinuz": b"x"})
    oci.push(registry, IMAGE, "latest", {"amd64": [other], "arm64": [below, above]})


def wait(url: str) -> None:
    """Wait until a server answers."""
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}/v2/", timeout=5).close()
            return
        except urllib.error.URLError:
            time.sleep(0.05)


def main(address: str, folder: Path) -> None:
    """Serve everything until killed."""
    files(folder / "files")
    (folder / "registry.yml").write_text(REGISTRY.format(address=address, folder=folder))
    registry = subprocess.Popen(["docker-registry", "serve", str(folder / "registry.yml")])
    (folder / "registry.pid").write_text(str(registry.pid))
    threading.Thread(target=clock, args=(address,), daemon=True).start()
    publish(f"http://{address}:5000")
    handler = functools.partial(Handler, directory=str(folder / "files"))
    http.server.ThreadingHTTPServer((address, 8000), handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
