# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find who else owns a cluster or changes it now. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from ..._errors import Ec2Error
from ..._findings import Finding, finding
from ..._runs import Run
from ..client import Api, AwsError, Refused
from ..identity import Identity
from .claim import ClaimClient, ReadExisting, Unclaimed, ensure_claimed, existing_things
from .parameter import ForeignParameter
from .run_lock import Alive, LockClient, ensure_free

CLAIMED, ACTIVE, UNCLAIMED = "CLAIMED_BY_OTHER_CONTROLLER", "RUN_ACTIVE", "CLUSTER_UNCLAIMED"


class Controller(NamedTuple):
    """The properties of this controller that decide whether it owns a cluster and may start a run."""

    authority: str
    run: Run
    takeover: bool = False
    # The ID by which the owner claims a cluster again that exists without a claim.
    unclaimed: str = ""


def occupied_problems(
    api: Api, cluster: Identity, controller: Controller, now: datetime, alive: Alive
) -> Iterator[Finding]:
    """Yield why this controller could not claim the cluster, or start a run on it."""
    claim, lock = ClaimClient(api, cluster), LockClient(api, cluster)
    yield from _problem(
        CLAIMED, claim.name, lambda: _claim(claim, controller, now, lambda: existing_things(api, cluster))
    )
    takeover, run = controller.takeover, controller.run
    yield from _problem(ACTIVE, lock.name, lambda: ensure_free(lock, run, now, takeover=takeover, alive=alive))


def _claim(client: ClaimClient, controller: Controller, now: datetime, existing: ReadExisting) -> None:
    ensure_claimed(
        client,
        controller.authority,
        "",
        now=lambda: now,
        existing=existing,
        unclaimed=controller.unclaimed,
        check_mode=True,
    )


def _problem(code: str, name: str, check: Callable[[], None]) -> Iterator[Finding]:
    try:
        check()
    except AwsError as error:
        yield error.problem
    except ForeignParameter as error:
        yield finding("NAME_TAKEN", f"ssm_parameter {name}", str(error))
    except Unclaimed as error:
        yield finding(UNCLAIMED, f"ssm_parameter {name}", str(error))
    except Refused as error:
        yield from (problem.about(f"ssm_parameter {name}") for problem in error.problems)
    except Ec2Error as error:
        yield finding(code, f"ssm_parameter {name}", str(error))
