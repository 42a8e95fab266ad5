# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all modules for registries share."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment of the modules that look up images."""

    DOCUMENTATION = r"""
options:
  mirrors:
    description:
      - Registries with another address, such as that of a cache. Requests are then only sent to the mirror, not to the
        registry itself.
      - An C(http://) address is used without TLS.
    type: dict
    default: {}
  docker_config:
    description:
      - The path of a file with logins, as C(docker login) writes it. A missing file means no login.
      - Without it the file is in the directory E(DOCKER_CONFIG), or in C(~/.docker). Credential helpers are not run.
    type: path
  timeout:
    description: Timeout of each image in seconds, including pauses between attempts.
    type: float
    default: 30
  attempts:
    description:
      - How often a request is sent if the registry returns an error (5xx), limits the rate (429) or closes the
        connection. The pauses get longer, or are as long as the registry says.
    type: int
    default: 4
"""
