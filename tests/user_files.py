# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs as users and their programs write them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable
from typing import Any

import yaml
from hypothesis import strategies as st

from lab.talos import pki
from tests.rare_values import texts
from tests.talos_nodes import Cluster

Style = Callable[[Any], str]


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Return kubeconfigs of other clusters, with any names, tokens and namespaces."""

    def entries(inner: str, *keys: str) -> st.SearchStrategy[Any]:
        value = st.dictionaries(st.sampled_from(keys), texts(), max_size=2)
        entry = st.fixed_dictionaries({"name": texts().filter(bool), inner: value})
        return st.lists(entry, max_size=3, unique_by=lambda item: str(item["name"])) | st.none()

    return st.fixed_dictionaries(
        {"clusters": entries("cluster", "server", "tls-server-name")},
        optional={
            "users": entries("user", "token", "username"),
            "contexts": entries("context", "namespace", "cluster"),
            "current-context": texts(),
            "kind": st.just("Config"),
            "preferences": st.just({}),
        },
    )


def styled() -> st.SearchStrategy[Style]:
    """Return ways to write a document: those of talosctl, PyYAML and JSON, with lines of Unix or Windows."""

    def plain(flow: bool | None, quote: str | None, indent: int, newline: str) -> Style:
        return lambda document: yaml.safe_dump(
            document, default_flow_style=flow, default_style=quote, indent=indent, allow_unicode=True, width=60
        ).replace("\n", newline)

    of_yaml = st.builds(
        plain,
        st.sampled_from([False, None, True]),
        st.sampled_from([None, '"', "'"]),
        st.integers(2, 5),
        st.sampled_from(["\n", "\r\n"]),
    )
    of_json = st.sampled_from([None, 2]).map(lambda indent: lambda document: json.dumps(document, indent=indent))
    return of_yaml | of_json


def commented(text: str, places: Iterable[int]) -> str:
    """Return a text with comments behind some of its lines, where it means the same with them."""
    lines = text.split("\n")
    for place in places:
        with_one = [*lines]
        with_one[place % len(lines)] = f"{lines[place % len(lines)].rstrip()} # note {place}"
        if _means_the_same("\n".join(with_one), text):
            lines = with_one
    return "\n".join(lines)


def _means_the_same(text: str, other: str) -> bool:
    try:
        return bool(yaml.safe_load(text) == yaml.safe_load(other))
    except (yaml.YAMLError, ValueError):
        return False


def kubeconfig(cluster: Cluster, *, days: int = 365) -> dict[str, Any]:
    """Return a kubeconfig as a control plane sends it."""
    lifetime = datetime.timedelta(days=days)
    pair = pki.issue(cluster.kubernetes, pki.Subject("admin", ["system:masters"], lifetime=lifetime), client=True)
    authority = pki.encoded(cluster.kubernetes.certificate_pem)
    user = {"client-certificate-data": pki.encoded(pair.certificate_pem), "client-key-data": pki.encoded(pair.key_pem)}
    where = {"server": cluster.endpoint, "certificate-authority-data": authority}
    return {
        "clusters": [{"name": "c", "cluster": where}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "admin@c", "context": {"cluster": "c", "user": "u", "namespace": "default"}}],
        "current-context": "admin@c",
    }
