# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import datetime
import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import bundle as config_bundle
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import secrets
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import (
    Bundle,
    Pair,
    decode_base64,
    parse_bundle,
    read_bundle,
    secret_values,
    to_document,
)
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import secret_files as files
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from tests.fake_credentials import pem_header
from tests.shell_programs import program
from tests.talos_config import bundle_text, test_bundle

CONTEXT = secrets.Context("example", ("192.0.2.101",), ("192.0.2.101", "192.0.2.102"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- made once


def test_a_bundle_is_made_for_its_owners_eyes_only(tmp_path: Path) -> None:
    path = tmp_path / "cluster" / "secrets.yaml"

    changed, made = secrets.ensure_bundle(path, make=test_bundle)

    assert changed
    assert made == read_bundle(path) == test_bundle()
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert [item.name for item in path.parent.iterdir() if item.suffix not in (".yaml", ".lock")] == []


def test_an_existing_bundle_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    secrets.ensure_bundle(path, make=test_bundle)
    before = path.read_bytes(), path.stat().st_mtime_ns

    changed, bundle = secrets.ensure_bundle(path, make=never)

    assert not changed
    assert bundle == test_bundle()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_file_that_is_not_a_bundle_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text("cluster: {id: x}\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"cluster.id is not base64 of 32 bytes; .*talosctl gen secrets"):
        secrets.ensure_bundle(path, make=never)

    assert path.read_text(encoding="utf-8") == "cluster: {id: x}\n"


def test_an_empty_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.touch()

    with pytest.raises(InputError, match="not one YAML mapping"):
        secrets.ensure_bundle(path, make=never)


def test_permissions_that_let_others_read_are_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(bundle_text(), encoding="utf-8")
    path.chmod(0o644)

    assert secrets.ensure_bundle(path, check_mode=True)[0]
    assert mode(path) == 0o644
    assert secrets.ensure_bundle(path)[0]
    assert mode(path) == 0o600
    assert not secrets.ensure_bundle(path)[0]


def test_check_mode_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cluster" / "secrets.yaml"

    assert secrets.ensure_bundle(path, check_mode=True, make=never) == (True, None)
    assert not path.parent.exists()


def test_two_processes_make_one_bundle(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(3), context.SimpleQueue()
    processes = [context.Process(target=race, args=(path, barrier.wait, answers.put)) for _ in range(2)]

    for process in processes:
        process.start()
    barrier.wait()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0]
    results = [answers.get() for _ in processes]
    assert sorted(changed for changed, _ in results) == [False, True]
    assert {cluster_id for _, cluster_id in results} == {read_bundle(path).cluster_id}


def race(path: Path, wait: Callable[[], object], report: Callable[[tuple[bool, str]], None]) -> None:
    """Make a bundle with an id of this process, together with the other process."""
    bundle = test_bundle()._replace(cluster_id=secrets.new_identifier())
    wait()
    changed, made = secrets.ensure_bundle(path, make=lambda: bundle)
    assert made is not None
    report((changed, made.cluster_id))


def never() -> Bundle:
    raise AssertionError("a bundle was made")


def test_a_pending_bundle_becomes_the_bundle_and_is_never_made_twice(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"

    assert secrets.ensure_pending_bundle(path, make=test_bundle) == (True, test_bundle())
    assert secrets.ensure_pending_bundle(path, make=never) == (False, test_bundle())
    assert not path.exists()
    assert secrets.ensure_bundle(path, make=never) == (True, test_bundle())

    assert read_bundle(path) == test_bundle()
    assert mode(path) == 0o600
    assert not secrets.pending_path(path).exists()


def test_a_bundle_of_its_own_keeps_a_pending_one_out(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    secrets.ensure_bundle(path, make=test_bundle)

    assert secrets.ensure_pending_bundle(path, make=never) == (False, test_bundle())
    assert not secrets.pending_path(path).exists()


def test_the_fingerprint_of_the_authority_is_that_of_its_certificate() -> None:
    certificate = secrets.load_certificate(test_bundle().os.crt)

    assert secrets.authority_of(test_bundle()) == certificate.fingerprint(hashes.SHA256()).hex()


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text("before", encoding="utf-8")

    with pytest.raises(UnicodeEncodeError):
        files.write_private(path, "after \ud800")

    assert path.read_text(encoding="utf-8") == "before"
    assert [item.name for item in tmp_path.iterdir()] == ["secrets.yaml"]


# --- what a bundle is


def certificate(pair: Pair) -> x509.Certificate:
    return secrets.load_certificate(pair.crt)


def test_authorities_have_the_algorithms_and_names_of_upstream() -> None:
    bundle = test_bundle()

    names = {
        name: certificate(getattr(bundle, name)).subject.rfc4514_string()
        for name in ("os", "etcd", "k8s", "aggregator")
    }
    assert names == {"os": "O=talos", "etcd": "O=etcd", "k8s": "O=kubernetes", "aggregator": ""}
    assert isinstance(certificate(bundle.os).public_key(), ed25519.Ed25519PublicKey)
    for name in ("etcd", "k8s", "aggregator"):
        key = certificate(getattr(bundle, name)).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256R1)


def test_authorities_sign_themselves_for_ten_years() -> None:
    for name in ("os", "etcd", "k8s", "aggregator"):
        authority = certificate(getattr(test_bundle(), name))
        authority.verify_directly_issued_by(authority)
        assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert authority.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
        assert authority.not_valid_after_utc - authority.not_valid_before_utc >= datetime.timedelta(hours=87600)


def test_keys_have_the_headers_of_upstream() -> None:
    bundle = test_bundle()
    keys = (bundle.os.key, bundle.etcd.key, bundle.service_account)

    headers = [(decode_base64(key) or b"").splitlines()[0].decode() for key in keys]

    labels = ("ED25519", "EC", "RSA")
    assert headers == [pem_header(f"{label} PRIVATE KEY") for label in labels]


def test_the_service_account_key_is_rsa_of_4096_bits() -> None:
    key = load_pem_private_key(decode_base64(test_bundle().service_account) or b"", password=None)

    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 4096


def test_no_secret_is_given_twice() -> None:
    values = secret_values(test_bundle())

    assert len(values) == len(set(values)) == 9


def test_a_bundle_shows_no_secret_of_itself() -> None:
    shown = f"{test_bundle()!r} {test_bundle()} {test_bundle().os!r}"

    assert [value for value in secret_values(test_bundle()) if value in shown] == []


def test_a_service_account_key_that_is_not_an_rsa_key_is_taken() -> None:
    """Talos made such keys before v1.7."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    changed = test_bundle()._replace(service_account=base64.b64encode(key).decode())

    bundle = parse_bundle(yaml_text.dump_plain(to_document(changed)), "secrets.yaml")
    secrets.check_pairs(bundle, "secrets.yaml")

    assert bundle == changed


def test_a_cluster_id_for_addresses_is_taken() -> None:
    url_safe = "0raF93qnkMvF-FZNuvyGozXNdLiT2FOWSlyBaW4PR-w="

    assert parse_bundle(bundle_text().replace(test_bundle().cluster_id, url_safe), "x").cluster_id == url_safe


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(lambda b: b.cluster_secret, "c2hvcnQ=", "cluster.secret is not base64 of 32 bytes", id="secret"),
        pytest.param(lambda b: b.bootstrap_token, "a.b", "secrets.bootstraptoken does not have the form", id="token"),
        pytest.param(lambda b: b.secretbox, "''", "secrets.secretboxencryptionsecret is missing", id="encryption"),
        pytest.param(lambda b: b.os.key, "aGVsbG8=", "certs.os.key is not base64 of a PEM private key", id="key"),
        pytest.param(
            lambda b: b.etcd.crt, "'%%%'", "certs.etcd.crt is not base64 of a PEM certificate", id="certificate"
        ),
    ],
)
def test_everything_wrong_with_a_bundle_is_reported_without_a_secret(
    old: Callable[[Bundle], str], new: str, expected: str
) -> None:
    text = bundle_text().replace(old(test_bundle()), new)

    with pytest.raises(InputError, match=expected) as caught:
        parse_bundle(text, "x")

    assert [value for value in secret_values(test_bundle()) if value in str(caught.value)] == []


def test_text_that_is_not_yaml_is_refused_without_being_shown() -> None:
    with pytest.raises(InputError, match="it is not YAML") as caught:
        parse_bundle("key: hunter2: [", "x")

    assert "hunter2" not in str(caught.value)


def test_a_key_of_another_certificate_is_refused() -> None:
    bundle = test_bundle()._replace(etcd=test_bundle().etcd._replace(key=test_bundle().k8s.key))

    with pytest.raises(InputError, match="the etcd key does not match its certificate"):
        secrets.check_pairs(bundle, "x")


def test_a_missing_file_is_reported() -> None:
    with pytest.raises(InputError, match=r"No such file or directory.*restore it"):
        read_bundle(Path("/nonexistent/secrets.yaml"))


# --- admin certificate


def test_the_admin_certificate_is_for_clients_of_talos_and_nothing_else() -> None:
    pair = secrets.admin_pair(test_bundle(), secrets.DEFAULT_VALIDITY)

    made = certificate(pair)
    made.verify_directly_issued_by(certificate(test_bundle().os))
    assert [(item.oid, item.value) for item in made.subject] == [(NameOID.ORGANIZATION_NAME, "os:admin")]
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_the_admin_certificate_is_back_dated() -> None:
    now = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)

    made = certificate(secrets.admin_pair(test_bundle(), secrets.Validity(datetime.timedelta(days=10)), now))

    assert made.not_valid_before_utc == now - datetime.timedelta(days=1)
    assert made.not_valid_after_utc == now + datetime.timedelta(days=10)


def test_the_admin_key_follows_an_authority_on_a_curve() -> None:
    """A node's own certificate follows its authority, so both ends speak the same algorithm."""
    bundle = test_bundle()._replace(os=test_bundle().etcd)

    pair = secrets.admin_pair(bundle, secrets.DEFAULT_VALIDITY)

    assert isinstance(secrets.load_key(pair.key), ec.EllipticCurvePrivateKey)
    certificate(pair).verify_directly_issued_by(certificate(bundle.os))


# --- talosconfig


def talosconfig(path: Path) -> Any:
    return yaml_text.load_all(path.read_text(encoding="utf-8"))[0]


def test_a_talosconfig_has_the_layout_of_talosctl(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"

    assert secrets.ensure_talosconfig(path, test_bundle(), CONTEXT).changed

    entry = talosconfig(path)["contexts"]["example"]
    assert mode(path) == 0o600
    assert talosconfig(path)["context"] == "example"
    assert list(entry) == ["endpoints", "nodes", "ca", "crt", "key"]
    assert (decode_base64(entry["key"]) or b"").startswith(pem_header("ED25519 PRIVATE KEY").encode())


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)
    before = path.read_bytes()

    assert not secrets.ensure_talosconfig(path, test_bundle(), CONTEXT).changed
    assert path.read_bytes() == before


def test_other_addresses_change_the_file_but_not_the_certificate(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)
    before = talosconfig(path)["contexts"]["example"]["crt"]

    assert secrets.ensure_talosconfig(path, test_bundle(), CONTEXT._replace(endpoints=("192.0.2.9",))).changed

    assert talosconfig(path)["contexts"]["example"]["endpoints"] == ["192.0.2.9"]
    assert talosconfig(path)["contexts"]["example"]["crt"] == before


def test_a_certificate_near_its_end_is_renewed(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    short = secrets.Validity(datetime.timedelta(days=20), datetime.timedelta(days=10))
    secrets.ensure_talosconfig(path, test_bundle(), CONTEXT, validity=short)
    end = secrets.valid_until(path, "example")

    assert not secrets.ensure_talosconfig(path, test_bundle(), CONTEXT, validity=short).changed
    assert secrets.ensure_talosconfig(path, test_bundle(), CONTEXT).changed

    renewed = secrets.valid_until(path, "example")
    assert end is not None
    assert renewed is not None
    assert renewed - end > datetime.timedelta(days=300)


def test_case_05_context_of_another_cluster_in_a_talosconfig(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    secrets.ensure_talosconfig(path, test_bundle()._replace(os=test_bundle().etcd), CONTEXT)
    before = path.read_bytes()

    with pytest.raises(InputError, match="belongs to a cluster with another authority"):
        secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)

    assert path.read_bytes() == before


def test_a_context_with_other_credentials_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    path.write_text("context: example\ncontexts:\n  example:\n    auth: {siderov1: {identity: me}}\n", encoding="utf-8")

    with pytest.raises(InputError, match="belongs to a cluster with another authority"):
        secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)


def test_a_context_with_addresses_alone_gets_its_credentials(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    path.write_text("contexts:\n  example: {nodes: [192.0.2.7]}\n", encoding="utf-8")

    secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)

    assert talosconfig(path)["contexts"]["example"]["ca"] == test_bundle().os.crt


def test_a_new_certificate_leaves_all_else_in_a_talosconfig_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    short = secrets.Validity(datetime.timedelta(days=20), datetime.timedelta(days=10))
    secrets.ensure_talosconfig(path, test_bundle(), CONTEXT, validity=short)
    ours = path.read_text(encoding="utf-8").replace("        endpoints:", "        # mine\n        endpoints:")
    path.write_text(ours, encoding="utf-8")

    kept = secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)

    def without(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.strip().startswith(("crt:", "key:"))]

    assert kept == (True, ())
    assert without(path.read_text(encoding="utf-8")) == without(ours)
    assert path.read_text(encoding="utf-8") != ours


@pytest.mark.parametrize("contexts", ["[a]", "{example: [a]}", "moon"])
def test_invalid_contexts_are_refused(tmp_path: Path, contexts: str) -> None:
    path = tmp_path / "talosconfig"
    path.write_text(f"contexts: {contexts}\n", encoding="utf-8")

    with pytest.raises(InputError, match="its contexts are not a mapping of names to contexts"):
        secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)


def test_other_contexts_and_the_chosen_one_stay(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    secrets.ensure_talosconfig(path, test_bundle(), CONTEXT._replace(name="other"))
    other = talosconfig(path)["contexts"]["other"]

    secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)

    assert talosconfig(path)["context"] == "other"
    assert talosconfig(path)["contexts"]["other"] == other
    assert "example" in talosconfig(path)["contexts"]


def test_check_mode_writes_no_talosconfig(tmp_path: Path) -> None:
    path = tmp_path / "new" / "talosconfig"

    assert secrets.ensure_talosconfig(path, test_bundle(), CONTEXT, check_mode=True).changed
    assert not path.parent.exists()


def test_an_invalid_talosconfig_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "talosconfig"
    path.write_text("- a\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"which is one YAML mapping\. Use another file"):
        secrets.ensure_talosconfig(path, test_bundle(), CONTEXT)

    assert path.read_text(encoding="utf-8") == "- a\n"


SOPS = "cluster:\n  id: ENC[AES256_GCM,data:abc]\nsops:\n  version: 3.9.0\n"


@pytest.mark.parametrize(
    ("text", "program"),
    [
        pytest.param(SOPS, "SOPS", id="SOPS"),
        pytest.param("$ANSIBLE_VAULT;1.1;AES256\n36633936\n", "Ansible Vault", id="Vault"),
    ],
)
def test_case_26_encrypted_secrets_bundle(text: str, program: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_bundle(text, "secrets.yaml")

    assert f"it is encrypted with {program}. " in str(refused.value)
    assert "decrypt it to a file of mode 0600: umask 077; " in str(refused.value)
    assert "base64" not in str(refused.value)


def simulate_sops(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a program in place of sops, and return a file that it is called for."""
    program(folder / "sops", script)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    path = folder / "secrets.yaml"
    path.write_text(SOPS, encoding="utf-8")
    path.chmod(0o644)
    return path


def test_a_bundle_of_sops_is_read_with_sops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = tmp_path / "plain"
    plain.write_text(bundle_text(), encoding="utf-8")
    # The arguments of sops 3: the file is the last one.
    path = simulate_sops(tmp_path, monkeypatch, f'[ "$1 $6" = "--decrypt {tmp_path}/secrets.yaml" ] && cat {plain}')

    assert secrets.ensure_bundle(path) == (False, test_bundle())
    assert path.read_text(encoding="utf-8") == SOPS
    assert mode(path) == 0o644


def test_the_words_of_sops_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = simulate_sops(tmp_path, monkeypatch, "echo Failed to get the data key >&2; exit 128")

    with pytest.raises(InputError, match=r"sops reports: Failed to get the data key Provide the key to sops"):
        read_bundle(path)


def test_a_sops_that_cannot_be_started_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = simulate_sops(tmp_path, monkeypatch, "")
    (tmp_path / "sops").write_bytes(b"\x7fELF of another processor")

    with pytest.raises(
        InputError, match=r"sops cannot be started: Exec format error\. Install sops for this machine\.$"
    ):
        read_bundle(path)


def test_a_sops_that_does_not_end_is_reported_with_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = simulate_sops(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(config_bundle, "_SECONDS", 0.2)

    with pytest.raises(InputError, match=r"sops did not end within 0\.2 s\. Provide the key to sops"):
        read_bundle(path)


def test_a_bundle_that_sops_encrypted_as_one_text_is_decrypted_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain"
    plain.write_text(bundle_text(), encoding="utf-8")
    path = simulate_sops(tmp_path, monkeypatch, f'[ "$3 $5" = "binary binary" ] && cat {plain}')
    path.write_text('{"data": "ENC[AES256_GCM,data:abc]", "sops": {"version": "3.10.2"}}', encoding="utf-8")

    assert read_bundle(path) == test_bundle()


def test_the_content_of_an_encrypted_bundle_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(SOPS, encoding="utf-8")

    assert secrets.ensure_bundle(path, content=bundle_text())[1] == test_bundle()


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_talosconfig_that_is_a_link_to_itself_is_refused(tmp_path: Path, check_mode: bool) -> None:
    path = tmp_path / "config"
    path.symlink_to("config")

    with pytest.raises(InputError, match="it is a symbolic link that leads to itself"):
        secrets.ensure_talosconfig(path, test_bundle(), CONTEXT, check_mode=check_mode)

    assert path.is_symlink()


def test_a_bundle_that_is_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.symlink_to("secrets.yaml")

    with pytest.raises(OSError, match="it is a symbolic link that leads to itself"):
        secrets.ensure_bundle(path, make=test_bundle)
