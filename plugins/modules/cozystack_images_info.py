#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read from the registries which of CozyStack's images are built for arm64."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cozystack_images_info
short_description: Read which of CozyStack's images are built for arm64
version_added: 0.1.0
description:
  - Downloads the packages of CozyStack, an artifact of some megabytes that the operator installs from, and finds the
    references of the project's own images in it.
  - Reads the platform of the images in the profile's packages from their manifests and configurations. No layer is
    pulled. A whole profile has about 25 images and needs about four requests for each.
  - CozyStack's images are single manifests, which containerd pulls on any architecture. Without this check, pods with
    images for another architecture crash later.
  - A failed look-up is returned as a note; the module does not fail.
  - A release, packages or an operator's image that the registry does not have are in RV(problems).
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
  - urmanac.talos.oci
options:
  version:
    description: The release of CozyStack.
    type: str
    default: v1.6.2
  profile:
    description: How much of the platform is to be installed.
    type: str
    choices: [full, novirt, core, slim]
    default: full
  disabled_packages:
    description: Packages to leave out in addition to those of the profile.
    type: list
    elements: str
    default: []
  operator_image:
    description: The image of the operator, empty for the released one.
    type: str
    default: ""
  platform_source_url:
    description:
      - The repository of the packages, such as V(oci://registry.example.com/cozystack/cozystack-packages).
      - Empty for the released ones, which upstream pushes with O(version) as the tag.
    type: str
    default: ""
  platform_source_ref:
    description: The version of the packages, V(digest=sha256:...) or V(tag=...).
    type: str
    default: ""
  images_arm64:
    description:
      - The assumed architectures, as in O(urmanac.talos.cozystack_forecast#module:images_arm64), for images whose
        look-up fails.
    type: raw
    default: false
  timeout:
    description: Timeout of the packages and of each image in seconds, including pauses between attempts.
  attempts:
    default: 2
seealso:
  - module: urmanac.talos.oci_image_info
  - module: urmanac.talos.cozystack_forecast
"""

EXAMPLES = r"""
- name: Read the architectures of the released images
  urmanac.talos.cozystack_images_info:
    version: v1.6.2
    profile: slim
  register: built

- name: Make the forecast with these architectures
  urmanac.talos.cozystack_forecast:
    nodes:
      - name: gateway
    instance_type: t4g.2xlarge
    version: v1.6.2
    profile: slim
    images_arm64: "{{ built.images_arm64 }}"
"""

RETURN = r"""
images_arm64:
  description:
    - Whether each image is built for arm64, as O(urmanac.talos.cozystack_forecast#module:images_arm64) takes it.
    - The registry's answers take precedence over O(images_arm64).
  returned: success
  type: dict
  sample: {"others": false, "cozystack-operator": false, "cilium": true}
known:
  description: The names of the images that were found in the registries.
  returned: success
  type: list
  elements: str
  sample: [cilium, cozystack-operator]
images:
  description: The references that were looked up, by the names of the images.
  returned: success
  type: dict
  sample:
    cozystack-operator: [ghcr.io/cozystack/cozystack/cozystack-operator:v1.6.2]
notes:
  description: The failed look-ups, each with C(code), C(subject), C(message) and C(remedy).
  returned: success
  type: list
  elements: dict
  sample:
    - code: IMAGES_UNCHECKED
      severity: warning
      subject: images of CozyStack
      message: The packages do not contain references of kubeovn.
      remedy: The forecast uses cluster_cozystack_images_arm64 for these images.
      evidence: {}
problems:
  description: Why the installation cannot work with these options, each with the same fields.
  returned: success
  type: list
  elements: dict
  sample: []
"""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._cozystack.catalog.built import read_built
from ..module_utils._cozystack.catalog.inquiry import Registries, build_of, inquire
from ..module_utils._cozystack.catalog.packages import PROFILES
from ..module_utils._cozystack.catalog.releases import DEFAULT
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._oci.artifact import fetch_archive
from ..module_utils._oci.inquiry import REGISTRY_OPTIONS, inquiry_of, look_up_all

ARGUMENT_SPEC: dict[str, Any] = {
    **REGISTRY_OPTIONS,
    "version": {"type": "str", "default": DEFAULT},
    "profile": {"type": "str", "choices": list(PROFILES), "default": "full"},
    "disabled_packages": {"type": "list", "elements": "str", "default": []},
    "operator_image": {"type": "str", "default": ""},
    "platform_source_url": {"type": "str", "default": ""},
    "platform_source_ref": {"type": "str", "default": ""},
    "images_arm64": {"type": "raw", "default": False},
    "attempts": {"type": "int", "default": 2},
}


def found(params: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the module's result."""
    how = inquiry_of({**params, "platform": "linux/arm64", "plain_http": ()}, environment)
    stated = read_built(params["images_arm64"], params["version"])
    registries = Registries(partial(fetch_archive, inquiry=how), partial(look_up_all, inquiry=how))
    answer = inquire(build_of(params), registries)
    return {
        "images_arm64": answer.over(stated),
        "known": sorted(answer.built),
        "images": {name: list(images) for name, images in answer.images.items()},
        "notes": [note.as_dict() for note in answer.notes],
        "problems": [problem.as_dict() for problem in answer.problems],
    }


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        answer = found(module.params, os.environ)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
