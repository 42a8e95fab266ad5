# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import difflib
import string
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.redact import REDACTED, is_secret_name, redact
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from tests.fake_credentials import pem_header, tailscale_key

ALPHANUMERIC = string.ascii_lowercase + string.digits
tokens = st.builds(
    "{}.{}".format, st.text(ALPHANUMERIC, min_size=6, max_size=6), st.text(ALPHANUMERIC, min_size=16, max_size=16)
)
random_keys = st.binary(min_size=32, max_size=32).map(lambda raw: base64.b64encode(raw).decode())


def private_key(raw: bytes, label: str = "EC PRIVATE KEY") -> str:
    body = base64.b64encode(raw).decode()
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"{pem_header(label)}\n{lines}\n-----END {label}-----\n"


encoded_keys = st.binary(min_size=48, max_size=200).map(
    lambda raw: base64.b64encode(private_key(raw).encode()).decode()
)


@st.composite
def bundles(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "cluster": {"id": "public", "secret": draw(random_keys)},
        "secrets": {"bootstraptoken": draw(tokens), "secretboxencryptionsecret": draw(random_keys)},
        "trustdinfo": {"token": draw(tokens)},
        "certs": {name: {"crt": "c", "key": draw(encoded_keys)} for name in ("etcd", "k8s", "os")},
    }


def machine_config(bundle: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "v1alpha1",
        "machine": {
            "token": bundle["trustdinfo"]["token"],
            "ca": bundle["certs"]["os"],
            "sysctls": {"net.core.somaxconn": "1"},
        },
        "cluster": {
            "id": bundle["cluster"]["id"],
            "secret": bundle["cluster"]["secret"],
            "token": bundle["secrets"]["bootstraptoken"],
            "secretboxEncryptionSecret": bundle["secrets"]["secretboxencryptionsecret"],
            "ca": bundle["certs"]["k8s"],
            "etcd": {"ca": bundle["certs"]["etcd"]},
        },
    }


def secrets_of(bundle: dict[str, Any]) -> list[str]:
    return [
        bundle["cluster"]["secret"],
        *bundle["secrets"].values(),
        bundle["trustdinfo"]["token"],
        *(pair["key"] for pair in bundle["certs"].values()),
    ]


@settings(max_examples=60)
@given(bundle=bundles(), width=st.sampled_from([40, 80, 100_000]), style=st.sampled_from([None, '"', "|", ">"]))
def test_no_secret_of_a_bundle_survives_in_yaml_of_any_style(
    bundle: dict[str, Any], width: int, style: str | None
) -> None:
    text = yaml.dump_all([bundle, machine_config(bundle)], width=width, default_style=style)

    shown = redact(text)

    assert [secret for secret in secrets_of(bundle) if secret in shown or secret[:40] in shown] == []


@settings(max_examples=60)
@given(old=bundles(), new=bundles(), context=st.integers(min_value=0, max_value=5))
def test_no_secret_of_two_bundles_survives_in_their_diff(
    old: dict[str, Any], new: dict[str, Any], context: int
) -> None:
    before, after = (yaml.safe_dump(machine_config(bundle)).splitlines() for bundle in (old, new))
    text = "\n".join(difflib.unified_diff(before, after, n=context, lineterm=""))

    shown = redact(text)

    assert [secret for secret in (*secrets_of(old), *secrets_of(new)) if secret in shown] == []


@settings(max_examples=40)
@given(
    raw=st.binary(min_size=121, max_size=121),
    label=st.sampled_from(["EC PRIVATE KEY", "ED25519 PRIVATE KEY", "RSA PRIVATE KEY"]),
)
def test_a_hunk_that_begins_inside_a_key_shows_none_of_its_lines(raw: bytes, label: str) -> None:
    body = private_key(raw, label).splitlines()[1:-1]
    hunk = "@@ -3,2 +3,2 @@\n" + "\n".join(f"-        {line}" for line in body)

    shown = redact(hunk)

    assert [line for line in body if line in shown and len(line) >= 40] == []


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        pytest.param(
            f"  - TS_AUTHKEY={tailscale_key('abc123-DEF')}",
            f"  - TS_AUTHKEY={REDACTED}",
            id="tailscale key in an environment",
        ),
        pytest.param("  - TS_AUTH_ONCE=true", "  - TS_AUTH_ONCE=true", id="a setting that is not a secret"),
        pytest.param("PrivateKey = aGVsbG8=", f"PrivateKey = {REDACTED}", id="wireguard configuration"),
        pytest.param(
            "apiUrl: https://x?jointoken=abc&y=1", f"apiUrl: https://x?jointoken={REDACTED}&y=1", id="join token"
        ),
        pytest.param("{crt: a, key: b, name: c}", f"{{crt: a, key: {REDACTED}, name: c}}", id="flow mapping"),
        pytest.param('{"crt": "a", "key": "b"}', f'{{"crt": "a", "key": {REDACTED}}}', id="JSON"),
        pytest.param("+  password: hunter2", f"+  password: {REDACTED}", id="added line of a diff"),
        pytest.param(
            "https://user" + ":pw@example.com/", f"https://user:{REDACTED}@example.com/", id="password in an address"
        ),
        pytest.param('key: ""', 'key: ""', id="a worker's empty key"),
        pytest.param(
            "image: ghcr.io/a/b@sha256:" + "ab12" * 16, "image: ghcr.io/a/b@sha256:" + "ab12" * 16, id="digest"
        ),
        pytest.param("+    net.core.somaxconn: '1'", "+    net.core.somaxconn: '1'", id="a sysctl"),
        pytest.param(
            "path: /var/lib/extensions/with/a/long/path/to/some/file",
            "path: /var/lib/extensions/with/a/long/path/to/some/file",
            id="a path",
        ),
    ],
)
def test_a_line_shows_what_is_not_a_secret_and_hides_what_is(line: str, shown: str) -> None:
    assert redact(line) == shown


def test_a_block_under_a_secret_key_is_hidden_to_its_last_line_and_no_further() -> None:
    text = "ca:\n  key: |\n    short\n\n    lines\n  crt: shown\n"

    assert redact(text) == f"ca:\n  key: {REDACTED}\n    {REDACTED}\n\n    {REDACTED}\n  crt: shown\n"


def test_a_kubernetes_secret_in_an_inline_manifest_is_hidden() -> None:
    manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  user: admin\n"

    shown = redact(yaml_text.dump({"cluster": {"inlineManifests": [{"name": "x", "contents": manifest}]}}))

    assert "admin" not in shown
    assert "name: x" in shown


def test_a_certificate_is_not_a_secret() -> None:
    certificate = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIB" + b"a" * 100).decode()

    assert redact(f"crt: {certificate}") == f"crt: {certificate}"


def test_known_values_are_hidden_wherever_they_stand() -> None:
    assert redact("note: it is swordfish, really", known=["swordfish"]) == f"note: it is {REDACTED}, really"


@pytest.mark.parametrize(
    "name", ["token", "secretboxEncryptionSecret", "client-key-data", "privateKey", '"key"', "TS_AUTHKEY"]
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["crt", "id", "keyProvider", "tokenTTL", "certSANs", "authorizationConfig"])
def test_other_names_are_not(name: str) -> None:
    assert not is_secret_name(name)
