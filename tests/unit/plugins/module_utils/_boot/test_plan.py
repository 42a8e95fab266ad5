# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import sys
from importlib.util import resolve_name
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils import _boot
from ansible_collections.urmanac.talos.plugins.module_utils._boot import plan, upstream
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError

DIGEST = f"sha256:{'a' * 64}"
FOLDER = Path(_boot.__file__).parent
SHARED = [FOLDER.with_name(name) for name in ("_errors.py", "_files.py", "_text.py")]
# What Ansible sends along with a module need not be on the machine.
ALLOWED = ("ansible.module_utils.", "ansible_collections.urmanac.talos.plugins.module_utils._", "__future__")


@pytest.mark.parametrize(
    ("image", "cached"),
    [
        pytest.param(f"ghcr.io/urmanac/talos@{DIGEST}", f"10.10.0.100:5054/urmanac/talos@{DIGEST}", id="digest"),
        pytest.param("ghcr.io/urmanac/talos:v1", "10.10.0.100:5054/urmanac/talos:v1", id="tag"),
        pytest.param("quay.io/urmanac/talos:v1", "quay.io/urmanac/talos:v1", id="no cache"),
        pytest.param("https://example.com/talos.raw", "https://example.com/talos.raw", id="disk image"),
    ],
)
def test_an_image_is_fetched_through_the_cache_of_its_registry(image: str, cached: str) -> None:
    assert plan.through_cache(plan.image_of(image), {"ghcr.io": "10.10.0.100:5054"}).text == cached


@pytest.mark.parametrize(
    "image", ["https://example.com/talos.iso", "https://example.com/talos.raw.xz?x=1", "/root/talos.img"]
)
def test_an_address_that_boot_to_talos_takes_for_an_image_in_a_registry_is_refused(image: str) -> None:
    with pytest.raises(CollectionError, match=r"\.raw\.xz"):
        plan.image_of(image)


@pytest.mark.parametrize("name", ["talos.raw", "talos.raw.gz", "talos.raw.xz", "talos.raw.zst"])
def test_a_disk_image_keeps_the_ending_by_which_it_is_unpacked(name: str) -> None:
    assert plan.image_of(f"https://example.com/metal-{name}").file == name


@pytest.mark.parametrize(
    ("registry", "plain"),
    [
        ("10.10.0.100:5054", True),
        ("192.168.1.2:5000", True),
        ("localhost:5000", True),
        ("cache.talos.local:5054", True),
        ("ghcr.io", False),
        ("54.1.2.3:5054", False),
        ("172.32.0.1:5054", False),
    ],
)
def test_http_is_spoken_where_boot_to_talos_speaks_it(registry: str, plain: bool) -> None:
    assert plan.is_plain_http(registry) is plain


def test_the_command_line_never_says_yes_to_everything() -> None:
    words = plan.arguments("image", "/dev/nvme0n1", ("console=ttyS0",))

    assert words == [
        "-mode",
        "install",
        "-image",
        "image",
        "-disk",
        "/dev/nvme0n1",
        "-extra-kernel-arg",
        "console=ttyS0",
    ]
    assert {word[1:] for word in words if word.startswith("-")} < {flag.name for flag in upstream.FLAGS}


def test_without_a_default_route_the_question_for_networking_comes_once() -> None:
    assert plan.answers(has_default_route=True) == ("no", "no", "no", "yes")
    assert plan.answers(has_default_route=False) == ("no", "no", "yes")


@pytest.mark.parametrize(("version", "old"), [("0.7.1", False), ("v0.8.0", False), ("0.7.0", True), ("v0.6.1", True)])
def test_releases_before_the_first_that_works_on_arm_are_old(version: str, old: bool) -> None:
    assert plan.is_old(version) is old


def test_an_invalid_version_is_refused() -> None:
    with pytest.raises(CollectionError, match="write it as"):
        plan.is_old("latest")


@pytest.mark.parametrize("path", [*sorted(FOLDER.glob("*.py")), *SHARED], ids=lambda path: path.name)
def test_what_runs_on_the_machine_is_python_3_9_and_needs_nothing_installed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))

    package = _boot.__package__ if path.parent == FOLDER else _boot.__package__.rpartition(".")[0]
    imported = {
        resolve_name("." * node.level + (node.module or ""), package)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {
        name
        for name in imported
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith(ALLOWED)
    } == set()
