# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a running host gets: packages, of which Amazon Linux has some in a repository, and logins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from lab.settings import REPOSITORY
from tests.checks.process import TOOLS, capture

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


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    bastion_host_packages_enabled: false
    bastion_host_container_engine: docker
    bastion_host_egress: none
    bastion_host_wireguard_private_key: ""
    bastion_host_ipv4: 10.10.0.100
    bastion_host_subnet_ipv4_cidr: 10.10.0.0/24
    bastion_host_netboot_enabled: false
    bastion_host_dns_enabled: false
    bastion_host_images: {registry: "docker.io/library/registry:2", nginx: "docker.io/library/nginx:1"}
    bastion_host_netboot_ipxe: {}
    bastion_host_boot_to_talos_sha256: ""
    bastion_host_registry_caches: {docker.io: 5050, ghcr.io: 5054}
    bastion_host_registry_login_parameters: {ghcr.io: /talos/ghcr.io}
    __bastion_host_plan: {files: [], units: []}
  vars_files:
    - ROLE/vars/main.yml
  tasks:
    - ansible.builtin.import_tasks: ROLE/tasks/preflight.yml
    - ansible.builtin.import_tasks: ROLE/tasks/host.yml
"""


def played(folder: Path, logins: dict[str, str]) -> tuple[int, str]:
    """Return exit code and output of the tasks with these logins, without changes, printing all that they can."""
    play, values = folder / "play.yml", folder / "logins.yml"
    play.write_text(PLAY.replace("ROLE", str(REPOSITORY / "roles" / "bastion_host")))
    values.write_text(yaml.safe_dump({"bastion_host_registry_passwords": logins}))
    return capture([TOOLS / "ansible-playbook", "--check", "--diff", "-vvv", "-e", f"@{values}", play], limit=120)


def test_a_login_is_in_no_output_whatever_is_asked_for(tmp_path: Path) -> None:
    code, said = played(tmp_path, {"docker.io": "ada:hunter2"})

    assert code == 0, said
    assert "logins | Write the registries' logins" in said
    assert "hunter2" not in said


def test_without_logins_nothing_is_done_about_them(tmp_path: Path) -> None:
    code, said = played(tmp_path, {})

    assert code == 0, said
    assert "TASK [logins | " not in said


@pytest.mark.parametrize(
    ("logins", "message"),
    [
        pytest.param(
            {"quay.io": "ada:hunter2"},
            "[quay.io]: The bastion has no cache of quay.io",
            id="lost",
        ),
        pytest.param(
            {"ghcr.io": "ada:hunter2"},
            "[ghcr.io] is a login of the same cache",
            id="two logins",
        ),
        pytest.param(
            {"docker.io": "hunter2"},
            "[docker.io]: The value is not a login",
            id="no user",
        ),
        pytest.param({"docker.io": "ada:hunter2\nx"}, "Write it as USER:PASSWORD, in one line.", id="two lines"),
    ],
)
def test_a_login_that_cannot_be_used_is_refused_and_not_shown(
    tmp_path: Path, logins: dict[str, str], message: str
) -> None:
    code, said = played(tmp_path, logins)

    assert code == 2, said
    assert message in " ".join(said.split())
    assert "hunter2" not in said


def test_a_login_is_a_file_for_root_alone() -> None:
    text = (REPOSITORY / "roles" / "bastion_host" / "tasks" / "logins.yml").read_text(encoding="utf-8")
    tasks = {task["name"].partition(" | ")[2]: task for task in yaml.safe_load(text)}

    folder, file = tasks["Create the directory of the registries' logins"], tasks["Write the registries' logins"]
    assert (folder["ansible.builtin.file"]["mode"], file["ansible.builtin.copy"]["mode"]) == ("0700", "0600")
    assert file["no_log"] is True
