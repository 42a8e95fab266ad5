# SPDX-License-Identifier: GPL-3.0-or-later
"""Server mode: an exception becomes a page of HTML, on which boto3 retries and then reports no cause."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from moto.server import DomainDispatcherApplication

from lab.aws.faults import AwsRefusal
from lab.aws.patches import Function, wraps


@wraps(DomainDispatcherApplication, "__call__")
def _explained(original: Function, *args: Any) -> Any:
    try:
        return original(*args)
    except AwsRefusal:
        raise
    except Exception as error:
        raise explained(error) from error


def explained(error: Exception) -> AwsRefusal:
    """Return the refusal for an exception inside moto or the lab, which is logged."""
    logging.getLogger("lab.aws").error("moto failed", exc_info=error)
    if isinstance(error, NotImplementedError):
        return AwsRefusal("UnsupportedOperation", f"The lab's moto cannot do this: {error or type(error).__name__}")
    where = traceback.extract_tb(error.__traceback__)[-1]
    if where.name == "get_backend":
        return AwsRefusal("UnsupportedOperation", "The lab does not simulate this service.")
    return AwsRefusal("LabInternalError", f"The lab's moto failed at {where.name}: {type(error).__name__}: {error}")
