# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records in the directory of a cluster. Private to urmanac.talos: may change at any time.

A run reads them, adds to them and writes them again, and a removal empties them. So a file that only has the name of
one must be found before: it may belong to another program, or be damaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._digests import is_sha256
from ...module_utils._ec2.ownership import directory
from ...module_utils._findings import Finding, finding
from ...module_utils._state.address import LOCAL
from ...module_utils._state.files import BASTION_IMAGES, BOOT_TO_TALOS, CONTRACT, IMAGES
from .files import real_path


def _is_of_nodes(record: Mapping[str, Any]) -> bool:
    """Return whether it has the image of each role and of each node."""
    images, nodes = record.get("images"), record.get("nodes")
    return (
        record.keys() == {"images", "nodes"}
        and isinstance(images, Mapping)
        and isinstance(nodes, Mapping)
        and all(isinstance(entry, Mapping) and _is_of_an_image(entry) for entry in images.values())
        and _has_texts(nodes)
    )


def _is_of_an_image(entry: Mapping[str, Any]) -> bool:
    return entry.keys() >= {"reference", "resolved", "resolved_at"} and _has_texts(entry)


def _has_texts(record: Mapping[str, Any]) -> bool:
    return all(isinstance(value, str) for value in record.values())


def _has_checksums(record: Mapping[str, Any]) -> bool:
    return _has_texts(record) and all(map(is_sha256, record.values()))


def _is_of_talos(record: Mapping[str, Any]) -> bool:
    return not record or isinstance(record.get("contract"), str)


RECORDS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    IMAGES: _is_of_nodes,
    BASTION_IMAGES: _has_texts,
    BOOT_TO_TALOS: _has_checksums,
    CONTRACT: _is_of_talos,
    directory.RECORD: directory.is_record,
}


_DIRECTORIES = ("cluster_directory", "cluster_secrets_directory")


def record_problems(everything: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the files that have the name of a record and are not one, and that they are those of another cluster."""
    places = [("cluster_directory", name) for name in RECORDS] + [("cluster_secrets_directory", directory.RECORD)]
    for variable, name in places:
        path = real_path(f"{everything.get(variable)}/{name}")
        is_shared = everything.get("cluster_state", LOCAL) != LOCAL
        fault = _fault(path, RECORDS[name], is_shared=is_shared) if everything.get(variable) else ""
        if fault:
            yield finding("RECORD_INVALID", variable, f"{path} {fault}.")
    names = [everything.get(f"cluster_{name}") for name in directory.Owner._fields[:3]]
    for variable in _DIRECTORIES if all(isinstance(name, str) for name in names) else ():
        record = directory.read_record(real_path(str(everything[variable]))) if everything.get(variable) else {}
        problem = directory.other_owner(record, directory.Owner(*map(str, names)), variable)
        yield from [problem] if problem else []


def _fault(path: Path, is_record: Callable[[Mapping[str, Any]], bool], *, is_shared: bool) -> str:
    """Return why a file is not a record, empty for one and for a file that does not exist."""
    try:
        content = path.read_bytes()
    except (PermissionError, IsADirectoryError) as error:
        return f"cannot be read: {error.strerror}"
    except OSError:
        # It does not exist, or the path of the directory is a problem of its own.
        return ""
    if not content:
        # A file that is empty is fetched again.
        return "" if is_shared else "is empty, as after a full disk"
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        return "is not JSON"
    is_one = isinstance(record, Mapping) and is_record(record)
    return "" if is_one else "was not written by this collection"
