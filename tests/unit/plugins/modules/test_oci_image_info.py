# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against a simulated registry, over HTTP on loopback."""

from __future__ import annotations

import base64
import io
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._oci.inquiry import inquiry_of, look_up_all
from ansible_collections.urmanac.talos.plugins.modules import oci_image_info
from lab.registry.authenticator import Authenticator
from lab.registry.server import Fault, Registry

ARM, AMD = "linux/arm64", "linux/amd64"
PASSWORD = ":".join(("pass", "word"))
Make = Callable[..., Registry]


@pytest.fixture
def make() -> Iterator[Make]:
    """Give what starts registries, each with one image for both platforms and one for the wrong one."""
    started: list[Registry] = []

    def start(**authenticator: Any) -> Registry:
        registry = Registry("127.0.0.1", 0, authenticator=Authenticator(**authenticator))
        registry.store.add_image("a/talos", "v1")
        registry.store.add_image("a/amd64", "v1", [AMD])
        registry.start()
        started.append(registry)
        return registry

    yield start
    for registry in started:
        registry.stop()


def ask(*images: str, home: Path | None = None, **options: Any) -> list[dict[str, Any]]:
    """Return what the module would return."""
    params = {name: option.get("default") for name, option in oci_image_info.ARGUMENT_SPEC.items()}
    params |= {"images": images, "timeout": 5, **options}
    inquiry = inquiry_of(params, {"HOME": str(home or "/nonexistent")})
    return [oci_image_info.as_returned(image) for image in look_up_all(params["images"], inquiry)]


def log_in(folder: Path, registry: Registry, password: str = PASSWORD) -> Path:
    """Write docker's configuration with a login and return the home that it is in."""
    auth = base64.b64encode(f"me:{password}".encode()).decode()
    (folder / ".docker").mkdir()
    config = {"auths": {registry.host: {"auth": auth}}}
    (folder / ".docker" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def code(image: dict[str, Any]) -> str | None:
    """Return the code of the error."""
    return image["error"] and image["error"]["code"]


def test_many_images_are_reported_in_their_order_whatever_becomes_of_each(make: Make) -> None:
    registry = make()
    names = ["a/talos:v1", "a/amd64:v1", "a/talos:v2", "a/TALOS", "a/talos:v1"]

    found = ask(*(f"{registry.host}/{name}" for name in names))

    assert [image["image"].partition("/")[2] for image in found] == names
    assert [code(image) for image in found] == [
        None,
        "IMAGE_NO_SUCH_PLATFORM",
        "IMAGE_NOT_FOUND",
        "IMAGE_INVALID_REFERENCE",
        None,
    ]
    assert [image["exists"] for image in found] == [True, True, False, None, True]
    assert found[0] == found[4]
    assert found[0]["resolved"] == f"{registry.host}/a/talos@{found[0]['platforms'][ARM]}"
    assert sum("manifests/v1" in request.path for request in registry.requests) == 2


def test_another_platform_can_be_asked_for(make: Make) -> None:
    host = make().host

    found = ask(f"{host}/a/amd64:v1", f"{host}/a/talos:v1", platform=AMD)

    assert [(image["platform"], image["error"]) for image in found] == [(AMD, None)] * 2


def test_images_are_looked_for_side_by_side(make: Make) -> None:
    registry = make()
    for number in range(4):
        registry.store.add_image(f"a/{number}", "v1")
    registry.faults = [Fault("status", f"a/{number}/manifests/v1", headers={"Retry-After": "1"}) for number in range(4)]
    start = time.monotonic()

    found = ask(*(f"{registry.host}/a/{number}:v1" for number in range(4)))

    assert [code(image) for image in found] == [None] * 4
    assert time.monotonic() - start < 4  # as many seconds as one after the other would wait


def test_a_mirror_is_asked_in_place_of_its_registry_and_the_name_stays(make: Make) -> None:
    registry = make()

    (image,) = ask("ghcr.io/a/talos:v1", mirrors={"ghcr.io": f"http://{registry.host}"})

    assert image["error"] is None
    assert image["resolved"].startswith("ghcr.io/a/talos@sha256:")


def test_a_registry_that_is_not_there_is_reported() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening, and no other process can listen there
        host = f"127.0.0.1:{held.getsockname()[1]}"

        (image,) = ask(f"{host}/a/talos:v1")

    assert (code(image), image["exists"]) == ("IMAGE_UNREACHABLE", None)
    assert image["error"]["message"].startswith(f"{host} cannot be reached over http: ")


def test_a_name_that_does_not_exist_is_reported() -> None:
    (image,) = ask("registry.invalid/a/talos:v1")

    assert code(image) == "IMAGE_UNREACHABLE"


def test_a_registry_that_never_answers_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()

        (image,) = ask(f"127.0.0.1:{silent.getsockname()[1]}/a/talos:v1", timeout=0.5)

    assert code(image) == "IMAGE_UNREACHABLE"
    assert time.monotonic() - start < 10


def test_an_answer_that_trickles_is_given_up_in_time(make: Make) -> None:
    registry = make()
    registry.faults = [Fault("slow")]
    start = time.monotonic()

    (image,) = ask(f"{registry.host}/a/talos:v1", timeout=0.5)

    assert (code(image), "takes too long" in image["error"]["message"]) == ("IMAGE_UNREACHABLE", True)
    assert time.monotonic() - start < 10


def test_a_mirror_without_tls_is_reported_with_the_remedy(make: Make) -> None:
    (image,) = ask("ghcr.io/a/talos:v1", mirrors={"ghcr.io": f"https://{make().host}"})

    assert code(image) == "IMAGE_UNREACHABLE"
    assert "plain_http" in image["error"]["remedy"]


@pytest.mark.parametrize("kind", ["status", "cut", "truncate"])
def test_a_registry_that_stumbles_is_asked_again(make: Make, kind: str) -> None:
    registry = make()
    registry.faults = [Fault(kind, "manifests", count=2, headers={"Retry-After": "0"})]

    (image,) = ask(f"{registry.host}/a/talos:v1")

    assert image["error"] is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, "IMAGE_UNREACHABLE"),
        (503, "IMAGE_UNREACHABLE"),
        (429, "IMAGE_RATE_LIMITED"),
        (418, "IMAGE_UNEXPECTED_ANSWER"),
    ],
)
def test_a_registry_that_goes_on_refusing_is_given_up(make: Make, status: int, expected: str) -> None:
    registry = make()
    registry.faults = [Fault("status", count=100, status=status, headers={"Retry-After": "0"})]

    (image,) = ask(f"{registry.host}/a/talos:v1", attempts=3)

    assert (code(image), image["exists"], image["known"]) == (expected, None, False)
    assert len(registry.requests) == (1 if status == 418 else 3)


def test_a_limit_that_lasts_longer_than_there_is_time_is_reported_at_once(make: Make) -> None:
    registry = make()
    registry.faults = [Fault("status", status=429, headers={"Retry-After": "3600"})]

    (image,) = ask(f"{registry.host}/a/talos:v1")

    assert code(image) == "IMAGE_RATE_LIMITED"
    assert "in 3600 s" in image["error"]["remedy"]
    assert len(registry.requests) == 1


@pytest.mark.parametrize("match", ["manifests/v1", "manifests/sha256", "blobs"])
def test_bytes_that_were_changed_on_the_way_are_refused(make: Make, match: str) -> None:
    registry = make()
    registry.store.add_image("a/single", "v1", [ARM])
    registry.faults = [Fault("corrupt", match)]

    (image,) = ask(f"{registry.host}/a/{'single' if match == 'blobs' else 'talos'}:v1")

    assert (code(image), image["resolved"], image["known"]) == ("IMAGE_BAD_DIGEST", None, True)


def test_a_public_image_needs_a_token_and_no_login(make: Make) -> None:
    registry = make(scheme="bearer")

    (image,) = ask(f"{registry.host}/a/talos:v1")

    assert image["error"] is None
    assert sum(request.path == "/token" for request in registry.requests) == 1


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_private_image_needs_the_login_of_docker(make: Make, tmp_path: Path, scheme: str) -> None:
    registry = make(scheme=scheme, users={"me": PASSWORD}, anonymous=False)
    name = f"{registry.host}/a/amd64:v1"

    without = ask(name, platform=AMD)
    with_login = ask(name, platform=AMD, home=log_in(tmp_path, registry))

    assert [code(image) for image in without + with_login] == ["IMAGE_NOT_AUTHORISED", None]
    assert f"docker login {registry.host}" in without[0]["error"]["remedy"]
    assert (without[0]["error"]["severity"], without[0]["error"]["subject"]) == ("error", without[0]["image"])
    assert PASSWORD not in json.dumps(with_login)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_wrong_login_is_reported_and_not_repeated(make: Make, tmp_path: Path, scheme: str) -> None:
    registry = make(scheme=scheme, users={"me": PASSWORD}, anonymous=False)

    (image,) = ask(f"{registry.host}/a/talos:v1", home=log_in(tmp_path, registry, "wrong"))

    assert code(image) == "IMAGE_NOT_AUTHORISED"
    assert "rejects the login" in image["error"]["message"]
    assert "wrong" not in json.dumps(image)
    assert len(registry.requests) <= 3


def test_a_login_that_only_a_helper_knows_is_reported(make: Make, tmp_path: Path) -> None:
    registry = make(scheme="basic")
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"credHelpers": {registry.host: "vault"}}), encoding="utf-8")

    (image,) = ask(f"{registry.host}/a/talos:v1", docker_config=str(path))

    assert code(image) == "IMAGE_NOT_AUTHORISED"
    assert "docker's credential helper 'vault', which cannot be used here" in image["error"]["message"]
    assert "credHelpers" in image["error"]["remedy"]


def test_a_token_for_another_repository_opens_nothing(make: Make) -> None:
    class StrayAuthenticator(Authenticator):
        def challenge(self, origin: str, repository: str) -> str:
            return super().challenge(origin, "a/amd64")

    registry = make()
    registry.authenticator = StrayAuthenticator(scheme="bearer")

    (image,) = ask(f"{registry.host}/a/talos:v1")

    assert code(image) == "IMAGE_NOT_AUTHORISED"


def test_a_login_is_not_sent_to_a_mirror_that_it_is_not_for(make: Make, tmp_path: Path) -> None:
    mirror, registry = make(scheme="basic"), make()

    (image,) = ask(
        f"{registry.host}/a/talos:v1", home=log_in(tmp_path, registry), mirrors={registry.host: f"http://{mirror.host}"}
    )

    assert code(image) == "IMAGE_NOT_AUTHORISED"
    assert [request.authorization for request in mirror.requests] == [""]
    assert registry.requests == []


@pytest.mark.parametrize("realm", ["http://192.0.2.1.example/token", "ftp://127.0.0.1/token", "http://[", "/token"])
def test_a_login_is_not_sent_to_where_a_registry_must_not_send_it(make: Make, tmp_path: Path, realm: str) -> None:
    registry = make(scheme="bearer", realm=realm, anonymous=False)

    (image,) = ask(f"{registry.host}/a/talos:v1", home=log_in(tmp_path, registry))

    assert code(image) == "IMAGE_UNEXPECTED_ANSWER"
    assert "unencrypted token request" in image["error"]["message"]


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_redirection_to_another_host_goes_without_the_login(make: Make, tmp_path: Path, scheme: str) -> None:
    registry, storage = make(scheme=scheme, users={"me": PASSWORD}, anonymous=False), make()
    target = f"http://{storage.host}/v2/a/amd64/blobs/"
    (digest,) = (
        name for repository, name in storage.store.blobs if repository == "a/amd64" and is_config(storage, name)
    )
    registry.faults = [Fault("status", "blobs", status=307, headers={"Location": f"{target}{digest}"})]

    (image,) = ask(f"{registry.host}/a/amd64:v1", platform=AMD, home=log_in(tmp_path, registry))

    assert image["error"] is None
    assert [request.authorization for request in storage.requests] == [""]
    assert registry.requests[-1].authorization != ""


def is_config(registry: Registry, digest: str) -> bool:
    """Return whether a blob is the configuration of the image."""
    return registry.store.blobs["a/amd64", digest].startswith(b"{")


def test_a_redirection_in_a_circle_is_given_up(make: Make) -> None:
    registry = make()
    registry.faults = [Fault("status", count=100, status=302, headers={"Location": "/v2/a/talos/manifests/v1"})]

    (image,) = ask(f"{registry.host}/a/talos:v1")

    assert code(image) == "IMAGE_UNEXPECTED_ANSWER"
    assert len(registry.requests) == 5


def test_an_answer_without_end_is_given_up(make: Make) -> None:
    registry = make()
    for key in list(registry.store.blobs):
        registry.store.blobs[key] = b" " * (9 * 1024 * 1024)

    (image,) = ask(f"{registry.host}/a/amd64:v1")

    assert (code(image), "more than" in image["error"]["message"]) == ("IMAGE_UNEXPECTED_ANSWER", True)


@pytest.mark.parametrize("options", [{"platform": "arm64"}, {"mirrors": {"ghcr.io": "cache:5000"}}])
def test_options_that_cannot_be_used_are_refused_before_anything_is_asked(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Failed to"):
        ask("ghcr.io/a/talos:v1", **options)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    """Run the module as Ansible does and return its result."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_check_mode": True, **options}}).encode()
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_ARGS", arguments)
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_PROFILE", "legacy", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SystemExit):
        oci_image_info.main()
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_the_module_fails_with_one_line_for_each_image_or_not_at_all(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host = make().host
    images = [f"{host}/a/amd64:v1", f"{host}/a/talos:v1", f"{host}/a/none:v1"]

    failed = run(monkeypatch, capsys, images=images)
    result = run(monkeypatch, capsys, images=images, fail_on_error=False)

    assert failed["failed"] is True
    first, second = failed["msg"].splitlines()
    assert first == (
        f"Failed to look up {host}/a/amd64:v1: it does not support linux/arm64, it is for linux/amd64. "
        "Build and push the image for linux/arm64."
    )
    assert second.startswith(f"Failed to look up {host}/a/none:v1: ")
    assert (result["changed"], result["images"]) == (False, failed["images"])
