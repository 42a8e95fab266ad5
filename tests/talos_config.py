# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secrets bundle and a cluster for tests."""

from __future__ import annotations

from functools import cache

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import Bundle, to_document
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.cluster import ClusterConfig
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.secrets import new_bundle
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text

CLUSTER = ClusterConfig("example", "https://192.0.2.101:6443", "1.34.0", install_disk="/dev/nvme0n1")


@cache
def test_bundle() -> Bundle:
    """Return one bundle for the whole test run: its RSA key takes a second."""
    return new_bundle()


test_bundle.__test__ = False  # type: ignore[attr-defined]


def bundle_text() -> str:
    """Return that bundle as the text of its file."""
    return yaml_text.dump_plain(to_document(test_bundle()))
