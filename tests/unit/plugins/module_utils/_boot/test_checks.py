# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot.checks import Request, check
from ansible_collections.urmanac.talos.plugins.module_utils._boot.facts import Facts
from ansible_collections.urmanac.talos.plugins.module_utils._boot.plan import MIB, image_of
from ansible_collections.urmanac.talos.plugins.module_utils._oci.errors import image_error
from ansible_collections.urmanac.talos.plugins.module_utils._oci.image import Image
from ansible_collections.urmanac.talos.plugins.module_utils._oci.repository import INDEXES, MANIFESTS
from tests.graviton import GRAVITON

NAME = f"10.10.0.100:5054/urmanac/talos@sha256:{'a' * 64}"
FOUND = Image(NAME, exists=True, media_type=MANIFESTS[0], platforms={"linux/arm64": "sha256:a"}, size=150 * MIB)
REQUEST = Request(image_of(NAME))


def codes(facts: Facts = GRAVITON, request: Request = REQUEST, found: Image | None = FOUND) -> list[tuple[str, bool]]:
    """Return which findings there are, and whether they are errors."""
    return [(finding.code, finding.blocks) for finding in check(facts, request, found)]


def test_nothing_is_wrong_with_a_graviton() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        pytest.param({"user_id": 1000}, ("NOT_ROOT", True), id="another user"),
        pytest.param({"machine": "riscv64"}, ("MACHINE_NOT_SUPPORTED", True), id="another architecture"),
        pytest.param({"secure_boot": True}, ("SECURE_BOOT", True), id="Secure Boot"),
        pytest.param({"lockdown": "integrity"}, ("KERNEL_LOCKDOWN", False), id="locked down"),
        pytest.param({"has_loop_devices": False}, ("LOOP_DEVICE_MISSING", True), id="no loop devices"),
        pytest.param({"has_sysrq": False}, ("SYSRQ_MISSING", True), id="no sysrq"),
        pytest.param({"root_disks": ()}, ("DISK_UNUSABLE", True), id="root on no disk"),
        pytest.param({"root_disks": ("sda", "sdb")}, ("DISK_UNUSABLE", True), id="root on two disks"),
        pytest.param({"memory_total": 800 * MIB}, ("MEMORY_TOO_SMALL", True), id="a small tmpfs"),
        pytest.param({"memory_free": 500 * MIB}, ("MEMORY_TOO_SMALL", True), id="little free memory"),
    ],
)
def test_each_check_detects_its_problem(fact: dict[str, Any], expected: tuple[str, bool]) -> None:
    assert codes(GRAVITON._replace(**fact)) == [expected]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param({"media_type": INDEXES[0]}, "IMAGE_INDEX", id="index"),
        pytest.param(
            {"platforms": {"linux/amd64": ""}, "error": "IMAGE_NO_SUCH_PLATFORM"}, "IMAGE_NO_SUCH_PLATFORM", id="amd64"
        ),
        pytest.param({"error": "IMAGE_NOT_FOUND"}, "IMAGE_NOT_FOUND", id="missing"),
        pytest.param({"error": "IMAGE_NOT_AUTHORISED"}, "IMAGE_NOT_AUTHORISED", id="private"),
        pytest.param({"error": "IMAGE_UNREACHABLE"}, "IMAGE_UNREACHABLE", id="no registry"),
        pytest.param({"error": "IMAGE_BAD_DIGEST"}, "IMAGE_BAD_DIGEST", id="damaged"),
        pytest.param({"error": "IMAGE_UNEXPECTED_ANSWER"}, "IMAGE_UNEXPECTED_ANSWER", id="no image"),
    ],
)
def test_what_the_registry_says_is_a_finding(found: dict[str, Any], expected: str) -> None:
    error = image_error(found["error"], "cause", "remedy").problem if "error" in found else None

    assert codes(found=FOUND._replace(**{**found, "error": error})) == [(expected, True)]


def test_a_machine_with_little_memory_is_offered_a_disk_image_which_it_may_have() -> None:
    small = GRAVITON._replace(memory_total=800 * MIB, memory_free=700 * MIB)
    finding = check(small, REQUEST, FOUND)[0]

    assert "disk image (https://" in finding.remedy
    assert codes(small, Request(image_of("https://factory.talos.dev/x/metal-arm64.raw.xz")), None) == []


def test_a_disk_has_to_exist_and_may_be_another_than_the_root() -> None:
    assert codes(request=REQUEST._replace(disk="/dev/xvda")) == [("DISK_UNUSABLE", True)]
    assert codes(GRAVITON._replace(root_disks=()), REQUEST._replace(disk="/dev/nvme1n1")) == []


def test_an_old_release_is_refused() -> None:
    assert codes(request=REQUEST._replace(version="v0.7.0")) == [("BOOT_TO_TALOS_TOO_OLD", True)]


def test_kernel_arguments_that_get_lost_are_reported() -> None:
    request = REQUEST._replace(extra_kernel_args=("console=ttyS0",))
    raw = Request(image_of("https://factory.talos.dev/x/metal-arm64.raw.xz"), extra_kernel_args=("console=ttyS0",))

    assert codes(request=request) == [("KERNEL_ARGUMENTS", False)]
    assert codes(GRAVITON._replace(is_uefi=False), request) == []
    assert codes(GRAVITON._replace(is_uefi=False), raw, None) == [("KERNEL_ARGUMENTS", False)]


def test_everything_is_reported_at_once() -> None:
    bad = GRAVITON._replace(user_id=1, secure_boot=True, has_loop_devices=False, root_disks=())

    assert len(codes(bad, found=FOUND._replace(media_type=INDEXES[1]))) == 5
