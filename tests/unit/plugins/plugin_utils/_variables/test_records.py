# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that only has the name of a record is found before it is overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.variables import judged, problems

IMAGE = {
    "reference": "ghcr.io/x/y:v1",
    "resolved": f"ghcr.io/x/y@sha256:{'0' * 64}",
    "resolved_at": "2026-11-29T12:00:00Z",
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("images.json", {"images": {}, "nodes": {}}, id="images of a removed cluster"),
        pytest.param("images.json", {"images": {"gateway": IMAGE}, "nodes": {"gateway": "x@y"}}, id="images"),
        pytest.param("bastion_images.json", {}, id="no images of a bastion"),
        pytest.param("bastion_images.json", {"arm64 nginx:1": "nginx@sha256:0"}, id="images of a bastion"),
        pytest.param("boot_to_talos.json", {"arm64 0.7.1": "ab" * 32}, id="a checksum of boot-to-talos"),
        pytest.param("talos.json", {}, id="a removed cluster"),
        pytest.param("talos.json", {"contract": "v1.13"}, id="a contract"),
        pytest.param("cluster.json", {}, id="the directory of a removed cluster"),
    ],
)
def test_a_record_of_ours_is_no_problem(tmp_path: Path, name: str, content: Any) -> None:
    (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")

    assert problems("cluster_directory", str(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        pytest.param(
            "images.json", '{"photos": ["moon.jpg"]}', "was not written by this collection", id="a foreign one"
        ),
        pytest.param("images.json", '{"images": ["moon.jpg"], "nodes": {}}', "was not written by", id="a list"),
        pytest.param(
            "images.json", '{"images": {"a": {"url": "b"}}, "nodes": {}}', "was not written by", id="other images"
        ),
        pytest.param(
            "images.json",
            json.dumps({"images": {"gateway": {name: IMAGE[name] for name in ("reference", "resolved")}}, "nodes": {}}),
            "was not written by",
            id="an image without its time",
        ),
        pytest.param("images.json", '{"images": {}, "nodes": {}, "more": 1}', "was not written by", id="more keys"),
        pytest.param("images.json", '{"images": {', "is not JSON", id="half of one"),
        pytest.param("images.json", "\udcff", "is not JSON", id="no text"),
        pytest.param("images.json", "", "is empty, as after a full disk", id="empty"),
        pytest.param("bastion_images.json", "[1]", "was not written by this collection", id="images of a bastion"),
        pytest.param("bastion_images.json", '{"a": {}}', "was not written by this collection", id="no digests"),
        pytest.param("boot_to_talos.json", '{"a": "b"}', "was not written by this collection", id="no checksums"),
        pytest.param("cluster.json", '{"name": "moon"}', "was not written by this collection", id="no cluster"),
        pytest.param("talos.json", '{"talos": "a bird"}', "was not written by this collection", id="no contract"),
    ],
)
def test_a_file_with_only_the_name_of_a_record_is_refused_before_it_is_overwritten(
    tmp_path: Path, name: str, content: str, fault: str
) -> None:
    (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))

    (problem,) = problems("cluster_directory", str(tmp_path))

    assert (problem.code, problem.subject) == ("RECORD_INVALID", "cluster_directory")
    assert f"{tmp_path / name} {fault}" in problem.message


HERS = {"name": "moon", "project": "talos-arm64", "region": "eu-west-1", "account": "123456789012"}


@pytest.mark.parametrize("variable", ["cluster_directory", "cluster_secrets_directory"])
@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        pytest.param({}, False, id="the same cluster"),
        pytest.param({"cluster_name": "mars"}, True, id="another name"),
        pytest.param({"cluster_project": "planets"}, True, id="another project"),
        pytest.param({"cluster_region": "eu-north-1"}, True, id="another region"),
    ],
)
def test_the_directory_of_another_cluster_is_refused(
    tmp_path: Path, changed: dict[str, str], refused: bool, variable: str
) -> None:
    (tmp_path / "cluster.json").write_text(json.dumps(HERS), encoding="utf-8")
    mine = {"cluster_name": "moon", "cluster_project": "talos-arm64", "cluster_region": "eu-west-1", **changed}

    found = judged({**mine, variable: str(tmp_path)}).problems

    assert [(one.code, one.subject) for one in found] == ([("DIRECTORY_OF_OTHER_CLUSTER", variable)] if refused else [])
    assert all("moon (project talos-arm64, eu-west-1, account 123456789012)" in one.message for one in found)


def test_an_empty_record_of_a_shared_state_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "images.json").touch()

    assert judged({"cluster_directory": str(tmp_path), "cluster_state": "s3://moon/clusters"}).problems == ()


def test_a_file_of_another_program_in_the_directory_of_secrets_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text('{"kind": "of another program"}', encoding="utf-8")

    (problem,) = problems("cluster_secrets_directory", str(tmp_path))

    assert (problem.code, problem.subject) == ("RECORD_INVALID", "cluster_secrets_directory")
