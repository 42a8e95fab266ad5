# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of CozyStack that its releases would refuse or ignore are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import (
    ROLES,
)
from tests.variables import judged
from tools.wrong_values import WRONG


@pytest.mark.parametrize(
    ("written", "subjects"),
    [
        pytest.param({"cluster_cozystack_variant": "isp-hosted"}, ["cluster_cozystack_variant"], id="default release"),
        pytest.param(
            {"cozystack_variant": "isp-hosted", "cozystack_version": "v1.5.1"}, ["cozystack_variant"], id="an older one"
        ),
        pytest.param({"cluster_cozystack_variant": "isp-hosted", "cluster_cozystack_version": "v1.7.0"}, [], id="new"),
        pytest.param({"cluster_cozystack_variant": "isp-full"}, [], id="another variant"),
    ],
)
def test_a_variant_that_never_becomes_ready_is_refused_with_the_variables(
    written: dict[str, Any], subjects: list[str]
) -> None:
    assert [one.subject for one in judged(written).problems] == subjects


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param("kind: [", "it is not YAML", id="no YAML"),
        pytest.param("a: b", "Kubernetes objects", id="no objects"),
        pytest.param("{apiVersion: v1, kind: Namespace, metadata: {name: a}}", "a Deployment", id="no operator"),
    ],
)
def test_a_manifest_on_the_controller_is_read_before_a_machine_is_made(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "operator.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    given = {"cozystack_manifest": str(path), "cluster_api_via": "localhost"}

    (found,) = judged(given).problems

    assert found.subject == "cozystack_manifest"
    assert said in found.message
    # The bastion reads it from its own disk, which may have it.
    assert judged({**given, "cluster_api_via": "bastion"}).problems == ()


def test_the_checksum_of_a_manifest_on_the_controller_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "crds.yaml"
    path.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: a}}", encoding="utf-8")
    given = {"cozystack_crds_manifest": str(path), "cozystack_api_via": "localhost"}

    (found,) = judged({**given, "cozystack_crds_manifest_checksum": f"sha256:{'0' * 64}"}).problems

    assert found.code == "CHECKSUM_WRONG"
    assert judged(given).problems == ()


@pytest.mark.parametrize(
    ("variables", "subjects"),
    [
        pytest.param({"cluster_cozystack_version": "v1.5.1"}, ["[0]"], id="a version that does not have it"),
        pytest.param({"cluster_cozystack_version": "v1.6.2"}, [], id="a version that has it"),
        pytest.param({"cluster_cozystack_version": "v1.9.0"}, [], id="a version without data"),
    ],
)
def test_packages_are_those_of_the_version(variables: dict[str, Any], subjects: list[str]) -> None:
    name = "cluster_cozystack_disabled_packages"

    found = judged({name: ["cozystack.securitygroup-controller"], **variables}).problems

    assert [one.subject for one in found] == [f"{name}{subject}" for subject in subjects]


def test_packages_of_the_user_may_have_any_name() -> None:
    own = {
        "cozystack_enabled_packages": ["cozystack.moon"],
        "cozystack_exposed_services": ["moon"],
        "cozystack_tenant_ingress": True,
    }
    source = {"cozystack_platform_source_url": "oci://a.io/b", "cozystack_platform_source_ref": "tag=v1"}

    assert [one.subject for one in judged(own).problems] == [f"{name}[0]" for name in list(own)[:2]]
    assert judged({**own, **source}).problems == ()
    assert judged({**own, **source, "cozystack_exposed_services": ["Moon"]}).problems


def test_packages_are_compared_with_the_version_of_the_same_role() -> None:
    name = "preflight_cozystack_disabled_packages"
    given = {"preflight_cozystack_version": "1.7.0", name: ["cozystack.computeplane-application"]}

    assert [one.subject for one in judged(given).problems] == []
    assert [one.subject for one in judged({name: given[name]}).problems] == [f"{name}[0]"]


@pytest.mark.parametrize("name", ["cozystack_exposed_services", "cozystack_external_ips"])
def test_what_an_ingress_publishes_is_judged_too(name: str) -> None:
    for number, value in enumerate(WRONG[name]):
        found = judged({name: value, "cozystack_tenant_ingress": True}).problems

        assert found, f"{number}: {value!r} is accepted"


def test_a_manifest_over_plain_http_needs_its_checksum() -> None:
    over_http = {"cozystack_manifest": "http://a.io/operator.yaml"}

    assert [one.subject for one in judged(over_http).problems] == ["cozystack_manifest"]
    assert judged({**over_http, "cozystack_manifest_checksum": f"sha256:{'0' * 64}"}).problems == ()


def test_a_source_of_packages_needs_both_of_its_parts() -> None:
    url = {"cluster_cozystack_platform_source_url": "oci://a.io/b", "cluster_cozystack_platform_source_ref": ""}

    assert "cluster_cozystack_platform_source_ref is empty" in judged(url).problems[0].message


@pytest.mark.parametrize(
    ("name", "value"),
    [("cozystack_external_ips", ["192.0.2.1"]), ("cozystack_exposed_services", ["dashboard"])],
)
def test_published_services_need_the_ingress_that_publishes_them(name: str, value: list[str]) -> None:
    usual = yaml.safe_load((ROLES / "cozystack" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    kept = {"cozystack_exposed_services": usual["cozystack_exposed_services"]}

    alone, with_it, by_default = (
        [(one.subject, one.message) for one in judged(given).problems]
        for given in ({name: value}, {name: value, "cozystack_tenant_ingress": True}, kept)
    )

    message = "It has no effect: without cozystack_tenant_ingress no service is published."
    assert (alone, with_it, by_default) == ([(name, message)], [], [])
