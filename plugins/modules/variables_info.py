#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: variables_info
short_description: List all problems of the variables of this collection's roles
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
description:
  - Validates the variables of a play by the argument specs of all roles of this collection, including roles that the
    play does not use.
  - Finds variables that begin with the name of one of these roles and that no role reads, such as misspelt ones.
  - Finds invalid values, as far as possible without requests to AWS, registries or hosts.
  - Finds variables that are passed with C(-e) and would replace a value that the playbook sets.
  - Finds names that are passed with C(-e) and are one letter away from an input of the playbook or from a variable of
    a role, such as C(expire) for C(expires). One letter is missing, added or another one, or two neighbours are
    exchanged. Names with less than four characters, another digit or more differences are taken for your own.
  - Finds inputs of the playbook that are passed with C(-e) and empty, as an unset variable of a shell leaves them.
  - Finds variables on the command line that the playbook ignores.
  - Finds tags of the run that no task of this collection's playbooks has, unless other playbooks are run as well. Of
    the tags to skip, only those of phases are allowed.
  - Returns all problems at once, each with its remedy. It does not fail because of them.
options:
  others:
    description:
      - Names of variables of other roles that begin like those of this collection, a list with file name wildcards.
      - Another value than a list is reported as a problem of its variable.
    type: raw
    default: []
  of_the_playbook:
    description:
      - The values of variables that the playbook sets itself.
      - What is passed with C(-e) takes precedence over them, so another value of one of these variables is a problem.
    type: dict
    default: {}
  inputs:
    description:
      - Variables of the playbook whose default does more than a value, with the remedy if one of them is passed with
        C(-e) and empty.
    type: dict
    default: {}
  ignored:
    description:
      - Variables that the playbook does not read, each with a remedy. One that is passed with C(-e) and a value on the
        command line is a problem.
      - In a file of variables they are allowed, because other playbooks read them.
    type: dict
    default: {}
  names:
    description: The inputs of the playbook that do not begin with the name of a role, such as C(expires).
    type: list
    elements: str
    default: []
  builds:
    description:
      - Whether the playbook builds the cluster. The description of the cluster is then checked as well, as
        M(urmanac.talos.ec2_preflight_info) and the role C(preflight) do, as far as this needs no request.
      - This includes the limits of costs that are enforced, nodes without an image, and the settings of Tailscale.
    type: bool
    default: false
attributes:
  check_mode:
    details:
      - Validates in check mode as well.
seealso:
  - module: urmanac.talos.ec2_preflight_info
"""

EXAMPLES = r"""
- name: Check the variables
  urmanac.talos.variables_info:
    others: [network_interfaces, "nodes_exporter_*"]
  register: variables

- name: Fail if a variable is wrong
  ansible.builtin.assert:
    that: variables.problems | length == 0
    fail_msg: "{{ variables.problems | urmanac.talos.findings('numbered', ['subject']) }}"
"""

RETURN = r"""
problems:
  description: All problems, in the form of RV(urmanac.talos.ec2_preflight_info#module:problems).
  returned: always
  type: list
  elements: dict
  sample:
    - code: VARIABLE_UNKNOWN
      severity: error
      subject: cluster_nodse
      message: No role has a variable of this name.
      remedy: Did you mean cluster_nodes?
      evidence: {}
typed:
  description: Whether all values are of the right type, so that roles and modules can take them.
  returned: always
  type: bool
  sample: true
cluster:
  description:
    - The description of the cluster with the defaults of variables that cannot be used, so that AWS can be called.
    - V(null) if all variables can be used, or if there is no such description.
  returned: always
  type: dict
  sample:
    name: moon
    region: eu-west-1
"""
