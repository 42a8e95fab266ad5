# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that keeps a kubeconfig in a file that may be shared with other programs."""

from __future__ import annotations

import base64
import codecs
import os
import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.modules import talos_kubeconfig
from tests.ec2_cluster import run_module
from tests.talos_nodes import Cluster
from tests.user_files import kubeconfig

# A user's kubeconfig with entries of other clusters, in a style of its own.
THEIRS = """# clusters at work
apiVersion: v1
kind: Config
clusters:
- cluster: {server: "https://192.0.2.50:6443", insecure-skip-tls-verify: true}   # test only

  name: ci
users:
    - name: ci
      user:
        token: "7e5"
        expiry: 2026-11-29T12:00:00Z
contexts:
- context:
    cluster: ci
    user: 'ci'
    namespace: '18371e12'
  name: ci
# the one in use
current-context: "ci"
preferences: {colors: on}
"""


def keep(path: Path, fresh: Mapping[str, Any], *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {"path": str(path), "context": None, "server": None, "renew_before": 30, **options}
    return talos_kubeconfig.ensure_kubeconfig(fresh, params, check_mode=check_mode)


def test_a_kubeconfig_is_kept_once(tmp_path: Path) -> None:
    cluster, path = Cluster(), tmp_path / "secrets" / "kubeconfig"

    first = keep(path, kubeconfig(cluster))
    content = path.read_bytes()
    second = keep(path, kubeconfig(cluster))

    assert (first["changed"], second["changed"]) == (True, False)
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("days", "options"),
    [
        pytest.param(365, {"server": "https://192.0.2.9:6443"}, id="another server"),
        pytest.param(10, {}, id="the certificate ends soon"),
    ],
)
def test_a_kubeconfig_that_no_longer_fits_is_renewed(tmp_path: Path, days: int, options: dict[str, Any]) -> None:
    cluster, path = Cluster(), tmp_path / "kubeconfig"
    keep(path, kubeconfig(cluster, days=days))

    assert keep(path, kubeconfig(cluster), **options)["changed"]


def test_case_05_context_of_another_cluster(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    keep(path, kubeconfig(Cluster()))
    before = path.read_bytes()

    with pytest.raises(InputError, match=r"belongs to a cluster with another authority .*option context") as refused:
        keep(path, kubeconfig(Cluster()))

    assert path.read_bytes() == before
    _follow(str(refused.value), path)
    assert keep(path, kubeconfig(Cluster()))["changed"]


def _follow(message: str, path: Path) -> None:
    """Delete what the commands of a remedy delete, as kubectl does."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    words = shlex.split(message.partition("any more: ")[2].replace("&&", ""))
    deleted = [
        (f"{kind.removeprefix('delete-')}s", name) for kind, name in pairwise(words) if kind.startswith("delete-")
    ]
    assert [kind for kind, _name in deleted] == ["contexts", "clusters", "users"]
    for kind, name in deleted:
        document[kind] = [item for item in document[kind] if item["name"] != name]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def test_a_kubeconfig_of_another_host_is_merged_without_a_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, content = tmp_path / "config", yaml.safe_dump(kubeconfig(Cluster()))

    # There is no such node, and no talosconfig to call it with.
    given = {"nodes": ["192.0.2.1"], "talosconfig": "none", "path": str(path), "content": content}
    result = run_module(talos_kubeconfig.main, capsys, **given)

    assert (result["changed"], result["context"]) == (True, "admin@c")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["current-context"] == "admin@c"


def test_case_03_kubeconfig_number_like_text(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS, encoding="utf-8")

    keep(path, kubeconfig(Cluster()))

    # kubectl's YAML takes both for numbers where they are not quoted.
    assert 'token: "7e5"' in path.read_text()
    assert "namespace: '18371e12'" in path.read_text()


def test_case_06_kubeconfig_symlink(tmp_path: Path) -> None:
    target, link = tmp_path / "dotfiles" / "config", tmp_path / "config"
    target.parent.mkdir()
    target.write_text("apiVersion: v1\nkind: Config\n", encoding="utf-8")
    link.symlink_to(target)

    keep(link, kubeconfig(Cluster()))

    assert link.is_symlink()
    assert "admin@c" in target.read_text()
    assert sorted(tmp_path.iterdir()) == sorted([target.parent, link])


def test_other_clusters_in_the_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    keep(path, kubeconfig(Cluster()), context="home")
    keep(path, kubeconfig(Cluster()), context="away")

    kept = yaml.safe_load(path.read_text())

    assert [entry["name"] for entry in kept["contexts"]] == ["home", "away"]
    assert kept["current-context"] == "home"


def test_check_mode_writes_no_kubeconfig_and_the_diff_has_no_key(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"

    result = keep(path, kubeconfig(Cluster()), check_mode=True)

    assert result["changed"]
    assert not path.exists()
    assert result["diff"]["after"] == {"context": "admin@c", "server": "https://192.0.2.1:6443"}


def test_a_file_that_is_not_a_kubeconfig_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("- a\n")

    with pytest.raises(InputError, match="not a kubeconfig"):
        keep(path, kubeconfig(Cluster()))


def others(path: Path) -> str:
    """Return the text of a file without our entries, which are at the end of each list."""
    kept, is_ours = [], False
    for line in path.read_bytes().decode().splitlines(keepends=True):
        is_new = line.lstrip().startswith("- ") or not line.startswith((" ", "-"))
        is_ours = line.lstrip().startswith("- name: admin@c") if is_new else is_ours
        kept += [] if is_ours else [line]
    return "".join(kept)


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_all_else_in_the_file_stays_byte_for_byte(tmp_path: Path, newline: str) -> None:
    path, cluster = tmp_path / "config", Cluster()
    theirs = THEIRS.replace("\n", newline)
    path.write_bytes(theirs.encode())
    path.chmod(0o600)

    first = keep(path, kubeconfig(cluster, days=10))
    renewed = keep(path, kubeconfig(cluster))

    assert others(path) == theirs
    assert (first["warnings"], renewed["warnings"]) == ([], [])
    assert yaml.safe_load(path.read_text())["clusters"][1]["name"] == "admin@c"


def test_a_new_certificate_leaves_what_users_set_in_the_context(tmp_path: Path) -> None:
    path, cluster = tmp_path / "config", Cluster()
    keep(path, kubeconfig(cluster, days=10))
    ours = path.read_text().replace("namespace: default", "namespace: kube-system  # mine")
    path.write_text(ours, encoding="utf-8")

    result = keep(path, kubeconfig(cluster))

    assert result["changed"]
    assert "namespace: kube-system  # mine" in path.read_text()
    assert [line for line in path.read_text().splitlines() if line not in ours.splitlines()] == [
        line for line in path.read_text().splitlines() if "client-certificate-data" in line or "client-key-data" in line
    ]


def test_the_entries_of_talosctl_are_renewed_under_their_own_names(tmp_path: Path) -> None:
    path, cluster = tmp_path / "config", Cluster()
    path.write_text(yaml.safe_dump(kubeconfig(cluster, days=10)), encoding="utf-8")

    keep(path, kubeconfig(cluster))

    kept = yaml.safe_load(path.read_text())
    assert [[item["name"] for item in kept[kind]] for kind in ("clusters", "users", "contexts")] == [
        ["c"],
        ["u"],
        ["admin@c"],
    ]
    assert not keep(path, kubeconfig(cluster))["changed"]


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        pytest.param("cluster", "admin@c", {"server": "https://192.0.2.50"}, id="a cluster with a public authority"),
        pytest.param("cluster", "admin@c", {"server": "a", "certificate-authority": "ca.crt"}, id="one in a file"),
        pytest.param("user", "admin@c", {"token": "abc"}, id="a user with a token"),
    ],
)
def test_an_entry_of_another_cluster_is_never_replaced(tmp_path: Path, kind: str, name: str, value: Any) -> None:
    path = tmp_path / "config"
    (tmp_path / "ca.crt").write_bytes(Cluster().kubernetes.certificate_pem)
    path.write_text(yaml.safe_dump({f"{kind}s": [{"name": name, kind: value}]}), encoding="utf-8")
    before = path.read_bytes()

    with pytest.raises(InputError, match=r"it exists, and .*option context"):
        keep(path, kubeconfig(Cluster()))

    assert path.read_bytes() == before


def test_an_authority_in_a_file_beside_the_kubeconfig_is_read(tmp_path: Path) -> None:
    path, cluster = tmp_path / "config", Cluster()
    (tmp_path / "ca.crt").write_bytes(cluster.kubernetes.certificate_pem)
    entry = {"server": "https://192.0.2.50", "certificate-authority": "ca.crt"}
    path.write_text(yaml.safe_dump({"clusters": [{"name": "admin@c", "cluster": entry}]}), encoding="utf-8")

    keep(path, kubeconfig(cluster))

    kept = yaml.safe_load(path.read_text())["clusters"][0]["cluster"]
    assert base64.b64decode(kept["certificate-authority-data"]) == cluster.kubernetes.certificate_pem


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        pytest.param(codecs.BOM_UTF8, "utf-8", id="UTF-8 with a mark, as Notepad writes"),
        pytest.param(codecs.BOM_UTF16_LE, "utf-16-le", id="UTF-16, as PowerShell writes"),
        pytest.param(codecs.BOM_UTF16_BE, "utf-16-be", id="UTF-16, big end first"),
    ],
)
def test_the_encoding_stays(tmp_path: Path, mark: bytes, encoding: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(mark + THEIRS.encode(encoding))

    keep(path, kubeconfig(Cluster()))

    assert path.read_bytes().startswith(mark + THEIRS[:50].encode(encoding))
    assert "admin@c" in path.read_bytes()[len(mark) :].decode(encoding)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        pytest.param("é".encode("latin-1"), "neither UTF-8 nor UTF-16", id="Latin-1"),
        pytest.param("a: b".encode("utf-32"), "neither UTF-8 nor UTF-16", id="UTF-32"),
        pytest.param(b"a: b\n---\nc: d\n", "it has 2 documents", id="two documents"),
        pytest.param(b"a: [\n", r"line 2, column 1", id="broken"),
        pytest.param(b"a: &a {b: *a}\n", r"an anchor contains itself \(line 1, column 4\)", id="an endless value"),
        pytest.param(b"clusters: {a: b}\n", "its clusters are not a list of entries", id="a mapping of clusters"),
        pytest.param(b"users: [moon]\n", "its users are not a list of entries", id="a user that is a text"),
        pytest.param(
            b"users: [{name: [a], user: {}}]\n", "its users are not a list of entries", id="a list for a name"
        ),
        pytest.param(b"a: b\0\n", r"character 5 is U\+0000", id="NUL"),
        pytest.param(b"clusters: []\nsops: {mac: a}\n", "encrypted with SOPS", id="SOPS"),
        pytest.param(b"$ANSIBLE_VAULT;1.1;AES256\n3663\n", "encrypted with Ansible Vault", id="Vault"),
        pytest.param(b"a: !!int b\n", "a value does not match its tag", id="a wrong tag"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)

    with pytest.raises(InputError, match=cause):
        keep(path, kubeconfig(Cluster()))

    assert path.read_bytes() == content


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path, check_mode: bool) -> None:
    path = tmp_path / "config"
    path.symlink_to("config")

    with pytest.raises(InputError, match="it is a symbolic link that leads to itself"):
        keep(path, kubeconfig(Cluster()), check_mode=check_mode)

    assert path.is_symlink()


def test_permissions_and_owner_stay_and_what_others_can_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS, encoding="utf-8")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 1234)
    before = path.stat()

    warnings = keep(path, kubeconfig(Cluster()))["warnings"]

    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert warnings == [f"Others can read {path} (mode 0640), which contains a key. Run chmod 600 {path}."]


def test_comments_that_are_lost_are_said(tmp_path: Path) -> None:
    path = tmp_path / "config"
    text = "clusters: []  # none yet\nusers: &users []\ncontexts: *users # the same\n"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)

    warnings = keep(path, kubeconfig(Cluster()))["warnings"]

    assert len(warnings) == 1
    assert "are lost" in warnings[0]
    assert "# none yet # the same" in warnings[0]
