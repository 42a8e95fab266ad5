# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health checks of a bastion. Private to urmanac.talos: may change at any time.

The questions are data; the bastion's own program talos-bastion-health asks them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._ports import ASSET_SERVER, DNS, MATCHBOX, TFTP
from . import netboot, paths, services


def checks(settings: Mapping[str, Any], units: Sequence[str]) -> dict[str, Any]:
    """Return the settings of all checks, by kind."""
    found = services.services(settings)
    return {
        "address": settings["address"],
        "engine": settings["engine"],
        "units": list(units),
        "containers": [service.name for service in found],
        "http": urls(settings),
        "dhcp": lease(settings),
        "listeners": {"tcp": services.ports(settings), "udp": datagrams(settings)},
        "firewall": {"closed": settings["firewall_enabled"], "nat": settings["nat_enabled"]},
        "disk": {"path": paths.DATA, "free_percent": settings["health"]["disk_free_percent"]},
        "clock": {"server": settings["health"]["ntp_server"], "seconds": settings["health"]["clock_seconds"]},
    }


def urls(settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the URLs to fetch by display name, each with a text that the answer must contain."""
    address = f"http://{settings['address']}"
    assets = f"{address}:{ASSET_SERVER}"
    found = {"asset server": {"url": f"{assets}/healthz", "holds": "ok"}}
    if settings["boot_to_talos"]["version"]:
        path = f"boot-to-talos/v{settings['boot_to_talos']['version']}/{netboot.ARCHIVE}"
        found["boot-to-talos"] = {"url": f"{assets}/{path}", "holds": ""}
    for registry, port in settings["caches"].items():
        manifest = settings["health"]["manifests"].get(registry, "")
        found[f"cache of {registry}"] = {"url": f"{address}:{port}/v2/{manifest}", "holds": ""}
    if settings["netboot_enabled"]:
        found["boot script"] = {"url": f"{address}:{MATCHBOX}/boot.ipxe", "holds": "#!ipxe"}
        found["boot profile"] = {"url": f"{address}:{MATCHBOX}/ipxe?arch=arm64", "holds": "kernel "}
        for item in netboot.boots(settings):
            found[f"kernel for {item.architecture}"] = {"url": item.kernel, "holds": ""}
            found[f"initramfs for {item.architecture}"] = {"url": item.initramfs, "holds": ""}
    return found


def lease(settings: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the expected DHCP offer, empty without DHCP."""
    if not settings["netboot_enabled"]:
        return None
    return {"first": settings["netboot"]["first"], "last": settings["netboot"]["last"]}


def datagrams(settings: Mapping[str, Any]) -> list[int]:
    """Return the UDP ports that may be open on the bastion's address only; DHCP must listen to broadcasts."""
    return ([TFTP] if settings["netboot_enabled"] else []) + ([DNS] if settings["dns_enabled"] else [])
