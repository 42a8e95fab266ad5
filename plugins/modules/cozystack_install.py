#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install CozyStack by server-side apply."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cozystack_install
version_added: 0.1.0
short_description: Install CozyStack by server-side apply
description:
  - Applies the manifest of CozyStack's operator, and the platform's Package, from which the operator installs
    everything else. Does not need Helm.
  - With O(version) 0.3x, applies the installer and the ConfigMap of that generation.
  - Does not wait until the platform is ready. M(urmanac.talos.cozystack_wait) waits.
  - Does not change an installation that Helm manages unless O(adopt=true).
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.kubernetes
  - urmanac.talos.attributes
attributes:
  check_mode:
    details:
      - Uses a dry run on the server. Objects of kinds that the server does not have yet are shown as written.
  diff_mode:
    details:
      - Values whose name looks like that of a secret are hidden.
options:
  state:
    description:
      - V(present) installs.
      - V(absent) removes the operator, its RBAC and O(runtime_classes). The platform's Package, the packages, their
        releases, their data and the namespace stay, as with Helm; deleting the Package would stop all workloads.
    type: str
    choices: [present, absent]
    default: present
  version:
    description: The release of CozyStack.
    type: str
    default: v1.6.2
  variant:
    description:
      - The variant of the platform. V(isp-full) is the one for Talos, V(isp-full-generic) for other distributions,
        V(isp-hosted) for a cluster with its own CNI, V(default) installs only the sources of packages.
      - V(isp-hosted) is refused before v1.7, where it installs applications without their dependencies.
      - CozyStack 0.3x has V(paas-full), V(paas-hosted), V(distro-full) and V(distro-hosted).
    type: str
    choices: [isp-full, isp-full-generic, isp-hosted, default, paas-full, paas-hosted, distro-full, distro-hosted]
    default: isp-full
  profile:
    description:
      - How much of the platform is installed. V(full) is everything that the variant has by default.
      - V(novirt) is without virtual machines and tenant clusters, V(core) without the bundles iaas, paas and naas,
        V(slim) also without storage and backups. CozyStack 0.3x supports V(full) only.
    type: str
    choices: [full, novirt, core, slim]
    default: full
  disabled_packages:
    description: Packages to leave out in addition to those of the profile, such as V(cozystack.goldpinger).
    type: list
    elements: str
    default: []
  enabled_packages:
    description: Optional packages to install, such as V(cozystack.external-dns).
    type: list
    elements: str
    default: []
  metallb_enabled:
    description: Whether MetalLB is installed. Its announcements have no effect in a VPC; set O(external_ips) instead.
    type: bool
    default: false
  host:
    description: Domain under which the platform publishes its services.
    type: str
  api_server_endpoint:
    description: URL of the Kubernetes API for tenants.
    type: str
  exposed_services:
    description: Services that are published under O(host), such as V(dashboard).
    type: list
    elements: str
    default: []
  external_ips:
    description: Addresses at which services are published; on EC2, the private addresses of the nodes.
    type: list
    elements: str
    default: []
  control_plane_ips:
    description:
      - Addresses of the control planes, for Kube-OVN's database. Without them, its chart looks up the nodes, which may
        fail on a new cluster.
    type: list
    elements: str
    default: []
  telemetry_enabled:
    description: Whether CozyStack sends telemetry to its developers.
    type: bool
    default: true
  values:
    description:
      - More values of the platform's chart, which override the options above; with 0.3x, more keys of its ConfigMap.
      - Their names are not checked. The chart ignores those that it does not have, so compare them with the file
        C(values.yaml) of its version.
    type: dict
    default: {}
  operator_image:
    description: The image of the operator, if it is not the released one.
    type: str
  platform_source_url:
    description: The repository of the platform's packages, such as V(oci://registry.example.com/cozystack-packages).
    type: str
  platform_source_ref:
    description: The tag or digest of the packages at that URL, such as V(tag=v1.6.2-arm64) or V(digest=sha256:…).
    type: str
  platform_source_secret:
    description: Name of a Secret in cozy-system with the credentials for O(platform_source_url).
    type: str
  manifest:
    description:
      - URL, or path on the host that runs the module, of the operator's manifest. By default, that of the release.
    type: str
  manifest_checksum:
    description:
      - The checksum of this manifest, as V(sha256:) and 64 digits. Required for a URL with plain http.
    type: str
  crds_manifest:
    description:
      - URL, or path on the host that runs the module, of the CustomResourceDefinitions' manifest. By default, that of
        the release, unless O(manifest) is set.
      - Without it, the module waits until the operator installs them. The operator manages existing ones.
    type: str
  crds_manifest_checksum:
    description: The checksum of this manifest, as V(sha256:) and 64 digits.
    type: str
  allow_unsupported_architecture:
    description: Install released images on nodes for which they are not built, for example to test the diagnosis.
    type: bool
    default: false
  adopt:
    description:
      - Take over an installation that Helm or another tool manages.
      - Helm's record of the release stays; do not upgrade with Helm afterwards.
    type: bool
    default: false
  force:
    description: Take ownership of fields that another tool set. Without it, the module fails and names the tool.
    type: bool
    default: false
  runtime_classes:
    description:
      - RuntimeClasses to create, the handler of each by its name, such as V(wasmtime-spin-v2) with the handler V(spin).
      - With O(state=absent) they are removed.
    type: dict
    default: {}
  wait_timeout:
    description: Seconds to wait for the CustomResourceDefinitions.
    type: float
    default: 300
seealso:
  - module: urmanac.talos.cozystack_info
  - module: urmanac.talos.cozystack_wait
"""

EXAMPLES = r"""
- name: Install CozyStack with your own build for arm64
  urmanac.talos.cozystack_install:
    kubeconfig: secrets/kubeconfig
    profile: slim
    host: example.com
    api_server_endpoint: https://192.0.2.101:6443
    external_ips:
      - 192.0.2.101
    operator_image: registry.example.com/cozystack-operator:v1.6.2-arm64
    platform_source_url: oci://registry.example.com/cozystack-packages
    platform_source_ref: tag=v1.6.2-arm64

- name: Install CozyStack without access to the internet
  urmanac.talos.cozystack_install:
    kubeconfig: secrets/kubeconfig
    manifest: files/cozystack-operator-talos.yaml
    manifest_checksum: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    crds_manifest: files/cozystack-crds.yaml

- name: Remove the operator and keep everything else
  urmanac.talos.cozystack_install:
    kubeconfig: secrets/kubeconfig
    state: absent
"""

RETURN = r"""
server:
  description: URL of the Kubernetes API.
  returned: success
  type: str
  sample: https://192.0.2.101:6443
owner:
  description: What installed CozyStack before, V(none), V(urmanac.talos), V(helm) or V(other).
  returned: success
  type: str
  sample: none
objects:
  description: The objects in the order in which they were applied or removed.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: Package
      name: cozystack.cozystack-platform
      namespace: ""
      changed: true
leftovers:
  description: Existing packages that are disabled. The module does not delete them.
  returned: success
  type: list
  elements: str
  sample: [cozystack.goldpinger]
disabled_packages:
  description: Omitted packages, those of the profile and those of O(disabled_packages).
  returned: success
  type: list
  elements: str
  sample: [cozystack.metallb]
problems:
  description: Why nothing was installed, with the same codes as forecast and diagnosis.
  returned: failure
  type: list
  elements: dict
  sample:
    - code: ARCH_UNSUPPORTED_IMAGES
      severity: error
      subject: install CozyStack on https://192.0.2.101:6443
      message: the operator's image is not built for arm64
      remedy: Set operator_image to an image for arm64.
      evidence: {}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url

from ..module_utils._cozystack.catalog.packages import PROFILES
from ..module_utils._cozystack.catalog.releases import DEFAULT
from ..module_utils._cozystack.names import LEGACY_VARIANTS, VARIANTS
from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._kubernetes.module import api_of, api_options
from ..module_utils._libraries import require

MISSING: ImportError | None = None
try:
    from ..module_utils._cozystack.install import steps
    from ..module_utils._kubernetes.apply import diffs
except ImportError as error:
    MISSING = error

ARGUMENT_SPEC: dict[str, dict[str, Any]] = api_options(
    state={"type": "str", "choices": ["present", "absent"], "default": "present"},
    version={"type": "str", "default": DEFAULT},
    variant={"type": "str", "choices": [*VARIANTS, *LEGACY_VARIANTS], "default": "isp-full"},
    profile={"type": "str", "choices": list(PROFILES), "default": "full"},
    disabled_packages={"type": "list", "elements": "str", "default": []},
    enabled_packages={"type": "list", "elements": "str", "default": []},
    metallb_enabled={"type": "bool", "default": False},
    host={"type": "str"},
    api_server_endpoint={"type": "str"},
    exposed_services={"type": "list", "elements": "str", "default": []},
    external_ips={"type": "list", "elements": "str", "default": []},
    control_plane_ips={"type": "list", "elements": "str", "default": []},
    telemetry_enabled={"type": "bool", "default": True},
    values={"type": "dict", "default": {}},
    operator_image={"type": "str"},
    platform_source_url={"type": "str"},
    platform_source_ref={"type": "str"},
    # The name of a Secret is not secret.
    platform_source_secret={"type": "str", "no_log": False},
    manifest={"type": "str"},
    manifest_checksum={"type": "str"},
    crds_manifest={"type": "str"},
    crds_manifest_checksum={"type": "str"},
    allow_unsupported_architecture={"type": "bool", "default": False},
    adopt={"type": "bool", "default": False},
    runtime_classes={"type": "dict", "default": {}},
    force={"type": "bool", "default": False},
    wait_timeout={"type": "float", "default": 300},
)


def fetcher(module: AnsibleModule) -> Any:
    """Return a function that fetches a URL with Ansible's proxy and certificate settings."""

    def fetch(url: str) -> bytes:
        response, info = fetch_url(module, url, timeout=30)
        if info["status"] != 200:
            text = f"{info['msg']}. Check the URL, or use a file instead (manifest, crds_manifest)"
            raise InputError(f"Failed to fetch {url}: {text}.", code="DOWNLOAD_FAILED")
        return bytes(response.read())

    return fetch


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require(module, MISSING)
    try:
        api = api_of(module.params)
        ensure = steps.ensure_present if module.params["state"] == "present" else steps.ensure_absent
        outcome = ensure(api, steps.plan_of(module.params, fetcher(module)), check_mode=module.check_mode)
    except ImportError as error:
        require(module, error)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**outcome.result(), **({"diff": diffs(outcome.changes)} if module._diff else {}))


if __name__ == "__main__":
    main()
