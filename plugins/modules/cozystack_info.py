#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the progress of an installation of CozyStack, and what blocks it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cozystack_info
version_added: 0.1.0
short_description: Read the progress of an installation of CozyStack, and what blocks it
description:
  - Reads packages, releases, pods, nodes and storage through the Kubernetes API, and returns what the others wait for.
  - Works without an installation, and does not fail if the API server is down or answers only in part.
    What could not be read is in RV(api.missing).
  - Fails if only the user can fix the cause, such as a kubeconfig that is missing, expired or of another cluster.
  - Reads lists in pages and does not keep them, so that thousands of pods need little memory.
    Of each kind of problem the first 50 are returned.
  - Reads events, and the last 100 lines of at most 12 logs, one per owner of pods and container, only if the status of
    a pod does not contain the cause. Of a log only the lines that name the cause are returned, without stack traces,
    usage texts and text that looks like a secret.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.kubernetes
  - urmanac.talos.attributes.reads_only
options:
  settled:
    description:
      - Whether the installation makes no more progress. Then everything that is not ready counts as stuck.
      - M(urmanac.talos.cozystack_wait) sets it, because it compares several readings.
    type: bool
    default: false
  plan:
    description:
      - What is to be installed. With it, RV(outlook) predicts the problems that the installation has not reached yet.
      - The prediction is that of M(urmanac.talos.cozystack_forecast), but for the actual nodes.
    type: dict
    suboptions:
      profile:
        description: How much of the platform is installed.
        type: str
        choices: [full, novirt, core, slim]
        default: full
      disabled_packages:
        description: Packages to leave out in addition to those of the profile.
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
        description: The instance types of the nodes by their names. C(/dev/kvm) is not predicted for other nodes.
        type: dict
        default: {}
"""

EXAMPLES = r"""
- name: Read the progress of CozyStack
  urmanac.talos.cozystack_info:
    kubeconfig: ~/.kube/config
  register: cozystack

- name: Show the progress and what blocks it
  ansible.builtin.debug:
    msg: "{{ cozystack.summary }}"
"""

RETURN = r"""
ready:
  description:
    - Whether everything that the platform installs exists and is ready, and every node is ready.
    - Releases that users have created do not count.
  returned: always
  type: bool
  sample: false
blocked:
  description: Whether something blocks the installation that waiting does not fix.
  returned: always
  type: bool
  sample: true
phase:
  description:
    - The phase of the installation. V(unreachable), V(absent), V(operator), V(flux), V(source), V(packages),
      V(releases), V(tenant) or V(ready).
    - V(source) also if all releases are ready, but a new version of the packages cannot be fetched.
    - V(packages) to V(tenant) wait for what RV(root_blockers) names.
  returned: always
  type: str
  sample: releases
summary:
  description: The state of the installation in one line.
  returned: always
  type: str
  sample: "44 of 89 releases ready (releases); blocker: INSUFFICIENT_MEMORY: 6 pods wait for memory: cozy-linstor/lin-0"
api:
  description: The API that was read, and what could not be read.
  returned: always
  type: dict
  contains:
    server:
      description: The address of the API.
      type: str
      sample: https://192.0.2.101:6443
    reachable:
      description: Whether it answered at all.
      type: bool
      sample: true
    version:
      description: The version of Kubernetes.
      type: str
      sample: v1.33.12
    missing:
      description: What could not be read, each with the reason.
      type: dict
      sample:
        pods: no answer within 30 s
releases:
  description: The HelmReleases of the platform, which packages, the root tenant and its modules create.
  returned: always
  type: dict
  contains:
    expected:
      description:
        - How many there will be, including those of the tenant that are known.
        - It is null until the platform has listed its packages.
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
      description: Those that are not ready. C(root) marks those for which others wait.
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
    others:
      description:
        - The releases that users have created and that are not ready.
        - They do not count in the other values, and never block. A warning names those that failed.
      type: list
      elements: dict
      sample:
        - namespace: default
          name: podinfo
          package: ""
          reason: InstallFailed
          message: "Helm install failed: context deadline exceeded"
          since: "2026-01-02T03:04:05Z"
          failures: 3
          blocked_by: []
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
      description: Those that are not ready, with the packages for which they wait.
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
    - What the installation waits for now and what does not wait for anything else, sorted by how much it blocks.
    - C(fails) is true if it was tried and failed, and false if it is still in progress.
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
  description: A summary of all pods that have not finished.
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
      description: How many of them cannot be scheduled on any node.
      type: int
      sample: 6
    unschedulable:
      description:
        - The first of those, with their requests and the number of nodes that lack each resource.
        - C(message) is that of the scheduler. Since Kubernetes 1.35 it names no taints; those of the nodes are added.
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
      description: The first containers that repeatedly exit, also if they are ready at the moment.
      type: list
      elements: dict
      sample: []
nodes:
  description: The nodes, with the reserved capacity of each. C(kvm) is null if no device plugin has reported.
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
    - The capacity that the waiting pods request beyond the free capacity of all nodes together.
    - A pod may also wait without a deficit, because the free capacity of each single node is too small for it.
  returned: always
  type: dict
  sample: {cpu_m: 0, memory_mib: 2600, pods: 0}
images:
  description:
    - The images that do not start, and why.
    - With V(no_matching_manifest) and V(exec_format) the image is for another architecture than that of the node.
    - V(exec_format) comes from the last lines of a container's log, as neither its status nor an event has it.
    - V(rate_limited), V(pull_denied), V(not_found), V(timeout), V(registry_error), V(tls) and V(no_space) are reasons
      why an image cannot be pulled. V(pull_failed) stands for other reasons.
    - C(message) leaves out the name of the image, which the kubelet repeats in each part of it.
  returned: always
  type: list
  elements: dict
  sample:
    - image: ghcr.io/cozystack/cozystack/cozystack-operator:v1.6.2
      cause: exec_format
      pods: 1
      message: "exec /cozystack-operator: exec format error"
oom:
  description:
    - The first containers that the kernel or Talos killed because memory ran out, also if they are ready at the moment.
    - If a container has run well since, it is listed for a day, and without the reason OOMKilled for an hour.
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
  description: Storage classes and pools, and the claims that are pending.
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
    - Everything that blocks the installation, with the codes of the forecast. What to read first comes first - errors
      before warnings, and among the errors nodes and etcd, then known causes, the one that holds back most releases
      first, then what only waits. The report has the same order in all its formats.
    - The severity V(error) blocks the installation; V(warning) does not. Problems of pods that no part of the
      installation waits for are warnings.
    - L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md) explains each code.
  returned: always
  type: list
  elements: dict
  sample:
    - code: INSUFFICIENT_MEMORY
      severity: error
      subject: nodes
      message: "6 pods wait for memory: cozy-linstor/linstor-controller-0"
      remedy: Use a larger instance type or more nodes; playbooks/forecast.yml shows the smallest change that fits.
      evidence: {pods: 6}
outlook:
  description: The further problems that O(plan) will have on these machines, in the format of RV(verdicts).
  returned: always
  type: list
  elements: dict
  sample: []
codes:
  description: The codes of RV(verdicts) and RV(outlook), without duplicates.
  returned: always
  type: list
  elements: str
  sample: [INSUFFICIENT_MEMORY]
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._cozystack.catalog.packages import PROFILES
from ..module_utils._cozystack.catalog.releases import DEFAULT
from ..module_utils._errors import CollectionError, failure_of
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
    "profile": {"type": "str", "choices": list(PROFILES), "default": "full"},
    "disabled_packages": {"type": "list", "elements": "str", "default": []},
    "images_arm64": {"type": "raw", "default": False},
    "version": {"type": "str", "default": DEFAULT},
    "data_disk": {"type": "bool", "default": False},
    "instance_types": {"type": "dict", "default": {}},
}
ARGUMENT_SPEC: dict[str, dict[str, Any]] = api_options(
    settled={"type": "bool", "default": False},
    plan={"type": "dict", "options": PLAN},
)


def look(api: Api, *, settled: bool, plan: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the account of the installation in a cluster."""
    return account(read_cluster(api), settled=settled, planned=planned_of(plan))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require(module, MISSING)
    try:
        found = look(api_of(module.params), settled=module.params["settled"], plan=module.params["plan"])
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
