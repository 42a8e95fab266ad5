# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of the API server and of etcd that have one meaning in every message. Private: may change at any time.

The server's answer has them, and the messages of Flux and Helm, which quote it.
"""

from __future__ import annotations

import re
from typing import Final

DATABASE_FULL: Final = re.compile(r"etcdserver: (?:mvcc: database space exceeded|no space)")
TOO_LARGE: Final = re.compile(
    r"etcdserver: request is too large|may not be (?:more|longer) than 1048576|message larger than max"
    r"|Request entity too large"
)
POD_SECURITY: Final = re.compile(r"violates PodSecurity")
QUOTA: Final = re.compile(
    r"exceeded quota|failed quota|(?:(?:maximum|minimum) \S+ usage|max limit to request ratio) per \w+ is"
)
# A storage that answers again after a moment. The server passes these words on with status 500.
STORAGE_BUSY: Final = re.compile(
    r"etcdserver: (?:request timed out|leader changed|no leader|not leader|too many requests"
    r"|unhealthy cluster|server stopped)|storage is \(re\)initializing"
    # Of the connection to etcd.
    r"|rpc error: code = Unavailable desc = (?:error reading from server|keepalive ping failed"
    r"|(?:the )?(?:connection|transport) is closing|connection error)"
)
