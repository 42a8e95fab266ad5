# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against a scratch root: a registry, a release and boot-to-talos are simulated by the lab on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot import start
from ansible_collections.urmanac.talos.plugins.module_utils._boot.facts import Facts
from ansible_collections.urmanac.talos.plugins.module_utils._boot.machine import Machine
from ansible_collections.urmanac.talos.plugins.module_utils._boot.release import Source
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from ansible_collections.urmanac.talos.plugins.module_utils._findings import FIELDS
from ansible_collections.urmanac.talos.plugins.modules import boot_to_talos
from ansible_collections.urmanac.talos.plugins.modules.boot_to_talos import Outcome, as_result, ensure_boot, problem_of
from lab.assets import make_archive, write_assets
from lab.registry.server import Registry
from tests.ec2_cluster import run_module
from tests.graviton import GRAVITON
from tests.http_servers import files, serving
from tests.shell_programs import program

ARCHIVE = "boot-to-talos-linux-arm64.tar.gz"


class Graviton(Machine):
    """A machine in a scratch root that claims to be a Graviton. It mounts nothing, and never waits."""

    def __init__(self, root: Path, url: str) -> None:
        self.ran: list[Sequence[str]] = []
        self.known = GRAVITON
        super().__init__(root, Source([url], 2, lambda _seconds: None), run=self.ran.append)

    def facts(self) -> Facts:
        return self.known

    def stop(self) -> None:
        """End what was started, as a power failure would."""
        process = start.process_of(self.folder)
        if process and self.is_alive(process):
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """Give the files of a release."""
    write_assets(tmp_path / "assets")
    return tmp_path / "assets"


@pytest.fixture
def url(assets: Path) -> Iterator[str]:
    """Give the address of a server with the release."""
    with serving(files(assets)) as address:
        yield address


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Give a registry with an image for arm64, one for amd64 and one for both."""
    made = Registry("127.0.0.1", 0)
    for name, platforms in (("arm64", ["linux/arm64"]), ("amd64", ["linux/amd64"]), ("both", None)):
        made.store.add_image(f"urmanac/{name}", "v1", *([platforms] if platforms else []))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def machine(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Graviton]:
    """Give a machine with the lab's boot-to-talos, and end its processes afterwards."""
    root = tmp_path / "root"
    for name in ("run/lab", "dev", "proc", "bin"):
        (root / name).mkdir(parents=True)
    for name in ("dev/nvme0n1", "dev/loop-control", "dev/console", "proc/sysrq-trigger"):
        (root / name).touch()
    python = program(root / "bin" / "lab-python", f'exec {sys.executable} -IS "$@"')
    monkeypatch.setenv("PATH", f"{python.parent}:/usr/bin:/bin")
    monkeypatch.setenv("LAB_ROOT", str(root))
    made = Graviton(root, url)
    yield made
    made.stop()


@pytest.fixture
def boot(machine: Graviton, registry: Registry) -> Callable[..., Outcome]:
    """Return a function that runs the module's work on the machine."""

    def run(image: str = "arm64:v1", *, check_mode: bool = False, **given: Any) -> Outcome:
        params = {**OPTIONS, "image": f"{registry.host}/urmanac/{image}", **given}
        return ensure_boot(machine, boot_to_talos.request_of(params), params, check_mode=check_mode)

    return run


OPTIONS: dict[str, Any] = {name: spec.get("default") for name, spec in boot_to_talos.ARGUMENT_SPEC.items()}


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_it_begins_and_outlives_the_call_until_the_machine_reboots(
    boot: Callable[..., Outcome], machine: Graviton, registry: Registry
) -> None:
    outcome = boot()

    assert (outcome.state, outcome.changed, problem_of(outcome)) == ("began", True, "")
    eventually(lambda: "rebooting system" in "\n".join(machine.run().lines))
    assert "image 127.0.0.1" in (machine.root / "dev/nvme0n1").read_text(encoding="utf-8")
    assert (machine.root / "run/lab/reboot").read_text(encoding="utf-8") == f"talos {registry.host}/urmanac/arm64:v1"
    assert "Extra kernel args: (none)" in "\n".join(machine.run().lines)
    eventually(lambda: "rebooting system" in (machine.root / "dev/console").read_text(encoding="utf-8"))


def test_a_run_that_is_under_way_is_left_alone(boot: Callable[..., Outcome], machine: Graviton) -> None:
    boot()
    process = start.process_of(machine.folder)

    again = boot()

    assert (again.state, again.changed) == ("began", False)
    assert start.process_of(machine.folder) == process


def test_talos_is_left_alone(boot: Callable[..., Outcome], machine: Graviton) -> None:
    machine.known = GRAVITON._replace(is_talos=True)

    outcome = boot("missing:v1")

    assert (outcome.state, outcome.changed) == ("talos", False)


def test_check_mode_returns_command_and_plan_and_does_nothing(
    boot: Callable[..., Outcome], machine: Graviton, registry: Registry, url: str
) -> None:
    outcome = boot(check_mode=True, urls=[url])
    result = as_result(outcome, {**OPTIONS, "urls": [url]}, machine.folder)

    assert (result["state"], result["changed"]) == ("planned", True)
    assert result["command"] == (
        f"printf '%s\\n' no no no yes | {machine.folder}/boot-to-talos -mode install"
        f" -image {registry.host}/urmanac/arm64:v1 -disk /dev/nvme0n1"
    )
    assert result["plan"]["archive"] == ARCHIVE
    assert result["plan"]["urls"] == [url]
    assert result["plan"]["memory_bytes"] > 0
    assert result["diff"]["before"] == {"system": "Amazon Linux 2023"}
    assert not machine.folder.exists()


@pytest.mark.parametrize(
    ("image", "says"),
    [
        pytest.param(
            "both:v1", "is an index, from which boot-to-talos selects linux/amd64 on every machine", id="index"
        ),
        pytest.param("amd64:v1", "is for linux/amd64, this machine is arm64", id="amd64 only"),
        pytest.param("arm64:v2", "Correct", id="missing"),
    ],
)
def test_an_image_that_cannot_work_is_refused_before_anything_is_fetched(
    boot: Callable[..., Outcome], machine: Graviton, image: str, says: str
) -> None:
    outcome = boot(image)

    assert problem_of(outcome).startswith("Failed to turn this machine into Talos; nothing was changed: ")
    assert says in problem_of(outcome) or outcome.findings[0].code == "IMAGE_NOT_FOUND"
    assert not machine.folder.exists()


def test_everything_that_is_wrong_is_returned_at_once(boot: Callable[..., Outcome], machine: Graviton) -> None:
    machine.known = GRAVITON._replace(user_id=1000, secure_boot=True, has_loop_devices=False)

    codes = [finding.code for finding in boot("amd64:v1").findings]

    assert codes == ["NOT_ROOT", "SECURE_BOOT", "LOOP_DEVICE_MISSING", "IMAGE_NO_SUCH_PLATFORM"]


def test_another_archive_than_its_list_says_is_not_executed(
    boot: Callable[..., Outcome], machine: Graviton, assets: Path
) -> None:
    (assets / ARCHIVE).write_bytes(make_archive(b"#!/bin/sh\n"))

    with pytest.raises(CollectionError, match=rf"Failed to verify {ARCHIVE}: its SHA-256 is .*checksums\.txt"):
        boot()

    assert start.process_of(machine.folder) == 0


def test_a_pinned_sha256_goes_before_the_list(boot: Callable[..., Outcome], assets: Path) -> None:
    (assets / "boot-to-talos-checksums.txt").write_text("no list\n", encoding="utf-8")
    good = hashlib.sha256((assets / ARCHIVE).read_bytes()).hexdigest()

    with pytest.raises(CollectionError, match="the option sha256"):
        boot(sha256="0" * 64)

    assert boot(sha256=good.upper()).state == "began"


@pytest.mark.parametrize("text", [b"0123  other.tar.gz\n", b"\xff\xfe\x00\n"], ids=["of another file", "no text"])
def test_a_list_without_the_archive_is_not_a_checksum(boot: Callable[..., Outcome], assets: Path, text: bytes) -> None:
    (assets / "boot-to-talos-checksums.txt").write_bytes(text)

    with pytest.raises(CollectionError, match=r"has no SHA-256 of it\. Set the option sha256\."):
        boot()


def test_a_release_that_no_place_has_is_reported_with_the_places(
    boot: Callable[..., Outcome], assets: Path, url: str
) -> None:
    (assets / ARCHIVE).unlink()

    with pytest.raises(CollectionError, match=f"Failed to fetch {ARCHIVE} in 2 rounds: {url}"):
        boot()


def test_a_program_that_was_built_from_an_older_release_is_refused(boot: Callable[..., Outcome], assets: Path) -> None:
    old = make_archive(b"\x7fELF...mod\tgithub.com/cozystack/boot-to-talos\tv0.6.1\t\n")
    (assets / ARCHIVE).write_bytes(old)

    with pytest.raises(CollectionError, match=r"it is release v0\.6\.1"):
        boot(sha256=hashlib.sha256(old).hexdigest())


def test_a_failure_line_is_returned_with_what_it_means(boot: Callable[..., Outcome], machine: Graviton) -> None:
    (machine.root / "run/lab/tmpfs-bytes").write_text("10", encoding="utf-8")

    outcome = boot()
    result = as_result(outcome, OPTIONS, machine.folder)

    assert result["failure"]["code"] == "MEMORY_TOO_SMALL"
    assert problem_of(outcome).startswith("Failed to turn this machine into Talos: the tmpfs with the unpacked")
    assert any("no space left on device" in line for line in result["progress"])


def test_after_a_failure_it_starts_again(boot: Callable[..., Outcome], machine: Graviton) -> None:
    (machine.root / "run/lab/tmpfs-bytes").write_text("10", encoding="utf-8")
    boot()
    (machine.root / "run/lab/tmpfs-bytes").unlink()

    again = boot()

    assert (again.state, again.changed, again.failure) == ("began", True, None)


def test_a_program_that_was_killed_is_not_a_run_that_goes_on(boot: Callable[..., Outcome], machine: Graviton) -> None:
    boot()
    machine.stop()

    run = machine.run()

    assert (run.is_running, run.status) == (False, 137)


def test_without_a_default_route_the_questions_are_answered_nevertheless(
    boot: Callable[..., Outcome], machine: Graviton
) -> None:
    machine.known = GRAVITON._replace(has_default_route=False)
    (machine.root / "run/lab/no-default-route").touch()

    assert boot().state == "began"


def test_a_disk_image_is_fetched_verified_and_unpacked_from_its_file(
    boot: Callable[..., Outcome], machine: Graviton, assets: Path, url: str
) -> None:
    (assets / "metal-arm64.raw.xz").write_bytes(b"a disk")
    image = f"{url}/metal-arm64.raw.xz"
    params = {**OPTIONS, "image": image, "image_sha256": hashlib.sha256(b"a disk").hexdigest()}

    with pytest.raises(CollectionError, match=r"Failed to verify talos\.raw\.xz"):
        ensure_boot(machine, boot_to_talos.request_of(params), {**params, "image_sha256": "0" * 64}, check_mode=False)
    outcome = ensure_boot(machine, boot_to_talos.request_of(params), params, check_mode=False)

    assert outcome.state == "began"
    assert outcome.plan
    assert outcome.plan.command[-3:] == (f"{machine.folder}/talos.raw.xz", "-disk", "/dev/nvme0n1")
    assert (machine.root / "proc/sysrq-trigger").read_text(encoding="utf-8") == "u"


def test_with_systemd_it_is_a_unit_of_its_own(boot: Callable[..., Outcome], machine: Graviton) -> None:
    (machine.root / "run/systemd/system").mkdir(parents=True)

    outcome = boot(wait_timeout=0.01)

    assert machine.ran[-1][:3] == ["systemd-run", "--quiet", "--collect"]
    assert (outcome.state, outcome.failure) == ("pulling", None)


def test_the_program_is_kept_in_memory(boot: Callable[..., Outcome], machine: Graviton) -> None:
    boot()

    assert machine.ran == [["mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(machine.folder)]]


def test_the_module_fails_with_all_findings(
    tmp_path: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    main = partial(boot_to_talos.main, str(tmp_path))

    result = run_module(main, capsys, image=f"{registry.host}/urmanac/both:v1", version="0.6.1")

    assert result["failed"]
    assert {"SYSRQ_MISSING", "LOOP_DEVICE_MISSING", "BOOT_TO_TALOS_TOO_OLD", "DISK_UNUSABLE", "IMAGE_INDEX"} <= {
        item["code"] for item in result["findings"]
    }
    assert {tuple(item) for item in result["findings"]} == {FIELDS}
    assert [item["code"] for item in result["problems"]] == [
        item["code"] for item in result["findings"] if item["severity"] == "error"
    ]
    assert result["msg"].count(". ") >= len([item for item in result["findings"] if item["severity"] == "error"])
    json.dumps(result)


def test_the_module_refuses_an_invalid_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_module(partial(boot_to_talos.main, str(tmp_path)), capsys, image="https://example.com/talos.iso")

    assert result["failed"]
    assert "must end in one of .raw" in result["msg"]
