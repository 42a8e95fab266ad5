#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the table of fields that each minor version of Talos knows.

Run it with `python -m tools.talos_fields`. The judges of tests/peers print the types of their own structures; Go has to
be installed to build them.
"""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from collections.abc import Iterable
from pathlib import Path

from tests.peers import judges

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "plugins" / "module_utils" / "_talos" / "config" / "fields.py"
HEAD = '''# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields that each version of Talos knows. Private to urmanac.talos: may change at any time.

Written by tools/talos_fields.py; do not edit. One line per structure: `field:type`, with `+12` for "since v1.12" and
`-12` for "up to v1.12". A type is a kind of scalar, a structure, `[T]` a list, `{T}` a mapping, `any` free-form data,
or `own/T`, a text that T reads by rules of its own. KINDS names the structure of each kind of document.
"""

from __future__ import annotations

'''

Types = dict[str, dict[str, str]]


def kinds_of(schema: Path) -> list[str]:
    """Return the kinds of documents that a JSON schema of Talos names, and three that it misspells or lacks."""
    definitions = json.loads(schema.read_text(encoding="utf-8"))["$defs"].values()
    found = (definition.get("properties", {}).get("kind", {}).get("enum", [""])[0] for definition in definitions)
    return sorted({*found, "ImageVerificationConfig", "KubeSpanEndpointsConfig", "UnattendedInstallConfig"} - {""})


def types_of(judge: Path, kinds: Iterable[str]) -> Types:
    """Return what a judge reports its structures."""
    reported = subprocess.run([judge, "types", *kinds], capture_output=True, text=True, check=True)
    return dict(json.loads(reported.stdout))


def table(versions: dict[int, Types]) -> str:
    """Return the module's text for the types of each minor version."""
    names = sorted({name for types in versions.values() for name in types})
    structures = [line(name, versions) for name in names if not name.startswith("kind ")]
    kinds = {
        minor: {"kinds": {name.removeprefix("kind "): of[""] for name, of in types.items() if name.startswith("kind ")}}
        for minor, types in versions.items()
    }
    known = line("kinds", kinds).removeprefix("kinds ")
    return f'{HEAD}KINDS = """\n{wrapped(known)}\n"""\n\nSTRUCTURES = """\n' + "\n".join(structures) + '\n"""\n'


def line(name: str, versions: dict[int, Types]) -> str:
    """Return the line of a structure; a field whose type changed stands in it once per type."""
    spans: dict[tuple[str, str], list[int]] = {}
    for minor, types in versions.items():
        for field, kind in types.get(name, {}).items():
            spans.setdefault((field, short(kind)), []).append(minor)
    minors = sorted(versions)
    fields = [f"{field}:{kind}{span(found, minors)}" for (field, kind), found in sorted(spans.items())]
    return wrapped(" ".join([short(name), *fields]))


def span(found: list[int], minors: list[int]) -> str:
    """Return since when and up to when something was there."""
    since = "" if min(found) == minors[0] else f"+{min(found)}"
    return since + ("" if max(found) == minors[-1] else f"-{max(found)}")


def short(kind: str) -> str:
    """Return a type's name without package and without the version that all documents have."""
    named = re.sub(r"own [a-z0-9]+\.", "own/", kind).replace("V1Alpha1", "")
    return re.sub(r"\bv1alpha1\.", "", named)


def wrapped(text: str) -> str:
    """Return a line broken where it is too long; the further ones begin with a space."""
    return "\n".join(textwrap.wrap(text, 118, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False))


def current() -> str:
    """Return the module's text from the current judges."""
    versions = {}
    for version in (judges.OLDEST, *judges.VERSIONS):
        judge = judges.find_judge(version)
        versions[version.minor] = types_of(
            judge, kinds_of(judges.sources(version) / "config/schemas/config.schema.json")
        )
    return table(versions)


if __name__ == "__main__":
    TARGET.write_text(current(), encoding="utf-8")
