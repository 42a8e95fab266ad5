# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail if a library that a module needs is missing. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final

from ansible.module_utils.basic import missing_required_lib

from ._errors import CollectionError, failure_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# Packages whose name differs from that of the import.
_PACKAGES: Final = {"google": "protobuf", "yaml": "PyYAML"}


def require(module: AnsibleModule, missing: ImportError | None) -> None:
    """Fail the module if a library could not be imported, with its name and where to install it."""
    if missing:
        name = (missing.name or str(missing)).partition(".")[0]
        trace = "".join(traceback.format_exception(missing))
        error_of_library = CollectionError(missing_required_lib(_PACKAGES.get(name, name)), code="LIBRARY_MISSING")
        module.fail_json(**failure_of(error_of_library), exception=trace)
