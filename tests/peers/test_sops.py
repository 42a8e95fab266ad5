# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets bundles that the real sops has encrypted, in every form that it has for them, with a key of age."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import secrets
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import read_bundle
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from tests.go_programs import build, is_built
from tests.talos_config import bundle_text, test_bundle

MODULE = Path(__file__).parent / "sops"
BUILT = Path(__file__).resolve().parents[2] / ".cache" / "peers" / "sops"
PROGRAMS = {"sops": "github.com/getsops/sops/v3/cmd/sops", "age-keygen": "filippo.io/age/cmd/age-keygen"}
# As talhelper's users have it: only what is secret.
SECRETS_ONLY = "^(key|secret|token|bootstraptoken|secretboxencryptionsecret)$"


class Sops(NamedTuple):
    """The real sops, and the file of a key that it can decrypt with."""

    program: Path
    key: Path
    recipient: str

    def encrypted(self, path: Path, text: str, *options: str) -> Path:
        """Write a text to a file, encrypted."""
        plain = path.with_name(f"plain{path.suffix}")
        plain.write_text(text, encoding="utf-8")
        command = [str(self.program), "encrypt", "--age", self.recipient, *options, str(plain)]
        done = subprocess.run(command, capture_output=True, check=True)
        path.write_bytes(done.stdout)
        plain.unlink()
        return path


@pytest.fixture(scope="session")
def programs() -> Path:
    """Return the folder of sops and age-keygen, built if need be."""
    go = shutil.which("go")
    for name, package in PROGRAMS.items():
        if is_built(BUILT / name, MODULE / "go.sum"):
            continue
        if go is None:
            pytest.skip("Go is not installed, so the real sops cannot be built")
        build(go, package, BUILT / name, module=MODULE)
    return BUILT


@pytest.fixture
def sops(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sops:
    """Put the real sops on the path of this process, with a new key and a home of its own."""
    key = tmp_path / "key.txt"
    made = subprocess.run([programs / "age-keygen", "-o", key], capture_output=True, text=True, check=True)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SOPS_DISABLE_VERSION_CHECK", "true")
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(key))
    return Sops(programs / "sops", key, made.stderr.split()[-1])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("talsecret.sops.yaml", (), id="all values"),
        pytest.param("talsecret.sops.yaml", ("--encrypted-regex", SECRETS_ONLY), id="secrets alone"),
        pytest.param("secrets.json", (), id="JSON"),
        pytest.param("secrets.yaml", ("--output-type", "json"), id="YAML to JSON"),
        pytest.param("secrets.yaml", ("--input-type", "binary", "--output-type", "json"), id="binary"),
    ],
)
def test_a_bundle_of_the_real_sops_is_read_and_stays_encrypted(
    sops: Sops, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    text = bundle_text()
    if name.endswith(".json"):
        text = json.dumps(yaml_text.load_all(text)[0])
    path = sops.encrypted(tmp_path / name, text, *options)
    before = path.read_bytes()

    assert b"ENC[AES256_GCM" in before
    assert secrets.ensure_bundle(path) == (False, test_bundle())
    assert path.read_bytes() == before


def test_line_ends_of_windows_are_read(sops: Sops, tmp_path: Path) -> None:
    path = sops.encrypted(tmp_path / "secrets.yaml", bundle_text())
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert read_bundle(path) == test_bundle()


def test_a_bundle_without_its_key_is_refused_in_the_words_of_sops(
    sops: Sops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sops.encrypted(tmp_path / "secrets.yaml", bundle_text())
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "other.txt"))

    with pytest.raises(InputError, match=r"sops reports: Failed to get the data key .* SOPS_AGE_KEY_FILE"):
        read_bundle(path)


def test_a_bundle_that_was_changed_after_it_was_encrypted_is_refused(sops: Sops, tmp_path: Path) -> None:
    path = sops.encrypted(tmp_path / "secrets.yaml", bundle_text(), "--encrypted-regex", SECRETS_ONLY)
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^(    id: ).*$", r"\1changed", text, count=1), encoding="utf-8")

    with pytest.raises(InputError, match=r"sops reports: .*MAC mismatch"):
        read_bundle(path)


def test_the_real_form_is_recognised_without_sops(sops: Sops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sops.encrypted(tmp_path / "secrets.yaml", bundle_text())
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InputError, match=r"it is encrypted with SOPS\. Install sops"):
        read_bundle(path)
