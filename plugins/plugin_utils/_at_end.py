# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions at the end of a run, in any case. Private to urmanac.talos: may change at any time.

A playbook cannot do this: a failed task ends all plays, C(always) does not catch unreachable hosts, and tags skip some
plays. The process of ansible-playbook can, unless it is killed.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable

_MOST = 65536


class AtEnd:
    """Calls C(act) at the end of the process that creates it, with each text that its children added."""

    def __init__(self, act: Callable[[str], None]) -> None:
        self._act = act
        self._process = os.getpid()
        # Nothing is written to disk: a text may contain credentials.
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        atexit.register(self.end)

    def note(self, text: str) -> None:
        """Add a text without line breaks."""
        os.write(self._write, f"{text}\n".encode())

    def end(self) -> None:
        """Act on all added texts, in the creating process only, not in its children."""
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
            # The run has ended: its result does not change any more.
            sys.stderr.write(f"[WARNING]: {error}\n")
