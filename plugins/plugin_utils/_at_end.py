# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does at its very end, however it ends. Private to urmanac.talos: may change at any time.

A playbook has no such place: a failed task ends all plays, C(always) does not catch a host that cannot be reached, and
tags leave plays out. The process of ansible-playbook has one; only a run that is killed does not come to it.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable

_MOST = 65536


class AtEnd:
    """Calls C(act) at the end of the process in which it is made, with each text that its children have noted."""

    def __init__(self, act: Callable[[str], None]) -> None:
        self._act = act
        self._process = os.getpid()
        # Nothing is written to a disk: a text may hold credentials.
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        atexit.register(self.end)

    def note(self, text: str) -> None:
        """Have a text acted on, which has no line breaks."""
        os.write(self._write, f"{text}\n".encode())

    def end(self) -> None:
        """Act on all that was noted, in the process that this was made in and not in its children."""
        if os.getpid() != self._process:
            return
        try:
            texts = os.read(self._read, _MOST).decode().splitlines()
        except BlockingIOError:
            return
        for text in texts:
            self._try(text)

    def _try(self, text: str) -> None:
        try:
            self._act(text)
        except Exception as error:
            # The run has ended: what it came to does not change any more.
            sys.stderr.write(f"[WARNING]: {error}\n")
