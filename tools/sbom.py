#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what the collection downloads: docs/sbom.cdx.json (CycloneDX 1.6) and the table docs/downloads.md.

    python -m tools.sbom

Versions come from where they are used: the roles' defaults, the locks of Python packages, galaxy.yml.
tools/downloads.yml adds what cannot be read there. The licence of a Python package is read from the installed one
once, and kept in the SBOM until its version changes, so that the result does not depend on the computer.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
SBOM, TABLE = ROOT / "docs" / "sbom.cdx.json", ROOT / "docs" / "downloads.md"
# Where the packages of a lock are installed.
LOCKS = {
    "requirements/bootstrap.txt": "controller",
    "requirements/demo.txt": "controller",
    # A part of those of the tests.
    "requirements/docs.txt": "tests",
    "requirements/test.txt": "tests",
    "roles/bastion/files/requirements.txt": "bastion",
}
UNKNOWN = "unknown"
TITLE = """# Downloads

Everything that the collection downloads. `python -m tools.sbom` writes this table, and the same as CycloneDX in
[sbom.cdx.json](sbom.cdx.json). What Talos and CozyStack download by themselves (etcd, CoreDNS, CozyStack's packages) is
named by their own releases and not listed. A licence is that of the program named, not of everything in an image. What
an example in `examples/` fetches instead is named with the example.

## Pin what is not pinned

A digest is in this repository only where it was found in at least two public repositories that do not depend on each
other and pin the same version with it. It is the digest of the image's index. Compare it before you trust it:
`docker buildx imagetools inspect NAME:TAG` or `crane digest NAME:TAG` shows what the registry has.

* An image: its publisher may move the tag, and no two sources agree on a digest. `crane digest NAME:TAG` prints it, and
  after the first run it is in `images.json` and `bastion_images.json` in `cluster_directory`. Write `NAME@sha256:…` in
  `cluster_images`, `bastion_host_images` or `cozystack_smoke_images`.
* boot-to-talos: only its release names its checksum, and after the first run it is in `boot_to_talos.json` in
  `cluster_directory`. `curl -L` prints it from
  `https://github.com/cozystack/boot-to-talos/releases/download/vVERSION/boot-to-talos-checksums.txt`. Write it in
  `cluster_boot_to_talos_sha256` as `{VERSION: {arm64: …}}`.
* iPXE of another origin: `curl -L URL | sha256sum` prints the checksum, which goes into `sha256` in
  `bastion_host_netboot_ipxe`. boot.ipxe.org replaces its builds without notice, so serve a copy of such a file.
* A disk image of your own and the manifests of CozyStack: `curl -L URL | sha256sum`, for `nodes_image_sha256`, and with
  `sha256:` in front for `cozystack_manifest_checksum` and `cozystack_crds_manifest_checksum`.

## How a download without a digest is verified

"No known digest" means that no two public repositories that do not depend on each other pin this version with a digest,
so that a value here would be a guess. Without one, the first answer is trusted, and what happens then differs:

* Images of Talos and of the bastion: a tag is resolved once, to the digest of the manifest for the architecture, which
  is recorded in `cluster_directory`. Everything later is fetched by that digest, so each node, also a later one, runs
  the same image, and a tag that is moved changes nothing.
* Images of Kubernetes and of the smoke tests: containerd compares each manifest and layer with the digest that the
  registry, or the bastion's cache, answers for the tag. The tag is trusted at each pull. To pin these images, name
  `NAME:TAG@sha256:…` in `talos_patches`, for `machine.kubelet.image` and for `image` of `apiServer`,
  `controllerManager`, `scheduler` and `proxy` in `cluster`, and in `cozystack_smoke_images`. The tag has to stay,
  because Talos reads the version from it.
* boot-to-talos: the checksum file of its release is read before the first machine of a cluster needs the archive, and
  its SHA-256 is recorded in `boot_to_talos.json` in `cluster_directory`. Bastion and nodes refuse every other archive
  of that version. Before a later machine is made, the file is read again, and one that differs from the record is
  refused with `ARCHIVE_REPLACED`. The record stays after a removal of the cluster. A value in
  `cluster_boot_to_talos_sha256` is used instead of it.
* iPXE: the default is a package of Debian, whose checksum is in Debian's signed index. It is fetched from Debian's
  archive of all versions, which keeps it. A build without `sha256` is protected by TLS alone.
* A disk image by URL for the module `boot_to_talos` without `image_sha256`: TLS protects an `https` download, nothing
  protects an `http` one. The playbooks refuse such an image without its `nodes_image_sha256`.
* Manifests of CozyStack and of the Spin operator: TLS, and a checksum where one is given. Flux resolves the tag of the
  Spin operator's chart.
* Amazon Linux and packages of a distribution: the AMI is one of Amazon's account, and the packages are signed.

A value that is not 64 hexadecimal digits is refused before anything is made, and a download with another checksum is
not used. A tag is resolved once per cluster, and its digest is kept in `cluster_directory`.
"""


class Download(NamedTuple):
    """One thing that is downloaded."""

    kind: str
    name: str
    version: str
    source: str
    licence: str
    digest: str
    used: tuple[str, ...]
    sha256: str = ""


def load(path: str) -> Any:
    """Return the content of a YAML file with one document."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def defaults() -> dict[str, Any]:
    """Return the defaults of all roles as they are written, and under "examples" the variables of each example."""
    paths = sorted(ROOT.glob("roles/*/defaults/main.yml"))
    found = {name: value for path in paths for name, value in (yaml.safe_load(path.read_text()) or {}).items()}
    examples = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(ROOT.glob("examples/*.yml"))}
    return {**found, "examples": examples}


def value_of(path: str, variables: Mapping[str, Any]) -> Any:
    """Return the value of a variable, or with name/key/key one inside it; of a choice, its default."""
    found: Any = variables
    for key in path.split("/"):
        found = found[key]
    choice = re.fullmatch(r"\{\{ \w+ \| default\('([^']+)'\) \}\}", str(found))
    return choice[1] if choice else found


def filled(text: str, variables: Mapping[str, Any]) -> str:
    """Return a text with its variables in place."""
    return re.sub(r"\{([\w/.-]+)\}", lambda match: str(value_of(match[1], variables)), text)


def sha256_in(value: Any, version: str) -> str:
    """Return the SHA-256 in a variable: a single one, or from a table of versions and architectures."""
    text = value.get(version, {}).get("arm64", "") if isinstance(value, Mapping) else str(value)
    return text.rpartition("sha256:")[2]


def listed(entry: Mapping[str, Any], variables: Mapping[str, Any]) -> Download:
    """Return the download that an entry of downloads.yml describes."""
    source = filled(entry["source"], variables)
    version, sha256 = filled(entry.get("version", ""), variables), ""
    if entry["kind"] == "image":
        name, _at, sha256 = source.partition("@sha256:")
        version = name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else f"sha256:{sha256}"
    elif "sha256" in entry:
        sha256 = sha256_in(value_of(entry["sha256"].strip("{}"), variables), version)
    digest = f"sha256:{sha256}" if sha256 else entry["digest"]
    return Download(
        entry["kind"], entry["name"], version, source, entry["licence"], digest, tuple(entry["used"]), sha256
    )


def python_packages(known: Mapping[str, str]) -> Iterator[Download]:
    """Yield the packages of all locks; known has licences by name and version."""
    locks: dict[tuple[str, str], list[str]] = {}
    for lock in LOCKS:
        lines = re.findall(r"^([a-z0-9._-]+)(?:\[\S+\])?==(\S+)", (ROOT / lock).read_text(), flags=re.MULTILINE)
        for package in lines:
            locks.setdefault(package, []).append(lock)
    for (name, version), found in sorted(locks.items()):
        licence = known.get(f"{name}@{version}") or licence_of(name, version)
        used = tuple(sorted({LOCKS[lock] for lock in found}))
        source = f"https://pypi.org/project/{name}/{version}/"
        yield Download("python", name, version, source, licence, f"SHA-256 of each file in {found[-1]}", used)


def licence_of(name: str, version: str) -> str:
    """Return the licence that an installed package names."""
    try:
        about = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN
    fields = {key: about.get_all(key) or [""] for key in ("Version", "License-Expression", "Classifier", "License")}
    if fields["Version"] != [version]:
        return UNKNOWN
    classes = [one.rpartition(" :: ")[2] for one in fields["Classifier"] if one.startswith("License ::")]
    line = fields["License"][0].strip().partition("\n")[0][:60]
    return fields["License-Expression"][0] or " and ".join(classes) or line or UNKNOWN


def collections() -> Iterator[Download]:
    """Yield the collections that galaxy.yml depends on."""
    licences = load("tools/downloads.yml")["collections"]
    for name, version in load("galaxy.yml")["dependencies"].items():
        source = f"https://galaxy.ansible.com/ui/repo/published/{name.replace('.', '/')}/"
        digest = "not pinned; make takes it from the Python package ansible of the lock"
        yield Download("collection", name, version, source, licences[name], digest, ("controller",))


def downloads(known: Mapping[str, str]) -> list[Download]:
    """Return everything that is downloaded."""
    about, variables = load("tools/downloads.yml"), defaults()
    found = [listed(entry, variables) for entry in about["downloads"]]
    return [*found, *collections(), *python_packages({**known, **about["licences"]})]


def component(item: Download) -> dict[str, Any]:
    """Return a download as CycloneDX has it."""
    types = {"image": "container", "file": "file", "machine image": "operating-system"}
    notes = {"kind": item.kind, "digest": item.digest, "used": ", ".join(item.used), "source": item.source}
    found: dict[str, Any] = {
        "type": types.get(item.kind, "library"),
        "bom-ref": f"{item.kind}:{item.name}@{item.version}",
        "name": item.name,
        "version": item.version,
        "licenses": [{"license": {"name": item.licence}}],
        "properties": [{"name": f"urmanac.talos:{name}", "value": value} for name, value in notes.items()],
    }
    if item.kind == "python":
        found["purl"] = f"pkg:pypi/{item.name}@{item.version}"
    if item.sha256:
        found["hashes"] = [{"alg": "SHA-256", "content": item.sha256}]
    if "://" in item.source:
        found["externalReferences"] = [{"type": "distribution", "url": item.source}]
    return found


def sbom(items: list[Download]) -> str:
    """Return the SBOM; without a time, so that the same downloads give the same file."""
    about = load("galaxy.yml")
    own = {"type": "application", "name": f"{about['namespace']}.{about['name']}", "version": about["version"]}
    bom = {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6"}
    whole = bom | {"version": 1, "metadata": {"component": own}, "components": [component(item) for item in items]}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def table(items: list[Download]) -> str:
    """Return the page: a table of downloads for clusters and tests, and one of Python packages."""
    text = TITLE
    for title, is_python in (("Clusters and tests", False), ("Python packages", True)):
        text += f"\n## {title}\n\n| name | version | digest | source | licence | used by |\n|---|---|---|---|---|---|\n"
        for item in (one for one in items if (one.kind == "python") == is_python):
            cells = (item.name, item.version, item.digest, item.source, item.licence, ", ".join(item.used))
            text += f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
    return text


def licences_in(text: str) -> dict[str, str]:
    """Return the licences of an SBOM's Python packages that are known, by name and version."""
    found = {f"{one['name']}@{one['version']}": one for one in json.loads(text)["components"] if "purl" in one}
    licences = {name: str(one["licenses"][0]["license"]["name"]) for name, one in found.items()}
    return {name: licence for name, licence in licences.items() if licence != UNKNOWN}


def main() -> None:
    """Write both files."""
    items = downloads(licences_in(SBOM.read_text(encoding="utf-8")) if SBOM.exists() else {})
    SBOM.write_text(sbom(items), encoding="utf-8")
    TABLE.write_text(table(items), encoding="utf-8")


if __name__ == "__main__":
    main()
