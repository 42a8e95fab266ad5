# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing CozyStack: new, second run, drift, check mode, diff, adoption, refusals, and its end."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog import packages
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.install import platform, steps
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.install.installed import Refusal
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.install.manifests import (
    Overrides,
    Source,
    customised,
    deployment_of,
    read_manifest,
    released,
)
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.install.steps import Outcome
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import PACKAGE
from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.apply import diffs, shown
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.modules.cozystack_install import ARGUMENT_SPEC
from lab.kubernetes.manifests import definitions, operator_manifest
from tests.kubernetes_api import SERVER, FakeApi
from tests.talos_run import with_defaults

PLATFORM = "cozystack.cozystack-platform"
OWN: dict[str, Any] = {
    "operator_image": "registry.example.com/operator:1",
    "platform_source_url": "oci://registry.example.com/packages",
}


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, str]:
    operator, crds = tmp_path / "operator.yaml", tmp_path / "crds.yaml"
    operator.write_text(yaml.safe_dump_all(operator_manifest()))
    crds.write_text(yaml.safe_dump_all(definitions()))
    return {"manifest": str(operator), "crds_manifest": str(crds)}


def nowhere(url: str) -> bytes:
    raise AssertionError(f"{url} was fetched")


def plan(manifest: dict[str, str], **options: Any) -> steps.Plan:
    return steps.plan_of(with_defaults({**manifest, **options}, ARGUMENT_SPEC), nowhere)


def run(api: FakeApi, manifest: dict[str, str], *, check_mode: bool = False, **options: Any) -> Outcome:
    return steps.ensure_present(api, plan(manifest, **options), check_mode=check_mode)


def platform_values(api: FakeApi) -> dict[str, Any]:
    found = api.get(PACKAGE, PLATFORM)
    assert found
    values: dict[str, Any] = found["spec"]["components"]["platform"]["values"]
    return values


def test_definitions_come_first_and_the_package_last(manifest: dict[str, str]) -> None:
    api = FakeApi()

    outcome = run(api, manifest)

    assert outcome.result()["changed"]
    assert api.writes == [
        "CustomResourceDefinition packages.cozystack.io",
        "CustomResourceDefinition packagesources.cozystack.io",
        "Namespace cozy-system",
        "ServiceAccount cozystack",
        "ClusterRoleBinding cozystack",
        "Deployment cozystack-operator",
        f"Package {PLATFORM}",
    ]


def test_a_second_run_changes_nothing(manifest: dict[str, str]) -> None:
    api = FakeApi()
    run(api, manifest)
    api.writes.clear()

    outcome = run(api, manifest)

    assert (outcome.result()["changed"], outcome.owner, api.writes) == (False, "urmanac.talos", [])
    assert diffs(outcome.changes) == []


def test_drift_is_put_right(manifest: dict[str, str]) -> None:
    api = FakeApi()
    run(api, manifest, host="example.com")
    api.writes.clear()

    outcome = run(api, manifest, host="example.org")

    assert api.writes == [f"Package {PLATFORM}"]
    (diff,) = diffs(outcome.changes)
    assert diff["after_header"] == f"Package {PLATFORM}"
    assert ("host: example.com" in diff["before"], "host: example.org" in diff["after"]) == (True, True)


def test_check_mode_on_an_empty_cluster_writes_nothing_and_shows_all(manifest: dict[str, str]) -> None:
    api = FakeApi()

    outcome = run(api, manifest, check_mode=True, host="example.com")

    assert api.writes == []
    assert [one.name for one in outcome.changes if one.changed][-1] == PLATFORM
    assert "host: example.com" in outcome.changes[-1].after


def test_a_diff_shows_no_secret(manifest: dict[str, str]) -> None:
    values = {"oidc": {"clientSecret": "hush", "name": "shown"}, "registries": {"auth": [{"password": "hush"}]}}

    outcome = run(FakeApi(), manifest, values=values)

    text = str(diffs(outcome.changes))
    assert ("hush" in text, "shown" in text, "(redacted)" in text) == (False, True, True)


@pytest.mark.parametrize("part", ["data", "stringData"])
def test_a_diff_shows_nothing_that_is_in_a_secret(part: str) -> None:
    content = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}, part: {".dockerconfigjson": "hush"}}

    text = shown(content)

    assert ("hush" in text, ".dockerconfigjson: (redacted)" in text) == (False, True)


def test_options_become_values_and_the_users_own_are_on_top(manifest: dict[str, str]) -> None:
    api = FakeApi()
    options: dict[str, Any] = {
        "host": "example.com",
        "external_ips": ["192.0.2.101"],
        "control_plane_ips": ["192.0.2.1"],
    }

    run(api, manifest, values={"publishing": {"host": "own.example.com"}, "gateway": {"enabled": True}}, **options)

    values = platform_values(api)
    assert values["publishing"] == {"host": "own.example.com", "externalIPs": ["192.0.2.101"]}
    assert values["networking"] == {"kubeovn": {"MASTER_NODES": "192.0.2.1"}}
    assert values["gateway"] == {"enabled": True}


@pytest.mark.parametrize(
    ("options", "gone", "there"),
    [
        pytest.param({}, "metallb", "kubevirt", id="full"),
        pytest.param({"metallb_enabled": True}, "", "metallb", id="with metallb"),
        pytest.param({"profile": "novirt"}, "kubevirt", "postgres-operator", id="novirt"),
        pytest.param({"profile": "slim"}, "linstor", "cert-manager", id="slim"),
        pytest.param({"disabled_packages": ["cozystack.reloader"]}, "reloader", "kubevirt", id="one by name"),
        pytest.param({"profile": "slim", "enabled_packages": ["cozystack.velero"]}, "linstor", "velero", id="wanted"),
    ],
)
def test_profiles_disable_packages(manifest: dict[str, str], options: Any, gone: str, there: str) -> None:
    disabled = plan(manifest, **options).disabled

    assert not gone or f"cozystack.{gone}" in disabled
    assert f"cozystack.{there}" not in disabled


def test_packages_that_would_wait_for_ever_are_reported(manifest: dict[str, str]) -> None:
    outcome = run(FakeApi(), manifest, disabled_packages=["cozystack.cert-manager"])

    assert "would wait for disabled ones forever" in outcome.warnings[0]


def test_a_package_that_was_made_before_it_was_disabled_is_reported(manifest: dict[str, str]) -> None:
    api = FakeApi(knows_packages=True)
    api.put(PACKAGE, {"metadata": {"name": "cozystack.metallb"}})

    outcome = run(api, manifest)

    assert outcome.leftovers == ["cozystack.metallb"]
    assert "Existing packages are kept" in outcome.warnings[0]


def test_released_images_are_refused_on_arm64_with_the_reason(manifest: dict[str, str]) -> None:
    api = FakeApi(architecture="arm64")

    with pytest.raises(Refusal, match="released images are built for amd64 alone") as caught:
        run(api, manifest)

    assert (caught.value.problems[0].code, api.writes) == ("ARCH_UNSUPPORTED_IMAGES", [])


@pytest.mark.parametrize(
    "options", [pytest.param(OWN, id="own build"), pytest.param({"allow_unsupported_architecture": True}, id="allowed")]
)
def test_arm64_is_fine_with_an_own_build_or_when_allowed(manifest: dict[str, str], options: dict[str, Any]) -> None:
    assert run(FakeApi(architecture="arm64"), manifest, **options).result()["changed"]


def test_an_own_operator_with_the_released_packages_is_refused_on_arm64(manifest: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="cozystack/cozystack-packages"):
        run(FakeApi(architecture="arm64"), manifest, operator_image=OWN["operator_image"])


def from_helm() -> dict[str, Any]:
    content = operator_manifest()[-1]
    content["metadata"]["annotations"] = {"meta.helm.sh/release-name": "cozystack"}
    return content


def test_what_helm_has_installed_is_left_to_helm(manifest: dict[str, str]) -> None:
    api = FakeApi()
    api.put(kinds.DEPLOYMENT, from_helm())

    outcome = run(api, manifest)

    assert (outcome.result()["changed"], outcome.owner, api.writes) == (False, "helm", [])
    assert "Helm release cozystack manages CozyStack" in outcome.warnings[0]


@pytest.mark.parametrize("owner", ["none", "helm"])
def test_runtime_classes_are_created_once_with_any_installer(manifest: dict[str, str], owner: str) -> None:
    api = FakeApi()
    if owner == "helm":
        api.put(kinds.DEPLOYMENT, from_helm())

    planned = run(api, manifest, check_mode=True, runtime_classes={"wasmtime-spin-v2": "spin"})
    absent = api.get(kinds.RUNTIME_CLASS, "wasmtime-spin-v2")
    first = run(api, manifest, runtime_classes={"wasmtime-spin-v2": "spin"})
    made = api.get(kinds.RUNTIME_CLASS, "wasmtime-spin-v2") or {}
    again = run(api, manifest, runtime_classes={"wasmtime-spin-v2": "spin"})

    assert (planned.changes[-1].changed, absent) == (True, None)
    assert (first.changes[-1].changed, made.get("handler")) == (True, "spin")
    assert not again.result()["changed"]


def test_what_helm_has_installed_is_taken_over_by_adoption_and_stays_ours(manifest: dict[str, str]) -> None:
    api = FakeApi()
    api.put(kinds.DEPLOYMENT, from_helm())
    # Helm owns the fields; only force takes them.
    api.refusal = ApiError(SERVER, "apply", Cause.CONFLICT, 'conflict with "helm"')

    assert run(api, manifest, adopt=True).result()["changed"]

    api.refusal = None
    assert run(api, manifest).result() | {"objects": []} == {
        **{"changed": False, "server": SERVER, "owner": "urmanac.talos", "objects": [], "leftovers": []},
        "disabled_packages": ["cozystack.metallb"],
    }


def test_fields_of_another_tool_are_not_taken_without_force(manifest: dict[str, str]) -> None:
    api = FakeApi()
    api.refusal = ApiError(SERVER, "apply Deployment a", Cause.CONFLICT, 'conflict with "kubectl"')

    with pytest.raises(ApiError, match=r'conflict with "kubectl"\. Another tool owns these fields'):
        run(api, manifest)

    assert run(api, manifest, force=True).result()["changed"]


def test_one_generation_is_not_put_over_the_other(manifest: dict[str, str]) -> None:
    api = FakeApi()
    api.put(kinds.DEPLOYMENT, {"metadata": {"name": "cozystack", "namespace": "cozy-system"}})

    with pytest.raises(Refusal, match=r"CozyStack 0\.x is installed") as caught:
        run(api, manifest)

    assert caught.value.problems[0].code == "NAME_CLASH"


def test_definitions_that_do_not_come_are_reported_with_what_the_operator_waits_for(manifest: dict[str, str]) -> None:
    api = FakeApi()
    waiting = {"reason": "ImagePullBackOff", "message": "no match for platform in manifest"}
    status = {"containerStatuses": [{"state": {"waiting": waiting}}]}
    api.put(kinds.POD, {"metadata": {"name": "cozystack-operator-1", "namespace": "cozy-system"}, "status": status})
    slept: list[float] = []
    wanted = plan({"manifest": manifest["manifest"]}, wait_timeout=3)

    with pytest.raises(ApiError, match="cozystack-operator-1: ImagePullBackOff: no match for platform"):
        steps.ensure_present(api, wanted, check_mode=False, clock=lambda: float(len(slept)), sleep=slept.append)

    assert len(slept) == 3


def test_definitions_that_the_operator_brings_are_waited_for(manifest: dict[str, str]) -> None:
    api = FakeApi()

    def operator_starts(_: float) -> None:
        api.knows_packages = True

    wanted = plan({"manifest": manifest["manifest"]})
    steps.ensure_present(api, wanted, check_mode=False, sleep=operator_starts)

    assert api.writes[-1] == f"Package {PLATFORM}"


def test_definitions_that_are_there_are_left_to_the_operator(manifest: dict[str, str]) -> None:
    api = FakeApi(knows_packages=True)
    for one in definitions():
        api.put(kinds.CRD, one)

    run(api, manifest)

    assert not [write for write in api.writes if write.startswith("CustomResourceDefinition")]


def test_the_end_of_the_operator_leaves_everything_else(manifest: dict[str, str]) -> None:
    api = FakeApi()
    run(api, manifest)
    api.writes.clear()
    end = plan({}, state="absent")

    checked = steps.ensure_absent(api, end, check_mode=True)
    assert (checked.result()["changed"], api.writes) == (True, [])
    outcome = steps.ensure_absent(api, end, check_mode=False)
    again = steps.ensure_absent(api, end, check_mode=False)

    assert api.writes == [
        "delete Deployment cozystack-operator",
        "delete ClusterRoleBinding cozystack",
        "delete ServiceAccount cozystack",
    ]
    assert "image:" in outcome.changes[0].before
    assert not again.result()["changed"]
    assert api.get(PACKAGE, PLATFORM)
    assert api.get(kinds.NAMESPACE, "cozy-system")


@pytest.mark.parametrize("owner", ["none", "helm"])
def test_the_end_removes_the_runtime_classes_with_any_installer(manifest: dict[str, str], owner: str) -> None:
    api = FakeApi()
    if owner == "helm":
        api.put(kinds.DEPLOYMENT, from_helm())
    run(api, manifest, runtime_classes={"wasmtime-spin-v2": "spin"})
    end = plan({}, state="absent", runtime_classes={"wasmtime-spin-v2": "spin"})

    checked = steps.ensure_absent(api, end, check_mode=True)
    kept = api.get(kinds.RUNTIME_CLASS, "wasmtime-spin-v2")
    outcome = steps.ensure_absent(api, end, check_mode=False)
    again = steps.ensure_absent(api, end, check_mode=False)

    assert kept
    assert (checked.changes[-1].changed, outcome.changes[-1].changed) == (True, True)
    assert api.get(kinds.RUNTIME_CLASS, "wasmtime-spin-v2") is None
    assert not again.result()["changed"]


def test_the_end_is_left_to_helm_too() -> None:
    api = FakeApi()
    api.put(kinds.DEPLOYMENT, from_helm())

    outcome = steps.ensure_absent(api, plan({}, state="absent"), check_mode=False)

    assert (outcome.owner, api.writes) == ("helm", [])


def legacy(manifest: dict[str, str], **options: Any) -> dict[str, Any]:
    given = {"version": "v0.38.3", "variant": "paas-full", "host": "example.com", **options}
    return {"manifest": manifest["manifest"], "api_server_endpoint": "https://192.0.2.101:6443", **given}


def test_the_release_of_old_reads_a_config_map(manifest: dict[str, str]) -> None:
    api = FakeApi()
    extra: dict[str, Any] = {"disabled_packages": ["metallb"], "values": {"values-cilium": {"a": 1}}}

    run(api, legacy(manifest, external_ips=["192.0.2.101"], **extra))

    assert api.writes[:2] == ["Namespace cozy-system", "ConfigMap cozystack"]
    found = api.get(kinds.CONFIG_MAP, "cozystack", namespace="cozy-system")
    assert found
    assert found["data"] == {
        "bundle-name": "paas-full",
        "root-host": "example.com",
        "api-server-endpoint": "https://192.0.2.101:6443",
        "expose-external-ips": "192.0.2.101",
        "bundle-disable": "metallb",
        "values-cilium": "a: 1\n",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"host": None}, "CozyStack 0.3x requires host and api_server_endpoint", id="no host"),
        pytest.param({"variant": "isp-full"}, "isp-full is not a variant of this release", id="variant of today"),
        pytest.param({"profile": "slim"}, "has no packages", id="profile"),
    ],
)
def test_the_release_of_old_is_asked_for_rightly(manifest: dict[str, str], options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(legacy(manifest, **options))


def test_the_operator_gets_another_image_source_and_api_server() -> None:
    overrides = Overrides("example.com/operator:1", "oci://example.com/packages", None, "pull", "192.0.2.101", False)

    manifest = operator_manifest()
    deployment_of(manifest)["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "REPLACE_ME"

    (container,) = deployment_of(customised(manifest, overrides))["spec"]["template"]["spec"]["containers"]

    assert container["image"] == "example.com/operator:1"
    assert container["args"][-3:] == [
        "--disable-telemetry",
        "--platform-source-url=oci://example.com/packages",
        "--platform-source-secret=pull",
    ]
    assert not [arg for arg in container["args"] if "digest=" in arg]
    assert container["env"][0]["value"] == "192.0.2.101"


def test_the_releases_own_manifests_are_taken_by_default() -> None:
    operator, crds = released("1.6.2", "isp-full")

    assert operator.endswith("/v1.6.2/cozystack-operator-talos.yaml")
    assert crds.endswith("/v1.6.2/cozystack-crds.yaml")
    assert released("v1.6.2", "isp-hosted")[0].endswith("-hosted.yaml")
    assert released("v0.38.3", "paas-full") == (
        "https://github.com/cozystack/cozystack/releases/download/v0.38.3/cozystack-installer.yaml",
    )


@pytest.mark.parametrize(
    ("place", "checksum", "content", "message"),
    [
        pytest.param("https://a.example", "sha256:00", b"a: 1", "Find out which of them is right", id="checksum"),
        pytest.param("https://a.example", "md5:00", b"a: 1", "must have the form sha256:", id="kind of checksum"),
        pytest.param("http://a.example", None, b"a: 1", "Set its checksum, or use https", id="plain http"),
        pytest.param("https://a.example", None, b"a: [", "it is not YAML", id="no YAML"),
        pytest.param("https://a.example", None, b"<html/>", "it does not contain Kubernetes objects", id="a page"),
        pytest.param("/no/such/file", None, b"", "No such file or directory. Check the path", id="no file"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(
    place: str, checksum: str | None, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_manifest(Source(place, checksum), lambda _: content)


def test_a_manifest_with_the_right_checksum_is_taken() -> None:
    content = yaml.safe_dump_all(operator_manifest()).encode()
    source = Source("http://a.example", f"sha256:{hashlib.sha256(content).hexdigest()}")

    assert read_manifest(source, lambda _: content) == operator_manifest()


def test_the_module_takes_the_variants_and_profiles_that_there_are() -> None:
    assert ARGUMENT_SPEC["variant"]["choices"] == [*platform.VARIANTS, *platform.LEGACY_VARIANTS]
    assert ARGUMENT_SPEC["profile"]["choices"] == list(packages.PROFILES)


def with_packages(api: FakeApi, **depends_on: list[str]) -> FakeApi:
    """Return a cluster in which the platform has made packages and their sources."""
    for name, needed in depends_on.items():
        full = f"cozystack.{name.replace('_', '-')}"
        head = {"apiVersion": "cozystack.io/v1alpha1", "metadata": {"name": full}}
        variants = [{"name": "other", "dependsOn": ["x"]}, {"name": "default", "dependsOn": needed}]
        api.apply({**head, "kind": "Package", "spec": {"variant": "default"}})
        api.apply({**head, "kind": "PackageSource", "spec": {"variants": variants}})
    api.writes.clear()
    return api


def test_a_profile_is_closed_by_the_packages_of_the_cluster_once_it_has_them(manifest: dict[str, str]) -> None:
    api = FakeApi()
    run(api, manifest, profile="novirt", version="v1.8.0")
    with_packages(api, newcomer=["cozystack.kubevirt"], after_it=["cozystack.newcomer"], networking=[])

    again = run(api, manifest, profile="novirt", version="v1.8.0")

    disabled = platform_values(api)["bundles"]["disabledPackages"]
    assert {"cozystack.newcomer", "cozystack.after-it"} <= set(disabled)
    assert "cozystack.networking" not in disabled
    assert not run(api, manifest, profile="novirt", version="v1.8.0").result()["changed"]
    assert any("no data of CozyStack v1.8.0" in text for text in again.warnings)


def test_packages_of_the_cluster_that_wait_for_a_disabled_one_are_named(manifest: dict[str, str]) -> None:
    api = FakeApi()
    run(api, manifest)
    with_packages(api, mine=["cozystack.velero"], networking=[])

    (warning,) = run(api, manifest, disabled_packages=["cozystack.velero"]).warnings

    assert warning.startswith("Packages would wait for disabled ones forever: cozystack.mine.")


@pytest.mark.parametrize(("version", "value"), [("v1.6.2", None), ("v1.7.0", {"disabled": True})])
def test_telemetry_is_a_value_of_the_platform_only_where_the_platform_has_it(
    manifest: dict[str, str], version: str, value: Any
) -> None:
    api = FakeApi()

    run(api, manifest, telemetry_enabled=False, version=version)

    assert platform_values(api).get("telemetry") == value


@pytest.mark.parametrize("version", ["v1.5.1", "v1.6.2"])
def test_a_variant_that_never_gets_ready_is_refused_where_it_does_not(manifest: dict[str, str], version: str) -> None:
    with pytest.raises(InputError, match=r"isp-hosted of .* never becomes ready"):
        plan(manifest, variant="isp-hosted", version=version)

    assert plan(manifest, variant="isp-hosted", version="v1.7.0").platform["spec"]["variant"] == "isp-hosted"
