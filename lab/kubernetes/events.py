# SPDX-License-Identifier: GPL-3.0-or-later
"""Events, in which controllers report about objects."""

from __future__ import annotations

import hashlib

from lab.kubernetes.kinds import EVENTS
from lab.kubernetes.store import Object, Store, now


def add_event(
    store: Store, about: Object, reason: str, message: str, *, kind: str = "Normal", component: str = "kubelet"
) -> None:
    """Keep an event; the same one again is counted, not kept twice."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace", "default")
    digest = hashlib.sha256(f"{reason} {message}".encode()).hexdigest()[:16]
    name = f"{metadata['name']}.{digest}"
    before = store.look(EVENTS, name, namespace=namespace) or {}
    involved = {"kind": about.get("kind", "Pod"), "namespace": namespace, "name": metadata["name"]}
    content = {
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved | {"uid": metadata.get("uid", "")},
        **{"reason": reason, "message": message, "type": kind, "source": {"component": component}},
        **{"firstTimestamp": before.get("firstTimestamp", now()), "lastTimestamp": now()},
        "count": before.get("count", 0) + 1,
    }
    store.put(EVENTS, content)
