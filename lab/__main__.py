# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the lab's command line: python -m lab."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  said here, before an import fails in a way that is hard to understand
    sys.exit("The lab needs Python 3.11 or newer; this is " + sys.version.split()[0])

from lab.cli import main

sys.exit(main())
