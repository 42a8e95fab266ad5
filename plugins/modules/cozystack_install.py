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
  - Applies the manifest of CozyStack's operator, and the platform's Package from which the operator makes all else.
    No helm is needed.
  - Applies the ConfigMap and the installer of old where O(version) is 0.3x.
  - It does not wait until the platform works, which takes long and may never happen. M(urmanac.talos.cozystack_wait)
    waits.
  - An installation that helm made is left to helm unless O(adopt=true).
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.kubernetes
  - urmanac.talos.attributes
attributes:
  check_mode:
    details:
      - The server is asked for a dry run. Of kinds that it does not know yet it cannot tell anything; those objects are
        shown as they are written.
  diff_mode:
    details:
      - Values whose name looks like that of a secret are not shown.
options:
  state:
    description:
      - V(present) installs.
      - V(absent) removes the operator and its rights, so that nothing is changed any more. The platform's Package, the
        packages, their releases, their data and the namespace stay, as they would with helm; deleting the Package
        would stop all workloads.
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
        V(isp-hosted) for a cluster with a network of its own, V(default) brings the sources of packages alone.
      - V(isp-hosted) is refused before v1.7, where it brings applications without the packages that they wait for.
      - CozyStack 0.3x has V(paas-full), V(paas-hosted), V(distro-full) and V(distro-hosted).
    type: str
    choices: [isp-full, isp-full-generic, isp-hosted, default, paas-full, paas-hosted, distro-full, distro-hosted]
    default: isp-full
  profile:
    description:
      - How much of the platform is installed. V(full) is everything that the variant has by default.
      - V(novirt) is without virtual machines and tenant clusters, V(core) without the bundles iaas, paas and naas,
        V(slim) without storage, backups and the like either. CozyStack 0.3x knows V(full) only.
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
    description: Whether MetalLB is installed. Its announcements go nowhere in a VPC; there, set O(external_ips).
    type: bool
    default: false
  host:
    description: Domain under which the platform publishes its services.
    type: str
  api_server_endpoint:
    description: URL of the Kubernetes API as tenants are given it.
    type: str
  exposed_services:
    description: Services that are published under O(host), such as V(dashboard).
    type: list
    elements: str
    default: []
  external_ips:
    description: Addresses at which services are published; on EC2 the nodes' private ones.
    type: list
    elements: str
    default: []
  control_plane_ips:
    description:
      - Addresses of the control planes, for Kube-OVN's database. Without them its chart looks for the nodes itself, and
        on a fresh cluster may find none.
    type: list
    elements: str
    default: []
  telemetry_enabled:
    description: Whether CozyStack sends telemetry to its developers.
    type: bool
    default: true
  values:
    description:
      - More values of the platform's chart, over all that the options above say; with 0.3x, more keys of its ConfigMap.
    type: dict
    default: {}
  operator_image:
    description: The image of the operator, if it is not the released one.
    type: str
  platform_source_url:
    description: Where the platform's packages are, such as V(oci://registry.example.com/cozystack-packages).
    type: str
  platform_source_ref:
    description: The tag or digest of the packages at that URL, such as V(tag=v1.6.2-arm64) or V(digest=sha256:…).
    type: str
  platform_source_secret:
    description: Name of a Secret in cozy-system with the credentials for O(platform_source_url).
    type: str
  manifest:
    description:
      - URL, or path where the module runs, of the operator's manifest; the release's own where this is not set.
    type: str
  manifest_checksum:
    description:
      - The checksum of this manifest, as V(sha256:) and 64 digits. It is required for a URL of plain http.
    type: str
  crds_manifest:
    description:
      - URL, or path where the module runs, of the CustomResourceDefinitions' manifest; the release's own where neither
        this nor O(manifest) is set.
      - Without one the operator has to bring them, and that is waited for. Those that are there are left to it.
    type: str
  crds_manifest_checksum:
    description: The checksum of this manifest, as V(sha256:) and 64 digits.
    type: str
  allow_unsupported_architecture:
    description: Install released images also on nodes for which they are not built, to see where it stops.
    type: bool
    default: false
  adopt:
    description:
      - Take over an installation that was made by helm or another tool.
      - Helm's own record of the release stays; never upgrade with helm afterwards.
    type: bool
    default: false
  force:
    description: Take over fields that another tool has set. Without it that is an error which names the tool.
    type: bool
    default: false
  wait_timeout:
    description: Seconds in which the CustomResourceDefinitions have to be there.
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
  description: Who had installed CozyStack before, V(none), V(urmanac.talos), V(helm) or V(other).
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
  description: Packages that are there although they are disabled; what was made once is kept.
  returned: success
  type: list
  elements: str
  sample: [cozystack.goldpinger]
disabled_packages:
  description: Packages that are left out, the profile's and the ones that were named.
  returned: success
  type: list
  elements: str
  sample: [cozystack.metallb]
code:
  description: Code of the reason why nothing was installed, the same as in forecast and diagnosis.
  returned: when the module refuses to begin
  type: str
  sample: ARCH_UNSUPPORTED_IMAGES
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url

from ..module_utils._errors import CollectionError, InputError
from ..module_utils._kubernetes.module import api_of, api_options
from ..module_utils._libraries import require

MISSING: ImportError | None = None
try:
    from ..module_utils._cozystack.install import steps
    from ..module_utils._kubernetes.apply import diffs
except ImportError as error:
    MISSING = error

_VARIANTS = ("isp-full", "isp-full-generic", "isp-hosted", "default")
_LEGACY_VARIANTS = ("paas-full", "paas-hosted", "distro-full", "distro-hosted")
ARGUMENT_SPEC: dict[str, dict[str, Any]] = api_options(
    state={"type": "str", "choices": ["present", "absent"], "default": "present"},
    version={"type": "str", "default": "v1.6.2"},
    variant={"type": "str", "choices": [*_VARIANTS, *_LEGACY_VARIANTS], "default": "isp-full"},
    profile={"type": "str", "choices": ["full", "novirt", "core", "slim"], "default": "full"},
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
    # The name of a Secret is none.
    platform_source_secret={"type": "str", "no_log": False},
    manifest={"type": "str"},
    manifest_checksum={"type": "str"},
    crds_manifest={"type": "str"},
    crds_manifest_checksum={"type": "str"},
    allow_unsupported_architecture={"type": "bool", "default": False},
    adopt={"type": "bool", "default": False},
    force={"type": "bool", "default": False},
    wait_timeout={"type": "float", "default": 300},
)


def fetcher(module: AnsibleModule) -> Any:
    """Return what fetches a URL, with Ansible's ways through proxies and to certificates."""

    def fetch(url: str) -> bytes:
        response, info = fetch_url(module, url, timeout=30)
        if info["status"] != 200:
            text = f"{info['msg']}. Check the URL, or give a file instead (manifest, crds_manifest)"
            raise InputError(f"Failed to fetch {url}: {text}.")
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
        code = getattr(error, "code", None)
        module.fail_json(msg=str(error), **({"code": str(code)} if code else {}))
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**outcome.result(), **({"diff": diffs(outcome.changes)} if module._diff else {}))


if __name__ == "__main__":
    main()
