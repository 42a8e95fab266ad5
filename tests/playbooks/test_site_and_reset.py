# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml builds, also after being killed, and then changes nothing; reset.yml removes only what is ours."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import (
    decode_base64,
    parse_bundle,
    secret_values,
)
from lab.settings import REPOSITORY
from tests.ec2_cluster import node, spec
from tests.lab.cluster_runs import TABLE, is_creating
from tests.lab.labs import AMI_PARAMETER, Lab, eventually
from tests.operator_policy import permissions
from tests.playbooks.runs import CONFIRMED, RUN_LOCK, Run, calls, instances, play, play_and_kill, vpcs
from tests.strangers import BESIDE, MADE_BY, NAMES, PARTS_OF_OTHERS, PLACES, Read, Stranger

PHASES = ["preflight", "network", "bastion", "nodes", "talos", "access", "cozystack", "report"]
GATEWAY_IMAGE = "urmanac/cozystack-assets/talos/cozystack-spin-tailscale/talos"
COMPUTE_IMAGE = "urmanac/cozystack-assets/talos/cozystack-spin-only/talos"
NOT_OF_A_BUILD = {
    *("AssignIpv6Addresses", "AssociateIamInstanceProfile", "AssociateVpcCidrBlock", "CreateOrUpdateTags"),
    *("AuthorizeSecurityGroupEgress", "CreateTags"),
}
SITE, RESET, SESSIONS = "playbooks/site.yml", "playbooks/reset.yml", "playbooks/sessions.yml"


class Strangers(NamedTuple):
    """Resources of other owners with names like the cluster's: how each is read, and the first result."""

    reads: dict[str, Read]
    before: dict[str, Any]
    instance: str

    def now(self) -> dict[str, Any]:
        """Return the current result of each reading."""
        return {kind: read() for kind, read in self.reads.items()}


@pytest.fixture(scope="module")
def strangers(lab: Lab) -> Strangers:
    """Give one resource of another owner of each kind of which AWS allows any number."""
    image = lab.client("ssm").get_parameter(Name=AMI_PARAMETER)["Parameter"]["Value"]
    described = spec(
        name="lab",
        vpc_ipv4_cidr=f"{lab.network}/16",
        subnet_ipv4_cidr=f"{lab.network}/24",
        nodes=[node(ipv4=lab.address(101))],
    )
    stranger = Stranger(lab.client, described, image)
    reads = {kind: plant(stranger) for kind, plant in BESIDE.items()}
    (machine,) = eventually(
        lambda: instances(lab), lambda found: [item["State"]["Name"] for item in found] == ["running"]
    )
    return Strangers(reads, {kind: read() for kind, read in reads.items()}, machine["InstanceId"])


@pytest.fixture(scope="module")
def killed(lab: Lab, strangers: Strangers) -> None:
    """Leave what runs killed in the VPC, among the groups, the bastion and the nodes began.

    What a kill among the calls to Talos leaves is tested without playbooks, call by call.
    """
    play_and_kill(lab, SITE, after=1)
    for after in (9, 12, 8):
        play_and_kill(lab, SITE, "--skip-tags", "preflight", after=after)


@pytest.fixture(scope="module")
def built(lab: Lab, strangers: Strangers) -> Run:
    """Give the run that ends with a cluster, with all that Ansible prints of its tasks."""
    return play(lab, SITE, "-vvv")


def addresses(instance: dict[str, Any]) -> tuple[str, str, str]:
    """Return interface, IPv4 and IPv6 of an instance."""
    (interface,) = instance["NetworkInterfaces"]
    (ipv6,) = interface["Ipv6Addresses"]
    return interface["NetworkInterfaceId"], interface["PrivateIpAddress"], ipv6["Ipv6Address"]


def status_of(url: str) -> int | None:
    """Return the status of a URL, or None without an answer."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            status: int = answer.status
            return status
    except OSError:
        return None


@pytest.mark.usefixtures("killed")
def test_a_run_finishes_what_killed_ones_began(lab: Lab, built: Run) -> None:
    assert built.code == 0, built.output
    assert "24 of 24 resources as described" in built.output
    assert "3 of 3 nodes answer" in built.output
    assert "✅ Access: closed to the internet; open to home: none" in built.output
    assert len(vpcs(lab, Project="talos-arm64")) == 1
    assert len(instances(lab, Project="talos-arm64")) == 4


def test_the_report_is_written_as_data_too(lab: Lab, built: Run) -> None:
    report = json.loads((lab.directory / "cluster" / "report" / "report.json").read_text())

    assert report["lab"] is True
    assert [node["stage"] for node in report["nodes"]] == ["running"] * 3
    assert report["etcd_members"] == ["compute-2", "compute-3", "gateway"]
    assert len(report["kubernetes"]["nodes"]) == 3
    assert report["access"] == {"deviations": [], "home": []}
    assert [timing["phase"] for timing in report["timings"]] == PHASES


def secrets_of(folder: Path) -> Iterator[str]:
    """Yield the keys and tokens in the secrets of a cluster, as they are written there and without their base64."""
    bundle = parse_bundle((folder / "secrets.yaml").read_text(encoding="utf-8"), "secrets.yaml")
    talosconfig, kubeconfig = (
        yaml.safe_load((folder / name).read_text(encoding="utf-8")) for name in ("talosconfig", "kubeconfig")
    )
    keys = [context["key"] for context in talosconfig["contexts"].values()]
    keys += [user["user"]["client-key-data"] for user in kubeconfig["users"]]
    for value in (*secret_values(bundle), *keys):
        yield value
        # The first line of a key without its header.
        yield from [line for line in (decode_base64(value) or b"").decode(errors="replace").splitlines()[1:2] if line]


def test_no_secret_is_in_a_verbose_log_nor_in_a_file_beside_the_secrets(lab: Lab, built: Run) -> None:
    folder = lab.directory / "cluster"
    files = [path for path in folder.rglob("*") if path.is_file() and folder / "secrets" not in path.parents]
    texts = {str(path): path.read_text(encoding="utf-8", errors="replace") for path in files} | {"log": built.output}
    secrets = set(secrets_of(folder / "secrets"))

    assert len(secrets) > 15
    assert "TASK [" in texts["log"]
    assert str(folder / "report" / "report.html") in texts
    assert {name for name, text in texts.items() if any(secret in text for secret in secrets)} == set()


def test_the_contract_is_that_of_the_images(lab: Lab, built: Run) -> None:
    record = json.loads((lab.directory / "cluster" / "talos.json").read_text(encoding="utf-8"))

    assert record == {"contract": "v1.13"}


def test_nodes_that_are_talos_are_not_booted_over_ssh(lab: Lab, built: Run) -> None:
    run = play(lab, "playbooks/boot.yml", "-i", "gateway,compute-2,compute-3", "-e", "nodes_boot_hosts=all")

    assert run.code == 0, run.output
    assert run.changed == 0
    assert all(f"skipping: [{name}]" in run.output for name in ("gateway", "compute-2", "compute-3"))


def images(lab: Lab) -> dict[str, Any]:
    """Return what is on record of the images."""
    kept: dict[str, Any] = json.loads((lab.directory / "cluster" / "images.json").read_text(encoding="utf-8"))
    return kept


def test_a_bastion_that_was_ended_comes_back_by_itself_with_its_addresses_and_services(lab: Lab, built: Run) -> None:
    (ended,) = instances(lab, Node="bastion")
    lab.client("ec2").terminate_instances(InstanceIds=[ended["InstanceId"]])

    (started,) = eventually(
        lambda: [item for item in instances(lab, Node="bastion") if item["State"]["Name"] == "running"],
        lambda running: [item["InstanceId"] for item in running] not in ([], [ended["InstanceId"]]),
    )

    assert addresses(started) == addresses(ended)
    eventually(
        lambda: status_of(f"http://{lab.address(100)}:8081/boot-to-talos-checksums.txt"), lambda code: code == 200
    )


@pytest.fixture(scope="module")
def moved(lab: Lab, built: Run) -> None:
    """Move the tag of the gateway's image after the cluster was built of it."""
    another = {"platforms": ["linux/arm64"], "build": "another", "version": "v1.13.5"}
    lab.registry("images", repository=GATEWAY_IMAGE, tag="v1.13.5", **another)


@pytest.mark.usefixtures("moved")
def test_a_second_run_changes_nothing_also_when_a_tag_has_moved(lab: Lab) -> None:
    before, kept = calls(lab), images(lab)

    run = play(lab, SITE)

    assert run.code == 0, run.output
    assert run.changed == 0
    assert calls(lab) == before + RUN_LOCK
    assert images(lab) == kept


REFRESH = ("-e", "cluster_images_refresh=true", "-e", "talos_upgrade_nodes=gateway,compute-2")


@pytest.mark.usefixtures("moved")
def test_a_plan_names_the_nodes_that_an_upgrade_would_change_and_why_others_cannot(lab: Lab) -> None:
    lab.registry(
        "images", repository=COMPUTE_IMAGE, tag="v1.13.4", platforms=["linux/arm64"], build="older", version="v1.13.4"
    )
    wanted = {"gateway": f"ghcr.io/{GATEWAY_IMAGE}:v1.13.5", "compute": f"ghcr.io/{COMPUTE_IMAGE}:v1.13.4"}
    kept = images(lab)
    options = ("-e", "cluster_images_refresh=true", "-e", json.dumps({"cluster_images": wanted}))

    run = play(lab, SITE, "--check", "--tags", "preflight", *options)

    assert run.code == 0, run.output
    assert _way("gateway", kept, wanted) + "playbooks/upgrade.yml upgrades it." in run.output
    for name in ("compute-2", "compute-3"):
        # Only the record says which version the digest on record is.
        assert _way(name, kept, wanted) + "v1.13.5 -> v1.13.4: this is a downgrade." in run.output
    assert images(lab) == kept


def _way(name: str, kept: dict[str, Any], wanted: dict[str, str]) -> str:
    """Return how the plan's line begins for a node that was created from another image than the described one."""
    return f"{name}: It was created from {kept['nodes'][name]}, but cluster_images is {wanted[name.split('-')[0]]}. "


@pytest.mark.usefixtures("moved")
def test_an_upgrade_in_check_mode_keeps_nothing_on_record(lab: Lab) -> None:
    kept = images(lab)

    run = play(lab, "playbooks/upgrade.yml", "--check", *REFRESH)

    assert run.code == 0, run.output
    assert run.changed == 1
    assert images(lab) == kept


@pytest.mark.usefixtures("moved")
def test_an_upgrade_to_a_digest_takes_the_version_from_its_label(lab: Lab) -> None:
    digest = lab.registry(
        "images", repository=COMPUTE_IMAGE, tag="", platforms=["linux/arm64"], build="pinned", version="v1.13.6"
    )["digest"]
    pinned = json.dumps({"cluster_images": dict.fromkeys(("gateway", "compute"), f"ghcr.io/{COMPUTE_IMAGE}@{digest}")})

    run = play(lab, "playbooks/upgrade.yml", "--check", "-e", pinned, "-e", "talos_upgrade_nodes=compute-2")

    assert (run.code, run.changed) == (0, 1), run.output


@pytest.mark.usefixtures("moved")
def test_an_upgrade_without_a_refresh_leaves_a_tag_that_has_moved_alone(lab: Lab) -> None:
    kept = images(lab)

    run = play(lab, "playbooks/upgrade.yml", "-e", "talos_upgrade_nodes=gateway")

    assert (run.code, run.changed) == (0, 0), run.output
    assert images(lab) == kept


@pytest.mark.usefixtures("moved")
def test_an_upgrade_brings_a_node_to_what_its_tag_is_now(lab: Lab) -> None:
    before = images(lab)["nodes"]

    first, second = play(lab, "playbooks/upgrade.yml", *REFRESH), play(lab, "playbooks/upgrade.yml", *REFRESH)

    assert (first.code, second.code) == (0, 0), first.output + second.output
    now = images(lab)
    changed = {name for name, image in now["nodes"].items() if image != before[name]}
    assert (changed, now["nodes"]["gateway"]) == ({"gateway"}, now["images"]["gateway"]["resolved"])
    assert (first.changed > 0, second.changed) == (True, 0)


@pytest.mark.usefixtures("moved")
def test_a_node_that_was_not_upgraded_has_no_other_image_on_record(lab: Lab) -> None:
    kept = images(lab)
    # As of a node that was made before images were recorded: that it runs the same version does not show its image.
    without = {**kept, "nodes": {name: image for name, image in kept["nodes"].items() if name != "compute-3"}}
    record = lab.directory / "cluster" / "images.json"
    record.write_text(json.dumps(without, indent=4, sort_keys=True) + "\n", encoding="utf-8")

    run = play(lab, "playbooks/upgrade.yml", "-e", "talos_upgrade_nodes=compute-3")

    after = images(lab)
    record.write_text(json.dumps(kept), encoding="utf-8")
    assert (run.code, run.changed) == (0, 0), run.output
    assert "TASK [urmanac.talos.talos : upgrade_node | Upgrade compute-3]" in run.output
    assert after == without


def test_manual_changes_are_repaired(lab: Lab, built: Run) -> None:
    ec2 = lab.client("ec2")
    ours = [{"Name": "tag:Project", "Values": ["talos-arm64"]}, {"Name": "group-name", "Values": ["lab-nodes"]}]
    (group,) = ec2.describe_security_groups(Filters=ours)["SecurityGroups"]
    rules = [rule for rule in group["IpPermissions"] if rule.get("FromPort") == 50000]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=rules)
    (template,) = [name["LaunchTemplateName"] for name in ec2.describe_launch_templates()["LaunchTemplates"]]
    latest = {"LaunchTemplateName": template, "SourceVersion": "$Latest"}
    ec2.create_key_pair(KeyName="theirs")
    ec2.create_launch_template_version(**latest, LaunchTemplateData={"KeyName": "theirs"})
    ec2.modify_launch_template(LaunchTemplateName=template, DefaultVersion="2")

    plan, run = play(lab, SITE, "--check", "--tags", "preflight"), play(lab, SITE, "--tags", "network,bastion")

    assert "~ security group lab-nodes" in plan.output
    assert run.code == 0, run.output
    assert run.changed == 2
    newest = ec2.describe_launch_template_versions(LaunchTemplateName=template, Versions=["$Latest"])
    assert "KeyName" not in newest["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def test_what_would_end_a_running_machine_is_left_to_a_person(lab: Lab, built: Run) -> None:
    before = calls(lab)

    run = play(lab, SITE, "-e", "cluster_volume_size=100")

    assert run.code != 0
    assert "CHANGE_NEEDS_DECISION: volume_size of lab-gateway: it cannot be changed from 50 to 100" in run.output
    assert "aws ec2 terminate-instances --instance-ids i-" in run.output
    assert calls(lab) == before + RUN_LOCK


def test_a_reset_without_confirmation_shows_everything_and_deletes_nothing(lab: Lab, built: Run) -> None:
    before = calls(lab)

    run = play(lab, RESET)

    assert run.code != 0
    assert "- vpc lab-vpc vpc-" in run.output
    assert f"-e {CONFIRMED}" in run.output
    assert calls(lab) == before


def test_a_reset_of_a_cluster_that_never_was_is_refused_with_those_that_are(
    lab: Lab, built: Run, tmp_path: Path
) -> None:
    wrong = json.dumps({"cluster_name": "labb", "cluster_directory": str(tmp_path)})
    before = calls(lab)

    run = play(lab, RESET, "-e", CONFIRMED, "-e", wrong)

    assert run.code != 0
    assert "eu-west-1 has no resources of a cluster labb" in run.output
    assert "lab (project talos-arm64)" in run.output
    assert calls(lab) == before


@pytest.mark.parametrize(
    ("fault", "listed"),
    [
        pytest.param(None, "vpc lab-vpc vpc-", id="resources that are left"),
        pytest.param("DescribeVpcs", "unknown: Failed to call ec2:DescribeVpcs", id="a reading that fails"),
    ],
)
def test_a_reset_that_did_not_delete_everything_fails_and_keeps_the_claim(
    lab: Lab, built: Run, tmp_path: Path, fault: str | None, listed: str
) -> None:
    # Our own playbooks refuse --start-at-task, with which their checks are left out.
    own = tmp_path / "reset_from_a_task.yml"
    own.write_text(json.dumps([{"import_playbook": str(REPOSITORY / RESET)}]), encoding="utf-8")
    before = calls(lab)
    if fault:
        lab.ask("/lab/faults", method="POST", body={"kind": "refuse", "action": fault, "count": 99})

    run = play(lab, str(own), "-e", CONFIRMED, "--start-at-task", "Read the remaining resources")

    lab.ask("/lab/faults", method="DELETE")
    assert run.code != 0
    assert "Failed to delete all resources of lab: these still have its tags." in run.output
    assert listed in run.output
    assert calls(lab) == before


def test_there_is_a_stranger_of_each_kind_that_a_run_makes(lab: Lab, built: Run) -> None:
    begin = ("Allocate", "Create", "Import", "Put", "Request", "Run")
    played = {name.partition(":")[2] for name in permissions(lab.ask("/lab/calls"))}

    made = {action for action in played if action.startswith(begin)}

    assert made - set(PARTS_OF_OTHERS) <= set(MADE_BY)
    # Every call that made or joined something is in the table of lost and late answers. The rows that no build needs:
    # home access, and what only a repair makes.
    seen = {action for action in played if is_creating(action)}
    assert seen - TABLE == set()
    assert TABLE - seen <= NOT_OF_A_BUILD
    kinds = {key.partition("/")[0] for key in (*NAMES, *PLACES, *BESIDE)}
    assert set(MADE_BY) <= made
    assert set(MADE_BY.values()) <= kinds


def test_a_reset_deletes_what_is_ours_and_leaves_the_strangers_alone(
    lab: Lab, built: Run, strangers: Strangers
) -> None:
    run = play(lab, RESET, "-e", CONFIRMED)

    assert run.code == 0, run.output
    assert "All resources of lab in" in run.output
    record = json.loads((lab.directory / "cluster" / "images.json").read_text(encoding="utf-8"))
    assert record == {"images": {}, "nodes": {}}
    assert strangers.instance not in run.output
    assert [instance["InstanceId"] for instance in instances(lab)] == [strangers.instance]
    assert vpcs(lab, Project="talos-arm64") == []
    assert strangers.now() == strangers.before


def test_a_plan_after_a_reset_does_not_need_the_cluster_of_the_kubeconfig(lab: Lab, built: Run) -> None:
    assert (lab.directory / "cluster" / "secrets" / "kubeconfig").is_file()

    run = play(lab, SITE, "--check", "--tags", "cozystack", "-e", "cluster_cozystack_enabled=true")

    assert run.code == 0, run.output
    assert "cozystack: would install v" in run.output
    assert "connection refused" in run.output


def test_the_build_and_its_removal_are_one_session_of_the_journal(lab: Lab, built: Run) -> None:
    (file,) = (lab.directory / "cluster" / "sessions").iterdir()
    session = json.loads(file.read_text(encoding="utf-8"))
    began, ended = (datetime.fromisoformat(session[name]) for name in ("began", "ended"))
    hours = (ended - began).total_seconds() / 3600

    assert (session["end"], session["lab"]) == ("removed", True)
    assert {run["outcome"] for run in session["runs"]} >= {"reported", "removed"}
    assert {part["name"] for part in session["parts"]} == {"gateway", "compute-2", "compute-3", "bastion"}
    assert all(part["since"] >= session["began"] and part["until"] <= session["ended"] for part in session["parts"])
    run = play(lab, SESSIONS, "-e", "compare=1,1", "-e", "home_lab_power_per_month=35")
    assert run.code == 0, run.output
    (cost,) = re.findall(r"Total: 1 session, .*?\$([0-9.]+) \(list prices", run.output)
    # The rate of the forecast is $0.156 an hour. An ended bastion and its successor count both.
    assert 0 < float(cost) < 0.2 * hours + 0.01
    assert "$35.00 a month (home_lab_power_per_month)" in run.output
    assert "Talos: v1.13.5" in run.output
    assert (lab.directory / "cluster" / "report" / "sessions.html").is_file()


def test_a_broken_file_of_the_journal_is_named_and_kept(lab: Lab) -> None:
    broken = lab.directory / "cluster" / "sessions" / "2026-01-01T000000Z.json"
    broken.parent.mkdir(exist_ok=True)
    broken.write_text('{"schema": 2}', encoding="utf-8")

    run = play(lab, SESSIONS)

    assert run.code != 0
    assert f"SESSION_OF_OTHER_VERSION: {broken}" in run.output
    assert "Use the version that wrote it" in run.output
    assert "Total: " in run.output or "No session yet" in run.output
    assert broken.read_text(encoding="utf-8") == '{"schema": 2}'
    broken.unlink()


def test_a_reset_of_a_cluster_that_is_gone_says_so_and_changes_nothing(lab: Lab) -> None:
    run = play(lab, RESET, "-e", CONFIRMED)

    assert run.code == 0, run.output
    assert run.changed == 0
    assert "It has no resources" in run.output
