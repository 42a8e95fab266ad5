# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and directories that a run could not read or write are found before a machine is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.talos.etcd import snapshot
from tests.variables import problems


def test_a_kubeconfig_behind_a_link_is_written_where_the_link_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "config").symlink_to(tmp_path / "real" / "config")
    (tmp_path / "proc").symlink_to("/proc/config")

    assert problems("cluster_kubeconfig", str(tmp_path / "config")) == []
    assert [one.code for one in problems("cluster_kubeconfig", str(tmp_path / "proc"))] == ["DIRECTORY_NOT_WRITABLE"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("cluster_kubeconfig", ": : [", "line 1, column 1", id="no YAML"),
        pytest.param(
            "talos_kubeconfig", "contexts: [moon]", "a list of entries with a name", id="contexts without names"
        ),
        pytest.param("cluster_kubeconfig", "sops: {mac: a, version: 3.9.0}", "encrypted with SOPS", id="encrypted"),
        pytest.param(
            "cluster_talosconfig", "contexts: [moon]", "a mapping of names to contexts", id="a list of contexts"
        ),
        pytest.param("talos_talosconfig", "- moon", "one YAML mapping", id="a list"),
    ],
)
def test_a_file_that_entries_cannot_be_added_to_is_refused_before_a_machine_is_made(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    path = tmp_path / "config"
    path.write_text(content, encoding="utf-8")

    (found,) = problems(name, str(path))

    assert said in found.message
    assert str(path) in found.message
    assert found.remedy


def test_a_kubeconfig_and_a_talosconfig_of_other_clusters_are_no_problem(tmp_path: Path) -> None:
    kubeconfig, talosconfig = tmp_path / "kubeconfig", tmp_path / "talosconfig"
    kubeconfig.write_text("contexts: [{name: moon, context: {cluster: moon}}]", encoding="utf-8")
    talosconfig.write_text("contexts: {moon: {endpoints: [10.10.0.101]}}", encoding="utf-8")

    assert problems("cluster_kubeconfig", str(kubeconfig)) == []
    assert problems("cluster_talosconfig", str(talosconfig)) == []


def test_a_snapshot_of_etcd_is_refused_unless_it_ends_with_its_checksum(tmp_path: Path) -> None:
    whole = snapshot({"a": "b"}, version="3.6.0")
    path = tmp_path / "db.snapshot"
    path.write_bytes(whole)
    cut = tmp_path / "cut.snapshot"
    cut.write_bytes(whole[:-1])

    (found,) = problems("talos_bootstrap_snapshot", str(cut))

    assert "not a complete snapshot of etcd" in found.message
    assert problems("talos_bootstrap_snapshot", str(path)) == []


@pytest.mark.parametrize("name", ["cluster_kubeconfig", "cluster_talosconfig"])
def test_a_link_that_leads_to_itself_is_not_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "config").symlink_to("config")

    (found,) = problems(name, str(tmp_path / "config"))

    assert found.message == f"{tmp_path / 'config'} is a symbolic link that leads to itself."


@pytest.mark.parametrize("target", ["link", "nowhere"], ids=["itself", "nothing"])
def test_a_directory_behind_a_link_that_leads_nowhere_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / target)

    (problem,) = problems("cluster_directory", str(tmp_path / "link" / "moon"))

    assert problem.code == "DIRECTORY_NOT_WRITABLE"
    assert f"{tmp_path / 'link'} is a symbolic link" in problem.message


@pytest.mark.parametrize("name", ["cluster_kubeconfig", "report_talosconfig", "cluster_bastion_known_hosts"])
def test_a_device_is_not_a_file_to_write(name: str) -> None:
    (problem,) = problems(name, "/dev/null")

    assert "is a device, a pipe or a socket" in problem.message
