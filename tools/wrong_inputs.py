#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try wrong values of every option of every role and module, and print the page of their messages.

python -m tools.wrong_inputs > docs/wrong_inputs.md

Runs the validators in this process. A wrong value that is accepted, or that ends in another exception, is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "wrong_inputs.md"
PLUGINS = ROOT / "plugins"
sys.path.insert(0, str(ROOT / "playbooks" / "collections"))

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import parse_spec, problems
from ansible_collections.urmanac.talos.plugins.module_utils._text import as_markdown
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.checks import Surroundings
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.rules import CHECKS
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import (
    Given,
    read_options,
    role_names,
    validate_variables,
)
from tools.wrong_options import JUDGES, TRIED, pattern_of, refusals
from tools.wrong_values import ELSEWHERE, RIGHT
from tools.wrong_values import WRONG as WRONG_VALUES

NOW = Surroundings(datetime(2026, 1, 1, tzinfo=UTC))
_ROLES = role_names()
# Each type rejects the values of other types.
VALUES: Mapping[str, Any] = {
    "text": "no such value!",
    "list": ["a"],
    "mapping": {"a": 1},
    "nothing": None,
    "truth": True,
}
WRONG = {
    "str": ("list", "mapping", "nothing"),
    "path": ("list", "mapping", "nothing"),
    "int": ("text", "list", "mapping", "nothing", "truth"),
    "float": ("text", "list", "mapping", "nothing", "truth"),
    "bool": ("text", "list", "mapping", "nothing"),
    "list": ("text", "mapping", "nothing", "truth"),
    "dict": ("text", "list", "nothing", "truth"),
}
# Values of the right type that no variable's rule accepts.
TEXTS = (
    *("no such value!", "https://", "https://[::1", "https://ada:secret@example.com", "moon", "v0.0.1", "../there"),
    *("~no-such-user/moon", "2001:db8::/16", "$HOME/moon"),
)
NUMBERS = (-1, 0, 10**30)
AMOUNTS = (-0.5, 24.5)
MAPPINGS: tuple[dict[str, Any], ...] = (
    {"a": None},
    {"a b": "no such value!"},
    {"ghcr.io": 70000},
    {"gateway": "https://ghcr.io/a"},
)
# Wrong types that Ansible converts for a module; a role gets them unconverted.
CONVERTED = {"list": ("text", "mapping", "truth"), "str": ("list", "mapping", "truth"), "path": ("list", "mapping")}
CLUSTER = {
    "name": "moon",
    "project": "talos-arm64",
    "tags": {},
    "region": "eu-west-1",
    "availability_zone": "eu-west-1a",
    "vpc_ipv4_cidr": "10.10.0.0/16",
    "subnet_ipv4_cidr": "10.10.0.0/24",
    "domain": "talos.local",
    "bastion_ipv4": "10.10.0.100",
    "instance_type": "t4g.medium",
    "volume_size": 50,
    "cpu_credits": "unlimited",
    "nodes_max": 3,
    "nodes": [{"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "10.10.0.101"}],
}
_OF_KUBERNETES = ("10.244.0.0/16", "10.96.0.0/16", "100.64.0.0/16")
DESCRIPTIONS: Mapping[str, tuple[Any, ...]] = {
    "name": ("Moon", "", "-moon", "sg-moon", "m" * 64, "moon.base"),
    "project": ("", "my project", "team+home", "é"),
    "region": ("eu-west1", "eu-west-1a", "cn-north-1", "us-gov-west-1", "moon"),
    "availability_zone": ("eu-west-2a", "eu-west-1", "a"),
    "vpc_ipv4_cidr": (
        "ten",
        "10.10.0.1/16",
        "10.10.0.0/255.255.0.0",
        "10.0.0.0/8",
        "10.244.0.0/16",
        "10.96.0.0/16",
        "100.64.0.0/16",
    ),
    "subnet_ipv4_cidr": ("10.20.0.0/24", "10.10.0.0/30", "10.10.0.0", "2001:db8::/64", "10.10.0.7/24"),
    "domain": ("talos..local", "Talos.Local", "talos_local", "-"),
    "bastion_ipv4": ("10.20.0.5", "10.10.0.1", "10.10.0.255", "10.10.0.101", "host", "::1"),
    "volume_size": (0, 19, -5, 100000),
    "cpu_credits": ("many", ""),
    "data_volume_size": (1, 9, -1, 65537),
    "nodes_max": (0, -1),
    "nodes": ([], [{**CLUSTER["nodes"][0], "role": "captain"}], [{**CLUSTER["nodes"][0], "name": "bastion"}]),  # type: ignore[index]
    "tags": ({"aws:a": "b"}, {"Name": "x"}, {"k": "<>"}, {"k": ""}, {"k" * 200: "v"}),
}
_BASTION = {"instance_type": "t4g.small", "volume_size": 30, "image": "resolve:ssm:/aws/ami", "start": "18:00"}
# The parts of the description, with the beginning of the names of their variables.
PARTS: Mapping[str, Mapping[str, Any]] = {
    "bastion": {**_BASTION, "stop": "23:00", "time_zone": "Europe/Vienna"},
    "hours": {"ttl": 8.0, "start": "18:00", "stop": "23:00", "time_zone": "Europe/Vienna"},
}
_TIMES = ("6pm", "24:00", "18:60", "18", "")
_ZONES = ("Vienna", "CET+1", "Europe/Wien", "", "../etc")
PART_VALUES: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "bastion": {
        "start": _TIMES,
        "stop": (*_TIMES, "18:00"),
        "time_zone": _ZONES,
        "volume_size": (0, 7, -1, 65537),
        "image": ("", "al2023", "ami-XYZ", "/aws/service/ami"),
        "ssh_key_name": (" key", "schlüssel", "k" * 256),
        "keep_minutes": (-1, 10081),
        "ssh_public_key": ("ssh-ed25519 AAAA", "ssh-dss AAAA", "no key", "two\nlines"),
        "host_key_parameter": ("key", "/aws/key", "/a b"),
        "egress": ("nat", "Public_ipv4", ""),
        "connection": ("telnet", ""),
    },
    "hours": {"start": _TIMES, "stop": (*_TIMES, "18:00"), "time_zone": _ZONES, "ttl": (-1.0, 0.5, 721.0)},
}
# How variables are called that begin in another way than their part.
_VARIABLES = {"hours": "cluster_nodes_"}
HEAD = """# Wrong inputs

Every option of every role and module that a wrong value can reach, the wrong values that were tried, and the message
of each. `python -m tools.wrong_inputs > docs/wrong_inputs.md` makes this page by running the validators; it fails if a
wrong value is accepted.

* **Variables of roles** are refused by the first task of every playbook (`variables_info`), in one list, before
  anything is made. `preflight` adds what AWS and the registries find wrong.
* **The cluster's description** is judged by `ec2_preflight_info`, in the same list, and by `variables_info` before a
  phase that builds and runs without `preflight`.
* **Options of modules** of a wrong type are refused by Ansible itself, before the module does anything; also those
  within others, such as `cluster.nodes.volume_size`. The module refuses other wrong values before it changes anything.
  What several modules share is tried once.
"""


class Accepted(Exception):
    """A wrong value that was not refused."""


class Row(NamedTuple):
    """One wrong value and its message."""

    option: str
    value: Any
    message: str
    remedy: str = ""


def role_rows() -> Iterator[Row]:
    """Yield a row for each wrong value of each variable of a role."""
    options = read_options()
    for name in sorted(options):
        if name == "cluster_spec":
            # Put together from the variables, and not meant to be set.
            continue
        kind = options[name].get("type", "str")
        for value in [VALUES[key] for key in WRONG.get(kind, ())]:
            yield from judged(options, name, value)
        for value in _ruled_values(name, kind, options[name]):
            yield from judged(options, name, value)


def _ruled_values(name: str, kind: str, option: Mapping[str, Any]) -> Iterator[Any]:
    """Yield values of the right type that a rule or a list of choices refuses."""
    if option.get("choices"):
        yield "no such value!"
    pools: Mapping[str, tuple[Any, ...]] = {
        "str": TEXTS,
        "path": TEXTS,
        "int": NUMBERS,
        "float": AMOUNTS,
        "dict": MAPPINGS,
    }
    right = RIGHT.get(name, ())
    for value in pools.get(kind, ()) if name in CHECKS else ():
        if value not in right:
            yield value
        elif _problems({name: option}, name, value):
            raise Accepted(f"{name}: {value!r} is in RIGHT, and is refused")
    yield from WRONG_VALUES.get(name, ())


def _problems(options: Mapping[str, Any], name: str, value: Any) -> list[tuple[str, str]]:
    given = Given({name: value}, {}, lambda _name: value)
    found = validate_variables({name: options[name]}, given, NOW, roles=_ROLES)
    return [
        (one.message if one.subject == name else f"{one.subject}: {one.message}", one.remedy) for one in found.problems
    ]


def judged(options: Mapping[str, Any], name: str, value: Any) -> Iterator[Row]:
    """Yield the messages about a value of a variable; raise if there is none."""
    found = _problems(options, name, value)
    if not found:
        raise Accepted(f"{name}: {value!r} is accepted")
    yield Row(name, value, *found[0])


def description_rows() -> Iterator[Row]:
    """Yield a row for each wrong value of the description of a cluster."""
    for key, values in DESCRIPTIONS.items():
        for value in values:
            yield _described(f"cluster_{key}", value, {**CLUSTER, key: value})
    yield from _part_rows()


def _part_rows() -> Iterator[Row]:
    """Yield a row for each wrong value of a part of the description."""
    for part, keys in PART_VALUES.items():
        for key, values in keys.items():
            for value in values:
                variable = "cluster_ttl_hours" if key == "ttl" else f"{_VARIABLES.get(part, f'cluster_{part}_')}{key}"
                yield _described(variable, value, {**CLUSTER, part: {**PARTS[part], key: value}})


def _described(variable: str, value: Any, description: Mapping[str, Any]) -> Row:
    """Return the row of a value in a description; raise if there is no message about it."""
    found = problems(parse_spec(description))
    if not found:
        raise Accepted(f"{variable}: {value!r} is accepted")
    return Row(variable, value, found[0].message, found[0].remedy)


def module_rows() -> Iterator[Row]:
    """Yield a row for each wrong value of each option of a module, those that modules share once, by their fragment."""
    for title, leaf in options_of_modules():
        yield from _module_option(title, leaf)


def options_of_modules() -> Iterator[tuple[str, Leaf]]:
    """Yield each option of each module with its name on the page."""
    folders = {"modules": "[a-z]*.py", "doc_fragments": "*.py"}
    for path in (path for folder, names in folders.items() for path in sorted((PLUGINS / folder).glob(names))):
        documented = path.read_text(encoding="utf-8").partition('DOCUMENTATION = r"""')[2].partition('"""')[0]
        shared = "shared by modules, " if path.parent.name == "doc_fragments" else ""
        for option in _leaves(yaml.safe_load(documented).get("options") or {}):
            yield f"{shared}{path.stem.strip('_')}: {'.'.join(option.path)}", option


class Leaf(NamedTuple):
    """An option, and the options that it is within, from the outermost one on."""

    path: tuple[str, ...]
    option: Mapping[str, Any]
    around: tuple[Mapping[str, Any], ...] = ()


def _leaves(options: Mapping[str, Any], within: Leaf | None = None) -> Iterator[Leaf]:
    for name, option in sorted(options.items()):
        around = (*within.around, within.option) if within else ()
        leaf = Leaf((*(within.path if within else ()), name), option, around)
        yield leaf
        yield from _leaves(option.get("suboptions") or {}, leaf)


def _module_option(title: str, leaf: Leaf) -> Iterator[Row]:
    option = leaf.option
    kind = option.get("type", "str")
    tried = [VALUES[key] for key in WRONG.get(kind, ()) if key not in (*CONVERTED.get(kind, ()), "nothing", "truth")]
    tried += ["no such value!"] if option.get("choices") and kind == "str" else []
    tried += [["no such value!"]] if option.get("choices") and kind == "list" else []
    tried += [[VALUES["mapping"]]] if option.get("elements") in ("int", "bool") else []
    for value in tried:
        errors = _errors(leaf, value)
        if not errors:
            raise Accepted(f"{title}: {value!r} is accepted")
        # What follows differs from one version of Python and Ansible to the next.
        said = errors[0].partition(": ")[0] if "unable to convert" in errors[0] else errors[0]
        yield Row(title, value, said)
    for value, message in refusals(title, kind):
        if not message:
            raise Accepted(f"{title}: {value!r} is accepted")
        yield Row(title, value, message)


def untried_options() -> Iterator[str]:
    """Yield the options of modules of which no wrong value is tried."""
    for title, leaf in options_of_modules():
        if not list(_module_option(title, leaf)):
            yield title


def _errors(leaf: Leaf, value: Any) -> list[str]:
    """Return Ansible's message about a value, in its place within other options."""
    *outer, name = leaf.path
    spec: dict[str, Any] = {name: {key: leaf.option[key] for key in _JUDGED if key in leaf.option}}
    given: Any = {name: value}
    for around, option in zip(reversed(outer), reversed(leaf.around), strict=True):
        spec = {around: {"type": option["type"], "elements": option.get("elements"), "options": spec}}
        given = {around: [given] if option["type"] == "list" else given}
    messages: list[str] = ArgumentSpecValidator(spec).validate(given).error_messages
    return messages


_JUDGED = ("type", "elements", "choices")


def table(rows: Iterator[Row]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield "| Option | Wrong value | What is said | What to do |"
    yield "|---|---|---|---|"
    for row in rows:
        cells = (f"`{row.option}`", f"`{cell(row.value)}`", as_markdown(row.message), as_markdown(row.remedy))
        yield f"| {' | '.join(cells)} |"


def elsewhere() -> Iterator[str]:
    """Yield the table of the variables whose values other judges limit."""
    yield "\n## Variables that others judge\n"
    yield "Only the type of these variables is judged by the first task.\n"
    yield "| Variable | Who judges its value |"
    yield "|---|---|"
    yield from (f"| `{name}` | {who} |" for name, who in sorted(ELSEWHERE.items()))
    yield "\n## Options of modules that others judge\n"
    yield "These take any value of their type. A wrong one is found where it is used.\n"
    yield "| Option | Who judges its value |"
    yield "|---|---|"
    patterns = {title: pattern_of(title) for title in untried_options()}
    refuse_unjudged(patterns)
    yield from (f"| `{title}` | {JUDGES[pattern]} |" for title, pattern in patterns.items())


def refuse_unjudged(patterns: Mapping[str, str]) -> None:
    """Raise for an option without a judge, and for a judge or wrong values of no option."""
    for title in (title for title, pattern in patterns.items() if not pattern):
        raise Accepted(f"{title}: try wrong values of it, or name who judges it in tools/wrong_options.py")
    for pattern in JUDGES.keys() - patterns.values():
        raise Accepted(f"{pattern}: no option needs this judge: remove it from tools/wrong_options.py")
    for title in TRIED.keys() - dict(options_of_modules()).keys():
        raise Accepted(f"{title}: no module has this option: remove it from tools/wrong_options.py")


def refuse_unlisted(options: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise for a variable of which no wrong value of the right type is known, nor who judges it, and the reverse."""
    limited = {name for name, option in options.items() if option.get("choices") or option.get("type") == "bool"}
    judged_here = {*CHECKS, *WRONG_VALUES, *limited}
    for name in sorted({*options} - {*judged_here, *ELSEWHERE}):
        raise Accepted(f"{name}: add a rule to CHECKS, or name who judges it in tools/wrong_values.py")
    for name in sorted({*judged_here, *ELSEWHERE, *RIGHT} - {*options}):
        raise Accepted(f"{name}: no role has this variable: remove it from tools/wrong_values.py or CHECKS")
    for name in sorted(judged_here & {*ELSEWHERE}):
        raise Accepted(f"{name}: it is judged by a rule, and ELSEWHERE names another judge")
    needed = {name for name in CHECKS if options[name].get("type") in ("list", "raw")}
    for name in sorted(needed - {*WRONG_VALUES}):
        raise Accepted(f"{name}: add wrong values to tools/wrong_values.py")


def cell(value: Any) -> str:
    """Return a value as code in a cell."""
    return repr(value).replace("|", r"\|") if len(repr(value)) < 60 else f"{repr(value)[:57]}..."


def page() -> str:
    """Return the page."""
    refuse_unlisted(read_options())
    of_roles, of_cluster, of_modules = (list(table(rows())) for rows in (role_rows, description_rows, module_rows))
    tables = {
        "Variables of roles": of_roles,
        "The cluster's description": of_cluster,
        "Options of modules": of_modules,
    }
    count = sum(len(lines) - 2 for lines in tables.values())
    sections = [line for title, lines in tables.items() for line in (f"\n## {title}\n", *lines)]
    return "\n".join([HEAD, f"{count} wrong values were tried.", *sections, *elsewhere(), ""])


def main() -> None:
    """Print the page."""
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
