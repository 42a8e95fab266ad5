#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_session
short_description: Record a cluster's existing resources in the journal of sessions
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
description:
  - A session is the time from a build to the removal or the stop of a cluster. M(urmanac.talos.report_phase) begins it.
  - The journal is a directory with a JSON file for each session, which only its owner can read. Each file is written
    atomically. Its form is that of C(roles/report/files/session.schema.json) in this collection.
  - A session that is open goes on, also after a run that was killed. A cluster that runs without a session gets one.
  - Warns about files that cannot be read, and does not change them. It never fails, so that neither a build nor a
    removal ends because of the journal.
options:
  directory:
    description: Directory of the journal. It is created if it does not exist.
    type: path
    required: true
  state:
    description:
      - V(observed) adds what O(reading) found to the session.
      - V(stopped) and V(removed) end the session. What its last reading found counts until now, so read before you stop
        or remove anything.
      - V(removed) after V(stopped) ends the costs of what a stopped cluster keeps.
    type: str
    choices: [observed, removed, stopped]
    default: observed
  cluster:
    description: The description of the cluster, as M(urmanac.talos.ec2_cluster_info) takes it. Required to see.
    type: dict
  reading:
    description:
      - The result of M(urmanac.talos.ec2_cluster_info). Without it, nothing is added.
      - An open session is counted no longer than until its RV(urmanac.talos.ec2_cluster_info#module:hours.end).
        If that is empty and nodes run, the session has no such end.
    type: dict
    default: {}
  images:
    description: The described image of each node role.
    type: dict
    default: {}
  images_record:
    description: The recorded image of each node role, with its digest.
    type: dict
    default: {}
  report:
    description: The report, as P(urmanac.talos.cluster_report#filter) returns it, which ends the run of the session.
    type: dict
    default: {}
attributes:
  check_mode:
    details:
      - Writes nothing in check mode.
  idempotent:
    details:
      - Never reports a change. Each call writes the time of the reading.
seealso:
  - module: urmanac.talos.cluster_session_info
"""

EXAMPLES = r"""
- name: Write down what exists
  urmanac.talos.cluster_session:
    directory: "{{ cluster_directory }}/sessions"
    cluster: "{{ cluster_spec }}"
    reading: "{{ cluster_reading }}"

- name: Write down that everything was deleted
  urmanac.talos.cluster_session:
    directory: "{{ cluster_directory }}/sessions"
    state: removed
"""

RETURN = r"""
"""
