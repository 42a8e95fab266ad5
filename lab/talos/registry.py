# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nodes of one lab know of each other: who is in which cluster, and who is in its etcd."""

from __future__ import annotations

from typing import Any, NamedTuple

from lab.kubernetes.clusters import Clusters
from lab.kubernetes.kinds import PODS
from lab.registry.images import labels_of
from lab.registry.store import CMDLINE_LABEL, VERSION_LABEL
from lab.talos.machine import Node


class Contents(NamedTuple):
    """The content of an installer image that a node reports."""

    version: str | None
    extensions: dict[str, str]
    cmdline: str = ""


def contents_of(image: str) -> Contents:
    """Return the content from the image's labels, or from its name: the repository's name lists extensions."""
    path = image.partition("@")[0]
    repository, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = path, ""
    labels = labels_of(image)
    names = repository.replace("/", "-").split("-")
    extensions: dict[str, str] = {name: "simulated" for name in ("spin", "tailscale", "drbd", "zfs") if name in names}
    version = labels.get(VERSION_LABEL) or (tag if tag.startswith("v") else None)
    return Contents(version, extensions, labels.get(CMDLINE_LABEL, ""))


class Registry:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        # Clusters, by Config.identity, whose container network is up: their Kubernetes nodes are ready.
        self.networked: set[str] = set()
        self.kubernetes = Clusters(self)

    def pods(self, identity: str) -> list[Any]:
        """Return the pods of a cluster."""
        return list(self.kubernetes.of(identity).store.peek(PODS))

    def add(self, node: Node) -> None:
        """Let the other nodes know this one; a node that was replaced has its old place in the list."""
        self.nodes = [other for other in self.nodes if other.address != node.address or other.port != node.port]
        self.nodes.append(node)

    def etcd_members(self, identity: str) -> list[Node]:
        """Return the nodes whose etcd data belongs to the cluster, switched off ones included."""
        members = [node for node in self.nodes if node.identity == identity and node.state.etcd_member]
        return sorted(members, key=lambda node: node.address)

    def peers(self, identity: str) -> list[Node]:
        return sorted((node for node in self.nodes if node.identity == identity), key=lambda node: node.address)

    def authority_key(self, identity: str) -> bytes:
        """Return the cluster's machine authority's key, which only control planes have; trustd is how workers ask."""
        return next((node.config.pem("machine", "ca", "key") for node in self.peers(identity) if node.has_key), b"")

    def changed(self) -> None:
        """Let every node see whether it can go on now."""
        for node in list(self.nodes):
            node.continue_boot()

    def set_networked(self, identity: str) -> None:
        self.networked.add(identity)
