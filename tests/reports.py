# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports for tests: of a cluster on which CozyStack was tried, and of one that does not exist yet."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import jinja2
from markdown_it import MarkdownIt

from ansible_collections.urmanac.talos.plugins.filter.cluster_report import cluster_report
from ansible_collections.urmanac.talos.plugins.filter.findings import findings
from ansible_collections.urmanac.talos.plugins.module_utils._text import as_markdown
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.connections import Step
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.pictures import pictures
from lab.settings import REPOSITORY

ROLE = REPOSITORY / "roles" / "report"
NOW = 1764000000.0
NODES = [
    {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "192.0.2.101"},
    {"name": "compute-2", "role": "compute", "machine_type": "controlplane", "ipv4": "192.0.2.102"},
]
CLUSTER: dict[str, Any] = {
    **{"name": "moon", "region": "eu-west-1", "nodes": NODES, "bastion_ipv4": "192.0.2.100"},
    **{"vpc_ipv4_cidr": "192.0.2.0/24", "subnet_ipv4_cidr": "192.0.2.0/25"},
}
MEMORY = {
    **{"code": "INSUFFICIENT_MEMORY", "subject": "nodes", "message": "6 pods wait for memory.", "severity": "error"},
    **{"remedy": "Take a larger instance type.", "evidence": {"pods": 6}},
}
ARCHITECTURE = {
    **{
        "code": "ARCH_UNSUPPORTED_IMAGES",
        "subject": "images",
        "message": "Images are amd64 only.",
        "severity": "error",
    },
    **{"remedy": "Use images built for arm64.", "evidence": {}},
}
BLOCKED: dict[str, Any] = {
    **{"outcome": "blocked", "expect": "any", "problem": "", "version": "v1.6.2", "variant": "isp-full"},
    **{"profile": "full", "elapsed": 900.0},
    "account": {
        **{"phase": "releases", "summary": "44 of 89 releases ready", "verdicts": [MEMORY], "outlook": []},
        "releases": {"expected": 89, "present": 61, "ready": 44, "not_ready": []},
        "nodes": [
            {
                **{"name": node["name"], "allocatable": {"memory_mib": 3176, "cpu_m": 1950}},
                "requested": {"memory_mib": 3000, "cpu_m": 1900},
            }
            for node in NODES
        ],
    },
    "history": [
        {"time": "2025-11-24T15:40:00+00:00", "expected": None, "present": 0, "ready": 0},
        {"time": "2025-11-24T15:50:00+00:00", "expected": 89, "present": 40, "ready": 20},
        {"time": "2025-11-24T15:55:00+00:00", "expected": 89, "present": 61, "ready": 44},
    ],
    "smoke_tests": {
        "spin": {"outcome": "passed", "cause": "", "code": None},
        "virtual_machine": {"outcome": "blocked", "cause": "no node has /dev/kvm", "code": "KVM_MISSING"},
    },
}
READY: dict[str, Any] = {**BLOCKED, "outcome": "ready", "account": {**BLOCKED["account"], "verdicts": []}}
FORECAST: dict[str, Any] = {
    "requested": {"packages": 75, "releases": 89, "pods": 150, "pending": 60, "cpu": 9000, "memory": 14000},
    "changes": [
        {**{"instance_type": "t4g.xlarge", "nodes": 2}, **{"per_hour": 0.2944, "more_per_hour": 0.2208}},
        {**{"instance_type": "t4g.medium", "nodes": 6}, **{"per_hour": 0.2208, "more_per_hour": 0.1472}},
    ],
    "fitting_profiles": ["slim"],
    "nodes": [],
}
STEP = Step("Connect", ("The controller reaches the nodes directly.",), ("kubectl --kubeconfig ~/moon get nodes",))


class Page(HTMLParser):
    """What a page in HTML would load, and which elements it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def resource(kind: str, name: str, have: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return one entry of what ec2_cluster_info returns."""
    known = {"kind": kind, "name": f"moon-{name}", "id": f"{kind}-{name}" if have else None}
    return {**known, "state": "present" if have else "missing", "have": have, "want": {"type": "t4g.medium"}}


def built(*, is_there: bool = True) -> dict[str, Any]:
    """Return the resources of the cluster."""
    known = {"type": "t4g.medium", "state": "running", "launched": "2025-11-24 13:00:00+00:00", "volume_size": 50}
    machine = known if is_there else None
    found = {}
    for node in NODES:
        address = {"ipv6": ["2001:db8::" + node["ipv4"][-3:]]} if is_there else None
        found[f"eni/{node['name']}"] = resource("eni", node["name"], address)
        found[f"instance/{node['name']}"] = resource("instance", node["name"], machine)
    return found


def address_of(node: Mapping[str, Any], resources: Mapping[str, Any]) -> str:
    """Return the IPv6 address of a node, empty before its interface exists."""
    have = resources[f"eni/{node['name']}"]["have"]
    return str(have["ipv6"][0]) if have else ""


def answer(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers of a node."""
    reported = {"node": node["ipv4"], "reachable": True, "stage": "running", "version": "v1.13.6", "error": None}
    return {**reported, "etcd_members": [{"hostname": one["name"]} for one in NODES], "addresses": [], "cmdline": ""}


def report(resources: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return the report of a cluster that is built, on which CozyStack is blocked."""
    found = built() if resources is None else resources
    options: dict[str, Any] = {
        "info": {
            "endpoint": "https://ec2.eu-west-1.amazonaws.com",
            "resources": found,
            "nodes": {node["name"]: {"ipv6": address_of(node, found)} for node in NODES},
            "bastion": {"ipv6": ""},
            "summary": {"present": sum(item["state"] == "present" for item in found.values())},
            "cost": {"message": "$0.155 an hour while everything runs"},
        },
        **{"observed": [answer(node) for node in NODES], "phases": [{"name": "network", "started": NOW - 60}]},
        **{"now": NOW, "cozystack": BLOCKED, "forecast": FORECAST},
        **{"audit": {"deviations": [], "home_access": []}, "next_steps": [STEP.as_dict()], **changes},
    }
    return cluster_report(CLUSTER, **options)


def rendered(name: str, content: Mapping[str, Any]) -> str:
    """Return one of the report's files, rendered with the settings that Ansible's template module has."""
    folder = jinja2.FileSystemLoader(ROLE / "templates")
    environment = jinja2.Environment(loader=folder, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701
    environment.filters |= {"urmanac.talos.report_pictures": pictures, "urmanac.talos.report_markdown": as_markdown}
    environment.filters["urmanac.talos.findings"] = findings
    return environment.get_template(f"report.{name}.j2").render(__report_content=content)


def report_that_says(text: str) -> dict[str, Any]:
    """Return the report of a cluster in which every text from outside is this one."""
    said = {"subject": text, "message": text, "remedy": text}
    account = {**BLOCKED["account"], "verdicts": [{**MEMORY, **said}], "phase": text, "summary": text}
    node = {"metadata": {"name": text}, "status": {"nodeInfo": {"kubeletVersion": text}, "conditions": []}}
    deviation = {"severity": "critical", "code": "PUBLIC_IPV4", "subject": text, "message": text, "remedy": ""}
    return report(
        resources={key: {**item, "name": text, "id": text} for key, item in built().items()},
        observed=[{**answer(NODES[0]), "version": text}, {"node": "192.0.2.102", "error": text}],
        kubernetes={"resources": [node]},
        audit={"deviations": [deviation], "home_access": []},
        cozystack={**BLOCKED, "account": account, "problem": text, "version": text},
        next_steps=[Step(text, (text,), (f"kubectl {text}",)).as_dict()],
    )


def structure(markdown: str) -> list[str]:
    """Return what of a Markdown text is not plain text: headings, tables, links, images, code, HTML and so on."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)
    parts = [part for token in tokens for part in (token, *(token.children or ()))]
    return [part.type for part in parts if part.type not in ("text", "text_special")]
