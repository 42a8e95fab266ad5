# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of a Kubernetes API: pages, kinds, patience, and what its failures are called."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import PACKAGE
from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.client import KubernetesApi, connect
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import (
    REMEDIES,
    ApiError,
    Cause,
    reason_of_status,
)
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import POD
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.transport import (
    Access,
    Call,
    is_plain,
    reason_of_failure,
    refuse_expired,
)
from ansible_collections.urmanac.talos.plugins.module_utils._text import received
from lab.talos import pki
from tests.http_servers import Answering, serving

SERVER = "https://192.0.2.101:6443"


class FakeTransport:
    """A server in memory: gives its answers in order, and records the requests."""

    def __init__(self, *answers: dict[str, Any] | str | Cause) -> None:
        self.server = SERVER
        self.date = ""
        self.calls: list[Call] = []
        self._answers = list(answers)

    def send(self, call: Call) -> dict[str, Any]:
        answer = self._answer(call)
        assert isinstance(answer, dict)
        return answer

    def read(self, call: Call) -> str:
        answer = self._answer(call)
        assert isinstance(answer, str)
        return answer

    def _answer(self, call: Call) -> dict[str, Any] | str:
        self.calls.append(call)
        answer = self._answers.pop(0)
        if isinstance(answer, Cause):
            raise ApiError(SERVER, call.doing, answer, "it is so", token="later")  # noqa: S106
        return answer


def page(*names: str, token: str = "") -> dict[str, Any]:
    return {"kind": "PodList", "metadata": {"continue": token}, "items": [{"metadata": {"name": n}} for n in names]}


def names(api: KubernetesApi) -> list[str]:
    return [item["metadata"]["name"] for item in api.items(POD, fields="spec.nodeName=a")]


def test_a_list_is_read_page_by_page_as_it_is_used() -> None:
    transport = FakeTransport(page("a", "b", token="more"), page("c"))  # noqa: S106
    items = KubernetesApi(transport).items(POD, fields="spec.nodeName=a")

    first = next(items)["metadata"]["name"]

    assert (first, len(transport.calls)) == ("a", 1)
    assert [item["metadata"]["name"] for item in items] == ["b", "c"]
    assert transport.calls[1].query == {"limit": "250", "fieldSelector": "spec.nodeName=a", "continue": "more"}


def test_a_list_whose_page_has_expired_goes_on_with_the_token_that_it_is_offered() -> None:
    transport = FakeTransport(page("a", token="old"), Cause.EXPIRED, page("b"))  # noqa: S106

    assert names(KubernetesApi(transport)) == ["a", "b"]
    assert transport.calls[2].query["continue"] == "later"


def test_an_unknown_kind_has_no_objects() -> None:
    api = KubernetesApi(FakeTransport(Cause.NO_KIND, Cause.NO_KIND, Cause.NO_KIND))

    assert names(api) == []
    assert api.get(PACKAGE, "a") is None
    assert not api.delete(PACKAGE, "a")


def test_an_object_is_applied_where_discovery_says_in_our_name() -> None:
    listed = {"kind": "APIResourceList", "resources": [{"name": "pods", "kind": "Pod", "namespaced": True}]}
    listed["resources"].append({"name": "pods/status", "kind": "Pod", "namespaced": True})  # type: ignore[attr-defined]
    transport = FakeTransport(listed, {"kind": "Pod"})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}}

    KubernetesApi(transport).apply(pod, dry_run=True)

    call = transport.calls[1]
    assert (call.method, call.path, call.content_type) == (
        "PATCH",
        "/api/v1/namespaces/b/pods/a",
        "application/apply-patch+yaml",
    )
    assert call.query == {"fieldManager": "urmanac.talos", "force": "false", "dryRun": "All"}


def test_a_missing_definition_is_reported_and_looked_for_again() -> None:
    package = {"apiVersion": "cozystack.io/v1alpha1", "kind": "Package"}
    listed = {"resources": [{"name": "packages", "kind": "Package", "namespaced": False}]}
    api = KubernetesApi(FakeTransport(Cause.NO_KIND, listed))

    with pytest.raises(ApiError, match="Its CustomResourceDefinition is missing") as caught:
        api.kind_of(package)

    assert caught.value.cause is Cause.NO_KIND
    assert api.kind_of(package) == PACKAGE


def test_an_api_that_is_away_for_a_moment_is_asked_again() -> None:
    slept: list[float] = []
    transport = FakeTransport(Cause.CUT, Cause.UNAVAILABLE, {"gitVersion": "v1.33.12"})

    api = KubernetesApi(transport, patience=30, clock=lambda: float(len(slept)), sleep=slept.append)

    assert api.version() == "v1.33.12"
    assert slept == [1.0, 1.0]


def test_patience_ends_and_a_refusal_is_never_asked_again() -> None:
    slept: list[float] = []
    away = FakeTransport(*[Cause.UNREACHABLE] * 9)
    forbidden = FakeTransport(Cause.FORBIDDEN)

    with pytest.raises(ApiError, match="Check the server in the kubeconfig"):
        KubernetesApi(away, patience=3, clock=lambda: float(len(slept)), sleep=slept.append).version()
    with pytest.raises(ApiError, match="administrator's kubeconfig"):
        KubernetesApi(forbidden, patience=3).version()

    assert (len(away.calls), len(forbidden.calls)) == (4, 1)


@pytest.mark.parametrize(
    ("code", "reason", "message", "cause"),
    [
        pytest.param(403, "Forbidden", 'pods is forbidden: User "a" cannot list', Cause.FORBIDDEN, id="not allowed"),
        pytest.param(403, "Forbidden", 'pods "a" is forbidden: exceeded quota: q, used: 1', Cause.QUOTA, id="quota"),
        pytest.param(400, "", 'admission webhook "a.b" denied the request: no', Cause.WEBHOOK, id="webhook refuses"),
        pytest.param(
            422,
            "Invalid",
            "ValidatingAdmissionPolicy 'a' with binding 'a' denied request: no",
            Cause.WEBHOOK,
            id="policy",
        ),
        pytest.param(
            500, "InternalError", 'failed calling webhook "lineage.cozystack.io"', Cause.WEBHOOK_AWAY, id="webhook away"
        ),
        pytest.param(409, "Conflict", "Apply failed with 1 conflict", Cause.CONFLICT, id="conflict"),
        pytest.param(409, "AlreadyExists", 'namespaces "a" already exists', Cause.EXISTS, id="name clash"),
        pytest.param(422, "Invalid", "Package is invalid", Cause.INVALID, id="invalid"),
        pytest.param(401, "Unauthorized", "Unauthorized", Cause.UNAUTHORIZED, id="unknown client"),
        pytest.param(503, "", "etcd is away", Cause.UNAVAILABLE, id="away"),
        pytest.param(404, "NotFound", "the server could not find the requested resource", Cause.NO_KIND, id="no CRD"),
        pytest.param(404, "", "404 page not found", Cause.NO_KIND, id="no group"),
        # Of kube-apiserver: what etcd refuses has status 500 and no reason.
        pytest.param(500, "", "etcdserver: request timed out", Cause.UNAVAILABLE, id="slow etcd"),
        pytest.param(500, "", "etcdserver: leader changed", Cause.UNAVAILABLE, id="election"),
        pytest.param(500, "", "etcdserver: mvcc: database space exceeded", Cause.DATABASE_FULL, id="full etcd"),
        pytest.param(500, "", "etcdserver: request is too large", Cause.TOO_LARGE, id="large for etcd"),
        pytest.param(
            413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", Cause.TOO_LARGE, id="large"
        ),
        pytest.param(
            422,
            "Invalid",
            'ConfigMap "a" is invalid: []: Too long: may not be more than 1048576 bytes',
            Cause.TOO_LARGE,
            id="large map",
        ),
        pytest.param(
            403,
            "Forbidden",
            'pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged',
            Cause.POD_SECURITY,
            id="pod security",
        ),
        pytest.param(
            403,
            "Forbidden",
            'pods "a" is forbidden: failed quota: q: must specify limits.cpu',
            Cause.QUOTA,
            id="quota without limits",
        ),
        pytest.param(
            403,
            "Forbidden",
            'pods "a" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
            Cause.QUOTA,
            id="limit range",
        ),
        pytest.param(
            403,
            "Forbidden",
            'pods "a" is forbidden: unable to create new content in namespace b because it is being terminated',
            Cause.TERMINATING,
            id="namespace that ends",
        ),
        pytest.param(
            409,
            "AlreadyExists",
            'object is being deleted: namespaces "b" already exists',
            Cause.TERMINATING,
            id="object that ends",
        ),
        pytest.param(
            500,
            "InternalError",
            'conversion webhook for a.io/v1, Kind=A failed: Post "https://b": EOF',
            Cause.WEBHOOK_AWAY,
            id="conversion",
        ),
        pytest.param(404, "", "<html>Not Found</html>", Cause.NOT_KUBERNETES, id="page of a proxy"),
        pytest.param(403, "", "Blocked by policy", Cause.NOT_KUBERNETES, id="a firewall"),
        pytest.param(200, "", "<html>Sign in</html>", Cause.NOT_KUBERNETES, id="a captive portal"),
    ],
)
def test_a_refusal_has_a_cause(code: int, reason: str, message: str, cause: Cause) -> None:
    assert reason_of_status(code, {"reason": reason, "message": message}).cause is cause


@pytest.mark.parametrize(
    "cause", [cause for cause in Cause if cause not in (Cause.NOT_FOUND, Cause.EXPIRED, Cause.OTHER)]
)
def test_each_cause_that_ends_a_run_has_a_remedy(cause: Cause) -> None:
    assert REMEDIES[cause]


def test_an_object_that_is_not_there_is_not_a_kind_that_is_not_there() -> None:
    status = {"reason": "NotFound", "message": 'pods "a" not found', "details": {"name": "a"}}

    assert reason_of_status(404, status).cause is Cause.NOT_FOUND


def expired_verification() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "failed")
    error.verify_code = 10
    return error


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        pytest.param(ConnectionRefusedError(), Cause.UNREACHABLE, id="refused"),
        pytest.param(urllib3.exceptions.ProtocolError("gone", ConnectionResetError()), Cause.CUT, id="cut"),
        pytest.param(urllib3.exceptions.SSLError(expired_verification()), Cause.CERTIFICATE_EXPIRED, id="expired"),
        pytest.param(ssl.SSLError("TLSV1_ALERT_UNKNOWN_CA"), Cause.CERTIFICATE_REJECTED, id="rejected"),
        pytest.param(ssl.SSLError("TLSV1_ALERT_INTERNAL_ERROR"), Cause.CUT, id="an alert about the server"),
        pytest.param(socket.gaierror(), Cause.OTHER, id="anything else"),
    ],
)
def test_a_lost_connection_has_a_cause(error: Exception, cause: Cause) -> None:
    assert reason_of_failure(error).cause is cause


def test_a_kubeconfig_that_is_not_there_is_reported_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the file does not exist\. Create it \(urmanac\.talos\.talos_kubeconfig\)"):
        connect(Access(str(tmp_path / "kubeconfig")))


def kubeconfig(directory: Path, *, server: str = SERVER) -> Path:
    path = directory / "kubeconfig"
    context = {"name": "a", "context": {"cluster": "a", "user": "a"}}
    clusters = [{"name": "a", "cluster": {"server": server}}]
    users = [{"name": "a", "user": {"token": "secret-token"}}]
    content = {"current-context": "a", "contexts": [context], "clusters": clusters, "users": users}
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **content}))
    return path


def test_a_directory_is_not_called_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is not a file"):
        connect(Access(str(tmp_path)))


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        pytest.param("socks5://ada:hush@192.0.2.1:1080", "Install the Python library PySocks", id="a missing library"),
        pytest.param("ftp://ada:hush@192.0.2.1", "http://host:port", id="another scheme"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_reported_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "urllib3.contrib.socks", None)

    with pytest.raises(InputError, match=said) as caught:
        connect(Access(str(kubeconfig(tmp_path)), proxy=proxy))

    assert "hush" not in str(caught.value)


def test_a_context_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Check the file and the context's name"):
        connect(Access(str(kubeconfig(tmp_path)), context="other"))


def test_a_file_that_is_not_a_kubeconfig_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("token: secret-token\n\t- x")

    with pytest.raises(InputError, match="it is not a kubeconfig") as caught:
        connect(Access(str(path)))

    assert "secret-token" not in str(caught.value)


def test_a_server_that_does_not_listen_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ApiError, match="connection refused") as caught:
            connect(Access(str(kubeconfig(tmp_path, server=server)))).version()

    assert caught.value.cause is Cause.UNREACHABLE


def test_a_client_certificate_out_of_date_is_reported_before_anything_is_sent(tmp_path: Path) -> None:
    day = datetime.timedelta(days=1)
    subject = pki.Subject("guest", organizations=[], lifetime=day, clock_offset=-3 * day)
    path = tmp_path / "client.crt"
    path.write_bytes(pki.issue(pki.new_authority("kubernetes"), subject, client=True).certificate_pem)

    with pytest.raises(ApiError, match="the client certificate in the kubeconfig expired on"):
        refuse_expired(SERVER, str(path))


def test_only_the_end_of_a_log_is_requested() -> None:
    transport = FakeTransport("exec /operator: exec format error\n")

    text = KubernetesApi(transport).log("cozy-system", "operator-x", "main", previous=True, lines=10)

    assert text == "exec /operator: exec format error\n"
    assert transport.calls[0].path == "/api/v1/namespaces/cozy-system/pods/operator-x/log"
    assert transport.calls[0].query == {
        **{"container": "main", "tailLines": "10", "limitBytes": "40960"},
        "previous": "true",
    }


@pytest.mark.parametrize("escapes", [pytest.param(True, id="as escapes"), pytest.param(False, id="as UTF-8")])
def test_an_answer_that_is_taken_as_it_is_has_nothing_that_has_to_be_made_visible(escapes: bool) -> None:
    characters = [chr(number) for number in (*range(0x300), *range(0x2000, 0x2070), 0xFEFF, 0xFFF9, 0x1D173, 0xE0001)]
    texts = [text for one in characters for text in (one, f"a{one}b", f"\\x1b{one}", f"\\\\{one}")]

    hidden = [
        text
        for text in texts
        if is_plain(json.dumps({"k": text}, ensure_ascii=escapes).encode()) and received({"k": text}) != {"k": text}
    ]

    assert hidden == []
    assert is_plain(json.dumps({"args": ["a && b < c > d", 'quoted "text"\n\t/']}).encode())


@pytest.mark.parametrize(
    ("date", "time"),
    [
        pytest.param(
            "Fri, 02 Jan 2026 03:06:10 GMT", datetime.datetime(2026, 1, 2, 3, 6, 10, tzinfo=datetime.UTC), id="header"
        ),
        pytest.param("", None, id="none"),
        pytest.param("yesterday", None, id="no-date"),
    ],
)
def test_the_time_is_that_of_the_servers_last_answer(date: str, time: datetime.datetime | None) -> None:
    transport = FakeTransport()
    transport.date = date

    assert KubernetesApi(transport).server_time() == time


class Version(Answering):
    """A server that answers with a version."""

    def do_GET(self) -> None:
        """Answer; send_response adds the date."""
        self.answer(200, b'{"gitVersion": "v1.33.12"}')


def test_the_date_of_an_answer_is_read_from_its_header(tmp_path: Path) -> None:
    with serving(Version) as address:
        api = connect(Access(str(kubeconfig(tmp_path, server=address)), timeout=5))

        api.version()

    answered = api.server_time()
    assert answered is not None
    assert abs(answered - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)
