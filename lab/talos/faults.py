# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what can go wrong with a node, switched on by a test or by the lab's admin interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class Switches:
    """Faults that are switched on and off by their names."""

    def update(self, wanted: Mapping[str, Any]) -> None:
        known = {field.name for field in fields(self)} - {"on_call"}
        unknown = set(wanted) - known
        if unknown:
            raise ValueError(f"Unknown faults: {', '.join(sorted(unknown))}. Known are {', '.join(sorted(known))}.")
        for name, value in wanted.items():
            setattr(self, name, value)


@dataclass
class Faults(Switches):
    """The faults of one node; all off by default."""

    # The configuration is taken, but the connection goes before the reply; once.
    cut_after_apply: bool = False
    # Seconds that every reply takes longer.
    delay: float = 0
    # Seconds that the node's clock is ahead (negative: behind); its time does not count as set then.
    clock_offset: float = 0
    # The node does not come back from its next reboot.
    never_returns: bool = False
    # The connection goes after this many more calls were carried out; once.
    kill_after: int | None = None
    # The clock never gets set.
    time_unsynced: bool = False
    # Another apply is always in progress.
    apply_busy: bool = False
    # Called with the name of every call after it was carried out and before it is answered.
    on_call: Callable[[str], None] | None = None

    def cuts_reply(self, call: str, *, is_dry_run: bool = False) -> bool:
        """Count the call that was just carried out; return whether its connection is closed instead of the reply."""
        if self.on_call:
            self.on_call(call)
        if call == "ApplyConfiguration" and self.cut_after_apply and not is_dry_run:
            self.cut_after_apply = False
            return True
        if self.kill_after is None:
            return False
        self.kill_after -= 1
        if self.kill_after > 0:
            return False
        self.kill_after = None
        return True
