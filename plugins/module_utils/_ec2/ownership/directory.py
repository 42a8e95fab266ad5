# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster the files in its two directories belong to. Private to urmanac.talos: may change at any time.

Secrets and records are those of one cluster. With a copied file of variables, or with the credentials of another
account, a run would use the secrets for a second cluster, and a removal would empty the records of the first one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..._errors import Ec2Error
from ..._files import write_file
from ..._findings import Finding, failure, finding

RECORD = "cluster.json"


class Owner(NamedTuple):
    """The cluster of a directory; without an account where it does not matter."""

    name: str
    project: str
    region: str
    account: str = ""

    def __str__(self) -> str:
        place = f"{self.region}, account {self.account}" if self.account else self.region
        return f"{self.name} (project {self.project}, {place})"


def is_record(record: Mapping[str, Any]) -> bool:
    """Return whether a record names a cluster, or none, as after its removal."""
    return not record or (
        record.keys() == set(Owner._fields) and all(isinstance(text, str) for text in record.values())
    )


def other_owner(record: Mapping[str, Any], mine: Owner, variable: str = "cluster_directory") -> Finding | None:
    """Return that the directory with this record, which a variable names, belongs to another cluster."""
    if not record or not is_record(record):
        return None
    theirs = Owner(**record)
    if theirs == (mine if mine.account else mine._replace(account=theirs.account)):
        return None
    message = f"It has the secrets and records of the cluster {theirs}. This run is for {mine}."
    return finding("DIRECTORY_OF_OTHER_CLUSTER", variable, message)


def of_other_account(directories: Mapping[str, str | None], mine: Owner) -> Iterator[Finding]:
    """Yield the directories, by variable, of the cluster of this name in another account; variables have the names."""
    for variable, directory in directories.items():
        record = read_record(Path(directory)) if directory else {}
        problem = other_owner(record, mine, variable)
        if problem and not other_owner(record, mine._replace(account="")):
            yield problem


def refuse_other(directory: Path, mine: Owner) -> None:
    """Fail if the files of a directory belong to another cluster."""
    problem = other_owner(read_record(directory), mine)
    if problem:
        raise Ec2Error(failure(f"use {directory}", problem), problems=[problem])


def remember(directory: Path, owner: Owner | None) -> None:
    """Record the cluster of a directory; None after its removal."""
    record = owner._asdict() if owner else {}
    if read_record(directory) == record:
        return
    text = json.dumps(record, indent=4)
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_file(directory / RECORD, f"{text}\n".encode(), mode=0o644)
    except OSError as error:
        path = directory / RECORD
        raise Ec2Error(f"Failed to write {path}: {error.strerror}", code="FILE_NOT_WRITABLE") from error


def read_record(directory: Path) -> Mapping[str, Any]:
    """Return the record; a damaged one is found with the variables, and one that does not exist names no cluster."""
    try:
        record = json.loads((directory / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
