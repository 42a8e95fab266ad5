# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the lab's command line: python -m lab."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  said here, before an import fails in a way nobody understands
    sys.exit("The lab needs Python 3.11 or newer; this is " + sys.version.split()[0])

from lab.cli import main

sys.exit(main())
