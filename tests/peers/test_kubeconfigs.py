# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubectl and its YAML library read of a kubeconfig before and after ours is merged into it."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.modules import talos_kubeconfig
from tests.go_programs import build, is_built
from tests.rare_values import WORDS
from tests.talos_nodes import Cluster
from tests.user_files import commented, documents, kubeconfig, styled

JUDGE = Path(__file__).resolve().parents[2] / ".cache" / "peers" / "kubectl_reader"
FRESH = kubeconfig(Cluster())
OURS = "admin@c"
KINDS = {"clusters": "clusters", "users": "users", "contexts": "contexts"}
# As written by hand: without quotes, so that readers may differ about the type.
BY_HAND = """\
apiVersion: v1
clusters:
- name: {0}
  cluster: {{server: https://192.0.2.50}}   # {1}
users: [{{name: ci, user: {{token: {1}}}}}]
contexts:
- context: &shared
    cluster: ci
    user: {1}
  name: one
- {{name: two, context: *shared}}
current-context: {0}
"""


@pytest.fixture(scope="session")
def judge() -> Path:
    """Return the program that reads kubeconfigs as kubectl does, built if need be."""
    sources = [*(Path(__file__).parent / "kubectl_reader").glob("*.go"), Path(__file__).parent / "go.sum"]
    if is_built(JUDGE, *sources):
        return JUDGE
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed, so the reader of kubeconfigs cannot be built")
    build(go, "./kubectl_reader", JUDGE, module=Path(__file__).parent)
    return JUDGE


def read(judge: Path, texts: list[bytes]) -> list[dict[str, Any]]:
    """Return what kubectl reads of each text."""
    lines = "\n".join(json.dumps(base64.b64encode(text).decode()) for text in texts)
    done = subprocess.run([judge], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def merged(path: Path, text: bytes) -> bytes:
    """Return a kubeconfig with ours in it, or as it was where that is refused."""
    path.write_bytes(text)
    params = {"path": str(path), "context": None, "server": None, "renew_before": 30}
    try:
        talos_kubeconfig.ensure_kubeconfig(FRESH, params, check_mode=False)
    except InputError:
        assert path.read_bytes() == text
    return path.read_bytes()


def of_other_clusters(config: dict[str, Any]) -> dict[str, Any]:
    """Return what kubectl knows of other clusters."""
    kinds = {kind: {name: one for name, one in (config.get(kind) or {}).items() if name != OURS} for kind in KINDS}
    return {**kinds, "current-context": config.get("current-context")}


def compare(judge: Path, path: Path, texts: list[bytes]) -> list[bool]:
    """Fail if kubectl reads other clusters' entries differently than before; return what it was able to read."""
    after = [merged(path, text) for text in texts]
    answers = read(judge, [*texts, *after])
    for text, new, before, now in zip(texts, after, answers, answers[len(texts) :], strict=False):
        if before["error"]:
            continue
        assert not now["error"], f"{now['error']}\n{text.decode()}\n-> {new.decode()}"
        wanted = of_other_clusters(before["config"])
        wanted["current-context"] = wanted["current-context"] or of_other_clusters(now["config"])["current-context"]
        assert of_other_clusters(now["config"]) == wanted, f"{text.decode()}\n-> {new.decode()}"
    is_readable = [not answer["error"] for answer in answers[: len(texts)]]
    # A refused file is not changed, so refusing every file would pass.
    taken = [text != new for text, new, known in zip(texts, after, is_readable, strict=True) if known]
    assert sum(taken) >= len(taken) / 2
    return is_readable


WRITTEN = st.builds(
    lambda document, style, places: commented(style({"apiVersion": "v1", **document}), places).encode(),
    documents(),
    styled(),
    st.lists(st.integers(0, 30), max_size=3),
)


@settings(max_examples=6)
@given(texts=st.lists(WRITTEN, min_size=25, max_size=25))
def test_kubectl_reads_the_same_of_other_clusters(
    judge: Path, tmp_path_factory: pytest.TempPathFactory, texts: list[bytes]
) -> None:
    compare(judge, tmp_path_factory.getbasetemp() / "config", texts)


def test_kubectl_reads_the_same_of_what_is_written_by_hand(judge: Path, tmp_path: Path) -> None:
    texts = [BY_HAND.format(name, value).encode() for name, value in zip(WORDS, reversed(WORDS), strict=True)]

    taken = compare(judge, tmp_path / "config", texts)

    # kubectl does not read most words as text without quotes.
    assert 0 < sum(taken) < len(taken)
