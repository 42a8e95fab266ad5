# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replay the record of an acceptance run in a lab and list the differences: python -m tests.recorded FILE."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from lab.settings import REPOSITORY

sys.path.append(str(REPOSITORY / "playbooks" / "collections"))

from tests.aws.reports import read
from tests.lab.labs import running_lab
from tests.recorded.player import Player, exclusions, listed


def main() -> int:
    """Return 0 if the lab answers as it was recorded."""
    parser = argparse.ArgumentParser("python -m tests.recorded", description=__doc__)
    parser.add_argument("file", type=Path, help="the report of `make test-aws`")
    parser.add_argument("--patience", type=float, default=5, help="seconds to wait for what a reading reads")
    options = parser.parse_args()
    report = read(options.file)
    print("\n".join(report["summary"]))
    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder)) as lab:
        lines = listed(Player(lab.client, report["record"], patience=options.patience).play())
    print("\n".join(lines) or "No difference.")
    print(exclusions())
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
