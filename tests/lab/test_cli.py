# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: up, down, status, run; a stale lab, a port in use, an environment without real credentials."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli import clean_environment
from lab.settings import REPOSITORY, read_settings
from tests.lab.labs import Lab, make_lab


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Lab]:
    """Give a lab that is not up, and stop it at the end."""
    made = make_lab(tmp_path)
    yield made
    made.command("down")


def test_up_twice_starts_one_lab(fresh: Lab) -> None:
    first, second = fresh.command("up"), fresh.command("up")

    assert (first.returncode, second.returncode) == (0, 0)
    assert f"up at {fresh.endpoint}" in first.stdout
    assert "already up" in second.stdout
    assert first.stdout.count("\n") == 1


def test_status_distinguishes_up_from_down_by_its_exit_code(fresh: Lab) -> None:
    before = fresh.command("status")
    fresh.command("up")
    during = fresh.command("status", "--json")
    fresh.command("down")
    after = fresh.command("status", "--json")

    assert (before.returncode, during.returncode, after.returncode) == (3, 0, 3)
    assert json.loads(during.stdout)["endpoint"] == fresh.endpoint
    assert json.loads(after.stdout)["up"] is False


def test_down_says_what_it_removed_and_can_be_repeated(fresh: Lab) -> None:
    fresh.command("up")

    first, second = fresh.command("down"), fresh.command("down")

    assert f"removed {fresh.directory}" in first.stdout
    assert not fresh.directory.exists()
    assert second.returncode == 0
    assert "was not up" in second.stdout


def test_a_lab_whose_process_was_killed_is_replaced(fresh: Lab) -> None:
    fresh.command("up")
    pid = json.loads((fresh.directory / "daemon.json").read_text(encoding="utf-8"))["pid"]
    os.kill(pid, signal.SIGKILL)

    again = fresh.command("up")

    assert again.returncode == 0
    assert "stale" in again.stdout
    assert fresh.command("status").returncode == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"code": "of yesterday"}, "code changed", id="other code"),
        pytest.param({"pid": os.getpid(), "started": 1}, "another program", id="pid reused"),
    ],
)
def test_a_stale_lab_is_found(fresh: Lab, change: dict[str, object], reason: str) -> None:
    fresh.command("up")
    file = fresh.directory / "daemon.json"
    state = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(state | change), encoding="utf-8")

    again = fresh.command("up")
    if "pid" in change:  # the real one still holds the port: that is reported, and no one else's process is touched
        os.kill(state["pid"], signal.SIGKILL)
        assert again.returncode == 1
        assert "is in use by process" in again.stderr
    else:
        assert again.returncode == 0

    assert reason in again.stdout


@pytest.mark.parametrize("which", ["endpoint", "asset server", "node"])
def test_a_port_in_use_is_named_with_its_holder(fresh: Lab, which: str) -> None:
    places = {
        "endpoint": ("127.0.0.1", fresh.port),
        "asset server": (fresh.address(100), 8081),
        "node": (fresh.address(101), 50000),
    }
    with socket.create_server(places[which]):
        up = fresh.command("up")

    assert up.returncode == 1
    assert f"{places[which][0]}:{places[which][1]} is in use by process {os.getpid()}" in up.stderr


def test_a_file_in_place_of_the_directory_is_refused(fresh: Lab) -> None:
    fresh.directory.write_text("mine\n", encoding="utf-8")

    up = fresh.command("up")

    assert (up.returncode, fresh.directory.read_text(encoding="utf-8")) == (1, "mine\n")
    assert f"LAB_DIRECTORY is {fresh.directory}, which is not a directory" in up.stderr


def test_run_without_a_lab_prints_the_remedy(fresh: Lab) -> None:
    run = fresh.command("run", "--", "true")

    assert run.returncode == 1
    assert "python -m lab up" in run.stderr


def test_run_gives_the_command_nothing_of_real_aws_settings(fresh: Lab) -> None:
    fresh.command("up")
    real = {"AWS_PROFILE": "real", "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SESSION_TOKEN": "real", "AWS_CA_BUNDLE": "x"}

    run = fresh.command("run", "--", "env", environment=real)

    seen = dict(line.partition("=")[::2] for line in run.stdout.splitlines())
    assert {key: seen.get(key) for key in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")} == dict.fromkeys(
        ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")
    )
    assert seen["AWS_ACCESS_KEY_ID"] == "lab-not-a-real-key"
    assert seen["AWS_ENDPOINT_URL"] == fresh.endpoint
    assert seen["AWS_CONFIG_FILE"] == seen["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert seen["AWS_EC2_METADATA_DISABLED"] == "true"
    assert seen["PATH"].split(":")[0] == str(Path(sys.executable).parent)
    assert seen["LAB_DIRECTORY"] == str(fresh.directory)


def test_run_passes_the_exit_code_of_the_command_on(fresh: Lab) -> None:
    fresh.command("up")

    assert fresh.command("run", "--", "sh", "-c", "exit 5").returncode == 5
    assert fresh.command("run", "--", "no-such-command").returncode == 1


def test_a_directory_that_no_lab_made_is_neither_used_nor_removed(fresh: Lab) -> None:
    fresh.directory.mkdir()
    mine = fresh.directory / "mine"
    mine.write_text("dear to me", encoding="utf-8")

    up, down = fresh.command("up"), fresh.command("down")

    assert (up.returncode, down.returncode) == (1, 1)
    assert "no lab made" in up.stderr
    assert mine.exists()


def test_help_and_status_need_only_the_standard_library(fresh: Lab) -> None:
    bare = [sys.executable, "-IS", "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); import lab.cli as c; "]

    for arguments, code in ((["--help"], 0), (["status"], 3)):
        call = f"sys.exit(c.main({arguments!r}))"
        done = subprocess.run(
            [*bare[:-1], bare[-1] + call], env=fresh.environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (code, "")


def test_the_clean_environment_keeps_what_is_not_aws() -> None:
    settings = read_settings({"LAB_PORT": "5999"})

    environment = clean_environment(settings, {"HOME": "/home/me", "PATH": "/bin", "AWS_URL": "x", "EC2_URL": "y"})

    assert environment["HOME"] == "/home/me"
    assert not {"AWS_URL", "EC2_URL"} & set(environment)
