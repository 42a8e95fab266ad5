# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines that a user copies to reach a cluster. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._files import shell_word
from ..._machine_types import CONTROL_PLANE
from ..._ports import KUBERNETES, TALOS

_HERE = "127.0.0.1"
# The API server's certificate always has this name. 127.0.0.1 is in the certificates only if the configuration says so.
_NAME = "kubernetes"


class Credentials(NamedTuple):
    """The paths of talosconfig and kubeconfig, and the cluster's context in the kubeconfig."""

    talosconfig: str
    kubeconfig: str
    context: str


class Host(NamedTuple):
    """A host for ssh: its options, quoted for a shell, and user and address."""

    options: str
    destination: str


def kubectl(credentials: Credentials, *, server: str = "", name: str = "") -> str:
    """Return the command that lists the nodes, on the server of the kubeconfig or on another address."""
    options = {
        "--kubeconfig": shell_word(credentials.kubeconfig),
        "--context": shell_word(credentials.context),
        "--server": server,
        "--tls-server-name": name,
    }
    return " ".join(["kubectl", *(f"{option} {value}" for option, value in options.items() if value), "get nodes"])


def talosctl(talosconfig: str, *, endpoints: Iterable[str], nodes: Iterable[str]) -> str:
    """Return the command that shows the versions of nodes."""
    where = f"--endpoints {','.join(endpoints)} --nodes {','.join(nodes)}"
    return f"talosctl --talosconfig {shell_word(talosconfig)} {where} version"


def over_ipv6(credentials: Credentials, nodes: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Return the commands by the port that they use; empty if no control plane has an IPv6 address.

    Only control planes are endpoints: a worker does not forward a call to other nodes.
    """
    known = [node for node in nodes if node["ipv6"]]
    planes = [node["ipv6"] for node in known if node["machine_type"] == CONTROL_PLANE]
    if not planes:
        return {}
    addresses = [node["ipv6"] for node in known]
    return {
        TALOS: talosctl(credentials.talosconfig, endpoints=planes, nodes=addresses),
        KUBERNETES: kubectl(credentials, server=f"https://[{planes[0]}]:{KUBERNETES}"),
    }


def missing_files(names: Iterable[str]) -> str:
    """Return that files with credentials do not exist yet, and what writes them."""
    return f"There is no {' and no '.join(names)} yet: playbooks/site.yml writes it as soon as the nodes run Talos."


def ssh(host: Host, *more: str) -> str:
    """Return the command that logs in to a host."""
    return " ".join(word for word in ("ssh", host.options, *more, host.destination) if word)


def tunnel(bastion: Host, targets: Mapping[int, str]) -> str:
    """Return the command that forwards ports of the controller through the bastion to other machines."""
    return ssh(bastion, *(f"-L {_HERE}:{port}:{target}" for port, target in targets.items()), "-N")


def api_tunnel(bastion: Host, plane: str) -> str:
    """Return the command that opens a tunnel to both APIs of a control plane."""
    return tunnel(bastion, {port: f"{plane}:{port}" for port in (KUBERNETES, TALOS)})


def kubectl_in_tunnel(credentials: Credentials) -> str:
    """Return the command for Kubernetes while the tunnel is open."""
    return kubectl(credentials, server=f"https://{_HERE}:{KUBERNETES}", name=_NAME)


def talosctl_in_tunnel(talosconfig: str, plane: str) -> str:
    """Return the command for Talos while the tunnel is open."""
    return talosctl(talosconfig, endpoints=[_HERE], nodes=[plane])
