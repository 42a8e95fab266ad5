# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes when its owner goes, as the garbage collector has it."""

from __future__ import annotations

from lab.kubernetes.store import Object, Store


def reconcile(store: Store) -> None:
    living = {item["metadata"]["uid"] for kind in store.kinds() for item in store.peek(kind)}
    for kind in store.kinds():
        for item in store.peek(kind):
            if _is_orphan(item, living):
                store.remove(kind, item["metadata"]["name"], namespace=item["metadata"].get("namespace", ""))


def _is_orphan(item: Object, living: set[str]) -> bool:
    owners = item["metadata"].get("ownerReferences") or []
    return bool(owners) and not any(owner["uid"] in living for owner in owners)
