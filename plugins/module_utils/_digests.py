# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of SHA-256 digests. Private to urmanac.talos: may change at any time.

Runs on the machine to be replaced as well: Python 3.9, standard library only.
"""

from __future__ import annotations

import re

# As in references of images, where upper case is an error.
SHA256_DIGEST = r"sha256:[0-9a-f]{64}"
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


def is_sha256(text: str) -> bool:
    """Return whether a text is a checksum as users and lists of checksums write it, in lower or upper case."""
    return _SHA256.fullmatch(text) is not None
