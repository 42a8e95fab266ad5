# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next steps after a run: files, connection, stop and removal. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ...module_utils._ec2.home import commands
from ...module_utils._networks import is_address
from ...module_utils._urls import split_url
from .command_line import CommandLine
from .connections import Access, Bastion, Step, bastion_of, connections, is_direct, is_in_tailnet, login_step

Record = Mapping[str, Any]
_HTTPS, _HERE = 443, 8443


class Results(NamedTuple):
    """The path of the report, and the published dashboard: C(url) and C(addresses)."""

    report: str = ""
    dashboard: Record = MappingProxyType({})


def next_steps(cluster: Record, reading: Record, access: Access, run: CommandLine, results: Results) -> list[Step]:
    """Return what a user can do next, in the order in which a new user needs it."""
    machines = [one["have"] for one in reading["resources"].values() if one["kind"] == "instance" and one["have"]]
    bastion = bastion_of(cluster, reading, access)
    return [
        *_files(access, results.report),
        *(_connect(cluster, reading, access, run) if _runs(machines) else ()),
        *([login_step(bastion)] if bastion else []),
        *_dashboard(cluster, access, bastion, results.dashboard),
        *(_playbooks(run, runs=_runs(machines)) if machines else _build(run)),
        _remove(run),
    ]


def _runs(machines: list[Record]) -> bool:
    return any(machine["state"] == "running" for machine in machines)


def _files(access: Access, report: str) -> Iterator[Step]:
    known = access.credentials
    named = {"kubeconfig": known.kubeconfig, "talosconfig": known.talosconfig, "report": report}
    lines = [f"{name + ':':<13}{path}" for name, path in named.items() if path]
    missing = [name for name in ("talosconfig", "kubeconfig") if not named[name]]
    lines.extend([commands.missing_files(missing)] if missing else [])
    yield Step("Files", tuple(lines))


def _connect(cluster: Record, reading: Record, access: Access, run: CommandLine) -> Iterator[Step]:
    found = connections(cluster, reading, access)
    yield from found
    if not found:
        lines = ["No way from the controller to the nodes is open. Open one for its IPv6 network:"]
        if access.tailscale_routes:
            lines.append("Or approve the routes of the gateway in your tailnet, and accept them on the controller.")
        command = run.of("add_home_access", "-e ipv6=2001:db8:1:2::/64")
        yield Step("Connect", tuple(lines), (command,))


def _dashboard(cluster: Record, access: Access, bastion: Bastion | None, published: Record) -> Iterator[Step]:
    """Yield the address for a browser, where one of the ways leads to it."""
    host = split_url(published.get("url") or "").hostname
    addresses = [address for address in published.get("addresses") or () if is_address(address)]
    if not host or not addresses:
        return
    if is_direct(cluster, access) or is_in_tailnet(access):
        yield Step("Open the dashboard", (published["url"], _names(host, addresses[0])))
    elif bastion:
        command = commands.tunnel(bastion.host, {_HERE: f"{addresses[0]}:{_HTTPS}"})
        url = f"https://{host}:{_HERE}"
        lines = (f"Leave the command running, and open {url}", _names(host, "127.0.0.1"))
        yield Step("Open the dashboard", lines, (command,))


def _names(host: str, address: str) -> str:
    return f"Without a DNS record, /etc/hosts of the controller needs the line: {address} {host}"


def _build(run: CommandLine) -> Iterator[Step]:
    yield Step("Build the nodes", (_folder(run), *_reminder(run)), (run.of("site"),))


def _playbooks(run: CommandLine, *, runs: bool) -> Iterator[Step]:
    if runs:
        yield Step("Stop for the night", (_folder(run),), (run.of("stop"),))
    yield Step("Start again", () if runs else (_folder(run),), (run.of("start"),))
    yield Step("Apply changes of the variables", _reminder(run), (run.of("site"),))
    yield Step("Show these steps again", (), (run.of("connect"),))


def _folder(run: CommandLine) -> str:
    return f"Run this and the following commands in the folder {run.folder}"


def _reminder(run: CommandLine) -> tuple[str, ...]:
    """Return the names of variables of this run that its command lines do not repeat."""
    if not run.left_out:
        return ()
    return (f"This run also had with -e: {', '.join(run.left_out)}. Pass them again, or write them into a file.",)


def _remove(run: CommandLine) -> Step:
    lines = ["Without the confirmation it shows what it would delete."]
    if run.lab:
        lines.append("In the lab, make demo-down does this and ends the lab.")
    return Step("Remove everything", tuple(lines), (run.of("reset", "-e reset_confirmation=yes"),))
