# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that YAML has to repeat are those of the Python code; test_ports.py compares the ports."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import jinja2
import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._bastion import paths
from ansible_collections.urmanac.talos.plugins.module_utils._boot.upstream import RELEASE_URL
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog import releases
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.names import OPERATOR, STOCK
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import AMI_PARAMETER, ROOT_DEVICE
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import parameter_prefix
from ansible_collections.urmanac.talos.plugins.module_utils._networks import NAME_SERVER, TIME_SERVER
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.contract import CONTRACTS, DEFAULT
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.upstream import KUBELET
from ansible_collections.urmanac.talos.plugins.modules import (
    bastion_apply,
    ec2_cluster,
    ec2_preflight_info,
    talos_config,
)
from ansible_collections.urmanac.talos.plugins.plugin_utils._ec2_nodes import cluster_directory
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.names import INTERNAL
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import role_names
from tests.checks.process import ROOT


def written(path: str) -> Any:
    """Return what a YAML file of a role holds."""
    return yaml.safe_load((ROOT / "roles" / path).read_text(encoding="utf-8"))


# Options of other roles that defaults still read. What several roles share is an option of the role cluster.
FOREIGN = {
    ("preflight_boot_to_talos_url", "bastion_host_boot_to_talos_url"),
    ("preflight_home_ipv6", "access_ipv6"),
    ("preflight_inventory_connection", "bastion_api_host"),
}


def read_by(role: str) -> Iterator[tuple[str, str]]:
    """Yield the defaults of a role with each name of another role that they read, which is not a result of a step."""
    # The longest first, because bastion_host_x is not an option of the role bastion.
    names = re.compile(rf"(?<![\w.'\"])({'|'.join(sorted(role_names(), key=len, reverse=True))})_\w+")
    for name, value in written(f"{role}/defaults/main.yml").items():
        for read in names.finditer(json.dumps(value)):
            if read[1] not in (role, "cluster") and read[0] not in INTERNAL:
                yield name, read[0]


def test_defaults_read_options_of_the_own_role_and_of_the_role_cluster() -> None:
    assert {read for role in role_names() for read in read_by(role)} == FOREIGN


def test_the_default_versions_are_those_of_the_data() -> None:
    contract = yaml.safe_load(talos_config.DOCUMENTATION)["options"]["cluster"]["suboptions"]["contract"]

    assert written("cluster/defaults/main.yml")["cluster_cozystack_version"] == releases.DEFAULT
    assert (contract["default"], contract["choices"]) == (DEFAULT, [*CONTRACTS])


def test_instances_nodes_and_the_health_check_ask_amazons_time_server() -> None:
    documented = yaml.safe_load(talos_config.DOCUMENTATION)["options"]["network"]["suboptions"]

    assert documented["time_servers"]["default"] == [TIME_SERVER]
    assert documented["nameservers"]["default"] == [NAME_SERVER]
    assert written("bastion_host/defaults/main.yml")["bastion_host_health_ntp_server"] == TIME_SERVER


def test_the_bastion_downloads_boot_to_talos_from_the_modules_url() -> None:
    url = jinja2.Template(written("bastion_host/defaults/main.yml")["bastion_host_boot_to_talos_url"])
    releases = written("cluster/defaults/main.yml")["cluster_boot_to_talos_releases"]

    rendered = url.render(cluster_boot_to_talos_releases=releases, cluster_boot_to_talos_version="0.7.1")
    assert rendered == RELEASE_URL.format(version="0.7.1")


@pytest.mark.parametrize("data", [pytest.param("", id="home"), pytest.param("/srv/data", id="XDG_DATA_HOME")])
def test_the_inventory_looks_for_known_hosts_in_the_default_directory_of_the_cluster(
    monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_DATA_HOME", data)
    default = jinja2.Template(written("cluster/defaults/main.yml")["cluster_directory"])
    names = {"cluster_project": "moon", "cluster_region": "eu-west-1", "cluster_name": "base"}

    rendered = default.render(lookup=lambda kind, name: os.environ.get(name, ""), **names)

    assert rendered == os.path.expanduser(cluster_directory("moon", "eu-west-1", "base"))  # noqa: PTH111


def test_the_bastions_host_key_is_below_the_path_of_the_clusters_parameters() -> None:
    default = jinja2.Template(written("cluster/defaults/main.yml")["cluster_bastion_host_key_parameter"])

    rendered = default.render(cluster_project="moon", cluster_name="base")

    assert rendered == f"{parameter_prefix('moon', 'base')}bastion-host-key"


def test_the_role_bastion_host_has_the_paths_of_the_python_code() -> None:
    given = written("bastion_host/vars/main.yml")

    assert given["__bastion_host_directories"] == [*paths.FOLDERS]
    assert given["__bastion_host_passwords_directory"] == paths.PASSWORDS
    assert f"{given['__bastion_host_wireguard_directory']}/private.key" == paths.WIREGUARD_WRITTEN_KEY
    assert given["__bastion_host_program"] == paths.HEALTH_PROGRAM
    assert f'CONFIG = "{paths.HEALTH}"\n' in (ROOT / "roles/bastion_host/files/health.py").read_text(encoding="utf-8")
    assert yaml.safe_load(bastion_apply.DOCUMENTATION)["options"]["manifest"]["default"] == paths.MANIFEST


def test_tasks_and_templates_of_the_bastion_take_its_paths_from_their_home() -> None:
    folders = (paths.ETC, paths.DATA, paths.RUN, paths.PROGRAMS, paths.HEALTH_PROGRAM)
    role = ROOT / "roles" / "bastion_host"
    files = [*role.glob("tasks/*.yml"), *role.glob("templates/*.j2"), role / "defaults" / "main.yml"]

    found = {path.name for path in files if any(folder in path.read_text(encoding="utf-8") for folder in folders)}

    assert found == set()


def test_the_image_of_instances_and_its_root_device_are_those_that_the_modules_use_by_default() -> None:
    defaults = written("cluster/defaults/main.yml")
    cluster, preflight = (
        yaml.safe_load(module.DOCUMENTATION)["options"] for module in (ec2_cluster, ec2_preflight_info)
    )

    assert defaults["cluster_ami_parameter"] == preflight["node_ami_parameter"]["default"] == AMI_PARAMETER
    assert defaults["cluster_root_device"] == cluster["root_device"]["default"] == ROOT_DEVICE


@pytest.mark.parametrize(
    ("shared", "own"),
    [
        pytest.param("endpoint", ("talos_endpoint", "cozystack_api_server_endpoint"), id="the Kubernetes API"),
        pytest.param("kubeconfig", ("talos_kubeconfig", "cozystack_kubeconfig", "report_kubeconfig"), id="kubeconfig"),
        pytest.param(
            "talosconfig", ("talos_talosconfig", "cozystack_talosconfig", "report_talosconfig"), id="talosconfig"
        ),
        pytest.param(
            "boot_to_talos_archive_sha256",
            ("nodes_boot_to_talos_sha256", "bastion_host_boot_to_talos_sha256"),
            id="SHA-256 of boot-to-talos",
        ),
    ],
)
def test_roles_take_what_they_share_from_the_role_cluster(shared: str, own: tuple[str, ...]) -> None:
    defaults = {name: value for role in role_names() for name, value in written(f"{role}/defaults/main.yml").items()}

    assert {defaults[name] for name in own} == {f"{{{{ cluster_{shared} }}}}"}


def test_the_forecast_asks_for_upstreams_image_of_the_operator() -> None:
    assert f"'{STOCK}{OPERATOR}:' ~" in written("cozystack/vars/main.yml")["__cozystack_released_image"]


def test_preflight_looks_for_the_kubelet_that_the_configurations_name() -> None:
    (task,) = written("talos/tasks/images_look_up.yml")

    (image,) = task["vars"]["cluster_images_query"]["images"]
    assert image.startswith(f"{KUBELET}:v{{{{ ")


def test_one_module_writes_by_server_side_apply() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "roles").glob("*/tasks/*.yml")}

    assert [path.name for path, text in texts.items() if "server_side_apply" in text or "apply: true" in text] == []


def test_results_that_roles_share_are_in_the_readme_of_their_role_and_in_the_architecture() -> None:
    architecture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    roles = sorted(role_names(), key=len, reverse=True)
    shared = {name: next(role for role in roles if name.startswith(f"{role}_")) for name in INTERNAL}
    others = {name: role for name, role in shared.items() if role != "cluster"}

    assert {name for name in others if f"`{name}`" not in architecture} == set()
    for name in others.keys() - {"nodes_boot_hosts"}:
        assert f"`{name}`" in (ROOT / "roles" / others[name] / "README.md").read_text(encoding="utf-8")


def test_the_readme_of_the_role_cluster_names_all_that_others_read_of_it() -> None:
    written_by_others = [
        *(path for path in (ROOT / "roles").glob("*/[tdv]*/*.yml") if path.parts[-3] != "cluster"),
        *(ROOT / "playbooks").glob("**/*.yml"),
    ]
    texts = [re.sub(r"#.*", "", path.read_text(encoding="utf-8")) for path in written_by_others]
    # No part of a longer name, and no module, filter or file.
    names = set(re.findall(r"(?<![\w./-])cluster_[a-z0-9_]+\b(?!\.yml)", "\n".join(texts)))
    options = written("cluster/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    readme = (ROOT / "roles/cluster/README.md").read_text(encoding="utf-8")

    assert {name for name in names - options.keys() if f"`{name}`" not in readme} == set()
