"""Rules of the repository that concern several files."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.files import collection_files, galaxy, is_ignored, mappings, project_files
from tests.checks.process import ROOT, TOOLS, capture
from tests.checks.pythons import CHAPTERS, SAME_EVERYWHERE, STORY
from tests.host import real_matchbox

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "defaults").is_dir())
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))
FILTERS = sorted(path.stem for path in (ROOT / "plugins" / "filter").glob("[a-z]*.py"))
PLAYBOOKS = sorted(path.name for path in (ROOT / "playbooks").glob("*.yml"))
BASTION_LOCK = ROOT / "roles" / "bastion" / "files" / "requirements.txt"
LOCKS = {path.stem: path for path in sorted((ROOT / "requirements").glob("*.txt"))} | {"bastion": BASTION_LOCK}
GROUP_OF_PREFIX = {"cozystack": "cozystack", "ec2": "aws", "talos": "talos"}
# These modules call no API, so the defaults of a group are not options of theirs.
OF_NO_GROUP = (
    "cozystack_images_info",
    "cozystack_forecast",
)
# Put together here, so that this file does not hold what it looks for.
SECRETS = {
    "an AWS access key id": re.compile(r"\bA(?:K|S)IA[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[0-9A-Za-z]{30,}"),
    "a Tailscale key": re.compile(r"\btskey-[a-z]+-\w"),
    "a Slack token": re.compile(r"\bxox[abeoprs]-\w"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY"),
    "a package index": re.compile(r"--(?:extra-)?index" + r"-url|--find" + r"-links|files\.python" + r"hosted\.org"),
}
AWS_MODULE = re.compile(r"^ *(?:- )?((?:amazon|community)\.aws\.\w+):", re.MULTILINE)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")


def load(path: Path) -> Any:
    """Return the content of a YAML file of one document."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def texts() -> Iterator[tuple[str, str]]:
    """Return the name and content of every text file of the project."""
    for name in project_files():
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and b"\0" not in (content := path.read_bytes()):
            yield name, content.decode(errors="replace")


@cache
def specifications(role: str) -> dict[str, Any]:
    """Return the argument specifications of a role's entry points."""
    specs: dict[str, Any] = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]
    return specs


def options_of(role: str) -> dict[str, Any]:
    """Return the options of a role's main entry point."""
    options: dict[str, Any] = specifications(role)["main"].get("options") or {}
    return options


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_readme(role: str) -> None:
    readme = ROOT / "roles" / role / "README.md"

    assert readme.is_file()
    assert readme.read_text(encoding="utf-8").startswith(f"# urmanac.talos.{role}\n")


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_defaults_are_the_ones_it_documents(role: str) -> None:
    options = options_of(role)

    defaults = load(ROOT / "roles" / role / "defaults" / "main.yml") or {}
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    # The documentation tools take no template as the default of a dictionary: its description names the variable.
    described = {
        name: defaults.get(name)
        for name, option in options.items()
        if "default" not in option and "by default" in str(option["description"])
    }

    assert documented | described == defaults


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_bears_its_name_and_is_explained(role: str) -> None:
    options = options_of(role)

    strangers = [name for name in options if not name.startswith(f"{role}_")]
    silent = [name for name, option in options.items() if not option.get("description")]

    assert (strangers, silent) == ([], [])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_molecule_scenario(role: str) -> None:
    assert (ROOT / "roles" / role / "molecule" / "default" / "molecule.yml").is_file()


def test_the_action_groups_hold_exactly_the_modules_they_are_for() -> None:
    groups = load(ROOT / "meta" / "runtime.yml")["action_groups"]

    expected: dict[str, list[str]] = {group: [] for group in groups}
    for module in MODULES:
        if (group := GROUP_OF_PREFIX.get(module.split("_", 1)[0])) and module not in OF_NO_GROUP:
            expected[group].append(module)

    assert {group: sorted(names) for group, names in groups.items()} == expected


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        pytest.param("module", MODULES, id="modules"),
        pytest.param("filter", FILTERS, id="filters"),
        pytest.param("playbook", PLAYBOOKS, id="playbooks"),
        pytest.param("role", ROLES, id="roles"),
    ],
)
def test_the_readme_names_everything_there_is(kind: str, names: list[str]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    missing = [name for name in names if f"`{name}`" not in readme]

    assert missing == [], f"README.md does not name the {kind} {', '.join(missing)}"


def test_the_page_about_the_architecture_names_every_file_that_tests_share() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+\.py)`", page.partition("## Tests")[2]))

    assert named == {path.name for path in (ROOT / "tests").glob("*.py")} - {"__init__.py"}


def test_roles_and_playbooks_write_to_aws_with_modules_of_ours_alone() -> None:
    tasks = [path for path in (ROOT / "roles").rglob("*.yml") if "molecule" not in path.parts]
    texts_of = {path: path.read_text(encoding="utf-8") for path in (*tasks, *(ROOT / "playbooks").glob("*.yml"))}
    called = {(path.name, name) for path, text in texts_of.items() for name in AWS_MODULE.findall(text)}

    # Others act by name and make things besides, as docs/aws_modules.md says of each.
    assert {(file, name) for file, name in called if not name.endswith("_info")} == set()


def test_a_task_that_uses_a_kubeconfig_names_the_context_of_the_cluster() -> None:
    files = (*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks").glob("**/*.yml"))
    parts = [part for path in files for part in mappings(load(path))]
    calls = [part for part in parts if part.get("kubeconfig", "").endswith(("kubeconfig }}", "kubeconfig_there }}"))]

    # The current context of a kubeconfig that the user shares may be that of another cluster.
    assert len(calls) > 10
    assert [call for call in calls if call.get("context") != "{{ cluster_kubeconfig_context }}"] == []


def test_arguments_are_validated_where_an_entry_point_has_some_and_no_phase_has_checked_them() -> None:
    wrong = [
        (path.name, how)
        for path in own_task_files()
        for how in roles_taken(path)
        if how.get("rolespec_validate", True) is not (has_arguments(how) and not is_phase_of(path, how))
    ]

    assert sum(len(roles_taken(path)) for path in own_task_files()) > 50
    assert wrong == []


def own_task_files() -> list[Path]:
    """Return the playbooks and the files of tasks of this collection."""
    files = (*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks").rglob("*.yml"))
    return [path for path in files if "collections" not in path.relative_to(ROOT).parts]


def roles_taken(path: Path) -> list[dict[str, Any]]:
    """Return what the tasks of a file take from roles."""
    keys = ("ansible.builtin.import_role", "ansible.builtin.include_role")
    return [part[key] for part in mappings(load(path)) for key in keys if key in part]


def is_phase_of(path: Path, how: dict[str, Any]) -> bool:
    """Return whether a phase takes its role, whose variables tasks/begin.yml has checked."""
    return "tasks/begin.yml" in path.read_text(encoding="utf-8") and "tasks_from" not in how


def has_arguments(how: dict[str, Any]) -> bool:
    """Return whether what a task takes from a role is described in the role's argument specifications."""
    return how.get("tasks_from", "main").removesuffix(".yml") in specifications(how["name"].rpartition(".")[2])


def test_the_product_uses_the_folder_of_a_simulated_machine_only_as_a_prefix_of_paths() -> None:
    product = {name: text for name, text in texts() if name.startswith(("plugins/", "roles/", "playbooks/"))}
    used = {name: text for name, text in product.items() if "LAB_ROOT" in text}

    # docs/architecture.md says of these two that they do.
    assert {Path(name).name for name in used} == {"user_data.sh.j2", "ssh_login.sh.j2"}
    assert all(text.count("LAB_ROOT") == text.count("${LAB_ROOT:-}") for text in used.values())


def test_no_file_names_the_machine_it_was_written_on() -> None:
    folders = [str(folder) for folder in (ROOT, Path.home()) if len(folder.parts) > 2]

    hits = [name for name, text in texts() if any(f"{folder}/" in text for folder in folders)]

    assert hits == []


def test_no_file_holds_a_secret_or_a_package_index() -> None:
    hits = [f"{name}: {what}" for name, text in texts() for what, sign in SECRETS.items() if sign.search(text)]

    assert hits == []


def test_plugins_import_the_collection_by_relative_paths() -> None:
    absolute = re.compile(r"^ *(?:from|import) ansible_collections\.urmanac\.talos\b", re.MULTILINE)
    plugins = [path for path in project_files() if path.startswith("plugins/") and path.endswith(".py")]

    found = [path for path in plugins if absolute.search((ROOT / path).read_text(encoding="utf-8"))]

    assert plugins
    assert not found, "write from ..module_utils instead, counted from the file's folder"


def test_nothing_is_marked_as_unfinished() -> None:
    hits = [name for name, text in texts() if name != "LICENSE" and UNFINISHED.search(text)]

    assert hits == []


def test_no_file_has_the_marks_of_an_unfinished_merge() -> None:
    assert [name for name, text in texts() if re.search(r"^(?:<{7}|>{7}) \S", text, flags=re.MULTILINE)] == []


def test_every_python_file_of_the_collection_names_its_licence() -> None:
    names = [name for name in collection_files() if name.startswith("plugins/") and name.endswith(".py")]

    contents = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
    silent = [name for name, text in contents.items() if text and "SPDX-License-Identifier: GPL-3.0" not in text]

    assert silent == []


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tarfile.TarFile]:
    """Give the collection as ansible-galaxy packs it."""
    folder = tmp_path_factory.mktemp("packed")
    (folder / "ansible.cfg").touch()
    settings = {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "HOME": str(folder)}
    code, output = capture(
        [TOOLS / "ansible-galaxy", "collection", "build", ROOT, "--output-path", folder], extra=settings
    )
    assert code == 0, output
    with tarfile.open(next(folder.glob("*.tar.gz"))) as tarball:
        yield tarball


def test_the_tarball_holds_the_collection_and_nothing_else(packed: tarfile.TarFile) -> None:
    members = packed.getmembers()

    assert [member.name for member in members if member.issym() or member.islnk()] == []
    tops = {member.name.split("/")[0] for member in members if member.name != "."}
    pages = {"CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "MAINTAINERS.md", "README.md", "SECURITY.md"}
    known = {"FILES.json", "LICENSE", "MANIFEST.json", *pages}
    assert tops - known <= {"changelogs", "docs", "examples", "meta", "playbooks", "plugins", "roles"}


def test_every_link_leads_to_a_file_that_an_installed_collection_has(packed: tarfile.TarFile) -> None:
    names = packed.getnames()

    pages = {name: packed.extractfile(name).read().decode() for name in names if name.endswith(".md")}  # type: ignore[union-attr]
    links = [(name, link) for name, text in pages.items() for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text)]
    inside = [(name, link) for name, link in links if "://" not in link]

    assert inside
    assert [(name, link) for name, link in inside if os.path.normpath(Path(name).parent / link) not in names] == []


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        pytest.param("plugins/modules/talos_info.py", False, id="a module"),
        pytest.param("roles/network/molecule/default/molecule.yml", True, id="a scenario below an ignored folder"),
        pytest.param("playbooks/collections/ansible_collections/urmanac/talos", True, id="the link to ourselves"),
        pytest.param("tests/run.py", True, id="a test"),
        pytest.param("lab/cli.py", True, id="the lab"),
    ],
)
def test_build_ignore_knows_what_belongs_to_the_collection(name: str, ignored: bool) -> None:
    assert is_ignored(name, galaxy()["build_ignore"]) is ignored


def test_the_tests_that_the_second_python_runs_exist() -> None:
    defined = set(re.findall(r"^def (test_\w+)", (ROOT / STORY).read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert set(CHAPTERS) - defined == set()
    assert [name for name in SAME_EVERYWHERE if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("kind", ["module_utils", "plugin_utils"])
def test_the_unit_test_of_a_file_is_in_the_folder_of_that_file(kind: str) -> None:
    tests, code = ROOT / "tests" / "unit" / "plugins" / kind, ROOT / "plugins" / kind
    misplaced = []

    for test in sorted(tests.rglob("test_*.py")):
        folder = test.relative_to(tests).parent
        name = test.stem.removeprefix("test_")
        # Files beside the packages have an underscore of their own.
        found = (code / folder.parts[0]).rglob(f"{name}.py") if folder.parts else code.glob(f"_{name}.py")
        places = {path.relative_to(code).parent for path in found}
        if not (code / folder).is_dir() or (places and folder not in places):
            misplaced.append(str(test.relative_to(tests)))

    assert misplaced == []


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["version"] == galaxy()["version"]


def test_pytest_looks_into_every_folder_of_tests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["pytest"]["ini_options"]["norecursedirs"]

    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    unseen = [folder for folder in folders for part in folder.parts if any(fnmatch(part, one) for one in patterns)]

    assert unseen == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_by_version_and_hash(lock: str) -> None:
    text = LOCKS[lock].read_text(encoding="utf-8").replace("\\\n", " ")

    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    loose = [
        line
        for line in lines
        if not re.match(r"[a-z0-9._-]+(?:\[[a-z0-9,._-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ]

    assert lines
    assert loose == []
    assert "://" not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_its_source_asks_for(lock: str) -> None:
    source = (ROOT / "requirements" / f"{lock}.in").read_text(encoding="utf-8")
    locked = LOCKS[lock].read_text(encoding="utf-8").lower()

    asked = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", source, flags=re.MULTILINE)
    missing = [
        name for name in asked if not re.search(rf"^{re.escape(name.lower())}(?:\[|==)", locked, flags=re.MULTILINE)
    ]

    assert missing == []


def test_the_bastion_gets_the_libraries_that_the_tests_run_with() -> None:
    asked = re.findall(r"^\S+==\S+", BASTION_LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    locked = (ROOT / "requirements" / "demo.txt").read_text(encoding="utf-8")

    loose = [one for one in asked if not re.search(rf"^{re.escape(one)} ", locked, flags=re.MULTILINE)]

    assert len(asked) > 5
    assert loose == [], "requirements/demo.txt has another version: make lock"


def test_the_real_matchbox_of_the_tests_is_the_one_that_bastions_run() -> None:
    defaults = load(ROOT / "roles/bastion_host/defaults/main.yml")

    assert f"matchbox:{real_matchbox.version()}@" in defaults["bastion_host_images"]["matchbox"]


def test_the_page_on_aws_modules_is_about_the_versions_that_are_pinned() -> None:
    locked = (ROOT / "requirements" / "test.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^(ansible==\S+) ; python_full_version", locked, flags=re.MULTILINE)
    page = (ROOT / "docs" / "aws_modules.md").read_text(encoding="utf-8")

    assert len(pinned) == 2
    assert sorted(re.findall(r"ansible==[\d.]+\d", page)) == sorted(pinned)


def fake_python(path: Path, *, version: str, supported: bool, prefix: Path) -> None:
    """Write a script that answers the questions of tools/find_python as that version would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *version_info*) exit {0 if supported else 1} ;; *base_prefix*) echo {prefix} ;;\n'
        f"*realpath*) echo {path} ;; --version) echo Python {version} ;; *) exit 1 ;; esac\n",
        encoding="utf-8",
    )
    path.chmod(0o755)


def find_python(folder: Path, which: str) -> subprocess.CompletedProcess[str]:
    """Run tools/find_python with nothing but the folder on PATH."""
    return subprocess.run(
        [ROOT / "tools" / "find_python", which],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("which", ["default", "newest"])
def test_a_python_that_is_too_old_is_refused_with_the_remedy(which: str, tmp_path: Path) -> None:
    fake_python(tmp_path / "bin" / "python3", version="3.8.10", supported=False, prefix=tmp_path / "versions" / "3.8")

    answer = find_python(tmp_path / "bin", which)

    assert (answer.returncode, answer.stdout) == (1, "")
    assert "Python 3.11 or newer is needed, found: Python 3.8.10." in answer.stderr
    assert "apt install python3" in answer.stderr
    assert "make PYTHON=" in answer.stderr


def test_a_machine_without_python_gets_the_cause(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    script = (ROOT / "tools" / "find_python").read_text(encoding="utf-8").replace("echo /usr)", f"echo {tmp_path}/usr)")
    copy = tmp_path / "find_python"
    copy.write_text(script, encoding="utf-8")

    answer = subprocess.run(
        ["/bin/sh", copy], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60
    )

    assert answer.returncode == 1
    assert "found: no python3 on PATH" in answer.stderr


def test_an_old_default_gives_way_to_a_newer_one_beside_it(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    fake_python(tmp_path / "bin" / "python3", version="3.8.10", supported=False, prefix=versions / "3.8")
    fake_python(versions / "3.12" / "bin" / "python3.12", version="3.12.1", supported=True, prefix=versions / "3.12")
    (versions / "3.8").mkdir()

    answer = find_python(tmp_path / "bin", "default")

    assert answer.stdout == f"{versions / '3.12' / 'bin' / 'python3.12'}\n"


def test_the_automatic_build_needs_no_person() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert "make test </dev/null" in script.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["architecture.md", "threat_model.md"])
def test_the_tests_that_a_page_names_exist(name: str) -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", (ROOT / "docs" / name).read_text(encoding="utf-8")))

    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
