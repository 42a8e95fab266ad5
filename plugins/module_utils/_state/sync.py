# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the files of a controller and those in the bucket together. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .._files import shell_word
from .._findings import finding
from .bucket import Bucket, StateError
from .files import (
    Folders,
    Known,
    changed_at,
    digest_of,
    is_encrypted_bundle,
    is_session,
    read_files,
    read_known,
    set_aside,
    write_known,
    write_state_file,
)
from .plan import Plan, plan_state

_DOING = "synchronize the state of the cluster"
_COPY = "If it belongs to the cluster, copy it to this controller, and run the playbook again"
_OTHERWISE = "Otherwise move it to another folder, or set cluster_state to another one."


class Remote(NamedTuple):
    """The version of a file in the bucket, its digest, and its content if it is not the one that was known.

    ours is whether this collection wrote it.
    """

    etag: str
    digest: str
    content: bytes | None
    ours: bool = True


def check_bucket(bucket: Bucket) -> None:
    """Fail if the bucket must not hold secrets."""
    for problem in bucket.problems():
        raise StateError(f"use {bucket.address.url()}", problem)


def ensure_state(bucket: Bucket, folders: Folders, *, push: bool, check_mode: bool) -> Plan:
    """Fetch changes from the bucket, push local changes on request, and return the actions."""
    url = bucket.address.url()
    known = read_known(folders, url)
    remote = read_remote(bucket, known)
    local = read_files(folders)
    digests = {name: digest_of(content) for name, content in local.items()}
    contents = [*local.items(), *((name, found.content or b"") for name, found in remote.items())]
    encrypted = {digest_of(content) for name, content in contents if is_encrypted_bundle(name, content)}
    plan = plan_state(digests, _digests(remote), _digests(known), encrypted=encrypted)
    refuse_conflicts(bucket, folders, plan)
    refuse_foreign(bucket, folders, [name for name in plan.fetch if not (remote[name].ours or is_session(name))])
    plan = plan if push else plan._replace(push=())
    if not check_mode:
        equal = {name: Known(*found[:2]) for name, found in remote.items() if found.digest == digests.get(name)}
        now = {**known, **equal}
        try:
            now.update(_fetch(bucket, folders, plan, remote))
            for name in plan.push:
                etag = bucket.write(name, local[name], remote[name].etag if name in remote else None)
                now[name] = Known(etag, digests[name])
        finally:
            if now != known:
                write_known(folders, url, now)
    return plan


def _digests(versions: Mapping[str, Known] | Mapping[str, Remote]) -> dict[str, str]:
    return {name: version.digest for name, version in versions.items()}


def _fetch(bucket: Bucket, folders: Folders, plan: Plan, remote: Mapping[str, Remote]) -> dict[str, Known]:
    """Write the files that changed in the bucket, and those that were lost here, and return their versions."""
    fetched = {}
    for name in (*plan.fetch, *plan.aside):
        found = remote[name]
        if found.content is None:
            found = read_one(bucket, name)
        if name in plan.aside:
            set_aside(folders, name)
        write_state_file(folders, name, found.content or b"")
        fetched[name] = Known(found.etag, found.digest)
    return fetched


def read_remote(bucket: Bucket, known: Mapping[str, Known]) -> dict[str, Remote]:
    """Return each file in the bucket; those that are as they were known are not read again."""
    return {
        name: Remote(etag, known[name].digest, None)
        if name in known and known[name].etag == etag
        else read_one(bucket, name)
        for name, etag in bucket.etags().items()
    }


def read_one(bucket: Bucket, name: str) -> Remote:
    """Return a file in the bucket."""
    found = bucket.read(name)
    return Remote(found.etag, digest_of(found.content), found.content, found.ours)


def refuse_foreign(bucket: Bucket, folders: Folders, names: Sequence[str]) -> None:
    """Fail for files to fetch that another program wrote: they would be used here, and later be overwritten."""
    if not names:
        return
    message = f"{' and '.join(map(bucket.address.url, names))} was not written by this collection"
    copies = " and ".join(f"`aws s3 cp {bucket.address.url(name)} {shell_word(folders.path(name))}`" for name in names)
    remedy = f"{_COPY}: {copies}. {_OTHERWISE}"
    raise StateError(_DOING, finding("STATE_FILE_FOREIGN", ", ".join(names), message, remedy))


def refuse_conflicts(bucket: Bucket, folders: Folders, plan: Plan) -> None:
    """Fail with both versions of each file that changed on both sides."""
    if not plan.conflicts:
        return
    versions = [
        f"{folders.path(name)}, changed {changed_at(folders, name)}, and {bucket.address.url(name)}, written by "
        f"{bucket.version(name).who}"
        for name in plan.conflicts
    ]
    message = f"the versions here and in the bucket differ: {'; '.join(versions)}"
    raise StateError(_DOING, finding("STATE_CONFLICT", ", ".join(plan.conflicts), message))
