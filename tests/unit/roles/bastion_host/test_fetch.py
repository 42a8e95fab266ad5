# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bastion's program that fetches what it serves, against a registry and a web server in this process."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._bastion import netboot
from tests import bastion_image as oci
from tests.http_servers import HERE, Answering, running

PROGRAM = Path(__file__).parents[4] / "roles" / "bastion_host" / "files" / "fetch.py"
INSIDE = "usr/install/arm64"


class Shelf(ThreadingHTTPServer):
    """A server of contents by path, which requires a token if configured so."""

    def __init__(self) -> None:
        super().__init__(HERE, Handler)
        self.held: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.token = ""
        self.url = f"http://127.0.0.1:{self.server_port}"

    def store(self, tag: str, layers: list[oci.Stored], *, architecture: str = "arm64") -> None:
        """Hold an image under a tag of the repository x/y."""
        config, manifest = oci.image(layers, architecture)
        index = oci.index({architecture: manifest})
        for blob in (config, *layers):
            self.held[f"/v2/x/y/blobs/{blob.digest}"] = blob.content
        for reference, stored in ((tag, index), (manifest.digest, manifest)):
            self.held[f"/v2/x/y/manifests/{reference}"] = stored.content


class Handler(Answering):
    """Answers with what the shelf holds."""

    server: Shelf

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked.append(self.path)
        if self.path.startswith("/token"):
            self.answer(200, json.dumps({"token": self.server.token}).encode())
        elif self.server.token and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self.answer(401, b"", {"WWW-Authenticate": f'Bearer realm="{self.server.url}/token",service="here"'})
        elif self.path in self.server.held:
            self.answer(200, self.server.held[self.path])
        else:
            self.answer(404)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """Give a server."""
    server = Shelf()
    with running(server):
        yield server


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """Give the program as a module."""
    spec = importlib.util.spec_from_file_location("bastion_fetch", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fetch(program: ModuleType, folder: Path, **wanted: Any) -> int:
    """Run the program and return its exit code."""
    config = folder / "fetch.json"
    config.write_text(json.dumps({"downloads": [], "images": [], "registries": {}, **wanted}))
    code: int = program.main(str(config))
    return code


def image(shelf: Shelf, folder: Path, architecture: str = "arm64") -> dict[str, Any]:
    """Return that the image of the shelf is wanted."""
    wanted = netboot.talos_image({"netboot": {"image": "ghcr.io/x/y:v1"}}, architecture)
    item = {**wanted, "folder": str(folder / "out")}
    return {"images": [item], "registries": {"ghcr.io": shelf.url}}


def out(folder: Path) -> dict[str, bytes]:
    """Return the written files of an image."""
    return {path.name: path.read_bytes() for path in (folder / "out").glob("*") if path.name != "source"}


def test_kernel_and_initramfs_come_out_of_an_image(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    shelf.store("v1", [oci.layer({f"{INSIDE}/vmlinuz": b"kernel", f"{INSIDE}/initramfs.xz": b"initramfs"})])

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 0

    assert out(tmp_path) == {"vmlinuz": b"kernel", "initramfs.xz": b"initramfs"}


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param("var/lib/matchbox/assets", id="CozyStack's image of matchbox"),
        pytest.param("assets/talos/arm64/boot", id="an image of boot assets alone"),
    ],
)
def test_an_image_with_the_files_of_matchbox_is_a_source_too(
    shelf: Shelf, program: ModuleType, tmp_path: Path, inside: str
) -> None:
    files = {f"{inside}/vmlinuz": b"kernel", f"{inside}/initramfs.xz": b"initramfs", f"{inside}/other": b"other"}
    shelf.store("v1", [oci.layer(files), oci.layer({"matchbox": b"program"})])

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 0

    assert out(tmp_path) == {"vmlinuz": b"kernel", "initramfs.xz": b"initramfs"}


def test_an_image_without_any_of_them_is_refused_with_the_places(
    shelf: Shelf, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.store("v1", [oci.layer({"boot/vmlinuz": b"kernel", f"{INSIDE}/vmlinuz": b"kernel"})])

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 1

    assert f"in /{INSIDE} or /var/lib/matchbox/assets or /assets/talos/arm64/boot" in capsys.readouterr().out


def test_a_unified_kernel_image_is_taken_apart(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    uki = oci.unified_kernel_image(osrel=b"Talos", linux=b"kernel" * 200, initrd=b"initramfs" * 300)
    shelf.store("v1", [oci.layer({f"{INSIDE}/vmlinuz.efi": uki})])

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 0

    assert out(tmp_path) == {"vmlinuz": b"kernel" * 200, "initramfs.xz": b"initramfs" * 300, "vmlinuz.efi": uki}


def test_an_upper_layer_wins_and_may_hide_a_lower_one(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    below = oci.layer({f"{INSIDE}/vmlinuz": b"old", f"{INSIDE}/initramfs.xz": b"old", f"{INSIDE}/vmlinuz.efi": b"old"})
    above = oci.layer(
        {f"./{INSIDE}/vmlinuz": b"new", f"{INSIDE}/.wh.vmlinuz.efi": b"", f"{INSIDE}/initramfs.xz": b"new"}
    )
    shelf.store("v1", [below, above])

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 0

    assert out(tmp_path) == {"vmlinuz": b"new", "initramfs.xz": b"new"}


def test_a_folder_that_an_upper_layer_replaces_is_gone(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    below = oci.layer({f"{INSIDE}/vmlinuz": b"old", f"{INSIDE}/initramfs.xz": b"old"})
    shelf.store("v1", [below, oci.layer({"usr/.wh.install": b""})])

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 1


@pytest.mark.skipif(shutil.which("zstd") is None, reason="NOT RUN: no zstd here")
def test_a_layer_may_be_compressed_with_zstd(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    plain = oci.layer({f"{INSIDE}/vmlinuz": b"kernel", f"{INSIDE}/initramfs.xz": b"initramfs"})
    repacked = subprocess.run(["zstd", "-c"], input=program_unzip(plain), capture_output=True, check=True).stdout  # noqa: S607
    shelf.store("v1", [oci.Stored("application/vnd.oci.image.layer.v1.tar+zstd", repacked)])

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 0


def program_unzip(layer: oci.Stored) -> bytes:
    """Return the layer as a plain archive."""
    return gzip.decompress(layer.content)


def test_an_anonymous_token_of_a_registry_is_requested(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    shelf.token = "anybody"  # noqa: S105  it is not a secret
    shelf.store("v1", [oci.layer({f"{INSIDE}/vmlinuz": b"kernel", f"{INSIDE}/initramfs.xz": b"initramfs"})])

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 0

    assert "/token?service=here&scope=repository:x/y:pull" in shelf.asked


def test_an_image_that_is_there_is_not_fetched_again(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    shelf.store("v1", [oci.layer({f"{INSIDE}/vmlinuz": b"kernel", f"{INSIDE}/initramfs.xz": b"initramfs"})])
    fetch(program, tmp_path, **image(shelf, tmp_path))
    shelf.asked.clear()

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 0

    assert not [path for path in shelf.asked if "/blobs/" in path]


def test_a_tag_that_moved_is_fetched_again(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        shelf.store("v1", [oci.layer({f"{INSIDE}/vmlinuz": content, f"{INSIDE}/initramfs.xz": content})])
        fetch(program, tmp_path, **image(shelf, tmp_path))

    assert out(tmp_path)["vmlinuz"] == b"new"


def test_what_is_there_is_kept_when_its_source_is_gone(
    shelf: Shelf, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.store("v1", [oci.layer({f"{INSIDE}/vmlinuz": b"kernel", f"{INSIDE}/initramfs.xz": b"initramfs"})])
    fetch(program, tmp_path, **image(shelf, tmp_path))
    shelf.held.clear()

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 0

    assert "kept what was there: ghcr.io/x/y:v1: HTTP Error 404" in capsys.readouterr().out
    assert out(tmp_path)["vmlinuz"] == b"kernel"


def test_a_layer_that_is_not_what_its_digest_says_is_refused(
    shelf: Shelf, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = oci.layer({f"{INSIDE}/vmlinuz": b"kernel", f"{INSIDE}/initramfs.xz": b"initramfs"})
    shelf.store("v1", [layer])
    shelf.held[f"/v2/x/y/blobs/{layer.digest}"] = layer.content + b"x"

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 1

    assert f"FAILED: ghcr.io/x/y:v1: layer {layer.digest} of x/y has the SHA-256" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_an_image_for_another_architecture_is_refused(
    shelf: Shelf, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.store("v1", [oci.layer({f"{INSIDE}/vmlinuz": b"x"})], architecture="amd64")

    assert fetch(program, tmp_path, **image(shelf, tmp_path)) == 1

    assert "the image is not made for linux/arm64" in capsys.readouterr().out


def release(shelf: Shelf, folder: Path, sha256: str = "") -> dict[str, Any]:
    """Return that an archive is wanted whose checksum is in a list beside it."""
    place = {"path": str(folder / "release" / "a.tar.gz"), "sums_path": str(folder / "release" / "sums.txt")}
    item = {"url": f"{shelf.url}/a.tar.gz", "sums": f"{shelf.url}/sums.txt", "sha256": sha256, **place}
    return {"downloads": [item]}


@pytest.mark.parametrize("given", [True, False])
def test_a_download_has_to_have_its_checksum(
    given: bool, shelf: Shelf, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.held = {"/a.tar.gz": b"another archive", "/sums.txt": f"{64 * '0'}  a.tar.gz\n".encode()}

    assert fetch(program, tmp_path, **release(shelf, tmp_path, 64 * "0" if given else "")) == 1

    assert f"expected {64 * '0'}" in capsys.readouterr().out
    assert not (tmp_path / "release" / "a.tar.gz").exists()


@pytest.mark.parametrize("spelling", [str.lower, str.upper], ids=["lower case", "upper case"])
def test_a_download_lies_beside_the_list_that_it_was_checked_with(
    shelf: Shelf, program: ModuleType, tmp_path: Path, spelling: Callable[[str], str]
) -> None:
    sums = f"{spelling(hashlib.sha256(b'archive').hexdigest())}  a.tar.gz\n".encode()
    shelf.held = {"/a.tar.gz": b"archive", "/sums.txt": sums}

    assert fetch(program, tmp_path, **release(shelf, tmp_path)) == 0

    assert (tmp_path / "release" / "a.tar.gz").read_bytes() == b"archive"
    assert (tmp_path / "release" / "sums.txt").read_bytes() == sums


def test_one_failure_keeps_nothing_else_from_being_fetched(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    shelf.store("v1", [oci.layer({f"{INSIDE}/vmlinuz": b"kernel", f"{INSIDE}/initramfs.xz": b"initramfs"})])

    assert fetch(program, tmp_path, **release(shelf, tmp_path), **image(shelf, tmp_path)) == 1

    assert out(tmp_path)["vmlinuz"] == b"kernel"


def test_a_file_that_is_not_what_its_checksum_says_is_not_kept(
    shelf: Shelf, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "release" / "a.tar.gz"
    path.parent.mkdir()
    path.write_bytes(b"another archive")
    shelf.held = {}

    assert fetch(program, tmp_path, **release(shelf, tmp_path, 64 * "0")) == 1

    assert not path.exists()
    assert f"removed {path}" in capsys.readouterr().out


def test_a_file_without_a_checksum_is_fetched_and_its_sha256_printed(
    shelf: Shelf, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.held = {"/ipxe.efi": b"build"}
    item = {"url": f"{shelf.url}/ipxe.efi", "sha256": "", "path": str(tmp_path / "ipxe.efi")}

    assert fetch(program, tmp_path, downloads=[item]) == 0

    assert f"unverified, SHA-256 {hashlib.sha256(b'build').hexdigest()}" in capsys.readouterr().out


def debian_package(files: dict[str, bytes]) -> bytes:
    """Return a package as dpkg-deb makes it, with these files below usr/lib/ipxe."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:xz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./usr/lib/ipxe/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    # The second one has an odd size, after which an ar archive has a byte more.
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": whole.getvalue()}
    return b"!<arch>\n" + b"".join(
        f"{name:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
        for name, content in parts.items()
    )


def build_of(shelf: Shelf, folder: Path, package: bytes, inside: str = "usr/lib/ipxe/ipxe-arm64.efi") -> dict[str, Any]:
    """Return that a build in a package is wanted."""
    shelf.held["/ipxe.deb"] = package
    item = {"url": f"{shelf.url}/ipxe.deb", "sha256": hashlib.sha256(package).hexdigest(), "inside": inside}
    return {"downloads": [{**item, "path": str(folder / "ipxe-arm64.efi")}]}


def test_a_build_is_taken_out_of_a_package_with_the_checksum_and_not_fetched_again(
    shelf: Shelf, program: ModuleType, tmp_path: Path
) -> None:
    wanted = build_of(shelf, tmp_path, debian_package({"ipxe-amd64.efi": b"other", "ipxe-arm64.efi": b"build"}))

    codes = [fetch(program, tmp_path, **wanted), fetch(program, tmp_path, **wanted)]

    assert (codes, shelf.asked) == ([0, 0], ["/ipxe.deb"])
    assert (tmp_path / "ipxe-arm64.efi").read_bytes() == b"build"


@pytest.mark.parametrize("stamped", [True, False], ids=["changed since", "of another origin"])
def test_a_build_that_is_not_from_the_package_is_replaced(
    shelf: Shelf, program: ModuleType, tmp_path: Path, stamped: bool
) -> None:
    wanted = build_of(shelf, tmp_path, debian_package({"ipxe-arm64.efi": b"build"}))
    if stamped:
        fetch(program, tmp_path, **wanted)
    (tmp_path / "ipxe-arm64.efi").write_bytes(b"another build")

    assert fetch(program, tmp_path, **wanted) == 0

    assert (tmp_path / "ipxe-arm64.efi").read_bytes() == b"build"


def test_a_newer_package_replaces_the_build_of_the_older_one(shelf: Shelf, program: ModuleType, tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        fetch(program, tmp_path, **build_of(shelf, tmp_path, debian_package({"ipxe-arm64.efi": content})))

    assert (tmp_path / "ipxe-arm64.efi").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("package", "inside"),
    [
        pytest.param(b"<html>", "usr/lib/ipxe/ipxe-arm64.efi", id="no package"),
        pytest.param(b"!<arch>\n", "usr/lib/ipxe/ipxe-arm64.efi", id="a package that ends"),
        pytest.param(debian_package({"ipxe-amd64.efi": b""}), "usr/lib/ipxe/ipxe-arm64.efi", id="without the build"),
        pytest.param(debian_package({"ipxe-arm64.efi": b""}), "usr/lib", id="a folder"),
    ],
)
def test_what_holds_no_build_is_refused(
    shelf: Shelf, program: ModuleType, tmp_path: Path, package: bytes, inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(program, tmp_path, **build_of(shelf, tmp_path, package, inside)) == 1

    assert f"FAILED: {shelf.url}/ipxe.deb: no Debian package with the file {inside}" in capsys.readouterr().out
    assert not (tmp_path / "ipxe-arm64.efi").exists()


def test_a_package_with_another_checksum_is_not_opened(
    shelf: Shelf, program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = build_of(shelf, tmp_path, debian_package({"ipxe-arm64.efi": b"build"}))
    shelf.held["/ipxe.deb"] = debian_package({"ipxe-arm64.efi": b"another build"})

    assert fetch(program, tmp_path, **wanted) == 1

    assert "expected" in capsys.readouterr().out
    assert not (tmp_path / "ipxe-arm64.efi").exists()


def test_the_folder_of_a_killed_run_is_removed_and_that_of_a_live_one_is_not(
    tmp_path: Path, program: ModuleType
) -> None:
    place = tmp_path / "talos-bastion."
    run = (
        "import importlib.util, pathlib, sys, time\n"
        "spec = importlib.util.spec_from_file_location('fetch', sys.argv[1])\n"
        "fetch = importlib.util.module_from_spec(spec); spec.loader.exec_module(fetch)\n"
        "work = lambda folder: (print(folder, flush=True), time.sleep(600))\n"
        "fetch.attempt('it', bool, work, pathlib.Path(sys.argv[2]))\n"
    )
    runs = []
    for _run in range(2):
        words = [sys.executable, "-c", run, str(PROGRAM), str(place)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        runs.append((process, Path(process.stdout.readline().strip())))
    (killed, left), (alive, held) = runs
    try:
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
        assert {left, held} == set(tmp_path.iterdir())

        program.sweep(place)

        assert list(tmp_path.iterdir()) == [held]
    finally:
        os.kill(alive.pid, signal.SIGKILL)
        alive.communicate()
