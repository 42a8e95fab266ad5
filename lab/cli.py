# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: up, down, status, run. Standard library only, so that status and --help always answer."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from lab import processes
from lab.code import fingerprint
from lab.settings import (
    ACCESS_KEY_ID,
    ASSET_PORT,
    REGION,
    REGISTRY_PORT,
    REPOSITORY,
    SECRET_ACCESS_KEY,
    SIMULATED_BY,
    TALOS_PORT,
    LabError,
    Settings,
    read_settings,
)

START_SECONDS = 60.0
EXIT_DOWN = 3
MARKER = "MADE-BY-LAB"
EPILOG = """exit codes: 0 done, or the lab is up; 1 refused or failed; 3 `status` found no lab running.
environment: LAB_DIRECTORY (.lab in the checkout), LAB_NETWORK (127.10.0.0/16), LAB_PORT (5510),
LAB_SANDBOX (auto, namespace or path: how a machine's user-data is isolated from the host)."""


def main(arguments: list[str] | None = None) -> int:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # for `| head`, and for the command that `run` becomes
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings()
        _check_platform(options.command)
        if options.command == "up":
            return up(settings)
        if options.command == "down":
            return down(settings)
        if options.command == "status":
            return status(settings, as_json=options.json)
        return run(settings, options.argv)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description="The lab: a simulation of AWS, EC2 machines and Talos nodes on the loopback network.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the lab; quick when it runs already")
    commands.add_parser("down", help="end the lab and remove everything it made")
    state = commands.add_parser("status", help="say what runs and what simulates what")
    state.add_argument("--json", action="store_true", help="print JSON")
    command = commands.add_parser("run", help="run a command against the lab: run -- CMD...")
    command.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD")
    return parser


def _check_platform(command: str) -> None:
    if command != "status" and not sys.platform.startswith("linux"):
        raise LabError(f"The lab needs Linux (all of 127.0.0.0/8 on loopback); this is {sys.platform}.")


def up(settings: Settings) -> int:
    state = _state(settings)
    if state and _is_ours(state) and _is_current(settings, state) and _ask(settings, "status"):
        print(f"lab: already up at {settings.endpoint} (process {state['pid']})")
        return 0
    if state:
        print(f"lab: replacing a stale lab: {_why_stale(settings, state)}")
        _remove(settings, state)
    _check_packages()
    # A process that was killed keeps its sockets until the kernel has taken all of it down.
    _check_ports(settings, patience=10 if state else 0)
    pid = _start(settings)
    print(f"lab: up at {settings.endpoint} (process {pid}); EC2 machines come up in {settings.network}")
    return 0


def down(settings: Settings) -> int:
    state = _state(settings)
    if not settings.directory.exists():
        print(f"lab: was not up; nothing at {settings.directory}")
        return 0
    for line in _remove(settings, state or {}):
        print(f"lab: {line}")
    return 0


def status(settings: Settings, *, as_json: bool) -> int:
    """Say what runs; 0 when the lab is up and EXIT_DOWN when it is not."""
    state = _state(settings)
    answer = _ask(settings, "status") if state and _is_ours(state) else None
    machines = answer["machines"] if answer else _recorded_machines(settings)
    report = {
        **{"up": answer is not None, "endpoint": settings.endpoint},
        **{"directory": str(settings.directory), "network": str(settings.network)},
        "current": bool(answer and state and _is_current(settings, state)),
        "sandbox": answer["sandbox"] if answer else None,
        "machines": machines,
        "mutating_calls": answer["mutating_calls"] if answer else None,
        "simulated_by": SIMULATED_BY,
    }
    print(json.dumps(report, indent=2) if as_json else _status_text(report, state))
    return 0 if answer else EXIT_DOWN


def _status_text(report: dict[str, Any], state: dict[str, Any] | None) -> str:
    if not report["up"]:
        left = f"; a dead lab left {report['directory']}, `python -m lab down` removes it" if state else ""
        return f"lab: down, nothing runs{left}"
    lines = [f"lab: up at {report['endpoint']} (simulated, no AWS), state in {report['directory']}"]
    if not report["current"]:
        lines.append("  the code has changed since it started; `python -m lab up` replaces it")
    lines.append(f"  user-data runs in: {report['sandbox']}")
    lines += [f"  {m['id']}  {m['address'] or '-':15}  {m['state']}  {m['name']}" for m in report["machines"]]
    lines += [] if report["machines"] else ["  no machines"]
    return "\n".join(lines + [f"  {what}: {simulation}" for what, simulation in report["simulated_by"].items()])


def run(settings: Settings, argv: list[str]) -> int:
    command = argv[1:] if argv[:1] == ["--"] else argv
    if not command:
        raise LabError("There is no command to run. Give one: python -m lab run -- ansible-playbook playbooks/site.yml")
    if not _ask(settings, "status"):
        raise LabError(f"No lab answers at {settings.endpoint}. Start it: python -m lab up")
    environment = clean_environment(settings, dict(os.environ))
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise LabError(f"There is no command {command[0]!r}. Set up the packages: make demo (or make test)")
    os.execve(program, command, environment)  # noqa: S606  the user's own command, in place of this process


def clean_environment(settings: Settings, environment: dict[str, str]) -> dict[str, str]:
    """Return an environment without a trace of real AWS settings and with those of the lab."""
    kept = {key: value for key, value in environment.items() if not key.startswith(("AWS_", "EC2_", "BOTO"))}
    binaries = str(Path(sys.executable).parent)  # not resolved: the virtual environment's, not the system's
    return kept | {
        "PATH": os.pathsep.join([binaries, kept.get("PATH", os.defpath)]),
        "AWS_ENDPOINT_URL": settings.endpoint,
        **{"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY},
        **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), REGION),
        **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"), os.devnull),
        "AWS_EC2_METADATA_DISABLED": "true",
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.0/8,localhost,127.0.0.1"),
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"),
        **{"LAB_NETWORK": str(settings.network), "LAB_PORT": str(settings.port)},
        "LAB_DIRECTORY": str(settings.directory),
    }


def _state(settings: Settings) -> dict[str, Any] | None:
    try:
        return json.loads(settings.state_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {"broken": True}


def _is_ours(state: dict[str, Any]) -> bool:
    if "pid" not in state or not processes.is_alive(state["pid"], state["started"]):
        return False
    with contextlib.suppress(OSError):
        return b"lab.daemon" in Path(f"/proc/{state['pid']}/cmdline").read_bytes()
    return False


def _is_current(settings: Settings, state: dict[str, Any]) -> bool:
    same = {"code": fingerprint(), "port": settings.port, "network": str(settings.network)}
    return all(state.get(key) == value for key, value in same.items())


def _why_stale(settings: Settings, state: dict[str, Any]) -> str:
    if "pid" not in state:
        return "its state file cannot be read"
    if processes.start_time(state["pid"]) is None:
        return f"process {state['pid']} is gone"
    if not _is_ours(state):
        return f"process {state['pid']} is another program now"
    return "its settings or code changed" if not _is_current(settings, state) else "it does not answer"


def _ask(settings: Settings, what: str) -> dict[str, Any] | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{settings.endpoint}/lab/{what}", timeout=5) as response:
            answer: dict[str, Any] = json.load(response)
    except (OSError, ValueError):
        return None
    return answer if answer.get("directory") == str(settings.directory) else None


def _recorded_machines(settings: Settings) -> list[dict[str, Any]]:
    machines = []
    for path in sorted(settings.machines.glob("*/machine.json")):
        with contextlib.suppress(OSError, ValueError):
            machines.append(json.loads(path.read_text(encoding="utf-8")) | {"state": "gone"})
    return machines


def _remove(settings: Settings, state: dict[str, Any]) -> list[str]:
    lines = []
    if _is_ours(state):
        how = processes.end(state["pid"], state["started"])
        if how == "could not be ended":
            raise LabError(f"Process {state['pid']} of the lab does not end. End it by hand, then try again.")
        lines.append(f"process {state['pid']} {how}")
    machines = _recorded_machines(settings)
    for machine in machines:
        _end_machine(machine)
    lines += [f"machine {m['id']} ({m['name']}, {m['address']}) removed" for m in machines]
    _remove_directory(settings)
    return [*lines, f"removed {settings.directory}"]


def _end_machine(machine: dict[str, Any]) -> None:
    """End what a lab that was killed has left running of a machine."""
    if machine.get("pid") and processes.is_alive(machine["pid"], machine["started"]):
        for pid in reversed(processes.descendants(machine["pid"])):
            processes.end(pid, processes.start_time(pid) or -1, patience=0)
        processes.end(machine["pid"], machine["started"], patience=0.2)


def _remove_directory(settings: Settings) -> None:
    if settings.directory.exists():
        _check_directory(settings)
        shutil.rmtree(settings.directory)


def _check_directory(settings: Settings) -> None:
    """Refuse a directory that no lab has made: `down` removes it with all that is in it."""
    directory = settings.directory
    if directory.exists() and any(directory.iterdir()) and not (directory / MARKER).exists():
        raise LabError(f"{directory} holds files that no lab made. Give another directory with LAB_DIRECTORY.")


def _check_packages() -> None:
    missing = [name for name in ("moto", "flask", "flask_cors", "boto3") if importlib.util.find_spec(name) is None]
    if missing:
        raise LabError(f"Python packages are missing: {', '.join(missing)}. Set them up: make demo (or make test)")


def _check_ports(settings: Settings, *, patience: float) -> None:
    own = [("127.0.0.1", settings.port), (settings.bastion_address, ASSET_PORT)]
    own += [(address, REGISTRY_PORT) for address in (settings.bastion_address, settings.registry_address)]
    until = time.monotonic() + patience
    while lines := processes.port_conflicts(settings.network, own, TALOS_PORT):
        if time.monotonic() >= until:
            remedy = "End it, or choose others with LAB_PORT and LAB_NETWORK."
            raise LabError("; ".join(lines) + f". {remedy}")
        time.sleep(0.1)


def _start(settings: Settings) -> int:
    _check_directory(settings)
    settings.directory.mkdir(parents=True, exist_ok=True)
    (settings.directory / MARKER).write_text("Made by `python -m lab up`; `python -m lab down` removes all of it.\n")
    environment = clean_environment(settings, dict(os.environ))
    with settings.log_file.open("ab") as log:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        where: dict[str, Any] = {"cwd": REPOSITORY, "env": environment}
        daemon = subprocess.Popen([sys.executable, "-m", "lab.daemon"], **where, **streams, start_new_session=True)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if _ask(settings, "status"):
            return daemon.pid
        if daemon.poll() is not None:
            break
        time.sleep(0.05)
    if daemon.poll() is None:
        daemon.kill()
    said = "\n".join(settings.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
    raise LabError(f"The lab did not start:\n{said}\nThe whole log: {settings.log_file}")
