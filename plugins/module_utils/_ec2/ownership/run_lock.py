# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of the run that is active on a cluster. Private to urmanac.talos: may change at any time.

The claim identifies the owner of the cluster. All controllers with its secrets pass that check, so one run at a time
has the lock: an SSM parameter that is created when the run starts, renewed while it runs, and deleted when it ends. A
lock of a killed run is replaced as soon as that run is known to have ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..._errors import Ec2Error
from ..._findings import Finding, finding
from ..._runs import Run
from ..calls import Calls, Patience
from ..client import Api, Refused
from ..identity import MADE_BY, Identity, parameter_prefix
from .parameter import ClusterParameter, Held, short_text

Alive = Callable[[int, str], bool]
# Without renewal. Longer than any phase, so that only the lock of a killed run expires.
LASTS = timedelta(hours=3)
# A younger lock is not renewed.
_RENEWED_AFTER = timedelta(minutes=10)
# For how long a reading may not show the lock that this run has created.
_LISTED = Patience(total=6)
# Of process ids on Linux, as include/linux/threads.h limits them.
_PIDS = range(1, 2**22)


class Lock(NamedTuple):
    """A run, its start, and the time at which its lock expires (ISO 8601, UTC)."""

    run: Run
    since: str
    expires: str


def lock_name(project: str, name: str) -> str:
    """Return the name of the parameter."""
    return f"{parameter_prefix(project, name)}run"


class LockClient(ClusterParameter):
    """API calls for the lock of one cluster."""

    def __init__(self, api: Api, cluster: Identity) -> None:
        super().__init__(
            api,
            cluster,
            name=lock_name(cluster.project, cluster.name),
            purpose="lock of a run",
            description=f"Run that works on a Talos cluster, {MADE_BY}",
        )

    def replace(self, text: str) -> int:
        """Replace the value unconditionally, and return the version of the new one."""
        return int(self.put(text, Overwrite=True)["Version"])

    def read_made(self) -> Held | None:
        """Return the content of the parameter that this run has created, None if it does not exist for seconds."""
        return Calls(self._api, self.clock).wait_for(self.read, _LISTED)

    def versions(self) -> dict[int, str]:
        """Return every value that the parameter has had since it was created, by version."""
        history = self._api.call("ssm", "get_parameter_history", Name=self.name)["Parameters"]
        return {int(item["Version"]): str(item["Value"]) for item in history}


def lock_of(run: Run, now: datetime) -> Lock:
    """Return the lock of a run that starts now."""
    begin = now.astimezone(UTC).replace(microsecond=0)
    return Lock(run, begin.isoformat(), (begin + LASTS).isoformat())


def dumped(lock: Lock) -> str:
    """Return the value of the parameter for a lock."""
    return json.dumps({**_stored(lock.run)._asdict(), "since": lock.since, "expires": lock.expires})


def _stored(run: Run) -> Run:
    """Return a run as the parameter holds it, with long texts cut."""
    return run._replace(
        what=short_text(run.what),
        user=short_text(run.user),
        host=short_text(run.host),
        directory=short_text(run.directory),
    )


def parse_lock(text: str) -> Lock | None:
    """Return the lock in a parameter's value, or None if it is not one; JSON may be nested too deep to be read."""
    try:
        value = json.loads(text)
        texts = {field: str(value[field]) for field in Run._fields if field != "pid"}
        datetime.fromisoformat(value["expires"]).astimezone(UTC)
        pid = int(value["pid"])
        return Lock(Run(pid, **texts), str(value["since"]), str(value["expires"])) if pid in _PIDS else None
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None


def ensure_held(client: LockClient, run: Run, now: datetime, *, takeover: bool, alive: Alive) -> bool:
    """Acquire the lock for this run and return whether it is new; fail while another run is active."""
    mine = lock_of(run, now)
    held = client.create_or_read(dumped(mine))
    if held is True:
        return True
    if held is None:
        raise Ec2Error(
            f"Failed to start: other runs are starting and ending at the same time ({client.name}). Run the playbook "
            "again.",
            code="RUN_ACTIVE",
        )
    other = parse_lock(held.text)
    if other and same_run(other.run, run):
        # The response to our own request was lost.
        return False
    _refuse_active(client.name, other, run, now, takeover=takeover, alive=alive)
    _take_over(client, held, mine)
    return True


def ensure_free(client: LockClient, run: Run, now: datetime, *, takeover: bool, alive: Alive) -> None:
    """Fail if this run could not start because another one is active."""
    held = client.read_own()
    if held:
        _refuse_active(client.name, parse_lock(held.text), run, now, takeover=takeover, alive=alive)


def _refuse_active(name: str, other: Lock | None, run: Run, now: datetime, *, takeover: bool, alive: Alive) -> None:
    if not (takeover or (other and has_ended(other, run, now, alive))):
        raise Refused(_busy(name, other))


def same_run(one: Run, other: Run) -> bool:
    """Return whether these are one run."""
    return _stored(one._replace(what="")) == _stored(other._replace(what=""))


def ensure_renewed(client: LockClient, run: Run, now: datetime) -> bool:
    """Extend the lock of this run and return whether that was due; fail if the run does not have the lock."""
    held = client.read_made()
    lock = parse_lock(held.text) if held else None
    if held is None or lock is None or not same_run(lock.run, run):
        raise Refused(_lost(client.name, lock))
    # The time in a lock may be any one, from which no hours can be subtracted.
    if expiry_of(lock) > now - _RENEWED_AFTER + LASTS:
        return False
    _take_over(client, held, lock_of(run, now)._replace(since=lock.since))
    return True


def expiry_of(lock: Lock) -> datetime:
    """Return when a lock expires."""
    return datetime.fromisoformat(lock.expires).astimezone(UTC)


def has_ended(other: Lock, run: Run, now: datetime, alive: Alive) -> bool:
    """Return whether another run is known to have ended.

    If its processes are visible, only these count. Name, id and paths of a machine prove nothing: a clone has the same
    ones, so a restarted machine and a clone look alike.
    """
    theirs = other.run
    if theirs.kernel and theirs.kernel == run.kernel:
        return not alive(theirs.pid, theirs.started)
    return now >= expiry_of(other)


def _take_over(client: LockClient, judged: Held, mine: Lock) -> None:
    """Replace the outdated lock; of several runs that do so at once, the one with the next version has it."""
    text = dumped(mine)
    made = client.replace(text)
    values = client.versions()
    # A retry after a lost response writes the same value again.
    last = next((values.get(version, "") for version in range(made - 1, 0, -1) if values.get(version) != text), "")
    if last in ("", judged.text):
        return
    is_known = values.get(judged.version) == judged.text
    winner = values.get(judged.version + 1, last) if is_known else last
    if winner == text:
        return
    client.replace(winner)
    raise Refused(_busy(client.name, parse_lock(winner)))


def ensure_left(client: LockClient, run: Run) -> bool:
    """Delete the lock if this run has it, and return whether it had."""
    held = client.read_made()
    other = parse_lock(held.text) if held else None
    if other is None or not same_run(other.run, run):
        return False
    client.delete()
    return True


_TAKEOVER = "If you know that it has ended, add -e cluster_run_takeover=true."


def _busy(name: str, other: Lock | None) -> Finding:
    if other is None:
        unknown = f"{name} in SSM says that another run is active on this cluster, but not which one"
        return finding("RUN_ACTIVE", "start", unknown, _TAKEOVER)
    remedy = (
        "Wait until it has ended. If it was killed, run it again there to continue; after "
        f"{other.expires} any controller may start a run. {_TAKEOVER}"
    )
    return finding("RUN_ACTIVE", "start", _active(other), remedy)


def _lost(name: str, other: Lock | None) -> Finding:
    """Return why a run must stop: another one was allowed to start."""
    what = _active(other) if other else f"its lock {name} in SSM was deleted"
    message = f"{what}, because this run seemed to have ended"
    remedy = "What it has created is kept. Run it again when no other run is active on the cluster."
    return finding("RUN_ACTIVE", "continue", message, remedy)


def _active(lock: Lock) -> str:
    run = lock.run
    who = f"{run.what}, process {run.pid} of {run.user} on {run.host} in {run.directory}, since {lock.since}"
    return f"another run ({who}) is active on this cluster"
