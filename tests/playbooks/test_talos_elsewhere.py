# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster is talked to from another host, as from a bastion: secrets end up here and nowhere else."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.lab.labs import Lab
from tests.playbooks.runs import Run, play

HOST = "{ansible_connection: local, ansible_python_interpreter: '{{ ansible_playbook_python }}'}"


def play_elsewhere(lab: Lab, folder: Path, playbook: str, *options: str) -> Run:
    """Run a playbook whose modules run on the host `bastion`, with temporary files in a folder of the test's own."""
    (folder / "hosts.yml").write_text(f"all: {{hosts: {{localhost: {HOST}, bastion: {HOST}}}}}", encoding="utf-8")
    (folder / "tmp").mkdir(exist_ok=True)
    more = ("-i", str(folder / "hosts.yml"), "-e", "cluster_api_via=bastion", "-e", f"cluster_directory={folder}")
    return play(lab, playbook, *more, *options, environment=(f"TMPDIR={folder / 'tmp'}",))


def test_a_bastion_keeps_neither_kubeconfig_nor_snapshot(lab: Lab, tmp_path: Path) -> None:
    first = play_elsewhere(lab, tmp_path, "playbooks/site.yml")
    again = play_elsewhere(lab, tmp_path, "playbooks/site.yml")
    snapshot = play_elsewhere(lab, tmp_path, "playbooks/etcd_snapshot.yml")
    vague = play_elsewhere(lab, tmp_path, "playbooks/upgrade.yml")

    assert (first.code, again.code, snapshot.code) == (0, 0, 0), first.output + again.output + snapshot.output
    assert again.changed == 0, again.output
    kept = [tmp_path / "secrets" / "kubeconfig", *(tmp_path / "snapshots").glob("*.snapshot")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600, 0o600]
    assert list((tmp_path / "tmp").glob("urmanac-talos-*")) == []
    assert vague.code == 2
    assert "can be another image tomorrow" in " ".join(vague.output.split())
