# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks do to the journal. Private to urmanac.talos: may change at any time.

One run at a time works on a cluster, so the latest session is the one that goes on, also after a killed run. Each act
returns warnings about files that cannot be read; they do not keep a cluster from being built or removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from .._ec2.cost.existing import instances
from .._ec2.cost.prices import shipped
from .._ec2.identity import BASTION
from .._ec2.spec import ClusterSpec, is_loopback_endpoint
from .._findings import blocking, sentences
from .._oci.reference import digest_of
from .._text import all_shown
from .._urls import split_url
from .journal import Journal, latest, new, with_outcome, with_run, write
from .observe import Reading, closed, observed
from .record import REPORTED, STOPPED, Forecast, Run, Session, Trial, whole

Record = Mapping[str, Any]

# The phases that make what costs money. Others continue a session, and begin none.
OPENING = frozenset({"network", "bastion", "nodes"})
# Creates nothing, and may be the only phase of a run.
_PLAN = "preflight"


class Observed(NamedTuple):
    """A playbook's data about a cluster: its description, its reading, its images and its report."""

    spec: ClusterSpec
    reading: Record
    images: Mapping[str, str]
    images_record: Mapping[str, Record]
    report: Record

    @property
    def end(self) -> datetime | None:
        """Return when AWS stops the cluster by itself."""
        end = (self.reading.get("hours") or {}).get("end")
        return whole(datetime.fromisoformat(end)) if end else None


def begin_phase(directory: Path, run: Run, now: datetime) -> list[str]:
    """Record that a run has begun a phase; begin a session if the phase creates resources and no session is open."""
    if run.phase == _PLAN:
        return []
    journal = latest(directory)
    session = journal.open or (new(directory, now) if run.phase in OPENING else None)
    if session:
        write(directory, with_run(session, run))
    return _warnings(journal)


def record_observation(directory: Path, seen: Observed, now: datetime) -> list[str]:
    """Record the existing resources; begin a session for a running cluster that has none."""
    journal = latest(directory)
    session = journal.open or (new(directory, now) if _runs(seen.reading) else None)
    if session:
        reading = Reading(seen.reading["resources"], shipped(seen.spec.region), seen.spec.bastion, now, seen.spec.hours)
        # What has stopped since did so by the time to live of the last reading, not by that of this one.
        found = _described(observed(session, reading, after=_previous_end(journal, session)), seen)
        if not journal.open:
            found = replace(found, began=min(part.since for part in found.parts))
        write(directory, with_outcome(found, REPORTED) if seen.report else found)
    return _warnings(journal)


def end(directory: Path, how: str, playbook: str, now: datetime) -> list[str]:
    """Record that a playbook has stopped or removed the cluster; a stopped one can be removed later."""
    journal = latest(directory)
    last = journal.sessions[-1] if journal.sessions else None
    if last and last.is_open:
        write(directory, with_run(closed(last, how, now), Run(playbook, whole(now), how, how)))
    elif last and last.end == STOPPED and how != STOPPED and not last.kept_until:
        gone = with_run(last, Run(playbook, whole(now), how, how))
        write(directory, replace(gone, kept_until=whole(now)))
    return _warnings(journal)


def _runs(reading: Record) -> bool:
    return any(one.is_running and one.name != BASTION for one in instances(reading["resources"]))


def _previous_end(journal: Journal, session: Session) -> datetime | None:
    ends = [one.kept_until or one.ended for one in journal.sessions if one.id != session.id]
    return max((end for end in ends if end), default=None)


def _warnings(journal: Journal) -> list[str]:
    return [sentences(problem, "code", "subject") for problem in journal.problems]


def _described(session: Session, seen: Observed) -> Session:
    """Return the session with its setup, the forecast and, if there is a report, the results."""
    costs = seen.reading.get("cost") or {}
    forecast = Forecast(*(costs.get(name) for name in ("per_hour", "per_day", "per_month"))) if costs else None
    described = replace(
        session,
        cluster=seen.spec.name,
        region=seen.spec.region,
        lab=is_loopback_endpoint(seen.reading["endpoint"]),
        expires=_expiry(session, seen),
        forecast=forecast or session.forecast,
        tried=_trial(session.tried, seen),
    )
    if not seen.report:
        return described
    results = tuple((str(one["name"]), str(one["outcome"])) for one in seen.report["results"])
    return replace(described, results=results, codes=_codes(seen.report))


def _expiry(session: Session, seen: Observed) -> datetime | None:
    """Return when AWS stops the cluster. If it has none, it is over, or it was taken from a cluster that runs."""
    return seen.end or (None if _runs(seen.reading) else session.expires)


def _trial(known: Trial, seen: Observed) -> Trial:
    nodes = {node.name: node.instance_type for node in seen.spec.nodes}
    images = {role: _image(reference, seen.images_record.get(role) or {}) for role, reference in seen.images.items()}
    versions = {str(node["version"]) for node in seen.report.get("nodes") or () if node["version"]}
    installed = seen.report.get("cozystack")
    # An upgrade is a part of the session.
    found = Trial(nodes, images, tuple(sorted({*known.talos, *versions})), known.cozystack, known.outcome)
    if installed:
        what = f"{installed['version']} {installed['profile']}"
        found = replace(found, cozystack=what, outcome=str(installed["outcome"]))
    # A path in a URL may hold any character.
    return replace(found, images=all_shown(found.images))


def _image(reference: str, record: Record) -> str:
    """Return an image and its digest, without what in a URL may be a secret."""
    if "://" in reference:
        parts = split_url(reference)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"
    same = record.get("reference") == reference
    digest = digest_of(str(record.get("resolved", ""))) if same else ""
    return f"{reference}@{digest}" if digest and not digest_of(reference) else reference


def _codes(report: Record) -> tuple[str, ...]:
    """Return the codes of what blocks CozyStack and of access that is not allowed."""
    verdicts = (report.get("cozystack") or {}).get("verdicts") or ()
    deviations = (report.get("access") or {}).get("deviations") or ()
    return tuple(dict.fromkeys(str(one["code"]) for one in (*blocking(verdicts), *deviations)))
