# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, use and remove a small cluster in an AWS account: python -m tests.aws (make test-aws)."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.cli import clean_environment
from lab.settings import REGION, REPOSITORY, read_settings

sys.path.append(str(REPOSITORY / "playbooks" / "collections"))

from tests.aws.agreement import agreed, refused
from tests.aws.end_of_life import TAG, EndOfLife
from tests.aws.recorder import hooks
from tests.aws.reports import report, write
from tests.aws.steps import CLUSTER, PROJECT, Acceptance, bastion_hours, extra_variables

EPILOG = """Before anything else a schedule is made in AWS that terminates every machine of the run at the end of its
minutes, also if the controller fails; the bastion's group stops it then, too. The schedule starts a runbook of AWS,
which the lab does not simulate, so it has not been verified yet. It is removed when everything else has been.
The schedule does not remove the Elastic IP, $0.005 an hour, and resources that are free of charge: if the controller
fails, remove these with the printed command.
Everything is removed when the run ends, fails, is interrupted (Ctrl-C, a closed terminal) or takes too long.
The identity needs examples/operator_policy.json and examples/operator_policy_ec2.json."""


def main(arguments: list[str] | None = None) -> int:
    """Run it and return the exit code: 0 only if every step succeeded and no resource is left."""
    options = parser().parse_args(arguments)
    refusal = refused(options, os.environ)
    if refusal:
        print(refusal, file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with workplace() as folder:
        end = end_of_run(options, datetime.now(UTC))
        if not options.lab and not agreed(options, playbook_options(folder, options, end), EPILOG):
            return 2
        with surroundings(folder, options) as environment:
            return accept(folder, options, environment)


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """Give a folder for the run, with the secrets of its cluster, that is removed however the run ends."""
    folder = Path(tempfile.mkdtemp(prefix="urmanac.talos-acceptance-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("python -m tests.aws", description=__doc__, epilog=EPILOG, formatter_class=formatter)
    made.add_argument("--lab", action="store_true", help="simulate it in a lab of its own, without AWS")
    made.add_argument("--yes", action="store_true", help="agree to the price without being asked")
    made.add_argument("--home", metavar="IPV6", help="the IPv6 network you sit in, from which the bastion is reached")
    made.add_argument("--region", default=REGION, help="default: %(default)s")
    made.add_argument("--minutes", type=int, default=120, help="after so long all is removed (default: %(default)s)")
    made.add_argument("--cozystack", action="store_true", help="install CozyStack too")
    made.add_argument("--report", type=Path, default=Path("urmanac.talos-acceptance.json.gz"), help="the file to write")
    made.add_argument("-e", dest="extra", action="append", default=[], help="more variables, as for ansible-playbook")
    return made


@contextlib.contextmanager
def surroundings(folder: Path, options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """Give the environment of the playbooks: the user's own, or that of a lab of the run's own."""
    if not options.lab:
        yield dict(os.environ)
        return
    from tests.lab.labs import running_lab

    with running_lab(folder) as lab:
        yield clean_environment(read_settings(lab.environment), lab.environment)


def accept(folder: Path, options: argparse.Namespace, environment: dict[str, str]) -> int:
    """Make the run in its environment, write the report and return the exit code."""
    key, record = secrets.token_hex(32), folder / "record.jsonl"
    own = os.environ.copy()
    recorder = {
        hooks.FILE: str(record),
        hooks.KEY: key,
        "PYTHONPATH": f"{hooks.__file__.rpartition('/')[0]}:{REPOSITORY}",
    }
    os.environ.clear()
    os.environ.update(environment | recorder | {"ANSIBLE_NOCOLOR": "1"})
    hooks.install()
    try:
        run = acceptance(folder, options)
        well = run.run()
        return finish(options, run, record, key.encode(), well=well)
    finally:
        os.environ.clear()
        os.environ.update(own)


def acceptance(folder: Path, options: argparse.Namespace) -> Acceptance:
    """Return the run, after printing how to remove everything if the controller fails."""
    end = end_of_run(options, datetime.now(UTC))
    given = playbook_options(folder, options, end)
    line = shlex.join(given)
    print(f"If the controller fails: ansible-playbook playbooks/reset.yml {line} -e reset_confirmation=yes", flush=True)
    print(f"If {folder} is gone by then, it says which -e reset_claim= to add.", flush=True)
    print(f"The role {end.name} costs nothing and is left then; delete it in IAM.", flush=True)
    log, until = folder / "output.log", end.at.timestamp()
    return Acceptance(given, os.environ.copy(), options.region, CLUSTER, options.home or "", until, log, end)


def end_of_run(options: argparse.Namespace, now: datetime) -> EndOfLife:
    """Return when the run ends, under a name that no other run has."""
    run = secrets.token_hex(8)
    return EndOfLife(f"{PROJECT}-{CLUSTER}-end-{run}", run, options.region, now + timedelta(minutes=options.minutes))


def playbook_options(folder: Path, options: argparse.Namespace, end: EndOfLife) -> list[str]:
    """Return the options that every playbook gets: one node, the tag by which it ends, and the bastion's hours."""
    values: dict[str, Any] = {"cluster_name": CLUSTER, "cluster_project": PROJECT, "cluster_region": options.region}
    values |= {"cluster_directory": str(folder / "cluster"), "cluster_tags": {TAG: end.run}}
    # AWS itself ends what is opened to a home.
    values["cluster_home_schedule_enabled"] = True
    values |= bastion_hours(end.at) | {"cluster_cozystack_enabled": options.cozystack}
    files = ["-e", "@examples/single_node.yml", *(("-e", "@lab/variables.yml") if options.lab else ())]
    # Other options cannot override the names and the end of life.
    return [*files, *(part for item in options.extra for part in ("-e", item)), *extra_variables(values)]


def finish(options: argparse.Namespace, run: Acceptance, record: Path, key: bytes, *, well: bool) -> int:
    """Write the report, print its summary and return the exit code."""
    where = {"on": "the lab (a simulation, not AWS)" if options.lab else "AWS", "region": options.region}
    where["date"] = f"{datetime.now(UTC):%Y-%m-%d}"
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    content = report(lines, run.steps, key=key, where=where)
    write(options.report, content)
    print("\n".join([*content["summary"], f"Report: {options.report}"]))
    if run.steps[-1].outcome != "ok":
        command = "the command that was printed at the beginning"
        print(f"SOMETHING MAY BE LEFT AND COST MONEY. Run {command}", file=sys.stderr)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
