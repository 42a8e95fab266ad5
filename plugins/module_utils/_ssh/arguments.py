# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How SSH is called for a bastion: with host keys checked, always. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import shlex
from typing import NamedTuple


class Route(NamedTuple):
    """Through which instance of which region Session Manager leads."""

    region: str
    instance: str


def ssh_arguments(known_hosts: str, alias: str, route: Route | None = None) -> str:
    """Return the options for ssh as a shell and Ansible take them.

    The alias ties the key to the cluster, whatever address or tunnel leads to its bastion. No other file of known hosts
    is looked at, so an old key of the same name there cannot get in the way.
    """
    options = {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": _quoted(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": alias,
        **({"ProxyCommand": proxy_command(route)} if route else {}),
    }
    return " ".join(f"-o {shlex.quote(f'{name}={value}')}" for name, value in options.items())


def _quoted(path: str) -> str:
    """Return a path as ssh reads it in an option, where spaces separate and percent signs are tokens."""
    path = path.replace("%", "%%")
    return f'"{path}"' if " " in path else path


def proxy_command(route: Route) -> str:
    """Return the command that connects ssh with the instance through Session Manager."""
    words = ("aws", "ssm", "start-session", "--region", route.region, "--target", route.instance)
    document = ("--document-name", "AWS-StartSSHSession", "--parameters", "portNumber=%p")
    return shlex.join(words + document)
