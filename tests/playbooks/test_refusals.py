# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done before anything is made: the plan of an empty account, forecasts, and the refusals of site.yml."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot.upstream import ARCHIVE, CHECKSUMS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import parameter_prefix
from ansible_collections.urmanac.talos.plugins.module_utils._findings import meaning_of, remedy_of
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import make_host_key
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.secrets import ensure_pending_bundle
from lab.registry.images import AMD64_ONLY
from lab.settings import REGION, REPOSITORY
from tests.http_servers import files, serving
from tests.lab.labs import TEST_AGENT, Lab, vcpu_quota
from tests.playbooks.runs import CONFIRMED, NODE, Run, calls, play

WRONG: dict[str, Any] = {
    "cluster_vpc_ipv4_cidr": "127.200.0.0/16",
    "cluster_subnet_ipv4_cidr": "127.201.0.0/24",
    "cluster_bastion_ipv4": "127.201.0.100",
    "cluster_instance_type": "t3.nano",
    "cluster_cozystack_profil": "slim",
    "cluster_volume_size": 100000,
    "cluster_nodes_max": 1,
    "cluster_tags": {"Owner": "a<b>", "Team": ""},
    "cluster_nodes": [
        {"name": "gateway", "role": "captain", "machine_type": "controlplane", "ipv4": "127.201.0.101"},
        {"name": "compute-2", "role": "compute", "machine_type": "boss", "ipv4": "127.201.0.101"},
        {"name": "compute-3", "role": "compute", "machine_type": "worker", "ipv4": "127.99.0.103"},
    ],
}

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def listed(run: Run) -> str:
    """Return the problems that a run lists, as they are shown."""
    return run.output.partition("Nothing was created or changed")[2].partition("Origin:")[0]


@pytest.fixture(scope="module")
def refusal(lab: Lab) -> Run:
    """Give a run with everything wrong that can be, credentials included."""
    without_keys = ("-u", "AWS_ACCESS_KEY_ID", "-u", "AWS_SECRET_ACCESS_KEY")
    return play(lab, "playbooks/site.yml", "-e", json.dumps(WRONG), environment=without_keys)


def test_the_plan_of_an_empty_account_is_shown_and_creates_nothing(lab: Lab) -> None:
    before = calls(lab)

    # From the folder of the playbooks, from which a user may run them too.
    run = play(lab, "site.yml", "--check", "--diff", folder=REPOSITORY / "playbooks")

    assert run.code == 0, run.output
    assert f"+ VPC lab-vpc: {lab.network}/16" in run.output
    assert "Plan: 24 to create" in run.output
    assert run.changed > 0
    assert calls(lab) == before


def returned(run: Run, key: str) -> dict[str, Any]:
    """Return the result with this key, of one task, as -v shows it."""
    shown = (json.loads(text) for text in re.findall(r"^ok: \[localhost\] => (\{.*\})$", run.output, re.MULTILINE))
    (found,) = [result for result in shown if key in result]
    return dict(found)


def forecast(lab: Lab, playbook: str, **variables: Any) -> Run:
    """Run a playbook that only forecasts, with the results of its tasks in its output."""
    as_json = ("ANSIBLE_CALLBACK_RESULT_FORMAT=json",)
    return play(lab, f"playbooks/{playbook}", "-v", "-e", json.dumps(variables), environment=as_json)


def test_the_forecast_of_costs_prints_what_its_module_returns_and_calls_nothing(lab: Lab) -> None:
    before = len(lab.ask("/lab/calls"))

    run = forecast(lab, "cost.yml")

    assert (run.code, run.changed) == (0, 0), run.output
    cost = returned(run, "per_month")
    assert "\n".join(cost["lines"]) in run.output
    for period in ("per_hour", "per_month"):
        assert sum(item[period] for item in cost["items"]) == pytest.approx(cost[period], abs=1e-5)
    total = f"${cost['per_day']:.2f} a day, ${cost['per_month']:.2f} a month"
    assert f"$ Total: ${cost['per_hour']:.3f} an hour while everything runs, {total}" in run.output
    assert cost["actual"] is None
    assert len(lab.ask("/lab/calls")) == before


def bill(lab: Lab, day: str, **services: str) -> None:
    """Have the lab's Cost Explorer return the costs of one day for its next question."""
    amounts = {name: {"UnblendedCost": {"Amount": amount, "Unit": "USD"}} for name, amount in services.items()}
    groups = [{"Keys": [name], "Metrics": metrics} for name, metrics in amounts.items()]
    found = {"TimePeriod": {"Start": day, "End": day}, "Total": {}, "Groups": groups, "Estimated": True}
    body = json.dumps({"results": [{"ResultsByTime": [found], "DimensionValueAttributes": []}]}).encode()
    url = f"{lab.endpoint}/moto-api/static/ce/cost-and-usage-results"
    request = urllib.request.Request(url, data=body, headers={"User-Agent": TEST_AGENT})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.status == 201


def test_actual_costs_are_those_of_the_bill_and_prices_that_are_not_answered_are_a_note(lab: Lab) -> None:
    day = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    bill(lab, day, Compute="1.25", Volumes="0.62")

    run = forecast(lab, "cost.yml", cluster_cost_actual_days=3, cluster_cost_price_list=True)

    assert (run.code, run.changed) == (0, 0), run.output
    cost = returned(run, "per_month")
    assert "\n".join(cost["lines"]) in run.output
    assert (cost["actual"]["total"], cost["actual"]["days"]) == (1.87, {day: 1.87})
    assert f"to {day}: $1.87, queried with 1 Cost Explorer request, $0.01; AWS marks some of it" in run.output
    assert f"  {day}: $1.87\n  Compute: $1.25\n  Volumes: $0.62\n" in run.output
    (note,) = [note for note in cost["notes"] if note["code"] == "NOT_CHECKED"]
    assert note["subject"] == "price of t4g.medium, t4g.small, gp3"
    assert "UnsupportedOperation: The lab does not simulate this service." in note["message"]
    assert note["message"].endswith("The shipped price is used, if there is one.")


@pytest.mark.parametrize(
    ("variables", "outcome", "verdict", "code"),
    [
        pytest.param({}, "blocked", "does not fit 3 nodes", 0, id="small nodes"),
        pytest.param({"cluster_cozystack_expect": "ready"}, "blocked", "does not fit 3 nodes", 2, id="ready is needed"),
        pytest.param(
            {
                **{"cluster_cozystack_expect": "ready", "cluster_cozystack_profile": "core"},
                **{"cluster_instance_type": "t4g.xlarge", "cluster_cozystack_images_arm64": True},
            },
            *("ready", "fits 3 nodes", 0),
            id="large nodes",
        ),
    ],
)
def test_the_forecast_of_cozystack_prints_its_verdict_and_fails_only_where_ready_is_needed(
    lab: Lab, variables: dict[str, Any], outcome: str, verdict: str, code: int
) -> None:
    before = len(lab.ask("/lab/calls"))

    run = forecast(lab, "forecast.yml", **variables)

    assert (run.code, run.changed) == (code, 0), run.output
    found = returned(run, "outcome")
    assert "\n".join(found["lines"]) in run.output
    assert found["outcome"] == outcome
    assert verdict in found["lines"][0]
    refused = run.output.partition("cluster_cozystack_expect is ready, and CozyStack will not complete")[2]
    errors = {item["code"] for item in found["verdicts"] if item["severity"] == "error"}
    assert {name for name in errors if name in refused} == (errors if code else set())
    assert len(lab.ask("/lab/calls")) == before


def test_a_role_of_another_owner_with_our_name_is_refused_before_anything_is_made_and_left_as_it_is(lab: Lab) -> None:
    iam = lab.client("iam")
    name = "talos-arm64-lab-node"
    tags = [{"Key": "Owner", "Value": "Bob"}]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=tags)
    planted = iam.get_role(RoleName=name)["Role"]
    before = calls(lab)

    plan = play(lab, "playbooks/site.yml", "--check")
    run = play(lab, "playbooks/site.yml")

    left, after = iam.get_role(RoleName=name)["Role"], calls(lab)
    iam.delete_role(RoleName=name)
    assert plan.code != 0
    assert f"x IAM role {name}" in plan.output
    assert run.code != 0
    assert "NAME_TAKEN" in run.output
    assert after == before
    assert left == planted


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("is not in the VPC 127.200.0.0/16", id="subnet outside the VPC"),
        pytest.param("of node compute-2 and node gateway", id="address given twice"),
        pytest.param("127.99.0.103 is not in the subnet", id="address outside the subnet"),
        pytest.param("cluster_nodes_max allows 1", id="too many nodes"),
        pytest.param("'captain'", id="unknown role"),
        pytest.param("'boss'", id="unknown machine type"),
        pytest.param("tag Owner", id="wrong tag value"),
        pytest.param("tag Team", id="empty tag value"),
        pytest.param("credentials", id="missing credentials"),
        pytest.param("Did you mean cluster_cozystack_profile?", id="misspelt variable"),
        pytest.param("EC2 does not support volumes of 100000 GiB", id="volume too large"),
    ],
)
def test_everything_that_is_wrong_is_reported_in_one_list(refusal: Run, fault: str) -> None:
    assert refusal.code != 0
    assert fault in listed(refusal)


def test_each_fault_comes_with_a_remedy(refusal: Run) -> None:
    message = listed(refusal)

    remedies = [line for line in message.splitlines() if line.startswith("   Remedy: ")]
    assert len(remedies) == int(message.partition("fix first:")[2].split()[0]) >= 8


def test_a_value_of_a_wrong_type_is_in_one_list_with_what_aws_finds_wrong(lab: Lab) -> None:
    before = calls(lab)
    wrong = {"cozystack_timeout": "soon", "cluster_bastion_volume_size": "big", "cluster_instance_type": "t3.nano"}

    run = play(lab, "playbooks/site.yml", "-e", json.dumps(wrong))

    assert run.code != 0
    message = listed(run)
    assert "cozystack_timeout: 'soon' is not an integer." in message
    assert "cluster_bastion_volume_size: 'big' is not an integer." in message
    assert "t3.nano is x86_64" in message
    assert "argument_spec" not in run.output
    assert calls(lab) == before


@pytest.mark.parametrize(
    ("playbook", "options", "said"),
    [
        pytest.param("site", ("--tags", "talso"), "talso selects no task", id="a tag that does not exist"),
        pytest.param("site", ("--skip-tags", "cozystak"), "cozystak is the tag of no task", id="no tag to skip"),
        pytest.param("preflight", ("--skip-tags", "all"), "selects nothing of preflight.yml", id="no checks at all"),
        pytest.param("network", ("--skip-tags", "network"), "selects nothing of network.yml", id="no phase"),
        pytest.param("reset", ("--tags", "always"), "selects nothing of reset.yml", id="tags of Ansible alone"),
        pytest.param("site", ("--start-at-task", "act"), "--start-at-task leaves out the check", id="a later task"),
        pytest.param("reset", ("--skip-tags", "always"), "leaves out the check of the variables", id="no check"),
        pytest.param(
            "network", ("--skip-tags", "always"), "leaves out the check of the variables", id="no phase check"
        ),
        pytest.param("site", ("--tags", "nodes", "-e", "cluster_nodse=1"), "you mean cluster_nodes?", id="a phase"),
        pytest.param("upgrade", ("--tags", "nodes"), "nodes selects no task", id="tags of another playbook"),
        pytest.param("site", ("-i", "a,", "--limit", "a"), "excludes localhost", id="a limit without this machine"),
        pytest.param("reset", ("-e", "cluster_nmae=moon"), "Did you mean cluster_name?", id="a reset of another name"),
        pytest.param(
            "site",
            ("--private-key", "/keys/50%/id", "-e", "cluster_boot_method=ssh"),
            "--private-key: '/keys/50%/id' contains '%'",
            id="a key that ssh takes for another",
        ),
        pytest.param(
            "remove_home_access", ("-e", "ipv6="), "all of them with -e ipv6=all", id="a home without a value"
        ),
        pytest.param("remove_home_access", ("-e", "access_ipv6="), "with -e ipv6=all", id="its other name"),
        pytest.param(
            "remove_home_access",
            ("-e", "access_ipv6=2001:db8:1:2::/64"),
            "access_ipv6: It is passed on the command line, but this playbook does not read it.",
            id="a home by its other name",
        ),
        pytest.param(
            "add_home_access", ("-e", "expires="), "expires: It is passed with -e", id="an end without a value"
        ),
        pytest.param("stop", ("-e", "stop_snapshot="), "leave it out to save a snapshot", id="no word on a snapshot"),
        pytest.param("upgrade", ("-e", "talos_upgrade_nodes="), "leave it out to upgrade all", id="no names of nodes"),
        pytest.param("netboot", (), "the inventory has no host bastion", id="no inventory (netboot_noinv)"),
        pytest.param(
            "boot",
            ("-e", "nodes_host_keys=known_hosts", "--limit", "localhost"),
            "Nothing was done: --limit localhost excludes gateway, compute-2, compute-3",
            id="a limit without machines",
        ),
        pytest.param("boot", (), "has no resources of a cluster lab", id="no instance (boot_noinv)"),
        pytest.param(
            "boot",
            ("-e", json.dumps({"cluster_images": {"gateway": "https://example.com/metal-arm64.raw.xz"}})),
            "metal-arm64.raw.xz returns: nodes_image_sha256[gateway] is not set",
            id="a disk image that nothing verifies",
        ),
    ],
)
def test_a_run_that_would_do_nothing_or_something_else_fails(
    lab: Lab, playbook: str, options: tuple[str, ...], said: str
) -> None:
    before = calls(lab)

    run = play(lab, f"playbooks/{playbook}.yml", *options)

    assert run.code != 0
    assert said in " ".join(run.output.split())
    assert calls(lab) == before


def test_what_talos_would_reject_is_refused_before_anything_is_made(lab: Lab) -> None:
    before = calls(lab)
    rejected = {"network": {"hostname": "other"}, "time": {"servers": ["time.example.com"]}, "type": "worker"}
    patches = {"talos_patches": [{"machine": {name: value}} for name, value in rejected.items()]}

    run = play(lab, "playbooks/site.yml", "-e", json.dumps({**patches, "talos_kubernetes_version": "1.29.0"}))

    assert run.code != 0
    found = listed(run)
    assert "Nothing was created or changed" in run.output
    reasons = ("static hostname", "time servers", "Remove machine.type from the patches", "supports Kubernetes v1.31")
    assert [reason for reason in reasons if reason not in found] == []
    assert calls(lab) == before


def test_what_the_last_phases_would_refuse_is_refused_before_anything_is_made(lab: Lab, tmp_path: Path) -> None:
    before = calls(lab)
    (tmp_path / "kubeconfig").write_text("contexts: [", encoding="utf-8")
    (tmp_path / "talosconfig").write_text("contexts: {lab: {ca: a, crt: b, key: c}}", encoding="utf-8")
    wrong = {
        "cluster_kubeconfig": str(tmp_path / "kubeconfig"),
        "cluster_talosconfig": str(tmp_path / "talosconfig"),
        "cluster_cozystack_variant": "isp-hosted",
        "cozystack_manifest": str(tmp_path / "none.yaml"),
        "talos_bootstrap_snapshot": str(tmp_path / "talosconfig"),
    }
    # A date, which JSON does not have.
    (tmp_path / "more.yml").write_text("cozystack_values: {since: 2026-11-30}", encoding="utf-8")

    run = play(lab, "playbooks/site.yml", "-e", json.dumps(wrong), "-e", f"@{tmp_path / 'more.yml'}")

    assert run.code != 0
    found = " ".join(listed(run).split())
    said = (
        *(f"cluster_kubeconfig: {tmp_path / 'kubeconfig'} cannot be used", "isp-hosted of v1.6.2 never becomes ready"),
        *("none.yaml cannot be used: No such file", "cozystack_values.since: YAML reads it as a date"),
        *("is not a complete snapshot of etcd", f"context lab in {tmp_path / 'talosconfig'}: it exists and belongs to"),
    )
    assert [one for one in said if one not in found] == []
    assert calls(lab) == before


def test_a_release_that_no_registry_has_is_refused_before_anything_is_made(lab: Lab) -> None:
    before = calls(lab)
    wrong = {"cluster_cozystack_version": "v1.6.99", "cozystack_manifest": "", "talos_kubernetes_version": "1.34.99"}

    run = play(lab, "playbooks/site.yml", "-e", json.dumps({**wrong, "cluster_cozystack_enabled": True}))

    assert run.code != 0
    found = " ".join(listed(run).split())
    assert "has neither the packages nor the operator of CozyStack v1.6.99" in found
    # In one list with the others.
    assert "kubelet:v1.34.99" in found
    assert calls(lab) == before


@pytest.mark.parametrize("role", ["network", "bastion", "nodes", "talos"])
def test_a_role_in_a_users_playbook_refuses_what_the_playbooks_refuse(lab: Lab, tmp_path: Path, role: str) -> None:
    before = calls(lab)
    own = [{"hosts": "localhost", "gather_facts": False, "roles": [{"role": f"urmanac.talos.{role}"}]}]
    (tmp_path / "own.yml").write_text(json.dumps(own), encoding="utf-8")

    wrong = {"cluster_volume_size": 100000, "cluster_nodse": []}
    run = play(lab, str(tmp_path / "own.yml"), "-e", json.dumps(wrong))

    assert run.code != 0
    found = listed(run)
    assert [said for said in ("you mean cluster_nodes?", "volumes of 100000 GiB") if said not in found] == []
    assert calls(lab) == before


def test_the_variables_of_each_cluster_in_a_users_playbook_are_checked(lab: Lab, tmp_path: Path) -> None:
    before = calls(lab)
    play_of = {"hosts": "localhost", "gather_facts": False, "roles": [{"role": "urmanac.talos.network"}]}
    second = {**play_of, "vars": {"cluster_project": "second", "cluster_volume_size": 100000}}
    (tmp_path / "own.yml").write_text(json.dumps([play_of, second]), encoding="utf-8")

    run = play(lab, str(tmp_path / "own.yml"), "--check")

    assert run.code != 0
    assert "volumes of 100000 GiB" in listed(run)
    assert calls(lab) == before


WORKER = {**NODE, "machine_type": "worker"}
TOO_DEAR = {"cluster_cost_policy": "enforce", "cluster_cost_per_day_max": 0.1}


@pytest.mark.parametrize(
    ("playbook", "options", "wrong", "said"),
    [
        pytest.param("network", (), {"cluster_nodes": [WORKER]}, "No node is a control plane", id="network"),
        pytest.param("bastion", (), {"cluster_volume_size": 5}, "volume of 5 GiB is too small", id="bastion"),
        pytest.param("nodes", ("--check",), TOO_DEAR, "exceeds the limit of $0.10", id="nodes"),
        pytest.param("talos", (), {"cluster_nodes": [WORKER]}, "No node is a control plane", id="talos"),
        pytest.param("nodes", ("--check",), {"cluster_images": {}}, "cluster_images.gateway", id="images"),
        pytest.param(
            "network",
            (),
            {"cluster_tailscale_enabled": True, "cluster_tailscale_auth_key": ""},
            "no auth key",
            id="tailnet",
        ),
        pytest.param("site", ("--skip-tags", "preflight"), TOO_DEAR, "exceeds the limit of $0.10", id="no preflight"),
        pytest.param("site", ("--tags", "nodes"), {"cluster_nodes": [WORKER]}, "No node is a control plane", id="tags"),
    ],
)
def test_a_phase_alone_refuses_a_description_that_preflight_would_refuse(
    lab: Lab, playbook: str, options: tuple[str, ...], wrong: dict[str, Any], said: str
) -> None:
    before = calls(lab)

    run = play(lab, f"playbooks/{playbook}.yml", *options, "-e", json.dumps(wrong))

    assert run.code != 0
    assert said in " ".join(listed(run).split())
    assert calls(lab) == before


@pytest.mark.parametrize("nodes", [pytest.param([], id="no nodes"), pytest.param([WORKER], id="no control plane")])
def test_what_removes_or_costs_nothing_needs_no_description_that_can_be_built(
    lab: Lab, tmp_path: Path, nodes: list[Any]
) -> None:
    given = {"cluster_name": "never-built", "cluster_directory": str(tmp_path / "cluster"), "cluster_nodes": nodes}

    runs = [
        play(lab, f"playbooks/{playbook}.yml", "-e", json.dumps({**given, **more}))
        for playbook, more in {"reset": {}, "network": {"network_state": "absent"}}.items()
    ]

    assert [run.code for run in runs] == [2, 2]
    assert ["has no resources of a cluster never-built" in " ".join(run.output.split()) for run in runs] == [True, True]
    assert [".  Correct" in run.output for run in runs] == [False, False]


@pytest.mark.parametrize(
    ("wrong", "said", "unsaid"),
    [
        pytest.param({"cluster_nodes": []}, "No node is a control plane", "has no instance type", id="no nodes"),
        pytest.param(
            {"cluster_nodes": [WORKER], "cluster_nodes_max": 0}, "No node is a control plane", "No first", id="worker"
        ),
        pytest.param({"cluster_images": {}}, "Set it in cluster_images.compute", "'compute'", id="no images"),
        pytest.param(
            {"cluster_images": {}, "cluster_images_via": "bastion"},
            "Set it in cluster_images.compute",
            "filter",
            id="via",
        ),
    ],
)
def test_preflight_lists_what_is_missing_in_place_of_what_follows_from_it(
    lab: Lab, wrong: dict[str, Any], said: str, unsaid: str
) -> None:
    run = play(lab, "playbooks/preflight.yml", "-e", json.dumps(wrong))

    assert run.code != 0
    assert said in " ".join(listed(run).split())
    assert unsaid not in run.output


ABSENT = f"docker.io/library/nginx@sha256:{'0' * 64}"


@pytest.mark.parametrize("option", [("--check",), ()], ids=["a plan", "a build"])
def test_user_data_that_ec2_does_not_accept_is_refused_before_anything_is_made(
    lab: Lab, option: tuple[str, ...]
) -> None:
    before = calls(lab)
    caches = {f"{os.urandom(40).hex()}.example.com": 5100 + number for number in range(80)}

    run = play(lab, "playbooks/site.yml", *option, "-e", json.dumps({"cluster_registry_caches": caches}))

    assert run.code != 0
    assert "1. user-data of the bastion: it has" in listed(run)
    assert "Cache fewer registries on the bastion (cluster_registry_caches)." in run.output
    assert calls(lab) == before


@pytest.mark.parametrize("playbook", ["site", "reset"])
def test_a_foreign_file_with_the_name_of_a_record_stops_what_would_write_it(
    lab: Lab, tmp_path: Path, playbook: str
) -> None:
    theirs = tmp_path / "images.json"
    theirs.write_text('{"photos": ["moon.jpg"]}', encoding="utf-8")
    before = calls(lab)

    run = play(lab, f"playbooks/{playbook}.yml", "-e", f"cluster_directory={tmp_path}", "-e", CONFIRMED)

    assert run.code != 0
    assert f"{theirs} was not written by this collection." in " ".join(run.output.split())
    assert theirs.read_text(encoding="utf-8") == '{"photos": ["moon.jpg"]}'
    assert calls(lab) == before


@pytest.mark.parametrize("playbook", ["preflight", "network", "reset"])
def test_the_directory_of_a_cluster_in_another_account_is_neither_used_nor_emptied(
    lab: Lab, tmp_path: Path, playbook: str
) -> None:
    """With the credentials of the wrong account there is nothing to remove, and the secrets say that there was."""
    ensure_pending_bundle(tmp_path / "secrets" / "secrets.yaml")
    (tmp_path / "secrets" / "secrets.pending.yaml").rename(tmp_path / "secrets" / "secrets.yaml")
    owner = {"name": "lab", "project": "talos-arm64", "region": REGION, "account": "210987654321"}
    records = {"cluster.json": owner, "talos.json": {"contract": "v1.13"}}
    for name, record in records.items():
        (tmp_path / name).write_text(json.dumps(record), encoding="utf-8")
    before = calls(lab)

    run = play(lab, f"playbooks/{playbook}.yml", "-e", f"cluster_directory={tmp_path}", "-e", CONFIRMED)

    assert run.code != 0
    theirs = "It has the secrets and records of the cluster lab (project talos-arm64, eu-west-1, account 210987654321)"
    assert theirs in " ".join(run.output.split())
    assert {name: json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in records} == records
    assert calls(lab) == before


def test_a_release_of_boot_to_talos_that_was_replaced_since_its_first_use_is_refused(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "release" / "v0.7.1").mkdir(parents=True)
    listing = f"{'cd' * 32}  {ARCHIVE.format(architecture='arm64')}\n"
    (tmp_path / "release" / "v0.7.1" / CHECKSUMS).write_text(listing, encoding="utf-8")
    (tmp_path / "boot_to_talos.json").write_text(json.dumps({"arm64 0.7.1": "ab" * 32}), encoding="utf-8")
    before = calls(lab)

    with serving(files(tmp_path / "release")) as url:
        given = {"cluster_boot_to_talos_sha256": {}, "cluster_boot_to_talos_releases": url}
        given |= {"cluster_directory": str(tmp_path)}
        run = play(lab, "playbooks/site.yml", "--check", "-e", json.dumps(given))

    assert run.code != 0
    message = f"Its SHA-256 is {'cd' * 32} at {url}/v0.7.1, and was {'ab' * 32} when this cluster first used it."
    assert f"1. boot-to-talos 0.7.1 for arm64: {message}" in " ".join(listed(run).split())
    assert calls(lab) == before


def test_a_release_of_boot_to_talos_without_an_answer_is_refused_before_the_network_is_made(
    lab: Lab, tmp_path: Path
) -> None:
    before = calls(lab)

    nowhere = {"cluster_boot_to_talos_sha256": {}, "cluster_boot_to_talos_releases": f"http://{lab.address(9)}:1"}
    run = play(lab, "playbooks/site.yml", "-e", json.dumps({**nowhere, "cluster_directory": str(tmp_path)}))

    assert run.code != 0
    said = " ".join(listed(run).split())
    assert "Problems to fix first: 1 1. boot-to-talos 0.7.1 for arm64: http://" in said
    assert "Remedy: Set cluster_boot_to_talos_sha256 to the checksum of the archive" in said
    assert calls(lab) == before


def test_images_that_no_registry_has_are_refused_in_one_list_before_anything_is_made(lab: Lab) -> None:
    before = calls(lab)
    # matchbox does not run on this bastion, so no one asks for it.
    images = {
        "registry": "docker.io/library/registry:2.8.3",
        "nginx": ABSENT,
        "matchbox": ABSENT.replace("library/nginx", "poseidon/matchbox"),
    }

    wanted = {"bastion_host_images": images, "talos_kubernetes_version": "1.33.99"}
    run = play(lab, "playbooks/site.yml", "-e", json.dumps(wanted))

    assert run.code != 0
    said = " ".join(run.output.split())
    assert "Nothing was created or changed. Problems to fix first: 2 " in said
    assert "Set talos_kubernetes_version to a release" in said
    assert "has no v1.33.99 in siderolabs/kubelet" in said
    assert "Set bastion_host_images to images that exist" in said
    assert f"has no sha256:{'0' * 64} in library/nginx" in said
    assert "poseidon/matchbox" not in said
    assert calls(lab) == before


def test_an_image_of_the_bastion_whose_registry_does_not_answer_is_a_note(lab: Lab) -> None:
    nowhere = ("-e", json.dumps({"bastion_host_image_mirrors": {"docker.io": f"http://{lab.address(9)}:1"}}))

    plan = play(lab, "playbooks/site.yml", *nowhere, "--check")

    assert plan.code == 0, plan.output
    notes = [line for line in plan.output.splitlines() if "cannot be reached over http" in line]
    assert len(notes) == 2
    assert "docker.io/library/registry@sha256:" in notes[0]


def test_an_image_that_cannot_be_looked_up_is_accepted_by_a_plan_and_refused_by_a_build(lab: Lab) -> None:
    before = calls(lab)
    nowhere = ("-e", json.dumps({"cluster_images_mirrors": {"ghcr.io": f"http://{lab.address(9)}:1"}}))

    plan, run = (play(lab, "playbooks/site.yml", *nowhere, *options) for options in (("--check",), ()))

    assert plan.code == 0, plan.output
    assert run.code != 0
    said = " ".join(run.output.split())
    assert "Nothing was created or changed. Images of nodes that do not exist yet are unknown" in said
    assert said.count("could not be looked up") >= 2
    assert "set cluster_images_via to a host" in said
    assert calls(lab) == before


# Each of these alone stops a build. Only AWS and the registry know the quota, the prices and the images.
REFUSED_AFTER_READING: dict[str, Any] = {
    "cluster_images": {"gateway": f"ghcr.io/{AMD64_ONLY}", "compute": "ghcr.io/urmanac/nowhere/talos:v1"},
    "cluster_bastion_egress": "wireguard",
    "cluster_bastion_wireguard_parameter": "/talos/wireguard",
    "bastion_host_wireguard_address": "172.16.0.2/32",
    "bastion_host_wireguard_endpoint": "192.0.2.1:51820",
    "cluster_talos_contract": "v1.9",
    "cluster_cost_policy": "enforce",
    "cluster_cost_per_day_max": 0.5,
    "cluster_tailscale_enabled": True,
    "cluster_tailscale_auth_key": "moon",
    "cluster_cozystack_disabled_packages": ["cozystack.goldpingr"],
    "talos_kubernetes_version": "1.33.99",
}


@pytest.fixture(scope="module")
def refused_after_reading(lab: Lab) -> str:
    """Give the problems that a run lists whose variables are valid by themselves; it changes nothing."""
    before = calls(lab)
    with vcpu_quota(lab, 5):
        run = play(lab, "playbooks/site.yml", "-e", json.dumps(REFUSED_AFTER_READING))
    assert run.code != 0
    assert calls(lab) == before
    return " ".join(listed(run).split())


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(
            ("it does not support linux/arm64, it is for linux/amd64", "has no v1 in urmanac/nowhere/talos"),
            id="images that cannot be used",
        ),
        pytest.param(
            (
                "cluster_bastion_egress: The WireGuard tunnel cannot work",
                "bastion_host_wireguard_public_key is empty.",
                "so it does not reach the endpoint 192.0.2.1:51820",
            ),
            id="a tunnel without its other end",
        ),
        pytest.param(
            ("8 more are needed, 0 are in use, and the quota is 5", "L-1216C47A"), id="a quota that is too small"
        ),
        pytest.param(
            (
                "cluster_cost_per_day_max: The cluster would cost $",
                "a day (nodes 8 h a day, then stopped, with volumes and address kept), which exceeds the limit of "
                "$0.50.",
            ),
            id="costs above a limit",
        ),
        pytest.param(("cluster_talos_contract:",), id="an unknown contract"),
        pytest.param(("cluster_tailscale_auth_key:", "something else"), id="a key of Tailscale"),
        pytest.param(("cluster_cozystack_disabled_packages[0]:", "cozystack.goldpinger?"), id="an unknown package"),
        pytest.param(("v1.33.99", "Set talos_kubernetes_version"), id="the image of the kubelet"),
    ],
)
def test_what_only_aws_and_the_registry_know_is_refused_before_anything_is_made(
    refused_after_reading: str, problem: tuple[str, ...]
) -> None:
    assert [words for words in problem if words not in refused_after_reading] == []


def test_a_quota_is_in_the_list_also_beside_a_value_of_a_wrong_type(lab: Lab) -> None:
    with vcpu_quota(lab, 5):
        run = play(lab, "playbooks/site.yml", "-e", "cluster_cozystack_enabled=perhaps")

    assert run.code != 0
    assert "8 more are needed, 0 are in use, and the quota is 5" in " ".join(listed(run).split())
    assert "cluster_cozystack_enabled" in listed(run)


def test_what_is_refused_is_listed_once(refused_after_reading: str) -> None:
    # Two images, two of the tunnel, the quota, the costs, the contract, a key, a package and the image of the kubelet.
    assert "Problems to fix first: 10 1. " in refused_after_reading
    assert refused_after_reading.count("cluster_talos_contract:") == 1


def test_a_type_of_instance_that_cannot_run_a_node_is_refused(lab: Lab) -> None:
    before = calls(lab)

    run = play(lab, "playbooks/site.yml", "-e", "cluster_instance_type=t3.nano")

    assert run.code != 0
    message = listed(run)
    assert "t3.nano is x86_64" in message
    assert "MiB of memory" in message
    assert calls(lab) == before


def test_a_loopback_vpc_is_refused_where_the_endpoint_is_not_on_loopback(lab: Lab) -> None:
    real = ("AWS_ENDPOINT_URL=https://192.0.2.1", "AWS_ACCESS_KEY_ID=not-the-lab", "AWS_MAX_ATTEMPTS=1")

    run = play(lab, "playbooks/site.yml", environment=real)

    assert run.code != 0
    assert "127.0.0.0/8 is the controller's loopback network" in run.output


def parameters_of_a_cluster_that_was_never_built(lab: Lab) -> list[str]:
    """Return the names of its parameters, of which SSM lists ten at a time."""
    path = parameter_prefix("talos-arm64", "never-built")
    wanted = {"Key": "Name", "Option": "BeginsWith", "Values": [path]}
    found = lab.client("ssm").describe_parameters(ParameterFilters=[wanted])
    return [item["Name"] for item in found["Parameters"]]


@pytest.mark.parametrize(
    ("playbook", "said"),
    [
        pytest.param(
            "reset",
            "Nothing was deleted: eu-west-1 has no resources of a cluster never-built",
            id="a reset of no cluster (reset_nocluster)",
        ),
        pytest.param("stop", "Nothing was stopped: eu-west-1 has no resources of a cluster never-built", id="stop"),
        pytest.param("start", "started: eu-west-1 has no nodes of a cluster never-built", id="start"),
        pytest.param("upgrade", "upgraded: eu-west-1 has no resources of a cluster never-built", id="upgrade"),
        pytest.param("boot", "booted: eu-west-1 has no resources of a cluster never-built", id="boot"),
        pytest.param("converge_bastion", "changed: eu-west-1 has no resources of a cluster never-built", id="converge"),
        pytest.param(
            "add_home_access", "opened: eu-west-1 has no resources of a cluster never-built", id="home access"
        ),
        # The other phases begin with the same task.
        pytest.param("talos", "configured: eu-west-1 has no resources of a cluster never-built", id="talos"),
        pytest.param("access", "talos-arm64. If it is new, build it with playbooks/site.yml", id="access"),
        pytest.param("network", "of the project talos-arm64. Correct cluster_name", id="network"),
        pytest.param("audit", "audited: eu-west-1 has no resources of a cluster never-built", id="audit"),
        pytest.param(
            "remove_home_access", "closed: eu-west-1 has no resources of a cluster never-built", id="remove_home_access"
        ),
    ],
)
def test_what_needs_a_cluster_fails_for_one_that_was_never_built(
    lab: Lab, tmp_path: Path, playbook: str, said: str
) -> None:
    given = {"cluster_name": "never-built", "cluster_directory": str(tmp_path / "cluster"), "reset_confirmation": "yes"}
    given |= {"network_state": "absent"} if playbook == "network" else {}

    run = play(lab, f"playbooks/{playbook}.yml", "-e", json.dumps(given))

    assert run.code != 0
    assert said in " ".join(run.output.split())
    assert parameters_of_a_cluster_that_was_never_built(lab) == []
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != ".run.json"] == []


def test_a_bastion_that_was_never_built_is_not_asked_how_it_is(lab: Lab) -> None:
    run = play(lab, "playbooks/health.yml", "-e", "cluster_name=never-built")

    assert run.code != 0
    assert parameters_of_a_cluster_that_was_never_built(lab) == []
    cause = f"BASTION_MISSING: {meaning_of('BASTION_MISSING')} Remedy: {remedy_of('BASTION_MISSING')}"
    assert f"Failed to find the bastion of never-built: {cause} Or add the host bastion" in " ".join(run.output.split())


def test_a_playbook_that_needs_the_talosconfig_says_so_before_it_makes_anything(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "cluster"

    run = play(lab, "playbooks/etcd_snapshot.yml", "-e", f"cluster_directory={folder}")

    output = " ".join(run.output.split())
    assert run.code != 0
    assert f"Failed to find the talosconfig of lab: {folder}/secrets/talosconfig does not exist." in output
    assert "Error while resolving value" not in output
    # The lock of the run stays, for the next one to lock.
    assert [path.name for path in folder.rglob("*") if path.is_file() and path.name != ".run.json"] == []


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        pytest.param(
            {"cluster_bastion_ssh_public_key": "", "access_ipv6": "", "cluster_nodes_ssh_key_name": "lost"},
            ("no SSH key is set for it", "allows no network", "cluster_nodes_ssh_key_name: eu-west-1 has no key pair"),
            id="no key, no way in and no key pair of the nodes",
        ),
        pytest.param(
            {"cluster_bastion_ssh_public_key": "id.pub", "cluster_bastion_ssh_key_name": "lost"},
            ("neither a public key nor the path", "has no key pair with the name lost"),
            id="no file and no key pair",
        ),
    ],
)
def test_a_build_that_could_not_log_in_to_the_bastion_is_refused(
    lab: Lab, given: dict[str, str], faults: tuple[str, ...]
) -> None:
    sound = {
        "cluster_api_via": "bastion",
        "access_ipv6": "2001:db8:1:2::/64",
        "cluster_bastion_ssh_public_key": make_host_key("ada@example.com").public,
    }
    before = calls(lab)

    run = play(lab, "playbooks/site.yml", "-e", json.dumps({**sound, **given}))

    assert run.code != 0
    assert f"Nothing was created or changed. Problems to fix first: {len(faults)}" in run.output
    assert [fault for fault in faults if fault not in run.output] == []
    assert calls(lab) == before


@pytest.mark.parametrize(
    ("names", "faults"),
    [
        pytest.param(
            {"ec2_role": "bastion", "ec2_bastion_connection": "ssm"},
            ("no SSH key is set for it", "the inventory connects to the bastion with bastion_connection: ssm"),
            id="the cluster's",
        ),
        pytest.param({}, (), id="the user's"),
    ],
)
def test_a_bastion_in_the_inventory_is_checked_only_if_it_is_the_clusters(
    lab: Lab, tmp_path: Path, names: dict[str, str], faults: tuple[str, ...]
) -> None:
    hosts = tmp_path / "hosts.json"
    hosts.write_text(json.dumps({"all": {"hosts": {"bastion": {"ansible_host": "2001:db8::100", **names}}}}))
    given = {
        "cluster_api_via": "bastion",
        "access_ipv6": "2001:db8:1:2::/64",
        "cluster_bastion_ssh_public_key": "",
    }

    run = play(lab, "playbooks/preflight.yml", "-i", str(hosts), "-e", json.dumps(given))

    assert (run.code != 0) is bool(faults), run.output
    assert [fault for fault in faults if fault not in run.output] == []
    assert f"Problems to fix first: {len(faults)}" in run.output or not faults


def test_a_private_key_in_place_of_the_public_one_is_refused_and_shown_nowhere(lab: Lab, tmp_path: Path) -> None:
    private = make_host_key("").private
    file = tmp_path / "id_ed25519"
    file.write_text(private)

    run = play(lab, "playbooks/site.yml", "-vvv", "-e", json.dumps({"cluster_bastion_ssh_public_key": str(file)}))

    assert run.code != 0
    assert "It is a private key" in run.output
    assert private.splitlines()[1] not in run.output
