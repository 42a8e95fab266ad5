# SPDX-License-Identifier: GPL-3.0-or-later
"""The first process of a machine: runs the user-data, and lives on while anything that it started lives."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def main(script: str) -> int:
    with contextlib.suppress(OSError, AttributeError):  # without a process namespace orphans would go elsewhere
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    root = os.environ["LAB_ROOT"]
    with contextlib.suppress(OSError):
        os.chdir(f"{root}/root")
    pid = os.fork()
    if pid == 0:
        _run(script)
    while True:
        try:
            ended, status = os.wait()
        except ChildProcessError:
            return 0
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            print(f"[lab, simulated] cloud-init: user-data ended with exit code {code}", flush=True)
            Path(f"{root}/run/lab/exit").write_text(f"{code}\n", encoding="utf-8")


def _run(script: str) -> None:
    try:
        os.execv(script, [script])  # noqa: S606  the user-data itself
    except OSError as error:
        print(f"[lab, simulated] cloud-init: the user-data cannot be run: {error}", flush=True)
        os._exit(126)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
