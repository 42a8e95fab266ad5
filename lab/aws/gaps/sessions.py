# SPDX-License-Identifier: GPL-3.0-or-later
"""SSM: StartSession and TerminateSession are missing.

Sessions with document AWS-StartSSHSession are started or refused. A machine is connected as its agent would be: it
runs, its role allows what the agent calls, and it reaches AWS by a public IPv4 address or, if it is configured to use
the endpoints that have IPv6, by IPv6.
"""

from __future__ import annotations

import fnmatch
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from lab.aws.faults import AwsRefusal
from lab.aws.patches import ACCOUNT, put, replaces
from lab.machines import MachinePark
from lab.settings import REGION

DOCUMENT = "AWS-StartSSHSession"
AGENT = "root/etc/amazon/ssm/amazon-ssm-agent.json"
# What the agent calls: https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
CALLS = (
    "ssm:UpdateInstanceInformation",
    *(f"ssmmessages:{verb}{what}Channel" for verb in ("Create", "Open") for what in ("Control", "Data")),
)


def install(park: MachinePark) -> None:
    put(SimpleSystemManagerResponse, start_session=lambda response: _start(response, park))


def _start(response: Any, park: MachinePark) -> str:
    wanted = json.loads(response.body)
    if wanted.get("DocumentName", "SSM-SessionManagerRunShell") != DOCUMENT:
        raise JsonRESTError("InvalidDocument", f"Document with name {wanted.get('DocumentName')} does not exist.")
    port = _port(wanted.get("Parameters", {}))
    target = wanted["Target"]
    if why := not_connected(target, response.region, park):
        raise JsonRESTError("TargetNotConnected", f"{target} is not connected. [lab, simulated] {why}")
    url = f"tcp://{park.machines[target].identity['address']}:{port}"
    session = {"SessionId": f"lab-{secrets.token_hex(8)}", "TokenValue": secrets.token_hex(16), "StreamUrl": url}
    return json.dumps(session)


@replaces(SimpleSystemManagerResponse, "terminate_session")
def _end(response: Any) -> str:
    return json.dumps({"SessionId": json.loads(response.body)["SessionId"]})


def _port(parameters: dict[str, list[str]]) -> int:
    unknown = set(parameters) - {"portNumber"}
    values = parameters.get("portNumber", ["22"])
    sound = len(values) == 1 and re.fullmatch("[1-9][0-9]{0,4}", values[0]) and int(values[0]) < 65536
    if unknown or not sound:
        raise JsonRESTError(
            "InvalidParameters", f"{DOCUMENT} takes the parameter portNumber, one port from 1 to 65535."
        )
    return int(values[0])


def not_connected(target: str, region: str, park: MachinePark) -> str:
    """Return why the agent of a machine is not connected, or nothing."""
    backend = ec2_backends[ACCOUNT][region]
    instance = next((found for found in backend.all_instances() if found.id == target), None)
    machine = park.machines.get(target)
    if instance is None or machine is None or instance.state != "running" or machine.state != "linux":
        return "There is no such machine, or it does not run Linux."
    if not all(allow(_roles(instance), call) for call in CALLS):
        return "Its role does not allow what the agent calls."
    if not instance.public_ip and not _uses_ipv6(machine.directory / AGENT):
        return "It has no public IPv4 address, and its agent is not configured to use IPv6."
    return ""


def _roles(instance: Any) -> list[Any]:
    """Return the role in the machine's instance profile."""
    named = instance.iam_instance_profile or {}
    arn = named.get("Arn") or named.get("arn") if isinstance(named, dict) else getattr(named, "arn", str(named))
    profiles = iam_backends[ACCOUNT]["aws"].get_instance_profiles()
    return [role for profile in profiles if profile.arn == arn or profile.name == arn for role in profile.roles]


def allow(roles: Iterable[Any], call: str, resource: str = "*", tags: Mapping[str, str] | None = None) -> bool:
    """Return whether the policies of roles allow a call on a resource; without its tags, conditions count as met."""
    documents = [json.loads(text) for role in roles for text in role.policies.values()]
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _listed(document["Statement"])
        if any(fnmatch.fnmatchcase(call, action) for action in _listed(statement["Action"]))
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in _listed(statement["Resource"]))
        and (tags is None or _wanted_tags(statement).items() <= tags.items())
    }
    return effects == {"Allow"}


def _wanted_tags(statement: Mapping[str, Any]) -> dict[str, str]:
    wanted = statement.get("Condition", {}).get("StringEquals", {})
    return {key.partition("/")[2]: value for key, value in wanted.items() if key.startswith("aws:ResourceTag/")}


def check_role(machine: str, call: str, parameters: dict[str, Any]) -> None:
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{parameters.get('Name')}"
    if not allow(_roles(ec2_backends[ACCOUNT][REGION].get_instance(machine)), call, arn):
        text = f"the role of {machine} is not authorized to perform: {call} on resource: {arn}"
        raise AwsRefusal("AccessDeniedException", text)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _uses_ipv6(file: Any) -> bool:
    try:
        return bool(json.loads(file.read_text(encoding="utf-8"))["Agent"]["UseDualStackEndpoint"])
    except (OSError, ValueError, KeyError):
        return False
