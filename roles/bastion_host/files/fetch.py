# Made by urmanac.talos
"""Fetch the files that the bastion serves: programs from URLs, kernel and initramfs from OCI images.

Needs Python 3.9 and no container engine. Keeps existing files if their source cannot be reached.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import posixpath
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

SCRATCH = Path("/var") / "tmp" / "talos-bastion."
NAMES = ("vmlinuz", "initramfs.xz", "vmlinuz.efi")
INDEX = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")


class FetchError(Exception):
    """A file could not be fetched, or does not match its checksum."""


def say(text: str) -> None:
    print("urmanac.talos: " + text, flush=True)


def copy(source: IO[bytes], path: Path) -> str:
    """Write the stream to the file and return its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while piece := source.read(1 << 20):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def put(source: Path, path: Path) -> None:
    """Copy the file beside its path and rename it atomically, so that no partial file is served."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name("." + path.name + ".new")
    shutil.copyfile(source, beside)
    beside.chmod(0o644)
    beside.replace(path)


def download(item: dict[str, str], scratch: Path) -> None:
    """Fetch a file from its URL, unless it exists with the expected checksum."""
    path, stamp = Path(item["path"]), Path(item["path"] + ".source")
    expected, inside = item["sha256"], item.get("inside")
    if path.exists() and expected and not current(path, stamp, expected, inside):
        path.unlink()
        say(f"removed {path}: {'it is not from the package with the' if inside else 'its'} SHA-256 {expected}")
    if path.exists():
        return
    if not expected and item.get("sums"):
        with urllib.request.urlopen(item["sums"], timeout=60) as answer:
            copy(answer, scratch / "sums")
        lines = [line.split() for line in (scratch / "sums").read_text().splitlines()]
        expected = next((line[0].lower() for line in lines if len(line) == 2 and line[1].lstrip("*") == path.name), "")
        if not expected:
            raise FetchError(f"{item['sums']} has no checksum of {path.name}")
        put(scratch / "sums", Path(item["sums_path"]))
    with urllib.request.urlopen(item["url"], timeout=60) as answer:
        actual = copy(answer, scratch / "file")
    if expected and actual != expected:
        raise FetchError(f"SHA-256 of {item['url']} is {actual}, expected {expected}")
    if inside:
        take_out(scratch / "file", inside, scratch)
        (scratch / inside).replace(scratch / "file")
        (scratch / "stamp").write_text(f"{actual} {sha256(scratch / 'file')}")
        put(scratch / "stamp", stamp)
    put(scratch / "file", path)
    say(f"fetched {item['url']} ({'verified' if expected else 'unverified'}, SHA-256 {actual})")


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def current(path: Path, stamp: Path, expected: str, inside: str | None) -> bool:
    """Return whether a file has the checksum, or is unchanged since it was taken out of the package that has it."""
    if not inside:
        return sha256(path) == expected
    return stamp.exists() and stamp.read_text() == f"{expected} {sha256(path)}"


def take_out(package: Path, inside: str, folder: Path) -> None:
    """Extract one file of a Debian package, which is an ar archive with an archive of the files."""
    with package.open("rb") as file:
        known = file.read(8) == b"!<arch>\n"
        while known and len(header := file.read(60)) == 60:
            size = int(header[48:58])
            if header.startswith(b"data.tar"):
                (folder / "data").write_bytes(file.read(size))
                extract(folder / "data", {inside}, folder, set())
                break
            file.seek(size + size % 2, os.SEEK_CUR)
    if not (folder / inside).is_file():
        raise FetchError(f"no Debian package with the file {inside}")


class Repository:
    """The repository of an image, through the cache of its registry if one is configured."""

    def __init__(self, image: str, registries: dict[str, str]) -> None:
        host, _slash, rest = image.partition("/")
        self.name, _at, digest = rest.partition("@")
        self.name, _colon, tag = self.name.partition(":")
        self.reference = digest or tag or "latest"
        upstream = "registry-1.docker.io" if host == "docker.io" else host
        self.base = registries.get(host, "https://" + upstream)
        self.token = ""

    def open(self, path: str, accept: tuple[str, ...] = ()) -> Any:
        url = f"{self.base}/v2/{self.name}/{path}"
        request = urllib.request.Request(url, headers={"Accept": ", ".join(accept)} if accept else {})
        if self.token:
            request.add_unredirected_header("Authorization", "Bearer " + self.token)
        try:
            return urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            if error.code != 401 or self.token:
                raise
            self.token = self.anonymous(error.headers.get("WWW-Authenticate", ""))
        return self.open(path, accept)

    def anonymous(self, challenge: str) -> str:
        """Return an anonymous token of the registry."""
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if "realm" not in asked:
            raise FetchError(f"{self.base} requires a login")
        url = f"{asked['realm']}?service={asked.get('service', '')}&scope=repository:{self.name}:pull"
        with urllib.request.urlopen(url, timeout=60) as answer:
            found = json.load(answer)
        return str(found.get("token") or found.get("access_token") or "")

    def manifest(self, architecture: str) -> tuple[str, dict[str, Any]]:
        """Return the digest and the manifest of the image for an architecture."""
        reference = self.reference
        for _attempt in range(2):
            with self.open(f"manifests/{reference}", INDEX + MANIFEST) as answer:
                body = answer.read()
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            if ":" in reference and digest != reference:
                raise FetchError(f"manifest {reference} of {self.name} has the digest {digest}")
            found = json.loads(body)
            if "manifests" not in found:
                return digest, found
            reference = platform(found["manifests"], architecture)
        raise FetchError(f"{self.name} is an index of indexes")

    def blob(self, digest: str, path: Path) -> None:
        """Fetch a layer into a file."""
        with self.open("blobs/" + digest) as answer:
            actual = copy(answer, path)
        if digest != "sha256:" + actual:
            raise FetchError(f"layer {digest} of {self.name} has the SHA-256 {actual}")


def platform(manifests: list[dict[str, Any]], architecture: str) -> str:
    """Return the digest of the manifest for Linux on an architecture."""
    for item in manifests:
        described = item.get("platform", {})
        if (described.get("os"), described.get("architecture")) == ("linux", architecture):
            return str(item["digest"])
    raise FetchError(f"the image is not made for linux/{architecture}")


@contextlib.contextmanager
def opened(layer: Path) -> Iterator[tarfile.TarFile]:
    """Open a layer of any supported compression."""
    with layer.open("rb") as file:
        is_zstd = file.read(4) == b"\x28\xb5\x2f\xfd"
    if not is_zstd:
        with tarfile.open(layer) as tar:
            yield tar
        return
    plain = layer.with_suffix(".tar")
    subprocess.run(["zstd", "-q", "-f", "-d", str(layer), "-o", str(plain)], check=True)
    with tarfile.open(plain) as tar:
        yield tar
    plain.unlink()


def extract(layer: Path, wanted: set[str], folder: Path, hidden: set[str]) -> set[str]:
    """Extract the wanted files that no upper layer hides; return the paths that are hidden in lower layers."""
    hides = set()
    with opened(layer) as tar:
        for member in tar:
            path = member.name.removeprefix("./").lstrip("/")
            parent, name = posixpath.split(path)
            if name.startswith(".wh."):
                gone = parent if name == ".wh..wh..opq" else posixpath.join(parent, name[4:])
                hides |= {known for known in wanted if f"{known}/".startswith(f"{gone}/")}
            elif path in wanted and path not in hidden:
                source = tar.extractfile(member)
                if source:
                    (folder / parent).mkdir(parents=True, exist_ok=True)
                    copy(source, folder / path)
                    hides.add(path)
    return hidden | hides


def split(uki: Path, folder: Path) -> None:
    """Extract kernel and initramfs from a unified kernel image, which is a PE file with a section for each."""
    with uki.open("rb") as file:
        file.seek(0x3C)
        header = struct.unpack("<I", file.read(4))[0]
        file.seek(header)
        if file.read(4) != b"PE\0\0":
            raise FetchError(f"{uki.name} is not a unified kernel image")
        count, optional = struct.unpack("<2xH12xH2x", file.read(20))
        file.seek(header + 24 + optional)
        sections = [struct.unpack("<8sIIIIIIHHI", file.read(40)) for _number in range(count)]
        places = {item[0].rstrip(b"\0"): (item[4], min(item[1], item[3])) for item in sections}
        for section, name in ((b".linux", "vmlinuz"), (b".initrd", "initramfs.xz")):
            if section not in places:
                raise FetchError(f"{uki.name} has no section {section.decode()}")
            file.seek(places[section][0])
            (folder / name).write_bytes(file.read(places[section][1]))


def unpacked(folder: Path) -> bool:
    """Return whether kernel and initramfs exist."""
    return all((folder / name).exists() for name in NAMES[:2])


def prepared(place: Path) -> bool:
    """Return whether kernel and initramfs are in a folder, after extracting a unified kernel image."""
    if not unpacked(place) and (place / "vmlinuz.efi").exists():
        split(place / "vmlinuz.efi", place)
    return unpacked(place)


def unpack(item: dict[str, Any], registries: dict[str, str], scratch: Path) -> None:
    """Extract kernel and initramfs of an image into the folder, unless they are up to date."""
    folder = Path(item["folder"])
    stamp = folder / "source"
    repository = Repository(item["image"], registries)
    digest, manifest = repository.manifest(item["architecture"])
    if unpacked(folder) and stamp.exists() and stamp.read_text().split()[-1] == digest:
        return
    hidden: set[str] = set()
    wanted = {f"{inside}/{name}" for inside in item["inside"] for name in NAMES}
    for layer in reversed(manifest["layers"]):
        repository.blob(layer["digest"], scratch / "layer")
        hidden = extract(scratch / "layer", wanted, scratch, hidden)
    there = [place for place in (scratch / inside for inside in item["inside"]) if prepared(place)]
    if not there:
        places = " or ".join(f"/{inside}" for inside in item["inside"])
        raise FetchError(f"{item['image']} holds neither kernel and initramfs nor vmlinuz.efi in {places}")
    found = [name for name in NAMES if (there[0] / name).exists()]
    for name in found:
        put(there[0] / name, folder / name)
    (scratch / "source").write_text(f"{item['image']} {digest}\n")
    put(scratch / "source", stamp)
    say(f"took {' and '.join(NAMES[:2])} for {item['architecture']} out of {item['image']} ({', '.join(found)})")


def attempt(what: str, there: Callable[[], bool], work: Callable[[Path], None], place: Path = SCRATCH) -> bool:
    """Do the work, and return whether its result exists, be it from an earlier run."""
    folder = tempfile.mkdtemp(prefix=place.name, dir=place.parent)
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        work(Path(folder))
    except (FetchError, OSError, ValueError, KeyError, tarfile.TarError, subprocess.SubprocessError) as error:
        kept = there()
        say(f"{'kept what was there' if kept else 'FAILED'}: {what}: {error}")
        return kept
    finally:
        shutil.rmtree(folder)
        os.close(held)
    return True


def sweep(place: Path = SCRATCH) -> None:
    """Remove the folders of runs that were killed: a dead process holds no lock."""
    for folder in place.parent.glob(place.name + "*"):
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(held)


def main(config: str) -> int:
    """Fetch all configured files; systemd retries after a failure by restarting the unit."""
    wanted = json.loads(Path(config).read_text())
    sweep()
    done = [attempt(item["url"], Path(item["path"]).exists, partial(download, item)) for item in wanted["downloads"]]
    for item in wanted["images"]:
        work = partial(unpack, item, wanted["registries"])
        done.append(attempt(item["image"], partial(unpacked, Path(item["folder"])), work))
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
