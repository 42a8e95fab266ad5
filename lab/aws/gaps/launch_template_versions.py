# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: a version of a launch template differs from what was asked for, and SourceVersion is ignored."""

from __future__ import annotations

from typing import Any

from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.responses import EC2Response

from lab.aws.patches import Function, put, replaces, wraps

put(LaunchTemplate, tags=property(lambda template: template.get_tags(), lambda template, tags: None))


@wraps(LaunchTemplate, "create_version")
def _plain_version(original: Function, self: Any, data: dict[str, Any], description: str) -> Any:
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


@replaces(LaunchTemplate, "get_version")
def _version(template: Any, wanted: Any) -> Any:
    number = {"$latest": template.versions[-1].number, "$default": template.default_version_number}.get(
        str(wanted).lower(), wanted
    )
    found = next((version for version in template.versions if str(version.number) == str(number)), None)
    if found is None:
        raise InvalidLaunchTemplateVersionNotFound(template_id=template.id, version=wanted)
    return found


put(LaunchTemplate, default_version=lambda template: _version(template, "$Default"))


@wraps(EC2Response, "create_launch_template_version")
def _inheriting(original: Function, self: Any) -> Any:
    source, asked = self._get_param("SourceVersion"), self._get_param("LaunchTemplateData") or {}
    if source:
        name, identity = self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId")
        found = self.ec2_backend.describe_launch_templates([name] if name else None, [identity] if identity else None)
        given = {key: value for key, value in asked.items() if value is not None}
        self.params["LaunchTemplateData"] = found[0].get_version(source).data | given
    return original(self)
