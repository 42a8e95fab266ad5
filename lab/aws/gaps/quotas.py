# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Quotas: quotas of EC2 are unknown, an account's own values cannot be set, and none is applied."""

from __future__ import annotations

import json
from typing import Any

from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS
from moto.servicequotas.responses import ServiceQuotasResponse

from lab.aws.account import STATE, VCPUS, VPCS
from lab.aws.patches import Function, refuse, wrap

ADDRESSES = "L-0263D0A3"
STANDARD = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"


def install() -> None:
    """Close the gap."""
    wrap(VPCBackend, "create_vpc", _limited(VPCS, lambda self: len(self.vpcs), "VpcLimitExceeded", "VPCs"))
    count, code = lambda self: len(self.addresses), "AddressLimitExceeded"
    wrap(ElasticAddressBackend, "allocate_address", _limited(ADDRESSES, count, code, "addresses"))
    for name in ("get_service_quota", "get_aws_default_service_quota"):
        setattr(ServiceQuotasResponse, name, _one_quota(default="default" in name))


def _quotas(service: str, *, default: bool) -> list[dict[str, Any]]:
    names = {VCPUS: STANDARD, ADDRESSES: "EC2-VPC Elastic IPs"}
    added = [{"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": name, "Value": 5.0} for code, name in names.items()]
    known: dict[str, list[dict[str, Any]]] = {"vpc": VPC_DEFAULT_QUOTAS, "ec2": added}
    if service not in known:
        raise NoSuchResource
    own = {} if default else STATE.quotas
    return [row | {"Value": own.get(row["QuotaCode"], row["Value"])} for row in known[service]]


def quota(code: str) -> float:
    """Return the account's value of a quota."""
    rows = [*_quotas("ec2", default=False), *_quotas("vpc", default=False)]
    return next(float(row["Value"]) for row in rows if row["QuotaCode"] == code)


def _one_quota(*, default: bool) -> Function:
    def answer(self: Any) -> str:
        wanted = json.loads(self.body)
        rows = [q for q in _quotas(wanted["ServiceCode"], default=default) if q["QuotaCode"] == wanted["QuotaCode"]]
        if not rows:
            raise NoSuchResource
        return json.dumps({"Quota": rows[0]})

    return answer


def _limited(code: str, count: Function, error: str, things: str) -> Function:
    def create(original: Function, self: Any, *args: Any, **options: Any) -> Any:
        if count(self) >= quota(code):
            raise refuse(error, f"The maximum number of {things} has been reached.")
        return original(self, *args, **options)

    return create
