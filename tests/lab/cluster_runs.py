# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build and remove a cluster in the lab by stages, with an AWS whose answers get lost or whose caller is killed."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.work import Machines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion import host_key
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import Calls, Clock
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsApi
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.access import read_groups, read_rules
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.schedule import read_schedules
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.openings import OPENINGS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.ownership import claim, run_lock
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.comparison import Comparison
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import SERVICES
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import read_and_compare
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import parse_spec
from ansible_collections.urmanac.talos.plugins.module_utils._runs import Run
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import HostKey
from ansible_collections.urmanac.talos.plugins.modules.ec2_home_access import ensure, order_of
from tests.ec2_cluster import cluster, node
from tests.ec2_failures import READING, refusal, unknown
from tests.lab.labs import Lab

HOST_KEY = "/urmanac.talos/talos-arm64/moon/bastion-host-key"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3gn9iVuRUYTM8Vd1HhRJrtMJkaqvfO5Wl8qEvHl8pP"
BASTION = {
    "instance_type": "t4g.small",
    "volume_size": 30,
    "image": "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    "egress": "public_ipv4",
    "start": "18:00",
    "stop": "23:00",
    "host_key_parameter": HOST_KEY,
}
# Machines of this network exist in EC2 only, so that nothing has to boot.
NODES = [node(), node(name="compute-2", role="compute", ipv4="10.10.0.102", data_volume_size=20)]
SPEC = parse_spec(cluster(bastion=BASTION, nodes=NODES, home_schedule_enabled=True, hours={"ttl": 8.0}))
NOW = datetime.now(UTC).replace(microsecond=0)
STOP_AT = (NOW + timedelta(hours=8)).isoformat()
IDENTITY = Identity(SPEC.name, SPEC.project)
LOCK = run_lock.lock_name(SPEC.project, SPEC.name)
HOME = {"name": SPEC.name, "project": SPEC.project, "state": "present", "ipv6": "2001:db8:1:2::/64"} | {
    "expires": "8h",
    "replace": False,
    "openings": [opening._asdict() for opening in OPENINGS],
}


# The table of lost and late answers: the calls of a build in their order, those that join and set what
# was made, and those with which a run repairs what was changed.
CREATING = (
    *("put_claim", "put_run_lock", "create_vpc", "create_dhcp_options", "create_subnet", "create_internet_gateway"),
    *("create_route_table", "create_security_group", "create_role", "create_instance_profile"),
    *("put_host_key", "create_network_interface", "allocate_address", "create_launch_template"),
    *("create_auto_scaling_group", "run_instances", "authorize_home_rule", "create_schedule", "create_schedule_group"),
)
SETTING = (
    *("associate_dhcp_options", "attach_internet_gateway", "create_route", "associate_route_table"),
    *("authorize_security_group_ingress", "put_role_policy", "add_role_to_instance_profile", "associate_address"),
    *("put_scheduled_update_group_action", "modify_network_interface_attribute"),
)
REPAIRING = (
    *("associate_vpc_cidr_block", "create_launch_template_version", "assign_ipv6_addresses"),
    *("associate_iam_instance_profile", "authorize_security_group_egress", "create_tags", "create_or_update_tags"),
)
_CREATING_WORDS = ("Add", "Allocate", "Assign", "Associate", "Attach", "Authorize", "Create", "Import", "Put", "Run")
_ROWS_OF_ONE_OPERATION = {
    "authorize_home_rule": "authorize_security_group_ingress",
    "put_claim": "put_parameter",
    "put_host_key": "put_parameter",
    "put_run_lock": "put_parameter",
}


def is_creating(operation: str) -> bool:
    """Return whether an operation, as AWS writes it, makes something or joins two things."""
    return operation.startswith(_CREATING_WORDS)


def as_aws_writes(row: str) -> str:
    return "".join(word.capitalize() for word in _ROWS_OF_ONE_OPERATION.get(row, row).split("_"))


TABLE = frozenset(name for row in (*CREATING, *SETTING, *REPAIRING) if is_creating(name := as_aws_writes(row)))


# The parameters that hold the id of what a call makes, where its answer has no other.
NAMES_MADE = {"RoleName", "InstanceProfileName", "AutoScalingGroupName"}


class Ended(Exception):
    """The run was killed."""


class FaultyApi(AwsApi):
    """The lab's AWS, whose answer to an operation is lost, or whose caller is killed right after it."""

    def __init__(self, lab: Lab) -> None:
        super().__init__({service: lab.client(service) for service in (*SERVICES, "scheduler")}, SPEC.region)
        self.lost: Counter[str] = Counter()
        self.killed = ""
        # After how many more writing calls the caller is killed, before it gets the answer of the last one.
        self.writes_left: int | None = None
        self._lock = threading.Lock()
        # The operations whose result is unknown to the next call that changes it.
        self.late: set[str] = set()
        self._unknown: set[str] = set()
        # The services that said of something that they do not know it.
        self.reported_late: set[str] = set()
        # The image of the machines, once it is known.
        self.image = ""
        self.writes: list[str] = []
        # One run's calls, which know what that run has made; its pauses do not wait for a real AWS.
        self.run = self.begin_run()

    def begin_run(self) -> Calls:
        """Forget what was made, like a new process."""
        self.run = Calls(self, Clock(time.monotonic, lambda seconds: time.sleep(min(seconds, 0.1))))
        return self.run

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self._end_with_others()
        self._refuse_unknown(service, operation, parameters)
        answer = self.executed(service, operation, **parameters)
        what = named(operation, parameters)
        if what in self.late:
            self.late.remove(what)
            self._unknown |= set(re.findall(r"'([a-z]+-[0-9a-f]{8,})'", repr(answer)))
            self._unknown |= {parameters[name] for name in NAMES_MADE & parameters.keys()}
        if not operation.startswith(READING):
            self.writes.append(what)
            self._count_write()
        if self.lost[what]:
            self.lost[what] -= 1
            raise refusal("InternalError", operation)
        if what == self.killed:
            raise Ended(operation)
        return answer

    def executed(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Make a call and return the answer of the lab."""
        return super().call(service, operation, **parameters)

    def forget(self, ids: Iterable[str]) -> None:
        """Have the next call that changes one of these things not know it yet."""
        self._unknown.update(ids)

    def stop_failing(self) -> None:
        """Behave from now on."""
        self.killed, self.lost, self.late, self._unknown = "", Counter(), set(), set()
        self.writes_left = None
        self.begin_run()

    def _count_write(self) -> None:
        if self.writes_left is not None:
            with self._lock:
                self.writes_left -= 1
            self._end_with_others()

    def _end_with_others(self) -> None:
        if self.writes_left is not None and self.writes_left <= 0:
            raise Ended

    def _refuse_unknown(self, service: str, operation: str, parameters: dict[str, Any]) -> None:
        met = {text for text in self._unknown if f"'{text}'" in repr(parameters)}
        if met and not operation.startswith(READING):
            self._unknown -= met
            self.reported_late.add(service)
            raise unknown(service, met.pop(), operation)


def named(operation: str, parameters: dict[str, Any]) -> str:
    """Return what a call is known as here: rules of home access are made and taken away like those of the network."""
    if operation == "authorize_security_group_ingress" and "TagSpecifications" in parameters:
        return "authorize_home_rule"
    if operation == "revoke_security_group_ingress" and "SecurityGroupRuleIds" in parameters:
        return "revoke_home_rule"
    if operation == "put_parameter":
        return {HOST_KEY: "put_host_key", LOCK: "put_run_lock"}.get(parameters["Name"], "put_claim")
    return operation


Act = Callable[[FaultyApi], Any]


class Stage(NamedTuple):
    """What one stage of site.yml makes in AWS, and how reset.yml removes it."""

    make: Act
    remove: Act


def ensured_part(api: FaultyApi, part: str, *, state: str = "present") -> Outcome:
    """Make or remove a part of the cluster."""
    user_data = {"bastion": "IyEvYmluL3NoCg=="}
    machines = Machines(image=lab_image(api), user_data=user_data, bastion_stop_at=STOP_AT)
    return ensure_cluster(api.run, SPEC, Order((part,), state=state, machines=machines))


def part(name: str) -> Stage:
    """Return the stage of a part of the cluster."""
    return Stage(lambda api: ensured_part(api, name), lambda api: remove_part(api, name))


def remove_part(api: FaultyApi, name: str) -> None:
    """Remove a part of the cluster."""
    api.begin_run()
    ensured_part(api, name, state="absent")


def make_claim(api: FaultyApi) -> None:
    """Claim the cluster."""
    client = claim.ClaimClient(api.run, IDENTITY)
    claim.ensure_claimed(client, "ours", "me", now=lambda: NOW, existing=list, check_mode=False)


def remove_claim(api: FaultyApi) -> None:
    """Release the cluster."""
    api.begin_run()
    client = claim.ClaimClient(api.run, IDENTITY)
    claim.ensure_released(client, "ours", existing=list, override="", check_mode=False)


RUN = Run(1, "1", "controller", "site.yml")


def take_lock(api: FaultyApi) -> None:
    """Take the lock of a run, and renew it as each phase does."""
    client = run_lock.LockClient(api.run, IDENTITY)
    run_lock.ensure_held(client, RUN, NOW, takeover=False, alive=lambda _pid, _started: True)
    run_lock.ensure_renewed(client, RUN, NOW)


def leave_lock(api: FaultyApi) -> None:
    """Delete the lock of a run."""
    api.begin_run()
    run_lock.ensure_left(run_lock.LockClient(api.run, IDENTITY), RUN)


def make_host_key(api: FaultyApi) -> None:
    """Make the parameter with the host key of the bastion."""
    host_key.ensure_present(api.run, SPEC, HOST_KEY, lambda _name: HostKey("private", PUBLIC_KEY), check_mode=False)


def remove_host_key(api: FaultyApi) -> None:
    """Delete the parameter with the host key of the bastion."""
    api.begin_run()
    host_key.ensure_absent(api.run, SPEC, HOST_KEY, check_mode=False)


def open_home(api: FaultyApi) -> None:
    """Open the cluster to a home for some hours."""
    home(api, HOME, api.call("iam", "get_role", RoleName=SPEC.schedule_role_name)["Role"]["Arn"])


def close_home(api: FaultyApi) -> None:
    """Close the cluster to every home."""
    api.begin_run()
    home(api, {**HOME, "state": "absent", "ipv6": None, "expires": None}, SPEC.schedule_role_name)


def home(api: FaultyApi, wanted: Mapping[str, Any], role: str) -> None:
    """Open or close the cluster to a home."""
    options = {**wanted, "schedule_role_arn": role}
    ensure(api.run, options, order_of(options, NOW), NOW, check_mode=False)


# In the order of site.yml.
STAGES: Mapping[str, Stage] = {
    "claim": Stage(make_claim, remove_claim),
    "run lock": Stage(take_lock, leave_lock),
    "network": part("network"),
    "hours": part("hours"),
    "host key": Stage(make_host_key, remove_host_key),
    "bastion": part("bastion"),
    "nodes": part("nodes"),
    "role of home access": part("access"),
    "home access": Stage(open_home, close_home),
}


Api = TypeVar("Api", bound=FaultyApi)


def build(api: FaultyApi) -> Comparison:
    """Build the cluster stage by stage and return what there is then."""
    api.begin_run()
    for stage in STAGES.values():
        stage.make(api)
    return read_and_compare(api, SPEC)


def remove(api: FaultyApi) -> Comparison:
    """Remove the cluster stage by stage and return what there is then."""
    for stage in reversed(list(STAGES.values())):
        stage.remove(api)
    return read_and_compare(api, SPEC)


def left_empty(api: Api) -> Iterator[Api]:
    """Give an account without anything of the cluster, and see to it that it is left so."""
    yield api
    api.stop_failing()
    assert remove(api).found == ()
    assert read_schedules(api, IDENTITY) == {}


def assert_one_of_each(api: FaultyApi, cluster: Comparison) -> None:
    """Check that everything described exists once, and nothing else of the cluster."""
    rules = [rule for rule in read_rules(api, IDENTITY, read_groups(api, IDENTITY)) if rule.ours]
    closed = [
        json.loads(schedule.call.input)["SecurityGroupRuleIds"] for schedule in read_schedules(api, IDENTITY).values()
    ]
    assert len(rules) == len(OPENINGS)
    assert sorted(rule_id for ids in closed for rule_id in ids) == sorted(str(rule.id) for rule in rules)
    assert {item.key: item.state for item in cluster.resources if item.state != "present"} == {}
    assert [found for found in cluster.found if not found.described and found.goes_with is None] == []


def lab_image(api: FaultyApi) -> str:
    """Return an arm64 image of the lab, asked for once: the list of hundreds takes longer than a stage."""
    if not api.image:
        filters = [{"Name": "architecture", "Values": ["arm64"]}]
        images: list[dict[str, Any]] = api.call("ec2", "describe_images", Filters=filters)["Images"]
        api.image = str(images[0]["ImageId"])
    return api.image
