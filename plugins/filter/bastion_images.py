# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the digests of a bastion's images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._bastion.images import images_of
from ..module_utils._bastion.services import unused_images


def bastion_images(
    images: Mapping[str, str],
    architecture: str,
    recorded: Mapping[str, str],
    found: Iterable[Mapping[str, Any]] = (),
    *,
    dns_enabled: bool | str = False,
    netboot_enabled: bool | str = False,
) -> dict[str, Any]:
    """Return the images to use, those to look up, the record with what was found, and the images of a plan."""
    unused = unused_images(dns_enabled=boolean(dns_enabled), netboot_enabled=boolean(netboot_enabled))
    used = {name: image for name, image in images.items() if name not in unused}
    return images_of(used, architecture, recorded, found)._asdict()


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"bastion_images": bastion_images}
