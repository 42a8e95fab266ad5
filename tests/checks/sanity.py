"""Run ansible-test sanity on a copy of the collection.

ansible-test wants a path that ends in ansible_collections/<namespace>/<name>, a git repository, and a script from a
host of its own to put pip into its virtual environments. The copy gives it the first two; a wheel of pip from the
package index takes the place of the script, so that nothing but the index is needed. All of it stays in .cache.
"""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from tests.checks.files import collection_files, mirror, project_files
from tests.checks.process import CACHE, ROOT, TOOLS, Outcome, capture, not_run, passed, run

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SANITY = CACHE / f"sanity-{VERSION}"
HOME = SANITY / "home"
SCRATCH = SANITY / "tmp"
COLLECTIONS = SANITY / "ansible_collections"
COPY = COLLECTIONS / "urmanac" / "talos"
NEIGHBOURS = ("amazon/aws", "ansible/utils")
NO_INDEX = ("NewConnectionError", "Name or service not known", "No matching distribution found", "Download failed")

BOOTSTRAP = '''\
"""Simulates get-pip.py: runs pip from the wheel beside it to install that very wheel."""
import runpy
import sys

wheel = {wheel!r}
skipped = ("--no-setuptools", "--no-wheel")
options = [option for option in sys.argv[1:] if option not in skipped and not option.startswith("pip==")]
sys.path.insert(0, wheel)
sys.argv = ["pip", "install", "--no-index", *options, wheel]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def sanity() -> Outcome:
    """Run all sanity tests for the Python that runs this."""
    if not project_files():
        return not_run("ansible-test needs a git checkout")
    prepare_copy()
    problem = prepare_pip()
    if problem:
        return not_run(problem)
    outcome = run(TOOLS / "ansible-test", "sanity", "--color", "no", "--python", VERSION, cwd=COPY, extra=home())
    return outcome if outcome.status == "passed" else explain(outcome)


def explain(outcome: Outcome) -> Outcome:
    """Return "not run" where the package index could not be reached, else the failure as it is."""
    reached = not any(sign in outcome.output for sign in NO_INDEX)
    return outcome if reached else not_run("ansible-test could not fetch its packages from the package index")


def home() -> dict[str, str]:
    """Return the variables that give ansible-test a home of its own: it caches there, the user's stays untouched.

    It runs scripts from its folder for temporary files, where any file that is called like a module would be imported.
    """
    return {"HOME": str(HOME), "TMPDIR": str(SCRATCH)}


def prepare_copy() -> None:
    """Lay out the collection and its neighbours as ansible-test expects them."""
    lists = [name for name in project_files() if name.startswith(("tests/sanity/", "tests/config."))]
    mirror(collection_files() + lists, COPY)
    SCRATCH.mkdir(exist_ok=True)
    if not (COPY / ".git").exists():
        capture(["git", "init", "--quiet"], cwd=COPY, extra=home())
    capture(["git", "add", "--all"], cwd=COPY, extra=home())
    link_neighbours(NEIGHBOURS)


def link_neighbours(names: Iterable[str]) -> None:
    """Put the collections that ours depends on beside the copy."""
    for name in names:
        link = COLLECTIONS / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(installed("ansible_collections") / name)


def installed(package: str) -> Path:
    """Return the folder of a package among the installed ones, without importing it."""
    return Path(sysconfig.get_path("purelib")) / package


def prepare_pip() -> str | None:
    """Put pip's bootstrap where ansible-test looks for it and return what kept us from it, if anything did."""
    version = pip_version()
    if version is None:
        return "this ansible-test does not say which pip it wants"
    script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    write_pip_settings()
    code, output = (0, "") if wheels(script.parent, version) else download_pip(version, script.parent)
    if code != 0:
        return f"pip {version} could not be fetched from the package index: {output.strip().splitlines()[-1]}"
    script.write_text(BOOTSTRAP.format(wheel=str(wheels(script.parent, version)[0])), encoding="utf-8")
    return None


def wheels(folder: Path, version: str) -> list[Path]:
    """Return the wheels of this version of pip in the folder."""
    return sorted(folder.glob(f"pip-{version}-*.whl"))


def download_pip(version: str, folder: Path) -> tuple[int, str]:
    """Fetch the wheel of pip through pip, which knows the user's package index."""
    return capture(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={folder}", f"pip=={version}"]
    )


def pip_version() -> str | None:
    """Return the version of pip that this ansible-test puts into its virtual environments."""
    source = installed("ansible_test") / "_internal" / "python_requirements.py"
    found = re.search(r"pip='([0-9.]+)'", source.read_text(encoding="utf-8"))
    return found[1] if found else None


def write_pip_settings() -> None:
    """Hand pip's settings on as a file, because ansible-test clears the environment that may hold them."""
    _code, output = capture([sys.executable, "-m", "pip", "config", "list"])
    pairs = [line.split("=", 1) for line in output.splitlines() if "=" in line]
    settings = {name.rsplit(".", 1)[-1]: str(ast.literal_eval(value)) for name, value in pairs}
    lines = [f"{name} = {value}" for name, value in sorted(settings.items()) if name != "config-file"]
    path = HOME / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")


def docs() -> Outcome:
    """Lint the documentation of every plugin and role."""
    if not project_files():
        return not_run("antsibull-docs is given a copy of the files that git knows")
    command = (
        "lint-collection-docs",
        "--plugin-docs",
        "--skip-rstcheck",
        "--validate-collection-refs",
        "self",
        str(ROOT),
    )
    # It asks git which files a collection has; to git, those that came with Ansible are ignored files of this checkout.
    ceiling = {"GIT_CEILING_DIRECTORIES": sysconfig.get_path("purelib")}
    outcome = run(TOOLS / "antsibull-docs", *command, extra=ceiling)
    return passed() if outcome.status == "passed" else outcome
