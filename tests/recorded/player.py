# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the calls of a record again, in a lab, and list every difference between the answers."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError, ParamValidationError

from tests.aws.redaction import SECRET, TOKEN, Redactor, restored, rewritten, vocabulary

SCRIPT = "#!/bin/sh\n"
# How things are at a moment, which a replay does not meet again.
MOMENTS = frozenset(
    {
        "AvailableIpAddressCount",
        "HealthStatus",
        "LastModifiedDate",
        "LastUpdateOnPasswordChange",
        "LifecycleState",
        "PreviousState",
        "Progress",
        "State",
        "StateReason",
        "StateTransitionReason",
        "Status",
        "StatusCode",
        "StatusMessage",
    }
)
# The states in which something stays. What a record has in one of them must come to it in a replay, too.
_STATES = frozenset({"HealthStatus", "LifecycleState", "State", "Status"})
_SETTLED = frozenset(
    {
        "attached",
        "associated",
        "available",
        "active",
        "blackhole",
        "deleted",
        "detached",
        "disabled",
        "enabled",
        "healthy",
        "in-use",
        "inservice",
        "running",
        "stopped",
        "terminated",
    }
)
# Drawn by lot from a lab's private addresses, or from AWS's public ones.
_DRAWN = frozenset({"PublicIp", "PublicIpAddress"})
_READS = ("Describe", "Get", "List")
_LOOPBACK = re.compile(r"\b127\.\d{1,3}\.(?=\d{1,3}\.\d{1,3}\b)(?!0\.1\b)")


class Difference(NamedTuple):
    """Where the lab answers otherwise than what was recorded, and how."""

    call: int
    operation: str
    path: str
    recorded: str
    here: str

    def __str__(self) -> str:
        return f"{self.operation} (call {self.call}) {self.path}: recorded {self.recorded}, here {self.here}"


class Client(Protocol):
    """A client of boto3, as far as the player needs it."""

    meta: Any


class Player:
    """Plays calls; known has the placeholders of this replay for those of the record."""

    def __init__(self, client: Callable[[str], Client], calls: Sequence[Mapping[str, Any]], *, patience: float) -> None:
        self._client = client
        self._patience = patience
        self._calls = [rewritten(call, elsewhere) for call in calls]
        self._redactor = Redactor(b"replay", persons=())
        self._words = vocabulary(self._calls, self._redactor)
        self._clients: dict[str, Any] = {}
        self.known: dict[str, str] = {}

    def play(self) -> list[Difference]:
        """Make all calls in their order and return the differences."""
        return [found for number, call in enumerate(self._calls, 1) for found in self._patiently(number, call)]

    def _patiently(self, number: int, call: Mapping[str, Any]) -> list[Difference]:
        """Repeat a reading that differs for a while: what it reads may not have happened yet."""
        until = time.monotonic() + (self._patience if call["operation"].startswith(_READS) else 0)
        while True:
            known = dict(self.known)
            found = [
                Difference(number, f"{call['service']}:{call['operation']}", *difference)
                for difference in self._differences(call)
            ]
            if not found or time.monotonic() >= until:
                return found
            self.known = known
            time.sleep(0.2)

    def _differences(self, call: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        error, answer = self._make(call)
        if error != call["error"]:
            return [("error", str(call["error"]), str(error))]
        return [] if error else list(compare(call["answer"], answer, self.known))

    def _make(self, call: Mapping[str, Any]) -> tuple[str | None, Any]:
        client = self._clients.setdefault(call["service"], self._client(call["service"]))
        model = client.meta.service_model.operation_model(call["operation"])
        names = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
        try:
            parameters = self._parameters(call["parameters"], model.input_shape)
            answer = getattr(client, names[call["operation"]])(**parameters)
        except ClientError as error:
            return error.response["Error"]["Code"], None
        except ParamValidationError as error:
            return f"not sent: {error}", None
        kept = self._redactor.call(model, parameters, answer)
        self._words |= vocabulary([kept], self._redactor)
        return None, rewritten(restored(kept["answer"], self._words), elsewhere)

    def _parameters(self, value: Any, shape: Any) -> Any:
        """Return parameters in which placeholders are what the lab has for them."""
        if shape is not None and shape.type_name == "structure" and isinstance(value, Mapping):
            return {
                name: script(shape.name) if name == "UserData" else self._parameters(item, shape.members[name])
                for name, item in value.items()
            }
        if shape is not None and shape.type_name == "list" and isinstance(value, list):
            return [self._parameters(item, shape.member) for item in value]
        if shape is not None and shape.type_name == "blob" and value == SECRET:
            return SECRET.encode()
        return rewritten(value, lambda text: TOKEN.sub(self._here, text))

    def _here(self, found: re.Match[str]) -> str:
        kind, suffix = found[1], found[3]
        if kind == "time":
            return f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
        known = self.known.get(f"<{kind}-{found[2]}>")
        value = self._redactor.raw.get(known or "")
        if value is None:
            return made_up(kind, found[2])
        return str(ipaddress.IPv6Address(value) + (int(suffix[1:], 16) << 64)) if suffix else value


def script(shape: str) -> str:
    """Return user-data that does nothing, as the structure of that name takes it."""
    return SCRIPT if shape == "RunInstancesRequest" else base64.b64encode(SCRIPT.encode()).decode()


def made_up(kind: str, number: str) -> str:
    """Return a value for something that no answer has named."""
    digits = int(number, 16)
    if kind == "uuid":
        return f"00000000-0000-4000-8000-{digits % 16**12:012x}"
    values = {"account": "123456789012", "text": f"text{number}", "ipv4": f"192.0.2.{digits % 250}"}
    values |= {"ipv6": f"2001:db8::{digits % 65536:x}", "net6": "2001:db8::"}
    return values.get(kind, f"{kind}-{digits % 16**17:017x}")


def elsewhere(text: str) -> str:
    """Return a text with private addresses instead of a lab's, at which machines of a replay would really start."""
    return _LOOPBACK.sub("10.10.", text)


def compare(recorded: Any, here: Any, known: dict[str, str], path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield where two answers differ, and learn which placeholders of the two mean the same thing."""
    if isinstance(recorded, Mapping) and isinstance(here, Mapping):
        yield from _compare_mappings(recorded, here, known, path)
    elif isinstance(recorded, list) and isinstance(here, list):
        yield from _compare_lists(recorded, here, known, path)
    elif isinstance(recorded, str) and isinstance(here, str):
        if not same(recorded, here, known):
            yield path, repr(recorded), repr(here)
    elif recorded != here or type(recorded) is not type(here):
        yield path, repr(recorded), repr(here)


def _compare_mappings(
    recorded: Mapping[str, Any], here: Mapping[str, Any], known: dict[str, str], path: str
) -> Iterator[tuple[str, str, str]]:
    if _state(recorded) == "shutting-down" and _state(here) == "terminated":
        # It was still shutting down when it was recorded, and has lost what it had since.
        return
    for key in sorted({*recorded, *here} - MOMENTS | {key for key in _STATES if _settled(recorded.get(key))}):
        place = f"{path}.{key}" if path else key
        if key not in here or key not in recorded:
            yield place, *(("a value", "nothing") if key in recorded else ("nothing", "a value"))
        elif key not in _DRAWN:
            yield from compare(recorded[key], here[key], known, place)


def _settled(value: Any) -> bool:
    """Return whether a state is one in which a thing stays."""
    name = value.get("Name") if isinstance(value, Mapping) else value
    return str(name).lower() in _SETTLED


def _state(item: Mapping[str, Any]) -> str:
    state = item.get("State")
    return str(state.get("Name")) if isinstance(state, Mapping) else ""


def _compare_lists(
    recorded: list[Any], here: list[Any], known: dict[str, str], path: str
) -> Iterator[tuple[str, str, str]]:
    if len(recorded) != len(here):
        yield f"{path}[]", f"{len(recorded)} items", f"{len(here)} items"
        return
    values = set(known.values())
    ours = sorted(recorded, key=lambda item: outline(item, lambda token: known.get(token)))
    theirs = sorted(here, key=lambda item: outline(item, lambda token: token if token in values else None))
    for one, other in zip(ours, theirs, strict=True):
        yield from compare(one, other, known, f"{path}[]")


def outline(value: Any, meaning: Callable[[str], str | None]) -> str:
    """Return a text by which items of two lists sort alike: what they say, with placeholders by their meaning."""

    def blank(found: re.Match[str]) -> str:
        return meaning(f"<{found[1]}-{found[2]}>") or f"<{found[1]}{found[3]}>"

    return json.dumps(rewritten(_lasting(value), lambda text: TOKEN.sub(blank, text)), sort_keys=True)


def _lasting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lasting(item) for key, item in value.items() if key not in MOMENTS}
    return [_lasting(item) for item in value] if isinstance(value, list) else value


def same(recorded: str, here: str, known: dict[str, str]) -> bool:
    """Return whether two texts say the same, and learn the placeholders in them if so."""
    ours, theirs = list(TOKEN.finditer(recorded)), list(TOKEN.finditer(here))
    if re.fullmatch(r"<text-\w+>", recorded):
        # A text of another owner, of which nothing is known.
        return True
    if TOKEN.sub(r"<\1\3>", recorded) != TOKEN.sub(r"<\1\3>", here):
        return False
    pairs = [(f"<{a[1]}-{a[2]}>", f"<{b[1]}-{b[2]}>") for a, b in zip(ours, theirs, strict=True)]
    lasting = [(a, b) for a, b in pairs if not a.startswith(("<text-", "<time-"))]
    learnt = dict(lasting)
    if any(known.get(a, b) != b for a, b in lasting):
        return False
    known.update(learnt)
    return True


def exclusions() -> str:
    """Return which keys are not compared, at any depth of an answer."""
    return (
        f"Not compared, because they belong to a moment: {', '.join(sorted(MOMENTS))}; "
        f"but compared where a record has a lasting value in {', '.join(sorted(_STATES))}. "
        f"Compared by presence only: {', '.join(sorted(_DRAWN))}."
    )


def listed(differences: Iterable[Difference]) -> list[str]:
    """Return one line for each kind of difference, with how often it was found and the first example."""
    first: dict[tuple[str, str], Difference] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for difference in differences:
        kind = (difference.operation, difference.path)
        first.setdefault(kind, difference)
        counts[kind] += 1
    return [f"{counts[kind]:4} x {difference}" for kind, difference in first.items()]
