# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as Ansible loads it, with botocore against a fake of EC2's endpoint."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible.vars.reserved import get_reserved_names

from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError, InputError
from ansible_collections.urmanac.talos.plugins.plugin_utils._ec2_nodes import usual_known_hosts
from ansible_collections.urmanac.talos.plugins.plugin_utils._ec2_options import check_options
from bench.canned import CannedEc2, describe_instances_xml, error_xml, serving

ROOT = Path(__file__).parents[4]
NAME = "urmanac.talos.ec2_nodes"
Parse = Callable[..., InventoryData]


@pytest.fixture
def instances() -> list[dict[str, Any]]:
    return yaml.safe_load((Path(__file__).parent / "fixtures" / "cluster.yml").read_text(encoding="utf-8"))


@pytest.fixture
def ec2(instances: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedEc2]:
    """Serve the fake, in an environment whose only AWS settings are the fake's."""
    for name in (
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_SESSION_TOKEN",
        "AWS_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lab-not-a-real-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "lab")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with serving(CannedEc2([describe_instances_xml(instances)])) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server


@pytest.fixture
def parse(tmp_path: Path, ec2: CannedEc2) -> Parse:
    """Return a function that writes an inventory file with options, parses it, and returns the inventory."""
    return lambda **arguments: parsed(tmp_path / "test.ec2_nodes.yml", **arguments)


def parsed(path: Path, *, use_cache: bool = True, **options: Any) -> InventoryData:
    content = {"plugin": NAME, "cluster": "talos", "regions": ["eu-west-1"], **options}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    inventory = InventoryData()
    plugin = inventory_loader.get(NAME)
    assert plugin.verify_file(str(path))
    plugin.parse(inventory, DataLoader(), str(path), cache=use_cache)
    if options.get("cache"):
        plugin.update_cache_if_changed()
    inventory.reconcile_inventory()
    return inventory


def members(inventory: InventoryData, group: str) -> list[str]:
    return [host.name for host in inventory.groups[group].get_hosts()]


def variables(inventory: InventoryData, host: str) -> dict[str, Any]:
    return inventory.hosts[host].get_vars()


def test_hosts_are_called_by_node_tag_else_by_instance_id_and_are_sorted(parse: Parse) -> None:
    inventory = parse()

    assert list(inventory.hosts) == ["compute-3", "gateway", "i-0ccccccccccccccc0"]


def test_hosts_are_grouped_by_role_and_machine_type(parse: Parse) -> None:
    inventory = parse()

    assert members(inventory, "role_gateway") == ["gateway"]
    assert members(inventory, "role_compute") == ["compute-3"]
    assert members(inventory, "machine_type_controlplane") == ["gateway"]
    assert members(inventory, "role_bastion") == ["i-0ccccccccccccccc0"]


def test_hosts_are_grouped_by_the_tags_and_properties_that_are_asked_for(parse: Parse) -> None:
    inventory = parse(group_by=["instance_type"], group_by_tags=["cost-centre", "Absent"])

    groups = set(inventory.groups) - {"all", "ungrouped"}
    assert groups == {"instance_type_t4g_medium", "instance_type_t4g_small", "tag_cost_centre_moon___stars"}


def test_only_running_instances_of_this_cluster_are_asked_for(parse: Parse, ec2: CannedEc2) -> None:
    parse(project="talos-arm64", filters={"vpc-id": ["vpc-1", "vpc-2"], "instance-lifecycle": "spot"})

    call = ec2.calls[0]
    names = [call[f"Filter.{number}.Name"][0] for number in range(1, 7)]
    assert dict(zip(names, [call[f"Filter.{number}.Value.1"][0] for number in range(1, 7)], strict=True)) == {
        "instance-lifecycle": "spot",
        "instance-state-name": "running",
        "tag:Cluster": "talos",
        "tag:ManagedBy": "urmanac.talos",
        "tag:Project": "talos-arm64",
        "vpc-id": "vpc-1",
    }
    assert call["Filter.6.Value.2"] == ["vpc-2"]


class OtherClusters(CannedEc2):
    """Has no instance for a call that names a cluster, and the given ones for others."""

    def answer(self, call: dict[str, list[str]]) -> bytes:
        page = super().answer(call)
        return describe_instances_xml([]) if ["tag:Cluster"] in call.values() else page


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr("ansible.utils.display.Display.warning", lambda _self, text, **_: found.append(text))
    return found


@pytest.mark.parametrize(
    ("cluster", "clusters", "said"),
    [
        pytest.param(
            "tallos", ["moon", "talos"], "have instances there: moon, talos. Did you mean talos?", id="a misspelt name"
        ),
        pytest.param("talos", [], "No cluster of this collection has an instance there.", id="no cluster"),
        pytest.param(
            "talos", ["talos"], "which are stopped, do not match states, project and filters.", id="stopped instances"
        ),
    ],
)
def test_an_empty_inventory_warns_and_names_the_clusters_that_exist(
    tmp_path: Path,
    ec2: CannedEc2,
    monkeypatch: pytest.MonkeyPatch,
    warnings: list[str],
    cluster: str,
    clusters: list[str],
    said: str,
) -> None:
    instances = [
        {"InstanceId": f"i-{name}", "State": {"Name": "stopped"}, "Tags": [{"Key": "Cluster", "Value": name}]}
        for name in clusters
    ]
    with serving(OtherClusters([describe_instances_xml(instances)])) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        inventory = parsed(tmp_path / "test.ec2_nodes.yml", cluster=cluster)

    assert not inventory.hosts
    (warning,) = warnings
    assert warning.startswith(f"The inventory has no instance of the cluster {cluster} in eu-west-1. ")
    assert warning.endswith(said)


def test_an_inventory_with_hosts_is_read_with_one_call_and_without_a_warning(
    parse: Parse, ec2: CannedEc2, warnings: list[str]
) -> None:
    parse()

    assert (len(ec2.calls), warnings) == (1, [])


def test_all_pages_are_read(parse: Parse, ec2: CannedEc2, instances: list[dict[str, Any]]) -> None:
    ec2.pages = [
        describe_instances_xml(instances[:1], next_page=1),
        describe_instances_xml([], next_page=2),
        describe_instances_xml(instances[1:]),
    ]

    inventory = parse()

    assert len(inventory.hosts) == 3
    assert [call.get("NextToken") for call in ec2.calls] == [None, ["1"], ["2"]]


def test_each_region_is_read_once_and_hosts_know_theirs(
    parse: Parse, ec2: CannedEc2, instances: list[dict[str, Any]]
) -> None:
    inventory = parse(regions=["eu-west-1", "eu-central-1"])

    assert len(ec2.calls) == 2
    # The fake answers the same for both, so every name is claimed twice, and by the same instance ids.
    assert sorted(inventory.hosts) == sorted(instance["InstanceId"] for instance in instances)


@pytest.mark.parametrize(
    ("connect_with", "addresses"),
    [
        pytest.param("private_ipv4", ["10.10.0.103", "10.10.0.101", "10.10.0.100"], id="private IPv4"),
        pytest.param("public_ipv4", [None, None, "192.0.2.10"], id="public IPv4, which only the bastion has"),
        pytest.param("ipv6", [None, "2001:db8:1:2::a", "2001:db8:1:2::64"], id="primary IPv6 of the first interface"),
        pytest.param("tailscale", ["10.10.0.103", "gateway", "bastion.example.ts.net"], id="tailnet"),
    ],
)
def test_connect_with_chooses_the_address(parse: Parse, connect_with: str, addresses: list[str | None]) -> None:
    inventory = parse(connect_with=connect_with)

    hosts = ["compute-3", "gateway", "i-0ccccccccccccccc0"]
    assert [variables(inventory, host).get("ansible_host") for host in hosts] == addresses


def test_a_host_without_the_address_stays_and_verbose_mode_says_so(
    parse: Parse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible.utils.display import Display

    monkeypatch.setattr(Display(), "verbosity", 1)

    inventory = parse(connect_with="ipv6")

    assert "ansible_host" not in variables(inventory, "compute-3")
    assert "compute-3 has no address of the kind ipv6" in capsys.readouterr().out


def test_variables_are_plain_data_with_a_prefix_and_without_reserved_names(parse: Parse) -> None:
    inventory = parse()

    for host in inventory.hosts:
        own = {name for name in variables(inventory, host) if not name.startswith(("inventory_", "group_names"))}
        is_bastion = inventory.hosts[host].vars["ec2_role"] == "bastion"
        check = ("ansible_host_key_checking", "ansible_ssh_args") if is_bastion else ()
        assert {name for name in own if not name.startswith("ec2_")} == {"ansible_host", *check}
        assert not own & get_reserved_names()
        json.dumps(variables(inventory, host))


def test_a_hosts_variables_say_what_the_instance_is(parse: Parse) -> None:
    gateway = variables(parse(), "gateway")

    assert {name: value for name, value in gateway.items() if name.startswith("ec2_")} == {
        "ec2_architecture": "arm64",
        "ec2_availability_zone": "eu-west-1a",
        "ec2_cluster": "talos",
        "ec2_image_id": "ami-0123456789abcdef0",
        "ec2_instance_id": "i-0aaaaaaaaaaaaaaa1",
        "ec2_instance_type": "t4g.medium",
        "ec2_ipv6": "2001:db8:1:2::a",
        "ec2_ipv6_addresses": ["2001:db8:1:2::a", "2001:db8:1:2::1", "2001:db8:1:2::b"],
        "ec2_launch_time": "2026-11-20T08:15:28.000Z",
        "ec2_machine_type": "controlplane",
        "ec2_network_interface_ids": ["eni-0bbbbbbbbbbbbbbb1", "eni-0aaaaaaaaaaaaaaa1"],
        "ec2_node": "gateway",
        "ec2_private_dns_name": "ip-10-10-0-101.eu-west-1.compute.internal",
        "ec2_private_ipv4": "10.10.0.101",
        "ec2_project": "talos-arm64",
        "ec2_public_dns_name": None,
        "ec2_public_ipv4": None,
        "ec2_region": "eu-west-1",
        "ec2_role": "gateway",
        "ec2_security_group_ids": ["sg-0aaaaaaaaaaaaaaaa"],
        "ec2_state": "running",
        "ec2_subnet_id": "subnet-0123456789abcdef0",
        "ec2_tags": {
            "Cluster": "talos",
            "MachineType": "controlplane",
            "ManagedBy": "urmanac.talos",
            "Name": "talos-gateway",
            "Node": "gateway",
            "Project": "talos-arm64",
            "Role": "gateway",
            "cost-centre": "moon & stars",
        },
        "ec2_vpc_id": "vpc-0123456789abcdef0",
    }


def test_composed_variables_and_groups_work_and_win_over_connect_with(parse: Parse) -> None:
    inventory = parse(
        compose={"ansible_host": "ec2_private_dns_name", "talos_endpoint": "ansible_host ~ ':50000'"},
        groups={"burstable": "ec2_instance_type.startswith('t4g.')"},
        keyed_groups=[{"key": "ec2_architecture", "prefix": "arch"}],
    )

    gateway = variables(inventory, "gateway")
    assert gateway["ansible_host"] == "ip-10-10-0-101.eu-west-1.compute.internal"
    assert gateway["talos_endpoint"] == "10.10.0.101:50000"
    assert len(members(inventory, "burstable")) == len(members(inventory, "arch_arm64")) == 3


def test_options_may_be_templates(parse: Parse, ec2: CannedEc2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", "moon")

    parse(cluster="{{ lookup('ansible.builtin.env', 'CLUSTER') }}")

    assert ec2.calls[0]["Filter.2.Value.1"] == ["moon"]


def test_a_tag_is_never_run_as_a_template(parse: Parse, ec2: CannedEc2, instances: list[dict[str, Any]]) -> None:
    from ansible.template import Templar

    evil = "{{ lookup('ansible.builtin.pipe', 'id') }}"
    instances[0]["Tags"] += [{"Key": "Evil", "Value": evil}]
    ec2.pages = [describe_instances_xml(instances)]

    own = variables(parse(), "compute-3")

    assert Templar(loader=DataLoader(), variables=own).template(own["ec2_tags"]["Evil"]) == evil


def test_instances_that_claim_one_name_are_distinguished(
    parse: Parse, ec2: CannedEc2, instances: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    instances[0]["Tags"] = instances[1]["Tags"] = [{"Key": "Node", "Value": "twin"}]
    ec2.pages = [describe_instances_xml(instances)]

    inventory = parse()

    assert sorted(inventory.hosts) == ["i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa3", "i-0ccccccccccccccc0"]
    assert "Several instances have the name twin" in "".join(capsys.readouterr())


def cache_options(tmp_path: Path) -> dict[str, Any]:
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}


def test_a_cached_answer_needs_no_network_and_no_credentials(
    parse: Parse, ec2: CannedEc2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = parse(**cache_options(tmp_path))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setattr(socket, "socket", forbidden)

    second = parse(connect_with="ipv6", **cache_options(tmp_path))

    assert len(ec2.calls) == 1
    assert list(second.hosts) == list(first.hosts)
    assert variables(second, "gateway")["ansible_host"] == "2001:db8:1:2::a"


def forbidden(*_arguments: object, **_options: object) -> None:
    raise AssertionError("a cache hit opened a socket")


def test_a_cached_answer_needs_no_boto(parse: Parse, tmp_path: Path) -> None:
    options = cache_options(tmp_path)
    expected = list(parse(**options).hosts)
    path = tmp_path / "test.ec2_nodes.yml"

    process = subprocess.run(
        [sys.executable, "-c", PARSE_WITHOUT_BOTO, ROOT / "playbooks" / "collections", path],
        check=True,
        capture_output=True,
        text=True,
    )

    assert json.loads(process.stdout.splitlines()[-1]) == expected


PARSE_WITHOUT_BOTO = """
import json, sys
sys.modules["boto3"] = sys.modules["botocore"] = None
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader
init_plugin_loader([sys.argv[1]])
inventory = InventoryData()
inventory_loader.get("urmanac.talos.ec2_nodes").parse(inventory, DataLoader(), sys.argv[2])
print(json.dumps(list(inventory.hosts)))
"""


def test_flush_cache_reads_again(parse: Parse, ec2: CannedEc2, instances: list[dict[str, Any]], tmp_path: Path) -> None:
    parse(**cache_options(tmp_path))
    ec2.pages = [describe_instances_xml(instances[:1])]

    flushed = parse(use_cache=False, **cache_options(tmp_path))
    after = parse(**cache_options(tmp_path))

    assert list(flushed.hosts) == list(after.hosts) == ["compute-3"]
    assert len(ec2.calls) == 2


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"cluster": "moon"}, id="cluster"),
        pytest.param({"regions": ["eu-central-1"]}, id="regions"),
        pytest.param({"filters": {"vpc-id": "vpc-1"}}, id="filters"),
        pytest.param({"states": ["stopped"]}, id="states"),
    ],
)
def test_other_instances_are_never_taken_from_the_cache(
    parse: Parse, ec2: CannedEc2, tmp_path: Path, other: dict[str, Any]
) -> None:
    parse(**cache_options(tmp_path))

    parse(**cache_options(tmp_path), **other)

    assert len(ec2.calls) == 2


def test_another_endpoint_never_gets_the_cache_of_a_lab(
    parse: Parse, instances: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse(**cache_options(tmp_path))
    with serving(CannedEc2([describe_instances_xml(instances[:1])])) as other:
        monkeypatch.setenv("AWS_ENDPOINT_URL", other.url)

        inventory = parse(**cache_options(tmp_path))

    assert list(inventory.hosts) == ["compute-3"]


def test_missing_credentials_are_reported_with_a_remedy(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(AnsibleError, match=r"Unable to locate credentials\. Set AWS_PROFILE"):
        parse()


def test_an_unreachable_endpoint_is_reported_with_its_address(parse: Parse) -> None:
    with pytest.raises(AnsibleError, match=r"Could not connect .*http://127\.0\.0\.1:1/.* Check the network"):
        parse(endpoint_url="http://127.0.0.1:1")


def test_a_refusal_is_reported_with_the_permission_that_lacks(parse: Parse, ec2: CannedEc2) -> None:
    ec2.status = 403
    ec2.pages = [error_xml("UnauthorizedOperation", "You are not authorized to perform this operation.")]

    with pytest.raises(
        AnsibleError, match=r"ec2:DescribeInstances in eu-west-1: UnauthorizedOperation.* Allow ec2:Des"
    ):
        parse()


def test_real_credentials_are_never_sent_to_a_lab(
    parse: Parse, ec2: CannedEc2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-real-key-id")

    with pytest.raises(AnsibleError, match="real credentials must never be sent to a lab"):
        parse()

    assert not ec2.calls


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"connect_with": "telephone"}, "telephone.*connect_with", id="address"),
        pytest.param({"states": ["happy"]}, "happy.*states", id="state"),
        pytest.param({"group_by": ["colour"]}, "colour.*group_by", id="property"),
        pytest.param({"cluster": None}, "(?i)required.*cluster", id="no cluster"),
        pytest.param({"hostnames": ["dns"]}, "name the hosts by 'dns'.*tag:<key>, instance-id", id="source of names"),
        pytest.param({"profile": "home"}, "both a profile and access keys", id="two kinds of credentials"),
        pytest.param({"secret_key": ""}, "access_key needs secret_key", id="half of a credential"),
        pytest.param(
            {"access_key": "", "secret_key": "", "session_token": "a"},
            "session_token needs access_key and secret_key",
            id="a token alone",
        ),
        pytest.param({"regions": []}, "choose a region.*regions, or AWS_REGION", id="no region"),
        pytest.param({"endpoint_url": "localhost"}, "Invalid endpoint: localhost", id="endpoint that is not a URL"),
    ],
)
def test_a_bad_option_is_reported_with_what_would_be_good(parse: Parse, options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleError, match=message):
        parse(**options)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        pytest.param("moon.ec2_nodes.yml", True, id="yml"),
        pytest.param("ec2_nodes.yaml", True, id="yaml"),
        pytest.param("moon.aws_ec2.yml", False, id="of another plugin"),
    ],
)
def test_a_file_is_known_by_the_end_of_its_name(tmp_path: Path, name: str, ours: bool) -> None:
    (tmp_path / name).touch()

    assert inventory_loader.get(NAME).verify_file(str(tmp_path / name)) is ours


def test_the_examples_run_as_they_stand(ec2: CannedEc2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    module = sys.modules[type(inventory_loader.get(NAME)).__module__]
    examples = list(yaml.safe_load_all(module.EXAMPLES))
    examples.append(yaml.safe_load((ROOT / "examples" / "inventory.ec2_nodes.yml").read_text(encoding="utf-8")))

    for number, example in enumerate(examples):
        inventory = parsed(tmp_path / f"{number}.ec2_nodes.yml", **example)

        assert len(inventory.hosts) == 3
    # The last one is the file that users copy.
    (bastion,) = (host for host in inventory.hosts.values() if _checks(host))
    known = tmp_path / ".local/share/urmanac.talos/talos-arm64/eu-west-1/talos/known_hosts"
    assert f"UserKnownHostsFile={known}" in bastion.vars["ansible_ssh_common_args"]


def test_the_host_key_of_the_bastion_alone_is_checked_against_the_clusters_file(parse: Parse) -> None:
    found = parse(known_hosts="/moon/known_hosts").hosts

    (bastion,) = (host for host in found.values() if _checks(host))
    assert bastion.vars["ec2_role"] == "bastion"
    assert bastion.vars["ansible_host_key_checking"] is True
    arguments = bastion.vars["ansible_ssh_common_args"]
    assert "-o StrictHostKeyChecking=yes -o UserKnownHostsFile=/moon/known_hosts" in arguments
    assert "-o HostKeyAlias=talos-arm64-talos-bastion" in arguments


def test_session_manager_leads_to_that_very_bastion_and_its_host_key_is_checked(parse: Parse) -> None:
    found = parse(known_hosts="/moon/known_hosts", bastion_connection="ssm").hosts

    (bastion,) = (host for host in found.values() if _checks(host))
    options = dict(word.split("=", 1) for word in shlex.split(bastion.vars["ansible_ssh_common_args"])[1::2])
    command = shlex.split(options["ProxyCommand"])
    assert command[:3] == ["aws", "ssm", "start-session"]
    given = dict(zip(command[3::2], command[4::2], strict=True))
    assert given == {
        "--region": "eu-west-1",
        "--target": bastion.vars["ec2_instance_id"],
        "--document-name": "AWS-StartSSHSession",
        "--parameters": "portNumber=%p",
    }
    assert (options["StrictHostKeyChecking"], options["UserKnownHostsFile"]) == ("yes", "/moon/known_hosts")


def test_session_manager_without_a_file_of_known_hosts_still_checks_the_host_key(parse: Parse) -> None:
    (bastion,) = (host for host in parse(bastion_connection="ssm").hosts.values() if _checks(host))

    assert "-o StrictHostKeyChecking=yes -o 'ProxyCommand=aws ssm" in bastion.vars["ansible_ssh_common_args"]
    assert bastion.vars["ec2_bastion_connection"] == "ssm"


@pytest.mark.parametrize("option", ["known_hosts", "identity_file"])
def test_a_file_that_ssh_cannot_be_given_is_refused_by_its_option(parse: Parse, ec2: CannedEc2, option: str) -> None:
    with pytest.raises(AnsibleError, match=f"{option}: '/a\"b' contains"):
        parse(**{option: '/a"b'})


def test_the_bastion_alone_is_logged_in_to_with_the_key_that_is_named(parse: Parse) -> None:
    (bastion,) = (host for host in parse(identity_file="/keys/moon").hosts.values() if _checks(host))

    assert bastion.vars["ec2_role"] == "bastion"
    assert bastion.vars["ansible_ssh_common_args"].endswith("-o IdentityFile=/keys/moon -o IdentitiesOnly=yes")
    assert bastion.vars["ec2_bastion_connection"] == "ssh"


def test_what_a_user_gives_ssh_first_cannot_switch_the_check_off(parse: Parse) -> None:
    (bastion,) = (host for host in parse(known_hosts="/moon/known_hosts").hosts.values() if _checks(host))

    assert "HostKey" not in bastion.vars["ansible_ssh_args"]


@pytest.mark.parametrize("has_file", [True, False])
def test_without_options_the_check_comes_first_and_nothing_else_is_set(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_file: bool
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    known = tmp_path / "urmanac.talos/talos-arm64/eu-west-1/talos/known_hosts"
    if has_file:
        known.parent.mkdir(parents=True)
        known.touch()

    found = parse().hosts

    assert not [name for name, host in found.items() if _checks(host) or "ec2_bastion_connection" in host.vars]
    (bastion,) = (host for host in found.values() if "ansible_ssh_args" in host.vars)
    assert (bastion.vars["ec2_role"], bastion.vars["ansible_host_key_checking"]) == ("bastion", True)
    arguments = shlex.split(bastion.vars["ansible_ssh_args"])
    assert "StrictHostKeyChecking=yes" in arguments
    assert (f"UserKnownHostsFile={known}" in arguments) is has_file
    assert ("HostKeyAlias=talos-arm64-talos-bastion" in arguments) is has_file


def test_tags_of_a_stranger_lead_to_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "one/two/three/four"
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    (data / "urmanac.talos/a").mkdir(parents=True)
    (data / "b").mkdir()
    # Wherever the tags of the loop lead, a file is there.
    for folder in (data, *data.parents[:4]):
        (folder / "known_hosts").touch()

    for project in ("..", "../..", "a/../../b", "", None):
        facts = {"ec2_project": project, "ec2_region": "..", "ec2_cluster": ".."}
        assert usual_known_hosts(facts) == ""


def _checks(host: Any) -> bool:
    return "ansible_ssh_common_args" in host.vars


def test_case_18_inventory_hostnames_mapping(parse: Parse, ec2: CannedEc2) -> None:
    with pytest.raises(AnsibleError, match=r"name the hosts by \{'name': .*: it is not known. Use one of: tag:"):
        parse(hostnames=[{"name": "tag:Name", "separator": "-", "prefix": "tag:Role"}])

    assert ec2.calls == []


@pytest.mark.parametrize("source", ["tag:Name=web", "tag:Name,tag:Role", "tag:", "network-interface.addresses", 5])
def test_a_source_of_names_that_aws_ec2_alone_knows_is_refused(parse: Parse, source: object) -> None:
    with pytest.raises(AnsibleError, match="Failed to name the hosts by"):
        parse(hostnames=[source])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"exclude_filters": [{"tag:Role": "bastion"}]}, "what is wanted in the option filters", id="out"),
        pytest.param({"include_filters": [{"tag:Role": "bastion"}]}, "any of them", id="include_filters"),
        pytest.param({"assume_role_arn": "arn:aws:iam::1:role/r"}, "option profile", id="assume_role_arn"),
        pytest.param({"hostvars_prefix": "aws_"}, "begin with ec2_", id="hostvars_prefix"),
        pytest.param({"filter": {"tag:Role": "gateway"}}, r"Did you mean filters\?", id="misspelt"),
        pytest.param({"conect_with": "ipv6"}, r"Did you mean connect_with\?", id="misspelt too"),
        pytest.param({"zzz": 1}, "See ansible-doc", id="nothing near"),
        pytest.param({"keyed_groups": [{"key": "ec2_state", "prefx": "s"}]}, "Failed to read prefx", id="keyed group"),
        pytest.param({"filters": {"tag": {"Role": "gateway"}}}, "its value is a mapping", id="filter"),
    ],
)
def test_case_20_inventory_unknown_options(parse: Parse, ec2: CannedEc2, options: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleError, match=said):
        parse(**options)

    assert ec2.calls == []


def test_options_are_known_by_their_aliases_too(parse: Parse, ec2: CannedEc2) -> None:
    assert parse(aws_endpoint_url=ec2.url).hosts


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"group_by_tags": [{"a": "b"}]}, r"group_by_tags: \{'a': 'b'\} is not a name", id="mapping"),
        pytest.param({"group_by_tags": [["a"]]}, r"group_by_tags: \['a'\] is not a name", id="list of lists"),
        pytest.param({"group_by_tags": [""]}, "group_by_tags: '' is not a name", id="tag without a name"),
        pytest.param({"regions": [None]}, "regions: None is not a name", id="region without a name"),
        pytest.param({"filters": None}, "filters: it has no value", id="filters without a value"),
        pytest.param({"include_filters": None}, "any of them", id="include_filters without a value"),
        pytest.param({"connect_with": None}, "connect_with: it has no value", id="a way without a value"),
        pytest.param({"filters": {"tag:Role": None}}, "tag:Role: None is not a value", id="filter without a value"),
        pytest.param({"filters": {"tag:Role": []}}, r"tag:Role: \[\] is not a value", id="filter with no values"),
        pytest.param({"filters": {"tag:Role": [["a"]]}}, r"tag:Role: \['a'\] is not a value", id="list in a filter"),
        pytest.param({"filters": {"": "a"}}, "filter '': this is not a name", id="filter without a name"),
        pytest.param({"cluster": ""}, "cluster: it is empty", id="empty cluster"),
        pytest.param({"cluster": "{{ '' }}"}, "cluster: it is empty", id="a template that is empty"),
        pytest.param({"cluster": True}, "cluster: True is not a string", id="yes as the name of a cluster"),
        pytest.param({"keyed_groups": [{"prefix": "a"}]}, r"\{'prefix': 'a'\} has no key", id="group without a key"),
        pytest.param({"keyed_groups": [{"key": None}]}, "has no key", id="group with an empty key"),
        pytest.param({"keyed_groups": [{}]}, r"\{\} has no key", id="empty group"),
        pytest.param({"keyed_groups": [None]}, "None is not a mapping", id="no group"),
        pytest.param({"keyed_groups": ["ec2_region"]}, "'ec2_region' is not a mapping", id="a key alone"),
        pytest.param({"compose": {"a": None}}, "'a' in the option compose", id="variable without an expression"),
        pytest.param({"groups": {"": "true"}}, "'' in the option groups", id="group without a name"),
        pytest.param({"cache": "often"}, "cache: 'often' is neither true nor false", id="cache that is not a boolean"),
        pytest.param({"strict": [None]}, "strict.* neither true nor false", id="strict that is not a boolean"),
    ],
)
def test_an_option_with_a_wrong_value_is_refused_in_words(
    parse: Parse, ec2: CannedEc2, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(AnsibleError, match=said):
        parse(**options)

    assert ec2.calls == []


class Vaulted:
    """A value of Ansible Vault, which is not decrypted yet."""

    def _decrypt(self) -> str:
        return "hush"


def test_a_secret_may_be_vaulted_and_no_message_shows_one() -> None:
    known = inventory_loader.get(NAME)
    known.set_options(direct={"plugin": NAME, "cluster": "talos"})

    check_options({"secret_key": Vaulted(), "filters": {"tag:Owner": Vaulted()}}, known._definitions())
    with pytest.raises(InputError, match="secret_key: its value is not a string") as refused:
        check_options({"secret_key": {"a": "hush"}}, known._definitions())

    assert "hush" not in str(refused.value)


NONSENSE: tuple[Any, ...] = (
    None,
    {},
    [],
    "",
    0,
    [[]],
    [None],
    [{}],
    [""],
    {"a": None},
    {"a": [[]]},
    {"": "b"},
    True,
    1.5,
    "a",
)


def test_no_value_of_an_option_ends_in_a_traceback() -> None:
    plugin = inventory_loader.get(NAME)
    plugin.set_options(direct={"plugin": NAME, "cluster": "talos"})

    for option, value in product(plugin._definitions(), NONSENSE):
        with suppress(CollectionError):
            check_options({option: value}, plugin._definitions())


def test_right_options_are_read(parse: Parse, ec2: CannedEc2) -> None:
    groups = {"on": True, "burstable": "ec2_instance_type.startswith('t4g')"}

    inventory = parse(groups=groups, compose={"ansible_port": 22}, filters={"tag:Role": ["gateway", 5, True]})

    assert set(groups) <= {*inventory.groups}
