# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Talos itself has killed, as its resources list it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import machine, proto


class FakeNode:
    """A node with some resources of one kind."""

    node = "192.0.2.101"

    def __init__(self, **specs: dict[str, Any]) -> None:
        self.specs = specs
        self.asked: list[str] = []

    async def stream(self, _method: str, request: Any) -> AsyncIterator[Any]:
        self.asked.append(f"{request.namespace}/{request.type}")
        for name, spec in self.specs.items():
            reply = proto.message("ListResponse")()
            reply.resource.metadata.id = name.removeprefix("_")
            reply.resource.spec.yaml_spec = yaml.safe_dump(spec)
            yield reply


def kill(*processes: str) -> dict[str, Any]:
    """Return the record of a kill as Talos keeps it."""
    return {"triggerContext": '{"memory_full_avg10": 12.1}', "score": 5.0, "processes": list(processes)}


def test_programs_are_named_without_their_arguments_in_the_order_of_the_kills() -> None:
    node = FakeNode(_10=kill("/vpa-updater --token=abc"), _9=kill("/grafana server", "/sh -c x"), _11=kill())

    found = asyncio.run(machine.oom_kills(node))  # type: ignore[arg-type]

    assert node.asked == ["runtime/OOMActions.talos.dev"]
    assert [(one["id"], one["programs"]) for one in found] == [
        ("9", ["/grafana", "/sh"]),
        ("10", ["/vpa-updater"]),
        ("11", []),
    ]
