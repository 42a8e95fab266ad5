# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the description of a cluster before it is built, without a request. Private: may change at any time.

ec2_preflight_info and the role preflight find the same, with what AWS and the registries answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...module_utils._ec2.bastion.egress import egress_problems
from ...module_utils._ec2.node_images import references, unnamed
from ...module_utils._ec2.preflight.described_texts import command_line_problems
from ...module_utils._ec2.preflight.offline import offline_problems
from ...module_utils._ec2.spec import validate_spec
from ...module_utils._findings import Finding
from ...module_utils._talos.tailscale import problems as tailscale_problems
from .checks import wrong

# The variables of the cluster's description for the AWS modules.
DESCRIPTION = "cluster_spec"


class Described(NamedTuple):
    """The description of a cluster, and the other variables that are checked with it."""

    cluster: Mapping[str, Any]
    images: Mapping[str, Any]
    kernel_arguments: list[str]
    tailscale: Mapping[str, Any]
    sources: list[str]
    upstreams: Mapping[str, str]


def read_described(read: Callable[[str], Any]) -> Described:
    """Return the description, by the variables of the roles that use it."""
    names = ("cluster_images", "cluster_nodes_extra_kernel_args", "talos_tailscale")
    more = ("preflight_sources", "preflight_registry_upstreams")
    return Described(*map(read, (DESCRIPTION, *names, *more)))


def described_problems(described: Described) -> Iterator[Finding]:
    """Yield what preflight would refuse without a request: the description, its costs, and what depends on both."""
    cluster, spec, errors = validate_spec(described.cluster)
    for message in errors:
        yield wrong(DESCRIPTION, f"{message}.", "Correct the variables cluster_*, of which it is composed.")
    if spec is None:
        return
    yield from offline_problems(spec)
    yield from unnamed(references(cluster["nodes"], described.images))
    yield from command_line_problems(described.kernel_arguments)
    yield from tailscale_problems(cluster["nodes"], described.tailscale)
    yield from egress_problems(spec, described.sources, described.upstreams)
