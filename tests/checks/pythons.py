"""Run the tests again with the newest installed Python that is supported, which brings a newer Ansible."""

from __future__ import annotations

import os
import re
import sys
import threading

from tests.checks.process import ROOT, Outcome, capture, failed, not_run, passed, run

STORY = "tests/playbooks/test_site_and_reset.py"
# Without the killed runs, which leave the same with every Python.
CHAPTERS = (
    "test_the_report_is_written_as_data_too",
    "test_a_second_run_changes_nothing_also_when_a_tag_has_moved",
    "test_a_reset_deletes_what_is_ours_and_leaves_the_strangers_alone",
)
# The longest of tests/unit. They compare results of modules that others of these tests run as well, with recorded
# verdicts and from many places in an account.
SAME_EVERYWHERE = (
    "tests/unit/plugins/module_utils/_talos/config/test_validation.py",
    "tests/unit/plugins/module_utils/_ec2/act/test_strangers.py",
    "tests/unit/plugins/module_utils/_ec2/audit/test_reading.py",
    "tests/unit/plugins/module_utils/_ec2/plan/test_owners.py",
)
EC2 = "tests/unit/plugins/module_utils/_ec2"
# The other tests of tests/unit read the repository's files, independently of the versions of Python and Ansible.
# One story from end to end is enough here: the others find nothing more that depends on the Python.
PARTS = {
    "story": tuple(f"{STORY}::{name}" for name in CHAPTERS),
    "plugins": ("tests/unit/plugins", "tests/unit/roles", f"--ignore={EC2}"),
    "ec2": (EC2,),
}
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
# The parts run at the same time: the first of them sets up what all of them need.
_SETTING_UP = threading.Lock()


def second_python(part: str) -> Outcome:
    """Set up the other Python's virtual environment, then run a part of the tests of the collection in it."""
    python, version = newest()
    if version is None or version == RUNNING:
        return not_run(f"no other supported Python than {RUNNING} found")
    venv = ROOT / f".venv-{version}"
    with _SETTING_UP:
        made = run("make", "--no-print-directory", f"PYTHON={python}", f"{venv.name}/.test")
    if made.status == "FAILED":
        return made
    where = (*PARTS[part], *(f"--ignore={name}" for name in SAME_EVERYWHERE))
    path = {"PATH": f"{venv / 'bin'}:{environment_path()}"}
    code, output = capture(
        [venv / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *where], extra=path
    )
    closing = f"Python {version}: {(output.strip().splitlines() or ['no output'])[-1].strip('= ')}"
    return passed(closing) if code == 0 else failed(output, note=closing)


def environment_path() -> str:
    """Return the search path for programs."""
    return os.environ.get("PATH", os.defpath)


def newest() -> tuple[str, str | None]:
    """Return the newest supported Python's path and its version."""
    _code, output = capture([ROOT / "tools" / "find_python", "newest"])
    path = output.strip()
    _code, version = capture([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) if path else (1, "")
    return path, version.strip() if re.fullmatch(r"\d+\.\d+\n", version) else None
