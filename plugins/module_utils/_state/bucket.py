# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bucket with the state of a cluster. Private to urmanac.talos: may change at any time.

Every write is conditional, so that the later of two writers is refused, and nothing is ever deleted.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from .._ec2.client import Api, AwsError
from .._errors import CollectionError
from .._findings import Finding, failure, finding
from .._runs import holder
from .._text import shortened
from .address import Address
from .files import digest_of, is_state

# All metadata of an object, with the names, has 2048 bytes at most.
_VALUE_MAX = 900
# The metadata that each write of ours has, so what lacks it was written by another program.
_HOLDER = "holder"
# S3 answers a write at the same moment as another one with a code of its own, and one after a deletion as below.
_CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
_DENIED = ("AccessDenied", "403")
# Not a right on the bucket: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
_KMS = re.compile(r"\bkms:|\bKMS\b")
# Of a setting of the bucket, and of a file whose headers are asked for.
_UNSET = ("ServerSideEncryptionConfigurationNotFoundError", "NoSuchPublicAccessBlockConfiguration", "404")
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class StateError(CollectionError):
    """The bucket cannot be used, or a file was changed on both sides; problem is the same as a finding."""

    def __init__(self, doing: str, problem: Finding) -> None:
        super().__init__(failure(doing, problem), problems=[problem])
        self.problem = problem


class Bucket:
    """API calls for one folder of a bucket, which has to belong to the account of the credentials."""

    def __init__(self, api: Api, address: Address, *, kms_key: str, directory: str) -> None:
        self._api = api
        self.address = address
        self._kms_key = kms_key
        self._directory = directory
        self._account = str(api.call("sts", "get_caller_identity")["Account"])

    def problems(self) -> Iterator[Finding]:
        """Yield why the bucket must not hold secrets."""
        subject = f"bucket {self.address.bucket}"
        blocks = self._setting("get_public_access_block").get("PublicAccessBlockConfiguration", {})
        if open_ways := [block for block in _BLOCKS if not blocks.get(block)]:
            yield finding(
                "STATE_BUCKET_PUBLIC", subject, f"{subject} may be made public: {', '.join(open_ways)} is off"
            )
        if self._call("get_bucket_versioning").get("Status") != "Enabled":
            yield finding(
                "STATE_BUCKET_UNVERSIONED", subject, f"{subject} has no versioning, so a file that is replaced is lost"
            )

    @cached_property
    def _encryption(self) -> dict[str, str]:
        """Return the headers for KMS; without them the default of the bucket applies, which may have another key."""
        headers = {"ServerSideEncryption": "aws:kms"}
        if self._kms_key:
            return {**headers, "SSEKMSKeyId": self._kms_key}
        return {} if self._default_encryption().startswith("aws:kms") else headers

    def _default_encryption(self) -> str:
        found = self._setting("get_bucket_encryption")
        rules = found["ServerSideEncryptionConfiguration"]["Rules"] if found else []
        return str(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]) if rules else ""

    def etags(self) -> dict[str, str]:
        """Return the version of each file of the state."""
        prefix = self.address.key("")
        found = self._call("list_objects_v2", Prefix=prefix).get("Contents", [])
        return {name: item["ETag"] for item in found if is_state(name := item["Key"].removeprefix(prefix))}

    def read(self, name: str) -> Content:
        """Return the current version of a file."""
        answer = self._call("get_object", Key=self.address.key(name))
        try:
            return Content(answer["ETag"], answer["Body"].read(), ours=_HOLDER in answer.get("Metadata", {}))
        except Exception as error:
            raise CollectionError(
                f"Failed to read {self.address.url(name)}: {error}. Run the playbook again.", code="DOWNLOAD_FAILED"
            ) from error

    def write(self, name: str, content: bytes, etag: str | None) -> str:
        """Replace this version of a file, or create the file, and return its new version."""
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            answer = self._call(
                "put_object",
                Key=self.address.key(name),
                Body=content,
                Metadata=self._metadata(content),
                **self._encryption,
                **condition,
            )
        except AwsError as error:
            if error.reason not in _CHANGED:
                raise
            return self._own_version(name, content, error)
        return str(answer["ETag"])

    def _own_version(self, name: str, content: bytes, error: AwsError) -> str:
        """Return the version that our own write created if its response was lost; fail if another writer created it."""
        found = self.version(name)
        if found.digest == digest_of(content):
            return found.etag
        message = f"{self.address.url(name)} was written at the same time by {found.who}"
        raise StateError("save the state of the cluster", finding("STATE_CHANGED", name, message)) from error

    def version(self, name: str) -> Version:
        """Return who wrote the current version of a file, from where and when."""
        found = self._setting("head_object", Key=self.address.key(name))
        if not found:
            return Version("", "", "an unknown controller, which deleted it")
        known = {key: unquote(value) for key, value in found.get("Metadata", {}).items()}
        where = f"{known.get(_HOLDER, 'an unknown program')} in {known.get('directory', 'an unknown directory')}"
        since = f"{found['LastModified']:%Y-%m-%dT%H:%M:%S%z}"
        version = f", version {found['VersionId']}" if found.get("VersionId") else ""
        return Version(found["ETag"], known.get("digest", ""), f"{where}, since {since}{version}")

    def _metadata(self, content: bytes) -> dict[str, str]:
        # Metadata is ASCII, and has 2 KB at most.
        values = {"digest": digest_of(content), _HOLDER: holder(), "directory": self._directory}
        short = {key: shortened(value, lambda text: len(_quoted(text)), _VALUE_MAX) for key, value in values.items()}
        return {key: _quoted(value) for key, value in short.items()}

    def _setting(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Return the response of a call, or nothing if the bucket does not have what it asks for."""
        try:
            return self._call(operation, **parameters)
        except AwsError as error:
            if error.reason in _UNSET:
                return {}
            raise

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        where = {"Bucket": self.address.bucket, "ExpectedBucketOwner": self._account}
        try:
            return self._api.call("s3", operation, **where, **parameters)
        except AwsError as error:
            if problem := self._problem(error):
                raise StateError(f"use {self.address.url()}", problem) from error
            raise

    def _problem(self, error: AwsError) -> Finding | None:
        subject = f"bucket {self.address.bucket}"
        if error.reason == "NoSuchBucket":
            return finding("STATE_BUCKET_MISSING", subject, f"{subject} does not exist")
        if error.reason in _DENIED and not _KMS.search(error.problem.message):
            message = f"S3 denies the account {self._account} access to {subject} ({error.problem.message})"
            return finding("STATE_BUCKET_DENIED", subject, message)
        return None


def _quoted(text: str) -> str:
    # A path may have bytes that are not text.
    return quote(text, safe="/@ ", errors="replace")


class Content(NamedTuple):
    """A version of a file in the bucket: its ETag, its content, and whether this collection wrote it."""

    etag: str
    content: bytes
    ours: bool


class Version(NamedTuple):
    """A version of a file in the bucket: its ETag, its content's digest, and who wrote it from where and when."""

    etag: str
    digest: str
    who: str
