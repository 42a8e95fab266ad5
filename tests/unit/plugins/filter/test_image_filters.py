# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter import foreign_images, node_images

NAME = "ghcr.io/cozystack/cozystack/cozystack-operator:v1.6.2"


@pytest.mark.parametrize(
    ("error", "codes"),
    [
        pytest.param(None, [], id="built for the nodes"),
        pytest.param(
            {"code": "IMAGE_NO_SUCH_PLATFORM", "message": "it is for amd64"}, ["ARCH_UNSUPPORTED_IMAGES"], id="not"
        ),
        pytest.param({"code": "IMAGE_UNREACHABLE", "message": "timeout"}, [], id="unknown"),
    ],
)
def test_an_image_that_the_nodes_cannot_run_is_a_finding(error: dict[str, str] | None, codes: list[str]) -> None:
    found = foreign_images.FilterModule().filters()["foreign_images"]([{"image": NAME, "error": error}])

    assert [one["code"] for one in found] == codes
    assert all((one["subject"], one["message"]) == (NAME, "it is for amd64") for one in found)


def test_the_images_of_the_nodes_are_those_of_their_roles_each_once() -> None:
    nodes = [{"role": "compute"}, {"role": "gateway"}, {"role": "compute"}]
    images: dict[str, Any] = {
        "gateway": "r.example/a",
        "compute": "https://r.example/metal.raw",
        "other": "r.example/c",
    }
    named = node_images.FilterModule().filters()["node_images"]

    assert named(nodes, images) == ["https://r.example/metal.raw", "r.example/a"]
    assert named(nodes, {**images, "compute": ""}) == ["r.example/a"]
