# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions for tests: the reading of three nodes and a bastion, whose prices are those of eu-west-1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.prices import shipped
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.acts import (
    Observed,
    begin_phase,
    end,
    record_observation,
)
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.journal import read
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.record import Run, Session
from tests.ec2_cluster import spec
from tests.ec2_costs import THREE

SIX = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)
PRICES = shipped("eu-west-1")
SPEC = spec(**THREE)
NAMES = [node.name for node in SPEC.nodes]
IMAGES = {"gateway": "ghcr.io/example/talos:v1.13.5"}
RECORD = {"gateway": {"reference": IMAGES["gateway"], "resolved": "ghcr.io/example/talos@sha256:1234"}}
REPORT: dict[str, Any] = {
    "results": [{"name": "boot", "outcome": "passed"}, {"name": "cozystack", "outcome": "failed"}],
    "nodes": [{"version": "v1.13.5"}, {"version": None}],
    "cozystack": {
        **{"version": "v1.6.2", "profile": "full", "outcome": "blocked"},
        "verdicts": [
            {"code": "ARCH_UNSUPPORTED_IMAGES", "severity": "error"},
            {"code": "CREDITS_LOW", "severity": "warning"},
        ],
    },
    "access": {"deviations": [{"code": "PUBLIC_IPV4"}]},
}
# An hour of three t4g.medium with 50 GiB each, a t4g.small with 30 GiB, and an address.
PER_HOUR = 3 * 0.0368 + 0.0184 + 180 * 0.088 / 730 + 0.005
ENDPOINT = "https://ec2.eu-west-1.amazonaws.com"


def at(hours: float) -> datetime:
    """Return the time so many hours after six."""
    return SIX + timedelta(hours=hours)


def reading(
    *, nodes: Mapping[str, datetime] | None = None, bastion: datetime | None = SIX, expires: datetime | None = None
) -> dict[str, Any]:
    """Return what ec2_cluster_info returns of running nodes and a bastion that started at these times."""
    running = dict.fromkeys(NAMES, SIX) if nodes is None else nodes
    have: dict[str, Any] = {
        f"instance/{name}": {"type": "t4g.medium", "state": "running", "launched": str(start), "volume_size": 50}
        for name, start in running.items()
    }
    have["launch_template/bastion"] = {"type": "t4g.small", "volume_size": 30}
    have["autoscaling_group/bastion"] = {"launched": {f"i-{bastion:%d%H}": str(bastion)} if bastion else {}}
    have["address/bastion"] = {"addresses": []} if running or bastion else None
    kinds = {key: key.partition("/") for key in have}
    resources = {
        key: {"kind": kind, "name": f"moon-{name}", "id": f"{kind}-{name}", "have": have[key]}
        for key, (kind, _slash, name) in kinds.items()
    }
    hours = {"end": expires.isoformat() if expires else ""}
    costs = {"per_hour": 0.155456, "per_day": 3.31, "per_month": 100.79}
    return {"endpoint": ENDPOINT, "resources": resources, "cost": costs, "hours": hours}


NOTHING = reading(nodes={}, bastion=None)


def seen(found: dict[str, Any] | None = None, *, report: Mapping[str, Any] | None = None) -> Observed:
    """Return what a playbook knows."""
    return Observed(SPEC, reading() if found is None else found, IMAGES, RECORD, report or {})


def phase(directory: Path, name: str = "nodes", *, hours: float = 0, began: float | None = None) -> None:
    """Begin a phase of site.yml."""
    begin_phase(directory, Run("site.yml", at(hours if began is None else began), name), at(hours))


def build(directory: Path, hours: float = 0, *, found: dict[str, Any] | None = None) -> None:
    """Run site.yml, which takes half an hour; nodes run from its begin."""
    phase(directory, "network", hours=hours)
    times = dict.fromkeys(NAMES, at(hours))
    record_observation(
        directory, seen(found or reading(nodes=times, bastion=at(hours)), report=REPORT), at(hours + 0.5)
    )


def reset(directory: Path, hours: float) -> None:
    """Run reset.yml, which takes six minutes until this hour; the instances run since their session began."""
    opened = read(directory).open
    since = opened.began if opened else SIX
    record_observation(directory, seen(reading(nodes=dict.fromkeys(NAMES, since), bastion=since)), at(hours - 0.1))
    end(directory, "removed", "reset.yml", at(hours))


def sessions(directory: Path) -> tuple[Session, ...]:
    """Return the sessions of a journal in which everything can be read."""
    journal = read(directory)
    assert journal.problems == ()
    return journal.sessions


def only(directory: Path) -> Session:
    """Return the one session of a journal."""
    (session,) = sessions(directory)
    return session
