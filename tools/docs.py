#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site in .cache/docs/html and check its links.

    python -m tools.docs

Pages of the repository are read as they are, in a copy of the files that an installed collection has, so that their
links lead to the same places. antsibull-docs writes the pages of modules, plugins and roles, the page of the playbooks
is made of their first comments, and the first page and the menu of docs/README.md. Nothing is fetched: links to the
documentation of Ansible come from a list here, and .cache/docs/external_links.txt lists all external links.
"""

from __future__ import annotations

import html
import posixpath
import re
import shutil
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple
from urllib.parse import unquote

from tests.checks.build import galaxy_name
from tests.checks.files import collection_files, mirror
from tests.checks.process import CACHE, ROOT, TOOLS, capture

DOCS = CACHE / "docs"
SOURCE = DOCS / "ansible_collections" / "urmanac" / "talos"
SITE = DOCS / "html"
MAP = "docs/README.md"
# Pages that are made here, which the map cannot link to.
MADE = {"playbooks": "Playbooks", "reference/index": "Modules, plugins and roles"}
# Labels to which antsibull-docs links, with their places below the documentation of Ansible.
LABELS = {
    "action_plugins": "plugins/action.html#action-plugins",
    "ansible_configuration_settings": "reference_appendices/config.html#ansible-configuration-settings",
    "common_return_values": "reference_appendices/common_return_values.html#common-return-values",
}
INVENTORY = """# Sphinx inventory version 2
# Project: Ansible
# Version: of no meaning here
# The remainder of this file is compressed using zlib.
"""
PLAYBOOKS = """# Playbooks

From a checkout they are `playbooks/NAME.yml`, from an installed collection `urmanac.talos.NAME`. Their variables are
those of the roles, and the inputs that the text names.
"""


class Links(NamedTuple):
    """The links of a site: those that lead nowhere, each with its page, and the external ones."""

    broken: list[str]
    external: set[str]


def pages() -> list[str]:
    """Return the pages of the repository that the site has, besides the map."""
    return [name for name in collection_files() if name.endswith(".md") and name != MAP]


def linked(text: str) -> list[str]:
    """Return the pages to which the map links, by their paths in the repository."""
    found = re.findall(r"\]\(([^)#:]+\.md)\)", text)
    return [posixpath.normpath(posixpath.join("docs", link)) for link in found]


def first_page(text: str) -> str:
    """Return the map as the first page, with a menu that has a part for each of its sections."""
    there = re.sub(r"(?<=\]\()[^)#:]+", lambda link: posixpath.normpath(posixpath.join("docs", link[0])), text)
    made = "".join(f"* [{title}]({name}.{'rst' if '/' in name else 'md'})\n" for name, title in MADE.items())
    sections = re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", text, flags=re.MULTILINE)
    menus = [menu(title, [name.removesuffix(".md") for name in linked(body)]) for title, body in sections]
    return "\n".join([there.rstrip(), "", "## Reference", "", made, *menus, menu("Reference", list(MADE))])


def to_first_page(name: str, text: str) -> str:
    """Return a page with its links to the map leading to the first page, which is made of it."""
    there, here = (posixpath.relpath(target, posixpath.dirname(name) or ".") for target in ("index.md", MAP))
    return text.replace(f"]({here})", f"]({there})")


def menu(title: str, names: list[str]) -> str:
    """Return a part of the menu."""
    return "\n".join(["```{toctree}", ":hidden:", ":maxdepth: 1", f":caption: {title}", "", *names, "```", ""])


def playbooks(folder: Path) -> str:
    """Return the page of all playbooks."""
    return "\n".join([PLAYBOOKS, *(playbook(path) for path in sorted(folder.glob("*.yml")))])


def playbook(path: Path) -> str:
    """Return what is said of a playbook: its first comment and its plays."""
    text = path.read_text(encoding="utf-8")
    lines = re.match(r"---\n((?:#.*\n)*)", text)
    about = [line.removeprefix("#").removeprefix(" ") for line in lines[1].splitlines()] if lines else []
    # Indented lines are commands.
    commands = re.compile(r"((?:^ {2,}.+\n?)+)", flags=re.MULTILINE)
    blocks = commands.sub(lambda found: f"\n```console\n{dedent(found[1])}```\n", "\n".join([*about, ""]))
    plays = [f"* {name}" for name in re.findall(r"^- name: (.+)$", text, flags=re.MULTILINE)]
    return "\n".join([f"## {path.stem}\n", blocks, "", *plays, "", f"[The playbook](playbooks/{path.name})\n"])


def inventory(references: str) -> bytes:
    """Return the labels of Ansible's documentation to which pages link, in the format of Sphinx' inventories."""
    labels = dict(LABELS)
    for namespace, name, plugin in set(re.findall(r"<ansible_collections\.(\w+)\.(\w+)\.(\w+)>", references)):
        if f"{namespace}.{name}" != galaxy_name():
            labels[f"ansible_collections.{namespace}.{name}.{plugin}"] = f"collections/{namespace}/{name}/{plugin}.html"
    lines = "".join(f"{label} std:label -1 {place} -\n" for label, place in sorted(labels.items()))
    return INVENTORY.encode() + zlib.compress(lines.encode())


def check_links(site: Path) -> Links:
    """Return the links of a site."""
    texts = {page.relative_to(site).as_posix(): page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    anchors = {
        page: {html.unescape(name) for name in re.findall(r'\bid="([^"]+)"', text)} for page, text in texts.items()
    }
    found = {
        (page, html.unescape(link))
        for page, text in texts.items()
        for link in re.findall(r'<a [^>]*\bhref="([^"]*)"', text)
    }
    external = {link for _page, link in found if re.match(r"[a-z]+:", link)}
    broken = [
        f"{page}: {link}"
        for page, link in sorted(found)
        if link not in external and not leads(site, anchors, page, link)
    ]
    return Links(broken, external)


def leads(site: Path, anchors: Mapping[str, set[str]], page: str, link: str) -> bool:
    """Return whether an internal link leads to a file, and to an anchor if it names one."""
    path, _hash, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path))) if path else page
    return (site / target).is_file() and (not anchor or unquote(anchor) in anchors.get(target, set()))


def unwritten(reference: Path) -> list[str]:
    """Return the modules, plugins and roles that have no page."""
    kinds = {"modules": "module", "filter": "filter", "inventory": "inventory"}
    names = [
        f"{path.stem}_{kind}"
        for folder, kind in kinds.items()
        for path in (ROOT / "plugins" / folder).glob("[a-z]*.py")
    ]
    names += [f"{path.name}_role" for path in (ROOT / "roles").iterdir() if (path / "meta").is_dir()]
    return sorted(name for name in names if not (reference / f"{name}.html").is_file())


def prepare() -> None:
    """Fill the folder that Sphinx reads, but for the pages of modules, plugins and roles."""
    shutil.rmtree(SITE, ignore_errors=True)
    mirror(collection_files(), SOURCE)
    for name in pages():
        text = (ROOT / name).read_text(encoding="utf-8")
        (SOURCE / name).write_text(to_first_page(name, text), encoding="utf-8")
    (SOURCE / "index.md").write_text(first_page((ROOT / MAP).read_text(encoding="utf-8")), encoding="utf-8")
    (SOURCE / "playbooks.md").write_text(playbooks(ROOT / "playbooks"), encoding="utf-8")
    # antsibull-docs writes only where no other user may.
    (SOURCE / "reference").mkdir(mode=0o700)


def steps() -> Iterator[list[str | Path]]:
    """Yield the commands that build the site; between them the labels of Ansible's documentation are collected."""
    yield [
        TOOLS / "antsibull-docs", "collection", "--use-current", "--no-breadcrumbs", "--squash-hierarchy",
        "--fail-on-error",
        "--no-add-antsibull-docs-version", "--dest-dir", SOURCE / "reference", galaxy_name(),
    ]  # fmt: skip
    texts = [path.read_text(encoding="utf-8") for path in (SOURCE / "reference").glob("*.rst")]
    (SOURCE / "ansible.inv").write_bytes(inventory("\n".join(texts)))
    yield [
        TOOLS / "sphinx-build", "-q", "-W", "--keep-going", "-E", "-b", "html", "-c", ROOT / ".config" / "sphinx",
        "-d", DOCS / "doctrees", SOURCE, SITE,
    ]  # fmt: skip


def main() -> int:
    """Build the site, check its links, and return the exit code."""
    if not collection_files():
        print("The site is built from the files that git knows, and this is not a git checkout.", file=sys.stderr)
        return 1
    prepare()
    for command in steps():
        code, output = capture(command, extra={"ANSIBLE_COLLECTIONS_PATH": str(DOCS)})
        if code != 0:
            print(output, file=sys.stderr)
            return 1
    links, missing = check_links(SITE), unwritten(SITE / "reference")
    (DOCS / "external_links.txt").write_text("".join(f"{link}\n" for link in sorted(links.external)), encoding="utf-8")
    problems = [*(f"broken link: {one}" for one in links.broken), *(f"no page: {one}" for one in missing)]
    print(*problems, f"{SITE / 'index.html'} ({len(links.external)} external links, not fetched)", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
