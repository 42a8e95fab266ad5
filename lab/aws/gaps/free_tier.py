# SPDX-License-Identifier: GPL-3.0-or-later
"""Free Tier: the service is missing."""

from __future__ import annotations

import json
import re
import sys

from moto import backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.responses import BaseResponse

from lab.aws.account import STATE


class FreeTierBackend(BaseBackend):
    __module__ = "moto.freetier.models"


class FreeTierResponse(BaseResponse):
    def __init__(self) -> None:
        super().__init__(service_name="freetier")

    def get_account_plan_state(self) -> str:
        plan = {"accountId": self.current_account, "accountPlanType": STATE.plan, "accountPlanStatus": "ACTIVE"}
        return json.dumps(plan)


freetier_backends = BackendDict(FreeTierBackend, "freetier", use_boto3_regions=False, additional_regions=["us-east-1"])
url_bases, url_paths = [r"https?://freetier\.(.+)"], {"{0}/$": FreeTierResponse.dispatch}
# moto finds a service by modules of its name, and by the host in a request.
for module in ("moto.freetier", "moto.freetier.models", "moto.freetier.urls"):
    sys.modules[module] = sys.modules[__name__]
backend_index.backend_url_patterns.append(("freetier", re.compile(url_bases[0])))
