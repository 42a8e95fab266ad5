# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/sbom.cdx.json lists exactly the downloads, in the versions that are used."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.checks.process import ROOT
from tools import sbom

REGISTRIES = r"(?:docker\.io|gcr\.io|ghcr\.io|quay\.io|registry\.k8s\.io)"
# What a value looks like from which something is fetched.
ADDRESS = re.compile(
    rf"https?://|oci://|registry\.example\.com/|(?:resolve:ssm:)?/aws/service/|{REGISTRIES}/|[^{{]*/manifests/"
)
FIXED = re.compile(rf"{REGISTRIES}/\S+\Z|https://github\.com/\S+/releases/")
ABOUT = sbom.load("tools/downloads.yml")
ENTRIES = ABOUT["downloads"]


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the texts inside a variable, each with its path as tools/downloads.yml writes it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}/{number}")
    elif isinstance(value, str):
        yield path, value


def addresses(variables: Mapping[str, Any]) -> set[str]:
    """Return the paths of all values from which something looks to be fetched."""
    found = (leaf for name, value in variables.items() for leaf in leaves(value, name))
    return {path for path, text in found if ADDRESS.match(text)}


def named(entries: list[dict[str, Any]]) -> set[str]:
    """Return the variables that entries name."""
    texts = (text for entry in entries for _path, text in leaves(entry, ""))
    return {path for text in texts for path in re.findall(r"\{([\w/.-]+)\}", text)}


def unlisted(variables: Mapping[str, Any], entries: list[dict[str, Any]]) -> set[str]:
    """Return the values from which something is fetched that has no entry."""
    return addresses(variables) - named(entries) - ABOUT["not_downloads"].keys()


def fixed(text: str) -> set[str]:
    """Return the images and releases that a Python file has as constants, its documentation left out."""
    constants = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return {one for one in constants if isinstance(one, str) and "\n" not in one and FIXED.match(one)}


def is_listed(one: str) -> bool:
    """Return whether the source of an entry begins with a text, as far as the text is the same for all versions."""
    sources = (sbom.filled(str(entry["source"]), sbom.defaults()) for entry in ENTRIES)
    return any(source.startswith(one.partition("{")[0]) for source in sources)


def locked() -> set[tuple[str, str]]:
    """Return name and version of all packages of all locks that there are."""
    texts = [path.read_text() for path in [*ROOT.glob("requirements/*.txt"), *ROOT.glob("roles/*/files/*.txt")]]
    line = re.compile(r"^([\w.-]+)(?:\[.*?\])?==(\S+)", flags=re.MULTILINE)
    return {(name, version) for text in texts for name, version in line.findall(text)}


@pytest.fixture(scope="module")
def components() -> list[dict[str, Any]]:
    """Return the components of the SBOM as it is committed."""
    found: list[dict[str, Any]] = json.loads(sbom.SBOM.read_text(encoding="utf-8"))["components"]
    return found


def test_sbom_and_table_are_those_of_the_sources() -> None:
    text = sbom.SBOM.read_text(encoding="utf-8")
    items = sbom.downloads(sbom.licences_in(text))

    assert sbom.sbom(items) == text, "python -m tools.sbom"
    assert sbom.table(items) == sbom.TABLE.read_text(encoding="utf-8"), "python -m tools.sbom"


def test_every_address_of_the_defaults_is_listed_or_said_to_be_no_download() -> None:
    assert unlisted(sbom.defaults(), ENTRIES) == set()


def test_every_download_without_a_digest_says_why_and_how_it_is_verified() -> None:
    reasons = [entry["digest"] for entry in ENTRIES if entry["digest"].startswith("not pinned")]

    assert [reason for reason in reasons if len(reason.split("; ")) < 2] == []
    assert {path for path in addresses(sbom.defaults()) if path.startswith("examples/urmanac_arm64/")} <= named(ENTRIES)


@pytest.mark.parametrize(
    "value",
    ["quay.io/x/y:1", "https://example.com/x.tar.gz", "/aws/service/x", {"deep": ["ghcr.io/x/y"]}, "x/manifests/1"],
)
def test_a_new_address_is_found_to_be_unlisted(value: Any) -> None:
    assert len(unlisted(sbom.defaults() | {"nodes_new": value}, ENTRIES)) == 1


@pytest.mark.parametrize("number", [n for n, entry in enumerate(ENTRIES) if re.match(r"\{[^}]+\}\Z", entry["source"])])
def test_a_removed_entry_is_found_to_be_missing(number: int) -> None:
    assert len(unlisted(sbom.defaults(), ENTRIES[:number] + ENTRIES[number + 1 :])) == 1


def test_what_is_not_a_download_is_still_there() -> None:
    assert ABOUT["not_downloads"].keys() <= addresses(sbom.defaults())


def test_every_fixed_image_and_release_of_the_plugins_is_listed() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py")]

    found: set[str] = set().union(*map(fixed, texts))

    assert {one for one in found - ABOUT["not_downloads_of_plugins"].keys() if not is_listed(one)} == set()
    assert ABOUT["not_downloads_of_plugins"].keys() <= found


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if "file" in entry], ids=lambda entry: entry["name"])
def test_the_file_of_an_entry_has_its_source(entry: dict[str, Any]) -> None:
    path = ROOT / entry["file"]

    if path.suffix == ".mod":
        assert "require" in path.read_text(encoding="utf-8")
        assert path.with_suffix(".sum").is_file()
        return
    start = entry["source"].partition("{")[0].rstrip("v").rstrip(":/")
    assert f'"{start}' in path.read_text(encoding="utf-8")


def test_the_packages_are_those_of_the_locks(components: list[dict[str, Any]]) -> None:
    found = {(one["name"], one["version"]) for one in components if one.get("purl", "").startswith("pkg:pypi/")}

    assert found == locked()


def test_everything_has_version_source_licence_and_how_it_is_verified(components: list[dict[str, Any]]) -> None:
    for one in components:
        notes = {note["name"].rpartition(":")[2]: note["value"] for note in one["properties"]}
        licence = one["licenses"][0]["license"]["name"]
        assert all([one["version"], notes["source"], notes["used"], licence, licence != sbom.UNKNOWN]), one["name"]
        assert re.match(r"sha256:[0-9a-f]{64}\Z|SHA-256 of each |not pinned; \w", notes["digest"]), one["name"]
        assert not any("{" in value for value in [one["version"], *notes.values()]), one["name"]


@pytest.mark.parametrize(
    ("entry", "variables"),
    [
        pytest.param(
            {"kind": "image", "source": "{x/y}"}, {"x": {"y": f"quay.io/a/b:1@sha256:{'ab' * 32}"}}, id="image"
        ),
        pytest.param(
            {"kind": "file", "source": "https://example.com/{v}", "version": "{v}", "sha256": "{table}"},
            {"v": "1", "table": {"1": {"arm64": "ab" * 32}}},
            id="table",
        ),
        pytest.param(
            {"kind": "file", "source": "https://example.com/1", "version": "1", "sha256": "{sum}"},
            {"sum": f"sha256:{'ab' * 32}"},
            id="one file",
        ),
    ],
)
def test_a_pinned_download_has_its_hash(entry: dict[str, Any], variables: dict[str, Any]) -> None:
    more = {"name": "x", "licence": "MIT", "used": ["nodes"], "digest": "not pinned; yet"}

    found = sbom.component(sbom.listed(entry | more, variables))

    assert (found["version"], found["hashes"]) == ("1", [{"alg": "SHA-256", "content": "ab" * 32}])
