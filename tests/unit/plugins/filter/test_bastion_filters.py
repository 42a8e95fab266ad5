# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.bastion_health import FilterModule as Health
from ansible_collections.urmanac.talos.plugins.filter.bastion_images import FilterModule as Images
from ansible_collections.urmanac.talos.plugins.module_utils._bastion.services import services
from tests.bastion import SETTINGS

bastion_health = Health().filters()["bastion_health"]
bastion_images = Images().filters()["bastion_images"]
DIGEST, OTHER = f"registry@sha256:{'a' * 64}", f"nginx@sha256:{'b' * 64}"
CLOCK = {"check": "clock", "healthy": True, "detail": "0 s"}
DISK = {"check": "disk", "healthy": False, "detail": "3 % free"}


def interface(*, drops: bool = False, status: str = "in-use") -> dict[str, Any]:
    """Return a network interface as ec2_eni_info returns it."""
    return {"id": "eni-1", "status": status, "source_dest_check": drops}


def test_an_image_without_a_digest_is_looked_up_once() -> None:
    answer = bastion_images({"cache": "registry:2", "mirror": "registry:2", "web": OTHER}, "arm64", {})

    del answer["planned"]
    assert answer == {"images": {"web": OTHER}, "unknown": ["registry:2"], "record": {}}


def test_a_plan_has_every_image_with_a_digest_of_the_right_length() -> None:
    planned = bastion_images({"cache": "registry:2", "mirror": "mirror:2", "web": OTHER}, "arm64", {})["planned"]

    digests = {name: image.partition("@sha256:")[2] for name, image in planned.items()}
    assert planned["web"] == OTHER
    assert {len(digest) for digest in digests.values()} == {64}
    # Different ones, which are not shorter after compression than those that they stand for.
    assert len(set(digests.values())) == 3


@pytest.mark.parametrize(
    ("enabled", "used"),
    [
        pytest.param({}, {"nginx", "registry"}, id="on AWS"),
        pytest.param({"dns_enabled": "false", "netboot_enabled": "no"}, {"nginx", "registry"}, id="as text"),
        pytest.param({"dns_enabled": True}, {"dnsmasq", "nginx", "registry"}, id="DNS"),
        pytest.param({"netboot_enabled": True}, {"dnsmasq", "matchbox", "nginx", "registry"}, id="network boot"),
    ],
)
def test_only_the_images_of_containers_that_run_are_looked_up(enabled: dict[str, bool | str], used: set[str]) -> None:
    given = {name: f"{name}:1" for name in ("dnsmasq", "matchbox", "nginx", "registry")}

    answer = bastion_images(given, "arm64", {}, **enabled)

    assert answer["unknown"] == sorted(f"{name}:1" for name in used)
    settings = {**SETTINGS, "images": given, **{name: value is True for name, value in enabled.items()}}
    assert {service.image for service in services(settings)} == {*answer["unknown"]}


def test_a_recorded_digest_is_used_for_its_architecture_alone() -> None:
    record = {"arm64 registry:2": DIGEST}

    here = bastion_images({"cache": "registry:2"}, "arm64", record)
    elsewhere = bastion_images({"cache": "registry:2"}, "amd64", record)

    assert (here["images"], here["unknown"]) == ({"cache": DIGEST}, [])
    assert (elsewhere["images"], elsewhere["unknown"]) == ({}, ["registry:2"])


def test_what_was_found_is_used_and_added_to_the_record() -> None:
    found = [{"image": "registry:2", "resolved": DIGEST}]

    answer = bastion_images({"cache": "registry:2"}, "arm64", {"amd64 nginx:1": OTHER}, found)

    assert answer["images"] == {"cache": DIGEST}
    assert answer["record"] == {"amd64 nginx:1": OTHER, "arm64 registry:2": DIGEST}


def test_failed_checks_are_named_and_printed_last() -> None:
    answer = bastion_health([DISK, CLOCK])

    assert (answer["healthy"], answer["failed"]) == (False, ["disk"])
    assert answer["lines"] == ["  ok      clock: 0 s", "- FAILED  disk: 3 % free", "NOT HEALTHY"]


def test_what_aws_was_not_asked_is_not_checked() -> None:
    answer = bastion_health([CLOCK])

    assert (answer["healthy"], answer["checks"], answer["lines"][-1]) == (True, [CLOCK], "healthy")


@pytest.mark.parametrize(
    ("interfaces", "detail"),
    [
        pytest.param([], "none is attached", id="none"),
        pytest.param([interface(status="available")], "none is attached", id="not attached"),
        pytest.param([interface(drops=True)], "eni-1, which drops forwarded packets", id="source check on"),
    ],
)
def test_an_interface_that_forwards_nothing_is_a_failure(interfaces: list[dict[str, Any]], detail: str) -> None:
    answer = bastion_health([CLOCK], interfaces)

    assert answer["failed"] == ["network interface"]
    assert answer["checks"][-1]["detail"] == detail


def test_deviations_of_the_audit_are_a_failure() -> None:
    closed = bastion_health([], [interface()], [])
    opened = bastion_health([], [interface()], [{"message": "22 is open"}, {"message": "6443 is open"}])

    assert closed["healthy"]
    assert opened["failed"] == ["fail-closed"]
    assert opened["lines"][1] == "- FAILED  fail-closed: 22 is open; 6443 is open"


def test_a_tag_beside_a_digest_is_left_out() -> None:
    answer = bastion_images({"web": f"host:5000/nginx:1@sha256:{'b' * 64}"}, "arm64", {})

    assert answer["images"] == {"web": f"host:5000/nginx@sha256:{'b' * 64}"}
