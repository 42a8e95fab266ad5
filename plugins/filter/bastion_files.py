# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return all files and settings of a bastion."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from ansible.errors import AnsibleFilterError

from ..module_utils._bastion import files, paths, services, user_data
from ..module_utils._errors import CollectionError
from ..module_utils._networks import LINK_LOCAL

ROLE = Path(__file__).resolve().parents[2] / "roles" / "bastion_host"


def render(name: str, *, settings: Mapping[str, Any], **variables: Any) -> str:
    """Return a file of the role, rendered if it is a template."""
    if not name.endswith(".j2"):
        return (ROLE / "files" / name).read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLE / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  it is not HTML
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
    )
    environment.filters["quote"] = shlex.quote
    environment.globals["link_local"] = LINK_LOCAL
    environment.globals["paths"] = paths
    return environment.get_template(name).render(**{**settings, **variables})


def bastion_files(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the files, the units and the packages of a bastion, and the user-data that installs them."""
    rendered = functools.partial(render, settings=dict(settings))
    try:
        laid = files.files(settings, rendered)
        script = user_data.script(settings, laid, rendered)
    except CollectionError as error:
        raise AnsibleFilterError(str(error)) from error
    packed = user_data.compressed(script)
    return {
        "files": [file._asdict() | {"units": list(file.units)} for file in laid],
        "units": files.units(settings),
        "cache_units": {registry: services.cache_unit(registry) for registry in settings["caches"]},
        "packages": {family: files.packages(settings, family) for family in ("RedHat", "Debian")},
        "user_data": script,
        "user_data_base64": user_data.encoded(packed),
        "user_data_problems": [problem.as_dict() for problem in user_data.problems(packed)],
    }


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"bastion_files": bastion_files}
