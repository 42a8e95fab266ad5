# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment in which all measured programs run: nothing of the user's, and no AWS but a simulation."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def clean(home: Path, **more: str) -> dict[str, str]:
    """Return an environment that holds no setting of the user's, with a home of its own."""
    configuration = home / "ansible.cfg"
    configuration.touch()
    return {
        "PYTHONPATH": str(ROOT),
        "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "lab-not-a-real-key",
        "AWS_SECRET_ACCESS_KEY": "lab",
        "AWS_DEFAULT_REGION": "eu-west-1",
        **more,
    }


def with_collection(home: Path) -> dict[str, str]:
    """Return such an environment in which Python finds the collection too."""
    return clean(home, PYTHONPATH=f"{ROOT}:{ROOT / 'playbooks' / 'collections'}")
