# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user-data of a node, executed with fakes of every command that would reach out or change the machine."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.texts import COMMAND_LINE_MAX, USER_DATA_MAX
from tests.boot_script import render
from tests.shell_programs import program

ARCHIVE = "boot-to-talos-linux-arm64.tar.gz"
CHECKSUMS = "boot-to-talos-checksums.txt"
DIGEST = f"sha256:{'a' * 64}"
CONFIG = f"sha256:{'c' * 64}"
IMAGE = f"ghcr.io/urmanac/talos@{DIGEST}"
CACHED = f"192.0.2.100:5054/urmanac/talos@{DIGEST}"
# Documentation addresses are not private; the machine asks for images over http, as in a VPC.
REPOSITORY = "http://192.0.2.100:5054/v2/urmanac/talos"
RAW = "https://factory.example.com/image/v1.13.0/metal-arm64.raw.xz"
BOOT_TO_TALOS = '#!/bin/sh\n{ echo "$@"; cat; } > "$RECORD"\nexit "${STATUS:-0}"\n'
# Only these are the computer's own. Nothing that could reboot, mount or write a disk can be found.
TOOLS = (
    *("awk", "cat", "cp", "cut", "grep", "gzip", "mktemp", "od", "printf", "sed", "sh", "sha256sum", "sort", "tar"),
    *("tr",),
)
COMMANDS = {
    "curl": """
        while [ $# -gt 0 ]; do
            case $1 in
                --output) file=$2; shift ;;
                --header | --write-out | --connect-timeout | --max-time) shift ;;
                --*) ;;
                *) url=$1 ;;
            esac
            shift
        done
        echo "$url" >>"$HERE/fetched"
        if cp "$HERE/served/${url##*/}" "$file" 2>/dev/null; then printf 200; else cat "$HERE/missing"; fi""",
    "dd": 'echo "$(cat) $@" >"$HERE/sysrq"',
    "findmnt": "echo /dev/nvme0n1p1",
    "id": "echo ${LAB_UID:-0}",
    "ip": 'echo "$@" >"$HERE/route"',
    "lsblk": "echo nvme0n1p1 part; echo nvme0n1 disk",
    "modprobe": "exit ${MODPROBE:-0}",
    "mount": 'echo "$@" >"$HERE/mounted"',
    "reboot": 'echo "$@" >"$HERE/rebooted"',
    "sleep": 'echo "$@" >>"$HERE/sleeps"',
    "uname": "echo ${MACHINE:-aarch64}",
}


@dataclass(frozen=True)
class Machine:
    """A folder with the fakes and what they noted."""

    here: Path

    def run(
        self, image: str = IMAGE, *, environment: dict[str, str] | None = None, **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Render the template and execute it."""
        place = str(self.here).lstrip("/")
        names = {"secure_boot": "SecureBoot", "lockdown": "lockdown", "loop_control": "loop-control", "sysrq": "sysrq"}
        plan = {key: f"{place}/{name}" for key, name in names.items()}
        if image == IMAGE:
            plan |= {"repository_url": REPOSITORY, "reference": DIGEST}
        script = self.here / "user-data"
        caches = {"ghcr.io": "192.0.2.100:5054"}
        script.write_text(render(image, caches=caches, plan=plan, **variables), encoding="utf-8")
        given = {"PATH": str(self.here / "bin"), "TMPDIR": str(self.here / "tmp"), "HERE": str(self.here)}
        return subprocess.run(
            ["/bin/sh", str(script)],
            cwd=self.here,
            env={**given, "RECORD": str(self.here / "record"), **(environment or {})},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def noted(self, name: str) -> list[str]:
        """Return the lines that a fake noted."""
        path = self.here / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def serve(self, name: str, content: str | bytes) -> None:
        """Have a file fetched by the last part of its address."""
        data = content if isinstance(content, bytes) else content.encode()
        (self.here / "served" / name).write_bytes(data)

    def serve_image(self, *, architecture: str = "arm64", layers: int = 90_000_000) -> None:
        """Have the image's manifest and configuration in the registry."""
        manifest = {"config": {"digest": CONFIG, "size": 512}, "layers": [{"digest": "sha256:1", "size": layers}]}
        self.serve(DIGEST, json.dumps(manifest, indent=3))
        self.serve(CONFIG, json.dumps({"os": "linux", "architecture": architecture}))


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
    """Give a machine that finds a release and an image where it looks for them."""
    for folder in ("bin", "tmp", "served"):
        (tmp_path / folder).mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name, path="/usr/bin:/bin") or "/bin/false")
    for name, body in COMMANDS.items():
        program(tmp_path / "bin" / name, body)
    (tmp_path / "missing").write_text("404", encoding="utf-8")
    made = Machine(tmp_path)
    content = archive(BOOT_TO_TALOS)
    made.serve(ARCHIVE, content)
    made.serve(CHECKSUMS, f"0123  other.tar.gz\n{hashlib.sha256(content).hexdigest()}  {ARCHIVE}\n")
    made.serve_image()
    return made


def failures(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the reason that the script gives for its failure."""
    sign = "urmanac.talos: FAILED: "
    return [line.removeprefix(sign) for line in done.stdout.splitlines() if line.startswith(sign)]


def test_the_disk_is_written_with_every_question_answered(machine: Machine) -> None:
    done = machine.run()

    assert done.returncode == 0, done.stdout + done.stderr
    command, *answers = machine.noted("record")
    assert command == f"-mode install -image {CACHED} -disk /dev/nvme0n1"
    assert answers == ["no", "no", "no", "yes"]


def test_a_machine_that_boot_to_talos_did_not_reboot_is_rebooted(machine: Machine) -> None:
    machine.run()

    assert machine.noted("rebooted") == ["-f"]


def test_the_way_out_leads_through_the_bastion_before_anything_is_fetched(machine: Machine) -> None:
    (machine.here / "served" / DIGEST).unlink()

    machine.run()

    assert machine.noted("route") == ["route replace default via 192.0.2.100"]


@pytest.mark.parametrize("given", [True, False])
def test_another_archive_than_expected_is_not_executed(machine: Machine, given: bool) -> None:
    machine.serve(ARCHIVE, archive("#!/bin/sh\n# something else\n"))

    done = machine.run(nodes_boot_to_talos_sha256="0" * 64 if given else "")

    assert done.returncode == 1
    assert failures(done)[0].startswith(f"SHA-256 of {ARCHIVE} is ")
    assert machine.noted("record") == []


@pytest.mark.parametrize("spelling", [str.lower, str.upper], ids=["lower case", "upper case"])
def test_a_given_checksum_needs_no_list(machine: Machine, spelling: Callable[[str], str]) -> None:
    content = (machine.here / "served" / ARCHIVE).read_bytes()

    done = machine.run(nodes_boot_to_talos_sha256=spelling(hashlib.sha256(content).hexdigest()))

    assert done.returncode == 0
    assert not [url for url in machine.noted("fetched") if url.endswith(CHECKSUMS)]


def test_the_bastion_is_asked_first_and_the_release_next(machine: Machine) -> None:
    (machine.here / "served" / ARCHIVE).unlink()

    machine.run(nodes_download_attempts=1)

    assert [url for url in machine.noted("fetched") if url.endswith(ARCHIVE)] == [
        f"http://192.0.2.100:8081/boot-to-talos/{ARCHIVE}",
        f"https://github.com/cozystack/boot-to-talos/releases/download/v0.7.1/{ARCHIVE}",
    ]


def test_a_download_is_tried_again_ever_more_slowly_and_then_given_up(machine: Machine) -> None:
    (machine.here / "served" / ARCHIVE).unlink()

    done = machine.run()

    assert done.returncode == 1
    assert machine.noted("sleeps") == ["5", "10"]
    assert failures(done) == [f"{ARCHIVE} could not be fetched in 3 rounds"]


def test_a_list_without_the_archive_is_not_a_checksum(machine: Machine) -> None:
    machine.serve(CHECKSUMS, "0123  other.tar.gz\n")

    done = machine.run()

    assert failures(done) == [f"no SHA-256 of {ARCHIVE}: neither given nor in {CHECKSUMS}"]


def test_a_failure_of_boot_to_talos_is_the_last_line(machine: Machine) -> None:
    done = machine.run(environment={"STATUS": "7"})

    assert done.stdout.splitlines()[-1] == "urmanac.talos: FAILED: boot-to-talos ended with exit status 7"


def test_everything_that_is_wrong_with_a_machine_is_reported_at_once(machine: Machine) -> None:
    (machine.here / "SecureBoot").write_bytes(b"\x06\0\0\0\1")
    (machine.here / "bin" / "lsblk").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")

    done = machine.run(environment={"LAB_UID": "1000", "MACHINE": "x86_64", "MODPROBE": "1"})

    assert failures(done) == [
        "this script does not run as root",
        "this machine is x86_64, the image is for aarch64. Choose another instance type.",
        "Secure Boot is on, and the firmware would refuse Talos. Choose an AMI without UEFI keys.",
        "the kernel has no loop devices",
        "the disk of the root file system was not found",
    ]
    assert done.returncode == 1
    assert machine.noted("record") == []


def test_a_root_on_several_disks_is_not_guessed(machine: Machine) -> None:
    (machine.here / "bin" / "lsblk").write_text("#!/bin/sh\necho sda disk; echo sdb disk\n", encoding="utf-8")

    assert failures(machine.run()) == ["the root file system is on more than one disk: sda sdb "]


def test_a_missing_image_is_reported_before_anything_else_is_fetched(machine: Machine) -> None:
    (machine.here / "served" / DIGEST).unlink()

    done = machine.run()

    assert failures(done) == [f"the image {CACHED} does not exist. Correct its name, tag or digest."]
    assert machine.noted("fetched") == [f"{REPOSITORY}/manifests/{DIGEST}"]


def test_a_registry_that_does_not_answer_is_asked_again(machine: Machine) -> None:
    (machine.here / "served" / DIGEST).unlink()
    (machine.here / "missing").write_text("000", encoding="utf-8")

    done = machine.run()

    assert "could not be asked for the image in 3 rounds" in failures(done)[0]
    assert machine.noted("sleeps") == ["5", "10"]


def test_a_cache_that_hides_what_its_registry_said_is_named_with_both_causes(machine: Machine) -> None:
    (machine.here / "served" / DIGEST).unlink()
    (machine.here / "missing").write_text("500", encoding="utf-8")

    (failure,) = failures(machine.run())

    assert f"does not have the image {CACHED} or cannot reach its upstream (HTTP status 500)" in failure
    assert machine.noted("sleeps") == ["5", "10"]


def test_an_index_is_refused_because_its_amd64_image_would_be_taken(machine: Machine) -> None:
    machine.serve(DIGEST, json.dumps({"manifests": [{"platform": {"architecture": "arm64"}}]}, indent=1))

    assert "is an index of several platforms" in failures(machine.run())[0]


def test_an_image_for_another_architecture_is_refused(machine: Machine) -> None:
    machine.serve_image(architecture="amd64")

    assert "is for amd64, this machine is arm64" in failures(machine.run())[0]


def test_an_image_that_does_not_fit_into_the_memory_is_refused(machine: Machine) -> None:
    machine.serve_image(layers=4_000_000_000_000)

    assert "the image needs about 11444091 MiB of memory, and a tmpfs holds" in failures(machine.run())[0]


def test_a_disk_image_is_unpacked_from_a_file_in_memory_after_linux_stopped_writing(machine: Machine) -> None:
    machine.serve("metal-arm64.raw.xz", "a disk")

    done = machine.run(RAW)

    assert done.returncode == 0, done.stdout + done.stderr
    folder = machine.noted("mounted")[0].removeprefix("-t tmpfs tmpfs ")
    assert machine.noted("record")[0] == f"-mode install -image {folder}/talos.raw.xz -disk /dev/nvme0n1"
    assert machine.noted("sysrq") == [f"u of={machine.here}/sysrq"]


def test_a_disk_image_has_the_sha256_that_is_given(machine: Machine) -> None:
    machine.serve("metal-arm64.raw.xz", "another disk")

    done = machine.run(RAW, nodes_image_sha256={"gateway": "0" * 64})

    assert failures(done)[0].startswith("SHA-256 of talos.raw.xz is ")
    assert machine.noted("record") == []


def test_kernel_arguments_are_passed_on_as_they_are(machine: Machine) -> None:
    machine.run(cluster_nodes_extra_kernel_args=["console=ttyS0", "x=a b"])

    assert machine.noted("record")[0].endswith(" -extra-kernel-arg console=ttyS0 -extra-kernel-arg x=a b")


@pytest.mark.parametrize("url", ["http://192.0.2.1/$(touch pwned)", "http://192.0.2.1/'; touch pwned; '"])
def test_values_reach_the_shell_as_text(machine: Machine, url: str) -> None:
    machine.run(nodes_boot_to_talos_url=url)

    assert not list(machine.here.rglob("pwned"))


@pytest.mark.parametrize("image", [IMAGE, RAW])
def test_the_script_fits_into_user_data_without_being_packed(image: str) -> None:
    script = render(image, caches={"ghcr.io": "10.10.0.100:5054"})

    assert len(script.encode()) < 12 * 1024


def test_the_script_with_the_longest_command_line_and_image_fits_into_user_data() -> None:
    arguments = [f"argument{number:03}={'x' * 51}" for number in range(COMMAND_LINE_MAX // 64)]
    image = f"registry.example.com/{'x' * 234}@{DIGEST}"

    script = render(image, caches={}, cluster_nodes_extra_kernel_args=arguments, nodes_console="x" * 255)

    assert len(script.encode()) <= USER_DATA_MAX
