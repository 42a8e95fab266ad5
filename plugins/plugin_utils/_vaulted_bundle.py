# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decrypt a secrets bundle with Ansible Vault for modules.

Only the controller has the vault passwords. Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import is_encrypted

from ._in_process import InProcessAction


class VaultedBundleAction(InProcessAction):
    """Decrypts the file of the option C(FILE) and passes the text as the option C(CONTENT)."""

    FILE: str
    CONTENT: str

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and return its result."""
        path = self._task.args.get(self.FILE)
        if path and not self._task.args.get(self.CONTENT) and self._connection.transport == "local":
            content = decrypted(self._loader, Path(str(path)).expanduser())
            self._task.args = {**self._task.args, **({self.CONTENT: content} if content else {})}
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result


def decrypted(loader: DataLoader, path: Path) -> str | None:
    """Return the decrypted text of a vault; empty for other files or without a password, which the module reports."""
    try:
        if not is_encrypted(path.read_bytes()):
            return None
        plain = Path(loader.get_real_file(str(path.resolve())))
    except (OSError, AnsibleError):
        return None
    try:
        return plain.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
    finally:
        loader.cleanup_tmp_file(str(plain))
