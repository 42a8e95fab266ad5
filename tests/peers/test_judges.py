# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talos' own decoder and validation beside our modules and the lab's node, version by version.

`pytest tests/peers/test_judges.py --record` writes the verdicts and the configurations that `make test` compares with
where there is no Go.
"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._machine_types import CONTROL_PLANE
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import merge
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from lab.talos import kernel
from tests import generated, verdicts
from tests.peers import judges
from tests.talos_corpus import Case, base_documents, cases, own_cases
from tools import talos_fields

ALL = list(cases())
KUBELET = "ghcr.io/siderolabs/kubelet:v1.34.0"
API_SERVER = "registry.k8s.io/kube-apiserver:v1.34.0"

Reported = dict[judges.Version, dict[str, judges.Verdict]]


@pytest.fixture(scope="module")
def reported() -> Reported:
    """Return the verdict of each version on each case; one that cannot be built fails the test with the reason."""
    found, missing = {}, []
    for version in judges.VERSIONS:
        try:
            found[version] = judges.verdicts(version, ALL)
        except judges.CannotBuildError as error:
            missing.append(str(error))
    if not found:
        pytest.skip("; ".join(missing))
    assert not missing, "not judged: " + "; ".join(missing)
    return found


def differences(version: judges.Version, reported: dict[str, judges.Verdict]) -> list[str]:
    """Return the cases in which our modules or the lab's node say something else than Talos."""
    release, found = (1, version.minor), []
    for case in ALL:
        ours = {"talos_config": verdicts.product(case, release)}
        if not case.patches:
            ours["the lab's node"] = verdicts.lab(case, release)
        for who, cause in ours.items():
            error = reported[case.name].error
            if bool(cause) != bool(error):
                found.append(f"{version.name} {case.name}\n  Talos: {error}\n  {who}: {cause}")
        if case.patches and not error and not ours["talos_config"]:
            found += outcome_differs(version, case, reported[case.name].outcome)
    return found


def outcome_differs(version: judges.Version, case: Case, outcome: str) -> list[str]:
    """Return a line if patches make of a configuration something else in our modules than in Talos."""
    theirs, ours = by_label(yaml_text.load_all(outcome)), by_label(verdicts.patched(case, (1, version.minor)))
    where = first_difference(theirs, ours)
    return [f"{version.name} {case.name}\n  Talos makes something else at {where}"] if where else []


def by_label(documents: list[Any]) -> dict[str, Any]:
    """Return documents by how messages call them."""
    return {merge.label(document): document for document in documents}


def first_difference(theirs: Any, ours: Any, path: str = "") -> str:
    """Return the path of the first difference, or an empty text; values may be secrets."""
    if not (isinstance(theirs, dict) and isinstance(ours, dict)):
        return "" if theirs == ours else path
    keys = sorted({*theirs, *ours})
    return next(
        (found for key in keys if (found := first_difference(theirs.get(key), ours.get(key), f"{path}/{key}"))), ""
    )


def test_every_configuration_is_judged_as_talos_judges_it(
    reported: Reported,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    found = {version: differences(version, of) for version, of in reported.items()}

    with capsys.disabled():
        print("\n" + table(reported, found))
    if request.config.getoption("--record"):
        errors = {version.release: {name: one.error for name, one in of.items()} for version, of in reported.items()}
        verdicts.record(errors)
    assert not any(found.values()), "\n".join(line for lines in found.values() for line in lines)


def table(reported: Reported, found: dict[judges.Version, list[str]]) -> str:
    """Return the lines that report how many configurations were judged by whom, and how alike."""
    lines = [f"{'Talos':<14}{'taken':>8}{'refused':>9}{'differences':>13}"]
    for version, of in reported.items():
        refused = sum(bool(one.error) for one in of.values())
        lines.append(f"{version.release:<14}{len(of) - refused:>8}{refused:>9}{len(found[version]):>13}")
    count, wrong = len(ALL) * len(reported), sum(map(len, found.values()))
    total = f"{len(ALL)} configurations x {len(reported)} versions: judged alike {count - wrong}, differences {wrong}"
    return "\n".join([*lines, total])


def test_the_recorded_verdicts_are_those_of_today(reported: Reported) -> None:
    recorded = verdicts.recorded()

    for version, of in reported.items():
        marks = {name: verdicts.REFUSED if one.error else verdicts.TAKEN for name, one in of.items()}
        assert recorded[1, version.minor] == marks


def test_the_recorded_configurations_are_what_talos_generator_writes(request: pytest.FixtureRequest) -> None:
    bundle = generated.placeholders()
    try:
        written = judges.generated(generated.request(wanted, bundle) for wanted in generated.ALL)
    except judges.CannotBuildError as error:
        pytest.skip(str(error))
    texts = {wanted.name: text for wanted, text in zip(generated.ALL, written, strict=True)}

    if request.config.getoption("--record"):
        generated.record(texts)
    assert generated.recorded() == texts


def test_the_table_of_fields_is_what_talos_reports_its_types(reported: Reported) -> None:
    assert set(reported) == set(judges.VERSIONS)
    assert talos_fields.TARGET.read_text(encoding="utf-8") == talos_fields.current()


def test_a_judge_names_the_release_that_it_is_built_from(reported: Reported) -> None:
    assert [judges.release_of(version) for version in reported] == [version.release for version in reported]


def test_the_labs_node_has_the_kernel_arguments_of_a_real_image(reported: Reported) -> None:
    for version in reported:
        theirs = [argument.removesuffix("=") for argument in judges.arguments_of(version).split()]
        assert kernel.default_arguments((1, version.minor)) == theirs


NEWEST = judges.VERSIONS[-1]


@pytest.mark.parametrize("contract", ["v1.13", "v1.14"])
def test_v1_14_takes_what_is_written_for_it_and_for_v1_13(contract: str) -> None:
    written = [case for case in own_cases() if case.name.startswith(contract)]
    verdicts = judges.verdicts(NEWEST, written)

    assert [name for name, verdict in verdicts.items() if verdict.error] == []
    # The settings for CozyStack have files.
    assert {warning for verdict in verdicts.values() for warning in verdict.warnings} == {
        ".machine.files is deprecated; use dedicated configuration documents instead"
    }


@pytest.mark.parametrize(
    ("document", "field"),
    [
        pytest.param({"kind": "KubeletConfig", "image": KUBELET}, ".machine.kubelet", id="kubelet"),
        pytest.param({"kind": "KubeAPIServerConfig", "image": API_SERVER}, ".cluster.apiServer", id="API server"),
    ],
)
def test_v1_14_refuses_an_old_field_beside_the_document_that_replaces_it(document: dict[str, str], field: str) -> None:
    documents = [*base_documents("v1.13", CONTROL_PLANE), {"apiVersion": "v1alpha1", **document}]
    text = "---\n".join(map(yaml_text.dump_plain, documents))

    assert f"is already set in v1alpha1 config ({field})" in judges.verdicts(NEWEST, [Case("a", text)])["a"].error
