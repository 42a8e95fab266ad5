#!/usr/bin/env lab-python
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulation of boot-to-talos v0.7.1: its flags, questions, progress lines and failures.

It pulls the image from a registry on loopback and looks into it, but runs and writes nothing of it. It ends with a word
to the lab, which takes the machine's Linux away and starts a Simulated Talos in its place.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import ipaddress
import json
import os
import socket
import stat
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = os.environ.get("LAB_ROOT", "")
DEFAULT_IMAGE = "ghcr.io/cozystack/cozystack/talos:v1.11.6"
BOOLEAN = ("yes",)
VALUED = ("disk", "extra-kernel-arg", "image", "image-size-gib", "mode")
USAGE = f"""Usage of {sys.argv[0]}:
  -disk string
    \ttarget disk (will be wiped)
  -extra-kernel-arg value
    \textra kernel arg (repeatable)
  -image string
    \tTalos installer image (default "{DEFAULT_IMAGE}")
  -image-size-gib uint
    \timage.raw size (GiB) (default 3)
  -mode string
    \tmode: boot or install
  -yes
    \tautomatic yes to prompts"""
MODES = """Mode:
  1. boot: by kexec (the simulation's wording)
  2. install: to the disk (the simulation's wording)"""
SECURE_BOOT = "\nWARNING: Secure Boot is enabled! (the remaining text is the simulation's: how to turn it off)\n"
RAW_ENDINGS = (".raw", ".raw.gz", ".raw.xz", ".raw.zst")
# The machines of the lab are Gravitons. From an index the real one takes this platform nevertheless.
ARCHITECTURE = "arm64"
INDEX_PLATFORM = ("linux", "amd64")
ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
EFI_GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
FOLDER = "/tmp/installer-1234567890"  # noqa: S108  only a name in progress lines


class ImageProblem(Exception):
    """The real program's error about an image that it cannot use."""


@dataclass
class Options:
    image: str = DEFAULT_IMAGE
    disk: str = ""
    mode: str = ""
    yes: bool = False
    size: int = 3
    extra: list[str] = field(default_factory=list)


def log(text: str) -> None:
    """Write a line as Go's log package does."""
    print(time.strftime("%Y/%m/%d %H:%M:%S"), text, file=sys.stderr, flush=True)


def fatal(text: str) -> None:
    log(text)
    sys.exit(1)


def misuse(text: str) -> None:
    if text:
        print(text, file=sys.stderr)
    print(USAGE, file=sys.stderr)
    sys.exit(2 if text else 0)


def parse(arguments: list[str]) -> Options:
    """Read flags as Go's flag package does: one or two dashes, a value after = or as the next word."""
    options, waiting = Options(), list(arguments)
    while waiting and waiting[0].startswith("-") and waiting[0] != "-":
        word = waiting.pop(0)
        if word == "--":
            break
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        if name in ("h", "help"):
            misuse("")
        if name in BOOLEAN:
            options.yes = _boolean(name, value) if equals else True
        elif name in VALUED:
            if not equals and not waiting:
                misuse(f"flag needs an argument: -{name}")
            _set(options, name, value if equals else waiting.pop(0))
        else:
            misuse(f"flag provided but not defined: -{name}")
    return options


def _boolean(name: str, value: str) -> bool:
    if value.lower() not in ("1", "t", "true", "0", "f", "false"):
        misuse(f'invalid boolean value "{value}" for -{name}: parse error')
    return value.lower() in ("1", "t", "true")


def _set(options: Options, name: str, value: str) -> None:
    if name == "extra-kernel-arg":
        options.extra.append(value)
    elif name == "image-size-gib":
        if not value.isdigit():
            misuse(f'invalid value "{value}" for flag -{name}: parse error')
        options.size = int(value)
    else:
        setattr(options, name, value)


def ask(options: Options, question: str, default: str) -> str:
    """Ask for a text; an empty answer or the end of input means the default."""
    if options.yes:
        print(f"{question} [{default}]: {default}", flush=True)
        return default
    print(f"{question} [{default}]: ", end="", flush=True)
    return sys.stdin.readline().strip() or default


def ask_yes_no(options: Options, question: str, *, default: bool) -> bool:
    word = "yes" if default else "no"
    if options.yes:
        print(f"{question} [{word}]: {str(default).lower()}", flush=True)
        return default
    while True:
        print(f"{question} [{word}]: ", end="", flush=True)
        answer = sys.stdin.readline().strip().lower()
        if answer in ("", "y", "yes", "n", "no"):
            return default if not answer else answer.startswith("y")
        print("Please answer 'yes' or 'no'.", flush=True)


def ask_mode(options: Options) -> str:
    print(MODES, flush=True)
    if options.yes:
        print("Mode [1]: boot", flush=True)
        return "boot"
    while True:
        print("Mode [1]: ", end="", flush=True)
        answer = sys.stdin.readline().strip().lower()
        if answer in ("", "1", "boot", "kexec"):
            return "boot"
        if answer in ("2", "install"):
            return "install"
        print("Please enter '1' or '2' (or 'boot'/'install').", flush=True)


def network_arguments(options: Options) -> list[str]:
    """Ask about networking: after a no, again, as the real program falls back to a simpler detection."""
    has_route = not Path(f"{ROOT}/run/lab/no-default-route").exists()
    if not has_route:
        log("warning: no default route found: no default route")
    for simple in (False, True) if has_route else (True,):
        if ask_yes_no(options, "Add networking configuration?", default=True):
            return _network_answers(options, simple=simple)
    return _console(options)


def _network_answers(options: Options, *, simple: bool) -> list[str]:
    if not simple:
        print("\nDetected interface: ens5 (enx020000000001)", flush=True)
    device = ask(options, "Interface" if simple else "Network device for IP", "enx020000000001")
    address = ask(options, "IP address", "127.0.0.1")
    mask = ask(options, "Netmask", "255.255.255.0")
    gateway = ask(options, "Gateway (or 'none')", "none")
    gateway = "" if gateway.lower() == "none" else gateway
    hostname = ask(options, "Hostname", socket.gethostname())
    return [f"ip={address}::{gateway}:{mask}:{hostname}:{device}:none", *_console(options)]


def _console(options: Options) -> list[str]:
    answer = ask(options, "Configure serial console? (or 'no')", "ttyS0")
    return [] if answer.lower() in ("no", "none") else [f"console={answer}"]


def summary(title: str, options: Options) -> None:
    print(f"\n{title}:\n  Image: {options.image}", flush=True)
    if options.mode == "install":
        print(f"  Disk:  {options.disk}", flush=True)
    print(f"  Extra kernel args: {' '.join(options.extra) or '(none)'}", flush=True)


def pull(image: str) -> str:
    try:
        if image.startswith(("http://", "https://")):
            raise ImageProblem(f"parsing reference {json.dumps(image)}: could not parse reference: {image}")
        registry, repository, wanted = _reference(image)
        manifest = _manifest(registry, repository, wanted, image)
        config = json.loads(_blob(registry, repository, manifest["config"]["digest"]))
    except ImageProblem as problem:
        raise ImageProblem(f"pull image {image}: {problem}") from problem
    free = _tmpfs_bytes()
    for layer in manifest["layers"]:
        free = _unpack(_blob(registry, repository, layer["digest"]), free)
    return str(config.get("architecture", ""))


def _reference(image: str) -> tuple[str, str, str]:
    registry, _slash, rest = image.partition("/")
    if not rest or not ("." in registry or ":" in registry or registry == "localhost"):
        registry, rest = "index.docker.io", image
    repository, at, digest = rest.partition("@")
    repository, _colon, tag = repository.partition(":")
    return registry, repository, digest if at else tag or "latest"


def _manifest(registry: str, repository: str, wanted: str, image: str) -> dict[str, Any]:
    """Return the manifest: of an index always the one for amd64."""
    found: dict[str, Any] = json.loads(_get(registry, f"/v2/{repository}/manifests/{wanted}"))
    if "manifests" not in found:
        return found
    for entry in found["manifests"]:
        platform = entry.get("platform", {})
        if (platform.get("os"), platform.get("architecture")) == INDEX_PLATFORM:
            return _manifest(registry, repository, entry["digest"], image)
    raise ImageProblem(f"no child with platform {'/'.join(INDEX_PLATFORM)} in index {image}")


def _blob(registry: str, repository: str, digest: str) -> bytes:
    """Return a blob whose digest was verified."""
    body = _get(registry, f"/v2/{repository}/blobs/{digest}")
    actual = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if actual != digest:
        raise ImageProblem(f'extract layer: read tar: error verifying sha256 checksum; got "{actual}", want "{digest}"')
    return body


def _get(registry: str, path: str) -> bytes:
    """Return what a registry on loopback serves; there is no other network."""
    host, _colon, port = registry.partition(":")
    try:
        private = ipaddress.ip_address(host).is_loopback
    except ValueError:
        private = host == "localhost"
    if not private:
        raise ImageProblem(f'Get "https://{registry}/v2/": dial tcp: lookup {host} on 127.0.0.53:53: no such host')
    connection = http.client.HTTPConnection(host, int(port or 80), timeout=30)
    try:
        connection.request("GET", path, headers={"Accept": ACCEPT})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        cause = "connect: connection refused" if isinstance(error, ConnectionRefusedError) else str(error)
        raise ImageProblem(f'Get "http://{registry}/v2/": dial tcp {registry}: {cause}') from error
    if answer.status != 200:
        raise ImageProblem(f"GET http://{registry}{path}: {_refusal(answer, body)}")
    return body


def _refusal(answer: http.client.HTTPResponse, body: bytes) -> str:
    try:
        return "; ".join(f"{error['code']}: {error['message']}" for error in json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError):
        return f"unexpected status code {answer.status} {answer.reason}"


def _tmpfs_bytes() -> int:
    """Return the size of a tmpfs: half of the memory, or the value of a test."""
    try:
        return int(Path(f"{ROOT}/run/lab/tmpfs-bytes").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _unpack(layer: bytes, free: int) -> int:
    """Look at the files of a layer and return how much of the tmpfs they would leave."""
    for name, size in _files(layer):
        free -= size
        if free < 0:
            where = f"{FOLDER}/rootfs/{name}"
            raise ImageProblem(f"extract layer: extract file: write {where}: no space left on device")
    return free


def _files(layer: bytes) -> Iterator[tuple[str, int]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
            for member in archive:
                yield member.name, member.size
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ImageProblem(f"extract layer: uncompress layer: {error}") from error


def boot(options: Options) -> None:
    """Fail as kexec of an arm64 Talos kernel does: it is an EFI zboot image that kexec does not take."""
    summary("Boot Summary", options)
    print(flush=True)
    if not ask_yes_no(options, "Continue with boot?", default=True):
        fatal("aborted by user")
    print(flush=True)
    log("boot mode: extracting kernel and initramfs from image")
    try:
        pull(options.image)
    except ImageProblem as problem:
        fatal(f"get boot assets: {problem}")
    log("loading kernel with kexec")
    log("using KexecFileLoad")
    fatal("kexec: error loading kernel for kexec: exec format error (errno: 8). Check dmesg for details")


def install(options: Options) -> None:
    """Go through the motions, in the real order."""
    _ask_about_secure_boot(options)
    summary("Summary", options)
    print(f"\nWARNING: ALL DATA ON {options.disk} WILL BE ERASED!\n", flush=True)
    if not ask_yes_no(options, "Continue?", default=True):
        fatal("aborted by user")
    print(flush=True)
    log(f"created temporary directory {FOLDER}")
    if options.image.lower().endswith(RAW_ENDINGS):
        return _install_disk_image(options)
    try:
        architecture = pull(options.image)
    except ImageProblem as problem:
        fatal(f"failed to get install assets from container source: {problem}")
    return _install_container(options, architecture)


def _ask_about_secure_boot(options: Options) -> None:
    try:
        is_on = Path(f"{ROOT}/sys/firmware/efi/efivars/SecureBoot-{EFI_GLOBAL}").read_bytes()[4] == 1
    except (OSError, IndexError):
        is_on = False
    if not is_on:
        return
    print(SECURE_BOOT, flush=True)
    if not ask_yes_no(options, "Proceed anyway (not recommended)?", default=False):
        fatal("aborted: Secure Boot is enabled")
    print(flush=True)


def _install_container(options: Options, architecture: str) -> None:
    log(f"creating raw disk {FOLDER}/image.raw ({options.size} GiB)")
    if not Path(f"{ROOT}/dev/loop-control").exists():
        fatal("open loop-control: open /dev/loop-control: no such file or directory")
    log(f"attached {FOLDER}/image.raw to /dev/loop0")
    log("starting Talos installer")
    if architecture != ARCHITECTURE:
        fatal("forkexec: exec format error")
    log("running Talos installer (simulated)")
    log("installation of Talos complete (simulated)")
    log("Talos installer finished successfully")
    log("remounting all filesystems read-only")
    log(f"copy {FOLDER}/image.raw → {options.disk}")
    _write(options, "dst")
    log(f"installation image copied to {options.disk}")
    if Path(f"{ROOT}/sys/firmware/efi").exists():
        log("creating EFI boot entry")
        log("EFI boot entry 0001 created, BootOrder: [1 0]")
    _reboot(f"talos {options.image}")


def _install_disk_image(options: Options) -> None:
    """Write a disk image. From a URL the real one writes a packed one as it is, and nothing boots from that."""
    is_url = options.image.startswith(("http://", "https://"))
    if is_url:
        # The lab's machines reach loopback only, and no disk image is served there.
        cause = "dial tcp: lookup: no such host"
        what = f'download {options.image}: Get "{options.image}": {cause}'
        fatal(f"failed to get install assets from raw source: download: {what}")
    if not Path(f"{ROOT}/{options.image.removeprefix(ROOT)}").exists():
        cause = f"open {options.image}: no such file or directory"
        fatal(f"failed to get install assets from raw source: open RAW image: open {options.image}: {cause}")
    log(f"installing from disk image to {options.disk}")
    _write(options, "disk")
    log(f"disk image copied to {options.disk}")
    if options.extra:
        log("extra kernel args provided but UKI patching for installed image is not implemented yet")
    _reboot(f"talos {options.image}")


def _reboot(system: str) -> None:
    log("rebooting system")
    Path(f"{ROOT}/run/lab/reboot").write_text(system, encoding="utf-8")
    time.sleep(60)  # the real one does not return either


def _write(options: Options, what: str) -> None:
    """Put a note on the scratch root's disk, which is a file; never open anything else."""
    disk = Path(ROOT + options.disk)
    if not disk.exists():
        fatal(f"open {what}: open {options.disk}: no such file or directory")
    if not stat.S_ISREG(disk.stat().st_mode):
        fatal(f"open {what}: open {options.disk}: the lab's simulation writes no real disk")
    disk.write_text(f"Simulated Talos\nimage {options.image}\nargs {' '.join(options.extra)}\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    if not options.mode:
        options.mode = ask_mode(options)
    elif options.mode not in ("boot", "install"):
        fatal(f"invalid mode: {options.mode} (must be 'boot' or 'install')")
    if options.image == DEFAULT_IMAGE:
        options.image = ask(options, "Talos installer image", options.image)
    if options.mode == "install" and not options.disk:
        options.disk = ask(options, "Target disk", "/dev/nvme0n1")
    options.extra += network_arguments(options)
    if options.mode == "boot":
        boot(options)
    else:
        install(options)


if __name__ == "__main__":
    main(sys.argv[1:])
