# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads when something goes wrong: each failure over a real connection, with its whole message."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import HELM_RELEASE
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import Kind
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.module import api_of
from ansible_collections.urmanac.talos.plugins.modules.cozystack_info import look
from tests.cozystack_cluster import Object, installed, release
from tests.http_servers import Answering, serving

# Status and object; nothing is a connection that is closed without an answer.
Answer = tuple[int, Object] | None
Answers = Callable[[str, str], Answer]
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "tenant-root"}}
PACKAGE = {"apiVersion": "cozystack.io/v1alpha1", "kind": "Package", "metadata": {"name": "one"}}
KNOWN = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}


def refused(code: int, reason: str, message: str) -> Answer:
    """Return a Status as the API server sends it."""
    return code, {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code}


def cluster(objects: dict[Kind, list[Object]]) -> Answers:
    """Return the answers of a cluster with these objects."""
    lists = {kind.path(): items for kind, items in objects.items()}

    def answer(_method: str, path: str) -> Answer:
        if path == "/version":
            return 200, {"gitVersion": "v1.33.12"}
        for kind, items in objects.items():
            for item in items:
                metadata = item["metadata"]
                if path == kind.path(metadata["name"], namespace=metadata.get("namespace", "")):
                    return 200, {"kind": kind.kind, **item}
        if path in lists or path.startswith("/apis/source.toolkit.fluxcd.io"):
            return 200, {"kind": "List", "metadata": {}, "items": lists.get(path, [])}
        return 404, {"kind": "Status", "reason": "NotFound", "code": 404, "details": {}}

    return answer


@contextmanager
def served(answers: Answers, directory: Path, *, certificate: str = "") -> Iterator[dict[str, Any]]:
    """Yield the options of a module for a server that gives these answers."""

    class Handler(Answering):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = answers(self.command, self.path.partition("?")[0])
            if given is None:
                self.close_connection = True
                return
            self.answer(given[0], json.dumps(given[1]).encode())

        do_PATCH = do_GET

    with serving(Handler) as address:
        yield options(directory, address, certificate)


def options(directory: Path, server: str, certificate: str = "") -> dict[str, Any]:
    """Return the options that name a kubeconfig for the server."""
    user = {"client-certificate": certificate, "client-key": certificate} if certificate else {}
    config = {
        **{"apiVersion": "v1", "kind": "Config", "current-context": "one"},
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "users": [{"name": "one", "user": user}],
    }
    path = directory / "kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    return {"kubeconfig": str(path), "context": None, "proxy": None, "timeout": 5, "patience": 0}


def expired(directory: Path) -> str:
    """Return the path of a certificate, and its key, that ended in 2025."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "admin")])
    begin, end = datetime.datetime(2024, 1, 1), datetime.datetime(2025, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(end)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = directory / "client.pem"
    path.write_bytes(pem + key.private_bytes(*form))
    return str(path)


def failure(work: Callable[[], object]) -> str:
    """Return the message that a module fails with."""
    with pytest.raises(CollectionError) as raised:
        work()
    return str(raised.value)


def test_no_kubeconfig(tmp_path: Path) -> None:
    given = options(tmp_path, "https://192.0.2.101:6443") | {"kubeconfig": "/nowhere/kubeconfig"}

    assert failure(lambda: look(api_of(given), settled=False)) == (
        "Failed to read the kubeconfig /nowhere/kubeconfig: the file does not exist. "
        "Create it (urmanac.talos.talos_kubeconfig), or set kubeconfig to another file."
    )


def test_an_expired_certificate(tmp_path: Path) -> None:
    given = options(tmp_path, "https://192.0.2.101:6443", expired(tmp_path))

    assert failure(lambda: look(api_of(given), settled=False)) == (
        "Failed to connect to the Kubernetes API on https://192.0.2.101:6443: the client certificate in the kubeconfig "
        "expired on 2025-01-01 00:00 UTC. Fetch the kubeconfig again (urmanac.talos.talos_kubeconfig), and compare the "
        "clocks."
    )


def test_an_api_server_that_goes_away_in_the_middle(tmp_path: Path) -> None:
    whole = cluster(installed())

    def dies(method: str, path: str) -> Answer:
        return None if path in (HELM_RELEASE.path(), kinds.NODE.path()) else whole(method, path)

    with served(dies, tmp_path) as given:
        found = look(api_of(given), settled=False)

    assert (found["phase"], found["codes"]) == ("unreachable", ["API_UNREACHABLE"])
    assert found["verdicts"][0]["message"].startswith(
        "the Kubernetes API does not answer fully (releases: it closed the connection without an answer; "
        "nodes: it closed the connection without an answer; pods: not asked, because the server had stopped answering"
    )
    assert found["verdicts"][0]["remedy"].startswith("Check the control planes (urmanac.talos.talos_info)")


def test_a_definition_that_is_missing(tmp_path: Path) -> None:
    with served(cluster({kinds.NODE: []}), tmp_path) as given:
        api = api_of(given)
        message = failure(lambda: api.apply(PACKAGE))
        found = look(api, settled=False)

    assert message == (
        f"Failed to find the kind Package of cozystack.io/v1alpha1 on {api.server}: the server does not have this kind "
        "of object. Its CustomResourceDefinition is missing: install CozyStack, or wait until its operator is ready."
    )
    assert found["summary"] == "CozyStack is not installed"


@pytest.mark.parametrize(
    ("answer", "cause", "remedy"),
    [
        pytest.param(
            refused(400, "BadRequest", 'admission webhook "check.example.com" denied the request: not on Fridays'),
            'admission webhook "check.example.com" denied the request: not on Fridays',
            "Change the rejected fields, or the policy that rejects them.",
            id="webhook refuses",
        ),
        pytest.param(
            refused(500, "InternalError", 'failed calling webhook "lineage.cozystack.io": connect: connection refused'),
            'failed calling webhook "lineage.cozystack.io": connect: connection refused',
            "The webhook's pod does not answer: check the pod and the network policies.",
            id="webhook away",
        ),
        pytest.param(
            refused(
                403, "Forbidden", 'configmaps "one" is forbidden: exceeded quota: small, used: count=5, limited: 5'
            ),
            'configmaps "one" is forbidden: exceeded quota: small, used: count=5, limited: 5',
            "Raise the ResourceQuota or LimitRange, or remove objects that count towards the quota. If the message "
            "says that limits or requests must be specified, set them in the values of the package or application.",
            id="quota",
        ),
        pytest.param(
            refused(409, "Conflict", 'Apply failed with 1 conflict: conflict with "helm" using v1: .data.x'),
            'Apply failed with 1 conflict: conflict with "helm" using v1: .data.x',
            "Another tool owns these fields: change them with that tool, or take ownership with force.",
            id="name clash",
        ),
    ],
)
def test_a_server_that_refuses_an_object(answer: Answer, cause: str, remedy: str, tmp_path: Path) -> None:
    def answers(method: str, _path: str) -> Answer:
        return answer if method == "PATCH" else (200, {"kind": "APIResourceList", **KNOWN})

    with served(answers, tmp_path) as given:
        api = api_of(given)

        assert failure(lambda: api.apply(CONFIG_MAP)) == (
            f"Failed to apply ConfigMap one on {api.server}: {cause}. {remedy}"
        )


@pytest.mark.parametrize(
    ("message", "code", "remedy"),
    [
        pytest.param(
            "context deadline exceeded",
            "RELEASE_NOT_READY",
            "Look at it: kubectl --namespace cozy-cilium describe helmrelease cilium, and at its pods.",
            id="release stuck",
        ),
        pytest.param(
            'failed calling webhook "lineage.cozystack.io": operation not permitted',
            "WEBHOOK_REFUSED",
            "Check the webhook's own pod, and network policies that may block it. Flux retries.",
            id="webhook",
        ),
        pytest.param(
            'pods "cilium" is forbidden: exceeded quota: small',
            "QUOTA_EXCEEDED",
            "Raise the ResourceQuota or LimitRange, or remove objects that count towards the quota. If the message "
            "says that limits or requests must be specified, set them in the values of the package or application.",
            id="quota",
        ),
        pytest.param(
            'ClusterRole "cilium" in namespace "" exists and cannot be imported into the current release',
            "NAME_CLASH",
            "Remove the other object (for example another CNI), or let Helm adopt it by its annotations.",
            id="name clash",
        ),
    ],
)
def test_a_release_that_fails(message: str, code: str, remedy: str, tmp_path: Path) -> None:
    broken = release("cilium", "cozy-cilium", ready=False, reason="InstallFailed", message=message, failures=3)

    with served(cluster(installed(releases=[broken])), tmp_path) as given:
        verdict = look(api_of(given), settled=False)["verdicts"][0]

    assert (verdict["code"], verdict["subject"]) == (code, "cozy-cilium/cilium")
    assert verdict["message"] == f"HelmRelease cozy-cilium/cilium: InstallFailed: {message}"
    assert verdict["remedy"] == remedy
