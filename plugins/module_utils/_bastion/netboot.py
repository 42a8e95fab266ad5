# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings for machines that boot over the network. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._boot import upstream
from .._ports import ASSET_SERVER
from .paths import ASSETS, TFTP

# The client architectures of RFC 5970, by iPXE's names of its builds.
CLIENTS = {
    "bios": ([0], "undionly.kpxe"),
    "efi-x86-64": ([7, 9], "ipxe.efi"),
    # 22 is U-Boot on ARM; it starts EFI programs like other firmware.
    "efi-arm64": ([11, 22], "ipxe-arm64.efi"),
}
# The paths in an image: Talos' installer, CozyStack's matchbox, and an image of boot assets alone.
PLACES = ("usr/install/{architecture}", "var/lib/matchbox/assets", "assets/talos/{architecture}/boot")
BUILDS = {"arm64": ["arm64"], "amd64": ["x86_64", "i386"]}
ARCHIVE = upstream.ARCHIVE.format(architecture="arm64")
SUMS = upstream.CHECKSUMS


class BootFile(NamedTuple):
    """The first program for one kind of firmware."""

    tag: str
    architectures: list[int]
    name: str


class Boot(NamedTuple):
    """A kernel with its initramfs and arguments, and the values of iPXE's buildarch for which it is used."""

    architecture: str
    builds: list[str]
    kernel: str
    initramfs: str
    arguments: list[str]


def boot_files() -> list[BootFile]:
    """Return the first program for each kind of firmware."""
    return [BootFile(tag, architectures, name) for tag, (architectures, name) in CLIENTS.items()]


def boots(settings: Mapping[str, Any]) -> list[Boot]:
    """Return a kernel for each architecture, the one for machines of no known architecture first."""
    return [boot(settings, architecture) for architecture in settings["netboot"]["architectures"]]


def boot(settings: Mapping[str, Any], architecture: str) -> Boot:
    """Return the kernel for an architecture."""
    folder = f"http://{settings['address']}:{ASSET_SERVER}/talos/{architecture}"
    # An EFI kernel that is older than 5.8 finds its initramfs by this argument alone.
    arguments = ["initrd=initramfs.xz", *settings["netboot"]["kernel_arguments"]]
    names = (f"{folder}/vmlinuz", f"{folder}/initramfs.xz")
    return Boot(architecture, BUILDS[architecture], *names, arguments)


def matchbox_documents(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return matchbox's profiles and groups by their path below its folder, without the suffix."""
    found: dict[str, dict[str, Any]] = {}
    for index, item in enumerate(boots(settings)):
        profile = f"{item.architecture}-single"
        found[f"profiles/{profile}"] = {
            "id": profile,
            "name": f"Talos for {item.architecture}",
            "boot": {"kernel": item.kernel, "initrd": [item.initramfs], "args": item.arguments},
        }
        if index == 0:
            found["groups/default"] = {"id": "default", "name": "Every other machine", "profile": profile}
            continue
        for build in item.builds:
            group = {"id": build, "name": f"Machines with iPXE for {build}", "profile": profile}
            found[f"groups/{build}"] = group | {"selector": {"arch": build}}
    return found


def wanted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the downloads of the bastion, for its program fetch."""
    tool = settings["boot_to_talos"]
    downloads, images = ([release(tool)] if tool["version"] else []), []
    if settings["netboot_enabled"]:
        images = [talos_image(settings, name) for name in settings["netboot"]["architectures"]]
        downloads += [ipxe(name, source) for name, source in settings["netboot"]["ipxe"].items()]
    return {"downloads": downloads, "images": images, "registries": registries(settings)}


def release(tool: Mapping[str, str]) -> dict[str, str]:
    """Return the download of boot-to-talos, without a SHA-256 verified with the release's checksums."""
    folder = f"{ASSETS}/boot-to-talos/v{tool['version']}"
    path, sums = f"{folder}/{ARCHIVE}", f"{folder}/{SUMS}"
    checked = {"sha256": tool["sha256"].lower(), "sums": f"{tool['url']}/{SUMS}", "sums_path": sums}
    return {"url": f"{tool['url']}/{ARCHIVE}", "path": path, **checked}


def ipxe(name: str, source: Mapping[str, str]) -> dict[str, str]:
    """Return the download of an iPXE build, which may be a file in a Debian package."""
    found = {"url": source["url"], "sha256": source.get("sha256", "").lower(), "path": f"{TFTP}/{name}"}
    return {**found, "inside": source["inside"]} if source.get("inside") else found


def registries(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the cache from which the images of a registry are fetched."""
    return {name: f"http://{settings['address']}:{port}" for name, port in settings["caches"].items()}


def talos_image(settings: Mapping[str, Any], architecture: str) -> dict[str, Any]:
    """Return the download of an image's kernel and initramfs, which are extracted from its UKI if necessary."""
    folder = f"{ASSETS}/talos/{architecture}"
    return {
        "image": settings["netboot"]["image"],
        "architecture": architecture,
        "inside": [place.format(architecture=architecture) for place in PLACES],
        "folder": folder,
    }
