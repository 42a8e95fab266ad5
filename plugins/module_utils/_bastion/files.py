# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All files of a bastion. Private to urmanac.talos: may change at any time.

There is one list. User-data writes these files when an instance boots, and the role writes them over SSH.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .._ports import ASSET_SERVER, MATCHBOX
from . import health, netboot, paths, services
from .paths import ASSETS, ETC, MANIFEST, UNITS

SYSCTL = "systemd-sysctl.service"
FIREWALL = "talos-bastion-firewall.service"
WIREGUARD = "talos-bastion-wireguard.service"
FETCH = "talos-bastion-fetch.service"

# Renders a template of the role with these variables.
Render = Callable[..., str]


class HostFile(NamedTuple):
    """A file of the bastion, and the units that have to be restarted when it changes."""

    path: str
    content: str
    mode: str = "0644"
    units: tuple[str, ...] = ()


def as_json(value: object) -> str:
    """Return the text of a JSON file."""
    return json.dumps(value, indent=1) + "\n"


def files(settings: Mapping[str, Any], render: Render) -> list[HostFile]:
    """Return all files sorted by path, including the file that lists the paths."""
    found = [*common(settings, render), *fetched(settings, render), *filtered(settings, render)]
    found += [*tunnel(settings, render), *logins(settings, render), *contained(settings, render)]
    found += netboot_files(settings, render)
    listed = sorted([MANIFEST, *passwords(settings), *(file.path for file in found)])
    found.append(HostFile(MANIFEST, "".join(f"{path}\n" for path in listed)))
    return sorted(found)


def units(settings: Mapping[str, Any]) -> list[str]:
    """Return the units that must run, in the order of their start."""
    first = [FIREWALL] if settings["firewall_enabled"] or settings["nat_enabled"] else []
    first += [WIREGUARD] if settings["egress"] == "wireguard" else []
    return [*first, FETCH, *(service.unit for service in services.services(settings))]


def packages(settings: Mapping[str, Any], family: str) -> list[str]:
    """Return the packages that the files need, with their names in a family of distributions."""
    engine = {"docker": {"Debian": "docker.io"}.get(family, "docker"), "podman": "podman"}
    found = [engine[settings["engine"]], "nftables"]
    return found + (["wireguard-tools"] if settings["egress"] == "wireguard" else [])


def common(settings: Mapping[str, Any], render: Render) -> list[HostFile]:
    """Return the files of every bastion."""
    checks = as_json(health.checks(settings, units(settings)))
    found = [
        HostFile(paths.HEALTH, checks),
        HostFile(paths.HEALTH_PROGRAM, render("health.py"), "0755"),
    ]
    if settings["engine"] == "docker" and settings["docker_options"]:
        options = as_json(settings["docker_options"])
        found.append(HostFile("/etc/docker/daemon.json", options, units=("docker.service",)))
    return found


def fetched(settings: Mapping[str, Any], render: Render) -> list[HostFile]:
    """Return the files that download the web server's content."""
    return [
        HostFile(paths.FETCH_PROGRAM, render("fetch.py"), units=(FETCH,)),
        HostFile(paths.FETCH, as_json(netboot.wanted(settings)), units=(FETCH,)),
        HostFile(f"{UNITS}/{FETCH}", render("fetch.service.j2"), units=(FETCH,)),
    ]


def filtered(settings: Mapping[str, Any], render: Render) -> list[HostFile]:
    """Return the packet filter and the kernel settings for NAT."""
    if FIREWALL not in units(settings):
        return []
    rules = f"{ETC}/firewall.nft"
    found = [
        HostFile(rules, render("firewall.nft.j2", ports=services.ports(settings)), units=(FIREWALL,)),
        HostFile(f"{UNITS}/{FIREWALL}", render("firewall.service.j2", rules=rules), units=(FIREWALL,)),
    ]
    if settings["nat_enabled"]:
        found.append(HostFile(paths.SYSCTL, render("sysctl.conf.j2"), units=(SYSCTL,)))
    return found


def tunnel(settings: Mapping[str, Any], render: Render) -> list[HostFile]:
    """Return the WireGuard tunnel, without its private key."""
    if settings["egress"] != "wireguard":
        return []
    config = f"{paths.WIREGUARD_FOLDER}/egress.conf"
    names = {"config": config, "firewall": FIREWALL}
    return [
        HostFile(config, render("wireguard.conf.j2"), "0600", (WIREGUARD,)),
        HostFile(paths.WIREGUARD_KEY_PROGRAM, render("wireguard_key.sh.j2"), "0755", (WIREGUARD,)),
        HostFile(f"{UNITS}/{WIREGUARD}", render("wireguard.service.j2", **names), units=(WIREGUARD,)),
    ]


def logins(settings: Mapping[str, Any], render: Render) -> list[HostFile]:
    """Return the program that gives caches their logins, without these."""
    if not settings["logins"]:
        return []
    units = tuple(map(services.cache_unit, settings["logins"]))
    return [HostFile(paths.LOGIN_PROGRAM, render("registry_login.sh.j2"), "0755", units)]


def passwords(settings: Mapping[str, Any]) -> list[str]:
    """Return the paths of the logins that the role itself writes, so that they are removed like other files."""
    return [f"{paths.PASSWORDS}/{registry}" for registry, parameter in settings["logins"].items() if not parameter]


def contained(settings: Mapping[str, Any], render: Render) -> list[HostFile]:
    """Return the containers' units and configurations."""
    found = []
    for service in services.services(settings):
        text = render("container.service.j2", service=service, engine=settings["engine"])
        found.append(HostFile(f"{UNITS}/{service.unit}", text, units=(service.unit,)))
    for registry, port in settings["caches"].items():
        upstream = settings["upstreams"].get(registry, f"https://{registry}")
        path, folder = services.cache_config(registry), services.cache_folder(registry)
        text = render("registry.yml.j2", folder=folder, port=port, upstream=upstream)
        found.append(HostFile(path, text, units=(services.cache_unit(registry),)))
    text = render("nginx.conf.j2", port=ASSET_SERVER, folder=ASSETS)
    found.append(HostFile(f"{ETC}/nginx.conf", text, units=("talos-assets.service",)))
    if settings["dns_enabled"] or settings["netboot_enabled"]:
        names = {"boot": netboot.boot_files(), "folder": paths.TFTP, "leases": paths.LEASES}
        text = render("dnsmasq.conf.j2", matchbox_port=MATCHBOX, **names)
        found.append(HostFile(f"{ETC}/dnsmasq.conf", text, units=("talos-dhcp.service",)))
    return found


def netboot_files(settings: Mapping[str, Any], render: Render) -> list[HostFile]:
    """Return the files for machines that boot over the network."""
    if not settings["netboot_enabled"]:
        return []
    script = render("boot.ipxe.j2", boots=netboot.boots(settings), port=ASSET_SERVER)
    found = [HostFile(f"{ASSETS}/boot.ipxe", script)]
    for name, document in netboot.matchbox_documents(settings).items():
        found.append(HostFile(f"{ETC}/matchbox/{name}.json", as_json(document), units=("talos-matchbox.service",)))
    return found
