# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the state of clusters is kept. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from typing import NamedTuple

from .._errors import InputError

LOCAL = "local"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; names with dots do not fit the
# certificate of S3.
_ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])/(?P<prefix>[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*)/?"
)


ADDRESS_REMEDY = (
    f"Set it to {LOCAL}, or to a bucket without dots in its name and a folder, such as s3://my-bucket/clusters."
)


class Address(NamedTuple):
    """A bucket, and the folder in it."""

    bucket: str
    prefix: str

    def of_cluster(self, project: str, region: str, name: str) -> Address:
        """Return the folder of a cluster, which is named as its directory on the controller is."""
        return self._replace(prefix=f"{self.prefix}/{project}/{region}/{name}")

    def key(self, name: str) -> str:
        """Return the key of a file."""
        return f"{self.prefix}/{name}"

    def url(self, name: str = "") -> str:
        """Return the address of a file, or of the folder."""
        return f"s3://{self.bucket}/{self.prefix}" + (f"/{name}" if name else "")


def address_of(text: str) -> Address | None:
    """Return the bucket and the folder that s3://bucket/folder names, or None for another text."""
    found = _ADDRESS.fullmatch(text)
    if not found or {".", ".."} & set(found["prefix"].split("/")):
        return None
    return Address(found["bucket"], found["prefix"])


def parse_address(text: str) -> Address:
    """Return the bucket and the folder that s3://bucket/folder names; fail for another text."""
    address = address_of(text)
    if address is None:
        raise InputError(f"{text!r} is not the address of a folder in a bucket. {ADDRESS_REMEDY}")
    return address
