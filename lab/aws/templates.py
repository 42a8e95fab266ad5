# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps of moto around launch templates and Elastic IPs."""

from __future__ import annotations

from typing import Any

import moto.ec2.utils
from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.responses import EC2Response

from lab.aws.patches import Function, drop_tags, put, refuse, wrap


def install() -> None:
    """Close the gaps."""
    wrap(LaunchTemplate, "create_version", _plain_version)
    put(LaunchTemplate, get_version=_version, default_version=lambda template: _version(template, "$Default"))
    wrap(LaunchTemplateBackend, "describe_launch_templates", _only_known_templates)
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
        version = original(self, kept, description)
        # A number is given once, also where its version has been deleted.
        version.number = self.numbers = getattr(self, "numbers", 0) + 1
        return version

    return create_version


# Gap: a version is taken for the one at the place of its number, which a deletion moves.
def _version(template: Any, wanted: Any) -> Any:
    number = {"$latest": template.versions[-1].number, "$default": template.default_version_number}.get(
        str(wanted).lower(), wanted
    )
    found = next((version for version in template.versions if str(version.number) == str(number)), None)
    if found is None:
        raise InvalidLaunchTemplateVersionNotFound(template_id=template.id, version=wanted)
    return found


# Gap: what is asked for by an id that does not exist is left out of the answer.
def _only_known_templates(original: Function) -> Function:
    def describe_launch_templates(self: Any, *args: Any, **options: Any) -> Any:
        for identity in options.get("template_ids") or ():
            self.get_launch_template(identity)
        return original(self, *args, **options)

    return describe_launch_templates


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


# Gap: versions cannot be deleted.
def _delete_versions(response: Any) -> ActionResult:
    name, identity = response._get_param("LaunchTemplateName"), response._get_param("LaunchTemplateId")
    backend = response.ec2_backend
    template = backend.get_launch_template_by_name(name) if name else backend.get_launch_template(identity)
    known = {version.number: version for version in template.versions}
    done, not_done = [], []
    for number in map(int, response._get_param("Versions", [])):
        if number == template.default_version_number:
            raise refuse("InvalidParameterValue", "The default version of a launch template cannot be deleted.")
        deleted = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": number}
        if number in known:
            template.versions.remove(known[number])
            done.append(deleted)
        else:
            not_done.append({**deleted, "ResponseError": {"Code": "launchTemplateVersionDoesNotExist"}})
    return ActionResult(
        {
            "SuccessfullyDeletedLaunchTemplateVersions": done,
            "UnsuccessfullyDeletedLaunchTemplateVersions": not_done,
        }
    )


# Gap: an address in use can be released.
def _only_idle_addresses(original: Function) -> Function:
    def release_address(self: Any, address: str | None = None, allocation_id: str | None = None) -> None:
        found = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        if found[0].association_id:
            raise refuse("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
        original(self, address, allocation_id)
        drop_tags(self, found[0].id)

    return release_address
