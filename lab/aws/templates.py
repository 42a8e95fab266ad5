# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps of moto around launch templates and Elastic IPs."""

from __future__ import annotations

from typing import Any

import moto.ec2.utils
from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.responses import EC2Response

from lab.aws.patches import Function, drop_tags, put, refuse, wrap


def install() -> None:
    """Close the gaps."""
    wrap(LaunchTemplate, "create_version", _plain_version)
    wrap(EC2Response, "create_launch_template_version", _inheriting)
    put(LaunchTemplate, tags=property(lambda template: template.get_tags(), lambda template, tags: None))
    wrap(LaunchTemplateBackend, "delete_launch_template", _without_tags)
    put(EC2Response, delete_launch_template_versions=_delete_versions)
    wrap(ElasticAddressBackend, "release_address", _only_idle_addresses)
    # Gap: DescribeTags calls Elastic IPs by a name of moto's own.
    moto.ec2.utils.EC2_RESOURCE_TO_PREFIX["elastic-ip"] = "eipalloc"
    moto.ec2.utils.EC2_PREFIX_TO_RESOURCE["eipalloc"] = "elastic-ip"


# Gaps: the first version holds the tags of the template itself, so that it differs from what was asked for; no version
# but the first has user-data that a launch can read; and what was not asked for is there as nothing.
def _plain_version(original: Function) -> Function:
    def create_version(self: Any, data: dict[str, Any], description: str) -> Any:
        kept = {key: value for key, value in data.items() if value is not None}
        specifications = [s for s in kept.pop("TagSpecifications", []) if s["ResourceType"] != "launch-template"]
        if specifications:
            kept["TagSpecifications"] = specifications
        if kept.get("UserData") is not None and not isinstance(kept["UserData"], Base64EncodedString):
            kept["UserData"] = Base64EncodedString(kept["UserData"])
        return original(self, kept, description)

    return create_version


# Gap: SourceVersion is ignored; EC2 takes from it every parameter that the call does not name.
def _inheriting(original: Function) -> Function:
    def create_launch_template_version(self: Any) -> Any:
        source, asked = self._get_param("SourceVersion"), self._get_param("LaunchTemplateData") or {}
        if source:
            name, identity = self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId")
            found = self.ec2_backend.describe_launch_templates(
                [name] if name else None, [identity] if identity else None
            )
            given = {key: value for key, value in asked.items() if value is not None}
            self.params["LaunchTemplateData"] = found[0].get_version(source).data | given
        return original(self)

    return create_launch_template_version


def _without_tags(original: Function) -> Function:
    def delete_launch_template(self: Any, name: str, tid: str | None) -> Any:
        template = original(self, name, tid)
        drop_tags(self, template.id)
        return template

    return delete_launch_template


# Gap: versions cannot be deleted. Still open: whoever asks can read them until the template goes.
def _delete_versions(response: Any) -> ActionResult:
    template = response.ec2_backend.get_launch_template(response._get_param("LaunchTemplateId"))
    done = []
    for number in response._get_param("Versions", []):
        if int(number) == template.default_version_number:
            raise refuse("InvalidParameterValue", "The default version of a launch template cannot be deleted.")
        done.append({"LaunchTemplateId": template.id, "VersionNumber": int(number)})
    answer = {"SuccessfullyDeletedLaunchTemplateVersions": done, "UnsuccessfullyDeletedLaunchTemplateVersions": []}
    return ActionResult(answer)


# Gap: an address in use can be released.
def _only_idle_addresses(original: Function) -> Function:
    def release_address(self: Any, address: str | None = None, allocation_id: str | None = None) -> None:
        found = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        if found[0].association_id:
            raise refuse("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
        original(self, address, allocation_id)
        drop_tags(self, found[0].id)

    return release_address
