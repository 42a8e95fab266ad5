# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the endpoint, the files and the tailnet of a cluster. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._ec2.cost.spec import NOTIFICATIONS_MAX
from ...module_utils._ec2.spec import address_of, network_of
from ...module_utils._findings import Finding
from ...module_utils._machine_types import CONTROL_PLANE
from ...module_utils._ports import KUBERNETES
from ...module_utils._urls import has_port, split_url
from .addresses import web_address
from .checks import Surroundings, filled, wrong
from .files import real_path
from .types import written

ENDPOINTS = ("cluster_endpoint", "talos_endpoint", "cozystack_api_server_endpoint")
# What is written to each file; variables of the same content may name the same file.
FILES: Mapping[str, str] = {
    "cluster_kubeconfig": "the kubeconfig",
    "talos_kubeconfig": "the kubeconfig",
    "cluster_talosconfig": "the talosconfig",
    "talos_talosconfig": "the talosconfig",
    "cluster_bastion_known_hosts": "host keys",
    "bastion_known_hosts": "host keys",
    "nodes_known_hosts": "host keys",
}
# The files that have no variable of their own, by that of their directory.
_IN_DIRECTORIES: Mapping[str, Mapping[str, str]] = {
    "cluster_secrets_directory": {
        "secrets.yaml": "the secrets",
        "secrets.pending.yaml": "the secrets",
        "cluster.json": "the record of the directory's cluster",
    },
    "cluster_directory": {
        "images.json": "the record of images",
        "bastion_images.json": "the record of the bastion's images",
        "boot_to_talos.json": "the record of checksums",
        "talos.json": "the record of Talos",
        "budget.json": "the record of the budget",
        "cluster.json": "the record of the directory's cluster",
    },
}
# The options of `tailscale up` that the extension sets from other variables. Each may be written with one dash as well.
_OF_TAILSCALE: Mapping[str, str] = {
    "authkey": "cluster_tailscale_auth_key",
    "auth-key": "cluster_tailscale_auth_key",
    "hostname": "cluster_tailscale_hostname",
    "advertise-routes": "cluster_tailscale_routes",
}


# The percentages at which AWS sends e-mail, with their defaults.
_PERCENTS: Mapping[str, Sequence[float]] = {
    "cluster_budget_actual_percents": (80, 100),
    "cluster_budget_forecasted_percents": (100,),
}


def https_address(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not a URL with https, as the Kubernetes API needs it."""
    found = list(web_address(name, value, where))
    if not found and split_url(str(value)).scheme != "https":
        message = f"{written(name, value)} does not begin with https://, and the Kubernetes API uses TLS."
        found = [wrong(name, message, "Write it as https://10.10.0.101:6443.")]
    yield from found


def tailscale_argument(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not one argument, or has another variable; its value is not shown, which may be a key."""
    text = str(value)
    option = text.lstrip("-").partition("=")[0] if text.startswith("-") else ""
    if option in _OF_TAILSCALE:
        yield wrong(name, f"The collection sets --{option}.", f"Remove it, and set {_OF_TAILSCALE[option]}.")
    elif len(text.split()) > 1:
        message = "It has blanks, at which Tailscale divides it."
        yield wrong(name, message, "Write each argument as an element of its own, such as --accept-dns=false.")
    else:
        yield from filled(name, value, where)


def tailscale_arguments(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the wrong arguments in the settings of Tailscale."""
    arguments = value.get("extra_args")
    for number, argument in enumerate(arguments if isinstance(arguments, (list, tuple)) else ()):
        yield from tailscale_argument(f"{name}.extra_args[{number}]", argument, where)


def endpoint_problems(values: Mapping[str, Any], everything: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the endpoints at an address of the VPC that no API server listens on; a VPC has no virtual addresses."""
    network = network_of(str(everything.get("cluster_vpc_ipv4_cidr")))
    control_planes = [one for node in everything.get("cluster_nodes") or () if (one := _control_plane(node))]
    if network is None or not control_planes:
        return
    for name in ENDPOINTS:
        parts = split_url(str(values.get(name) or ""))
        address = address_of(parts.hostname or "")
        # A port that does not exist is a problem of its own.
        if address is None or address not in network or not has_port(parts):
            continue
        remedy = f"Set it to https://{control_planes[0]}:{KUBERNETES}, or remove it for the first control plane."
        if str(address) not in control_planes:
            yield wrong(name, f"{address} is an address of the VPC, but of no control plane.", remedy)
        elif (parts.port or 443) != KUBERNETES:
            message = f"Control planes serve the Kubernetes API on port {KUBERNETES}, not on {parts.port or 443}."
            yield wrong(name, message, remedy)


def _control_plane(node: Any) -> str:
    """Return the address of a node that is a control plane, empty of another one."""
    is_one = isinstance(node, Mapping) and node.get("machine_type") == CONTROL_PLANE
    return str(address_of(str(node.get("ipv4"))) or "") if is_one else ""


def budget_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what a budget lacks that is described by its address."""
    if not values.get("cluster_budget_email"):
        return
    percents = [len(values.get(name, usual)) for name, usual in _PERCENTS.items()]
    limit = values.get("cluster_budget_per_month", values.get("cluster_cost_per_month_max", 0))
    if not float(limit):
        message = "The budget of cluster_budget_email has no amount."
        yield wrong("cluster_budget_per_month", message, "Set it to the US dollars that a month may cost, such as 20.")
    if not 0 < sum(percents) <= NOTIFICATIONS_MAX:
        message = f"The budget of cluster_budget_email would have {sum(percents)} notifications."
        yield wrong(
            " and ".join(_PERCENTS), message, f"Write from 1 to {NOTIFICATIONS_MAX} percentages in both together."
        )


def file_problems(values: Mapping[str, Any], everything: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the files that are given for two contents, of which the second would replace or reject the first."""
    paths = {name: (real_path(str(everything[name])), what) for name, what in FILES.items() if everything.get(name)}
    for directory, files in _IN_DIRECTORIES.items():
        if everything.get(directory):
            paths |= {
                f"{directory}/{file}": (real_path(f"{everything[directory]}/{file}"), files[file]) for file in files
            }
    for name in FILES:
        path, what = paths.get(name, (None, ""))
        other = next((one for one, (place, of) in paths.items() if place == path and of != what), None)
        if name in values and other:
            message = f"{values[name]} is also {other}, but {what} and {paths[other][1]} cannot be in one file."
            yield wrong(name, message, "Set it to another file, or remove it for the default.")
