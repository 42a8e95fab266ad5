# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read SSM documents and parameters. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from ..identity import owner_tags, parameter_prefix
from ..spec import ClusterSpec
from .facts import DocumentFact, ParameterFact, Reader, Record, TextSecret, kinds_in, text_secrets

_SHARING = "AccountSharingInfoList"


def read_documents(reader: Reader) -> tuple[DocumentFact, ...]:
    """Return the SSM documents with the cluster's tags, and the accounts that may read them."""
    owner = {f"tag:{key}": value for key, value in owner_tags(reader.spec).items()}
    filters = [{"Key": key, "Values": [value]} for key, value in {"Owner": "Self", **owner}.items()]
    answer = reader.api.call("ssm", "list_documents", Filters=filters)
    return tuple(_document(reader, item) for item in answer["DocumentIdentifiers"])


def _document(reader: Reader, record: Record) -> DocumentFact:
    name = record["Name"]
    answer = reader.api.call("ssm", "describe_document_permission", Name=name, PermissionType="Share")
    content = reader.api.call("ssm", "get_document", Name=name).get("Content", "")
    secrets = (*text_secrets(record), *(TextSecret("content", kind) for kind in kinds_in(content)))
    accounts = [*(answer.get("AccountIds") or ()), *(item["AccountId"] for item in answer.get(_SHARING) or ())]
    return DocumentFact(name, tuple(sorted({account.lower() for account in accounts})), secrets)


def secret_parameters(spec: ClusterSpec) -> tuple[str, ...]:
    """Return the names of the described parameters that hold a private key or a login."""
    return spec.bastion.secret_parameters if spec.bastion else ()


def read_parameters(reader: Reader) -> tuple[ParameterFact, ...]:
    """Return the SSM parameters under the cluster's path and those that hold its secrets, without values."""
    prefix, secret = parameter_prefix(reader.spec.project, reader.spec.name), secret_parameters(reader.spec)
    named = [{"Key": "Name", "Option": "BeginsWith", "Values": [prefix, *secret]}]
    records = reader.api.call("ssm", "describe_parameters", ParameterFilters=named)["Parameters"]
    return tuple(
        ParameterFact(record["Name"], record["Type"], text_secrets(record))
        for record in records
        if record["Name"].startswith(prefix) or record["Name"] in secret
    )
