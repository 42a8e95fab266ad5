# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.plugin_utils._in_process import printed_by

ROOT = Path(__file__).resolve().parents[4]
# With -vvv ansible prints how it starts the process of a module.
STARTED = " EXEC "
KINDS = ("modules", "action")
# They run on the machine that they change.
OF_MACHINES = {"bastion_apply", "boot_to_talos"}
Result = dict[str, object]


def run(home: Path, module: str, arguments: str, *options: str, **environment: str) -> tuple[str, Result]:
    """Return the output of ansible that runs a module locally, and the module's result."""
    program = [str(Path(sys.executable).with_name("ansible")), "localhost", "-vvv", "-m", f"urmanac.talos.{module}"]
    settings = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    done = subprocess.run(
        [*program, "-a", arguments, *options],
        cwd=ROOT,
        env=os.environ | settings | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said, brace, rest = done.stdout.partition("\n{\n")
    result: Result = json.loads(brace + rest)["plays"][0]["tasks"][0]["hosts"]["localhost"]
    return said, result


def in_its_own_process(home: Path, module: str, arguments: str, *options: str) -> Result:
    """Return the result as Ansible comes to it without the collection's action plugin."""
    said, result = run(home, module, arguments, *options, ANSIBLE_KEEP_REMOTE_FILES="1")
    assert STARTED in said
    return result


def in_process(home: Path, module: str, arguments: str, *options: str) -> Result:
    """Return the result of the module that no process was started for."""
    said, result = run(home, module, arguments, *options)
    assert STARTED not in said
    return result


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the secrets that the module has made in the process of a run."""
    path = tmp_path_factory.mktemp("made") / "secrets.yaml"
    in_process(path.parent, "talos_secrets", f"path={path}")
    return path


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("path={home}/secrets.yaml", ()),
        ("path={home}/new.yaml", ("--check", "--diff")),
        ("certificate_days=5", ()),
        ("path={home}/secrets.yaml certificate_days=soon", ()),
        ("path={home}/secrets.yaml unknown=1", ()),
        ("path=/proc/secrets.yaml", ()),
    ],
    ids=["present", "check mode", "without an option", "a wrong type", "an unknown option", "a failure of the module"],
)
def test_a_module_gives_the_same_result_without_a_process_of_its_own(
    tmp_path: Path, bundle: Path, arguments: str, options: tuple[str, ...]
) -> None:
    shutil.copy2(bundle, tmp_path / "secrets.yaml")

    here, there = (
        way(tmp_path, "talos_secrets", arguments.format(home=tmp_path), *options)
        for way in (in_process, in_its_own_process)
    )

    # An authority that would be made is another one each time, and a trace names the files of the process.
    differing = {"authority": "", "exception": ""}
    assert {**here, **differing} == {**there, **differing}
    assert "msg" in here or "path" in here


def test_another_python_runs_the_module_in_a_process_of_its_own(tmp_path: Path) -> None:
    said, _result = run(tmp_path, "talos_info", "nodes=", "-e", "ansible_python_interpreter=/usr/bin/env python3")

    assert STARTED in said


def test_a_task_with_an_environment_runs_the_module_in_a_process_of_its_own(tmp_path: Path) -> None:
    playbook = tmp_path / "playbook.yml"
    task = {"urmanac.talos.talos_secrets": {"path": f"{tmp_path}/secrets.yaml"}, "environment": {"LC_ALL": "C"}}
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))

    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-vvv", playbook],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert STARTED in done.stdout
    assert "failed=0" in done.stdout


def test_what_templates_and_modules_use_is_loaded_before_ansible_forks_a_worker() -> None:
    program = f"""
from ansible.plugins.loader import filter_loader, init_plugin_loader, lookup_loader, test_loader
init_plugin_loader([{str(ROOT / "playbooks" / "collections")!r}])
import ansible_collections.urmanac.talos.plugins.action.talos_info
import sys
before = set(sys.modules)
for name in ("urmanac.talos.cluster_report", "ansible.utils.nthhost"):
    assert filter_loader.get(name) is not None
for name in ("ansible.builtin.exists", "defined"):
    assert test_loader.get(name) is not None
for name in ("env", "file", "first_found", "template"):
    assert lookup_loader.get("ansible.builtin." + name) is not None
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import proto
assert proto.message("GetRequest")
assert set(sys.modules) == before, set(sys.modules) - before
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr


def test_a_module_that_breaks_fails_with_what_broke() -> None:
    def main() -> None:
        raise ValueError("no such shape")

    broken = ModuleType("broken")
    broken.main = main  # type: ignore[attr-defined]

    result = json.loads(printed_by(broken, {}))

    assert (result["failed"], result["msg"]) == (True, "ValueError: no such shape")
    assert "in main" in result["exception"]


def test_a_module_that_prints_nothing_fails() -> None:
    silent = ModuleType("silent")
    silent.main = lambda: None  # type: ignore[attr-defined]

    assert json.loads(printed_by(silent, {})) == {"failed": True, "msg": "silent ended without a result"}


def test_every_module_for_the_controller_has_an_action_plugin() -> None:
    modules, actions = ({path.stem for path in (ROOT / "plugins" / kind).glob("[a-z]*.py")} for kind in KINDS)

    assert modules - actions == OF_MACHINES
