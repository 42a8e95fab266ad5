# SPDX-License-Identifier: GPL-3.0-or-later
"""S3: ExpectedBucketOwner is ignored, so a bucket of another account is used."""

from __future__ import annotations

from typing import Any

from moto.s3.exceptions import AccessDeniedByLock
from moto.s3.responses import S3Response

from lab.aws.patches import ACCOUNT, Function, wraps


@wraps(S3Response, "_bucket_response", "_key_response")
def _of_the_account(original: Function, self: Any, request: Any, full_url: str) -> Any:
    if request.headers.get("x-amz-expected-bucket-owner", ACCOUNT) != ACCOUNT:
        raise AccessDeniedByLock
    return original(self, request, full_url)
