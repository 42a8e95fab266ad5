#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the archive of a release, the same for everybody who builds the commit.

    python -m tools.release [--commit COMMIT] FOLDER

The archive holds committed files alone. `ansible-galaxy collection build` writes into it when, by whom and in which
order of a file system it was built; this is replaced by the time of the commit, by root and by the order of names. Two
versions of zlib may still compress differently, so compare the SHA-256 of MANIFEST.json, which is printed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILES, MANIFEST = "FILES.json", "MANIFEST.json"


def committed(commit: str, folder: Path) -> int:
    """Write the files of a commit, and return its time in seconds of Unix."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as archive:
        archive.extractall(folder, filter="data")
    return int(_git("show", "--no-patch", "--format=%ct", commit))


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607


def built(source: Path, folder: Path) -> Path:
    """Build the collection in a folder, and return the archive."""
    program = Path(sys.executable).with_name("ansible-galaxy")
    command: list[str | Path] = [program, "collection", "build", source, "--output-path", folder]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def in_order(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files with the lists of the archive in the order of names; one has the checksum of the other."""
    files, manifest = (json.loads(members[name]) for name in (FILES, MANIFEST))
    files["files"].sort(key=lambda entry: entry["name"])
    listed = _text(files)
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listed).hexdigest()
    return {**members, FILES: listed, MANIFEST: _text(manifest)}


def packed_again(archive: Path, seconds: int) -> bytes:
    """Return the archive without what differs from one build to the next; seconds is the time of all files."""
    with tarfile.open(archive) as given:
        entries = {entry.name: entry for entry in given.getmembers()}
        members = {name: given.extractfile(entry) for name, entry in entries.items() if entry.isfile()}
        contents = in_order({name: member.read() for name, member in members.items() if member})
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w", format=tarfile.PAX_FORMAT) as packed:
        # The lists come first, because ansible-galaxy looks for them.
        for name in sorted(entries, key=lambda name: (name not in (MANIFEST, FILES), name)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.mtime = entries[name].type, entries[name].linkname, seconds
            entry.mode = 0o755 if entries[name].isdir() or entries[name].mode & 0o100 else 0o644
            entry.uname = entry.gname = "root"
            entry.size = len(contents.get(name, b""))
            packed.addfile(entry, io.BytesIO(contents[name]) if name in contents else None)
    return gzip.compress(result.getvalue(), mtime=seconds)


def release(commit: str, folder: Path) -> tuple[Path, str]:
    """Write the archive of a commit into a folder, and return it with the SHA-256 of its MANIFEST.json."""
    with tempfile.TemporaryDirectory(prefix="urmanac-talos-release-") as scratch:
        source, output = Path(scratch) / "source", Path(scratch) / "output"
        output.mkdir()
        seconds = committed(commit, source)
        archive = built(source, output)
        content = packed_again(archive, seconds)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / archive.name
    target.write_bytes(content)
    with tarfile.open(target) as written:
        manifest = written.extractfile(MANIFEST)
        return target, hashlib.sha256(manifest.read() if manifest else b"").hexdigest()


def _text(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def main() -> None:
    """Write the archive, and print its path and the checksum to compare."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description="Build the archive of a release.")
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    archive, checksum = release(arguments.commit, arguments.folder)
    print(f"{archive}\n{MANIFEST}: sha256:{checksum}")


if __name__ == "__main__":
    main()
