# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user-data of a node, executed with stand-ins for every command that would reach out or change the machine."""

from __future__ import annotations

import hashlib
import io
import shlex
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pytest

TEMPLATE = Path(__file__).parents[4] / "roles" / "nodes" / "templates" / "boot_to_talos.sh.j2"
ARCHIVE = "boot-to-talos-linux-arm64.tar.gz"
BOOT_TO_TALOS = '#!/bin/sh\n{ echo "$@"; cat; } > "$RECORD"\nexit "${STATUS:-0}"\n'
COMMANDS = {
    "ip": 'echo "$@" > "$HERE/route"',
    "findmnt": "echo /dev/nvme0n1p1",
    "lsblk": "echo nvme0n1",
    "sleep": 'echo "$@" >> "$HERE/sleeps"',
    "curl": 'for url; do :; done; echo "$url" >> "$HERE/fetched"; cp "$HERE/served/${url##*/}" "${url##*/}"',
}


@dataclass(frozen=True)
class Machine:
    """A folder with the stand-ins and what they noted."""

    here: Path

    def run(self, *, status: int = 0, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Render the template and execute it."""
        script = self.here / "user-data"
        script.write_text(render(**variables), encoding="utf-8")
        environment = {
            **{"PATH": f"{self.here / 'bin'}:/usr/bin:/bin", "TMPDIR": str(self.here / "tmp"), "HERE": str(self.here)},
            **{"RECORD": str(self.here / "record"), "STATUS": str(status)},
        }
        return subprocess.run(
            ["/bin/sh", str(script)],
            cwd=self.here,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def noted(self, name: str) -> list[str]:
        """Return the lines that a stand-in noted."""
        path = self.here / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def render(**variables: Any) -> str:
    """Return the script as the role renders it, with its default values."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701  it is no HTML
    environment.filters["quote"] = shlex.quote
    values = {
        "__nodes_bastion_ipv4": "192.0.2.100",
        "__nodes_node": {"role": "gateway"},
        "nodes_boot_to_talos_url": "http://192.0.2.100:8081/boot-to-talos",
        "nodes_boot_to_talos_sha256": "",
        "nodes_download_attempts": 3,
        "nodes_images": {"gateway": "registry.example.com/talos@sha256:abc"},
    }
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(**values | variables)


def archive(program: str) -> bytes:
    """Return a release's archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("boot-to-talos")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program.encode()))
    return buffer.getvalue()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine that finds a release where it looks for one."""
    for folder in ("bin", "tmp", "served"):
        (tmp_path / folder).mkdir()
    for name, body in COMMANDS.items():
        command = tmp_path / "bin" / name
        command.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        command.chmod(0o755)
    content = archive(BOOT_TO_TALOS)
    (tmp_path / "served" / ARCHIVE).write_bytes(content)
    line = f"{hashlib.sha256(content).hexdigest()}  {ARCHIVE}\n"
    (tmp_path / "served" / "boot-to-talos-checksums.txt").write_text(f"0123  other.tar.gz\n{line}", encoding="utf-8")
    return Machine(tmp_path)


def test_the_disk_is_written_with_every_question_answered(machine: Machine) -> None:
    done = machine.run()

    assert done.returncode == 0, done.stdout + done.stderr
    command, *answers = machine.noted("record")
    assert command == "-mode install -image registry.example.com/talos@sha256:abc -disk /dev/nvme0n1"
    assert answers == ["no", "no", "no", "yes"]


def test_the_way_out_leads_through_the_bastion_before_anything_is_fetched(machine: Machine) -> None:
    (machine.here / "served" / ARCHIVE).unlink()

    machine.run()

    assert machine.noted("route") == ["route replace default via 192.0.2.100"]


@pytest.mark.parametrize("given", [True, False])
def test_another_archive_than_expected_is_not_executed(machine: Machine, given: bool) -> None:
    (machine.here / "served" / ARCHIVE).write_bytes(archive("#!/bin/sh\n# something else\n"))

    done = machine.run(nodes_boot_to_talos_sha256="0" * 64 if given else "")

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(f"urmanac.talos: FAILED: SHA-256 of {ARCHIVE} is ")
    assert machine.noted("record") == []


def test_a_given_checksum_needs_no_list(machine: Machine) -> None:
    content = (machine.here / "served" / ARCHIVE).read_bytes()

    done = machine.run(nodes_boot_to_talos_sha256=hashlib.sha256(content).hexdigest())

    assert done.returncode == 0
    assert [url.rpartition("/")[2] for url in machine.noted("fetched")] == [ARCHIVE]


def test_a_download_is_tried_again_ever_more_slowly_and_then_given_up(machine: Machine) -> None:
    (machine.here / "served" / ARCHIVE).unlink()

    done = machine.run()

    assert done.returncode == 1
    assert machine.noted("sleeps") == ["5", "10"]
    assert done.stdout.splitlines()[-1].endswith(f"{ARCHIVE} could not be fetched in 3 attempts")


def test_a_list_without_the_archive_is_no_checksum(machine: Machine) -> None:
    (machine.here / "served" / "boot-to-talos-checksums.txt").write_text("0123  other.tar.gz\n", encoding="utf-8")

    done = machine.run()

    assert done.returncode == 1
    assert "FAILED: no SHA-256" in done.stdout.splitlines()[-1]


def test_a_failure_of_boot_to_talos_is_the_last_line(machine: Machine) -> None:
    done = machine.run(status=7)

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "urmanac.talos: FAILED: boot-to-talos ended with exit status 7"


def test_the_disk_of_an_unusual_root_is_not_guessed(machine: Machine) -> None:
    (machine.here / "bin" / "lsblk").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")

    done = machine.run()

    assert done.returncode == 1
    assert "FAILED: the disk of the root file system was not found" in done.stdout
    assert machine.noted("record") == []


@pytest.mark.parametrize("url", ["http://192.0.2.1/$(touch pwned)", "http://192.0.2.1/'; touch pwned; '"])
def test_values_reach_the_shell_as_text(machine: Machine, url: str) -> None:
    machine.run(nodes_boot_to_talos_url=url)

    assert not list(machine.here.rglob("pwned"))
