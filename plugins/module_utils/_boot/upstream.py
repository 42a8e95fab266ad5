# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The details of boot-to-talos on which the collection relies: files, flags, prompts, log lines. From v0.7.1.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
tests/peers compares every text with the real program. https://github.com/cozystack/boot-to-talos/tree/v0.7.1
"""

from __future__ import annotations

import re
from typing import NamedTuple

READ_FROM = "0.7.1"
# Releases before that use the system call numbers of x86 on ARM (< 0.7.0) or make no EFI boot entry (< 0.7.1).
VERSION_MIN = "0.7.1"

# .goreleaser.yaml, hack/install.sh
RELEASE_URL = "https://github.com/cozystack/boot-to-talos/releases/download/v{version}"
ARCHIVE = "boot-to-talos-linux-{architecture}.tar.gz"
CHECKSUMS = "boot-to-talos-checksums.txt"
PROGRAM = "boot-to-talos"
# The prefix of the line with the version in Go's build information.
BUILD_LINE = b"mod\tgithub.com/cozystack/boot-to-talos\t"
# Architectures by their name in the kernel, with the name in Go, releases and images.
ARCHITECTURES = {"aarch64": "arm64", "x86_64": "amd64"}


class Flag(NamedTuple):
    """A flag as `-help` shows it."""

    name: str
    kind: str
    usage: str
    default: str = ""


# cmd/boot-to-talos/main.go
DEFAULT_IMAGE = "ghcr.io/cozystack/cozystack/talos:v1.11.6"
FLAGS = (
    Flag("disk", "string", "target disk (will be wiped)"),
    Flag("extra-kernel-arg", "value", "extra kernel arg (repeatable)"),
    Flag("image", "string", "Talos installer image", DEFAULT_IMAGE),
    Flag("image-size-gib", "uint", "image.raw size (GiB)", "3"),
    Flag("mode", "string", "mode: boot or install"),
    Flag("yes", "", "automatic yes to prompts"),
)
MODE = "install"

# internal/network/network.go, internal/install/install.go, in the order of install mode.
NETWORK_QUESTION = "Add networking configuration?"
CONSOLE_QUESTION = "Configure serial console? (or 'no')"
CONTINUE_QUESTION = "Continue?"
# Precedes "Continue?", so the yes for that prompt would answer this one: never start with Secure Boot on.
SECURE_BOOT_QUESTION = "Proceed anyway (not recommended)?"
# Questions that -mode, -image and -disk answer.
OTHER_QUESTIONS = ("Mode [1]: ", "Talos installer image", "Target disk")
# After a no to networking it asks again with a simpler detection; without a default route it begins with that one.
ANSWERS = ("no", "no", "no", "yes")
ANSWERS_WITHOUT_ROUTE = ("no", "no", "yes")

# internal/install/install.go, internal/efi/efi.go: install mode's lines in their order, as Go's format strings.
PROGRESS_CONTAINER = (
    "created temporary directory %s",
    "creating raw disk %s (%d GiB)",
    "attached %s to %s",
    "starting Talos installer",
    "Talos installer finished successfully",
    "remounting all filesystems read-only",
    "copy %s → %s",
    "installation image copied to %s",
    "creating EFI boot entry",
    "EFI boot entry %04X created, BootOrder: %v",
    "rebooting system",
)
PROGRESS_RAW = (
    "created temporary directory %s",
    "installing from disk image to %s",
    "disk image copied to %s",
    "rebooting system",
)
# After one of these lines all checks are done: the image was fetched and fits.
BEGUN = ("starting Talos installer", "installing from disk image to ")
REBOOTING = "rebooting system"
# It continues after this: firmware also finds Talos by the path for removable media.
EFI_WARNING = "warning: failed to update EFI variables: %v"

# Go's log package puts the time before every line; a preceding prompt ends without a line break.
TIMESTAMP = re.compile(r"\b\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")

# internal/source/source.go: the suffixes of a disk image, as opposed to a container image.
RAW_ENDINGS = (".raw", ".raw.gz", ".raw.xz", ".raw.zst")
# internal/source/http.go keeps downloads under a name without a suffix, but raw.go needs the suffix: a compressed image
# from a URL would be written without decompression. A local file is decompressed while it is written, so it is
# downloaded first.

# go-containerregistry pkg/name/registry.go: where it uses plain HTTP.
PLAIN_HTTP = re.compile(r"\.local(?:host)?(?::\d{1,5})?$|^localhost:|127\.0\.0\.1|::1")
# go-containerregistry pkg/v1/remote: the platform that it selects from an index on every machine.
INDEX_PLATFORM = "linux/amd64"

# internal/efi/efi.go: byte 4 is 1 when it is on.
SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
SETUP_MODE = "sys/firmware/efi/efivars/SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c"
LOCKDOWN = "sys/kernel/security/lockdown"
LOOP_CONTROL = "dev/loop-control"
SYSRQ = "proc/sysrq-trigger"
