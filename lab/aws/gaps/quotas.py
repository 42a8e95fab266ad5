# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Quotas: quotas of EC2 are unknown, an account's own values cannot be set, and none is applied."""

from __future__ import annotations

import json
from functools import partialmethod
from typing import Any

from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS
from moto.servicequotas.responses import ServiceQuotasResponse

from lab.aws.account import STATE, VCPUS, VPCS
from lab.aws.patches import Function, put, refuse, wraps

ADDRESSES = "L-0263D0A3"
STANDARD = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"


def _quotas(service: str, *, default: bool) -> list[dict[str, Any]]:
    names = {VCPUS: STANDARD, ADDRESSES: "EC2-VPC Elastic IPs"}
    added = [{"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": name, "Value": 5.0} for code, name in names.items()]
    known: dict[str, list[dict[str, Any]]] = {"vpc": VPC_DEFAULT_QUOTAS, "ec2": added}
    if service not in known:
        raise NoSuchResource
    own = {} if default else STATE.quotas
    return [row | {"Value": own.get(row["QuotaCode"], row["Value"])} for row in known[service]]


def quota(code: str) -> float:
    rows = [*_quotas("ec2", default=False), *_quotas("vpc", default=False)]
    return next(float(row["Value"]) for row in rows if row["QuotaCode"] == code)


def _one_quota(response: Any, *, default: bool) -> str:
    wanted = json.loads(response.body)
    rows = [q for q in _quotas(wanted["ServiceCode"], default=default) if q["QuotaCode"] == wanted["QuotaCode"]]
    if not rows:
        raise NoSuchResource
    return json.dumps({"Quota": rows[0]})


put(ServiceQuotasResponse, get_service_quota=partialmethod(_one_quota, default=False))
put(ServiceQuotasResponse, get_aws_default_service_quota=partialmethod(_one_quota, default=True))


def _check(code: str, used: int, error: str, things: str) -> None:
    if used >= quota(code):
        raise refuse(error, f"The maximum number of {things} has been reached.")


@wraps(VPCBackend, "create_vpc")
def _few_vpcs(original: Function, self: Any, *args: Any, **options: Any) -> Any:
    _check(VPCS, len(self.vpcs), "VpcLimitExceeded", "VPCs")
    return original(self, *args, **options)


@wraps(ElasticAddressBackend, "allocate_address")
def _few_addresses(original: Function, self: Any, *args: Any, **options: Any) -> Any:
    _check(ADDRESSES, len(self.addresses), "AddressLimitExceeded", "addresses")
    return original(self, *args, **options)
