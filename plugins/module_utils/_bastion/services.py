# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a bastion. Private to urmanac.talos: may change at any time.

Every path is the same inside a container and outside, so that a command also runs without its container.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._ports import ASSET_SERVER, DNS, MATCHBOX
from .paths import ASSETS, DATA, ETC, LEASES, LOGIN_PROGRAM, LOGINS, TFTP

UNPRIVILEGED = 65534


class Folder(NamedTuple):
    """A folder that a container may write to, and the user that owns it."""

    path: str
    owner: int


class Service(NamedTuple):
    """A container: its image and command, permissions, limits and health check."""

    name: str
    description: str
    image: str
    program: str
    arguments: tuple[str, ...]
    health: str
    memory: int
    user: int = UNPRIVILEGED
    capabilities: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    writable: tuple[Folder, ...] = ()
    # A command before the start, and the file with environment variables that it writes.
    prepare: str = ""
    environment: str = ""

    @property
    def unit(self) -> str:
        """Return the name of the systemd unit."""
        return f"{self.name}.service"


def services(settings: Mapping[str, Any]) -> tuple[Service, ...]:
    """Return the containers for the settings."""
    found = [cache(settings, registry, port) for registry, port in settings["caches"].items()]
    if settings["dns_enabled"] or settings["netboot_enabled"]:
        found.append(dnsmasq(settings))
    if settings["netboot_enabled"]:
        found.append(matchbox(settings))
    return (*found, assets(settings))


def unused_images(*, dns_enabled: bool, netboot_enabled: bool) -> set[str]:
    """Return the names of the images whose containers do not run."""
    dnsmasq_runs = dns_enabled or netboot_enabled
    return ({"matchbox"} if not netboot_enabled else set()) | ({"dnsmasq"} if not dnsmasq_runs else set())


def ports(settings: Mapping[str, Any]) -> list[int]:
    """Return the TCP ports on which they listen, on the bastion's address only."""
    found = [*settings["caches"].values(), ASSET_SERVER]
    found += [MATCHBOX] if settings["netboot_enabled"] else []
    return sorted(found + ([DNS] if settings["dns_enabled"] else []))


def cache_config(registry: str) -> str:
    """Return the path of the configuration of a registry's cache."""
    return f"{ETC}/registry/{registry}.yml"


def cache_folder(registry: str) -> str:
    """Return the data folder of a registry's cache."""
    return f"{DATA}/registry/{registry}"


def cache_name(registry: str) -> str:
    """Return the name of the container with the cache of a registry."""
    return f"talos-cache-{registry}"


def cache_unit(registry: str) -> str:
    """Return the name of the systemd unit of a registry's cache."""
    return f"{cache_name(registry)}.service"


def cache(settings: Mapping[str, Any], registry: str, port: int) -> Service:
    """Return the cache of one registry."""
    config = cache_config(registry)
    has_login = registry in settings["logins"]
    return Service(
        name=cache_name(registry),
        description=f"the cache of {registry}",
        image=settings["images"]["registry"],
        program="registry",
        arguments=("serve", config),
        health=f"wget -q -O /dev/null http://{settings['address']}:{port}/v2/",
        memory=settings["memory"]["registry"],
        readable=(config,),
        writable=(Folder(cache_folder(registry), UNPRIVILEGED),),
        prepare=f"{LOGIN_PROGRAM} {registry}" if has_login else "",
        environment=f"{LOGINS}/{registry}" if has_login else "",
    )


def dnsmasq(settings: Mapping[str, Any]) -> Service:
    """Return the container that serves DHCP, TFTP and DNS, if one of them is enabled."""
    config = f"{ETC}/dnsmasq.conf"
    return Service(
        name="talos-dhcp",
        description="DHCP, TFTP and DNS",
        image=settings["images"]["dnsmasq"],
        program="dnsmasq",
        arguments=("--keep-in-foreground", f"--conf-file={config}", "--log-facility=-"),
        health="pidof dnsmasq",
        memory=settings["memory"]["dnsmasq"],
        # It runs as root: without capabilities, root has fewer permissions than a user that can regain them.
        user=0,
        capabilities=("NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW", "SETGID"),
        readable=(config, *((TFTP,) if settings["netboot_enabled"] else ())),
        writable=(Folder(LEASES, 0),),
    )


def matchbox(settings: Mapping[str, Any]) -> Service:
    """Return matchbox, from which iPXE gets the kernel to boot."""
    address = f"{settings['address']}:{MATCHBOX}"
    return Service(
        name="talos-matchbox",
        description="boot profiles",
        image=settings["images"]["matchbox"],
        program="/matchbox",
        arguments=(f"-address={address}", f"-data-path={ETC}/matchbox", f"-assets-path={ASSETS}", "-log-level=info"),
        health=f"wget -q -O /dev/null http://{address}/boot.ipxe",
        memory=settings["memory"]["matchbox"],
        readable=(f"{ETC}/matchbox", ASSETS),
    )


def assets(settings: Mapping[str, Any]) -> Service:
    """Return the web server of boot-to-talos, kernel and initramfs."""
    config = f"{ETC}/nginx.conf"
    return Service(
        name="talos-assets",
        description="boot-to-talos, kernel and initramfs",
        image=settings["images"]["nginx"],
        program="nginx",
        arguments=("-c", config),
        health=f"wget -q -O /dev/null http://{settings['address']}:{ASSET_SERVER}/healthz",
        memory=settings["memory"]["nginx"],
        readable=(config, ASSETS),
    )
