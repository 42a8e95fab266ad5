# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the packages that a running host gets: on Amazon Linux the repository of podman has to be added first."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
import yaml

from lab.settings import REPOSITORY

PACKAGE = "ansible.builtin.package"
OF_THE_PLAN = "{{ __bastion_host_plan.packages[__bastion_host_family] }}"


def installed(engine: str, distribution: str) -> list[str]:
    """Return the packages that the role installs, in its order."""
    text = (REPOSITORY / "roles" / "bastion_host" / "tasks" / "host.yml").read_text(encoding="utf-8")
    tasks: list[dict[str, Any]] = yaml.safe_load(text)
    facts = {"ansible_facts": {"distribution": distribution}, "bastion_host_container_engine": engine}
    environment = jinja2.Environment(autoescape=True)
    environment.filters["bool"] = bool
    values = {"bastion_host_packages_enabled": True, **facts}
    return [
        task[PACKAGE]["name"]
        for task in tasks
        if PACKAGE in task and environment.compile_expression(task["when"])(**values)
    ]


@pytest.mark.parametrize(
    ("engine", "distribution", "first"),
    [
        pytest.param("podman", "Amazon", ["spal-release"], id="podman on Amazon Linux"),
        pytest.param("docker", "Amazon", [], id="docker on Amazon Linux"),
        pytest.param("podman", "Debian", [], id="podman on Debian"),
    ],
)
def test_amazon_linux_gets_the_repository_of_podman_before_the_engine(
    engine: str, distribution: str, first: list[str]
) -> None:
    assert installed(engine, distribution) == [*first, OF_THE_PLAN]
