# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check SSM documents and parameters. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator

from ..._findings import Finding, finding
from .allowed import Allowed
from .facts import Account


def parameter_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    """Yield every deviation of SSM documents and parameters."""
    yield from _document_deviations(account)
    for parameter in account.parameters:
        resource = f"SSM parameter {parameter.name}"
        if parameter.kind == "SecureString" or parameter.name in allowed.plain_parameters:
            continue
        if parameter.name in allowed.secret_parameters:
            message = f"its type is {parameter.kind}, so everyone who may read parameters reads the secret"
            yield finding("PARAMETER_NOT_ENCRYPTED", resource, message)
        else:
            message = f"it has a name of the cluster and the type {parameter.kind}, and is not described"
            remedy = f"Run `aws ssm delete-parameter --name {parameter.name}`, or make it a SecureString."
            yield finding("PARAMETER_NOT_DESCRIBED", resource, message, remedy)


def _document_deviations(account: Account) -> Iterator[Finding]:
    for document in account.documents:
        command = (
            f"aws ssm modify-document-permission --name {document.name} --permission-type Share "
            f"--account-ids-to-remove {' '.join(document.shared)}"
        )
        resource = f"SSM document {document.name}"
        if "all" in document.shared:
            yield finding("DOCUMENT_PUBLIC", resource, remedy=f"Run `{command}`.")
        elif document.shared:
            yield finding("DOCUMENT_SHARED", resource, fact=", ".join(document.shared), remedy=f"Run `{command}`.")
