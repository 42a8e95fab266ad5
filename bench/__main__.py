# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print one line of JSON per figure: python -m bench [--repetitions N] [NAME...].

A figure that misses its goal, or could not be measured, is marked. It is not a failure, because a busy machine can
cause it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bench
from bench.measure import CannotRun

PREFIX = "figure_"


def names() -> list[str]:
    """Return the names of all that can be measured."""
    modules = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(name.removeprefix(PREFIX) for name in modules if name.startswith(PREFIX))


def lines(name: str, *, repetitions: int) -> Iterator[dict[str, object]]:
    """Yield the figures that one module measures, or why it could not."""
    module = importlib.import_module(f"bench.{PREFIX}{name}")
    with tempfile.TemporaryDirectory(prefix="urmanac-talos-bench-") as directory:
        try:
            for figure in module.figures(Path(directory), repetitions=repetitions):
                yield figure._asdict()
        except CannotRun as reason:
            yield {"figure": name, "skipped": str(reason)}


def main() -> None:
    """Measure the figures of the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Performance figures as ratios to peers.")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names()):
        parser.error(f"cannot measure {', '.join(sorted(unknown))}; there is {', '.join(names())}")
    # So that a bench that gets a signal ends its lab and its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    missed = skipped = 0
    for name in arguments.names or names():
        for line in lines(name, repetitions=arguments.repetitions):
            print(json.dumps(line), flush=True)
            skipped += "skipped" in line
            missed += line.get("met") is False
    print(f"bench: {missed} goals missed, {skipped} figures not measured", file=sys.stderr)


if __name__ == "__main__":
    main()
