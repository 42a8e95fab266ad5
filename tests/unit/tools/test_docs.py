# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation names what exists: pages, links, anchors, and in its commands playbooks, files and variables.

The stage `site` of `make test` builds the site as well.
"""

from __future__ import annotations

import re
import shlex
import zlib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import read_options
from tests.checks.files import collection_files
from tests.checks.process import ROOT
from tools import docs

# Not written by hand, and of inputs that are wrong.
WITHOUT_COMMANDS = {"CHANGELOG.md", "docs/wrong_inputs.md"}
PAGES = [name for name in (*docs.pages(), docs.MAP) if name not in WITHOUT_COMMANDS]
EXAMPLES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*.yml"))
# Words of a shell after which another command begins.
ENDS = {"|", "&&", ";"}
NAME = re.compile(r"urmanac\.talos\.(\w+)|(?:\S+/)?playbooks/(\w+)\.yml|(\w+)\.yml")


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every command of ansible-playbook in a text, without comments behind it."""
    for line in re.findall(r"(?m)(?:^[ #]*(?:\$ )?|`)(ansible-playbook [^`\n]*)", text):
        words = shlex.split(line.replace("…", "x"), comments=True)
        ends = [at for at, word in enumerate(words) if word in ENDS]
        yield words[: ends[0]] if ends else words


def playbooks(words: list[str]) -> list[str]:
    """Return the playbooks that a command runs: its words that are neither options nor values of one."""
    values = {"-e", "-i", "--tags", "--skip-tags", "--limit", "--private-key"}
    plain = [word for before, word in pairwise(words) if before not in values and not word.startswith("-")]
    return [word for word in plain if NAME.fullmatch(word)]


def variables(words: list[str]) -> set[str]:
    """Return the variables that a command sets on its command line."""
    given = [value for option, value in pairwise(words) if option in ("-e", "--extra-vars") and value[:1] != "@"]
    return {name for value in given for name in (yaml.safe_load(value) if value[:1] == "{" else [value.split("=")[0]])}


@cache
def inputs() -> frozenset[str]:
    """Return the variables of roles, and the inputs of playbooks that no role has, from the tasks that check them."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").glob("*.yml")]
    lists = [names for text in texts for names in re.findall(r"__check_names: \[(.+)\]", text)]
    return frozenset(name.strip() for names in lists for name in names.split(",")) | {*read_options()}


def wrong(words: list[str]) -> list[str]:
    """Return what a command names that does not exist."""
    named = [next(filter(None, found.groups())) for word in playbooks(words) if (found := NAME.fullmatch(word))]
    missing = [name for name in named if not (ROOT / "playbooks" / f"{name}.yml").is_file()]
    files = [word[1:] for word in words if word.startswith(("@examples/", "@lab/"))]
    unknown = sorted(variables(words) - inputs())
    return [
        *(["no playbook"] if not named else missing),
        *(one for one in files if not (ROOT / one).is_file()),
        *unknown,
    ]


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES])
def test_a_command_in_the_documentation_names_playbooks_files_and_variables_that_exist(page: str) -> None:
    found = {" ".join(words): wrong(words) for words in commands((ROOT / page).read_text(encoding="utf-8"))}

    assert {command: problems for command, problems in found.items() if problems} == {}


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES])
def test_playbooks_and_files_that_a_text_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = {*re.findall(r"(?<![\w/])(playbooks/\w+\.yml)", text), *re.findall(r"@((?:examples|lab)/\w+\.yml)", text)}

    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("guide", [name for name in PAGES if name.startswith("docs/guides/")])
def test_variables_that_a_guide_names_exist(guide: str) -> None:
    prefixes = "|".join(path.name for path in (ROOT / "roles").iterdir())
    named = re.findall(rf"`((?:{prefixes})_[a-z0-9_]+)(?=[`:])", (ROOT / guide).read_text(encoding="utf-8"))

    assert set(named) - inputs() - {path.stem for path in (ROOT / "plugins" / "modules").iterdir()} == set()


def test_the_commands_of_the_pages_are_found() -> None:
    found = {page: list(commands((ROOT / page).read_text(encoding="utf-8"))) for page in PAGES}

    assert len(found["README.md"]) > 8
    assert len([page for page, lines in found.items() if lines]) > 8


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        pytest.param("$ ansible-playbook playbooks/sites.yml -e @../moon.yml", ["sites"], id="a playbook"),
        pytest.param("`ansible-playbook urmanac.talos.sites`", ["sites"], id="a playbook of the installed collection"),
        pytest.param("ansible-playbook playbooks/site.yml -e cluster_nam=moon", ["cluster_nam"], id="a variable"),
        pytest.param("ansible-playbook playbooks/site.yml -e '{\"ipv7\": 1}'", ["ipv7"], id="a variable in JSON"),
        pytest.param("ansible-playbook playbooks/site.yml -e @examples/x.yml", ["examples/x.yml"], id="an example"),
        pytest.param("ansible-playbook -e @../moon.yml     # playbooks/site.yml", ["no playbook"], id="none"),
        pytest.param("#   ansible-playbook playbooks/stop.yml -e stop_snapshot=false # x", [], id="right"),
    ],
)
def test_a_command_that_would_not_work_is_found(line: str, problems: list[str]) -> None:
    assert [wrong(words) for words in commands(line)] == [problems]


def slug(heading: str) -> str:
    """Return the anchor that GitHub and MyST give to a heading."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower()).strip().replace(" ", "-")


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors of a page."""
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text(encoding="utf-8"))
    return frozenset(slug(heading) for heading in re.findall(r"(?m)^#{1,4} (.+)$", text))


@pytest.mark.parametrize("page", [*docs.pages(), docs.MAP])
def test_a_link_with_an_anchor_leads_to_a_heading(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", path.read_text(encoding="utf-8"))

    broken = [
        f"{file}#{anchor}" for file, anchor in links if anchor not in anchors((path.parent / file) if file else path)
    ]

    assert broken == []


def test_every_page_is_on_the_map_once() -> None:
    found = docs.linked((ROOT / docs.MAP).read_text(encoding="utf-8").partition("\n## ")[2])

    assert sorted(found) == sorted(docs.pages())


def test_the_first_page_has_a_menu_for_each_section_and_links_from_its_own_place() -> None:
    guides = "## Guides\n\n* [a](guides/a.md)\n* [b](../README.md): [c](x.json)\n"
    text = f"# Map\n\n{guides}\n## Roles\n\n* [d](../roles/d/README.md)\n"

    page = docs.first_page(text)

    assert "[a](docs/guides/a.md)" in page
    assert "[b](README.md): [c](docs/x.json)" in page
    assert ":caption: Guides\n\ndocs/guides/a\nREADME\n```" in page
    assert ":caption: Roles\n\nroles/d/README\n```" in page
    assert ":caption: Reference\n\nplaybooks\nreference/index\n```" in page


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("README.md", "[x](docs/README.md)", "[x](index.md)", id="from the top"),
        pytest.param("docs/guides/aws.md", "[x](../README.md)", "[x](../../index.md)", id="from a guide"),
        pytest.param("docs/awx.md", "[x](../README.md)", "[x](../README.md)", id="another page of that name"),
    ],
)
def test_a_link_to_the_map_leads_to_the_first_page(name: str, text: str, expected: str) -> None:
    assert docs.to_first_page(name, text) == expected


def test_the_page_of_playbooks_has_all_of_them_with_their_comments() -> None:
    page = docs.playbooks(ROOT / "playbooks")

    names = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    assert set(re.findall(r"(?m)^## (\w+)$", page)) == names
    assert "* Save a snapshot of etcd\n" in page
    assert "\n```console\nansible-playbook playbooks/site.yml -e @moon.yml -e cluster_boot_method=ssh\n" in page
    assert page.count("```") % 2 == 0


def test_links_and_anchors_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "roles").mkdir()
    (tmp_path / "index.html").write_text(
        '<h1 id="top">x</h1><a href="#top">1</a><a class="x" href="roles/a.html#b%20c">2</a>'
        '<a href="roles/x.html">3</a>'
        '<a href="https://example.com/?a=1&amp;b=2">4</a><a href="#away">5</a>',
        encoding="utf-8",
    )
    (tmp_path / "roles" / "a.html").write_text('<p id="b c"></p><a href="../index.html#away">6</a>', encoding="utf-8")

    links = docs.check_links(tmp_path)

    assert links.external == {"https://example.com/?a=1&b=2"}
    assert links.broken == ["index.html: #away", "index.html: roles/x.html", "roles/a.html: ../index.html#away"]


def test_a_module_or_role_without_a_page_is_found(tmp_path: Path) -> None:
    for name in docs.unwritten(tmp_path):
        (tmp_path / f"{name}.html").touch()
    (tmp_path / "talos_info_module.html").unlink()
    (tmp_path / "talos_role.html").unlink()

    assert docs.unwritten(tmp_path) == ["talos_info_module", "talos_role"]


def test_modules_of_other_collections_link_to_the_documentation_of_ansible() -> None:
    text = (
        ":ref:`x <ansible_collections.amazon.aws.ec2_vpc_module>` "
        ":ref:`y <ansible_collections.urmanac.talos.talos_info_module>`"
    )

    found = docs.inventory(text)

    head, _line, packed = found.partition(b"zlib.\n")
    assert head.startswith(b"# Sphinx inventory version 2\n")
    lines = zlib.decompress(packed).decode().splitlines()
    place = "collections/amazon/aws/ec2_vpc_module.html"
    assert f"ansible_collections.amazon.aws.ec2_vpc_module std:label -1 {place} -" in lines
    assert len(lines) == 1 + len(docs.LABELS)


def test_every_page_of_the_collection_is_read() -> None:
    assert {name for name in collection_files() if name.endswith(".md")} == {*docs.pages(), docs.MAP}
