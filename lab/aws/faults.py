# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: failures of AWS.

POST /lab/faults takes one fault as JSON:
  {"kind": "throttle", "action": "RunInstances", "count": 3}     the next 3 calls get RequestLimitExceeded
  {"kind": "refuse", "action": "CreateVpc", "code": "UnauthorizedOperation", "message": "..."}   count: 1
  {"kind": "delay", "action": "DescribeVpcs", "seconds": 2, "count": 5}
  {"kind": "lost_answer", "action": "CreateNetworkInterface"}    done, but the caller gets a 500 and does not know
  {"kind": "dropped_answer", "action": "CreateVpc"}              done, but the connection ends without an answer
  {"kind": "eventual", "action": "CreateVpc", "count": 2}        what the next call creates is not found 2 times
An action "*" means every action. DELETE /lab/faults forgets them all.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

KINDS = ("throttle", "refuse", "delay", "lost_answer", "dropped_answer", "eventual")
# What a call creates: the beginning of its identifier, or the parameter that names it and the code when it is unknown.
_CREATED = {
    **{"RunInstances": "i", "CreateNetworkInterface": "eni", "CreateSubnet": "subnet", "CreateRouteTable": "rtb"},
    **{"CreateSecurityGroup": "sg", "CreateLaunchTemplate": "lt"},
}
_NAMED = {
    "CreateRole": ("RoleName", "NoSuchEntity"),
    "CreateInstanceProfile": ("InstanceProfileName", "NoSuchEntity"),
    "PutParameter": ("Name", "ParameterNotFound"),
    "ImportKeyPair": ("KeyName", "InvalidKeyPair.NotFound"),
}
_KINDS = {
    **{"vpc": "VpcID", "subnet": "SubnetID", "igw": "InternetGatewayID", "rtb": "RouteTableID", "sg": "Group"},
    **{"eni": "NetworkInterfaceID", "i": "InstanceID", "vol": "Volume", "dopt": "DhcpOptionID"},
    **{"eipalloc": "AllocationID", "lt": "LaunchTemplateId"},
}


@dataclass(frozen=True)
class Fault:
    """One fault and how often it will still strike."""

    kind: str
    action: str
    count: int = 1
    code: str = "UnauthorizedOperation"
    message: str = "A fault of the lab refuses this call."
    seconds: float = 1.0


class AwsRefusal(Exception):
    """An answer that AWS would give instead of doing what was asked."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def parse_fault(data: dict[str, Any]) -> Fault:
    if data.get("kind") not in KINDS or not data.get("action"):
        raise ValueError(f"a fault needs an action and a kind out of {', '.join(KINDS)}")
    return Fault(**data)


@dataclass
class Faults:
    """The faults that wait, and what is hidden for a while."""

    waiting: list[Fault] = field(default_factory=list)
    hidden: dict[str, int] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self.lock:
            self.waiting.append(fault)

    def clear(self) -> None:
        with self.lock:
            self.waiting.clear()
            self.hidden.clear()

    def take(self, kinds: tuple[str, ...], action: str) -> list[Fault]:
        """Return the faults of these kinds that strike this call, one use of each spent (eventual: all)."""
        with self.lock:
            struck = [f for f in self.waiting if f.kind in kinds and f.action in (action, "*")]
            for fault in struck:
                self.waiting.remove(fault)
                if fault.count > 1 and fault.kind != "eventual":
                    self.waiting.append(replace(fault, count=fault.count - 1))
        return struck

    def hide(self, action: str, parameters: dict[str, Any], body: str, times: int) -> None:
        """Hide, for some calls, the resource that a call has created."""
        name, code = _NAMED.get(action, ("", ""))
        ours = re.sub(r"<(requestId|RequestId|reservationId)>.*?</\1>", "", body)
        created = re.search(rf"\b(?:{_CREATED.get(action, '|'.join(_KINDS))})-[0-9a-f]{{17}}\b", ours)
        if name:
            self.hidden[parameters[name]], self.codes[parameters[name]] = times, code
        elif created:
            self.hidden[created.group()] = times

    def refuse_hidden(self, parameters: dict[str, Any]) -> None:
        """Refuse a call that names a hidden resource, as AWS does before the resource has spread."""
        for value in parameters.values():
            if isinstance(value, str) and value in self.hidden and self._spend(value):
                code = self.codes.get(value) or f"Invalid{_KINDS[value.partition('-')[0]]}.NotFound"
                raise AwsRefusal(code, f"The ID '{value}' does not exist")

    def without_hidden(self, body: str) -> str:
        present = [name for name in list(self.hidden) if f">{name}<" in body and self._spend(name)]
        if not present:
            return body
        root = ElementTree.fromstring(body)  # noqa: S314  moto's own answer
        _prune(root, set(present))
        ElementTree.register_namespace("", root.tag.partition("}")[0].lstrip("{"))
        return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)

    def _spend(self, name: str) -> bool:
        with self.lock:
            left = self.hidden.get(name, 0)
            if left <= 1:
                self.hidden.pop(name, None)
            else:
                self.hidden[name] = left - 1
        return left > 0


def _prune(element: ElementTree.Element, names: set[str]) -> None:
    for child in list(element):
        if child.tag.endswith("item") and any((leaf.text or "") in names for leaf in child):
            element.remove(child)
        else:
            _prune(child, names)
