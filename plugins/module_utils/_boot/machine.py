# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine: the only place that reads its files, runs commands and downloads files.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from .._errors import CollectionError
from .._oci.image import Image
from .._oci.inquiry import Inquiry, look_up_one
from .._text import received
from . import plan, release, start
from .facts import Facts, read_facts

# In memory, because the disk is overwritten while the program runs.
FOLDER = "run/urmanac.talos"
LOOK_SECONDS = 60.0
Command = Callable[[Sequence[str]], None]


def run_command(command: Sequence[str]) -> None:
    """Run a short command; processes that it starts continue."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CollectionError(f"Failed to run {command[0]}: {error}. Install it.", code="COMMAND_FAILED") from error
    if done.returncode:
        text = received(done.stderr.decode("utf-8", errors="replace").strip())
        raise CollectionError(
            f"Failed to run {' '.join(command)}: {text or f'exit status {done.returncode}'}.", code="COMMAND_FAILED"
        )


class Machine:
    """The machine whose root file system is a directory: / except in tests."""

    def __init__(self, root: Path, source: release.Source, *, run: Command = run_command) -> None:
        self.root, self.folder = root, root / FOLDER
        self._source, self._run = source, run

    def facts(self) -> Facts:
        """Return its facts."""
        return read_facts(self.root)

    def look(self, image: str, architecture: str) -> Image:
        """Return the image from its registry as seen from the machine, without a login, as boot-to-talos has none."""
        inquiry = Inquiry(f"linux/{architecture}", {}, (), {}, LOOK_SECONDS, self._source.rounds)
        return look_up_one(image, inquiry)

    def run(self) -> start.Run:
        """Return the state of boot-to-talos."""
        return start.read_run(self.folder, self.is_alive)

    def prepare(self, *, architecture: str, sha256: str, image: plan.Image, image_sha256: str) -> None:
        """Fetch and verify the program, and the image if it must be a file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.folder.is_mount():
            self._run(["mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(self.folder)])
        for name in (start.LOG, start.STATUS, start.PROCESS):
            with contextlib.suppress(FileNotFoundError):
                (self.folder / name).unlink()
        release.fetch_program(self.folder, self._source, architecture=architecture, sha256=sha256)
        if image.is_remote:
            target = self.folder / image.file
            release.fetch_url(image.text, target, rounds=self._source.rounds, sleep=self._source.sleep)
            if image_sha256:
                release.verify(target, image_sha256, by="the option image_sha256")

    def start(self, command: Sequence[str], answers: Sequence[str], *, raw: bool) -> None:
        """Start the program detached from the connection."""
        starter = self.folder / start.STARTER
        starter.write_text(start.script(self.folder, self.root, command, answers, raw=raw), encoding="utf-8")
        if (self.root / "run/systemd/system").is_dir():
            # Detached from the session and the control group of the connection, which may end with it.
            self._run(["systemd-run", "--quiet", "--collect", f"--unit={start.UNIT}", "/bin/sh", str(starter)])
        else:
            nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
            command_line = ["/bin/sh", str(starter)]
            os.posix_spawn(command_line[0], command_line, os.environ, file_actions=nowhere, setsid=True)

    def is_alive(self, process: int) -> bool:
        """Return whether the process is the shell that runs the program: a dead one has no command line."""
        try:
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return str(self.folder / start.STARTER).encode() in words
