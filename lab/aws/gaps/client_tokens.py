# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: ClientToken is ignored, so a repeated call is carried out again."""

from __future__ import annotations

from typing import Any

from moto.ec2.responses import EC2Response

from lab.aws.faults import AwsRefusal
from lab.aws.patches import Function, wraps

ANSWERED: dict[tuple[str, str], tuple[dict[str, Any], tuple[int, dict[str, Any], str]]] = {}


@wraps(EC2Response, "call_action")
def _once(original: Function, self: Any) -> Any:
    action, parameters = self._get_action(), dict(self.querystring)
    token = (action, "".join(parameters.get("ClientToken", ())))
    if token not in ANSWERED:
        status, headers, body = answer = original(self)
        if status == 200 and action.startswith("Delete"):  # what was created is gone, and with it its token
            gone = [value for name in parameters if name != "Version" for value in parameters[name] if "-" in value]
            for known in [known for known, (_, made) in ANSWERED.items() if any(name in made[2] for name in gone)]:
                del ANSWERED[known]
        elif status == 200 and token[1]:
            ANSWERED[token] = (parameters, (status, dict(headers), body))
        return answer
    if ANSWERED[token][0] != parameters:
        message = "The client token you have provided is associated with a different request"
        raise AwsRefusal("IdempotentParameterMismatch", message)
    return ANSWERED[token][1]
