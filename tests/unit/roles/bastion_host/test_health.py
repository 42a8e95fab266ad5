# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bastion's health checks, with fake commands that give the answers of a test."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._bastion import files, health
from tests.bastion import bastion_settings
from tests.shell_programs import program

PROGRAM = Path(__file__).parents[4] / "roles" / "bastion_host" / "files" / "health.py"
CLOSED = {"nftables": [{"chain": {"name": "input", "policy": "drop"}}, {"counter": {"name": "refused", "packets": 7}}]}
OPEN = {"nftables": [{"chain": {"name": "input", "policy": "accept"}}]}


@dataclass(frozen=True)
class Host:
    """A folder with the commands and the settings of the checks."""

    here: Path

    def says(self, command: str, text: str) -> None:
        """Have a command answer this."""
        program(self.here / "bin" / command, f"cat <<'END'\n{text}\nEND")

    def ask(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the program."""
        return subprocess.run(
            [sys.executable, str(PROGRAM), *options, str(self.here / "health.json")],
            env={"PATH": f"{self.here / 'bin'}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Give a healthy bastion without services, so that nothing has to listen here."""
    settings = bastion_settings(caches={}, nat_enabled=False, health={"ntp_server": "", "disk_free_percent": 0})
    config: dict[str, Any] = health.checks(settings, files.units(settings)) | {"http": {}}
    (tmp_path / "health.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "bin").mkdir()
    found = Host(tmp_path)
    found.says("systemctl", "active\nrunning")
    found.says("docker", "healthy")
    found.says("ip", "ens5 UP 10.10.0.100/24")
    found.says("nft", json.dumps(CLOSED))
    found.says("ss", "LISTEN 0 128 10.10.0.100:8081 0.0.0.0:*")
    return found


def test_a_healthy_bastion_passes_all_checks(host: Host) -> None:
    done = host.ask()

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "healthy"), done.stdout + done.stderr
    assert "ok     closed by default: 7 packets refused" in done.stdout


@pytest.mark.parametrize(
    ("command", "says", "check"),
    [
        pytest.param("systemctl", "failed\nfailed", "unit talos-assets.service: failed failed", id="a unit has failed"),
        pytest.param("docker", "unhealthy", "container talos-assets: unhealthy", id="a container is not well"),
        pytest.param("ip", "", "address: 10.10.0.100 on no interface", id="the interface is gone"),
        pytest.param("nft", json.dumps(OPEN), "closed by default: None packets refused", id="the filter lets all in"),
        pytest.param("ss", "LISTEN 0 128 0.0.0.0:8081 0.0.0.0:*", "tcp port 8081: 0.0.0.0", id="a port is open to all"),
    ],
)
def test_what_is_not_well_is_named_with_what_was_seen(host: Host, command: str, says: str, check: str) -> None:
    host.says(command, says)

    done = host.ask()

    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "NOT HEALTHY"), done.stdout + done.stderr
    assert f"FAILED {check}" in done.stdout


def test_a_missing_command_fails_its_check(host: Host) -> None:
    (host.here / "bin" / "docker").unlink()

    done = host.ask("--json")

    said = json.loads(done.stdout)
    assert (done.returncode, said["healthy"]) == (1, False)
    assert [item["check"] for item in said["checks"] if not item["healthy"]] == ["container talos-assets"]
