#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write text files into one directory."""

from __future__ import annotations

DOCUMENTATION = r"""
module: write_files
short_description: Write text files into one directory
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes
description:
  - Writes files with the given contents to one directory. Each file is written atomically.
  - M(ansible.builtin.copy) and M(ansible.builtin.template) start two processes for each file. This module writes all
    files at once, and starts no process on the controller.
options:
  directory:
    description: Directory of the files. It is created if it does not exist.
    type: path
    required: true
  files:
    description: Content of each file by its name without slashes. A dictionary or a list is written as JSON.
    type: dict
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: ansible.builtin.copy
"""

EXAMPLES = r"""
- name: Write the report
  urmanac.talos.write_files:
    directory: ~/clusters/moon/report
    files:
      report.json: "{{ __report }}"
      report.txt: "{{ lookup('ansible.builtin.template', 'report.txt.j2') }}"
"""

RETURN = r"""
written:
  description: Names of the files that were written, or would be in check mode.
  type: list
  elements: str
  returned: success
  sample: [report.txt]
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._files import write_file

ARGUMENT_SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "files": {"type": "dict", "required": True},
}
MODE = 0o644
DIRECTORY_MODE = 0o755


def text_of(content: Any) -> str:
    """Return the text of a file with this content."""
    if isinstance(content, (dict, list)):
        return json.dumps(content, indent=4, sort_keys=True) + "\n"
    return str(content)


def current_files(directory: Path, names: list[str]) -> dict[str, str]:
    """Return the content of those files that exist."""
    paths = {name: directory / name for name in names}
    return {name: path.read_text(encoding="utf-8", errors="replace") for name, path in paths.items() if path.is_file()}


def plan_files(current: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return the names of the files that are to be written."""
    return [name for name, content in wanted.items() if current.get(name) != content]


def ensure_files(directory: Path, files: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Bring the files to their contents and return the result of the module."""
    wrong = [name for name in files if name in ("", ".", "..") or "/" in name]
    if wrong:
        raise InputError(f"The names of files must hold no slash: {', '.join(wrong)}. Give another directory instead.")
    wanted = {name: text_of(content) for name, content in files.items()}
    current = current_files(directory, list(wanted))
    written = plan_files(current, wanted)
    if written and not check_mode:
        write_all(directory, {name: wanted[name] for name in written})
    headers = {name: str(directory / name) for name in written}
    diff = [
        {"before_header": path, "after_header": path, "before": current.get(name, ""), "after": wanted[name]}
        for name, path in headers.items()
    ]
    return {"changed": bool(written), "written": written, "diff": diff}


def write_all(directory: Path, files: Mapping[str, str]) -> None:
    """Write the files, and make the directory for them."""
    try:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        for name, content in files.items():
            write_file(directory / name, content.encode(), mode=MODE)
    except OSError as error:
        raise CollectionError(
            f"Failed to write into {directory}: {error.strerror}: {error.filename}", code="FILE_NOT_WRITABLE"
        ) from error


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = ensure_files(Path(module.params["directory"]), module.params["files"], check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
