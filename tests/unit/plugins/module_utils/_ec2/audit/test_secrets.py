# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import gzip
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit.secrets import find_secrets
from tests.fake_credentials import ACCESS_KEY_ID, pem_header, tailscale_key

# Put together here, so that no scanner of repositories takes this file for a leak.
PEM = f"{pem_header('ED25519 PRIVATE KEY')}\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END ED25519 PRIVATE KEY-----"
TAILSCALE = tailscale_key("kABCDEF1CNTRL-abcdefghijklmnop")
PLANTED = [
    pytest.param("private key", PEM, id="Ed25519"),
    pytest.param("private key", pem_header("RSA PRIVATE KEY"), id="RSA"),
    pytest.param("private key", pem_header("OPENSSH PRIVATE KEY"), id="OpenSSH"),
    pytest.param("private key", pem_header("PRIVATE KEY"), id="PKCS 8"),
    pytest.param("private key", pem_header("PGP PRIVATE KEY BLOCK"), id="PGP"),
    pytest.param("AWS access key", f"export AWS_ACCESS_KEY_ID={ACCESS_KEY_ID}", id="access key"),
    pytest.param(
        "AWS secret key", "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", id="secret key"
    ),
    pytest.param("Tailscale key", f"TS_AUTHKEY={TAILSCALE}", id="Tailscale"),
    pytest.param("age key", "AGE-SECRET-" + "KEY-1QQPQ3ZZZZZZZZZZZZZZZZZZZZZZZZZZ", id="age"),
    pytest.param("vault", "$ANSIBLE_" + "VAULT;1.1;AES256\n6162", id="ansible-vault"),
    pytest.param("kubeconfig", "users:\n  - user:\n      client-key-data: LS0tLQ==", id="kubeconfig"),
    pytest.param("Talos secrets", "cluster:\n  secretboxEncryptionSecret: abcd", id="machine configuration"),
    pytest.param("Talos secrets", "secrets:\n  bootstraptoken: x\n", id="bundle"),
    pytest.param("bootstrap token", "token: " + "abcdef." + "0123456789abcdef", id="bootstrap token"),
    pytest.param("password", "password: correct-horse", id="YAML"),
    pytest.param("password", "DB_PASSWORD='correct-horse'", id="shell"),
    pytest.param("password", '{"authkey": "0123456789"}', id="JSON"),
    pytest.param("password", "echo 'root:horse' | chpasswd", id="chpasswd"),
    pytest.param("password hash", "passwd: $6$salt$" + "0123456789abcdef", id="crypt"),
    pytest.param("password in a URL", "curl https://ada" + ":horse@example.com/", id="URL"),
    pytest.param("GitHub token", "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345", id="GitHub"),
    pytest.param("WireGuard key", "PrivateKey = " + "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", id="WireGuard"),
    pytest.param(
        "AWS secret key", '{"SecretAccessKey": "' + "wJalrXUtnFEMI/K7MDENG/" + 'bPxRfiCYEXAMPLEKEY"}', id="JSON key"
    ),
    pytest.param("AWS access key", "key_id: ASIA" + "IOSFODNN7EXAMPLE", id="key of a session"),
    pytest.param("private key", f"machine:\n  ca:\n    key: {base64.b64encode(PEM.encode()).decode()}", id="Talos key"),
    pytest.param("bootstrap token", "machine:\n  token: " + "abcdef." + "0123456789abcdef", id="Talos token"),
    pytest.param("token of a service", "glpat-" + "0123456789abcdefABCD", id="GitLab"),
    pytest.param("token of a service", "xoxb-" + "0123456789-abcdef", id="Slack"),
    pytest.param("token of a service", "hvs." + "0123456789abcdefghijABCDEFGH", id="Vault"),
    pytest.param("password", "restic_encryption_key=correct-horse", id="another key"),
    pytest.param("password", "etcdctl --password correct-horse get /", id="option"),
    pytest.param("password", "docker login -u ada -p horse-7 ghcr.io", id="docker login"),
    pytest.param("password", "curl -fsS -u ada:horse https://example.com/", id="curl"),
    pytest.param("password", "machine example.com login ada password horse-7", id="netrc"),
    pytest.param("registry login", '{"auths": {"ghcr.io": {"auth": "YWRhOmhvcnNl"}}}', id="docker"),
]


@pytest.mark.parametrize(("kind", "text"), PLANTED)
def test_a_secret_is_found_in_a_script(kind: str, text: str) -> None:
    found = find_secrets(f"#!/bin/sh\nset -u\n{text}\nexit 0\n".encode())

    assert kind in {secret.kind for secret in found}


@pytest.mark.parametrize(("kind", "text"), PLANTED)
def test_a_secret_is_found_in_gzip(kind: str, text: str) -> None:
    assert kind in {secret.kind for secret in find_secrets(gzip.compress(f"#cloud-config\n{text}\n".encode()))}


@pytest.mark.parametrize(("kind", "text"), PLANTED)
def test_a_secret_is_found_in_a_part_of_a_message(kind: str, text: str) -> None:
    message = MIMEMultipart()
    message.attach(MIMEText("#!/bin/sh\nexit 0\n", "x-shellscript"))
    message.attach(MIMEText(f"#cloud-config\n{text}\n# \u00e9\n", "cloud-config", "utf-8"))

    assert kind in {secret.kind for secret in find_secrets(message.as_bytes())}
    assert kind in {secret.kind for secret in find_secrets(base64.b64encode(message.as_bytes()))}


def test_a_secret_is_found_where_a_message_breaks_its_line() -> None:
    part = f"Content-Transfer-Encoding: quoted-printable\n\nup --key {TAILSCALE[:16]}=\n{TAILSCALE[16:]}\n"

    assert [(found.kind, found.where) for found in find_secrets(part.encode())] == [
        ("Tailscale key", "quoted-printable")
    ]


def test_a_secret_is_found_in_the_second_part_of_gzip() -> None:
    content = gzip.compress(b"#!/bin/sh\n") + gzip.compress(f"up {TAILSCALE}\n".encode())

    assert [(found.kind, found.line) for found in find_secrets(content)] == [("Tailscale key", 2)]


@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress], ids=["plain", "gzip"])
def test_a_secret_is_found_in_a_file_that_cloud_init_unpacks(pack: object) -> None:
    content = base64.b64encode(pack(f"Host *\n{PEM}\n".encode())).decode()  # type: ignore[operator]

    found = find_secrets(f"#cloud-config\nwrite_files:\n  - path: /etc/key\n    content: {content}\n".encode())

    assert {(secret.kind, secret.where.split(",")[0]) for secret in found} == {("private key", "base64 in line 4")}


def test_a_secret_is_reported_by_its_place_and_never_by_its_text() -> None:
    (found,) = find_secrets(f"#!/bin/sh\nup --key {TAILSCALE}\n".encode())

    assert (found.kind, found.line) == ("Tailscale key", 2)
    assert "kABC" not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param('token=$(curl -X PUT "http://169.254.169.254/latest/api/token")', id="metadata token"),
        pytest.param('curl -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/', id="its header"),
        pytest.param("HttpTokens: required", id="IMDSv2"),
        pytest.param("PasswordAuthentication no\nPermitRootLogin no", id="sshd"),
        pytest.param("ssh_pwauth: false\nlock_passwd: true\nchpasswd: {expire: false}", id="cloud-init"),
        pytest.param(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzSIGkNmL0DEAQKC5UBYTUCLkOwkIb7s2FpYGpWpLFa ada", id="public key"
        ),
        pytest.param("sha256=" + "0" * 64, id="checksum"),
        pytest.param("image=ghcr.io/example/talos@sha256:" + "ab" * 32, id="digest"),
        pytest.param("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", id="certificate"),
        pytest.param("password_file=/run/keys/password", id="file"),
        pytest.param("curl https://example.com:8443/a@b", id="URL with a port"),
        pytest.param("docker login --username ada --password-stdin ghcr.io", id="login from a file"),
        pytest.param('curl -u "ada:$PASSWORD" https://example.com/ --token $TOKEN', id="variables"),
        pytest.param("public_key=ssh-ed25519\nprivate_key: /run/keys/key", id="files of keys"),
        pytest.param("archive=boot-to-talos-linux-arm64.tar.gz", id="archive"),
    ],
)
def test_a_text_that_is_not_a_secret_is_not_treated_as_one(text: str) -> None:
    assert find_secrets(f"#!/bin/sh\n{text}\n".encode()) == []


def test_the_collections_own_template_holds_no_secret() -> None:
    for template in Path("roles").glob("*/templates/*"):
        assert find_secrets(template.read_bytes()) == [], template


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    assert find_secrets(bomb) == []


@given(content=st.binary(max_size=400))
def test_no_content_breaks_the_search(content: bytes) -> None:
    assert isinstance(find_secrets(content), list)
    assert isinstance(find_secrets(b"\x1f\x8b" + content), list)


def test_a_token_of_a_known_kind_is_not_a_password_as_well() -> None:
    text = f"TS_AUTH_KEY={tailscale_key('kABCDEF1CNTRL-abcdefghijklmnop')}\nDB_PASSWORD=correct-horse\n"

    assert [(found.kind, found.line) for found in find_secrets(text.encode())] == [
        ("Tailscale key", 1),
        ("password", 2),
    ]
