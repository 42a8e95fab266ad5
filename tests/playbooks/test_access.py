# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of one node: its phases build what site.yml does, and it is opened to one home and closed again.

Whatever else opens it is found.
"""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from lab.settings import REGION, REPOSITORY
from tests.fake_credentials import tailscale_key
from tests.lab.labs import AMI_PARAMETER, Lab
from tests.playbooks.runs import Run, calls, play, surroundings

HOME = "2001:db8:1:2::/64"
SECRET = tailscale_key("kTESTCNTRL-" + "x" * 32)
MODULE = "ansible_collections.urmanac.talos.plugins.modules.ec2_audit_info"
IMAGE = f"resolve:ssm:{AMI_PARAMETER}"
BASTION = {"enabled": True, "instance_type": "t4g.small", "volume_size": 30, "image": IMAGE} | {
    **{"start": "18:00", "stop": "23:00"},
    "host_key_parameter": "/urmanac.talos/talos-arm64/lab/bastion-host-key",
}
ONE_NODE = ("-e", "@examples/single_node.yml", "-e", "cluster_name=lab")
PHASES = ("preflight", "network", "bastion", "nodes", "talos", "access", "cozystack", "report")


def cluster(lab: Lab) -> dict[str, Any]:
    """Return the description of the cluster, as the variables of the lab and of the example give it."""
    node = {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": lab.address(101)}
    return {
        **{"name": "lab", "project": "talos-arm64", "tags": {}, "region": REGION, "availability_zone": f"{REGION}a"},
        **{"vpc_ipv4_cidr": f"{lab.network}/16", "subnet_ipv4_cidr": f"{lab.network}/24", "domain": "talos.local"},
        **{"bastion_ipv4": lab.address(100), "instance_type": "t4g.medium", "volume_size": 50, "nodes_max": 1},
        **{"cpu_credits": "unlimited", "nodes": [node], "bastion": BASTION},
        "hours": {"ttl": 8.0},
    }


def audit(lab: Lab) -> dict[str, Any]:
    """Return what the module finds, run as a program that is given its options, as Ansible runs it."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", "run", "--", sys.executable, "-m", MODULE],
        cwd=REPOSITORY,
        env=surroundings(lab) | {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'playbooks' / 'collections'}"},
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"cluster": cluster(lab)}}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rules(lab: Lab) -> list[dict[str, Any]]:
    """Return every rule of every security group, tags included."""
    found = lab.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    return sorted(found, key=lambda rule: str(rule["SecurityGroupRuleId"]))


def open_ports(lab: Lab) -> list[tuple[str, int, str]]:
    """Return what is open to networks: group, port and network."""
    ec2 = lab.client("ec2")
    names = {group["GroupId"]: group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]}
    ingress = [rule for rule in rules(lab) if not rule["IsEgress"] and "ReferencedGroupInfo" not in rule]
    ours = [rule for rule in ingress if names[rule["GroupId"]].startswith("lab-")]
    return sorted(
        (names[rule["GroupId"]], rule["FromPort"], rule.get("CidrIpv6") or rule["CidrIpv4"])
        for rule in ours
        if rule["FromPort"] == rule["ToPort"]
    )


def one(lab: Lab, operation: str, answer: str, key: str, **tags: str) -> str:
    """Return the id of the one thing of the cluster that these tags find."""
    filters = [{"Name": f"tag:{name}", "Values": [value]} for name, value in ({"Cluster": "lab"} | tags).items()]
    (found,) = getattr(lab.client("ec2"), operation)(Filters=filters)[answer]
    identity: str = (found["Instances"][0] if answer == "Reservations" else found)[key]
    return identity


def nodes_group(lab: Lab) -> str:
    """Return the id of the nodes' security group."""
    return one(lab, "describe_security_groups", "SecurityGroups", "GroupId", Name="lab-nodes")


def gateway(lab: Lab) -> str:
    """Return the id of the node's instance."""
    return one(lab, "describe_instances", "Reservations", "InstanceId", Node="gateway")


@pytest.fixture(scope="module")
def refused(lab: Lab) -> Run:
    """Give the run of a phase on an account that holds nothing of the phase before it."""
    return play(lab, "playbooks/nodes.yml", *ONE_NODE)


@pytest.fixture(scope="module")
def phases(lab: Lab, refused: Run) -> dict[str, Run]:
    """Give the run of each phase, from an account without a cluster."""
    return {name: play(lab, f"playbooks/{name}.yml", *ONE_NODE) for name in PHASES}


@pytest.fixture(scope="module")
def built(lab: Lab, phases: dict[str, Run]) -> Run:
    """Give the run of site.yml on what its phases have built."""
    return play(lab, "playbooks/site.yml", *ONE_NODE)


def test_a_phase_that_comes_too_early_is_refused_with_the_playbook_that_it_needs(refused: Run) -> None:
    assert refused.code == 2
    said = " ".join(refused.output.split())
    assert "Nothing was created: eu-west-1 has no resources of a cluster lab" in said
    assert "run playbooks/network.yml first" in said


def test_the_phases_in_order_build_the_cluster(phases: dict[str, Run]) -> None:
    assert {name: run.code for name, run in phases.items()} == dict.fromkeys(PHASES, 0), phases
    assert phases["network"].changed > 0
    assert phases["talos"].changed > 0


def test_site_changes_nothing_of_what_the_phases_have_built_and_it_is_closed(lab: Lab, built: Run) -> None:
    assert (built.code, built.changed) == (0, 0), built.output
    assert "✅ Access: closed to the internet; open to home: none" in built.output
    assert open_ports(lab) == []
    assert audit(lab)["deviations"] == []


def test_connect_prints_the_next_steps_again_and_changes_nothing(lab: Lab, built: Run) -> None:
    before = calls(lab)

    run = play(lab, "playbooks/connect.yml", *ONE_NODE)

    assert (run.code, run.changed, calls(lab) - before) == (0, 0, 0), run.output
    for output in (built.output, run.output):
        steps = output[output.index("Next steps") :]
        kubectl = shlex.split(next(line for line in steps.splitlines() if "kubectl " in line))
        config = yaml.safe_load(Path(kubectl[kubectl.index("--kubeconfig") + 1]).read_text(encoding="utf-8"))
        server = urlsplit(config["clusters"][0]["cluster"]["server"])
        with socket.create_connection((str(server.hostname), server.port or 443), timeout=5):
            pass
        assert re.search(r"lab run -- ansible-playbook playbooks/stop\.yml .*-e @examples/single_node\.yml", steps)
        assert "make demo-down" in steps


def test_connect_refuses_a_cluster_that_does_not_exist(lab: Lab, built: Run) -> None:
    run = play(lab, "playbooks/connect.yml", *ONE_NODE, "-e", "cluster_name=lba")

    assert run.code == 2
    assert "There is nothing to connect to" in run.output
    assert "Next steps" not in run.output


def test_a_tag_of_site_is_the_phase_of_that_name(lab: Lab, phases: dict[str, Run]) -> None:
    tagged = play(lab, "playbooks/site.yml", "--tags", "network", *ONE_NODE)
    alone = play(lab, "playbooks/network.yml", *ONE_NODE)

    assert tagged.code == alone.code == 0, tagged.output
    assert tasks(tagged) == tasks(alone) != []


def tasks(run: Run) -> list[str]:
    """Return the tasks that ran, in order, without those with any tags: checks of variables and saves of the state."""
    names = re.findall(r"^TASK \[(.*)\]", run.output, flags=re.MULTILINE)
    left_out = re.compile(
        r"Validating arguments|^check_(?:variables|skipped) \||^begin \| Check the variables"
        r"|: (run_renew|state_save) \||^save \|"
    )
    return [name for name in names if not left_out.search(name)]


def test_home_access_opens_exact_ports_until_its_end_and_leaves_no_trace(lab: Lab, built: Run) -> None:
    before, options = rules(lab), ("-e", f"ipv6={HOME}", "-e", "expires=8h")

    opened = play(lab, "playbooks/add_home_access.yml", *ONE_NODE, *options)
    ports, found = open_ports(lab), audit(lab)
    again = play(lab, "playbooks/add_home_access.yml", *ONE_NODE, *options)
    closed = play(lab, "playbooks/remove_home_access.yml", *ONE_NODE)

    assert (opened.code, again.code, closed.code) == (0, 0, 0), opened.output + again.output + closed.output
    assert ports == [("lab-bastion", 22, HOME), ("lab-nodes", 6443, HOME), ("lab-nodes", 50000, HOME)]
    assert found["deviations"] == []
    ends = {datetime.fromisoformat(rule["expires"]) for rule in found["home_access"]}
    assert len(found["home_access"]) == 3
    assert all(timedelta(hours=7) < end - datetime.now(UTC) < timedelta(hours=8) for end in ends)
    assert (opened.changed, again.changed, closed.changed) == (1, 0, 1)
    assert "talosctl --talosconfig" in opened.output
    assert rules(lab) == before


def test_aws_closes_on_time_with_a_role_that_goes_with_the_last_opening(lab: Lab, built: Run) -> None:
    scheduler, iam = lab.client("scheduler"), lab.client("iam")
    options = (*ONE_NODE, "-e", f"ipv6={HOME}", "-e", "expires=8h", "-e", "cluster_home_schedule_enabled=true")

    planned = play(lab, "playbooks/add_home_access.yml", *options, "--check")
    before = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    opened = play(lab, "playbooks/add_home_access.yml", *options)
    # The default group; the cluster's own group has the time to live.
    listed = scheduler.list_schedules(GroupName="default")
    schedules = [scheduler.get_schedule(Name=item["Name"]) for item in listed["Schedules"]]
    roles = [role["Arn"] for role in iam.list_roles()["Roles"] if role["RoleName"].endswith("-home-access")]
    again = play(lab, "playbooks/add_home_access.yml", *options)
    # The description does not name the role any more; it is found by its tags.
    closed = play(lab, "playbooks/remove_home_access.yml", *ONE_NODE)

    assert (planned.code, opened.code, again.code, closed.code) == (0, 0, 0, 0), opened.output + closed.output
    assert "talos-arm64-lab-home-access" not in before
    assert [schedule["Target"]["RoleArn"] for schedule in schedules] == roles * 2
    # The role, and what it closes; both go again.
    assert (planned.changed, opened.changed, again.changed, closed.changed) == (2, 2, 0, 2)
    assert scheduler.list_schedules(GroupName="default")["Schedules"] == []
    assert not any(role["RoleName"].endswith("-home-access") for role in iam.list_roles()["Roles"])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        pytest.param(("-e", "ipv6=::/0"), "the entire internet", id="everybody"),
        pytest.param(
            ("-e", f"ipv6={HOME}", "-e", "cluster_name=never-built"),
            "has no resources of a cluster never-built",
            id="no cluster",
        ),
    ],
)
def test_what_cannot_be_opened_is_refused_before_the_role_is_made_that_closes_it(
    lab: Lab, options: tuple[str, ...], why: str
) -> None:
    before = calls(lab)

    run = play(
        lab, "playbooks/add_home_access.yml", "-e", "cluster_home_schedule_enabled=true", "-e", "expires=8h", *options
    )

    assert run.code != 0
    assert why in run.output
    assert calls(lab) == before


def test_what_has_expired_goes_with_the_next_run(lab: Lab, built: Run) -> None:
    before = rules(lab)
    marks = {"Project": "talos-arm64", "Cluster": "lab", "ManagedBy": "urmanac.talos", "Purpose": "home-access"}
    tags = [{"Key": key, "Value": value} for key, value in (marks | {"Expires": "2026-01-02T03:04:05Z"}).items()]
    lab.client("ec2").authorize_security_group_ingress(
        GroupId=nodes_group(lab),
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 6443, "ToPort": 6443, "Ipv6Ranges": [{"CidrIpv6": HOME}]}],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tags}],
    )
    expired = {deviation["code"] for deviation in audit(lab)["deviations"]}

    run = play(lab, "playbooks/audit.yml", *ONE_NODE)

    assert "HOME_ACCESS_EXPIRED" in expired
    assert run.code == 0, run.output
    assert rules(lab) == before


Undo = Callable[[], Any]


def open_rule(lab: Lab, **peers: Any) -> Undo:
    """Open a port of the nodes to a network."""
    ec2, group = lab.client("ec2"), nodes_group(lab)
    rule = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **peers}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rule)
    return lambda: ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rule)


def everybody_over_ipv4(lab: Lab) -> Undo:
    """Open a port of the nodes to 0.0.0.0/0."""
    return open_rule(lab, IpRanges=[{"CidrIp": "0.0.0.0/0"}])


def everybody_over_ipv6(lab: Lab) -> Undo:
    """Open a port of the nodes to ::/0."""
    return open_rule(lab, Ipv6Ranges=[{"CidrIpv6": "::/0"}])


def public_ipv4(lab: Lab) -> Undo:
    """Give the node an Elastic IP."""
    ec2 = lab.client("ec2")
    made = ec2.allocate_address(Domain="vpc")
    interface = one(lab, "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", Node="gateway")
    held = ec2.associate_address(AllocationId=made["AllocationId"], NetworkInterfaceId=interface)

    def undo() -> None:
        ec2.disassociate_address(AssociationId=held["AssociationId"])
        ec2.release_address(AllocationId=made["AllocationId"])

    return undo


def imds_v1(lab: Lab) -> Undo:
    """Let the node's metadata service answer without a token."""
    change, instance = lab.client("ec2").modify_instance_metadata_options, gateway(lab)
    change(InstanceId=instance, HttpTokens="optional")
    return lambda: change(InstanceId=instance, HttpTokens="required")


def unencrypted_volume(lab: Lab) -> Undo:
    """Attach a volume that is not encrypted."""
    ec2 = lab.client("ec2")
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8, Encrypted=False)["VolumeId"]
    place = {"VolumeId": volume, "InstanceId": gateway(lab), "Device": "/dev/sdb"}
    ec2.attach_volume(**place)

    def undo() -> None:
        ec2.detach_volume(**place)
        ec2.delete_volume(VolumeId=volume)

    return undo


def secret_in_user_data(lab: Lab) -> Undo:
    """Run another machine of the cluster with a secret in its user-data."""
    ec2 = lab.client("ec2")
    tags = [{"Key": key, "Value": value} for key, value in {"Project": "talos-arm64", "Cluster": "lab"}.items()]
    run = ec2.run_instances(
        ImageId=lab.client("ssm").get_parameter(Name=AMI_PARAMETER)["Parameter"]["Value"],
        **{"MinCount": 1, "MaxCount": 1, "InstanceType": "t4g.small", "SecurityGroupIds": [nodes_group(lab)]},
        SubnetId=one(lab, "describe_subnets", "Subnets", "SubnetId"),
        UserData=f"#!/bin/sh\n: tailscale up --authkey={SECRET}\n",
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True}}],
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    identity = run["Instances"][0]["InstanceId"]
    return lambda: ec2.terminate_instances(InstanceIds=[identity])


PLANTED: list[tuple[Callable[[Lab], Undo], set[str]]] = [
    (everybody_over_ipv4, {"RULE_OPEN_TO_INTERNET"}),
    (everybody_over_ipv6, {"RULE_OPEN_TO_INTERNET"}),
    (public_ipv4, {"PUBLIC_IPV4"}),
    (imds_v1, {"IMDS_V1"}),
    (unencrypted_volume, {"VOLUME_NOT_ENCRYPTED"}),
    (secret_in_user_data, {"USER_DATA_SECRET", "INSTANCE_NOT_DESCRIBED"}),
]


@pytest.mark.parametrize(("plant", "codes"), PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_what_is_planted_is_found(lab: Lab, built: Run, plant: Callable[[Lab], Undo], codes: set[str]) -> None:
    undo = plant(lab)
    try:
        found = audit(lab)
    finally:
        undo()

    assert {deviation["code"] for deviation in found["deviations"]} == codes
    assert SECRET not in json.dumps(found)
    assert audit(lab)["deviations"] == []


def test_a_tag_of_site_refuses_what_the_phase_of_that_name_refuses(lab: Lab, built: Run) -> None:
    undo = everybody_over_ipv6(lab)
    try:
        tagged = play(lab, "playbooks/site.yml", "--tags", "access", *ONE_NODE)
        alone = play(lab, "playbooks/access.yml", *ONE_NODE)
    finally:
        undo()

    for run in (tagged, alone):
        assert run.code == 2, run.output
        assert "is open that its variables do not allow: 1 deviations" in " ".join(run.output.split())


def drops_what_it_forwards(lab: Lab) -> Undo:
    """Have the bastion's network interface take packets for itself alone."""
    change = lab.client("ec2").modify_network_interface_attribute
    interface = one(lab, "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", Node="bastion")
    change(NetworkInterfaceId=interface, SourceDestCheck={"Value": True})
    return lambda: change(NetworkInterfaceId=interface, SourceDestCheck={"Value": False})


def health(lab: Lab, folder: Path) -> tuple[Run, dict[str, str]]:
    """Run health.yml on a bastion whose own checks pass; return the recorded failures, too."""
    program = folder / "talos-bastion-health"
    checks = [{"check": "containers", "healthy": True, "detail": "all run"}]
    program.write_text(f"#!/bin/sh\necho '{json.dumps({'checks': checks})}'\n", encoding="utf-8")
    program.chmod(0o755)
    host = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": {"bastion": host}}}), encoding="utf-8")
    options = ("-i", str(folder / "hosts.json"), "-e", f"__bastion_host_program={program}")
    run = play(lab, "playbooks/health.yml", *ONE_NODE, *options)
    reported = json.loads((lab.directory / "cluster" / "report" / "health.json").read_text(encoding="utf-8"))
    return run, {answer["check"]: answer["detail"] for answer in reported["checks"] if not answer["healthy"]}


def test_the_health_of_the_bastion_is_also_what_aws_says_of_it(lab: Lab, built: Run, tmp_path: Path) -> None:
    well, nothing = health(lab, tmp_path)
    undo = [everybody_over_ipv6(lab), drops_what_it_forwards(lab)]
    try:
        ill, found = health(lab, tmp_path)
    finally:
        for one_of_them in undo:
            one_of_them()

    assert (well.code, nothing) == (0, {}), well.output
    assert all(f"ok      {check}: " in well.output for check in ("containers", "network interface", "fail-closed"))
    assert ill.code == 2, ill.output
    assert set(found) == {"network interface", "fail-closed"}
    assert re.fullmatch(r"eni-\w+, which drops forwarded packets", found["network interface"])
    assert f"- FAILED  fail-closed: {found['fail-closed']}" in ill.output
    assert "fail-closed. The lines above show the details" in " ".join(ill.output.split())


FIND = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.include_role": {"name": "urmanac.talos.bastion", "tasks_from": "find.yml"}}],
    }
]
# As ec2_nodes names it with options for SSH.
OF_THE_CLUSTER = {"ec2_role": "bastion", "ec2_bastion_connection": "ssh"}


@pytest.mark.parametrize(
    ("names", "written"),
    [pytest.param(OF_THE_CLUSTER, True, id="the cluster's"), pytest.param({}, False, id="the user's")],
)
def test_a_bastion_in_the_inventory_keeps_its_connection_and_its_host_key_is_written_if_it_is_the_clusters(
    lab: Lab, tmp_path: Path, names: dict[str, str], written: bool
) -> None:
    known_hosts, book = tmp_path / "Ada's moon" / "known_hosts", tmp_path / "find.json"
    book.write_text(json.dumps(FIND), encoding="utf-8")
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **names}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {"bastion": host}}}), encoding="utf-8")
    via = json.dumps({"cluster_api_via": "bastion", "cluster_bastion_known_hosts": str(known_hosts)})

    run = play(lab, str(book), *ONE_NODE, "-i", str(tmp_path / "hosts.json"), "-e", via)

    assert run.code == 0, run.output
    assert known_hosts.is_file() is written
    assert ": find_add |" not in run.output
