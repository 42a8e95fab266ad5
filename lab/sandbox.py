# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a machine's user-data runs: a scratch root of its own in new namespaces, or a poorer place without them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lab import processes
from lab.settings import Settings

HEADER = b"# Made by urmanac.talos"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = Path(__file__).parent / "machine"
SIMULATED = (
    *("aws", "curl", "dnf", "findmnt", "ip", "kexec", "lsblk", "modprobe", "poweroff", "reboot", "shutdown"),
    *("sysctl", "systemctl", "udevadm", "uname"),
)
HARMLESS = (
    *("[", "awk", "base64", "basename", "cat", "chmod", "chown", "cmp", "cp", "cut", "date", "dirname", "echo", "env"),
    *("expr", "false", "grep", "gunzip", "gzip", "head", "hostname", "id", "install", "kill", "ln", "ls", "mkdir"),
    *("mktemp", "mv", "nohup", "nproc", "od", "printf", "readlink", "realpath", "rm", "rmdir", "sed", "seq", "setsid"),
    *("sh", "sha256sum", "sleep", "sort", "stat", "tail", "tar", "tee", "test", "timeout", "touch", "tr", "true"),
    *("uniq", "wc", "xargs"),
)
DIRECTORIES = (
    *("boot/efi", "dev", "etc/amazon/ssm", "etc/cloud", "etc/ssh", "etc/sysctl.d", "etc/systemd/system", "home"),
    *("home/ec2-user", "lab/bin", "mnt", "opt", "proc", "root", "run/lab", "srv", "sys/block/nvme0n1", "tmp"),
    *("sys/class/net/ens5", "sys/firmware/efi/efivars", "usr-local/bin", "usr-local/sbin"),
    *("var/lib/cloud/instance", "var/log", "var/tmp"),
)


class Sandbox:
    """A place where one script runs."""

    kind: ClassVar[str] = "nowhere"

    def __init__(self, directory: Path, script: bytes, identity: dict[str, Any], *, seconds: float) -> None:
        self.root, self.script, self.seconds = directory / "root", script, seconds
        self.console = directory / "console.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._started = 0
        furnish(self.root, identity)
        self.program = self.root / "var/lib/cloud/instance/user-data"
        self.program.write_bytes(script)
        self.program.chmod(0o700)

    def refusal(self) -> str | None:
        return None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def start(self) -> None:
        """Run the script in a session of its own, with the console as its output."""
        # The time limit applies even if the lab itself is killed.
        limit = ["timeout", "--signal=KILL", str(int(self.seconds) + 10)]
        with self.console.open("ab") as console:
            streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": console, "stderr": console}
            where: dict[str, Any] = {"cwd": self.root / "root", "env": self.environment()}
            self.process = subprocess.Popen(limit + self.command(), **where, **streams, start_new_session=True)
        self._started = processes.start_time(self.process.pid) or 0

    def identity(self) -> dict[str, Any]:
        return {"pid": self.process.pid, "started": self._started} if self.process else {}

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        if self.process is None:
            return
        # All are stopped first: a shell whose child dies would print so on the console, or continue.
        found: list[int] = []
        while new := [p for p in [self.process.pid, *processes.descendants(self.process.pid)] if p not in found]:
            found += new
            _signal(new, signal.SIGSTOP)
        _signal(found, signal.SIGKILL)
        self.process.wait(timeout=5)

    def ended_well(self) -> bool:
        """Return whether the script itself has ended with exit code 0; its processes may still run."""
        return self._said("exit") == "0"

    def requested_reboot(self) -> str | None:
        return self._said("reboot") or None

    def _said(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self.root / "run/lab" / name).read_text(encoding="utf-8").strip()
        return ""


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


class NamespaceSandbox(Sandbox):
    """A chroot into the scratch root, in new user, mount and process namespaces; the host's /usr is read-only there."""

    kind = "a scratch root in namespaces"

    def command(self) -> list[str]:
        prefix = str(Path(sys.base_prefix).resolve())
        return [*_unshare(), "sh", str(PROGRAMS / "enter.sh"), str(self.root), prefix, _python(), *SIMULATED]

    def environment(self) -> dict[str, str]:
        return {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"}


class PathSandbox(Sandbox):
    """No isolation, only a PATH of harmless tools and simulations: for scripts of the collection only."""

    kind = "a scratch directory with a short PATH (no namespaces here), scripts of urmanac.talos only"

    def refusal(self) -> str | None:
        if HEADER in self.script.splitlines()[:5]:
            return None
        return f"user-data is not run: without namespaces the lab runs only scripts with the line {HEADER.decode()!r}"

    def command(self) -> list[str]:
        for name in HARMLESS:
            program = shutil.which(name, path=SYSTEM_PATH)
            link = self.root / "lab/bin" / name
            if program and not link.exists():
                link.symlink_to(program)
        return [_python(), "-IS", str(PROGRAMS / "init.py"), str(self.program)]

    def environment(self) -> dict[str, str]:
        place = {"HOME": str(self.root / "root"), "TMPDIR": str(self.root / "tmp"), "LAB_ROOT": str(self.root)}
        return place | {"PATH": str(self.root / "lab/bin"), "LC_ALL": "C.UTF-8"}


def choose_sandbox(settings: Settings) -> type[Sandbox]:
    namespaces = settings.sandbox == "namespace" or (settings.sandbox == "auto" and namespaces_work())
    return NamespaceSandbox if namespaces else PathSandbox


def _unshare() -> list[str]:
    return ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child=KILL"]


@lru_cache(maxsize=1)
def namespaces_work() -> bool:
    """Return whether this user may make namespaces and mount in them."""
    probe = "mount --bind /usr /mnt && mount -o remount,bind,ro,nosuid,nodev /mnt && mount -t proc proc /proc"
    try:
        done = subprocess.run(
            [*_unshare(), "sh", "-c", probe], env={"PATH": SYSTEM_PATH}, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _python() -> str:
    """Return the real interpreter: a virtual environment is of no use in another root."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


def furnish(root: Path, identity: dict[str, Any]) -> None:
    """Make a scratch root that looks like a young Amazon Linux on Graviton, as far as scripts look."""
    for name in DIRECTORIES:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    files = {
        "etc/os-release": 'NAME="Amazon Linux"\nID="amzn"\nVERSION_ID="2023"\nPRETTY_NAME="the lab\'s simulation"\n',
        # The machine's root is the only user that its namespace has.
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nec2-user:x:0:0::/home/ec2-user:/bin/sh\n",
        "etc/group": "root:x:0:\n",
        "etc/hostname": f"{identity['name']}\n",
        "etc/hosts": f"127.0.0.1 localhost\n{identity['address']} {identity['name']}\n",
        "sys/block/nvme0n1/size": "104857600\n",
        "sys/class/net/ens5/operstate": "up\n",
        **dict.fromkeys(("dev/nvme0n1", "dev/loop-control"), ""),
    }
    if "endpoint" in identity:
        files |= {"run/lab/endpoint": identity["endpoint"], "run/lab/instance": identity["id"]}
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    _make_host_keys(root)
    _copy_host_tables(root)
    _put_simulated(root)


def _make_host_keys(root: Path) -> None:
    """Make SSH host keys as cloud-init does for each new machine, but for RSA, which takes long."""
    for name, key in (("ed25519", Ed25519PrivateKey.generate()), ("ecdsa", ec.generate_private_key(ec.SECP256R1()))):
        place = root / "etc/ssh" / f"ssh_host_{name}_key"
        place.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        place.chmod(0o600)
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        place.with_suffix(".pub").write_bytes(public + b"\n")
        (root.parent / f"cloud_init_host_key_{name}.pub").write_bytes(public + b"\n")


def _copy_host_tables(root: Path) -> None:
    """Copy what programs of the host's /usr need in /etc to run at all."""
    for name in ("ld.so.cache", "ld.so.conf", "nsswitch.conf"):
        with contextlib.suppress(OSError):
            shutil.copyfile(f"/etc/{name}", root / "etc" / name)
    if Path("/etc/alternatives").is_dir() and not (root / "etc/alternatives").exists():
        shutil.copytree("/etc/alternatives", root / "etc/alternatives", symlinks=True)


def _put_simulated(root: Path) -> None:
    shutil.copytree(PROGRAMS, root / "lab/machine", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    python = f'exec "${{LAB_PYTHON:-{_python()}}}" -IS'
    wrappers = dict.fromkeys(SIMULATED, f'{python} "$LAB_ROOT/lab/machine/commands.py" "${{0##*/}}" "$@"')
    wrappers["aws"] = f'{python} "$LAB_ROOT/lab/machine/aws.py" aws "$@"'
    wrappers["curl"] = f'{python} "$LAB_ROOT/lab/machine/curl.py" "$@"'
    wrappers["lab-python"] = f'{python} "$@"'
    for name, line in wrappers.items():
        program = root / "lab/bin" / name
        program.write_text(f"#!/bin/sh\n# Simulated by the lab.\n{line}\n", encoding="utf-8")
        program.chmod(0o755)
