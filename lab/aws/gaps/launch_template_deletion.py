# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: DeleteLaunchTemplateVersions is missing, and DescribeLaunchTemplates leaves out ids that do not exist.

EC2 refuses to delete the default version, and answers a call with an unknown id with an error.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.ec2.responses import EC2Response

from lab.aws.patches import Function, refuse, replaces, wraps


@wraps(LaunchTemplateBackend, "describe_launch_templates")
def _only_known_templates(original: Function, self: Any, *args: Any, **options: Any) -> Any:
    for identity in options.get("template_ids") or ():
        self.get_launch_template(identity)
    return original(self, *args, **options)


@replaces(EC2Response, "delete_launch_template_versions")
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
    names = ("SuccessfullyDeletedLaunchTemplateVersions", "UnsuccessfullyDeletedLaunchTemplateVersions")
    return ActionResult(dict(zip(names, (done, not_done), strict=True)))
