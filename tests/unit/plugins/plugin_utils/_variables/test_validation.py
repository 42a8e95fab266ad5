# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems in the variables of roles are found before a role runs, each cause once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import (
    ROLES,
    Given,
    Unreadable,
    role_names,
    validate_variables,
)
from tests.ec2_cluster import cluster
from tests.variables import NODE, NOW, OPTIONS, judged, problems


def test_sound_variables_are_no_problem() -> None:
    sound = {"cluster_name": "moon", "cluster_nodes": [NODE], "cozystack_timeout": "60", "access_ipv6": ""}

    assert judged(sound).problems == ()


@pytest.mark.parametrize("name", ["cozystack_values", "bastion_host_docker_options"])
def test_each_part_of_a_value_that_json_would_lose_is_named(name: str) -> None:
    value = {"publishing": {"since": date(2026, 11, 30)}, "share": [0.5, float("nan")], True: "a", 2: None}

    found = problems(name, value)

    assert [one.subject for one in found] == [f"{name}.publishing.since", f"{name}.share[1]", f"{name}.True"]
    assert problems(name, {"a": [{"b": None, "c": 1.5}], "d": False, "e": "2026-11-30"}) == []


def test_a_value_that_contains_itself_is_a_problem_of_its_own() -> None:
    value: dict[str, Any] = {}
    other: dict[str, Any] = {}
    value["again"], other["again"] = value, other

    def read(name: str) -> Any:
        raise Unreadable("It contains itself")

    given = Given({"cozystack_values": value}, {"cozystack_values": other}, read)

    (found,) = validate_variables(
        {"cozystack_values": OPTIONS["cozystack_values"]}, given, NOW, roles=role_names()
    ).problems

    assert (found.code, found.subject) == ("VARIABLE_NOT_READABLE", "cozystack_values")


def test_a_problem_of_a_description_stands_beside_others() -> None:
    description = cluster(cpu_credits="many")

    found = judged({"access_cluster": description, "cozystack_smoke_timeout": -1}).problems

    assert [one.subject.partition("[")[0] for one in found] == ["access_cluster", "cozystack_smoke_timeout"]


def test_a_wrong_value_is_reported_where_it_is_written() -> None:
    wrong = {"ghcr.io": "example.com"}
    follows = {"docker.io": "{{ cluster_images_mirrors['ghcr.io'] }}"}
    values = {"cluster_images_mirrors": wrong, "bastion_host_image_mirrors": {"docker.io": "example.com"}}
    given = Given(
        {"bastion_host_image_mirrors": follows, "cluster_images_mirrors": wrong}, {}, lambda name: values[name]
    )

    found = validate_variables({name: OPTIONS[name] for name in values}, given, NOW, roles=role_names())

    assert [one.subject for one in found.problems] == ["cluster_images_mirrors[ghcr.io]"]


def test_a_value_that_cannot_be_decrypted_is_a_problem_of_its_variable() -> None:
    class Encrypted:
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            raise AnsibleError("no vault secrets found")

    def read(name: str) -> Any:
        raise Unreadable("no vault secrets found")

    found = validate_variables(
        {"cluster_name": OPTIONS["cluster_name"]},
        Given({"cluster_name": Encrypted()}, {}, read),
        NOW,
        roles=["cluster"],
    )

    assert [(one.code, one.subject) for one in found.problems] == [("VARIABLE_NOT_READABLE", "cluster_name")]


def test_the_key_that_follows_from_a_public_key_is_one_that_ssh_can_be_given() -> None:
    found = judged({}, defaults={"cluster_bastion_ssh_identity_file": '/home/a"b/id_ed25519'})

    assert [one.subject for one in found.problems] == ["cluster_bastion_ssh_identity_file"]


def test_what_follows_from_a_wrong_value_is_not_repeated() -> None:
    found = judged({"cluster_directory": "moon"}, defaults={"talos_snapshots_directory": "moon/snapshots"})

    assert [one.subject for one in found.problems] == ["cluster_directory"]


def test_a_default_that_cannot_work_here_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    default = {"cluster_directory": str(tmp_path / "file" / "moon")}

    found = judged({}, defaults=default)

    assert [one.subject for one in found.problems] == ["cluster_directory"]


def test_a_template_that_fails_is_a_problem_of_its_variable() -> None:
    def read(name: str) -> Any:
        raise Unreadable("'moon' is undefined")

    found = validate_variables(
        {"cluster_name": OPTIONS["cluster_name"]}, Given({"cluster_name": "{{ moon }}"}, {}, read), NOW, roles=[]
    )

    assert [(one.code, one.message) for one in found.problems] == [("VARIABLE_NOT_READABLE", "'moon' is undefined")]
    assert found.unusable == {"cluster_name"}


def test_every_default_of_every_role_that_is_not_a_template_is_sound() -> None:
    defaults: dict[str, Any] = {}
    for role in role_names():
        defaults.update(yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8")))
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}

    assert len(plain) > 100
    assert judged(plain).problems == ()
