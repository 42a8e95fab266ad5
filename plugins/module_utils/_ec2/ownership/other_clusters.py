# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the clusters of this collection in a region. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from ..client import Api
from ..identity import MANAGED_BY
from ..spec import ClusterSpec


def other_clusters(api: Api, spec: ClusterSpec) -> list[dict[str, str]]:
    """Return name and project of every other cluster that has a VPC in the account and region of this one."""
    filters = [{"Name": "tag:ManagedBy", "Values": [MANAGED_BY]}]
    vpcs = api.call("ec2", "describe_vpcs", Filters=filters)["Vpcs"]
    tags = [{tag["Key"]: tag["Value"] for tag in vpc.get("Tags", ())} for vpc in vpcs]
    names = {(tag.get("Cluster", ""), tag.get("Project", "")) for tag in tags}
    return [{"name": name, "project": project} for name, project in sorted(names - {(spec.name, spec.project)})]
