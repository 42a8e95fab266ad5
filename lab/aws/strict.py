# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS refuses in the parameters of a call, by the table rules.json that tools/aws_rules.py writes.

Gap of moto: it takes texts of any length and any characters, and most values that AWS does not offer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model

from lab.aws.faults import AwsRefusal
from lab.aws.patches import Function, wraps

SEEN: set[str] = set()
FREE = ("boolean", "timestamp", "blob")
RULE_TEXTS = (
    *("IpRange", "Ipv6Range", "PrefixListId", "UserIdGroupPair"),
    *("SecurityGroupRuleDescription", "SecurityGroupRuleRequest"),
)
SIGNS = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
CHECKS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "max": (lambda value, limit: len(value) <= limit, "have length less than or equal to {}"),
    "min": (lambda value, limit: len(value) >= limit, "have length greater than or equal to {}"),
    "items": (lambda value, limit: len(value) <= limit, "have length less than or equal to {}"),
    "most": (lambda value, limit: int(value) <= limit, "have value less than or equal to {}"),
    "least": (lambda value, limit: int(value) >= limit, "have value greater than or equal to {}"),
    "pattern": (lambda value, rule: bool(re.fullmatch(rule, value)), "satisfy regular expression pattern: {}"),
    "enum": (lambda value, choices: value in choices, "satisfy enum value set: {}"),
    "unique": (lambda value, key: len({one.get(key) for one in value}) == len(value), "have unique {}"),
    "start": (lambda value, start: not value.lower().startswith(start), "not begin with {}"),
}


def install() -> None:
    wraps(BaseResponse, "setup_class")(_checked)


def _checked(original: Function, self: Any, request: Any, *args: Any, **options: Any) -> None:
    original(self, request, *args, **options)
    if action := self._get_action():
        model = get_service_model(self.boto3_service_name)
        check_parameters(model.service_name, model.operation_model(action), _parameters(self, request, model))


def _parameters(response: Any, request: Any, model: Any) -> dict[str, Any]:
    operation = model.operation_model(response._get_action())
    parser = PROTOCOL_PARSERS[response.determine_response_protocol(model)](operation)
    reported = {"method": request.method, "values": request.values, "headers": request.headers, "body": request.data}
    return parser.parse(reported | {"url_path": request.path, "url_params": response.uri_match})


def check_parameters(service: str, operation: OperationModel, parameters: dict[str, Any]) -> None:
    """Refuse a call with a parameter that breaks a rule, in the words of its service."""
    for member, value in walk(operation.input_shape, parameters, ""):
        if not isinstance(value, list):
            SEEN.add(f"{service} {operation.name} {member}")
        for kind, limit, _ in rules(service, member):
            applies = isinstance(value, list) is (kind in ("items", "unique"))
            if applies and not CHECKS[kind][0](value, limit):
                raise _refusal(service, member, value, CHECKS[kind][1].format(limit))


def walk(shape: Any, value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every value of a call with the structure and member that takes it."""
    kind = shape.type_name if shape else None
    if kind == "structure":
        for key, inner in value.items():
            yield from walk(shape.members[key], inner, f"{shape.name}.{key}")
    elif kind in ("list", "map"):
        yield name, list(value)
        for inner in value if kind == "list" else value.values():
            yield from walk(shape.member if kind == "list" else shape.value, inner, name)
    elif kind and kind not in FREE:
        yield name, value


def _refusal(service: str, member: str, value: Any, rule: str) -> AwsRefusal:
    structure, _, name = member.partition(".")
    if service == "ec2" and structure in RULE_TEXTS:
        reported = f"Valid descriptions are strings less than 256 characters from the following set: {SIGNS}"
        return AwsRefusal("InvalidParameterValue", f"Invalid rule description. {reported}")
    if service == "ec2":
        return AwsRefusal("InvalidParameterValue", f"Value ({value}) for parameter {name} is invalid. It must {rule}")
    failed = f"Value '{value}' at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must {rule}"
    code = "ValidationError" if service in ("iam", "autoscaling", "sts") else "ValidationException"
    return AwsRefusal(code, f"1 validation error detected: {failed}")


@cache
def table() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("rules.json").read_text(encoding="utf-8"))


def rules(service: str, member: str) -> list[list[Any]]:
    """Return kind, value and source of each rule for a member, which is named Structure.Member."""
    structure, _, name = member.partition(".")
    return table()["rules"].get(f"{service} {structure}", {}).get(name, [])
