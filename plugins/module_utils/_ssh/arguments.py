# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of SSH, which always checks host keys. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._findings import Finding, finding

# Ansible puts these before all other options, and ssh takes the first value of an option. Without them a user's own
# ssh_args could switch off the check of host keys. A machine that disappears sends nothing: after a minute without an
# answer ssh ends the connection, for which a task would otherwise wait for hours. The questions also keep a connection
# open during a long task that prints nothing: firewalls and Session Manager end a silent one.
FIRST_ARGUMENTS = "-C -o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=15 -o ServerAliveCountMax=4"


_PLAIN = re.compile(r"[\w~/.,:@%+=-]*")
# The AWS CLI and the program that it starts for a session.
SESSION_PROGRAMS = ("aws", "session-manager-plugin")


def missing_programs(connection: str) -> tuple[str, ...]:
    """Return the missing programs for a connection, ssh or ssm; ssh itself is needed for both."""
    wanted = ("ssh", *(SESSION_PROGRAMS if connection == "ssm" else ()))
    return tuple(name for name in wanted if shutil.which(name) is None)


def programs_missing(subject: str, names: Iterable[str]) -> Finding:
    """Return the problem that these programs are missing."""
    return finding("CONNECTION_PROGRAM_MISSING", subject, fact=" and ".join(names))


class Route(NamedTuple):
    """The instance for Session Manager, its region and the AWS profile."""

    region: str
    instance: str
    profile: str = ""


class Login(NamedTuple):
    """The key to log in with: a private file, or a public one whose private key an agent has; empty for ssh's choice.

    Where another key may be the one that fits, such as that of an EC2 key pair, ssh tries all that it finds.
    """

    identity_file: str = ""
    other_keys: bool = False


SSH_CHOOSES = Login()


class Jump(NamedTuple):
    """The jump host, and the options to connect to it."""

    host: str
    user: str = ""
    arguments: str = ""

    @property
    def destination(self) -> str:
        """Return the host in the form that ssh takes."""
        return f"{self.user}@{self.host}" if self.user else self.host


def jump_of(variables: Mapping[str, Any]) -> Jump:
    """Return the jump host from its Ansible variables; its host key is always checked."""
    options = {"-p": variables.get("ansible_port"), "-i": variables.get("ansible_ssh_private_key_file")}
    given = [f"{name} {shlex.quote(str(value))}" for name, value in options.items() if value]
    common = str(variables.get("ansible_ssh_common_args") or "")
    host = str(variables.get("ansible_host") or variables["inventory_hostname"])
    words = ["-o StrictHostKeyChecking=yes", *given, *([common] if common else [])]
    return Jump(host, str(variables.get("ansible_user") or ""), " ".join(words))


def ssh_arguments(known_hosts: str, alias: str, way: Route | Jump | None = None, *, login: Login = SSH_CHOOSES) -> str:
    """Return the options for ssh, quoted for a shell and for Ansible.

    The alias ties the key to the cluster, whatever address or tunnel leads to its bastion. No other file of known hosts
    is looked at, so an old key of the same name there cannot get in the way. Without a file the user's own are asked.
    """
    options = {
        "StrictHostKeyChecking": "yes",
        **(_one_file(known_hosts, alias) if known_hosts else {}),
        **_one_identity(login),
        **({"ProxyCommand": proxy_command(way)} if way else {}),
    }
    return " ".join(f"-o {shlex.quote(f'{name}={value}')}" for name, value in options.items())


def _one_file(known_hosts: str, alias: str) -> dict[str, str]:
    files = {"UserKnownHostsFile": _quoted(known_hosts), "GlobalKnownHostsFile": "/dev/null"}
    return {**files, "HostKeyAlias": alias}


def _one_identity(login: Login) -> dict[str, str]:
    """Return the options for the key to log in with.

    ssh offers the keys of an agent before a key that is in a file alone, and a server hangs up after six. So it keeps
    to the keys that are named: this one, and those of Ansible's --private-key and of the user's configuration.
    """
    if not login.identity_file:
        return {}
    only = {} if login.other_keys else {"IdentitiesOnly": "yes"}
    return {"IdentityFile": _quoted(login.identity_file), **only}


def path_problem(path: str) -> str:
    """Return why ssh does not take a path, or an empty text.

    Of what is between double quotes, ssh replaces ${NAME}, and its releases differ in how they take a backslash.
    """
    found = next((sign for sign in path if sign in '"\\$' or not sign.isprintable()), "")
    return (
        f"{path!r} contains {found!r}, which ssh, Ansible and shells do not read as a part of a path." if found else ""
    )


# For paths that Ansible itself passes: the collection writes its own paths as ssh reads them.
PERCENT_REMEDY = (
    "Rename the private key, or name it with cluster_bastion_ssh_identity_file instead of --private-key, "
    "ANSIBLE_PRIVATE_KEY_FILE or ansible_ssh_private_key_file."
)


def _quoted(path: str) -> str:
    """Return a path escaped for an ssh option, where spaces, quotes and percent signs have a meaning."""
    path = path.replace("%", "%%")
    return path if _PLAIN.fullmatch(path) else f'"{path}"'


def proxy_command(way: Route | Jump) -> str:
    """Return the command that connects ssh with the host, through Session Manager or a jump host."""
    if isinstance(way, Jump):
        # The tokens in the options are for the inner ssh.
        inner = way.arguments.replace("%", "%%")
        return " ".join(word for word in ("ssh", inner, "-W '[%h]:%p'", shlex.quote(way.destination)) if word)
    words = ["aws", "ssm", "start-session", "--region", way.region, "--target", way.instance]
    words += ["--profile", way.profile] if way.profile else []
    return shlex.join([*words, "--document-name", "AWS-StartSSHSession", "--parameters", "portNumber=%p"])
