# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find images and files that the bastion cannot download. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..._findings import Finding, finding
from ..._urls import split_url
from ..spec import ClusterSpec, is_loopback
from .text import ADDRESS_PRICE

# https://github.com/orgs/community/discussions/10539: GitHub and its registry support IPv4 only.
IPV4_ONLY = ("ghcr.io", "github.com")
# https://www.rfc-editor.org/rfc/rfc2606
EXAMPLES = ("example.com", "example.net", "example.org", "example", "invalid", "test")
_REMEDY = (
    f"Set cluster_bastion_egress to public_ipv4 (an Elastic IP, {ADDRESS_PRICE}) or to wireguard; or download them "
    f"from your own registry (cluster_images, or cluster_registry_upstreams for the cache of ghcr.io) and your "
    f"own asset server (bastion_host_boot_to_talos_url)."
)


def egress_problems(spec: ClusterSpec, sources: Iterable[str], upstreams: Mapping[str, str]) -> Iterator[Finding]:
    """Yield one problem if these images and URLs are fetched through the bastion, and it cannot reach some of them."""
    # A bastion on loopback has no route to the internet.
    if spec.bastion is None or spec.bastion.egress != "none" or is_loopback(spec.vpc_ipv4_cidr):
        return
    missed = [source for source in dict.fromkeys(sources) if _is_ipv4_only(_host(source, upstreams))]
    if missed:
        names = ", ".join(missed)
        message = f"With egress none the bastion reaches IPv6 hosts only, but these are on IPv4-only hosts: {names}."
        yield finding("SOURCES_UNREACHABLE", "cluster_bastion_egress", message, _REMEDY)


def example_problems(sources: Iterable[str], severity: str = "") -> Iterator[Finding]:
    """Yield a problem for each host of these images and URLs that is reserved for examples."""
    named: dict[str, list[str]] = {}
    for source in dict.fromkeys(sources):
        named.setdefault(_host(source, {}), []).append(source)
    for host, wanted in named.items():
        if any(host == name or host.endswith(f".{name}") for name in EXAMPLES):
            message = (
                f"This host name is reserved for examples, so nothing can be downloaded from it: {', '.join(wanted)}."
            )
            yield finding("EXAMPLE_HOST", host, message, severity=severity)


def _host(source: str, upstreams: Mapping[str, str]) -> str:
    """Return the host from which an image or a URL is downloaded; only images go through the bastion's caches."""
    if "://" in source:
        return split_url(source).hostname or ""
    registry = source.partition("/")[0]
    return split_url(upstreams.get(registry, f"https://{registry}")).hostname or ""


def _is_ipv4_only(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in IPV4_ONLY)
