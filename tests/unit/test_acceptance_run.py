# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test-aws` asks, refuses, writes and does when a step fails."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from ipaddress import IPv6Network
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.urmanac.talos.plugins.modules.ec2_home_access import refuse_example
from lab.settings import ACCESS_KEY_ID, REPOSITORY
from tests.aws.__main__ import end_of_run, parser, playbook_options, workplace
from tests.aws.agreement import agreed, forecast, refused
from tests.aws.end_of_life import EndOfLife
from tests.aws.recorder import hooks
from tests.aws.reports import read, report, write
from tests.aws.steps import CLUSTER, Acceptance, Step, StepFailed, bastion_hours
from tests.ec2_cluster import REGION, Builder, MotoApi, empty_aws, node, spec

HOME = ["--home", "2a02:8070:1:2::/64"]
END_OF_LIFE = EndOfLife("the-end", "0123456789abcdef", "eu-west-1", datetime(2026, 1, 1, 22, 30, tzinfo=UTC))


class Simulated(Acceptance):
    """A run whose playbooks only note that they were called, and of which some fail."""

    fails: tuple[str, ...] = ()
    called: tuple[str, ...] = ()

    def execute(self, *command: str) -> tuple[int, str]:
        playbook = Path(command[1]).name
        self.called += (playbook,)
        if f"{playbook} breaks" in self.fails:
            raise ValueError("not foreseen")
        if playbook in self.fails:
            raise KeyboardInterrupt
        if f"{playbook} refuses" in self.fails:
            return 1, "Nothing was created or deleted."
        return 0, "localhost : ok=1 changed=0 unreachable=0 failed=0"

    def set_end(self) -> None:
        if "end" in self.fails:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not allowed"}}, "CreateSchedule")
        self.called += ("end set",)

    def prove_covered(self) -> None:
        self.called += ("covered",)

    def remove_end(self) -> None:
        self.called += ("end removed",)

    def replace_bastion(self) -> None:
        self.called += ("replaced",)

    def unused_network(self) -> str:
        return "2600:1f00::/64"

    def show_schedules(self) -> None:
        self.called += ("shown",)

    def prove_unscheduled(self) -> None:
        self.called += ("unscheduled",)


def simulated(tmp_path: Path, *fails: str) -> Simulated:
    """Return a run in which the named playbooks are interrupted."""
    run = Simulated([], {}, "eu-west-1", "acceptance", "", time.time() + 60, tmp_path / "log", END_OF_LIFE)
    run.fails = fails
    return run


def test_every_step_is_made_and_removed_again(tmp_path: Path) -> None:
    run = simulated(tmp_path)

    assert run.run()
    assert run.called == (
        "end set",
        *(
            "site.yml",
            "covered",
            "site.yml",
            "replaced",
            "site.yml",
            "add_home_access.yml",
            "shown",
            "remove_home_access.yml",
        ),
        *("unscheduled", "audit.yml", "reset.yml", "left.yml", "end removed"),
    )


def test_the_cluster_is_opened_to_a_network_that_aws_takes_and_no_machine_has(tmp_path: Path) -> None:
    with empty_aws():
        run = Acceptance([], {}, REGION, "moon", "", 0.0, tmp_path / "log", END_OF_LIFE)
        ids = Builder(MotoApi(), spec()).build()
        (subnet,) = run.client("ec2").describe_subnets(SubnetIds=[ids["subnet"]])["Subnets"]
        (taken,) = subnet["Ipv6CidrBlockAssociationSet"]
        network = run.unused_network()

    # As ec2_home_access judges it against AWS: in the lab it takes documentation networks.
    refuse_example(network, f"https://ec2.{REGION}.amazonaws.com")
    assert network.endswith("ff::/64")
    assert IPv6Network(network) != IPv6Network(taken["Ipv6CidrBlock"])


@pytest.mark.parametrize("playbook", ["site.yml", "audit.yml"])
def test_an_interrupted_run_removes_everything(tmp_path: Path, playbook: str) -> None:
    run = simulated(tmp_path, playbook)

    assert not run.run()
    assert run.called[-4:] == (playbook, "reset.yml", "left.yml", "end removed")


def test_an_error_that_was_not_foreseen_is_a_failed_step(tmp_path: Path) -> None:
    run = simulated(tmp_path, "audit.yml breaks")

    assert not run.run()
    assert run.called[-3:] == ("reset.yml", "left.yml", "end removed")
    assert [step.outcome for step in run.steps][-4] == "failed: ValueError: not foreseen"


def test_a_failed_removal_is_tried_again_and_leaves_the_end_of_life(tmp_path: Path) -> None:
    run = simulated(tmp_path, "left.yml")

    assert not run.run()
    assert run.called[-4:] == ("reset.yml", "left.yml", "reset.yml", "left.yml")
    assert run.steps[-1].outcome == "interrupted"


@pytest.mark.parametrize(
    ("refusal", "called"),
    [
        pytest.param("end", (), id="the end of life"),
        pytest.param("site.yml refuses", ("end set", "site.yml"), id="the build"),
    ],
)
def test_a_run_that_built_nothing_proves_it_and_removes_its_end_of_life(
    tmp_path: Path, refusal: str, called: tuple[str, ...]
) -> None:
    # reset.yml refuses to delete a cluster that does not exist.
    run = simulated(tmp_path, refusal, "reset.yml refuses")

    assert not run.run()
    assert run.called == (*called, "reset.yml", "left.yml", "end removed")
    assert run.steps[-1].outcome == "ok"


@pytest.mark.parametrize(
    ("arguments", "environment", "word"),
    [
        pytest.param(HOME, {"AWS_ENDPOINT_URL": "http://127.0.0.1:5510"}, "AWS_ENDPOINT_URL", id="a lab's endpoint"),
        pytest.param(HOME, {"AWS_ENDPOINT_URL_EC2": "http://x"}, "AWS_ENDPOINT_URL_EC2", id="one service's endpoint"),
        pytest.param(HOME, {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID}, "AWS_ACCESS_KEY_ID", id="a lab's key"),
        pytest.param([], {}, "--home", id="no way to the bastion"),
        pytest.param(["-e", "cluster_bastion_connection=ssh"], {}, "--home", id="SSH from nowhere"),
        pytest.param(["-e", '{"cluster_bastion_connection": "ssh"}'], {}, "--home", id="SSH from nowhere, as JSON"),
        pytest.param(["-e", "why=cluster_bastion_connection"], {}, "--home", id="another variable"),
        pytest.param(["--home", "banana"], {}, "banana", id="no network"),
        pytest.param(["--home", "192.0.2.0/24"], {}, "IPv4", id="a network of IPv4"),
        pytest.param(["--home", "2001:db8:1:2::/64"], {}, "documentation", id="the network of the documentation"),
        pytest.param(["--lab", *HOME], {}, "Leave out", id="a home in the lab"),
        pytest.param(["--lab", "--minutes", "5"], {}, "minutes", id="too short"),
    ],
)
def test_it_refuses_a_mixture_of_lab_and_aws(arguments: list[str], environment: dict[str, str], word: str) -> None:
    assert word in refused(parser().parse_args(arguments), environment)


def test_it_accepts_what_is_complete() -> None:
    assert refused(parser().parse_args(HOME), {}) == ""
    assert refused(parser().parse_args(["--lab"]), {}) == ""
    assert refused(parser().parse_args(["-e", '{"cluster_bastion_connection": "ssm"}']), {}) == ""


def priced(tmp_path: Path, *arguments: str) -> tuple[argparse.Namespace, list[str]]:
    """Return the options of a run, and those of its playbooks."""
    options = parser().parse_args([*HOME, *arguments])
    return options, playbook_options(tmp_path, options, END_OF_LIFE)


def test_without_a_terminal_or_yes_nothing_begins(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert not agreed(*priced(tmp_path), "")
    assert agreed(*priced(tmp_path, "--yes"), "")
    assert "$ Total: $0.070 an hour while everything runs" in capsys.readouterr().out


def test_the_price_follows_the_minutes_and_the_machines(tmp_path: Path) -> None:
    roles = {"one": "gateway", "two": "compute", "three": "compute"}
    nodes = [node(name, role=role, ipv4=f"10.10.0.{101 + at}") for at, (name, role) in enumerate(roles.items())]
    more = ("-e", json.dumps({"cluster_nodes": nodes, "cluster_instance_type": "t4g.xlarge"}))

    code, lines = forecast(*priced(tmp_path, "--minutes", "90", *more))

    assert code == 0, lines
    assert next(line for line in lines if "t4g.xlarge" in line).startswith("$ 3 x t4g.xlarge: $0.4416 an hour")
    assert "a session of 1.5 h $" in next(line for line in lines if line.startswith("$ Total"))


def test_a_price_that_is_not_known_is_said_and_wrong_variables_end_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, lines = forecast(*priced(tmp_path, "-e", "cluster_instance_type=m7g.4xlarge"))

    assert "$ 1 x m7g.4xlarge: price not known" in "\n".join(lines)
    assert not agreed(*priced(tmp_path, "--yes", "-e", "cluster_instance_typ=m7g.4xlarge"), "")
    assert "cluster_instance_typ" in capsys.readouterr().out


def test_the_bastion_stops_at_the_end_and_later_runs_for_a_minute_a_day() -> None:
    variables = bastion_hours(datetime(2026, 1, 2, 0, 30, tzinfo=UTC))

    assert variables["cluster_bastion_start"] == "00:29"
    assert variables["cluster_bastion_stop"] == "00:30"


def test_names_and_end_of_life_win_over_what_is_given_and_the_bastion_is_called_by_them(tmp_path: Path) -> None:
    options = parser().parse_args([*HOME, "-e", "cluster_project=mine", "-e", "cluster_name=moon"])

    given = playbook_options(tmp_path, options, END_OF_LIFE)
    run = Acceptance(given, {}, "eu-west-1", CLUSTER, "", time.time(), tmp_path / "log", END_OF_LIFE)

    ours = json.loads(given[-1])
    assert given.index("cluster_project=mine") < len(given) - 1
    assert run.bastion == f"{ours['cluster_project']}-{ours['cluster_name']}-bastion"
    assert ours["cluster_bastion_stop"] == "22:30"
    assert ours["cluster_tags"] == {"AcceptanceRun": END_OF_LIFE.run}


def test_each_run_has_an_end_of_its_own() -> None:
    options = parser().parse_args([*HOME, "--minutes", "90"])

    one, other = (end_of_run(options, datetime(2026, 1, 1, 22, tzinfo=UTC)) for _ in range(2))

    assert one.at == datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    assert one.run in one.name
    assert one.name != other.name


class Clocks(Acceptance):
    """A run in an account with these schedules."""

    hours: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    def client(self, service: str) -> Any:
        return self

    def describe_scheduled_actions(self, **_: str) -> dict[str, Any]:
        return {"ScheduledUpdateGroupActions": [{"ScheduledActionName": name} for name in self.hours]}

    def list_schedules(self) -> dict[str, Any]:
        return {"Schedules": [{"Name": name} for name in ("another", *self.ends)]}


def clocks(tmp_path: Path, hours: tuple[str, ...], ends: tuple[str, ...]) -> Clocks:
    """Return a run in an account with the bastion's actions, by the end of their names, and these schedules."""
    run = Clocks([], {}, "eu-west-1", CLUSTER, "", time.time(), tmp_path / "log", END_OF_LIFE)
    run.hours, run.ends = tuple(f"{run.bastion}-{hour}" for hour in hours), ends
    return run


class Machines(Acceptance):
    """A run in an account with machines that have these tags."""

    tags: tuple[dict[str, str], ...] = ()

    def client(self, service: str) -> Any:
        return self

    def describe_instances(self, **_: Any) -> dict[str, Any]:
        names = [[{"Key": key, "Value": value} for key, value in tags.items()] for tags in self.tags]
        machines = [{"InstanceId": f"i-{number}", "Tags": tags} for number, tags in enumerate(names)]
        return {"Reservations": [{"Instances": [machine]} for machine in machines]}


def machines(tmp_path: Path, *tags: dict[str, str]) -> Machines:
    """Return a run in an account with these machines."""
    run = Machines([], {}, "eu-west-1", CLUSTER, "", time.time(), tmp_path / "log", END_OF_LIFE)
    run.tags = tags
    return run


def test_a_machine_without_an_end_of_life_fails(tmp_path: Path) -> None:
    covered = {"AcceptanceRun": END_OF_LIFE.run}

    machines(tmp_path, covered, covered).prove_covered()
    with pytest.raises(StepFailed, match="i-1"):
        machines(tmp_path, covered, {"AcceptanceRun": "of another run"}).prove_covered()
    with pytest.raises(StepFailed, match="no machine runs"):
        machines(tmp_path).prove_covered()


class Accounts:
    """An account whose scheduler refuses the first calls, and which records the resources that are made."""

    def __init__(self, refusals: int, message: str) -> None:
        self.refusals, self.message, self.made = refusals, message, list[str]()

    def __call__(self, service: str) -> Any:
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012"}

    def create_role(self, **_: Any) -> dict[str, Any]:
        self.made.append("role")
        return {"Role": {"Arn": "arn:aws:iam::123456789012:role/the-end"}}

    def put_role_policy(self, **_: Any) -> None:
        self.made.append("policy")

    def create_schedule(self, **_: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ClientError({"Error": {"Code": "ValidationException", "Message": self.message}}, "CreateSchedule")
        self.made.append("schedule")


NOT_YET = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


def test_a_role_that_is_not_known_yet_is_waited_for() -> None:
    account, pauses = Accounts(2, NOT_YET), list[float]()

    END_OF_LIFE.set(account, pauses.append)

    assert account.made == ["role", "policy", "schedule"]
    assert pauses == [3.0, 3.0]


@pytest.mark.parametrize(("refusals", "message"), [(1, "Invalid Schedule Expression"), (99, NOT_YET)])
def test_an_end_of_life_that_aws_refuses_fails(refusals: int, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        END_OF_LIFE.set(Accounts(refusals, message), lambda _seconds: None)


END = f"{CLUSTER}-home-access-0123456789-abcdef0123"


def test_schedules_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clocks(tmp_path, ("start", "stop"), (END,)).show_schedules()

    assert END in capsys.readouterr().out


@pytest.mark.parametrize(
    ("hours", "ends", "missing"),
    [
        pytest.param(("start",), (END,), "start and stop", id="the bastion never stops"),
        pytest.param(("start", "stop"), (), "ends home access", id="home access never ends"),
    ],
)
def test_a_schedule_that_is_missing_fails(
    tmp_path: Path, hours: tuple[str, ...], ends: tuple[str, ...], missing: str
) -> None:
    with pytest.raises(StepFailed, match=missing):
        clocks(tmp_path, hours, ends).show_schedules()


def test_a_schedule_that_is_left_fails(tmp_path: Path) -> None:
    clocks(tmp_path, (), ()).prove_unscheduled()
    with pytest.raises(StepFailed, match=END):
        clocks(tmp_path, (), (END,)).prove_unscheduled()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_the_folder_of_a_run_is_removed_however_it_ends(error: type[BaseException]) -> None:
    with pytest.raises(error), workplace() as folder:
        (folder / "secrets").mkdir()
        (folder / "secrets" / "key").write_text("secret")
        raise error

    assert not folder.exists()


def line(operation: str, answer: object, **parameters: object) -> str:
    """Return a line of the recorder."""
    call = {"service": "ec2", "operation": operation, "error": None, "parameters": parameters, "answer": answer}
    return json.dumps(call)


def test_the_report_says_what_happened_and_holds_no_repetitions(tmp_path: Path) -> None:
    reading = line("DescribeVpcs", {"Vpcs": []})
    lines = [reading, reading, line("CreateVpc", {"Vpc": {"VpcId": "<vpc-0123456789abcdef>"}}), reading]
    steps = [Step("build", "failed: see /home/jane@example.org/log", 12.3)]
    where = {"on": "AWS", "region": "eu-west-1", "date": "2026-01-01"}

    write(tmp_path / "report.json.gz", report(lines, steps, key=b"key", where=where))
    found = read(tmp_path / "report.json.gz")

    assert next(iter(found)) == "summary"
    assert found["summary"][0] == "Acceptance run on AWS, eu-west-1, 2026-01-01"
    assert [call["operation"] for call in found["record"]] == ["DescribeVpcs", "CreateVpc", "DescribeVpcs"]
    assert "<vpc-1>" in json.dumps(found)
    assert "jane@" not in json.dumps(found)
    assert (tmp_path / "report.json.gz").stat().st_mode & 0o77 == 0


def test_a_process_records_by_its_environment_alone(tmp_path: Path) -> None:
    program = """
import botocore.session
from botocore.awsrequest import AWSResponse
client = botocore.session.Session().create_client("ec2", "eu-west-1", aws_access_key_id="A-KEY-ID",
    aws_secret_access_key="A-SECRET-KEY")
class Raw:
    def stream(self, *_, **__):
        yield b"<A><vpcSet><item><vpcId>vpc-0123456789abcdef0</vpcId></item></vpcSet></A>"
client.meta.events.register("before-send.ec2", lambda **_: AWSResponse("http://x", 200, {}, Raw()))
client.describe_vpcs(VpcIds=["vpc-0123456789abcdef0"])
"""
    record = tmp_path / "record"
    paths = f"{Path(hooks.__file__).parent}{os.pathsep}{REPOSITORY}"
    environment = {**os.environ, hooks.FILE: str(record), hooks.KEY: "key", "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)

    (call,) = (json.loads(text) for text in record.read_text(encoding="utf-8").splitlines())
    placeholder = call["parameters"]["VpcIds"][0]
    assert (call["operation"], call["answer"]["Vpcs"]) == ("DescribeVpcs", [{"VpcId": placeholder}])
    assert placeholder.startswith("<vpc-")
    assert "KEY" not in record.read_text(encoding="utf-8").upper()
