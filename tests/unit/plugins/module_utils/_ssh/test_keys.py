# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of public keys, private keys that are given by mistake, and host keys."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import (
    PRIVATE_KEY,
    identity_file_of,
    known_hosts_line,
    make_host_key,
    public_key_of,
    public_key_problem,
)

PUBLIC = make_host_key("ada@example.com").public
KIND, BLOB, COMMENT = PUBLIC.split(" ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(PUBLIC, None, id="with a comment"),
        pytest.param(f"{KIND} {BLOB}", None, id="without a comment"),
        pytest.param(f"{PUBLIC} at home", None, id="with several words of comment"),
        pytest.param(PRIVATE_KEY, "private key", id="private key"),
        pytest.param(f"{PUBLIC}\n{PUBLIC}", "several lines", id="two keys"),
        pytest.param(f"{PUBLIC}\x1b[2J", "control characters", id="control characters"),
        pytest.param("~/.ssh/missing.pub", "path of a file", id="file that does not exist"),
        pytest.param(f"ssh-dss {BLOB}", "DSA key", id="type that sshd refuses"),
        pytest.param(f'command="rm -r /" {PUBLIC}', "path of a file", id="with an option in front"),
        pytest.param(KIND, "incomplete or damaged", id="type alone"),
        pytest.param(f"{KIND} {BLOB[:-4]}", "incomplete or damaged", id="end cut off"),
        pytest.param(f"ssh-rsa {BLOB}", "incomplete or damaged", id="key of another type"),
        pytest.param(f"{KIND} {BLOB[:9]}!{BLOB[9:]}", "incomplete or damaged", id="no base64"),
    ],
)
def test_each_mistake_in_a_public_key_is_named(text: str, problem: str | None) -> None:
    found = public_key_problem(text)

    assert (found is None) == (problem is None), found
    assert problem is None or problem in str(found)
    assert BLOB not in str(found)


def rsa_key(bits: int) -> str:
    """Return a public key of OpenSSH with a modulus of so many bits, which is not a product of primes."""
    fields = (b"ssh-rsa", b"\x01\x00\x01", b"\x00" + ((1 << bits) - 1).to_bytes((bits + 7) // 8, "big"))
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return f"ssh-rsa {base64.b64encode(blob).decode()} ada@example.com"


@pytest.mark.parametrize("bits", [1024, 2047])
def test_an_rsa_key_that_sshd_ignores_is_refused_with_the_way_to_a_better_one(bits: int) -> None:
    found = str(public_key_problem(rsa_key(bits)))

    assert f"{bits} bits" in found
    assert "ssh-keygen -t ed25519" in found


@pytest.mark.parametrize("bits", [2048, 4096])
def test_an_rsa_key_that_sshd_takes_is_accepted(bits: int) -> None:
    assert public_key_problem(rsa_key(bits)) is None


def test_a_public_key_is_given_as_text_or_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "id.pub"
    file.write_text(f"{PUBLIC}\n")

    assert public_key_of(str(file)) == public_key_of(f" {PUBLIC}\n") == PUBLIC
    assert public_key_of("") == ""
    assert public_key_of("x" * 5000) == "x" * 5000


def test_ssh_logs_in_with_the_private_key_beside_the_public_one(tmp_path: Path) -> None:
    public, private = tmp_path / "moon.pub", tmp_path / "moon"
    public.write_text(PUBLIC)

    # Without a private file the public one makes ssh choose the key of an agent.
    assert identity_file_of(str(public)) == str(public)
    private.write_text("the private key")
    assert identity_file_of(f" {public}\n") == str(private)


def test_a_home_directory_is_spelt_out_for_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "moon.pub").write_text(PUBLIC)

    assert identity_file_of("~/moon.pub") == str(tmp_path / "moon.pub")


@pytest.mark.parametrize("given", ["", PUBLIC, "~/.ssh/missing.pub"])
def test_without_a_file_ssh_chooses_the_key(given: str) -> None:
    assert identity_file_of(given) == ""


def test_a_private_key_is_replaced_wherever_it_comes_from(tmp_path: Path) -> None:
    private = make_host_key("").private
    file = tmp_path / "id_ed25519"
    file.write_text(private)

    assert public_key_of(private) == public_key_of(str(file)) == PRIVATE_KEY


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed")
def test_openssh_reads_the_host_key_as_the_same_public_key(tmp_path: Path) -> None:
    made = make_host_key("moon")
    file = tmp_path / "key"
    file.write_text(made.private)
    file.chmod(0o600)

    said = subprocess.run(
        [str(shutil.which("ssh-keygen")), "-y", "-f", file], capture_output=True, text=True, check=True
    ).stdout

    assert said.split()[:2] == made.public.split()[:2]


def test_known_hosts_has_the_key_under_its_alias_without_the_comment() -> None:
    assert known_hosts_line("moon-bastion", PUBLIC) == f"moon-bastion {KIND} {BLOB}\n"
