# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user-data that turns a machine into Talos, rendered as the role nodes does, but without Ansible."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from ansible_collections.urmanac.talos.plugins.filter.boot_plan import boot_plan

TEMPLATE = Path(__file__).parents[1] / "roles" / "nodes" / "templates" / "boot_to_talos.sh.j2"


def render(image: str, *, caches: Mapping[str, str], plan: Mapping[str, Any] | None = None, **variables: Any) -> str:
    """Return the script for an image; the plan replaces values of the filter's, the variables those of the role."""
    # The settings of Ansible's own templates.
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  it is not HTML
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quote"] = shlex.quote
    values = {
        "nodes_cluster": {"bastion_ipv4": "192.0.2.100"},
        "__nodes_boot": {**boot_plan(image, caches), **(plan or {})},
        "__nodes_node": {"role": "gateway"},
        "nodes_boot_to_talos_url": "http://192.0.2.100:8081/boot-to-talos",
        "nodes_boot_to_talos_sha256": "",
        "nodes_console": "",
        "nodes_download_attempts": 3,
        "cluster_nodes_extra_kernel_args": [],
        "nodes_image_sha256": {},
    }
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(**values | variables)
