# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a cluster's description and its costs without calling AWS. Private: may change at any time."""

from __future__ import annotations

from ..._findings import Finding
from ..cost.forecast import forecast
from ..cost.limits import enforced
from ..cost.prices import shipped
from ..spec import ClusterSpec, problems
from .described_texts import text_problems


def offline_problems(spec: ClusterSpec) -> list[Finding]:
    """Return why the cluster must not be built: what is wrong with its description, and limits that it exceeds."""
    above, _notes = enforced(forecast(spec, shipped(spec.region)))
    return [*text_problems(spec, problems(spec)), *above]
