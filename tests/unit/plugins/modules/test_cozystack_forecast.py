# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the forecast as a whole, with the requests that the collection ships."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import PROFILES
from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.modules import cozystack_forecast
from tests.checks.process import ROOT
from tests.ec2_cluster import cluster
from tests.ec2_costs import THREE

NAMES = ("gateway", "compute-2", "compute-3")
READY: Mapping[str, Any] = {"images_arm64": True, "data_disk": True}


def params(*, nodes: int = 3, **given: Any) -> dict[str, Any]:
    """Return the options of the module, as it has them when only these are given."""
    spec = cozystack_forecast.argument_spec()
    defaults = {name: option.get("default") for name, option in spec.items()}
    machines = [{"name": name, "role": "compute", "ipv4": "192.0.2.1"} for name in NAMES[:nodes]]
    return {**defaults, "nodes": machines, **given}


def forecast(**given: Any) -> dict[str, Any]:
    """Return the module's result."""
    return cozystack_forecast.forecast(params(**given))


def verdict(found: Mapping[str, Any], code: str) -> dict[str, Any]:
    """Return the verdict of a code, which must be there."""
    return next(one for one in found["verdicts"] if one["code"] == code)


def test_three_small_nodes_are_too_few_and_the_images_are_reported_before_that() -> None:
    found = forecast()

    assert (found["outcome"], found["fits"]) == ("blocked", False)
    assert found["codes"] == [
        *("ARCH_UNSUPPORTED_IMAGES", "INSUFFICIENT_MEMORY", "INSUFFICIENT_CPU"),
        *("KVM_MISSING", "DATA_DISK_MISSING", "BELOW_DOCUMENTED_USE"),
    ]
    assert found["first"]["code"] == "INSUFFICIENT_MEMORY"
    assert found["first"]["node"] == "gateway"
    assert found["verdict"] == "does not fit"
    assert found["fitting_profiles"] == []


def test_pods_that_operators_make_at_run_time_are_requested_too() -> None:
    found = forecast()

    assert (found["requested"]["cpu"], found["requested"]["memory"]) == (7075, 16488)
    assert found["first"]["pod"] == "virt-handler-gateway"


def test_metallb_is_counted_only_where_it_is_installed() -> None:
    assert forecast(metallb_enabled=True)["requested"]["pods"] - forecast()["requested"]["pods"] == 8


def test_a_profile_whose_requests_fit_runs_out_of_memory_if_measured_use_does_not() -> None:
    found = forecast(profile="slim", **READY)

    assert (found["outcome"], found["fits"], found["requested"]["pending"]) == ("blocked", False, 0)
    assert found["verdict"] == "schedules but will run out of memory"
    assert found["codes"][0] == "MEMORY_WILL_RUN_OUT"
    figures = verdict(found, "MEMORY_WILL_RUN_OUT")["evidence"]["nodes"]
    worst = max(figures.values(), key=lambda one: one["used"])
    assert worst["used"] - worst["requested"] > 1000
    assert worst["used"] > worst["available"] >= worst["requested"]
    assert "slim: schedules but will run out of memory on 3 nodes" in found["lines"][0]


def test_a_line_says_how_far_measured_use_is_above_requests() -> None:
    (line,) = (one for one in forecast(profile="slim")["lines"] if "measured use" in one)

    assert "about 4.0 of 3.1 GiB, 1.0 GiB above its requests (4 of its workloads were measured)" in line


def test_what_is_proposed_keeps_the_caps_or_says_that_nothing_within_them_fits() -> None:
    found = forecast(nodes=1, profile="full", nodes_max=1, cost_per_hour_max=0.1, **READY)

    assert found["changes"] == []
    assert (found["nearest"]["nodes"], found["nearest"]["instance_type"]) == (1, "t4g.2xlarge")
    assert verdict(found, "INSUFFICIENT_MEMORY")["remedy"] == (
        "No change within cluster_nodes_max 1 and $0.1 an hour fits. "
        "The nearest, 1 x t4g.2xlarge ($0.2944 an hour for the instances, $0.2576 more), is above "
        "cluster_cost_per_hour_max."
    )


def described(**limits: float) -> dict[str, Any]:
    """Return the forecast of the whole cluster, of which a bastion and volumes are part, with limits of its costs."""
    return forecast(nodes_max=3, cluster=cluster(**{**THREE, "cost": limits}), **READY)


# Three t4g.xlarge are $0.4416 an hour; with volumes, the bastion and its address $0.4868.
@pytest.mark.parametrize(
    ("limits", "exceeds"),
    [
        pytest.param({}, [], id="no limit"),
        pytest.param({"per_hour_max": 0.5}, [], id="within"),
        pytest.param({"per_hour_max": 0.45}, ["cluster_cost_per_hour_max"], id="an hour, with everything"),
        pytest.param({"per_day_max": 5.0}, ["cluster_cost_per_day_max"], id="a day"),
        pytest.param({"per_month_max": 100.0}, ["cluster_cost_per_month_max"], id="a month"),
        pytest.param({"per_session_max": 1.0}, ["cluster_cost_per_session_max"], id="a session"),
    ],
)
def test_what_is_proposed_is_within_all_limits_of_the_whole_cluster(
    limits: dict[str, float], exceeds: list[str]
) -> None:
    found = described(**limits)

    remedy = verdict(found, "INSUFFICIENT_MEMORY")["remedy"]
    assert any(one["profile"] is None for one in found["changes"]) == (not exceeds)
    assert (found["nearest"] or {"exceeds": []})["exceeds"] == exceeds
    assert all(name in remedy for name in exceeds), remedy


def test_limits_are_listed_as_in_a_sentence() -> None:
    remedy = verdict(described(per_hour_max=0.45, per_day_max=5.0, per_month_max=90.0), "INSUFFICIENT_MEMORY")["remedy"]

    assert "within cluster_nodes_max 3, cluster_cost_per_hour_max $0.45, cluster_cost_per_day_max $5 and " in remedy
    assert remedy.endswith(
        "is above cluster_cost_per_hour_max, cluster_cost_per_day_max and cluster_cost_per_month_max."
    )


@pytest.mark.parametrize(
    ("given", "unchecked"),
    [
        pytest.param({"cost_per_hour_max": 1.0}, ["cluster_cost_per_hour_max"], id="instances an hour"),
        pytest.param(
            {"cluster": cluster(**{**THREE, "region": "me-south-1", "cost": {"per_day_max": 9.0}})},
            ["cluster_cost_per_day_max"],
            id="the whole cluster a day",
        ),
    ],
)
def test_a_price_that_is_unknown_is_not_said_to_be_above_a_limit(given: dict[str, Any], unchecked: list[str]) -> None:
    found = forecast(nodes_max=3, region="me-south-1", profile="full", **given, **READY)

    assert found["changes"] == []
    assert (found["nearest"]["exceeds"], found["nearest"]["unchecked"]) == ([], unchecked)
    remedy = verdict(found, "INSUFFICIENT_MEMORY")["remedy"]
    assert remedy.startswith("It is unknown whether a change within cluster_nodes_max 3 and ")
    assert remedy.endswith(
        f"The nearest, 3 x t4g.xlarge, has no known price in me-south-1, so that {unchecked[0]} cannot be checked."
    )
    assert "The price of a1.metal in me-south-1 is unknown" in verdict(found, "KVM_MISSING")["remedy"]


def test_a_known_limit_is_named_beside_a_price_that_is_unknown() -> None:
    found = forecast(nodes_max=2, cost_per_hour_max=1.0, region="me-south-1", profile="full", **READY)

    assert verdict(found, "INSUFFICIENT_MEMORY")["remedy"] == (
        "No change within cluster_nodes_max 2 and $1 an hour fits. The nearest, 3 x t4g.xlarge, is above "
        "cluster_nodes_max and has no known price in me-south-1, so that cluster_cost_per_hour_max cannot be checked."
    )


def test_the_other_nodes_count_for_the_limit_of_a_type_with_kvm() -> None:
    within, above = (forecast(profile="full", cost_per_hour_max=most, **READY) for most in (0.54, 0.53))

    assert "Use a .metal type" in verdict(within, "KVM_MISSING")["remedy"]
    assert "no instance type with KVM is offered within the limits" in verdict(above, "KVM_MISSING")["remedy"]


def test_a_smaller_profile_on_other_nodes_is_proposed_if_the_limits_allow_only_both() -> None:
    found = forecast(nodes_max=3, cost_per_hour_max=0.25, profile="novirt", **READY)

    (change,) = found["changes"]
    assert (change["nodes"], change["instance_type"], change["profile"]) == (3, "t4g.large", "core")
    assert change["per_hour"] <= 0.25
    assert forecast(instance_type="t4g.large", profile="core", **READY)["fits"]
    assert verdict(found, "INSUFFICIENT_MEMORY")["remedy"].startswith(
        "Use 3 x t4g.large ($0.2208 an hour for the instances, $0.1104 more) with profile core. No change within "
        "cluster_nodes_max 3 and $0.25 an hour fits profile novirt. The nearest, "
    )


# Three control planes of one type, and a worker of another.
def mixed(small: str, large: str, **options: Any) -> dict[str, Any]:
    """Return the forecast of three control planes of one type, and of a worker of another."""
    given = params(instance_type=small, **options, **READY)
    worker = {"name": "worker", "machine_type": "worker", "instance_type": large}
    return cozystack_forecast.forecast({**given, "nodes": [*given["nodes"], worker]})


def test_nodes_that_fit_although_some_are_small_are_not_said_to_kill_containers() -> None:
    found = mixed("t4g.medium", "t4g.2xlarge", profile="slim")

    assert (found["verdict"], found["codes"]) == ("fits", ["BELOW_DOCUMENTED_USE"])
    assert "fits 4 nodes, of which 3 have less than the documented use" in found["lines"][0]
    remedy = verdict(found, "BELOW_DOCUMENTED_USE")["remedy"]
    assert "killed" not in remedy
    assert remedy.startswith("All pods fit by their requests and measured use.")


@pytest.mark.parametrize("types", [("t4g.large", "t4g.xlarge"), ("t4g.medium", "t4g.2xlarge")])
def test_nodes_of_several_types_are_all_named_in_a_change(types: tuple[str, str]) -> None:
    found = mixed(*types, profile="full", nodes_max=6)

    for change in found["changes"]:
        names = [name for name, count in change["types"].items() for _index in range(count)]
        assert len(names) == change["nodes"]
        assert change["instance_type"] in names
        text = " and ".join(f"{count} x {name}" for name, count in change["types"].items())
        assert text in found["verdicts"][0]["remedy"]
        after = [
            {"name": f"node-{index}", "machine_type": "controlplane" if index < 3 else "worker", "instance_type": name}
            for index, name in enumerate(names)
        ]
        better = cozystack_forecast.forecast({**params(profile="full", **READY), "nodes": after})
        assert (better["verdict"], better["prices"]["per_hour"]) == ("fits", change["per_hour"])
    assert any(len(change["types"]) > 1 for change in found["changes"])


def test_a_change_that_costs_less_says_so() -> None:
    remedy = mixed("t4g.medium", "t4g.2xlarge", profile="novirt")["verdicts"][0]["remedy"]

    assert "Use 4 x t4g.large ($0.2944 an hour for the instances, $0.1104 less)" in remedy


def test_a_profile_that_fits_small_nodes_is_named_where_nothing_else_does() -> None:
    found = mixed("t4g.medium", "t4g.2xlarge", profile="full", nodes_max=4, cost_per_hour_max=0.2)

    assert found["fitting_profiles"] == ["slim"]
    assert (
        "Profile slim fits these nodes, some of which have less than the documented use."
        in (found["verdicts"][0]["remedy"])
    )


def test_a_cluster_that_is_not_a_description_is_refused() -> None:
    with pytest.raises(InputError, match="Failed to read cluster: missing required arguments"):
        forecast(cluster={"name": "moon"})


def test_the_prices_are_those_of_the_region() -> None:
    found = forecast(nodes=1, profile="full", nodes_max=1, cost_per_hour_max=0.1, region="eu-central-1", **READY)

    assert found["nearest"]["per_hour"] == 0.3072
    assert (found["prices"]["region"], found["prices"]["per_hour"]) == ("eu-central-1", 0.0384)


def test_a_region_without_prices_has_proposals_without_prices() -> None:
    found = forecast(region="me-south-1")

    assert found["changes"] and all(one["per_hour"] is None for one in found["changes"])
    assert found["prices"]["per_hour"] is None
    assert "the price of a1.metal is unknown" in verdict(found, "KVM_MISSING")["remedy"]


def test_more_nodes_are_proposed_up_to_the_cap_only() -> None:
    planned = {"instance_type": "t4g.large", "profile": "full", **READY}

    assert [one["nodes"] for one in forecast(nodes_max=3, **planned)["changes"]] == [3]
    assert {one["nodes"] for one in forecast(nodes_max=9, **planned)["changes"]} > {3}


def test_no_type_is_proposed_that_the_zone_does_not_offer() -> None:
    found = forecast(offered_types=["t4g.medium", "t4g.2xlarge"])

    assert [one["instance_type"] for one in found["changes"]] == ["t4g.2xlarge"]
    assert verdict(found, "KVM_MISSING")["remedy"].startswith("Use the profile novirt")


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_is_proposed_of_which_the_same_forecast_warns(profile: str) -> None:
    for change in forecast(profile=profile)["changes"]:
        workers = [{"name": f"worker-{index}", "machine_type": "worker"} for index in range(change["more_nodes"])]
        given = params(profile=profile, instance_type=change["instance_type"])
        better = cozystack_forecast.forecast({**given, "nodes": [*given["nodes"], *workers]})
        assert "BELOW_DOCUMENTED_USE" not in better["codes"]
        assert "MEMORY_WILL_RUN_OUT" not in better["codes"]


@pytest.mark.parametrize("name", ["m7i.metal-24xl", "c7i.large", "t3.medium"])
def test_a_machine_that_is_not_a_graviton_never_fits(name: str) -> None:
    types = {name: {"vcpus": 96, "memory_mib": 393216, "architecture": "amd64", "burstable": False}}
    known, asked = forecast(instance_type=name, instance_types=types, **READY), forecast(instance_type=name, **READY)

    assert [one["fits"] for one in (known, asked)] == [False, False]
    assert [one["outcome"] for one in (known, asked)] == ["blocked", "blocked"]
    assert "ARCHITECTURE_NOT_ARM64" in known["codes"] and "ARCHITECTURE_NOT_ARM64" in asked["codes"]


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("instance_type", ["t4g.medium", "t4g.xlarge"])
def test_what_fits_is_not_blocked(images: bool, instance_type: str) -> None:
    found = forecast(instance_type=instance_type, images_arm64=images, data_disk=True)

    assert found["fits"] == (found["outcome"] == "ready")


def test_a_line_about_larger_hosts_is_a_recommendation_where_everything_fits() -> None:
    text = "\n".join(forecast(instance_type="t4g.xlarge", **READY)["lines"])

    assert "fits 3 nodes" in text
    assert "hosts of 8 cores and 24 GiB are recommended, which are larger than what this forecast asks for" in text
    assert "nodes need" not in text


def test_three_large_nodes_with_own_images_are_ready_but_for_virtual_machines() -> None:
    found = forecast(instance_type="t4g.xlarge", **READY)

    assert (found["outcome"], found["fits"], found["changes"]) == ("ready", True, [])
    assert found["codes"] == ["KVM_MISSING"]
    assert verdict(found, "KVM_MISSING")["severity"] == "warning"


def test_one_node_of_the_first_phase_is_blocked_for_lack_of_memory_as_well() -> None:
    found = forecast(nodes=1, **READY)

    assert found["codes"][:2] == ["INSUFFICIENT_MEMORY", "INSUFFICIENT_CPU"]
    assert [(change["nodes"], change["instance_type"]) for change in found["changes"]] == [(1, "t4g.2xlarge")]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("count", [1, 3])
def test_the_change_that_is_proposed_does_fit(profile: str, count: int) -> None:
    found = forecast(nodes=count, profile=profile)

    for change in found["changes"]:
        workers = [{"name": f"worker-{index}", "machine_type": "worker"} for index in range(change["more_nodes"])]
        given = params(nodes=count, profile=profile, instance_type=change["instance_type"])
        better = cozystack_forecast.forecast({**given, "nodes": [*given["nodes"], *workers]})
        assert better["verdict"] == "fits"
        assert better["prices"]["per_hour"] == change["per_hour"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("instance_type", ["t4g.medium", "t4g.large", "t4g.xlarge", "t4g.2xlarge"])
def test_one_more_worker_never_leaves_more_pods_waiting(profile: str, instance_type: str) -> None:
    waiting = []
    for more in range(7):
        workers = [{"name": f"worker-{index}", "machine_type": "worker"} for index in range(more)]
        given = params(profile=profile, instance_type=instance_type)
        found = cozystack_forecast.forecast({**given, "nodes": [*given["nodes"], *workers]})
        waiting.append(found["requested"]["pending"])

    assert waiting == sorted(waiting, reverse=True)


def test_the_names_of_nodes_do_not_matter_for_a_change() -> None:
    given = params(instance_type="t4g.large")

    same, other = (
        cozystack_forecast.forecast(
            {**given, "nodes": [*given["nodes"], {"name": name, "machine_type": "worker"}]},
        )["changes"]
        for name in ("worker-1", "compute-4")
    )

    assert same == other
    assert any(change["more_nodes"] for change in same)


def test_figures_say_how_much_is_missing() -> None:
    evidence = verdict(forecast(profile="novirt"), "INSUFFICIENT_MEMORY")["evidence"]

    assert evidence["need"] - evidence["have"] == evidence["deficit"] > 0
    assert evidence["need"] == forecast(profile="novirt")["requested"]["memory"]


def test_disabling_packages_makes_room() -> None:
    full = forecast(profile="novirt")["requested"]
    less = forecast(
        profile="novirt", disabled_packages=["cozystack.foundationdb-operator", "cozystack.foundationdb-application"]
    )

    assert full["packages"] - less["requested"]["packages"] == 2
    assert full["cpu"] - less["requested"]["cpu"] == 500
    assert "PACKAGES_NOT_CLOSED" not in less["codes"]


def test_packages_that_would_wait_for_ever_are_reported_with_what_to_disable_too() -> None:
    found = verdict(forecast(disabled_packages=["cozystack.foundationdb-operator"]), "PACKAGES_NOT_CLOSED")

    assert found["remedy"] == "Disable these as well: cozystack.foundationdb-application."
    assert found["severity"] == "error"


def test_few_pods_per_node_run_out_before_anything_else() -> None:
    found = forecast(nodes=1, instance_type="t4g.2xlarge", pods_per_node=64, **READY)

    assert found["codes"][0] == "INSUFFICIENT_PODS"
    assert found["nodes"][0]["requested"]["pods"] == 64


def test_control_planes_that_are_kept_free_leave_pods_without_a_node() -> None:
    found = forecast(instance_type="t4g.2xlarge", schedulable_control_planes=False, **READY)

    assert found["codes"][0] == "NO_SCHEDULABLE_NODE"


def test_only_nodes_that_may_run_the_waiting_pods_are_counted() -> None:
    nodes = [{"name": name} for name in NAMES] + [{"name": "worker-1", "machine_type": "worker"}]
    given = params(profile="slim", schedulable_control_planes=False, **READY)
    found = cozystack_forecast.forecast({**given, "nodes": nodes})

    short = verdict(found, "INSUFFICIENT_CPU")
    assert "insufficient CPU on worker-1, which alone may run them" in short["message"]
    assert short["evidence"]["have"] == found["nodes"][-1]["allocatable"]["cpu"]
    assert short["evidence"]["deficit"] > 0
    assert (short["subject"], short["evidence"]["nodes"]) == ("node worker-1", ["worker-1"])
    assert found["first"]["nodes"] == ["worker-1"]


@pytest.mark.parametrize("profile", ["slim", "full"])
def test_a_type_that_is_large_enough_and_not_offered_is_named_as_that(profile: str) -> None:
    found = forecast(profile=profile, offered_types=["t4g.micro", "t4g.small"], nodes_max=3, **READY)

    assert found["changes"] == []
    assert (found["nearest"]["offered"], found["nearest"]["exceeds"]) == (False, [])
    remedy = found["verdicts"][0]["remedy"]
    assert "No known type" not in remedy
    assert remedy.endswith("is not offered in the availability zone (cluster_availability_zone).")


def test_a_disk_that_is_too_small_is_not_a_lack_of_memory() -> None:
    found = forecast(instance_type="t4g.xlarge", volume_size=20, profile="novirt", **READY)

    warning = verdict(found, "BELOW_DOCUMENTED_USE")
    assert "Less disk: gateway, compute-2, compute-3." in warning["message"]
    assert "Less memory" not in warning["message"]
    assert warning["remedy"].startswith("Set cluster_volume_size to at least 50")
    assert "memory" not in warning["remedy"]
    assert (found["fits"], found["fitting_profiles"]) == (True, ["full", "novirt", "core", "slim"])


def test_what_is_too_small_is_named_for_each_node() -> None:
    nodes = [{"name": "a", "instance_type": "t4g.xlarge"}, {"name": "b", "instance_type": "t4g.medium"}]
    warning = verdict(cozystack_forecast.forecast({**params(**READY), "nodes": nodes}), "BELOW_DOCUMENTED_USE")

    assert warning["evidence"]["below"] == {"memory": ["b"]}
    assert (warning["subject"], warning["remedy"].count(".")) == ("node b", 1)


def test_metal_has_kvm() -> None:
    types = {"m7g.metal": {"vcpus": 64, "memory_mib": 262144, "architecture": "arm64", "burstable": False}}

    found = forecast(nodes=1, instance_type="m7g.metal", instance_types=types, **READY)

    assert (found["verdict"], found["verdicts"]) == ("fits", [])
    assert found["prices"]["per_hour"] is None


def test_what_ec2_returns_goes_before_the_table() -> None:
    types = {"t4g.medium": {"vcpus": 2, "memory_mib": 2048, "architecture": "arm64"}}

    assert forecast(instance_types=types)["nodes"][0]["allocatable"]["memory"] == int(2048 * 0.925) - 612


def test_no_forecast_is_made_for_an_unknown_type() -> None:
    found = forecast(instance_type="z9g.large", **READY)

    assert verdict(found, "SIZE_UNKNOWN")["subject"] == "instance type z9g.large"
    assert (found["verdict"], found["fits"], found["outcome"]) == ("unknown", False, "blocked")
    assert not [code for code in found["codes"] if code.startswith("INSUFFICIENT")]


def test_a_person_reads_profile_nodes_floors_and_remedies() -> None:
    text = "\n".join(forecast()["lines"])

    assert "CozyStack v1.6.2, profile full: does not fit 3 nodes" in text
    assert "gateway (t4g.medium): 1.81 of 1.95 cores" in text
    assert "requests are a minimum: by the documentation, 2 cores and 6 GiB are in use" in text
    assert "Use 3 x t4g.xlarge ($0.4416 an hour for the instances, $0.3312 more)." in text


def test_a_partial_build_names_the_images_that_it_lacks_and_the_releases_that_hang_on_them() -> None:
    example = yaml.safe_load((ROOT / "examples" / "urmanac_arm64.yml").read_text(encoding="utf-8"))
    version, images = example["cluster_cozystack_version"], example["cluster_cozystack_images_arm64"]

    found = forecast(
        instance_type=example["cluster_instance_type"], version=version, images_arm64=images, data_disk=True
    )

    missing = verdict(found, "ARCH_UNSUPPORTED_IMAGES")
    assert missing["severity"] == "error"
    assert missing["evidence"]["images"] == ["cozystack-ui", "grafana-dashboards", "token-proxy"]
    assert missing["evidence"]["releases_of"]["grafana-dashboards"] == ["grafana-operator"]
    assert missing["message"].startswith(
        "The build of CozyStack v1.5.1 is partial. Not built for arm64: cozystack-ui (dashboard), "
        "grafana-dashboards (grafana-operator), token-proxy (dashboard). "
    )
    assert "8 releases depend on them: grafana-operator, dashboard, " in missing["message"]
    assert (found["verdict"], found["codes"]) == ("fits", ["ARCH_UNSUPPORTED_IMAGES", "KVM_MISSING"])


def test_a_forecast_is_of_the_version_that_is_installed() -> None:
    older, later = forecast(version="v1.5.1"), forecast(version="v1.7.0")

    assert [one["data"]["version"] for one in (older, later)] == ["v1.5.4", "v1.7"]
    assert later["requested"]["memory"] - older["requested"]["memory"] > 1000
    assert "VERSION_WITHOUT_DATA" not in older["codes"]
    said = verdict(later, "VERSION_WITHOUT_DATA")
    assert said["message"] == "The data of CozyStack v1.7 were made from its main branch, before its release."
    assert said["severity"] == "warning"


def test_a_forecast_of_a_version_without_data_says_so() -> None:
    found = verdict(forecast(version="v1.9.0"), "VERSION_WITHOUT_DATA")

    assert found["message"] == "The collection has no data of CozyStack v1.9.0: this is a forecast of v1.7."
    assert found["severity"] == "warning"


def test_the_result_is_plain_data() -> None:
    found = forecast()

    assert yaml.safe_load(yaml.safe_dump(found)) == json.loads(json.dumps(found))


def test_the_documentation_names_every_key() -> None:
    documented = yaml.safe_load(cozystack_forecast.RETURN)

    assert set(documented) == set(forecast())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"disabled_packages": ["cozystack.nope"]}, "no package is called cozystack.nope", id="package"),
        pytest.param({"instance_type": "t4g.mediun"}, "there is no t4g.mediun. Did you mean t4g.medium", id="type"),
        pytest.param({"nodes": []}, "Name at least one", id="no node"),
        pytest.param({"nodes": [{"name": "a", "machine_type": "boss"}]}, "controlplane or worker", id="machine type"),
        pytest.param({"nodes": [{"instance_type": "t4g.large"}]}, "Each needs a name", id="no name"),
    ],
)
def test_what_cannot_be_used_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        cozystack_forecast.forecast({**params(), **given})
