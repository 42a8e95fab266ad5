# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose the report as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..module_utils._cozystack.diagnosis.nodes import NO_NETWORK
from ..module_utils._cozystack.diagnosis.order import only_waits
from ..module_utils._ec2.spec import is_loopback_endpoint
from ..module_utils._findings import finding_of
from ..module_utils._kubernetes.conditions import is_true, ready_condition
from ..module_utils._text import all_shown, received
from ..plugin_utils._report.advice import advice
from ..plugin_utils._report.capacity import capacity
from ..plugin_utils._report.costs import costs
from ..plugin_utils._report.results import results

Record = Mapping[str, Any]

# The version of roles/report/files/report.schema.json.
SCHEMA = 1


class Sources(NamedTuple):
    """The sources of a report: results of modules, and records of the run."""

    info: Record
    observed: Sequence[Record]
    phases: Sequence[Record]
    now: float
    kubernetes: Record | None = None
    audit: Record | None = None
    cozystack: Record | None = None
    forecast: Record | None = None
    boot_method: str = "user_data"
    next_steps: Sequence[Record] = ()


def cluster_report(cluster: Record, **sources: Any) -> dict[str, Any]:
    """Return the report of a cluster."""
    given = Sources(**sources)
    report = {**run_report(cluster, given), **built_report(cluster, given), **platform_report(given)}
    lines = [result.as_dict() for result in results(report, boot_method=given.boot_method)]
    shown: dict[str, Any] = all_shown({**report, "results": lines})
    return shown


def run_report(cluster: Record, given: Sources) -> dict[str, Any]:
    """Return the subject, the time and the duration of the report."""
    return {
        "schema": SCHEMA,
        "title": title(cluster),
        "cluster": cluster["name"],
        "region": cluster["region"],
        "time": datetime.fromtimestamp(given.now, tz=UTC).isoformat(timespec="seconds"),
        "lab": is_loopback_endpoint(given.info["endpoint"]),
        "timings": timings(given.phases, now=given.now),
    }


def built_report(cluster: Record, given: Sources) -> dict[str, Any]:
    """Return the cluster's resources, its state, its access and its costs."""
    resources = given.info["resources"]
    shown = ("kind", "name", "id", "state")
    return {
        "summary": dict(given.info["summary"]),
        "vpc": {"ipv4": cluster["vpc_ipv4_cidr"], "subnet": cluster["subnet_ipv4_cidr"]},
        "resources": [{key: resource[key] for key in shown} for resource in resources.values()],
        "bastion": bastion_report(cluster, given.info),
        "nodes": [node_report(node, given.info, given.observed) for node in cluster["nodes"]],
        "etcd_members": etcd_members(given.observed),
        # The only result that does not come from a module of this collection.
        "kubernetes": kubernetes_report(received(given.kubernetes or {})),
        "access": access_report(given.audit or {}),
        "costs": costs(cluster["region"], resources, now=given.now, forecast=forecast_text(given.info)),
    }


def platform_report(given: Sources) -> dict[str, Any]:
    """Return the state of CozyStack, its needs, and the next steps."""
    installed = cozystack_report(given.cozystack or {})
    return {
        "cozystack": installed,
        "capacity": capacity(given.cozystack, given.forecast or {}),
        "history": [history_point(item) for item in (given.cozystack or {}).get("history") or ()],
        "advice": advice(installed, given.forecast or {}),
        "next_steps": [dict(step) for step in given.next_steps],
    }


def forecast_text(info: Record) -> str:
    """Return the forecast of the costs, and when AWS stops what costs most."""
    hours: Record = info.get("hours") or {"lines": []}
    return ". ".join((info["cost"]["message"], *hours["lines"]))


def title(cluster: Record) -> str:
    """Return the heading, in the form of the first report of such a cluster."""
    count = len(cluster["nodes"])
    return f"TEST RESULTS - {'Single Node' if count == 1 else f'{count} Nodes'} ARM64 CozyStack"


def bastion_report(cluster: Record, info: Record) -> dict[str, Any]:
    """Return the known facts about the bastion."""
    eni: Record = info["resources"].get("eni/bastion") or {}
    return {
        "ipv4": cluster["bastion_ipv4"],
        "ipv6": info["bastion"]["ipv6"] or None,
        "state": eni.get("state", "not built"),
    }


def cozystack_report(result: Record) -> dict[str, Any] | None:
    """Return the progress of CozyStack's installation, or None if it was not installed."""
    if not result:
        return None
    account = result.get("account") or {}
    releases = account.get("releases") or {}
    return {
        **{key: result[key] for key in ("outcome", "expect", "problem", "version", "variant", "profile")},
        "dashboard": dict(result.get("dashboard") or {"url": "", "addresses": []}),
        "phase": account.get("phase"),
        "summary": account.get("summary"),
        "releases": {key: releases.get(key) for key in ("expected", "present", "ready")},
        # Errors that are predicted come before warnings of what is observed, and before what only waits.
        "verdicts": sorted(
            [*(account.get("verdicts") or ()), *(account.get("outlook") or ())],
            key=lambda one: (not finding_of(one).blocks, only_waits(one)),
        ),
        "smoke_tests": dict(result.get("smoke_tests") or {}),
    }


def history_point(item: Record) -> dict[str, Any]:
    """Return how many releases there were at a time."""
    return {key: item[key] for key in ("time", "expected", "present", "ready")}


def node_report(node: Record, info: Record, observed: Sequence[Record]) -> dict[str, Any]:
    """Return the known facts about one node."""
    instance: Record = info["resources"][f"instance/{node['name']}"]
    answer: Record = next((item for item in observed if item["node"] == node["ipv4"]), {})
    return {
        **{key: node[key] for key in ("name", "role", "machine_type", "ipv4")},
        "ipv6": info["nodes"][node["name"]]["ipv6"] or None,
        "instance_type": (instance["have"] or instance["want"])["type"],
        "instance_id": instance["id"],
        "stage": answer.get("stage"),
        "version": answer.get("version"),
        # The addresses of the node: those at boot, and the current ones.
        "cmdline": answer.get("cmdline"),
        "addresses": answer.get("addresses"),
        "oom_kills": [name for kill in answer.get("oom_kills") or () for name in kill["programs"]],
        "error": answer.get("error"),
    }


def etcd_members(observed: Sequence[Record]) -> list[str]:
    """Return the names of etcd's members, from the control plane that lists the most."""
    known = ([str(member["hostname"]) for member in item.get("etcd_members") or ()] for item in observed)
    return sorted(max(((len(names), names) for names in known), default=(0, []))[1])


def kubernetes_report(answer: Record) -> dict[str, Any] | None:
    """Return the nodes in Kubernetes; nothing if it was not queried."""
    if answer.get("failed"):
        return {"error": answer.get("msg"), "nodes": [], "ready": 0, "versions": [], "waits_for_network": False}
    if "resources" not in answer:
        return None
    nodes = [registered_node(item) for item in answer["resources"]]
    waiting = [node for node in nodes if not node["ready"]]
    return {
        "error": None,
        "nodes": nodes,
        "ready": len(nodes) - len(waiting),
        "versions": sorted({node["version"] for node in nodes}),
        "waits_for_network": bool(waiting) and all(is_without_network(node) for node in waiting),
    }


def registered_node(item: Record) -> dict[str, Any]:
    """Return the data of one Kubernetes node."""
    is_ready = is_true(item, "Ready")
    return {
        "name": item["metadata"]["name"],
        "version": item["status"]["nodeInfo"]["kubeletVersion"],
        "ready": is_ready,
        "reason": None if is_ready else ready_condition(item).get("message"),
    }


def is_without_network(node: Record) -> bool:
    """Return whether the node only waits for a container network, as before its CNI is installed."""
    return NO_NETWORK in (node["reason"] or "")


def access_report(audit: Record) -> dict[str, Any] | None:
    """Return the results of the audit; empty without an audit."""
    if "deviations" not in audit:
        return None
    return {"deviations": list(audit["deviations"]), "home": [home_line(rule) for rule in audit["home_access"]]}


def home_line(rule: Record) -> str:
    """Return the open home access of the cluster, and until when."""
    until = f"until {rule['expires']}" if rule["expires"] else "without an end"
    return f"{rule['group']} {rule['port']} from {rule['network']} {until}"


def timings(phases: Sequence[Record], *, now: float) -> list[dict[str, Any]]:
    """Return how long each phase took; a phase ends where the next begins."""
    ends = [*(phase["started"] for phase in phases[1:]), now]
    return [
        {"phase": phase["name"], "seconds": round(end - phase["started"], 1)}
        for phase, end in zip(phases, ends, strict=False)
    ]


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"cluster_report": cluster_report}
