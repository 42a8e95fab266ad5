"""Build the collection, install it as a user would, and use what was installed."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.checks.files import galaxy
from tests.checks.process import CACHE, ROOT, TOOLS, Outcome, capture, failed, passed, run, run_all

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("inventory", "lookup", "module", "role")


def build() -> Outcome:
    """Build and install the tarball, show the documentation of all it holds, check the playbooks' syntax."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="build-") as folder:
        made = build_and_install(Path(folder))
        return made if made.status == "FAILED" else check_installed(Path(folder))


def galaxy_name() -> str:
    """Return the collection's full name."""
    meta = galaxy()
    return f"{meta['namespace']}.{meta['name']}"


def build_and_install(folder: Path) -> Outcome:
    """Leave the tarball and the installed collection in the folder."""
    (folder / "ansible.cfg").touch()
    tool = TOOLS / "ansible-galaxy"
    built = run(tool, "collection", "build", ROOT, "--output-path", folder, extra=alone(folder))
    tarballs = sorted(folder.glob("*.tar.gz"))
    if built.status == "FAILED" or not tarballs:
        return failed(built.output, note="no tarball")
    options = ("--offline", "--no-deps", "--collections-path", str(folder))
    return run(tool, "collection", "install", tarballs[0], *options, cwd=folder, extra=alone(folder))


def alone(folder: Path) -> dict[str, str]:
    """Return variables with which Ansible sees only the installed collection, never this checkout."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "HOME": str(folder),
    }


def check_installed(folder: Path) -> Outcome:
    """Show the documentation of every plugin, then check the syntax of every playbook."""
    found = {kind: names_of(kind, folder) for kind in KINDS}
    missing = modules_in_checkout() - set(found["module"])
    if missing:
        return failed("", note=f"ansible-doc does not show {', '.join(sorted(missing))}")
    shown: list[Sequence[str | Path]] = [
        [TOOLS / "ansible-doc", "--json", "--type", kind, *names] for kind, names in found.items() if names
    ]
    checked: list[str | Path] = [TOOLS / "ansible-playbook", "-i", "localhost,", "--syntax-check", *playbooks()]
    outcome = run_all(*shown, checked, cwd=folder, extra=alone(folder))
    count = sum(map(len, found.values()))
    note = f"{count} plugins and roles documented, {len(playbooks())} playbooks"
    return passed(note) if outcome.status == "passed" else outcome


def names_of(kind: str, folder: Path) -> list[str]:
    """Return the full names of the installed collection's plugins of that kind."""
    command = (TOOLS / "ansible-doc", "--json", "--list", "--type", kind, galaxy_name())
    code, output = capture(command, cwd=folder, extra=alone(folder))
    start = output.find("{")
    return sorted(json.loads(output[start:])) if code == 0 and start >= 0 else []


def modules_in_checkout() -> set[str]:
    """Return the full names of the modules that the checkout holds."""
    return {f"{galaxy_name()}.{path.stem}" for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py")}


def playbooks() -> list[str]:
    """Return the names by which ansible-playbook finds the collection's playbooks."""
    return sorted(f"{galaxy_name()}.{path.stem}" for path in (ROOT / "playbooks").glob("*.yml"))


def clean() -> None:
    """Remove what an interrupted run left behind."""
    for folder in CACHE.glob("build-*"):
        shutil.rmtree(folder, ignore_errors=True)
