# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook either asks whose the cluster is, and who works on it, or has a reason not to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.files import mappings

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
# In these words a playbook asks; a phase does by beginning.
WORDS = {
    "tasks/begin.yml": "owner and run",
    "tasks_from: run.yml": "owner and run",
    "tasks_from: claim_check.yml": "owner",
}
OTHERS = {
    "preflight.yml": "makes nothing, so its phase claims nothing",
    "forecast.yml": "calls no API of AWS",
    "cost.yml": "reads prices and past costs at most",
    "sessions.yml": "reads past costs at most, and changes only the journal on the controller",
    "health.yml": "reads",
    "connect.yml": "reads",
    "start.yml": "reads, and is site.yml from there on",
    "site.yml": "consists of the phases",
    "netboot.yml": "changes a host of a home lab",
    "remove_home_access.yml": "closes, which is always allowed",
    "audit.yml": "closes what has expired, which is always allowed",
    "etcd_snapshot.yml": "closes what has expired, and needs the secrets to read etcd",
}
# A home may be opened while a run works: rules are added one by one, and no run of site.yml takes them away.
BESIDE_RUNS = ("add_home_access.yml",)

# A cluster does not have to exist for these phases.
FIRST = {"preflight.yml": "makes nothing", "network.yml": "makes the first of it"}

# Phases of site.yml, which claim the cluster and open the network of the user's file.
OPENS_OF_THE_FILE = ("access.yml", "bastion.yml")
# The entries of the role that open or close.
OPENS = ("main.yml", "home.yml")


def asked_by(playbook: Path) -> set[str]:
    """Return what a playbook asks."""
    text = playbook.read_text(encoding="utf-8")
    return {asked for word, asked in WORDS.items() if word in text}


@pytest.mark.parametrize("playbook", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda path: path.name)
def test_a_playbook_that_changes_a_cluster_asks_whose_it_is_and_who_works_on_it(playbook: Path) -> None:
    if playbook.name in OTHERS:
        assert asked_by(playbook) <= ({"owner and run"} if playbook.name == "preflight.yml" else set())
    elif playbook.name in BESIDE_RUNS:
        assert asked_by(playbook) == {"owner"}
    else:
        assert asked_by(playbook) == {"owner and run"}


def test_no_exception_is_made_for_a_playbook_that_does_not_exist() -> None:
    assert {*OTHERS, *BESIDE_RUNS, *FIRST} <= {playbook.name for playbook in PLAYBOOKS.glob("*.yml")}


@pytest.mark.parametrize("playbook", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda path: path.name)
def test_a_playbook_that_claims_or_locks_a_cluster_fails_first_if_it_does_not_exist(playbook: Path) -> None:
    """A misspelt name must not end with the secrets, the claim or the schedules of a cluster that no one described."""
    play = yaml.safe_load(playbook.read_text(encoding="utf-8"))[0]
    steps = [*play.get("pre_tasks", []), *play.get("tasks", [])]
    asks = [number for number, step in enumerate(steps) if any(word in yaml.safe_dump(step) for word in WORDS)]
    checks = [number for number, step in enumerate(steps) if "__exists_consequence" in step.get("vars", {})]

    if playbook.name in FIRST or not asks:
        assert playbook.name in FIRST or not asked_by(playbook)
    else:
        # A phase passes it to its first task, which does both in this order.
        assert checks[:1] <= asks[:1]
        assert checks


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("upgrade.yml", "name: urmanac.talos.access"),
        ("upgrade.yml", "tasks_from: upgrade.yml"),
        ("reset.yml", "role: urmanac.talos.access"),
        ("reset.yml", "role: urmanac.talos.nodes"),
        ("converge_bastion.yml", "role: urmanac.talos.bastion_host"),
        ("boot.yml", "name: urmanac.talos.nodes"),
    ],
)
def test_a_playbook_asks_before_it_changes_anything(name: str, act: str) -> None:
    text = (PLAYBOOKS / name).read_text(encoding="utf-8")

    assert text.index("tasks_from: run.yml") < text.index(act)


def uses_of_access(found: Any) -> list[dict[str, Any]]:
    """Return every play's role and task that opens or closes with the role access."""
    return [use for use in mappings(found) if opens_or_closes(use)]


def opens_or_closes(use: dict[str, Any]) -> bool:
    role = use.get("ansible.builtin.import_role") or use.get("ansible.builtin.include_role") or {}
    named = use.get("role") or role.get("name")
    return named == "urmanac.talos.access" and role.get("tasks_from", "main.yml") in OPENS


@pytest.mark.parametrize("playbook", sorted(PLAYBOOKS.rglob("*.yml")), ids=lambda path: path.name)
def test_only_phases_that_claim_the_cluster_open_the_network_of_the_users_file(playbook: Path) -> None:
    uses = uses_of_access(yaml.safe_load(playbook.read_text(encoding="utf-8")))

    asks = ["access_request" in use.get("vars", {}) for use in uses]

    assert all(asks) != (playbook.name in OPENS_OF_THE_FILE)
    assert playbook.name not in OPENS_OF_THE_FILE or "owner and run" in asked_by(playbook)


@pytest.mark.parametrize("name", [name for name, reason in OTHERS.items() if reason.startswith("closes what has")])
def test_a_playbook_without_a_claim_check_only_closes_what_has_expired(name: str) -> None:
    (use,) = uses_of_access(yaml.safe_load((PLAYBOOKS / name).read_text(encoding="utf-8")))

    assert use["vars"]["access_request"] == {"state": "expired"}


def test_only_the_reset_accepts_a_value_that_names_the_claim_of_another_controller() -> None:
    files = [*PLAYBOOKS.rglob("*.yml"), *PLAYBOOKS.parent.glob("roles/**/*.yml")]
    texts = {path: path.read_text(encoding="utf-8") for path in files}

    for word in ("reset_claim", "cluster_claim_override:"):
        assert [path for path, text in texts.items() if word in text] == [PLAYBOOKS / "reset.yml"]
