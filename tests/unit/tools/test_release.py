# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two builds of a commit are equal, whatever the clock, the user and the file system."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from tools import release

CONTENTS = {
    "README.md": b"text\n",
    "FILES.json": json.dumps({"files": [{"name": "roles"}, {"name": "README.md"}, {"name": "."}]}).encode(),
    "MANIFEST.json": json.dumps({"file_manifest_file": {"chksum_sha256": "of another order"}}).encode(),
}


def archive(path: Path, *, names: list[str], seconds: int, owner: str, mode: int) -> Path:
    """Write an archive as ansible-galaxy does, at some time, for some user, in some order."""
    with tarfile.open(path, "w:gz") as packed:
        folder = tarfile.TarInfo("roles")
        folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o755, seconds
        packed.addfile(folder)
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.uname, entry.mode = len(CONTENTS[name]), seconds, owner, mode
            packed.addfile(entry, io.BytesIO(CONTENTS[name]))
    return path


def test_time_user_order_and_umask_do_not_count(tmp_path: Path) -> None:
    names = list(CONTENTS)
    one = archive(tmp_path / "one.tar.gz", names=names, seconds=1_700_000_000, owner="me", mode=0o644)
    two = archive(tmp_path / "two.tar.gz", names=names[::-1], seconds=1_800_000_000, owner="you", mode=0o600)

    first, second = (release.packed_again(path, 1_600_000_000) for path in (one, two))

    assert one.read_bytes() != two.read_bytes()
    assert first == second


def test_the_lists_of_the_archive_fit_together(tmp_path: Path) -> None:
    path = archive(tmp_path / "one.tar.gz", names=list(CONTENTS), seconds=1, owner="me", mode=0o755)

    with tarfile.open(fileobj=io.BytesIO(release.packed_again(path, 7))) as packed:
        entries = packed.getmembers()
        read = {entry.name: packed.extractfile(entry) for entry in entries if entry.isfile()}
        texts = {name: member.read() for name, member in read.items() if member}

    assert [entry.name for entry in entries] == ["FILES.json", "MANIFEST.json", "README.md", "roles"]
    assert {(entry.mtime, entry.uname, entry.mode) for entry in entries} == {(7, "root", 0o755)}
    assert [entry["name"] for entry in json.loads(texts["FILES.json"])["files"]] == [".", "README.md", "roles"]
    checksum = json.loads(texts["MANIFEST.json"])["file_manifest_file"]["chksum_sha256"]
    assert checksum == hashlib.sha256(texts["FILES.json"]).hexdigest()


def test_the_archive_of_this_commit_is_built_the_same_twice(tmp_path: Path) -> None:
    (first, checksum), (second, again) = (release.release("HEAD", tmp_path / name) for name in ("one", "two"))

    assert first.name.startswith("urmanac-talos-")
    assert (first.read_bytes(), checksum) == (second.read_bytes(), again)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(first.read_bytes()))) as packed:
        names = packed.getnames()
    assert {"README.md", "plugins/modules/ec2_cluster.py", "meta/runtime.yml"} <= set(names)
    assert [name for name in names if name.split("/")[0] in ("tests", "lab", "bench", "tools", ".ci")] == []
