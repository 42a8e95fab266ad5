# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that search for what belongs to a cluster use the tags and names by which the modules know it."""

from __future__ import annotations

import jinja2
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity, owner_tags, unique_name
from tests.checks.files import mappings
from tests.checks.process import ROOT

CLUSTER = Identity(name="moon", project="home")
VARIABLES = {
    "cluster_name": CLUSTER.name,
    "cluster_project": CLUSTER.project,
    "bastion_cluster": {"name": CLUSTER.name, "project": CLUSTER.project},
}


def test_every_search_by_tags_names_the_owner() -> None:
    """Clusters of one name can belong to two projects, and others may give a resource the names of both."""
    files = [path for path in (ROOT / "roles").rglob("tasks/*.yml") if "tag:" in path.read_text(encoding="utf-8")]

    found = [
        {name.removeprefix("tag:"): jinja2.Template(value).render(VARIABLES) for name, value in tags.items()}
        for path in sorted(files)
        for filters in mappings(yaml.safe_load(path.read_text(encoding="utf-8")))
        if (tags := {name: value for name, value in filters.items() if name.startswith("tag:")})
    ]

    assert found
    for tags in found:
        assert owner_tags(CLUSTER).items() <= tags.items() <= {**owner_tags(CLUSTER), "Node": "bastion"}.items()
    assert owner_tags(CLUSTER) in found


def test_the_role_of_the_bastion_and_the_modules_give_its_host_key_one_name() -> None:
    variables = yaml.safe_load((ROOT / "roles" / "bastion" / "vars" / "main.yml").read_text(encoding="utf-8"))

    alias = jinja2.Template(variables["__bastion_ssh_alias"]).render(VARIABLES)

    assert alias == unique_name(CLUSTER.project, CLUSTER.name)
