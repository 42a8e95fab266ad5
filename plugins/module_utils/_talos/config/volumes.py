# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of Talos for volumes. Private to urmanac.talos: may change at any time.

They are facts about the Validate methods of types/block and types/storage in siderolabs/talos.
"""

from __future__ import annotations

import re

from .decoding import Document, Release, size_of
from .values import CORRECT, Found, at, is_negative, items_of, seconds, words

_FILESYSTEMS = words("none xfs ext4")
_SYSTEM = words("STATE EPHEMERAL IMAGECACHE")
# Directories that can be volumes of their own since v1.14.
_PROMOTED = words("ETCD CRI KUBELET LOG")
# The longest names of what is not a partition; those of existing volumes have no limit.
_LONGEST = {"LVMLogicalVolumeConfig": 63, "LVMVolumeGroupConfig": 63, "RAIDArrayConfig": 32}
# Of the options of a logical volume: the types that have it, and its smallest value.
_LOGICAL = {"mirrors": (words("raid1 raid10"), 1), "stripes": (words("raid0 raid10"), 2)}


def faults(document: Document, release: Release) -> Found:
    """Yield what is wrong with the document of a volume; nothing for other kinds."""
    kind = document.get("kind")
    if release < (1, 13) and str(at(document, "provisioning.maxSize") or "").startswith("-"):
        yield "provisioning.maxSize", "a negative size is not supported before Talos v1.13", "Set the size itself."
    if kind == "VolumeConfig":
        yield from _volume(document, release)
    elif kind == "UserVolumeConfig":
        yield from _user_volume(document, release)
    elif kind in ("RawVolumeConfig", "SwapVolumeConfig"):
        yield from _volume_name(document)
        yield from _provisioning(document, is_required=True)
        yield from _encryption(document, release)
    elif kind in ("ExistingVolumeConfig", "ExternalVolumeConfig"):
        yield from _volume_name(document)
    if kind == "ExternalVolumeConfig" and str(document.get("filesystemType") or "virtiofs").lower() != "virtiofs":
        yield "filesystemType", "unsupported filesystem type", "Use virtiofs."
    yield from _array(document)
    yield from _upkeep(document)


def _upkeep(document: Document) -> Found:
    """Check how often a filesystem is trimmed and scrubbed."""
    kind = document.get("kind")
    trim = "interval" if kind == "FilesystemTrimConfig" else "trim.interval"
    if is_negative(at(document, trim)):
        yield trim, "trim interval cannot be negative", CORRECT
    scrub = "interval" if kind == "FilesystemScrubConfig" else "scrub.interval"
    interval = at(document, scrub)
    if interval is not None and (length := seconds(interval)) != 0 and length < 10:
        yield scrub, "scrub interval: minimum value is 10s", CORRECT


def _array(document: Document) -> Found:
    """Check what is made of several disks."""
    kind, name = str(document["kind"]), str(document.get("name") or "")
    if (longest := _LONGEST.get(kind)) is None:
        return
    if kind == "LVMLogicalVolumeConfig":
        yield from _logical_volume(document)
    if len(name) > longest or not re.fullmatch(r"[a-zA-Z0-9_-]*", name):
        cause = f"name can only contain up to {longest} ASCII letters, digits, hyphens and underscores"
        yield "name", cause, CORRECT


def _logical_volume(document: Document) -> Found:
    kind = str(document.get("type") or "linear").lower()
    for field, (kinds, least) in _LOGICAL.items():
        value = document.get(field)
        if value is not None and kind not in kinds:
            yield field, f"{field} is only valid for {' and '.join(sorted(kinds))}, not {kind}", "Remove it."
        elif value is not None and value < least:
            yield field, f"{field} must be at least {least}", CORRECT
    least_size, most = (at(document, f"provisioning.{field}") for field in ("minSize", "maxSize"))
    if most in (None, ""):
        yield "provisioning.maxSize", "provisioning.maxSize is required", "Add it."
    elif str(most).startswith("-"):
        yield "provisioning.maxSize", "provisioning.maxSize must not be negative", CORRECT
    limit = size_of(str(most))
    if limit is not None and (size_of(str(least_size)) or 0) > limit:
        yield "provisioning", "provisioning.minSize must not exceed provisioning.maxSize", CORRECT


def _volume(document: Document, release: Release) -> Found:
    name = document.get("name")
    known = _SYSTEM | (_PROMOTED if release >= (1, 14) else frozenset())
    if name not in known:
        yield "name", f"only the volumes {', '.join(sorted(known))} are supported", "Use UserVolumeConfig."
    if release >= (1, 14) and name in ("STATE", "IMAGECACHE") and _is_given(document, "mount"):
        yield "mount", f'mount config is not allowed for the "{name}" volume', "Remove it."
    if name == "IMAGECACHE" and at(document, "filesystem.xfs") is not None:
        yield "filesystem", 'filesystem config is not allowed for the "IMAGECACHE" volume', "Remove it."
    if name in _PROMOTED and _is_given(document, "mount") and not _is_given(document, "provisioning"):
        cause = f'mount config for the "{name}" volume is only supported on a dedicated partition'
        yield "mount", cause, "Add provisioning, or remove it."
    if name == "STATE" and _is_given(document, "provisioning"):
        yield "provisioning", 'provisioning config is not allowed for the "STATE" volume', "Remove it."
    keys = [key or {} for key in at(document, "encryption.keys") or []]
    if name == "STATE" and any(key.get("lockToState") for key in keys):
        yield "encryption.keys", 'state-locked key is not allowed for the "STATE" volume', "Remove lockToState."
    yield from _provisioning(document, is_required=False)
    yield from _encryption(document, release)


def _is_given(document: Document, section: str) -> bool:
    """Return whether a section has a field with a value; 0 and false are values, an empty text is none."""
    return any(value not in (None, "", {}, []) for value in (document.get(section) or {}).values())


def _volume_name(document: Document) -> Found:
    name = str(document.get("name") or "")
    # The label of a partition has 36 characters, of which Talos takes two for the kind; what exists has its label.
    is_long = len(name) > 34 and document["kind"] != "ExistingVolumeConfig"
    if is_long or not re.fullmatch(r"[a-zA-Z0-9-]*", name):
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
            if _is_given(document, section) or (section == "filesystem" and at(document, "filesystem.xfs") is not None):
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
    yield from _encryption(document, release)


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
    elif filesystem.get("xfs") is not None and kind not in ("none", "xfs"):
        yield "filesystem.xfs", "xfs options are only available for xfs filesystem", "Remove it, or set type: xfs."


def _encryption(document: Document, release: Release) -> Found:
    encryption = document.get("encryption") or {}
    keys = [key or {} for key in encryption.get("keys") or []]
    if encryption.get("provider") in (None, "", "none"):
        if items_of(encryption, "keys"):
            yield "encryption.provider", "unsupported encryption provider: none", "Set provider: luks2."
        return
    if not keys:
        yield "encryption.keys", "encryption keys are required", "Add one such as nodeID: {} with slot: 0."
    slots = [key.get("slot") or 0 for key in keys]
    if len(slots) != len(set(slots)):
        yield "encryption.keys", "duplicate key slot", "Set a unique slot for each key."
    if not all(any(isinstance(key.get(kind), dict) for kind in ("static", "nodeID", "kms", "tpm")) for key in keys):
        yield "encryption.keys", "an encryption key has no parameters", "Add one such as nodeID: {}."
    registers = [register for key in keys for register in at(key, "tpm.options.pcrs") or []]
    if release >= (1, 12) and not all(0 <= (register or 0) <= 23 for register in registers):
        yield "encryption.keys", "a TPM PCR is out of range (0-23)", CORRECT
