# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's files: their content, their form, and that texts in them cannot become markup."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from markdown_it import MarkdownIt

from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding, sentences
from ansible_collections.urmanac.talos.plugins.module_utils._text import as_markdown
from ansible_collections.urmanac.talos.plugins.modules.write_files import text_of
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.junit import junit
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.pictures import pictures
from tests import hostile, reports

DEVIATION = {"severity": "critical", "code": "PUBLIC_IPV4", "subject": "eni", "message": "it has one", "remedy": ""}
HOME = {"group": "nodes", "port": "tcp/6443", "network": "2001:db8:1:2::/64", "expires": None}
LOST = [reports.answer(reports.NODES[0]), {"node": "192.0.2.102", "reachable": False, "error": "connection refused"}]


def schema() -> Any:
    return json.loads((reports.ROLE / "files" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="blocked"),
        pytest.param({"cozystack": reports.READY}, id="ready"),
        pytest.param({"cozystack": None, "forecast": None, "audit": None}, id="without CozyStack"),
        pytest.param(
            {"resources": reports.built(is_there=False), "observed": [], "cozystack": None}, id="nothing built"
        ),
        pytest.param({"observed": LOST}, id="a node is lost"),
    ],
)
def test_the_data_are_as_the_schema_says(changes: dict[str, Any]) -> None:
    jsonschema.validate(json.loads(json.dumps(reports.report(**changes))), schema())


def test_the_schema_refuses_what_it_does_not_describe() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**reports.report(), "secret": "x"}, schema())


def test_the_text_has_the_layout_of_test_results() -> None:
    lines = reports.rendered("txt", reports.report()).splitlines()

    assert lines[0] == "TEST RESULTS - 2 Nodes ARM64 CozyStack (moon, eu-west-1)"
    assert lines[1] == "=" * len(lines[0])
    assert lines[2:] == [
        "✅ Infrastructure: Created successfully, 4 of 4 resources as described",
        "✅ Boot: ARM64 Talos v1.13.6 booted through boot-to-talos, 2 of 2 nodes answer",
        "✅ etcd: 2 members (compute-2, gateway)",
        "✅ Access: closed to the internet; open to home: none",
        "❌ CozyStack install: v1.6.2 (profile full) is blocked - INSUFFICIENT_MEMORY: 6 pods wait for memory.",
        "❌ Virtualization: blocked - KVM_MISSING: no node has /dev/kvm",
        "✅ SpinKube: a WASM module answered on ARM64, by containerd's Spin shim and its RuntimeClass",
        "💰 Cost: $0.26 for 3.00 hours (what runs, each machine with its volume since its last start); "
        "$0.086 an hour now, $62.53 a month if it stays so",
        "💰 Forecast: $0.155 an hour while everything runs",
        "",
        "RECOMMENDED: Scale to 2 nodes with 16 GiB RAM each, t4g.xlarge ($0.294 an hour, $0.221 more)",
        "or",
        "ALTERNATIVE: Scale to 6 nodes with 4 GiB RAM each, t4g.medium ($0.221 an hour, $0.147 more)",
        *lines[15:],
    ]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        pytest.param("txt", "    kubectl --kubeconfig ~/moon get nodes\n", id="text"),
        pytest.param("md", "\n\n    kubectl --kubeconfig ~/moon get nodes\n", id="Markdown"),
        pytest.param("html", "<pre><code>kubectl --kubeconfig ~/moon get nodes</code></pre>", id="HTML"),
    ],
)
def test_the_commands_of_the_next_steps_can_be_copied(name: str, command: str) -> None:
    text = reports.rendered(name, reports.report())

    assert command in text
    assert "Next steps" not in reports.rendered(name, reports.report(next_steps=[]))


def test_the_text_ends_with_the_next_steps() -> None:
    lines = reports.rendered("txt", reports.report()).splitlines()

    assert lines[-5:] == [
        "",
        "Next steps",
        "  Connect",
        "    The controller reaches the nodes directly.",
        "    kubectl --kubeconfig ~/moon get nodes",
    ]


def test_a_lost_node_is_a_failure_with_its_cause() -> None:
    (boot,) = (one for one in reports.report(observed=LOST)["results"] if one["name"] == "boot")

    assert (boot["outcome"], boot["expected"]) == ("failed", False)
    assert boot["message"] == "ARM64 Talos v1.13.6 through boot-to-talos, 1 of 2 nodes answer"
    assert boot["details"] == ["compute-2 (192.0.2.102): connection refused"]


@pytest.mark.parametrize(
    ("outcome", "expect", "expected", "words"),
    [
        pytest.param("blocked", "blocked", True, "is blocked, as expected", id="the expected failure"),
        pytest.param("blocked", "any", True, "is blocked - ", id="any end"),
        pytest.param("blocked", "ready", False, "is blocked - ", id="it had to be ready"),
        pytest.param("ready", "ready", True, "is ready", id="ready"),
        pytest.param("ready", "blocked", False, "is ready", id="it had to be blocked"),
        pytest.param("timeout", "any", False, "is timeout", id="no end at all"),
    ],
)
def test_an_installation_is_compared_with_the_expected_outcome(
    outcome: str, expect: str, expected: bool, words: str
) -> None:
    installed = {**reports.BLOCKED, "outcome": outcome, "expect": expect}
    (result,) = (one for one in reports.report(cozystack=installed)["results"] if one["name"] == "cozystack")

    assert result["expected"] is expected
    assert words in result["message"]


def test_images_of_another_architecture_are_named_with_what_to_do() -> None:
    account = {**reports.BLOCKED["account"], "verdicts": [reports.ARCHITECTURE, reports.MEMORY]}
    report = reports.report(cozystack={**reports.BLOCKED, "account": account})

    assert "built for arm64" in report["advice"]["recommended"]
    (install,) = (one for one in report["results"] if one["name"] == "cozystack")
    assert "ARCH_UNSUPPORTED_IMAGES" in install["message"]
    assert install["details"] == ["INSUFFICIENT_MEMORY: 6 pods wait for memory. Take a larger instance type."]


def test_the_dashboards_address_is_reported_where_it_is_published() -> None:
    published = {"url": "https://dashboard.moon.example.com", "addresses": ["10.10.0.101", "10.10.0.102"]}
    report = reports.report(cozystack={**reports.READY, "dashboard": published})

    jsonschema.validate(json.loads(json.dumps(report)), schema())
    (line,) = (one for one in reports.rendered("txt", report).splitlines() if "Dashboard" in one)
    assert "https://dashboard.moon.example.com at 10.10.0.101, 10.10.0.102, from the VPC" in line
    assert not [one for one in reports.report()["results"] if one["name"] == "dashboard"]


def test_a_smaller_profile_is_not_recommended_where_the_installed_one_fits() -> None:
    account = {**reports.BLOCKED["account"], "verdicts": [reports.ARCHITECTURE]}
    forecast = {**reports.FORECAST, "changes": [], "fitting_profiles": ["full", "slim"]}
    report = reports.report(cozystack={**reports.BLOCKED, "account": account}, forecast=forecast)

    assert "profile" not in str(report["advice"])


def test_where_nothing_within_the_limits_fits_the_nearest_change_is_named_as_that() -> None:
    nearest = {"instance_type": "t4g.xlarge", "nodes": 4, "more_nodes": 2, "per_hour": 0.5888, "more_per_hour": 0.4}
    report = reports.report(forecast={**reports.FORECAST, "changes": [], "fitting_profiles": [], "nearest": nearest})

    assert report["advice"]["recommended"] == (
        "Raise the limits (cluster_nodes_max, cluster_cost_per_hour_max), within which nothing fits; the nearest that "
        "does: Scale to 4 nodes with 16 GiB RAM each, t4g.xlarge ($0.589 an hour, $0.400 more)"
    )


def test_a_type_that_is_not_offered_is_advised_with_another_zone() -> None:
    nearest = {"instance_type": "t4g.xlarge", "nodes": 3, "more_nodes": 0, "per_hour": None, "more_per_hour": None}
    forecast = {**reports.FORECAST, "changes": [], "fitting_profiles": [], "nearest": {**nearest, "offered": False}}

    assert reports.report(forecast=forecast)["advice"]["recommended"].startswith(
        "Use another availability zone, because no type that this one offers fits; the nearest that does: Scale to 3 "
    )


def test_what_no_node_had_room_for_is_needed_nevertheless() -> None:
    total = reports.report()["capacity"]["total"]

    assert total["memory_mib"] == {"needed": 14000, "had": 6352}


def test_a_control_plane_that_etcd_does_not_know_is_a_failure() -> None:
    seen = [{**reports.answer(node), "etcd_members": [{"hostname": "gateway"}]} for node in reports.NODES]

    (etcd,) = (one for one in reports.report(observed=seen)["results"] if one["name"] == "etcd")

    assert (etcd["outcome"], etcd["message"]) == ("failed", "1 of 2 members (gateway)")
    assert etcd["details"] == ["1 control plane is not a member"]


def test_without_a_registered_node_nothing_is_said_of_versions() -> None:
    results = reports.report(kubernetes={"resources": []})["results"]

    (kubernetes,) = (one for one in results if one["name"] == "kubernetes")
    assert (kubernetes["outcome"], kubernetes["message"]) == ("failed", "0 of 2 nodes registered")


@pytest.mark.parametrize(
    ("prices", "text"),
    [
        pytest.param((0.2944, 0.2208), "t4g.xlarge ($0.294 an hour, $0.221 more)", id="both"),
        pytest.param((0.2944, None), "t4g.xlarge ($0.294 an hour)", id="the present price is not known"),
        pytest.param((None, None), "t4g.xlarge", id="none"),
    ],
)
def test_a_change_is_reported_with_the_known_facts_about_its_price(
    prices: tuple[float | None, float | None], text: str
) -> None:
    change = {"instance_type": "t4g.xlarge", "nodes": 2, "per_hour": prices[0], "more_per_hour": prices[1]}
    report = reports.report(forecast={**reports.FORECAST, "changes": [change]})

    assert report["advice"]["recommended"] == f"Scale to 2 nodes with 16 GiB RAM each, {text}"


@pytest.mark.parametrize(
    ("audit", "words"),
    [
        pytest.param({"deviations": [], "home_access": []}, ["closed", "closed"], id="closed"),
        pytest.param(None, ["not checked", "not checked"], id="without an audit"),
        pytest.param({"deviations": [DEVIATION], "home_access": []}, ["1 deviation", "closed"], id="a deviation"),
        pytest.param({"deviations": [], "home_access": [HOME]}, ["closed", "1 port open"], id="open to home"),
    ],
)
def test_the_picture_says_no_more_of_the_ways_in_than_is_known(audit: Any, words: list[str]) -> None:
    texts = re.findall(r">([^<>]+)</text>", pictures(reports.report(audit=audit))["topology"])

    assert [texts[texts.index("home") + 1 :][:2]] == [words]


def test_junit_counts_only_what_was_not_expected_as_a_failure() -> None:
    suites = ET.fromstring(junit(reports.report(observed=LOST)))  # noqa: S314  our own text

    assert (suites.get("failures"), suites.get("tests")) == ("1", "7")
    (failure,) = suites.iter("failure")
    assert "connection refused" in (failure.text or "")


def test_the_time_of_the_report_is_the_same_in_every_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    data = yaml.safe_load((reports.ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))["__report_data"]
    (expression,) = re.findall(r"now=(\S+),", data)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        rendered = Templar(loader=DataLoader()).template(trust_as_template(f"{{{{ {expression} }}}}"))
    time.tzset()

    assert abs(float(rendered) - time.time()) < 600


@pytest.mark.parametrize("name", ["txt", "md", "html"])
def test_every_file_says_what_the_costs_are(name: str) -> None:
    content = reports.report()

    rendered = reports.rendered(name, content)
    assert content["costs"]["message"] in rendered
    assert content["costs"]["forecast"].startswith("$0.155")
    assert content["costs"]["forecast"] in rendered


def page(content: Any) -> tuple[reports.Page, str]:
    text = reports.rendered("html", content)
    return reports.Page(text), text


def test_the_page_has_its_pictures_and_loads_nothing() -> None:
    parsed, text = page(reports.report())

    assert parsed.tags.count("svg") == 4
    assert parsed.loads == ["data:,"]
    assert "url(" not in text
    assert "@import" not in text


def test_nothing_that_a_node_says_becomes_a_part_of_the_page() -> None:
    evil = '<script>alert("x")</script>'
    seen = [{**reports.answer(node), "version": evil, "stage": evil} for node in reports.NODES]

    parsed, text = page(reports.report(observed=seen))

    assert "script" not in parsed.tags
    assert "&lt;script&gt;" in text


def test_a_cluster_that_does_not_exist_yet_has_a_page_too() -> None:
    parsed, _text = page(
        reports.report(resources=reports.built(is_there=False), observed=[], cozystack=None, forecast=None)
    )

    assert parsed.tags.count("svg") == 1


def test_a_cell_of_markdown_stays_one_cell() -> None:
    verdict = {**reports.MEMORY, "message": "a | b\nc"}
    account = {**reports.BLOCKED["account"], "verdicts": [verdict]}

    text = reports.rendered("md", reports.report(cozystack={**reports.BLOCKED, "account": account}))

    assert "a \\| b c" in text


HOSTILE, HARMLESS = reports.report_that_says(hostile.ALL), reports.report_that_says("moon")


def test_markdown_shows_received_markup_as_text_everywhere() -> None:
    text = reports.rendered("md", HOSTILE)

    assert reports.structure(text) == reports.structure(reports.rendered("md", HARMLESS))
    assert hostile.hidden(text) == set()


@pytest.mark.parametrize("raw", ["a\\|b", "\\", "__init__", "_a_ snake_case *b*", "&lt; <b> `", "[a]: b", "~a~", "![]"])
def test_a_text_is_read_from_markdown_as_it_was_written(raw: str) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

    cell = parser.parse(f"| a | b |\n|---|---|\n| {as_markdown(raw)} | c |\n")

    inline = [token for token in cell if token.type == "inline"]
    assert [token.children[0].content for token in inline[2:] if token.children][-1] == "c"
    assert "".join(child.content for child in inline[2].children or ()) == raw


@pytest.mark.parametrize(
    ("raw", "is_split"), [("@alice", True), ("(@team/x)", True), ("talos@sha256:ab", False), ("a @ b", False)]
)
def test_a_text_mentions_no_one_on_github_and_an_image_keeps_its_digest(raw: str, is_split: bool) -> None:
    """GitHub finds an @ that begins a word within one text of the HTML; the comment is not shown."""
    html = MarkdownIt("commonmark", {"html": True}).render(as_markdown(raw))

    assert ("@<!-- -->" in html) == is_split
    assert html.replace("<!-- -->", "") == f"<p>{raw}</p>\n"


def test_junit_can_be_read_whatever_a_text_holds() -> None:
    parsed = ET.fromstring(junit(HOSTILE))  # noqa: S314  written by ourselves

    assert len(parsed.findall("testsuite/testcase")) == len(HOSTILE["results"])
    assert "\\u{fffe}" in junit(HOSTILE)
    assert hostile.hidden(junit(HOSTILE)) == set()


def test_the_page_shows_received_markup_as_text_everywhere() -> None:
    parsed, text = page(HOSTILE)
    expected, _text = page(HARMLESS)

    assert (parsed.tags, parsed.loads) == (expected.tags, expected.loads)
    assert hostile.hidden(text) == set()


def test_the_text_holds_nothing_that_a_terminal_obeys() -> None:
    assert hostile.hidden(reports.rendered("txt", HOSTILE)) == set()


def form(name: str, content: Any) -> str:
    """Return the content of a file of the report."""
    written = {"json": text_of, "xml": junit}.get(name)
    return written(content) if written else reports.rendered(name, content)


@pytest.mark.parametrize("name", ["txt", "md", "html", "xml", "json"])
@pytest.mark.parametrize("text", hostile.EACH.values(), ids=hostile.EACH.keys())
def test_each_hostile_text_is_harmless_in_each_file(name: str, text: str) -> None:
    written, harmless = (form(name, reports.report_that_says(said)) for said in (f"a{text}z", "moon"))

    assert hostile.hidden(written) == set()
    assert written.encode().decode() == written
    assert written.count("\n") == harmless.count("\n")
    if name == "md":
        assert reports.structure(written) == reports.structure(harmless)
    elif name == "html":
        assert written.lower().count("<") == harmless.lower().count("<")
    elif name == "xml":
        assert [item.tag for item in ET.fromstring(written).iter()] == [  # noqa: S314  written by ourselves
            item.tag
            for item in ET.fromstring(harmless).iter()  # noqa: S314  written by ourselves
        ]
    elif name == "json":
        json.loads(written)


def test_junit_has_the_findings_of_a_check_in_the_text_of_its_failure() -> None:
    open_port = finding("PUBLIC_IPV4", "moon-gateway", "it has a public address")
    audit = {"deviations": [open_port.as_dict()], "home_access": []}

    suites = ET.fromstring(junit(reports.report(audit=audit)))  # noqa: S314  our own text

    (text,) = (case.findtext("failure") or "" for case in suites.iter("testcase") if case.get("name") == "Access")
    assert text.splitlines()[1:] == [sentences(open_port, "graded", "subject")]
