# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the lab from the environment: directory, loopback network and port. Standard library only."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ACCESS_KEY_ID = "lab-not-a-real-key"
# A word of its own: Ansible masks a secret wherever its text appears, so "lab" would be blanked out of every name.
SECRET_ACCESS_KEY = "nothing-worth-hiding-0123456789"  # noqa: S105  the lab accepts any; worth nothing anywhere
REGION = "eu-west-1"
ASSET_PORT = 8081
REGISTRY_PORT = 5054
TALOS_PORT = 50000
REPOSITORY = Path(__file__).resolve().parent.parent
SIMULATED_BY = {
    "AWS": "moto, extended by lab/aws, on loopback",
    "EC2 machines": "processes on this host that execute the user-data in a scratch root",
    "boot-to-talos": "a script with the real flags, questions and progress lines that writes no disk",
    "Talos": "lab.talos, which speaks the real API over real TLS and runs no container",
    "Kubernetes": "lab.kubernetes: real TLS, server-side apply, a scheduler; no container runs",
    "bastion's cache of ghcr.io": "lab.registry, which serves real manifests of made-up images",
    "CozyStack": "lab.kubernetes, which brings up upstream's graph of releases with made-up pods of the real requests",
    "bastion's asset server": "a web server with simulations of boot-to-talos and CozyStack, up after its user-data",
}


class LabError(Exception):
    """An error that prevents a request to the lab; the message has the remedy."""


@dataclass(frozen=True)
class Settings:
    directory: Path
    network: ipaddress.IPv4Network
    port: int
    sandbox: str
    boot_seconds: float
    script_seconds: float
    talos_node: str

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bastion_address(self) -> str:
        return str(self.network.network_address + 100)

    def is_bastion(self, address: str) -> bool:
        """Return whether an address is the hundredth of a /24, as each cluster's bastion has it by default."""
        return address.rpartition(".")[2] == self.bastion_address.rpartition(".")[2]

    @property
    def registry_address(self) -> str:
        """Return the address at which all registries of the internet are simulated; EC2 gives it to no machine."""
        return str(self.network.network_address + 2)

    @property
    def state_file(self) -> Path:
        return self.directory / "daemon.json"

    @property
    def log_file(self) -> Path:
        return self.directory / "daemon.log"

    @property
    def machines(self) -> Path:
        return self.directory / "machines"

    @property
    def assets(self) -> Path:
        return self.directory / "assets"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    return Settings(
        directory=_directory(environment.get("LAB_DIRECTORY") or REPOSITORY / ".lab"),
        network=_network(environment.get("LAB_NETWORK") or "127.10.0.0/16"),
        port=_port(environment.get("LAB_PORT") or "5510"),
        sandbox=_sandbox(environment.get("LAB_SANDBOX") or "auto"),
        boot_seconds=_seconds(environment, "LAB_BOOT_SECONDS", 0.3),
        script_seconds=_seconds(environment, "LAB_SCRIPT_SECONDS", 120),
        talos_node=environment.get("LAB_TALOS_NODE") or "lab.talos.node:TalosNode",
    )


def _directory(path: str | Path) -> Path:
    directory = Path(path).absolute()
    if directory.exists() and not directory.is_dir():
        raise LabError(f"LAB_DIRECTORY is {directory}, which is not a directory. Give one that is, or a new one.")
    return directory


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise LabError(f"LAB_NETWORK is not a network: {error}. Give one like 127.10.0.0/16.") from error
    if not network.subnet_of(ipaddress.IPv4Network("127.0.0.0/8")) or network.prefixlen > 24:
        raise LabError(f"LAB_NETWORK is {network}. Give one inside 127.0.0.0/8, /24 or larger.")
    return network


def _port(text: str) -> int:
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise LabError(f"LAB_PORT is {text!r}. Give a number from 1024 to 65535.")
    return int(text)


def _sandbox(text: str) -> str:
    if text not in ("auto", "namespace", "path"):
        raise LabError(f"LAB_SANDBOX is {text!r}. Give auto, namespace or path.")
    return text


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(environment.get(name) or default)
    except ValueError as error:
        raise LabError(f"{name} is {environment[name]!r}. Give a number of seconds.") from error
