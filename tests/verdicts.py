# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts of Talos, the lab's node and talos_config on configurations, and the recorded verdicts of Talos."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._findings import sentences
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import merge, validation
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from lab.talos import config
from tests.talos_corpus import Case

Release = tuple[int, int]
RECORDED = Path(__file__).parent / "verdicts.json"
TAKEN, REFUSED = ".", "x"


def lab(case: Case, release: Release) -> str:
    """Return why the lab's node refuses a configuration, or nothing."""
    try:
        config.parse(case.config.encode(), release)
    except config.ConfigError as error:
        return str(error)
    return ""


def product(case: Case, release: Release) -> str:
    """Return why our modules refuse a configuration with its patches, or nothing."""
    try:
        documents = patched(case, release)
    except InputError as error:
        return str(error)
    if not all(isinstance(document, dict) for document in documents):
        return "it is not a list of mappings"
    return "; ".join(sentences(problem, "subject") for problem in validation.problems(documents, release))


@cache
def read(config: str) -> list[Any]:
    """Return the documents of a configuration, which are the same to every release."""
    return yaml_text.load_all(config)


@cache
def patched(case: Case, release: Release) -> list[Any]:
    """Return the documents of a case with its patches merged in by our modules."""
    if not case.patches:
        return read(case.config)
    documents = copy.deepcopy(read(case.config))
    patches = [merge.Patch(f"patches[{at}]", patch) for at, patch in enumerate(case.patches)]
    return yaml_text.load_all(yaml_text.dump_all(merge.apply_patches(documents, patches, release)))


def recorded() -> dict[Release, dict[str, str]]:
    """Return per release Talos' recorded verdict on each case: accepted or refused."""
    content = json.loads(RECORDED.read_text(encoding="utf-8"))
    releases = [(int(major), int(minor)) for major, minor, *_ in (name[1:].split(".") for name in content["versions"])]
    return {
        release: {name: marks[at] for name, marks in content["verdicts"].items()} for at, release in enumerate(releases)
    }


def record(reported: dict[str, dict[str, str]]) -> None:
    """Write the verdict of each version of Talos."""
    names = next(iter(reported.values()))
    verdicts = {name: "".join(REFUSED if of[name] else TAKEN for of in reported.values()) for name in names}
    content = {"versions": list(reported), "verdicts": verdicts}
    RECORDED.write_text(json.dumps(content, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
