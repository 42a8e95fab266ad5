# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the known facts about CozyStack's images, and of what hangs on those that are not built for arm64."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.built import (
    Built,
    lacking,
    read_built,
)
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import (
    Choice,
    disabled_by,
    installed,
)
from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError

FULL = installed(disabled_by(Choice()))


@pytest.mark.parametrize(
    ("given", "built"),
    [
        pytest.param(True, Built(others=True), id="all"),
        pytest.param("false", Built(others=False), id="none, from the command line"),
        pytest.param({"others": True, "token-proxy": False}, Built(True, {"token-proxy": False}), id="all but one"),
        pytest.param({"cilium": "yes"}, Built(False, {"cilium": True}), id="one alone"),
    ],
)
def test_the_option_takes_the_known_facts_about_all_images_or_of_each(given: Any, built: Built) -> None:
    assert read_built(given, "v1.6.2") == built


@pytest.mark.parametrize(
    ("given", "message"),
    [({"celium": True}, "has no image celium, only .*cilium"), ("perhaps", "'perhaps' is neither true nor false")],
)
def test_what_cannot_be_read_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_built(given, "v1.6.2")


def test_an_image_is_named_with_the_releases_that_run_it_and_all_that_wait_for_them() -> None:
    found = lacking(FULL, Built(True, {"token-proxy": False, "grafana-dashboards": False}))

    assert dict(found.images) == {"grafana-dashboards": ("grafana-operator",), "token-proxy": ("dashboard",)}
    # The dashboard is a release of the engine, for which nearly all applications wait; the engine's others are there.
    assert {"dashboard", "grafana-operator", "tenant-rd", "postgres-rd", "cozystack-basics"} <= set(found.releases)
    assert not {"cozystack-api", "cozystack-controller", "cilium", "cert-manager", "linstor"} & set(found.releases)


def test_without_the_network_nothing_but_definitions_gets_ready() -> None:
    found = lacking(FULL, Built(True, {"cilium": False}))

    ready = {release.name for package in FULL for release in package.releases} - set(found.releases)
    assert ready == {"gateway-api-crds", "prometheus-operator-crds"}


def test_without_the_operator_nothing_gets_ready_at_all() -> None:
    found = lacking(FULL, Built(True, {"cozystack-operator": False}))

    assert len(found.releases) == sum(len(package.releases) for package in FULL)


def test_images_of_packages_that_are_left_out_are_not_missed() -> None:
    assert lacking(FULL, Built(True, {"metallb-speaker": False})) == ({}, ())
