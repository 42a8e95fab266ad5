# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of Talos for volumes. Private to urmanac.talos: may change at any time.

They are facts about the Validate methods of types/block in siderolabs/talos.
"""

from __future__ import annotations

import re

from .decoding import Document, Release, size_of
from .values import CORRECT, Found, at, words

_FILESYSTEMS = words("none xfs ext4")


def faults(document: Document, release: Release) -> Found:
    """Yield what is wrong with the document of a volume; nothing for other kinds."""
    kind = document.get("kind")
    if release < (1, 13) and str(at(document, "provisioning.maxSize") or "").startswith("-"):
        yield "provisioning.maxSize", "a negative size is not supported before Talos v1.13", "Set the size itself."
    if kind == "VolumeConfig":
        yield from _volume(document)
    elif kind == "UserVolumeConfig":
        yield from _user_volume(document, release)
    elif kind in ("RawVolumeConfig", "SwapVolumeConfig"):
        yield from _volume_name(document)
        yield from _provisioning(document, is_required=True)
        yield from _encryption(document)
    elif kind in ("ExistingVolumeConfig", "ExternalVolumeConfig"):
        yield from _volume_name(document)
    if kind == "ExternalVolumeConfig" and str(document.get("filesystemType") or "virtiofs").lower() != "virtiofs":
        yield "filesystemType", "unsupported filesystem type", "Use virtiofs."


def _volume(document: Document) -> Found:
    name = document.get("name")
    if name not in ("STATE", "EPHEMERAL", "IMAGECACHE"):
        yield "name", "only STATE, EPHEMERAL and IMAGECACHE volumes are supported", "Use UserVolumeConfig."
    if name == "STATE" and _is_given(document, "provisioning"):
        yield "provisioning", 'provisioning config is not allowed for the "STATE" volume', "Remove it."
    keys = [key or {} for key in at(document, "encryption.keys") or []]
    if name == "STATE" and any(key.get("lockToState") for key in keys):
        yield "encryption.keys", 'state-locked key is not allowed for the "STATE" volume', "Remove lockToState."
    yield from _provisioning(document, is_required=False)
    yield from _encryption(document)


def _is_given(document: Document, section: str) -> bool:
    """Return whether a section has a field with a value; 0 and false are values, an empty text is none."""
    return any(value not in (None, "", {}, []) for value in (document.get(section) or {}).values())


def _volume_name(document: Document) -> Found:
    name = str(document.get("name") or "")
    # The label of a partition has 36 characters, of which Talos takes two for the kind of volume.
    if len(name) > 34 or not re.fullmatch(r"[a-zA-Z0-9-]*", name):
        yield "name", "name can only contain up to 34 ASCII letters, digits, and hyphens", CORRECT


def _provisioning(document: Document, *, is_required: bool) -> Found:
    """Check the part of a disk that a volume gets."""
    if is_required:
        yield from _disk_selector(document)
    least, most = (at(document, f"provisioning.{field}") for field in ("minSize", "maxSize"))
    if is_required and least in (None, "") and most in (None, ""):
        yield "provisioning", "min size or max size is required", "Add one such as minSize: 10GiB."
    # A percentage or a negative size is relative to the disk, which is not known here.
    limit = size_of(str(most))
    if limit is not None and (size_of(str(least)) or 0) > limit:
        yield "provisioning", "min size is greater than max size", "Set maxSize to minSize or more."


def _disk_selector(document: Document) -> Found:
    if not at(document, "provisioning.diskSelector.match"):
        yield "provisioning.diskSelector.match", "disk selector is required", 'Add one such as "!system_disk".'


def _user_volume(document: Document, release: Release) -> Found:
    yield from _volume_name(document)
    kind = str(document.get("volumeType") or "partition").lower()
    if kind == "directory":
        for section in ("provisioning", "encryption", "filesystem", "mount"):
            if _is_given(document, section):
                yield section, f"{section} spec is invalid for volumeType directory", "Remove it."
        return
    if kind not in ("disk", "partition"):
        yield "volumeType", f"unsupported volume type {kind}", "Choose partition, disk or directory."
        return
    if kind == "partition":
        yield from _provisioning(document, is_required=True)
    else:
        yield from _whole_disk(document)
    yield from _filesystem(document, release)
    yield from _encryption(document)


def _whole_disk(document: Document) -> Found:
    yield from _disk_selector(document)
    if any(at(document, f"provisioning.{field}") not in (None, "") for field in ("minSize", "maxSize", "grow")):
        yield "provisioning", "min size, max size and grow are not supported", "Remove them, or use a partition."


def _filesystem(document: Document, release: Release) -> Found:
    filesystem = document.get("filesystem") or {}
    kind = str(filesystem.get("type") or "xfs").lower()
    known = _FILESYSTEMS | words("btrfs" if release >= (1, 14) else "")
    if kind not in known:
        yield "filesystem.type", f"unsupported filesystem type: {kind}", f"Choose among {', '.join(sorted(known))}."
    elif filesystem.get("projectQuotaSupport") and kind not in ("none", "xfs"):
        cause = "project quota support is only available for xfs filesystem"
        yield "filesystem.projectQuotaSupport", cause, "Remove it, or set type: xfs."


def _encryption(document: Document) -> Found:
    encryption = document.get("encryption") or {}
    if encryption.get("provider") in (None, "", "none"):
        return
    keys = [key or {} for key in encryption.get("keys") or []]
    if not keys:
        yield "encryption.keys", "encryption keys are required", "Add one such as nodeID: {} with slot: 0."
    slots = [key.get("slot") or 0 for key in keys]
    if len(slots) != len(set(slots)):
        yield "encryption.keys", "duplicate key slot", "Set a unique slot for each key."
    if not all(any(isinstance(key.get(kind), dict) for kind in ("static", "nodeID", "kms", "tpm")) for key in keys):
        yield "encryption.keys", "an encryption key has no parameters", "Add one such as nodeID: {}."
