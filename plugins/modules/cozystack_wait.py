#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cozystack_wait
version_added: 0.1.0
short_description: Wait until CozyStack is ready or blocked
description:
  - Reads the installation repeatedly, and prints a line when something changes.
  - CozyStack counts as ready after two consecutive readings, because releases are created in waves.
  - Releases that users have created do not count.
  - It counts as blocked if nothing changes for O(blocked_after) seconds. Then all causes are returned.
  - Ends after O(timeout) seconds at the latest.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
attributes:
  action:
    description: Runs on the controller; M(urmanac.talos.cozystack_info) runs on the task's host.
    support: full
  check_mode:
    details:
      - In check mode it reads once and does not fail, because CozyStack may not be installed yet.
options:
  kubeconfig:
    description: Kubeconfig on the task's host. By default, E(KUBECONFIG) or C(~/.kube/config).
    type: path
  context:
    description: Context of O(kubeconfig). By default, its current one.
    type: str
  proxy:
    description: Proxy for requests to the API. By default, that of the kubeconfig.
    type: str
  expect:
    description:
      - What counts as success.
      - With V(ready) it fails as soon as the installation is blocked, with V(blocked) when it is ready.
      - With V(any) both results are a success.
    type: str
    choices: [ready, blocked, any]
    default: ready
  timeout:
    description: Maximum duration of the wait in seconds.
    type: float
    default: 3600
  interval:
    description: Seconds between two readings.
    type: float
    default: 10
  blocked_after:
    description:
      - Seconds without a change before the installation counts as blocked.
      - Flux tries a release for ten minutes before it retries. With a smaller value, a slow release counts as blocked.
    type: float
    default: 900
  api_timeout:
    description: Timeout of each request to the API in seconds.
    type: float
    default: 30
  history:
    description:
      - A JSON file on the controller that records the number of releases over time.
      - A later run appends to it. The history restarts if the installation was removed.
    type: path
  unchanged:
    description:
      - Set it to V(true) if nothing was applied since the wait that wrote O(history).
      - If that wait ended with V(ready) or V(blocked), and nodes, pods, releases and causes are still the same, this
        wait ends after its first reading.
    type: bool
    default: false
  plan:
    description: What is to be installed; see O(urmanac.talos.cozystack_info#module:plan).
    type: dict
requirements:
  - kubernetes >= 24.2
  - PyYAML
"""

EXAMPLES = r"""
- name: Wait until CozyStack is ready
  urmanac.talos.cozystack_wait:
    kubeconfig: ~/.kube/config

- name: Accept a blocked installation on small machines
  urmanac.talos.cozystack_wait:
    kubeconfig: ~/.kube/config
    expect: any
    history: ./report/releases.json
  register: cozystack
"""

RETURN = r"""
outcome:
  description: V(ready), V(blocked), or V(timeout) if the installation still made progress at the timeout.
  returned: always
  type: str
  sample: blocked
cozystack:
  description: The last reading; see M(urmanac.talos.cozystack_info) for its keys.
  returned: always
  type: dict
  sample:
    ready: false
    phase: releases
    summary: "44 of 89 releases ready (releases); blocker: INSUFFICIENT_MEMORY: 6 pods wait for memory"
    codes: [INSUFFICIENT_MEMORY]
elapsed:
  description: Duration of the wait in seconds.
  returned: always
  type: float
  sample: 1284.2
history:
  description: Number of releases over time, as recorded in O(history).
  returned: always
  type: list
  elements: dict
  sample:
    - time: "2026-01-02T03:04:05+00:00"
      phase: releases
      expected: 89
      present: 61
      ready: 44
      unschedulable: 6
      blockers: ["cozy-linstor/linstor (InstallFailed)"]
"""
