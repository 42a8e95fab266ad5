# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection relies on of boot-to-talos, and the lab's simulation of it, held against the real program.

It erases disks, so it is executed only with words at which it ends while it reads its flags, and without any right.
Everything else is looked for in the program's file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot import failures, upstream
from lab.settings import REPOSITORY
from tests.peers.conftest import Outcome

SIMULATED = REPOSITORY / "lab" / "machine" / "boot_to_talos.py"
# Where an ELF file says for which machine it is.
ELF_MACHINES = {"x86_64": b"\x3e\0", "aarch64": b"\xb7\0"}
TIME = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", re.MULTILINE)
HARMLESS = [
    pytest.param(["-help"], id="help"),
    pytest.param(["--help"], id="two dashes"),
    pytest.param(["-config", "x"], id="unknown flag"),
    pytest.param(["-disk"], id="no value"),
    pytest.param(["-image-size-gib", "x"], id="no number"),
    pytest.param(["-yes=maybe"], id="no boolean"),
    pytest.param(["-mode", "fly"], id="unknown mode"),
]
QUESTIONS = (
    *(upstream.NETWORK_QUESTION, upstream.CONSOLE_QUESTION, upstream.CONTINUE_QUESTION, upstream.SECURE_BOOT_QUESTION),
    *upstream.OTHER_QUESTIONS,
)
LINES = (
    *upstream.PROGRESS_CONTAINER,
    *upstream.PROGRESS_RAW,
    *upstream.BEGUN,
    upstream.REBOOTING,
    upstream.EFI_WARNING,
)

Run = Callable[[list[str]], Outcome]


def is_harmless(arguments: list[str]) -> bool:
    """Return whether the real program ends at these words before it does anything."""
    return arguments in [case.values[0] for case in HARMLESS]


@pytest.fixture(scope="session")
def real(boot_to_talos: Path) -> Iterator[Run]:
    """Give a function that executes the real program with harmless words, without privileges."""
    if boot_to_talos.read_bytes()[18:20] != ELF_MACHINES[os.uname().machine]:
        pytest.skip(f"{boot_to_talos} is for another architecture, so that only its texts are compared")
    with tempfile.TemporaryDirectory() as folder:
        # No one cannot look into the folders of tests.
        Path(folder).chmod(0o755)
        program = shutil.copy(boot_to_talos, folder)
        Path(program).chmod(0o755)

        def run(arguments: list[str]) -> Outcome:
            assert is_harmless(arguments), "only words at which it ends at once"
            return executed([*no_rights(), program, *arguments], program)

        yield run


def no_rights() -> list[str]:
    """Return what takes all rights from a command: root becomes an unprivileged user."""
    if os.geteuid() != 0:
        return ["setpriv", "--no-new-privs"]
    no_one = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    return ["setpriv", *no_one, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]


def executed(command: list[str], program: str) -> Outcome:
    """Return how a command ended, with its own name and the time taken out of what it said."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"PATH": "/usr/bin"},
    )
    return Outcome(done.returncode, done.stdout, TIME.sub("", done.stderr).replace(program, "PROGRAM"))


@pytest.fixture(scope="session")
def texts(boot_to_talos: Path) -> bytes:
    """Give the content of the real program, in which all that it can say is to be found."""
    return boot_to_talos.read_bytes()


def test_its_flags_are_the_ones_that_the_collection_knows(real: Run) -> None:
    usage = real(["-help"]).errors

    for flag in upstream.FLAGS:
        default = f" (default {_quoted(flag)})" if flag.default else ""
        assert f"  -{flag.name}{' ' if flag.kind else ''}{flag.kind}\n    \t{flag.usage}{default}\n" in usage
    assert re.findall(r"^  -([\w-]+)", usage, re.MULTILINE) == [flag.name for flag in upstream.FLAGS]


def _quoted(flag: upstream.Flag) -> str:
    return f'"{flag.default}"' if flag.kind == "string" else flag.default


@pytest.mark.parametrize("arguments", HARMLESS)
def test_the_simulated_of_the_lab_answers_as_it_does(real: Run, arguments: list[str]) -> None:
    simulated = executed([sys.executable, "-IS", str(SIMULATED), *arguments], str(SIMULATED))

    assert simulated == real(arguments)


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_asks_the_questions_that_the_collection_answers(texts: bytes, question: str) -> None:
    assert question.encode() in texts


@pytest.mark.parametrize("line", sorted(set(LINES)))
def test_it_says_the_lines_by_which_its_progress_is_known(texts: bytes, line: str) -> None:
    assert line.encode() in texts


@pytest.mark.parametrize("sign", sorted({kind.signs[0].rstrip(": ") for kind in failures.KINDS if kind.signs[0]}))
def test_it_says_the_lines_by_which_its_failures_are_known(texts: bytes, sign: str) -> None:
    assert sign.encode() in texts


@pytest.mark.parametrize("text", ["expected .iso, .raw, .raw.xz, .raw.zst", upstream.SECURE_BOOT.rpartition("/")[0]])
def test_it_has_the_other_texts_that_the_collection_relies_on(texts: bytes, text: str) -> None:
    assert text.encode() in texts


def test_its_file_reports_what_it_was_built(texts: bytes) -> None:
    assert upstream.BUILD_LINE in texts


def test_the_simulated_says_what_the_collection_waits_for() -> None:
    source = SIMULATED.read_text(encoding="utf-8")

    for line in set(LINES) - {upstream.EFI_WARNING}:
        for part in filter(None, re.split(r"%[\w04]*[sdvX]", line)):
            assert part in source, line
    for question in (*QUESTIONS[:5], "Talos installer image"):
        assert question in source, question
