#!/usr/bin/python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulation of systemctl: runs what the units say, without systemd and without containers.

Of a container's command it runs the program itself, as the same user and with the same capabilities; where there is
a file /etc/real-containers, it runs the command as it stands, under a dockerd.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS, STATE = Path("/etc/systemd/system"), Path("/run/simulated")
REAL = Path("/etc/real-containers")
PROGRAMS = {"registry": "/usr/bin/docker-registry", "/matchbox": "/usr/local/bin/matchbox"}


def settings(unit: str) -> list[tuple[str, str]]:
    text = (UNITS / unit).read_text().replace("\\\n", " ")
    return [(key, value) for key, found, value in (line.partition("=") for line in text.splitlines()) if found]


def container(words: list[str]) -> list[str]:
    """Return the program inside of a container, with the container's user and capabilities."""
    at = words.index("--entrypoint")
    user = words[words.index("--user") + 1].split(":")[0]
    kept = "".join(f",+{words[index + 1].lower()}" for index, word in enumerate(words) if word == "--cap-add")
    limits = ["--no-new-privs", "--inh-caps=-all", f"--bounding-set=-all{kept}"]
    program = PROGRAMS.get(words[at + 1], words[at + 1])
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *limits, program, *words[at + 3 :]]


def command(line: str) -> list[str]:
    words = shlex.split(line)
    return container(words) if "--entrypoint" in words and not REAL.exists() else words


def pid(unit: str) -> int:
    try:
        return int((STATE / f"{unit}.pid").read_text())
    except (OSError, ValueError):
        return 0


def running(unit: str) -> bool:
    if not pid(unit):
        return (STATE / f"{unit}.done").exists()
    try:
        return Path(f"/proc/{pid(unit)}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def waiting(unit: str) -> bool:
    """Return whether systemd would start the unit again after a while."""
    return (STATE / f"{unit}.log").exists() and (UNITS / unit).exists() and "Restart" in dict(settings(unit))


def stop(unit: str) -> None:
    found = settings(unit) if (UNITS / unit).exists() and running(unit) else []
    for key, value in found:
        if key in ("ExecStop", "ExecStopPost") and (REAL.exists() or not value.startswith("/usr/bin/docker")):
            subprocess.run(shlex.split(value), capture_output=True, check=False)
    if pid(unit) and running(unit):
        os.kill(pid(unit), signal.SIGTERM)
        while running(unit):
            time.sleep(0.05)
    for name in ("pid", "done", "log"):
        (STATE / f"{unit}.{name}").unlink(missing_ok=True)


def start(unit: str) -> None:
    if unit == "systemd-sysctl.service":
        subprocess.run(["sysctl", "-q", "-p", *map(str, Path("/etc/sysctl.d").glob("*.conf"))], check=True)
    if not (UNITS / unit).exists() or running(unit):
        return
    found = settings(unit)
    if ("Requires", "docker.service") in found and REAL.exists() and not running("docker.service"):
        run_dockerd()
    log = (STATE / f"{unit}.log").open("a")
    for key, value in found:
        if key == "ExecStartPre" and "/docker rm" not in value:
            subprocess.run(shlex.split(value.lstrip("-")), check=not value.startswith("-"), stdout=log, stderr=log)
    line = dict(found)["ExecStart"]
    process = subprocess.Popen(command(line), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    if ("Type", "oneshot") not in found:
        (STATE / f"{unit}.pid").write_text(str(process.pid))
    elif process.wait() == 0:
        (STATE / f"{unit}.done").touch()


def run_dockerd() -> None:
    """Start the daemon as its package's unit would, and wait until it answers."""
    log = (STATE / "docker.service.log").open("a")
    process = subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    (STATE / "docker.service.pid").write_text(str(process.pid))
    while subprocess.run(["docker", "info"], capture_output=True, check=False).returncode and process.poll() is None:
        time.sleep(0.2)


def show(unit: str, names: list[str]) -> None:
    state = {
        "ActiveState": "active" if running(unit) else "activating" if waiting(unit) else "inactive",
        "SubState": "running" if running(unit) else "dead",
        "UnitFileState": "enabled" if (STATE / f"{unit}.enabled").exists() else "disabled",
    }
    value_only = "--value" in sys.argv
    for name in names:
        print(state[name] if value_only else f"{name}={state[name]}")


def act(verb: str, units: list[str]) -> None:
    """Do it to one unit after the other, also to those that another process is at."""
    lock = (STATE / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for unit in units:
        if verb in ("stop", "restart", "disable"):
            stop(unit)
        if verb in ("start", "restart"):
            start(unit)
        if verb == "enable":
            (STATE / f"{unit}.enabled").touch()
        if verb == "disable":
            (STATE / f"{unit}.enabled").unlink(missing_ok=True)


def leave(units: list[str]) -> bool:
    """Continue in the background, and return True in the process that the caller waits for."""
    for unit in units:
        (STATE / f"{unit}.log").touch()
    if os.fork():
        return True
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(1, 2)
    return False


def main(words: list[str]) -> int:
    STATE.mkdir(exist_ok=True)
    with (STATE / "calls").open("a") as calls:
        calls.write(" ".join(words) + "\n")
    verb, *units = [word for word in words if not word.startswith("-")]
    if verb == "show":
        names = [word.partition("=")[2].split(",") for word in words if word.startswith("--property")]
        show(units[0], [name for some in names for name in some])
    elif "--no-block" not in words or not leave(units):
        act(verb, units)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
