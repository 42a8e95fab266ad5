# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot.failures import KINDS, explain, kind_of, plain
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.diagnosis.pod_troubles import pull_cause

GOT = "failed to get install assets from container source: "
PULL = f"{GOT}pull image 10.10.0.100:5054/urmanac/talos@sha256:abc: "
MANIFEST = "GET http://10.10.0.100:5054/v2/urmanac/talos/manifests/sha256:abc: "
DIAL = 'Get "http://10.10.0.100:5054/v2/": dial tcp 10.10.0.100:5054: '
FULL = "write /tmp/installer-1/rootfs/usr/install/arm64/vmlinuz.efi: no space left on device"
# Lines as boot-to-talos v0.7.1 writes them, with what Go, its registry client and Linux put after the colon.
LINES = {
    "MEMORY_TOO_SMALL": [
        f"{GOT}extract layer: extract file: {FULL}",
        "create raw disk image: open /tmp/installer-1/image.raw: no space left on device",
        "truncate raw disk image: truncate /tmp/installer-1/image.raw: file too large",
    ],
    "IMAGE_NO_SUCH_PLATFORM": [
        "forkexec: exec format error",
        f"{PULL}no child with platform linux/amd64 in index 10.10.0.100:5054/urmanac/talos:latest",
    ],
    "IMAGE_NO_INSTALLER": [
        "forkexec: no such file or directory",
        "forkexec: permission denied",
        f'{PULL}unsupported MediaType: "application/vnd.cncf.helm.config.v1+json", see https://github.com/google',
    ],
    "IMAGE_BAD_DIGEST": [
        f'{PULL}manifest digest: "sha256:a" does not match requested digest: "sha256:b" for "ghcr.io/a/b"',
        f'{PULL}error verifying sha256 checksum after reading 5 bytes; got "a", want "b"',
    ],
    "IMAGE_NOT_FOUND": [
        f"{PULL}{MANIFEST}MANIFEST_UNKNOWN: manifest unknown; map[Tag:latest]",
        f"{PULL}{MANIFEST}NAME_UNKNOWN: repository name not known to registry",
        f"{PULL}{MANIFEST}unexpected status code 404 Not Found: not found",
        f"{PULL}{MANIFEST}NOT_FOUND: artifact lib/talos:v1 not found",
        f"{PULL}GET https://ghcr.io/v2/a/blobs/sha256:0: BLOB_UNKNOWN: blob unknown to registry",
    ],
    "IMAGE_RATE_LIMITED": [
        f"{PULL}{MANIFEST}TOOMANYREQUESTS: You have reached your unauthenticated pull rate limit.",
        f"{PULL}{MANIFEST}unexpected status code 429 Too Many Requests: toomanyrequests: retry-after: 1.2ms",
        f"{PULL}{MANIFEST}unexpected status code 429 Too Many Requests",
    ],
    "IMAGE_NOT_AUTHORISED": [
        f"{PULL}{MANIFEST}UNAUTHORIZED: authentication required",
        f"{PULL}GET https://ghcr.io/token?scope=a: unexpected status code 401 Unauthorized: no",
        f"{PULL}{MANIFEST}DENIED: requested access to the resource is denied",
        f"{PULL}{MANIFEST}unexpected status code 403 Forbidden",
    ],
    "IMAGE_UNREACHABLE": [
        f"{PULL}{DIAL}connect: connection refused",
        f"{PULL}{DIAL}i/o timeout",
        f"{PULL}read tcp 10.10.0.101:40022->10.10.0.100:5054: read: connection timed out",
        f'{PULL}Get "https://ghcr.io/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
        f'{PULL}Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 10.10.0.2:53: server misbehaving',
        f'{PULL}Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: Temporary failure in name resolution',
        f'{PULL}Get "https://ghcr.io/v2/": EOF',
        f"{PULL}write tcp 10.10.0.101:40022->10.10.0.100:5054: write: broken pipe",
        f"{PULL}http2: client connection lost",
        f"{PULL}{DIAL}connect: no route to host",
        f"{PULL}{DIAL}connect: network is unreachable",
        f'{PULL}Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 10.10.0.2:53: no such host',
        f"{PULL}context deadline exceeded",
        f'{PULL}Get "https://ghcr.io/v2/": tls: failed to verify certificate: x509: certificate has expired',
        f'{PULL}Get "https://ghcr.io/v2/": net/http: TLS handshake timeout',
        f"{PULL}read tcp 10.10.0.101:40022->10.10.0.100:5054: read: connection reset by peer",
        f"{PULL}read tcp 10.10.0.101:40022->10.10.0.100:5054: unexpected EOF",
        f"{PULL}{MANIFEST}unexpected status code 500 Internal Server Error",
        f"{PULL}{MANIFEST}unexpected status code 502 Bad Gateway",
        f"{PULL}{MANIFEST}unexpected status code 503 Service Unavailable",
        f"{PULL}{MANIFEST}unexpected status code 504 Gateway Timeout",
    ],
    "REGISTRY_PLAIN_HTTP": [f'{PULL}Get "https://cache:5054/v2/": http: server gave HTTP response to HTTPS client'],
    "IMAGE_INVALID_REFERENCE": [
        f'{PULL}parsing reference "x y": could not parse reference: x y',
        "failed to detect image source: unknown image format: /root/talos.img",
    ],
    "IMAGE_PULL_FAILED": [f"{PULL}{MANIFEST}unexpected status code 418 I'm a teapot"],
    "IMAGE_DAMAGED": [
        f"{GOT}extract layer: uncompress layer: error verifying sha256 checksum after reading 10 bytes",
        f"{GOT}get layers: unexpected EOF",
        f"{GOT}create rootfs directory: mkdir /tmp/installer-1/rootfs: permission denied",
        "install assets contain neither disk image nor rootfs path",
    ],
    "IMAGE_ISO": ["failed to get install assets from iso source: ISO source install mode not supported"],
    "IMAGE_DOWNLOAD": [
        "failed to get install assets from raw source: download: download http://x/y.raw: HTTP 404 Not Found"
    ],
    "INSTALLER_FAILED": ["installer exited 1", "wait: interrupted system call"],
    "LOOP_DEVICE_MISSING": [
        "open loop-control: open /dev/loop-control: no such file or directory",
        "LOOP_CTL_GET_FREE: operation not permitted",
        "open loop: open /dev/loop0: no such file or directory",
        "open backing: open /tmp/installer-1/image.raw: permission denied",
        "LOOP_SET_FD: device or resource busy",
        "LOOP_SET_STATUS64: invalid argument",
    ],
    "MOUNT_FAILED": [
        "mount tmpfs: operation not permitted",
        "bind recursive /sys: operation not permitted",
        "bind /proc: operation not permitted",
        "bind cmdline: operation not permitted",
        "write cmdline: open /tmp/installer-1/rootfs/tmp/cmdline: permission denied",
        "create temporary directory: mkdir /tmp/installer-1: read-only file system",
        "create raw disk image: open /tmp/installer-1/image.raw: permission denied",
        "create stdin pipe: too many open files",
    ],
    "DISK_TOO_SMALL": ["write: write /dev/nvme0n1: no space left on device"],
    "DISK_UNUSABLE": [
        "open dst: open /dev/xvda: no such file or directory",
        "open disk: open /dev/xvda: no such file or directory",
        "write: write /dev/nvme0n1: input/output error",
        "open src: open /tmp/installer-1/image.raw: no such file or directory",
        "read: read /tmp/installer-1/image.raw: input/output error",
    ],
    "SECURE_BOOT": ["aborted: Secure Boot is enabled"],
    "INSTALL_ABORTED": ["aborted by user", "missing required input for: Target disk (cannot auto-fill)"],
    "OPTION_UNKNOWN": ["invalid mode: fly (must be 'boot' or 'install')"],
    "KEXEC_FAILED": [
        "kexec: failed to create kernel memfd: memfd_create failed: function not implemented",
        "kexec: error loading kernel for kexec: exec format error (errno: 8). Check dmesg for details",
        "get boot assets: UKI kernel (vmlinuz.efi) not found in image",
    ],
}
# What is not in its log has no time before it.
OTHER_LINES = {
    "MEMORY_TOO_SMALL": [
        "[  101.123456] Out of memory: Killed process 812 (boot-to-talos) total-vm:1234kB",
        "fatal error: runtime: out of memory",
    ],
    "OPTION_UNKNOWN": [
        "flag provided but not defined: -config",
        "flag needs an argument: -disk",
        'invalid value "x" for flag -image-size-gib: parse error',
    ],
    "PROGRAM_CRASHED": ["panic: runtime error: invalid memory address or nil pointer dereference"],
    "PROGRAM_UNUSABLE": [
        "bash: ./boot-to-talos: cannot execute binary file: Exec format error",
        "/root/start: 3: ./boot-to-talos: Exec format error",
    ],
}
CASES = [
    *(pytest.param(code, f"2026/11/22 10:00:00 {line}", id=line[:60]) for code, rows in LINES.items() for line in rows),
    *(pytest.param(code, line, id=line[:60]) for code, rows in OTHER_LINES.items() for line in rows),
]


@pytest.mark.parametrize(("code", "line"), CASES)
def test_every_line_that_reports_a_failure_is_recognised(code: str, line: str) -> None:
    found = explain(["2026/11/22 10:00:00 created temporary directory /tmp/installer-1", line])

    assert found
    assert found.code == code
    assert found.evidence["line"] in line
    assert found.message
    assert found.remedy


def test_every_kind_of_failure_has_a_line_here() -> None:
    known = {**LINES, **OTHER_LINES}

    assert {kind.code for kind in KINDS} == set(known)


def test_every_entry_of_the_list_is_reached_by_a_line() -> None:
    reached = {(text, is_log) for case in CASES for text, is_log in [plain(str(case.values[1]))]}
    kinds = {kind_of(text, is_log=is_log) for text, is_log in reached}

    assert [kind for kind in KINDS if kind not in kinds] == []


def test_an_installer_that_ran_out_of_space_is_reported_as_such() -> None:
    lines = [
        "2026/11/22 10:00:00 starting Talos installer",
        "2026/11/22 10:00:01 write /boot/EFI/Linux/Talos-v1.13.6.efi: no space left on device",
        "2026/11/22 10:00:01 installer exited 1",
    ]

    found = explain(lines)

    assert found
    assert found.code == "MEMORY_TOO_SMALL"


@pytest.mark.parametrize(
    "line",
    [
        "2026/11/22 10:00:00 warning: failed to update EFI variables: failed to read BootOrder",
        "2026/11/22 10:00:00 rebooting system",
        "systemd[1]: read: something else",
        "Kernel panic - not syncing: VFS",
    ],
)
def test_other_lines_report_no_failure(line: str) -> None:
    assert explain([line]) is None


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("[   61.100000] cloud-init[1234]: ", id="cloud-init on a console"),
        pytest.param("Continue? [yes]: ", id="after a question"),
    ],
)
def test_what_stands_before_the_time_does_not_matter(before: str) -> None:
    found = explain([f"{before}2026/11/22 10:00:00 aborted by user"])

    assert found
    assert (found.code, found.evidence["line"]) == ("INSTALL_ABORTED", "aborted by user")


@pytest.mark.parametrize("words", ["toomanyrequests: ", "TOOMANYREQUESTS: ", "429 Too Many Requests: "])
def test_case_25_rate_limit_elsewhere(words: str) -> None:
    said = f"{words}You have reached your unauthenticated pull rate limit"

    failure = explain([f"2026/11/29 10:00:00 {PULL}{MANIFEST}{said}"])

    assert failure is not None
    assert failure.code == "IMAGE_RATE_LIMITED"
    assert pull_cause(f'failed to pull and unpack image "a/b:v1": {said}') == "rate_limited"
