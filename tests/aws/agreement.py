# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an acceptance run refuses before it makes anything, and the price that the user agrees to."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.input import (
    Refusal,
    documentation_problems,
    parse_home_network,
)
from ansible_collections.urmanac.talos.plugins.module_utils._findings import failure
from lab.settings import ACCESS_KEY_ID, REGION, REPOSITORY
from tests.aws.steps import extra_variables

CONNECTION = "cluster_bastion_connection"
OUTPUT_SHOWN = 4000


def refused(options: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """Return why it must not run, or an empty text."""
    endpoints = [name for name in environment if name.startswith("AWS_ENDPOINT_URL")]
    lab_key = environment.get("AWS_ACCESS_KEY_ID") == ACCESS_KEY_ID
    if not options.lab and (endpoints or lab_key):
        return f"Unset {', '.join(endpoints) or 'AWS_ACCESS_KEY_ID'}: this is for AWS itself. The simulation is --lab."
    if options.lab and (options.home or options.region != REGION):
        return f"Leave out --home and --region: the lab of --lab is in {REGION} and on the same host."
    if not 30 <= options.minutes <= 600:
        return "Give from 30 to 600 minutes."
    return "" if options.lab else _no_way_in(options)


def _no_way_in(options: argparse.Namespace) -> str:
    """Return why the bastion would not be reached: site.yml would say so after the end of life was made."""
    if not options.home:
        need = f"Name the IPv6 network you sit in: --home 2a02:8070:1:2::/64, or -e {CONNECTION}=ssm."
        return "" if _connection(options) == "ssm" else need
    try:
        parse_home_network(options.home)
    except Refusal as error:
        return f"--home: {error}"
    return "".join(failure("open home access", problem) for problem in documentation_problems(options.home))


def _connection(options: argparse.Namespace) -> str:
    """Return the value that the variables of -e give to the connection, which may be in files and templates."""
    extra = [part for item in options.extra for part in ("-e", item)]
    message = f"msg={{{{ {CONNECTION} | default('ssh') }}}}"
    command = ["ansible", "localhost", "-m", "ansible.builtin.debug", "-a", message, *extra]
    done = _run(command) if extra else None
    # As YAML or as JSON.
    found = re.search(r'\bmsg"?: "?(\w+)', done.stdout) if done else None
    return found[1] if found else "ssh"


def agreed(options: argparse.Namespace, given_options: Sequence[str], more: str) -> bool:
    """Print the price, and return whether the user agrees."""
    code, lines = forecast(options, given_options)
    print("\n".join([f"This builds in your AWS account, region {options.region}:", *lines, "", more, ""]), flush=True)
    if code:
        print("Nothing was made: the price could not be computed.", file=sys.stderr)
        return False
    return options.yes or (sys.stdin.isatty() and input("Type yes to begin: ").strip() == "yes")


def forecast(options: argparse.Namespace, given_options: Sequence[str]) -> tuple[int, list[str]]:
    """Return the exit code and the forecast of playbooks/cost.yml for the variables with which everything is built.

    Its session is the run. Today's prices are asked for, because few instance types have a shipped one.
    """
    hours = round(options.minutes / 60, 3)
    use = {"cluster_cost_session_hours": hours, "cluster_cost_price_list": True}
    use |= {"cluster_bastion_start": "", "cluster_bastion_stop": ""}
    command = ["ansible-playbook", "playbooks/cost.yml", *given_options, *extra_variables(use)]
    done = _run(command)
    if done.returncode:
        return done.returncode, [f"{done.stdout}{done.stderr}"[-OUTPUT_SHOWN:]]
    return 0, [line for line in done.stdout.splitlines() if line.startswith(("$ ", "? "))]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of this virtual environment."""
    program = str(Path(sys.executable).parent / command[0])
    return subprocess.run([program, *command[1:]], cwd=REPOSITORY, capture_output=True, text=True, check=False)
