# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find variables that no role reads, such as misspelt ones. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ...module_utils._findings import Finding, finding
from ...module_utils._spelling import did_you_mean, is_misspelt

# Facts that playbooks and roles share, and variables that several roles read.
INTERNAL = frozenset(
    {
        *("access_audit", "access_home", "bastion_reached"),
        *("bastion_host_user_data", "bastion_host_user_data_base64", "bastion_host_user_data_problems"),
        *("bastion_stop_at", "nodes_boot_hosts"),
        *("cluster_reading_to_cache", "cluster_claim", "cluster_claim_known", "cluster_described"),
        *("cluster_variables_check", "cluster_phase"),
        *("cluster_budget_state", "cluster_budget_planned"),
        *("cluster_images_query", "cluster_images_given", "cluster_images_nodes", "cluster_images_outcome"),
        *("cluster_images_collect_missing", "cluster_images_missing"),
        *("cluster_images_record", "cluster_phases", "cluster_reading", "cluster_resolved_images"),
        *(
            "cluster_bastion_is_ours",
            "cluster_secrets_files",
            "cluster_talos_record",
            "cluster_talos_contract_to_record",
        ),
        *("cluster_hours_set", "cluster_run_lock", "cluster_session_report", "cluster_session_state"),
        *("cluster_state_at_end", "cluster_state_optional"),
        *("cluster_boot_to_talos_archive_sha256", "cluster_boot_to_talos_record"),
        *("cluster_boot_to_talos_release", "cluster_boot_to_talos_problems"),
        *("cluster_control_planes", "cluster_sessions_directory"),
        *("cozystack_result", "preflight_cost", "preflight_cozystack_images", "preflight_forecast"),
        *("talos_config_contract", "talos_config_problems", "talos_tailscale_problems"),
    }
)


def unknown_names(
    given: Iterable[str], roles: Iterable[str], known: Collection[str], others: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield a finding for each name with the prefix of a role that no role has.

    others are names, possibly with wildcards, of variables of other roles that have the same prefixes.
    """
    prefixes = tuple(f"{role}_" for role in roles)
    for name in _unlisted(given, known, others):
        meant = name.lower().replace("-", "_")
        if meant in known:
            yield finding("VARIABLE_UNKNOWN", name, "No role has a variable of this name.", f"Did you mean {meant}?")
        elif name.startswith(prefixes):
            remedy = _remedy(name, _shared(name, prefixes, known), known)
            yield finding("VARIABLE_UNKNOWN", name, "No role has a variable of this name.", remedy)


def _unlisted(names: Iterable[str], known: Collection[str], others: Collection[str]) -> Iterator[str]:
    """Yield the names that are neither known, nor internal, nor declared in cluster_other_variables."""
    for name in names:
        if name not in known and name not in INTERNAL and not any(fnmatchcase(name, one) for one in others):
            yield name


def misspelt_names(
    passed: Iterable[str], inputs: Iterable[str], known: Collection[str], others: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield a finding for each name that is passed with -e and is one letter away from an input or a variable.

    inputs are those of the playbook, which do not begin with the name of a role. Only what is passed is compared: other
    variables of a play are Ansible's own and those of other roles.
    """
    names = [*inputs, *known]
    for name in _unlisted(passed, names, others):
        meant = next((one for one in names if is_misspelt(name, one)), None)
        if meant:
            message = "Neither the playbook nor a role has a variable of this name."
            own = f"If it is your own, add it to cluster_other_variables: [{name}]."
            yield finding("VARIABLE_UNKNOWN", name, message, f"Did you mean {meant}? {own}")


def replaced_values(passed: Mapping[str, Any], of_the_playbook: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each variable that is passed with -e and has another value than the playbook sets."""
    for name, wanted in of_the_playbook.items():
        if name in passed and _text(passed[name]) != _text(wanted):
            value = _text(wanted)
            message = f"The playbook sets {name} to {value}, and a variable that is passed with -e would replace this."
            argument = f"{name}={value}" if re.fullmatch(r"[\w.-]+", value) else f"'{json.dumps({name: wanted})}'"
            remedy = f"Remove it from the file or the command line, or add -e {argument} behind it."
            yield finding("VARIABLE_SET_BY_PLAYBOOK", name, message, remedy)


def empty_values(passed: Mapping[str, Any], inputs: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each input of the playbook that is passed with -e and empty; inputs has the remedies.

    An empty variable of a shell would otherwise select the default, which may do more than the user asked for.
    """
    for name, remedy in inputs.items():
        if passed.get(name, name) in ("", None):
            yield finding("VARIABLE_EMPTY", name, "It is passed with -e, but has no value.", remedy)


def ignored_values(inline: Mapping[str, Any], ignored: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each variable with a value on the command line that the playbook ignores.

    ignored has the remedies. A file of variables is shared by several playbooks, so such a variable is allowed there.
    """
    for name, remedy in ignored.items():
        if inline.get(name) not in ("", None):
            message = "It is passed on the command line, but this playbook does not read it."
            yield finding("VARIABLE_IGNORED", name, message, remedy)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _remedy(name: str, shared: Iterable[str], known: Collection[str]) -> str:
    own = f"If it belongs to a role of another collection, add it to cluster_other_variables: [{name}]."
    return f"{did_you_mean(name, shared) or did_you_mean(name, known) or 'Correct or remove it.'} {own}"


def _shared(name: str, prefixes: Iterable[str], known: Collection[str]) -> list[str]:
    """Return the option of the role cluster that has the name of an option of another role, if there is one."""
    parts = [name, *(name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix))]
    return [option for part in parts if (option := f"cluster_{part}") in known][:1]
