#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cozystack_wait
version_added: 0.1.0
short_description: Wait until CozyStack is ready, or until it is known what blocks it
description:
  - Reads the installation repeatedly, and prints a line when something changes.
  - It counts as ready if two readings in a row say so, because releases are made in waves.
  - It counts as blocked if nothing has changed for O(blocked_after) seconds. Then all causes are returned.
  - Ends in any case, after O(timeout) seconds at the latest.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
attributes:
  action:
    description: Runs on the controller, and M(urmanac.talos.cozystack_info) where the task runs.
    support: full
  check_mode:
    details:
      - In check mode it looks once and does not fail, because nothing may be installed yet.
options:
  kubeconfig:
    description: Kubeconfig where the task runs; E(KUBECONFIG) or C(~/.kube/config) where this is not set.
    type: path
  context:
    description: Context of O(kubeconfig); its current one where this is not set.
    type: str
  proxy:
    description: Proxy to reach the API through; the kubeconfig's own where this is not set.
    type: str
  expect:
    description:
      - What counts as success.
      - With V(ready) it fails as soon as it is known to be blocked, with V(blocked) when it is ready.
      - With V(any) both results are a success.
    type: str
    choices: [ready, blocked, any]
    default: ready
  timeout:
    description: Seconds to wait in all.
    type: float
    default: 3600
  interval:
    description: Seconds between two looks.
    type: float
    default: 10
  blocked_after:
    description:
      - Seconds for which nothing may move before the installation counts as blocked.
      - Flux tries a release for ten minutes and then again, so with a smaller value a slow release counts as blocked.
    type: float
    default: 900
  api_timeout:
    description: Seconds that the API has for each answer.
    type: float
    default: 30
  history:
    description:
      - A file on the controller that keeps how many releases there were at which time, as JSON.
      - A later run goes on with it, and begins anew after an installation that was removed.
    type: path
  unchanged:
    description:
      - Tells that nothing was applied since the wait that O(history) is from.
      - If that wait ended with V(ready) or V(blocked), and nodes, pods, releases and causes are still the same, this
        one ends at its first look.
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
  description: V(ready), V(blocked), or V(timeout) when time was up while something still moved.
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
  description: Seconds that the wait took.
  returned: always
  type: float
  sample: 1284.2
history:
  description: How many releases there were at which time, as O(history) keeps it.
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
