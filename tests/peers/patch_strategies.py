# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches of machine configurations by chance: fields of all kinds of documents, at their places, with sound values."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import decoding
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text

Release = tuple[int, int]
DELETE = {"$patch": "delete"}
TEXTS = ("", "a", "b", "other", "true", "no", "1e5", "017", "0x1f", "~", "a: b", "#a", "é", " a", "2026-11-29")
# A text that each reader of its own understands.
READ: dict[str, tuple[Any, ...]] = {
    "Addr": ("192.0.2.7", "2001:db8::7"),
    "AddrPort": ("192.0.2.7:53",),
    "ArgValue": ("", "1", 2, True, ["a", "b"], []),
    "Base64Bytes": ("YQ==",),
    "ByteSize": ("1GiB", "500MB"),
    "DiskSize": ("1GiB",),
    "Endpoint": ("tcp://192.0.2.7:514",),
    "HardwareAddr": ("02:00:00:00:00:07",),
    "InstallDiskSizeMatcher": (">= 10GB",),
    "PortRange": ("80", "8000-8010"),
    "Prefix": ("192.0.2.0/24", "2001:db8::/64"),
    "Size": ("1GiB", "50%"),
    "URL": ("https://192.0.2.7:6443", "https://example.com/a"),
}
# Authorities, keys and expressions have tests of their own.
_LEFT_OUT = ("PEMEncoded", "Expression")
# How deep a patch goes, and how many fields it has at each place.
_DEPTH, _FIELDS = 5, 2


def patches(release: Release) -> st.SearchStrategy[str]:
    """Return texts of patches, each for one document that this release knows."""
    return st.sampled_from(_roots(release)).flatmap(lambda root: _patch(*root, release))


def _roots(release: Release) -> list[tuple[str, str]]:
    """Return each kind with its structure; the machine configuration as often as all others, as people patch it."""
    kinds = sorted(decoding.kinds(release).items())
    return [*kinds, *[("", "Config")] * len(kinds)]


def _patch(kind: str, structure: str, release: Release) -> st.SearchStrategy[str]:
    names = st.sampled_from(["a", "eth0", "docker.io", "STATE"])
    fields = decoding.structure(structure, release) or {}
    head = {"apiVersion": "v1alpha1", "kind": kind} if kind else {}
    named = st.fixed_dictionaries({"name": names} if kind and "name" in fields else {})
    free = {name: of for name, of in fields.items() if name not in {"apiVersion", "kind", "name", "version"}}
    content = _structure(free, release, _DEPTH)
    return st.builds(lambda name, inner: yaml_text.dump_plain({**head, **name, **inner}), named, content)


def _structure(fields: dict[str, str], release: Release, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    taken = {name: of for name, of in fields.items() if not any(word in of for word in _LEFT_OUT)}
    if not taken:
        return st.just({})
    chosen = st.lists(st.sampled_from(sorted(taken)), min_size=1, max_size=_FIELDS, unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({name: _value(taken[name], release, depth - 1) for name in names})
    )


def _value(of: str, release: Release, depth: int) -> st.SearchStrategy[Any]:
    """Return values of a type, as fields.py writes it; now and then the order to delete what is there."""
    if of[0] in "[{" or decoding.structure(of, release) is not None:
        deleted = st.integers(0, 11).map(lambda number: number == 0)
        return deleted.flatmap(lambda yes: st.just(dict(DELETE)) if yes else _many(of, release, depth))
    return _one(of)


def _many(of: str, release: Release, depth: int) -> st.SearchStrategy[Any]:
    if depth <= 0:
        return st.just([] if of[0] == "[" else {})
    if of[0] == "[":
        return st.lists(_value(of[1:-1], release, depth - 1), max_size=2)
    if of[0] == "{":
        return st.dictionaries(
            st.sampled_from(["a", "b", "docker.io"]), _value(of[1:-1], release, depth - 1), max_size=2
        )
    return _structure(decoding.structure(of, release) or {}, release, depth)


def _one(of: str) -> st.SearchStrategy[Any]:
    if of == "any":
        return st.sampled_from([{}, {"a": "b"}, {"a": [1, 2]}, {"a": {"b": True}}, {"maxPods": 200}])
    if of == "bool":
        return st.booleans()
    if of == "duration":
        return st.sampled_from(["0s", "10s", "1h30m0s"])
    if of.startswith("own/"):
        kind = of.removeprefix("own/")
        return st.sampled_from(decoding.ENUMS.get(kind, "").split() or READ.get(kind, TEXTS))
    return st.sampled_from(TEXTS) if of == "string" else st.sampled_from([0, 1, 7, 1400])


def shown(text: str) -> str:
    """Return a patch on one line."""
    return json.dumps(yaml_text.load_all(text), ensure_ascii=False)
