"""Which files belong to the project, and which of them to the collection."""

from __future__ import annotations

import fnmatch
import re
import shutil
from typing import TYPE_CHECKING, Any

import yaml

from tests.checks.process import ROOT, capture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def project_files() -> list[str]:
    """Return the paths that git tracks or would track, none when this is not a git checkout."""
    code, output = capture(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    names = sorted(set(output.split("\0")) - {""}) if code == 0 else []
    return [name for name in names if (ROOT / name).exists()]


def galaxy() -> dict[str, Any]:
    """Return the content of galaxy.yml."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    return loaded


def mappings(found: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in the content of a YAML file, such as plays, tasks and their options."""
    if isinstance(found, dict):
        yield found
        found = list(found.values())
    for item in found if isinstance(found, list) else ():
        yield from mappings(item)


def is_ignored(name: str, patterns: list[str]) -> bool:
    """Return whether build_ignore keeps the path, or a folder above it, out of the collection."""
    parts = name.split("/")
    parents = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatch(parent, pattern) for parent in parents for pattern in patterns)


def collection_files() -> list[str]:
    """Return the project's files that galaxy.yml lets into the collection."""
    patterns = galaxy()["build_ignore"]
    return [name for name in project_files() if not is_ignored(name, patterns)]


def shell_scripts() -> list[str]:
    """Return the project's files that say in their first line that a shell runs them."""
    return [name for name in project_files() if is_shell_script(ROOT / name)]


def is_shell_script(path: Path) -> bool:
    """Return whether the file begins with the line of a POSIX shell or bash."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        line = file.readline(80).split()
    return bool(line) and line[0].startswith(b"#!") and line[-1].endswith((b"/sh", b"/bash", b"bash"))


def rendered(name: str, folder: Path) -> Path:
    """Return the script itself, or for a template a copy in which a word replaces each Jinja expression."""
    path = ROOT / name
    if path.suffix != ".j2":
        return path
    text = re.sub(r"{#.*?#}|{%.*?%}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    copy = folder / name.removesuffix(".j2")
    copy.parent.mkdir(parents=True, exist_ok=True)
    # Side by side stand a text of several lines and what comes after it, such as the end of a here document.
    text = re.sub(r"}}{{", "}}\n{{", text)
    copy.write_text(re.sub(r"{{.*?}}", "value", text, flags=re.DOTALL), encoding="utf-8")
    return copy


def mirror(names: list[str], target: Path) -> None:
    """Make the folder hold exactly these files of the project."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = {target / name for name in names}
    for path in sorted(target.rglob("*"), reverse=True):
        if ".git" in path.relative_to(target).parts or path in wanted:
            continue
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif not any(path.iterdir()):
            path.rmdir()
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
