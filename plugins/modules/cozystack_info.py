#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell how far an installation of CozyStack is, and what is in its way."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cozystack_info
version_added: 0.1.0
short_description: Read how far an installation of CozyStack is, and what blocks it
description:
  - Reads packages, releases, pods, nodes and storage through the Kubernetes API, and tells what the others wait for.
  - Works where nothing is installed, and never fails because of an API server that is away or half dead.
    What could not be read is in RV(api.missing).
  - Fails where only the user can fix it, such as a kubeconfig that is missing, expired or of another cluster.
  - Lists are read in pages and forgotten, so that thousands of pods take no memory.
    Of each kind of trouble the first 50 are returned.
  - Reads events, and the last lines of at most 12 logs, only where the status of a pod does not say what is wrong.
    What looks like a secret in those lines is not returned.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.kubernetes
  - urmanac.talos.attributes.reads_only
options:
  settled:
    description:
      - Whether it is known that nothing moves any more. Then what is not ready counts as stuck.
      - M(urmanac.talos.cozystack_wait) knows it, because it looks more than once.
    type: bool
    default: false
  plan:
    description:
      - What is to be installed. With it, what the installation has not reached yet is predicted (RV(outlook)), as
        M(urmanac.talos.cozystack_forecast) would, but for the nodes as they really are.
    type: dict
    suboptions:
      profile:
        description: How much of the platform is installed.
        type: str
        choices: [full, novirt, core, slim]
        default: full
      disabled_packages:
        description: Packages that are left out besides those of the profile.
        type: list
        elements: str
        default: []
      images_arm64:
        description: Whether the images are built for arm64, as O(urmanac.talos.cozystack_forecast#module:images_arm64).
        type: raw
        default: false
      version:
        description: The release of CozyStack.
        type: str
        default: v1.6.2
      data_disk:
        description: Whether every node has a second disk, for LINSTOR.
        type: bool
        default: false
      instance_types:
        description: The instance types of the nodes by their names. Without one nothing is said of its C(/dev/kvm).
        type: dict
        default: {}
"""

EXAMPLES = r"""
- name: See how far CozyStack is
  urmanac.talos.cozystack_info:
    kubeconfig: ~/.kube/config
  register: cozystack

- name: Show what is in its way
  ansible.builtin.debug:
    msg: "{{ cozystack.summary }}"
"""

RETURN = r"""
ready:
  description: Whether all that the platform installs is there and ready, and every node with it.
  returned: always
  type: bool
  sample: false
blocked:
  description: Whether something is in the way that waiting does not fix.
  returned: always
  type: bool
  sample: true
phase:
  description:
    - How far it is. V(unreachable), V(absent), V(operator), V(flux), V(source), V(packages), V(releases), V(tenant)
      or V(ready).
    - V(packages) to V(tenant) wait for what RV(root_blockers) names.
  returned: always
  type: str
  sample: releases
summary:
  description: All of it in one line.
  returned: always
  type: str
  sample: "44 of 89 releases ready (releases); blocker: INSUFFICIENT_MEMORY: 6 pods wait for memory: cozy-linstor/lin-0"
api:
  description: The API that was asked, and what it did not tell.
  returned: always
  type: dict
  contains:
    server:
      description: Its address.
      type: str
      sample: https://192.0.2.101:6443
    reachable:
      description: Whether it answered at all.
      type: bool
      sample: true
    version:
      description: Its version.
      type: str
      sample: v1.33.12
    missing:
      description: What could not be read, each with the reason.
      type: dict
      sample:
        pods: no answer within 30 s
releases:
  description: The HelmReleases.
  returned: always
  type: dict
  contains:
    expected:
      description:
        - How many there will be, the tenant's own included as far as they are known.
        - Nothing as long as the platform has not said which packages there are.
      type: int
      sample: 91
    present:
      description: How many there are.
      type: int
      sample: 61
    ready:
      description: How many are ready.
      type: int
      sample: 44
    not_ready:
      description: Those that are not. C(root) marks those that the others wait for.
      type: list
      elements: dict
      sample:
        - namespace: cozy-linstor
          name: linstor
          package: cozystack.linstor
          reason: InstallFailed
          message: "Helm install failed: context deadline exceeded"
          since: "2026-01-02T03:04:05Z"
          failures: 2
          blocked_by: []
          root: true
packages:
  description: The Packages. A package is ready as soon as its releases exist.
  returned: always
  type: dict
  contains:
    total:
      description: How many there are.
      type: int
      sample: 75
    ready:
      description: How many are ready.
      type: int
      sample: 60
    not_ready:
      description: Those that are not, with the packages that they wait for.
      type: list
      elements: dict
      sample:
        - name: cozystack.velero
          variant: default
          reason: DependenciesNotReady
          message: ""
          dependencies_missing: [cozystack.monitoring-agents]
root_blockers:
  description:
    - What the installation waits for now, and itself waits for nothing else, those first that hold back most.
    - C(fails) tells what was tried and went wrong from what is at work.
  returned: always
  type: list
  elements: dict
  sample:
    - kind: HelmRelease
      namespace: cozy-linstor
      name: linstor
      reason: InstallFailed
      message: "Helm install failed: context deadline exceeded"
      since: "2026-01-02T03:04:05Z"
      fails: true
      holds_back: 2
pods:
  description: What all pods come to that are not done.
  returned: always
  type: dict
  contains:
    total:
      description: How many there are.
      type: int
      sample: 109
    phases:
      description: How many there are in each phase.
      type: dict
      sample: {Running: 103, Pending: 6}
    unschedulable_total:
      description: How many of them no node takes.
      type: int
      sample: 6
    unschedulable:
      description: The first of those that no node takes, what they ask for, and how many nodes lack what.
      type: list
      elements: dict
      sample:
        - namespace: cozy-linstor
          pod: linstor-controller-0
          owner: StatefulSet/linstor-controller
          release: linstor
          requests: {cpu_m: 250, memory_mib: 700}
          message: "0/3 nodes are available: 3 Insufficient memory."
          lacking: {memory: 3}
    crashing:
      description: The first containers that end again and again.
      type: list
      elements: dict
      sample: []
nodes:
  description: The nodes, with what is reserved of each. C(kvm) is nothing where no device plugin has reported.
  returned: always
  type: list
  elements: dict
  sample:
    - name: gateway
      architecture: arm64
      ready: true
      reason: ""
      capacity: {cpu_m: 2000, memory_mib: 3900, pods: 512}
      allocatable: {cpu_m: 1950, memory_mib: 3288, pods: 512, disk_gib: 44}
      requested: {cpu_m: 1890, memory_mib: 3100, pods: 31}
      free: {cpu_m: 60, memory_mib: 188, pods: 481}
      pressures: []
      taints: []
      kvm: 0
      instance_type: ""
      control_plane: true
deficit:
  description:
    - What the waiting pods ask for beyond what all nodes together have free.
    - What is free may also be in pieces that are too small for a pod.
  returned: always
  type: dict
  sample: {cpu_m: 0, memory_mib: 2600, pods: 0}
images:
  description:
    - The images that do not start, and why.
    - V(no_matching_manifest) and V(exec_format) are of another architecture than the node. The second is known from
      the last lines of a container's log, because neither its status nor an event says it.
    - V(rate_limited), V(pull_denied), V(not_found), V(timeout), V(tls) and V(no_space) are why it cannot be pulled, and
      V(pull_failed) is for other reasons.
  returned: always
  type: list
  elements: dict
  sample:
    - image: ghcr.io/cozystack/cozystack/cozystack-operator:v1.6.2
      cause: exec_format
      pods: 1
      message: "exec /cozystack-operator: exec format error"
oom:
  description: The first containers that were killed because memory ran out, by the kernel or by Talos.
  returned: always
  type: list
  elements: dict
  sample:
    - namespace: cozy-monitoring
      pod: vpa-updater-5d7b8f-x2x4z
      owner: Deployment/vpa-updater
      release: vertical-pod-autoscaler
      container: updater
      restarts: 4
      exit_code: 137
      message: ""
virtualization:
  description: Whether any node can run virtual machines, as far as KubeVirt's device plugin has reported.
  returned: always
  type: dict
  sample: {kvm: false, nodes: {gateway: 0}}
storage:
  description: What volumes can be made of, and which wait.
  returned: always
  type: dict
  sample:
    classes: [local, replicated]
    default_class: replicated
    linstor_classes: [local, replicated]
    pools: [data]
    claims_pending: []
verdicts:
  description:
    - Everything that is in the way, with the codes of the forecast, causes before consequences.
    - L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md) explains each code.
  returned: always
  type: list
  elements: dict
  sample:
    - code: INSUFFICIENT_MEMORY
      subject: nodes
      message: "6 pods wait for memory: cozy-linstor/linstor-controller-0"
      remedy: Take a larger instance type or more nodes; playbooks/forecast.yml shows the smallest change that fits.
      evidence: {pods: 6}
      blocks: true
outlook:
  description: What else O(plan) will meet, or cannot do on these machines, in the shape of RV(verdicts).
  returned: always
  type: list
  elements: dict
  sample: []
codes:
  description: The codes of RV(verdicts) and RV(outlook), each once.
  returned: always
  type: list
  elements: str
  sample: [INSUFFICIENT_MEMORY]
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import CollectionError
from ..module_utils._kubernetes.module import api_of, api_options
from ..module_utils._libraries import require

MISSING: ImportError | None = None
try:
    import kubernetes  # noqa: F401  # pylint: disable=unused-import

    from ..module_utils._cozystack.diagnosis.account import account
    from ..module_utils._cozystack.diagnosis.expectation import planned_of
    from ..module_utils._cozystack.diagnosis.reading import Api, read_cluster
except ImportError as error:
    MISSING = error


PLAN: dict[str, dict[str, Any]] = {
    "profile": {"type": "str", "choices": ["full", "novirt", "core", "slim"], "default": "full"},
    "disabled_packages": {"type": "list", "elements": "str", "default": []},
    "images_arm64": {"type": "raw", "default": False},
    "version": {"type": "str", "default": "v1.6.2"},
    "data_disk": {"type": "bool", "default": False},
    "instance_types": {"type": "dict", "default": {}},
}
ARGUMENT_SPEC: dict[str, dict[str, Any]] = api_options(
    settled={"type": "bool", "default": False},
    plan={"type": "dict", "options": PLAN},
)


def look(api: Api, *, settled: bool, plan: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the account of the installation behind an API."""
    return account(read_cluster(api), settled=settled, planned=planned_of(plan))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require(module, MISSING)
    try:
        found = look(api_of(module.params), settled=module.params["settled"], plan=module.params["plan"])
    except CollectionError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
