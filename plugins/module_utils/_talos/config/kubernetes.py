# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the documents of Kubernetes, which Talos has since v1.14. Private to urmanac.talos: may change at any time.

The rules are facts about the Validate methods of pkg/machinery/config/types/k8s in siderolabs/talos.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from ..._urls import split_url
from .decoding import Document, Release
from .values import (
    CORRECT,
    ROLES,
    Found,
    at,
    image_cause,
    is_endpoint,
    is_subdomain,
    is_subnet,
    metadata_faults,
    protected_faults,
    resource_faults,
)

_AUTHORIZERS = ("Node", "RBAC", "Webhook")
_BEGIN = re.compile("-----BEGIN ([A-Z0-9 ]+)-----")
_PROGRAMS = {
    "KubeAPIServerConfig": "kube-apiserver",
    "KubeControllerManagerConfig": "kube-controller-manager",
    "KubeProxyConfig": "proxy",
    "KubeSchedulerConfig": "scheduler",
    "KubeletConfig": "kubelet",
}
# Arguments of kube-apiserver that documents of their own replace, by how they begin.
_REPLACED = {
    "anonymous-auth": "KubeAuthenticationConfig",
    "oidc-": "KubeAuthenticationConfig",
    "authentication-config": "KubeAuthenticationConfig",
    "authorization-config": "KubeAuthorizerConfig",
    "authorization-mode": "KubeAuthorizerConfig",
    "authorization-webhook-": "KubeAuthorizerConfig",
}
# Of a subnet and of the pods of a node, in bits.
_SMALLEST_SUBNET, _LARGEST_OF_SERVICES, _NODES_OF_PODS = 4, 20, 16
_POD_MASKS = {4: ("nodeCIDRMaskSizeIPv4", 24, 32), 6: ("nodeCIDRMaskSizeIPv6", 64, 128)}


def faults(document: Document, release: Release) -> Found:
    """Yield why a release refuses a document of Kubernetes; nothing for other documents."""
    kind = str(document["kind"])
    if kind in _PROGRAMS and document.get("enabled") is not False:
        yield from _image(document, release)
    if document.get("enabled") is not False:
        yield from resource_faults(document.get("resources"), "resources")
    if check := _CHECKS.get(kind):
        yield from check(document)


def authorizer_faults(authorizer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield invalid fields of an authorizer of kube-apiserver, each with the reason."""
    kind = str(authorizer.get("type") or "")
    if not kind:
        yield "type", "authorizer type must be set"
    if not authorizer.get("name"):
        yield "name", "authorizer name must be set"
    if kind and kind not in _AUTHORIZERS:
        yield "type", f"authorizer type {kind} is not allowed, allowed types are {', '.join(_AUTHORIZERS)}"


def _image(document: Document, release: Release) -> Found:
    program, image = _PROGRAMS[str(document["kind"])], str(document.get("image") or "")
    if not image:
        yield "image", f"{program} image cannot be empty", "Add it."
    elif cause := image_cause(image, release):
        yield "image", cause, "Choose an image with a supported version."


def _arguments(document: Document) -> Found:
    for argument in map(str, document.get("extraArgs") or {}):
        instead = {kind for prefix, kind in _REPLACED.items() if argument.startswith(prefix)}
        if instead:
            cause = f'kube-apiserver extra argument "{argument}" is not allowed'
            yield f"extraArgs.{argument}", cause, f"Use {instead.pop()}."


def _kubelet(document: Document) -> Found:
    yield from protected_faults(document.get("config"), "config")


def _node(document: Document) -> Found:
    if not all(is_subnet(item) for item in at(document, "nodeIP.validSubnets") or []):
        yield "nodeIP.validSubnets", "nodeIP subnet is not valid", CORRECT
    for kind in ("labels", "annotations", "taints"):
        yield from metadata_faults(kind, document.get(kind), kind)


def _authorizer(document: Document) -> Found:
    # What is missing is reported as for every document.
    for field, cause in authorizer_faults({"name": "-", "type": "RBAC", **document}):
        yield field, cause, CORRECT
    if document.get("type") == "Webhook" and not document.get("webhook"):
        yield "webhook", "authorizer webhook configuration is required for Webhook authorizer type", "Add it."


def _aggregator_ca(document: Document) -> Found:
    if document.get("issuingCA") is None:
        yield "issuingCA", "issuing CA is not set", "Add it."
    yield from _authority(document)


def _authority(document: Document) -> Found:
    pair = document.get("issuingCA")
    if pair is not None:
        for field, is_one, what in (("cert", _is_certificate, "certificate"), ("key", _is_key, "private key")):
            if not is_one(str(pair.get(field) or "")):
                yield f"issuingCA.{field}", f"it is not a {what} in PEM", CORRECT
    for position, text in enumerate(document.get("acceptedCAs") or []):
        if set(_BEGIN.findall(str(text))) != {"CERTIFICATE"}:
            yield f"acceptedCAs.[{position}]", "it is not a certificate in PEM", CORRECT


def _is_certificate(text: str) -> bool:
    try:
        x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        return False
    return True


def _is_key(text: str) -> bool:
    try:
        # Talos has a header of its own for Ed25519.
        serialization.load_pem_private_key(text.replace(" ED25519 PRIVATE", " PRIVATE").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _service_account(document: Document) -> Found:
    if not _is_key(str(at(document, "issuer.privateKey") or "")):
        yield "issuer.privateKey", "it is not a private key in PEM", CORRECT
    if not at(document, "issuer.issuerURL"):
        yield "issuer.issuerURL", "service issuer URL is required", "Add it."


def _cluster(document: Document) -> Found:
    endpoint = document.get("endpoint")
    if endpoint and not is_endpoint(endpoint):
        yield "endpoint", "cluster endpoint is invalid", "Use a URL such as https://192.0.2.101:6443."


def _network(document: Document) -> Found:
    subnets = {field: [str(item) for item in document.get(field) or []] for field in ("podSubnets", "serviceSubnets")}
    for field, _default, most in _POD_MASKS.values():
        if not 0 <= (document.get(field) or 0) <= most:
            yield field, f"it must be between 1 and {most}", CORRECT
            return
    for field, given in subnets.items():
        causes = [cause for item in given if (cause := _subnet_cause(document, field, item))]
        families = [ipaddress.ip_interface(item).version for item in given] if not causes else []
        if causes or len(families) != len(set(families)):
            yield field, (causes or ["at most one IPv4 and one IPv6 subnet can be specified"])[0], CORRECT
    if len(subnets["podSubnets"]) != len(subnets["serviceSubnets"]):
        yield "serviceSubnets", "the number of pod subnets must match the number of service subnets", CORRECT


def _subnet_cause(document: Document, field: str, text: str) -> str:
    try:
        subnet = ipaddress.ip_network(text)
    except ValueError:
        return f"{text} is not a network"
    bits = subnet.max_prefixlen - subnet.prefixlen
    if bits < _SMALLEST_SUBNET:
        return f"{text} is too small"
    if field == "serviceSubnets":
        return f"{text} is too large" if bits > _LARGEST_OF_SERVICES else ""
    name, default, _most = _POD_MASKS[subnet.version]
    nodes = (document.get(name) or default) - subnet.prefixlen
    return "" if 0 <= nodes <= _NODES_OF_PODS else f"{text} does not fit {name} {document.get(name) or default}"


def _proxy(document: Document) -> Found:
    if document.get("enabled") is not False and document.get("mode") not in (None, "", "nftables", "iptables", "ipvs"):
        yield "mode", "invalid proxy mode", "Choose iptables, ipvs or nftables."


def _flannel(document: Document) -> Found:
    if not document.get("backendType"):
        yield "backendType", "flannel backend type must be specified", "Add one such as vxlan."


def _kube_prism(document: Document) -> Found:
    if not 0 < (document.get("port") or 0) <= 65535:
        yield "port", "it must be between 1 and 65535", CORRECT


def _api_access(document: Document) -> Found:
    if unknown := sorted(set(document.get("allowedRoles") or []) - ROLES):
        yield "allowedRoles", f'invalid role "{unknown[0]}"', f"Choose among {', '.join(sorted(ROLES))}."


def _object_name(document: Document) -> Found:
    name = str(document.get("name") or "")
    if name and not is_subdomain(name):
        yield "name", "it is not a name for an object of Kubernetes", "Use lower-case letters, digits, - and dots."


def _external_manifest(document: Document) -> Found:
    yield from _object_name(document)
    url = str(document.get("url") or "")
    if url and split_url(url).scheme not in ("http", "https"):
        yield "url", "manifest URL scheme must be http or https", CORRECT


_CHECKS = {
    "KubeAPIServerCAConfig": _authority,
    "KubeAPIServerConfig": _arguments,
    "KubeAggregatorCAConfig": _aggregator_ca,
    "KubeAuthorizerConfig": _authorizer,
    "KubeClusterConfig": _cluster,
    "KubeExternalManifestConfig": _external_manifest,
    "KubeFlannelCNIConfig": _flannel,
    "KubeInlineManifestConfig": _object_name,
    "KubeNetworkConfig": _network,
    "KubeNodeConfig": _node,
    "KubePrismConfig": _kube_prism,
    "KubeProxyConfig": _proxy,
    "KubeServiceAccountConfig": _service_account,
    "KubeStaticPodConfig": _object_name,
    "KubeTalosAPIAccessConfig": _api_access,
    "KubeletConfig": _kubelet,
}
