# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real sshd on the lab's bastion: what systemd does with it, with the files of whichever machine is the bastion now.

The user of a session is the superuser by another name, and sees the host's programs: the lab's machines have none.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.host.bastion.network import run
from tests.host.packages import find

SSHD = """
{addresses}
{host_keys}
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
PidFile none
Subsystem sftp internal-sftp
LogLevel VERBOSE
"""
# In a mount namespace: the users and the home directory of the machine replace those of the host.
ENTER = """
set -eu
mount --make-rprivate /
mount --bind "$1/etc/passwd" /etc/passwd
mount -t tmpfs -o mode=0755 home /home
mkdir /home/ec2-user
mount --bind "$1/home/ec2-user" /home/ec2-user
mkdir -p /run/sshd
exec "$2" -D -e -f "$3"
"""


class Login:
    """The sshd of the bastion, followed from machine to machine."""

    def __init__(self, lab: Path, address: str, ec2: Any) -> None:
        self.lab, self.address, self.ec2 = lab, address, ec2
        self.machine = ""
        self.own_keys: dict[str, str] = {}
        self.shown_keys: dict[str, str] = {}
        self._server: subprocess.Popen[bytes] | None = None
        self._restarts = 0
        self._over = threading.Event()
        self._pinned = False

    @property
    def sessions(self) -> dict[str, int]:
        """Return how many times each machine was logged in to."""
        return {name: self._log(name).read_text().count("Accepted publickey") for name in self.own_keys}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep sshd as the machine has it, until the end."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
            self._stop()

    def show_another_key(self) -> None:
        """Replace the machine's host key, as an attacker who took over its address would."""
        self._pinned = True
        key = self._root(self.machine) / "etc" / "ssh" / "ssh_host_ed25519_key"
        key.unlink()
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        self._stop()
        self._start(self.machine)

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            if self._pinned:
                continue
            now = self._current()
            if now != self.machine:
                self._stop()
                if now:
                    self._meet(now)
                self.machine = now
            elif now and self._asked_restarts(now) > self._restarts:
                self._restarts = self._asked_restarts(now)
                self._stop()
                self._start(now)
                self.shown_keys[now] = self._public_key(now)

    def _current(self) -> str:
        """Return the id of the machine that is on at the bastion's address."""
        for path in sorted(self.lab.glob("machines/*/machine.json")):
            try:
                described = json.loads(path.read_text())
            except (OSError, ValueError):
                continue
            if described["address"] == self.address and described["state"] == "linux" and self._is_furnished(path):
                return str(described["id"])
        return ""

    def _is_furnished(self, path: Path) -> bool:
        return (path.parent / "root" / "etc" / "ssh" / "ssh_host_ed25519_key").exists()

    def _meet(self, machine: str) -> None:
        """Give the machine the IPv6 address of its interface, and start its sshd with the keys of cloud-init."""
        filters = [{"Name": "addresses.private-ip-address", "Values": [self.address]}]
        (interface,) = self.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        self.ipv6 = interface["Ipv6Addresses"][0]["Ipv6Address"]
        run("ip", "-6", "address", "replace", f"{self.ipv6}/128", "dev", "lo", "nodad")
        self._restarts = 0
        made = self._root(machine).parent / "cloud_init_host_key_ed25519.pub"
        self.own_keys[machine] = made.read_text().split()[1]
        self._start(machine)

    def _asked_restarts(self, machine: str) -> int:
        try:
            calls = (self._root(machine) / "run" / "lab" / "commands.jsonl").read_text()
        except OSError:
            return 0
        return calls.count('["systemctl", "restart", "sshd.service"]')

    def _public_key(self, machine: str) -> str:
        key = self._root(machine) / "etc" / "ssh" / "ssh_host_ed25519_key"
        return run("ssh-keygen", "-y", "-f", str(key)).split()[1]

    def _root(self, machine: str) -> Path:
        return self.lab / "machines" / machine / "root"

    def _log(self, machine: str) -> Path:
        return self.lab / "machines" / machine / "sshd.log"

    def _start(self, machine: str) -> None:
        root = self._root(machine)
        users = (root / "etc" / "passwd").read_text()
        if "sshd:" not in users:
            (root / "etc" / "passwd").write_text(f"{users}sshd:x:65534:65534::/run/sshd:/bin/false\n")
        keys = "".join(f"HostKey {path}\n" for path in sorted((root / "etc" / "ssh").glob("ssh_host_*_key")))
        config = root.parent / "sshd_config"
        # The second one is where the agent of Session Manager connects.
        addresses = f"ListenAddress {self.ipv6}\nListenAddress {self.address}"
        config.write_text(SSHD.format(addresses=addresses, host_keys=keys))
        command = ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(root), str(find("sshd")), str(config)]
        with self._log(machine).open("ab") as log:
            self._server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _stop(self) -> None:
        """End sshd with all its sessions, as they end with their machine."""
        server, self._server = self._server, None
        if server is None:
            return
        for pid in [*_descendants(server.pid), server.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        server.wait()
        time.sleep(0.05)


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_descendants(child)]
    return found
