# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.filter.findings import FORMS
from ansible_collections.urmanac.talos.plugins.filter.findings import findings as written
from ansible_collections.urmanac.talos.plugins.module_utils._codes import AREAS, CODES, SEVERITIES
from ansible_collections.urmanac.talos.plugins.module_utils._findings import (
    FIELDS,
    Finding,
    blocking,
    finding,
    finding_of,
    headline,
    html_rows,
    lines,
    markdown,
    notes,
    numbered,
    one_line,
    paragraph,
    remedy_of,
    sentences,
)
from tests.checks.process import ROOT

TABLES = ("markdown", "html")
TAKEN = finding("DUPLICATE_ADDRESS", "node b", "10.10.0.101 is given to node a and node b.")
KVM = finding("KVM_MISSING", "nodes", "No /dev/kvm", "Take a metal type.", evidence={"nodes": {"a": 0}})
HOSTILE = finding("NAME_TAKEN", "VPC <b>x</b>", "a|b *c* \x1b[31m", "Run `it`.")


def test_what_is_not_given_comes_from_the_list_of_codes() -> None:
    assert (TAKEN.severity, TAKEN.remedy) == ("error", "Give each instance its own address.")
    assert (KVM.severity, KVM.remedy) == ("warning", "Take a metal type.")
    assert (TAKEN.blocks, KVM.blocks) == (True, False)


def test_without_a_message_the_meaning_of_the_code_is_the_message_and_the_fact_follows() -> None:
    plain = finding("INVALID_ADDRESS", "bastion")
    specific = finding("INVALID_ADDRESS", "bastion", fact="'moon'")

    assert plain.message == "A value is not an IPv4 address."
    assert specific.message == "A value is not an IPv4 address: 'moon'."
    assert specific.remedy == plain.remedy


def test_no_plugin_writes_the_meaning_of_a_code_again() -> None:
    meanings = {code.meaning.rstrip(".").lower(): name for name, code in CODES.items()}
    files = [path for path in (ROOT / "plugins").rglob("*.py") if path.name != "_codes.py"]
    texts = [
        (str(path.relative_to(ROOT)), node.value)
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]

    again = [(path, meanings[said]) for path, text in texts if (said := text.rstrip(".").lower()) in meanings]

    assert again == [], "Leave out the message of finding()."


def test_a_code_or_a_severity_that_is_not_on_the_list_is_a_bug() -> None:
    with pytest.raises(KeyError):
        finding("NO_SUCH_CODE", "it", "It is wrong.")
    with pytest.raises(ValueError, match="not in tuple"):
        finding("RULE_NOT_ALLOWED", "rule", "It is open.", severity="low")


def test_a_finding_can_have_another_severity_and_subject() -> None:
    graver = finding("RULE_NOT_ALLOWED", "rule", "It is open.", severity="medium")

    assert graver.severity == "medium"
    assert TAKEN.about("image of gateway").subject == "image of gateway"


def test_findings_with_evidence_can_be_members_of_a_set() -> None:
    assert len({KVM, KVM, TAKEN}) == 2


def test_a_remedy_can_hold_names() -> None:
    assert remedy_of("PACKAGE_NOT_READY", name="linstor") == "Look at it: kubectl describe package linstor."


def test_a_finding_has_one_form_with_all_its_fields_and_is_read_again() -> None:
    record = KVM.as_dict()

    assert record == {
        **{"code": "KVM_MISSING", "severity": "warning", "subject": "nodes", "message": "No /dev/kvm"},
        **{"remedy": "Take a metal type.", "evidence": {"nodes": {"a": 0}}},
    }
    assert tuple(record) == FIELDS == ("code", "severity", "subject", "message", "remedy", "evidence")
    assert finding_of(record) == KVM


def test_a_file_without_severity_has_that_of_the_code() -> None:
    short = {"code": "KVM_MISSING", "subject": "nodes", "message": "No /dev/kvm", "remedy": "Take a metal type."}

    assert finding_of(short) == Finding(severity="warning", evidence={}, **short)


def test_what_blocks_is_known_by_the_severity() -> None:
    assert blocking([KVM.as_dict(), TAKEN.as_dict()]) == [TAKEN.as_dict()]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param("It is wrong.", "It is wrong. Fix it.", id="with a full stop"),
        pytest.param("It is wrong", "It is wrong. Fix it.", id="without one"),
    ],
)
def test_a_failure_is_two_sentences(message: str, expected: str) -> None:
    assert sentences(finding("NAME_TAKEN", "x", message, "Fix it.")) == expected


def test_a_headline_begins_with_what_is_asked_for() -> None:
    assert headline(KVM) == "No /dev/kvm"
    assert headline(KVM, "code", "subject") == "KVM_MISSING: nodes: No /dev/kvm"
    assert paragraph(KVM, "subject") == "nodes: No /dev/kvm. Remedy: Take a metal type."
    assert one_line(KVM, "code") == "KVM_MISSING: No /dev/kvm Take a metal type."


def test_lines_say_with_a_sign_what_is_only_worth_knowing() -> None:
    assert list(lines([TAKEN, KVM], "code")) == [
        "! DUPLICATE_ADDRESS: 10.10.0.101 is given to node a and node b.",
        "    Give each instance its own address.",
        "? KVM_MISSING: No /dev/kvm",
        "    Take a metal type.",
    ]


def test_a_note_is_one_line_and_a_question_mark_says_that_nothing_could_be_checked() -> None:
    unknown = finding("NOT_CHECKED", "quota", "AWS did not say how many vCPUs are allowed.", "Ask for the permission.")

    assert list(notes([unknown, KVM], "subject")) == [
        "? quota: AWS did not say how many vCPUs are allowed. Ask for the permission.",
        "! nodes: No /dev/kvm Take a metal type.",
    ]


def test_a_numbered_list_has_the_remedy_on_a_line_of_its_own() -> None:
    assert list(numbered([TAKEN, KVM], "subject")) == [
        "1. node b: 10.10.0.101 is given to node a and node b.",
        "   Remedy: Give each instance its own address.",
        "2. nodes: No /dev/kvm",
        "   Remedy: Take a metal type.",
    ]


def test_tables_show_markup_in_received_texts_as_text() -> None:
    assert list(markdown([HOSTILE])) == [
        "| Code | About | What is wrong | What to do |",
        "|---|---|---|---|",
        r"| NAME_TAKEN | VPC &lt;b>x&lt;/b> | a\|b \*c\* \\x1b\[31m | Run \`it\`. |",
    ]
    assert list(html_rows([HOSTILE])) == [
        "<tr><th>Code</th><th>About</th><th>What is wrong</th><th>What to do</th></tr>",
        r"<tr><td><code>NAME_TAKEN</code></td><td>VPC &lt;b&gt;x&lt;/b&gt;</td><td>a|b *c* \x1b[31m</td>"
        "<td>Run `it`.</td></tr>",
    ]


def test_lines_are_joined_because_ansible_could_not() -> None:
    text = written([TAKEN.as_dict(), KVM.as_dict()], "one_line", ["code"])

    assert text == f"{one_line(TAKEN, 'code')}\n{one_line(KVM, 'code')}"


@pytest.mark.parametrize("form", FORMS)
def test_playbooks_write_findings_in_each_form(form: str) -> None:
    assert "No /dev/kvm" in written([KVM.as_dict()], form, ["code"]).splitlines()[-1 if form in TABLES else 0]


def test_no_code_is_in_two_areas() -> None:
    assert len(CODES) == sum(map(len, AREAS.values()))


def test_each_code_says_what_it_means_and_what_to_do() -> None:
    for name, code in CODES.items():
        assert code.meaning and code.remedy.endswith((".", "?")), name
        assert code.severities and set(code.severities) <= set(SEVERITIES), name


def joined_in_python() -> Iterator[str]:
    """Yield the files with an f-string that has both message and remedy."""
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    ast.unparse(one.value) + " " for one in node.values if isinstance(one, ast.FormattedValue)
                )
                if all(re.search(rf"\.{name}\b|\['{name}'\]", text) for name in ("message", "remedy")):
                    yield path.name


def joined_in_templates() -> Iterator[str]:
    """Yield the files of roles and playbooks with a line that has both message and remedy of a finding."""
    for path in (
        *(ROOT / "roles").rglob("*.j2"),
        *(ROOT / "roles").rglob("*.yml"),
        *(ROOT / "playbooks").rglob("*.yml"),
    ):
        if re.search(r"\.message\b.*\.remedy\b", path.read_text(encoding="utf-8")):
            yield path.name


def test_only_this_file_puts_message_and_remedy_together() -> None:
    assert [*joined_in_python(), *joined_in_templates()] == []


def mappings_like_a_finding() -> Iterator[str]:
    """Yield the places in plugins that write a mapping with two or more of the fields that only findings have."""
    own = {"severity", "remedy", "evidence", "message", "code"}
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            keys = node.keys if isinstance(node, ast.Dict) else ()
            named = {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
            if len(own & named) > 1:
                yield f"{path.name}: {', '.join(sorted(named))}"


def test_only_as_dict_writes_a_finding() -> None:
    # The titles of a table's columns.
    titles = "_findings.py: code, message, remedy, subject"

    assert list(mappings_like_a_finding()) == [titles]


def samples(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the findings in a RETURN section; those described key by key would differ from the one description."""
    if isinstance(value, Mapping):
        if {"code", "message"} <= set(value):
            yield value
        for inner in value.values():
            yield from samples(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from samples(inner)


def returns() -> Iterator[tuple[str, str]]:
    """Yield the RETURN sections of the modules."""
    for path in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RETURN":
                yield path.stem, ast.literal_eval(node.value)


def test_every_documented_finding_has_the_one_form() -> None:
    found = [(name, sample) for name, text in returns() for sample in samples(yaml.safe_load(text))]
    wrong = {name for name, sample in found if tuple(sample) != FIELDS or sample["code"] not in CODES}

    assert len(found) > 15
    assert wrong == set()


def test_the_form_is_described_once_and_every_module_refers_to_it() -> None:
    page = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    fragment = (ROOT / "plugins" / "doc_fragments" / "attributes.py").read_text(encoding="utf-8")
    without = [
        path.name
        for path in (ROOT / "plugins" / "modules").glob("*.py")
        if "- urmanac.talos.attributes" not in path.read_text(encoding="utf-8")
    ]

    assert all(page.count(f"| `{name}` | ") == 1 for name in FIELDS)
    assert fragment.count("blob/main/docs/codes.md") == fragment.count("DOCUMENTATION = ") + fragment.count(
        "READS_ONLY = "
    )
    assert without == []


def written_texts(path: Path) -> Iterator[str]:
    """Yield the texts of a file, without the parts of those that are put together."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    yield from (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts
    )


def test_no_file_repeats_the_remedy_of_a_code() -> None:
    remedies = {code.remedy for code in CODES.values() if code.remedy}
    files = [path for path in (ROOT / "plugins").rglob("*.py") if path.name != "_codes.py"]

    assert {path.name: text for path in files for text in written_texts(path) if text in remedies} == {}
