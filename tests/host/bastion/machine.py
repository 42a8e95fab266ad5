# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with a blank root in a network namespace: the host's programs, and nothing else of it."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from tests.host.bastion.network import Network, run

HERE = Path(__file__).parent
SSHD = """
HostKey /etc/ssh/host_key
PermitRootLogin prohibit-password
PidFile none
StrictModes no
Subsystem sftp internal-sftp
UsePAM no
"""


class Machine:
    """The root, and the process that keeps its namespaces."""

    def __init__(self, network: Network, place: str, root: Path) -> None:
        self.network, self.place, self.root = network, place, root
        root.mkdir()
        self.furnish()
        command = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child=KILL", "sh", HERE / "enter.sh", root]
        # `ip netns exec` would hide the control groups, which containers need.
        within = ["nsenter", f"--net=/run/netns/{network.name(place)}"]
        self.holder = subprocess.Popen([*within, *map(str, command)])
        self.pid = self.inner()

    def furnish(self) -> None:
        """Lay what the programs need to run at all, and the simulated services."""
        etc = self.root / "etc"
        etc.mkdir()
        for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache", "ld.so.conf"):
            if Path("/etc", name).exists():
                shutil.copy(f"/etc/{name}", etc / name)
        shutil.copytree("/etc/alternatives", etc / "alternatives", symlinks=True)
        (etc / "shadow").write_text("root:*:19000:0:99999:7:::\n")
        (etc / "hosts").write_text("127.0.0.1 localhost\n")
        programs = self.root / "usr-local" / "bin"
        programs.mkdir(parents=True)
        for name, source in (("systemctl", "systemctl.py"), ("docker", "docker.sh")):
            shutil.copy(HERE / source, programs / name)
            (programs / name).chmod(0o755)
        (programs / "apt-get").write_text('#!/bin/sh\necho "$@" >> /run/simulated/packages\n')
        (programs / "apt-get").chmod(0o755)

    def inner(self) -> int:
        """Return the first process of the machine, once it has found its root."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.holder.poll() is None:
            children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
            if children and "signal" in Path(f"/proc/{children[0]}/cmdline").read_text():
                return int(children[0])
            time.sleep(0.05)
        raise RuntimeError("the machine did not come up")

    def within(self, *command: str) -> list[str]:
        """Return the command that runs another one on the machine."""
        place = ["nsenter", "--target", str(self.pid), "--mount", "--uts", "--net", "--pid", "--root"]
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return [*place, "env", "-i", "--chdir=/", f"PATH={path}", "HOME=/root", "LC_ALL=C.UTF-8", *command]

    def run(self, *command: str, text: str | None = None) -> str:
        """Run a command on the machine."""
        return run(*self.within(*command), text=text)

    def boot(self, user_data: str) -> None:
        """Do with user-data what cloud-init does."""
        script = self.root / "root" / "user-data"
        script.write_text(user_data)
        script.chmod(0o700)
        self.run("/root/user-data")

    def listen_for_ssh(self, key: Path) -> None:
        """Start sshd for root with the key, and make its host key known to those who have the key."""
        ssh = self.root / "etc" / "ssh"
        ssh.mkdir()
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(ssh / "host_key"))
        with key.with_name("known_hosts").open("a") as known_hosts:
            known_hosts.write(f"* {(ssh / 'host_key.pub').read_text()}")
        (ssh / "sshd_config").write_text(SSHD)
        (self.root / "root" / ".ssh").mkdir(mode=0o700)
        shutil.copy(key.with_suffix(".pub"), self.root / "root" / ".ssh" / "authorized_keys")
        self.run("/usr/sbin/sshd")

    def log(self, unit: str) -> str:
        """Return what a unit has printed."""
        return self.run("cat", f"/run/simulated/{unit}.log")

    def files(self) -> dict[str, tuple[str, bytes]]:
        """Return mode and content of every written file, by its path."""
        found = {}
        for path in (self.root / "etc" / "talos-bastion" / "files").read_text().split():
            place = self.root / path.replace("/usr/local/", "/usr-local/").lstrip("/")
            found[path] = (f"{place.stat().st_mode:o}", place.read_bytes())
        return found

    def off(self) -> None:
        """End everything that runs on the machine."""
        self.holder.kill()
        self.holder.wait()
