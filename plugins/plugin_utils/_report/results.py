# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of TEST RESULTS. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._findings import blocking, finding_of, headline, one_line, sentences
from ...module_utils._machine_types import CONTROL_PLANE
from ...module_utils._talos import addressing
from ...module_utils._text import counted

Record = Mapping[str, Any]

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"

# How the instances booted Talos, in the report.
BOOT_METHODS = {"user_data": "boot-to-talos", "ssh": "boot-to-talos over SSH", "netboot": "matchbox"}
# What the smoke test of Spin covers.
SHIM = "by containerd's Spin shim and its RuntimeClass"


class Result(NamedTuple):
    """One line: the test, its result, and whether that was expected."""

    name: str
    title: str
    outcome: str
    message: str
    expected: bool = True
    details: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it in the form of the report's JSON."""
        return {**self._asdict(), "details": list(self.details)}


def results(report: Record, *, boot_method: str) -> Iterator[Result]:
    """Yield the lines in the order of the build."""
    yield infrastructure(report)
    yield boot(report["nodes"], boot_method)
    if any(node["addresses"] for node in report["nodes"]):
        yield static_addresses(report["nodes"])
    if report["etcd_members"]:
        yield etcd(report["etcd_members"], sum(node["machine_type"] == CONTROL_PLANE for node in report["nodes"]))
    if report["kubernetes"]:
        yield kubernetes(report["kubernetes"], len(report["nodes"]))
    if any(node["oom_kills"] for node in report["nodes"]):
        yield memory(report["nodes"], (report["cozystack"] or {}).get("verdicts") or ())
    if report["access"]:
        yield access(report["access"])
    if report["cozystack"]:
        yield cozystack(report["cozystack"])
        yield from dashboard(report["cozystack"]["dashboard"])
        yield smoke(report["cozystack"], "virtual_machine", "Virtualization", "a virtual machine started on ARM64")
        yield smoke(report["cozystack"], "spin", "SpinKube", f"a WASM module answered on ARM64, {SHIM}")
        if "spin_app" in report["cozystack"]["smoke_tests"]:
            yield smoke(report["cozystack"], "spin_app", "Spin operator", "a SpinApp answered on ARM64")


def infrastructure(report: Record) -> Result:
    """Return whether all described resources exist."""
    total, present = len(report["resources"]), report["summary"]["present"]
    wrong = tuple(
        f"{item['kind']} {item['name']}: {item['state']}" for item in report["resources"] if item["state"] != "present"
    )
    made = "Created successfully, " if present == total else ""
    return result_of("infrastructure", "Infrastructure", f"{made}{present} of {total} resources as described", wrong)


def boot(nodes: Sequence[Record], boot_method: str) -> Result:
    """Return whether the instances booted Talos."""
    there = [node for node in nodes if node["stage"]]
    versions = sorted({str(node["version"]) for node in there if node["version"]})
    wrong = tuple(
        f"{node['name']} ({node['ipv4']}): {node['error'] or 'no answer'}" for node in nodes if node not in there
    )
    how = BOOT_METHODS.get(boot_method, boot_method)
    what = " ".join(["ARM64 Talos", *versions])
    booted = f"{what} booted through {how}, " if not wrong else f"{what} through {how}, "
    return result_of("boot", "Boot", f"{booted}{len(there)} of {len(nodes)} nodes answer", wrong)


def static_addresses(nodes: Sequence[Record]) -> Result:
    """Return whether the nodes have their reserved addresses, and how they got them."""
    reported = [node for node in nodes if node["addresses"]]
    found = [
        addressing.addressing_of(
            node["ipv4"], stage=str(node["stage"]), cmdline=str(node["cmdline"] or ""), addresses=node["addresses"]
        )
        for node in reported
    ]
    ways = " and ".join(sorted({one.way for one in found}))
    wrong = tuple(
        f"{node['name']} has {', '.join(node['addresses'])}, not {node['ipv4']}"
        for node, one in zip(reported, found, strict=True)
        if not one.is_right
    )
    why = "" if addressing.KERNEL_ARGUMENTS in ways else f"; {addressing.WHY_NOT}"
    right = f"{len(found) - len(wrong)} of {len(nodes)} nodes have their fixed IPv4 address, by {ways}{why}"
    return result_of("addresses", "Static addresses", right, wrong)


def etcd(names: Sequence[str], expected: int) -> Result:
    """Return whether every control plane is a member of etcd."""
    missing = max(expected - len(names), 0)
    lacking = "1 control plane is" if missing == 1 else f"{missing} control planes are"
    wrong = (f"{lacking} not a member",) if missing else ()
    count = f"{len(names)} of {expected} members" if missing else counted(len(names), "member")
    return result_of("etcd", "etcd", f"{count} ({', '.join(names)})", wrong)


def kubernetes(answer: Record, expected: int) -> Result:
    """Return whether all nodes are registered in Kubernetes; without CozyStack's CNI, they are not ready."""
    if answer["error"]:
        return Result("kubernetes", "Kubernetes", FAILED, str(answer["error"]), expected=False)
    known = len(answer["nodes"])
    count = str(known) if known == expected else f"{known} of {expected}"
    waits = answer["waits_for_network"]
    state = "all Ready" if answer["ready"] == known else f"{answer['ready']} Ready" if answer["ready"] else "not Ready"
    message = f"{count} node{'s' if expected != 1 else ''} registered"
    message += f" ({', '.join(answer['versions'])}), {state}" if known else ""
    message += " until CozyStack brings a container network" if waits else ""
    wrong = tuple(f"{node['name']}: {node['reason']}" for node in answer["nodes"] if not node["ready"] and not waits)
    absent = f"{expected - known} {'nodes have' if expected - known > 1 else 'node has'} not registered"
    missing = (absent,) if known < expected else ()
    return result_of("kubernetes", "Kubernetes", message, wrong + missing)


def memory(nodes: Sequence[Record], verdicts: Sequence[Record]) -> Result:
    """Return the processes that Talos killed, which Kubernetes does not report, and the affected pods and releases."""
    kills: list[tuple[str, list[str]]] = [(str(node["name"]), list(node["oom_kills"])) for node in nodes]
    wrong = tuple(
        f"{node}: {name}" + (f", {times} times" if times > 1 else "")
        for node, names in kills
        for name, times in Counter(names).items()
    )
    hit = tuple(_hit(verdict) for verdict in verdicts if _is_kill_on(verdict, {node for node, names in kills if names}))
    killed = counted(sum(len(names) for _node, names in kills), "program")
    return result_of("memory", "Memory", f"Talos has killed {killed} because a node ran out of memory", wrong + hit)


def _is_kill_on(verdict: Record, nodes: Collection[str]) -> bool:
    """Return whether a pod ended on one of these nodes as Talos ends it: exit code 137 without OOMKilled."""
    evidence = verdict.get("evidence") or {}
    is_kill = verdict["code"] == "OUT_OF_MEMORY_KILLED" and evidence.get("reason") != "OOMKilled"
    return is_kill and evidence.get("node") in nodes


def _hit(verdict: Record) -> str:
    evidence = verdict["evidence"]
    waits = f"; {evidence['waits']} waits for it" if evidence["waits"] else ""
    return f"{evidence['node']}: pod {evidence['pod']} ended with exit code 137{waits}"


def access(audit: Record) -> Result:
    """Return the result of the audit."""
    home = "; ".join(audit["home"])
    if audit["deviations"]:
        lines = tuple(deviation_line(one) for one in audit["deviations"])
        return result_of("access", "Access", f"{counted(len(lines), 'deviation')} from what is allowed", lines)
    closed = "closed to all other networks" if home else "closed to the internet"
    return Result("access", "Access", PASSED, f"{closed}; open to home: {home or 'none'}")


def deviation_line(deviation: Record) -> str:
    """Return a deviation of the audit, and what to do about it, on one line."""
    return sentences(finding_of(deviation), "graded", "subject")


def cozystack(installed: Record) -> Result:
    """Return the result of the installation; an expected blocked one is not a failure."""
    outcome, expect = installed["outcome"], installed["expect"]
    what = f"{installed['version']} (profile {installed['profile']})"
    if outcome == "ready":
        return Result("cozystack", "CozyStack install", PASSED, f"{what} is ready", expected=expect != "blocked")
    blockers = blocking(installed["verdicts"])
    cause = headline(finding_of(blockers[0]), "code") if blockers else installed["problem"] or "no cause is known"
    as_expected = ", as expected" if outcome == expect else ""
    details = tuple(one_line(finding_of(one), "code") for one in blockers[1:])
    expected = outcome == "blocked" and expect in ("blocked", "any")
    return Result(
        "cozystack", "CozyStack install", FAILED, f"{what} is {outcome}{as_expected} - {cause}", expected, details
    )


def dashboard(published: Record) -> Iterator[Result]:
    """Yield the address of the dashboard, if it is published. The user has to create its DNS record."""
    if published["url"]:
        addresses = ", ".join(published["addresses"])
        where = f"{published['url']} at {addresses}, from the VPC, the bastion or the tailnet"
        yield Result("dashboard", "Dashboard", PASSED, where)


def smoke(installed: Record, name: str, title: str, success: str) -> Result:
    """Return the result of a smoke test; a blocked one shows its blocker."""
    test = installed["smoke_tests"].get(name)
    if test is None or test["outcome"] == "skipped":
        why = next(
            (
                one["message"]
                for one in installed["verdicts"]
                if name == "virtual_machine" and one["code"] == "KVM_MISSING"
            ),
            "",
        )
        return Result(name, title, UNKNOWN, f"not tried{f' - {why}' if why else ''}")
    if test["outcome"] == "passed":
        return Result(name, title, PASSED, success)
    code = f"{test['code']}: " if test["code"] else ""
    return Result(
        name, title, FAILED, f"{test['outcome']} - {code}{test['cause']}", expected=test["outcome"] == "blocked"
    )


def result_of(name: str, title: str, message: str, wrong: tuple[str, ...]) -> Result:
    """Return a line that fails if there are problems."""
    return Result(name, title, FAILED if wrong else PASSED, message, expected=not wrong, details=wrong)
