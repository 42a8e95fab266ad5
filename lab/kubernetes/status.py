# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures in the format of the API server: objects of kind Status."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    def __init__(self, code: int, reason: str, message: str, *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    def status(self) -> dict[str, Any]:
        reported: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        reported |= {"message": str(self), "reason": self.reason}
        if self.details is not None:
            reported["details"] = self.details
        return reported | {"code": self.code}


def no_such_object(group: str, plural: str, name: str) -> ApiError:
    full = f"{plural}.{group}" if group else plural
    details = {"name": name, "kind": plural} | ({"group": group} if group else {})
    return ApiError(404, "NotFound", f'{full} "{name}" not found', details=details)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)
