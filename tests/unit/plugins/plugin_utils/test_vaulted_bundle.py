# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible.constants import DEFAULT_VAULT_IDENTITY
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import parse_bundle
from ansible_collections.urmanac.talos.plugins.plugin_utils._vaulted_bundle import decrypted
from tests.checks.process import TOOLS, capture
from tests.talos_config import bundle_text, test_bundle

SECRETS = [(DEFAULT_VAULT_IDENTITY, VaultSecret(b"open sesame"))]


@pytest.fixture
def vaulted(tmp_path: Path) -> Path:
    """Give a bundle that is encrypted with Ansible Vault, and that others may read."""
    path = tmp_path / "secrets.yaml"
    path.write_bytes(VaultLib(SECRETS).encrypt(bundle_text()))
    path.chmod(0o644)
    return path


def test_a_vaulted_bundle_is_read_and_no_plain_file_is_left(vaulted: Path) -> None:
    loader = DataLoader()
    loader.set_vault_secrets(SECRETS)

    content = decrypted(loader, vaulted)

    assert content is not None
    assert parse_bundle(content, "secrets.yaml") == test_bundle()
    assert not loader._tempfiles


def test_without_the_password_it_is_left_to_the_module(vaulted: Path) -> None:
    assert decrypted(DataLoader(), vaulted) is None


def test_another_file_is_left_to_the_module(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(bundle_text(), encoding="utf-8")

    assert decrypted(DataLoader(), path) is None
    assert decrypted(DataLoader(), tmp_path / "missing.yaml") is None


def test_a_run_with_the_vaults_password_uses_the_bundle_and_says_nothing_of_it(vaulted: Path) -> None:
    password = vaulted.with_name("password")
    password.write_text("open sesame", encoding="utf-8")
    arguments = {"path": str(vaulted), "talosconfig": str(vaulted.with_name("talosconfig")), "context": "moon"}
    words = ("localhost", "-vvv", "-m", "urmanac.talos.talos_secrets", "-a", json.dumps(arguments))
    before = vaulted.read_bytes()

    code, said = capture([TOOLS / "ansible", *words, "--vault-password-file", password], limit=120)

    assert code == 0, said
    assert test_bundle().os.crt in vaulted.with_name("talosconfig").read_text(encoding="utf-8")
    assert vaulted.read_bytes() == before
    assert vaulted.stat().st_mode & 0o777 == 0o644
    assert test_bundle().os.key not in said
