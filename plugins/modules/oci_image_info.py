#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up whether images exist in their registries, and their digest for a platform."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_image_info
short_description: Look up whether images exist, for which platforms and with which digest
version_added: 0.1.0
description:
  - Requests the manifests of images from registries in parallel, and the configuration of the image for O(platform). No
    layer is pulled.
  - The platform is that of the image's configuration. An index whose entry has another one is an error.
  - For a missing image the remedy names the tags that its repository has, and where the image is known under
    another name, the tags there.
  - Resolves a tag, and an index of images for several platforms or of further indices, to the digest of the one
    manifest for O(platform). Pass RV(images[].resolved) to programs that would select the first platform of an index.
  - Computes the digest of everything that it receives, and rejects content with another digest than expected.
  - Uses the logins of docker's C(config.json). They are only sent to their own host, over plain HTTP only in private
    networks or if O(plain_http) contains the host, and are never returned.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
  - urmanac.talos.oci
options:
  images:
    description:
      - References to images, each with a tag or a digest. As with docker, V(nginx) means
        C(docker.io/library/nginx:latest).
    type: list
    elements: str
    required: true
  platform:
    description: The required platform of the images.
    type: str
    default: linux/arm64
  plain_http:
    description:
      - Registries, with their ports, without TLS to which logins may be sent nevertheless.
      - Private addresses and localhost do not have to be listed.
    type: list
    elements: str
    default: []
  fail_on_error:
    description:
      - Whether the module fails if an image cannot be looked up or used. If not, RV(images[].error) has the reason.
    type: bool
    default: true
notes:
  - Proxies (E(HTTPS_PROXY), E(NO_PROXY)) and E(SSL_CERT_FILE) are used, as by other Python programs. Private addresses
    are accessed directly.
"""

EXAMPLES = r"""
- name: Find the image for Graviton
  urmanac.talos.oci_image_info:
    images:
      - ghcr.io/siderolabs/installer:v1.13.6
  register: installer

- name: Show its reference by the digest of this platform
  ansible.builtin.debug:
    msg: "{{ installer.images[0].resolved }}"

- name: Look up an image in a cache of ghcr.io in a private network, without failing
  urmanac.talos.oci_image_info:
    images:
      - ghcr.io/siderolabs/installer:v1.13.6
    mirrors:
      ghcr.io: http://10.10.0.100:5054
    fail_on_error: false
"""

RETURN = r"""
images:
  description: The result for each image, in the order of O(images).
  returned: success
  type: list
  elements: dict
  contains:
    image:
      description: The given reference.
      type: str
      sample: ghcr.io/siderolabs/installer:v1.13.6
    exists:
      description: Whether the registry has it, V(null) if that is not known.
      type: bool
      sample: true
    known:
      description:
        - Whether the answer is final. It is V(false) after V(IMAGE_UNREACHABLE), V(IMAGE_RATE_LIMITED) or
          V(IMAGE_UNEXPECTED_ANSWER), because another attempt or another client may succeed.
      type: bool
      sample: true
    media_type:
      description: The media type of the referenced index or manifest.
      type: str
      sample: application/vnd.oci.image.index.v1+json
    digest:
      description: The digest of that index or manifest.
      type: str
      sample: sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
    platforms:
      description: The platforms that the image is for, each with the digest of its manifest.
      type: dict
      sample:
        linux/amd64: sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
        linux/arm64: sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6
    platform:
      description: The platform for which it was resolved, V(null) if it does not support it.
      type: str
      sample: linux/arm64
    resolved:
      description: The reference of the manifest for that platform alone.
      type: str
      sample: ghcr.io/siderolabs/installer@sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6
    size:
      description: How many bytes a pull of it fetches, configuration and layers together, as its manifest says.
      type: int
      sample: 176160768
    version:
      description:
        - The version of Talos in an installer image, from its label C(alpha.talos.dev/version); V(null) for an image
          without it.
      type: str
      sample: v1.13.6
    labels:
      description:
        - The labels in the image's configuration, such as those that name the source from which it was built.
        - Talos' imager does not write system extensions there.
      type: dict
      sample:
        alpha.talos.dev/version: v1.13.6
    error:
      description:
        - Why the image cannot be used or was not found; V(null) if there is no error.
        - Its C(code) is V(IMAGE_INVALID_REFERENCE), V(IMAGE_NOT_FOUND), V(IMAGE_NOT_AUTHORISED),
          V(IMAGE_NO_SUCH_PLATFORM) or V(IMAGE_BAD_DIGEST), which another attempt will not fix, or
          V(IMAGE_UNREACHABLE), V(IMAGE_RATE_LIMITED) or V(IMAGE_UNEXPECTED_ANSWER), after which nothing is known.
        - L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md)
          explains each code.
      type: dict
      sample:
        code: IMAGE_NO_SUCH_PLATFORM
        severity: error
        subject: ghcr.io/siderolabs/installer:v1.13.6
        message: it does not support linux/arm64, it is for linux/amd64
        remedy: Build and push it for linux/arm64.
        evidence: {}
  sample:
    - image: ghcr.io/siderolabs/installer:v1.13.6
      exists: true
      known: true
      media_type: application/vnd.oci.image.index.v1+json
      digest: sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
      platforms:
        linux/amd64: sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
        linux/arm64: sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6
      platform: linux/arm64
      resolved: ghcr.io/siderolabs/installer@sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6
      size: 176160768
      version: v1.13.6
      labels:
        alpha.talos.dev/version: v1.13.6
      error:
"""

import os
from collections.abc import Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._findings import failure as describe
from ..module_utils._oci.errors import UNKNOWN
from ..module_utils._oci.image import Image
from ..module_utils._oci.inquiry import REGISTRY_OPTIONS, inquiry_of, look_up_all

ARGUMENT_SPEC: dict[str, Any] = {
    **REGISTRY_OPTIONS,
    "images": {"type": "list", "elements": "str", "required": True},
    "platform": {"type": "str", "default": "linux/arm64"},
    "plain_http": {"type": "list", "elements": "str", "default": []},
    "fail_on_error": {"type": "bool", "default": True},
}


def as_returned(image: Image) -> dict[str, Any]:
    """Return an image as the module returns it."""
    error = image.error
    return {
        **image._asdict(),
        "platforms": dict(image.platforms),
        "labels": dict(image.labels),
        "known": error is None or error.code not in UNKNOWN,
        "error": error.as_dict() if error else None,
    }


def failure(images: Iterable[Image]) -> str:
    """Return one line for each image that cannot be used."""
    return "\n".join(describe(f"look up {image.image}", image.error) for image in images if image.error)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        found = look_up_all(module.params["images"], inquiry_of(module.params, os.environ))
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    images = [as_returned(image) for image in found]
    message = failure(found) if module.params["fail_on_error"] else ""
    if message:
        module.fail_json(msg=message, images=images, problems=[image["error"] for image in images if image["error"]])
    module.exit_json(changed=False, images=images)


if __name__ == "__main__":
    main()
